"""The bytes of an RSS or Atom feed → posts, entry by entry."""

import calendar
import hashlib
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import feedparser

from cxlisten.collect.text import clean, html_to_text, join_title
from cxlisten.errors import Protocol
from cxlisten.models import Post, Reject

_ENDS = (b"</rss>", b"</feed>", b"</rdf:rdf>")
_HARMLESS = (feedparser.CharacterEncodingOverride, feedparser.NonXMLContentType)
_UNIQUE_EVERYWHERE = re.compile(r"(https?|tag|urn|at):", re.IGNORECASE)
_REDDIT_ID = re.compile(r"t[13]_\w+")


@dataclass(slots=True)
class Feed:
    """What a feed showed. `undated` gives, by id, when posts that name no date were first seen (epoch).

    `is_broken` says that the XML is not well-formed, `is_cut` that the feed ends before its end: then its last
    entry, which may be half of one, is left out.
    """

    posts: list[Post] = field(default_factory=list)
    rejected: list[Reject] = field(default_factory=list)
    undated: dict[str, int] = field(default_factory=dict)
    is_broken: bool = False
    is_cut: bool = False


def read_feed(body: bytes, url: str, content_type: str, undated: Mapping[str, int]) -> Feed:
    """Read a feed; `undated` is that of its last reading. Raises Protocol when the bytes are no feed."""
    address = urlsplit(url)
    place = f"{address.netloc.rpartition('@')[2]}{address.path}"
    # Given the address, feedparser would make a link of every id, and keep a reader's token with every post.
    page = feedparser.parse(io.BytesIO(body), response_headers={"content-type": content_type})
    if not page.get("version") and not page.entries:
        raise Protocol(f"{place} answered with something that is no feed: check the address, or it may block us")
    feed = Feed()
    feed.is_broken = bool(page.bozo) and not isinstance(page.get("bozo_exception"), _HARMLESS)
    feed.is_cut = feed.is_broken and not body.rstrip().lower().endswith(_ENDS)
    reader = _Reader(address.scheme, place, _language(page.feed.get("language")), datetime.now(UTC), undated, feed)
    for number, entry in enumerate(page.entries[:-1] if feed.is_cut else page.entries, start=1):
        payload = json.dumps(entry)
        try:
            # A plain dict: that of feedparser answers for keys that it does not have.
            feed.posts.append(reader.post(json.loads(payload)))
        except (ValueError, OverflowError) as error:
            feed.rejected.append(Reject(str(error), payload, f"{place} entry {number}"))
    return feed


def digest(text: str) -> str:
    """A short name for what is too long or too private to be kept."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class _Reader:
    scheme: str
    place: str
    lang: str | None
    now: datetime
    undated: Mapping[str, int]
    feed: Feed

    def post(self, entry: Mapping[str, Any]) -> Post:
        link = urljoin(f"{self.scheme}://{self.place}", entry["link"]) if entry.get("link") else ""
        is_reddit = bool(_REDDIT_ID.fullmatch(entry.get("id") or "")) and "reddit.com/" in link
        is_comment = is_reddit and entry["id"].startswith("t1_")
        # Reddit titles a comment with its author's name, and signs each body with it.
        title = "" if is_comment else html_to_text(entry.get("title") or "")
        contents = [part["value"] for part in entry.get("content", []) if part.get("value")]
        html = next(iter(contents), entry.get("summary") or "")
        text = join_title(title, html_to_text(html, within="div.md" if is_reddit else None))
        if not text:
            raise ValueError("neither a title nor a text")
        native_id = entry["id"] if is_reddit else self._id(entry, link, text)
        published, updated = _time(entry, "published_parsed"), _time(entry, "updated_parsed")
        posted_at = published or updated or self._first_seen(native_id)
        return Post(
            platform="reddit" if is_reddit else "rss",
            native_id=native_id,
            text=text,
            posted_at=posted_at,
            fetched_at=self.now,
            raw=entry,
            kind="comment" if is_comment else "post",
            edited_at=updated if updated and updated > posted_at else None,
            author=clean(entry.get("author") or "") or None,
            title=title or None,
            lang=self.lang,
            url=link if link.startswith(("http://", "https://")) else None,
            relation="reply" if is_comment else "original",
            terms="reddit-48h" if is_reddit else "feed",
        )

    def _id(self, entry: Mapping[str, Any], link: str, text: str) -> str:
        """The entry's own id; one that is no address may occur in other feeds too and gets the feed's name."""
        own = str(entry.get("id") or link)
        if _UNIQUE_EVERYWHERE.match(own):
            return own
        return f"{self.place}#{own or digest(text)}"

    def _first_seen(self, native_id: str) -> datetime:
        key = digest(native_id)
        self.feed.undated[key] = self.undated.get(key, int(self.now.timestamp()))
        return datetime.fromtimestamp(self.feed.undated[key], UTC)


def _time(entry: Mapping[str, Any], name: str) -> datetime | None:
    parsed = entry.get(name)
    return datetime.fromtimestamp(calendar.timegm(parsed), UTC) if parsed else None


def _language(tag: Any) -> str | None:
    match = re.match(r"[a-z]{2,3}(?=$|[-_])", str(tag or "").lower())
    return match[0] if match else None
