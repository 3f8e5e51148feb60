"""The bytes of an RSS or Atom feed → posts, entry by entry."""

import calendar
import codecs
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

from cxlisten.collect.reddit.items import ID as REDDIT_ID
from cxlisten.collect.reddit.items import state_of_texts
from cxlisten.collect.text import clean, html_to_text, join_title
from cxlisten.errors import Protocol
from cxlisten.models import Post, Reject, StateChange

_ENDS = (b"</rss>", b"</feed>", b"</rdf:rdf>")
_HARMLESS = (feedparser.CharacterEncodingOverride, feedparser.NonXMLContentType)
_UNIQUE_EVERYWHERE = re.compile(r"(https?|tag|urn|at):", re.IGNORECASE)
_REDDIT_THREAD = re.compile(r"/comments/([a-z0-9]+)/")


@dataclass(slots=True)
class Feed:
    """What a feed showed. `undated` gives, by id, when posts that name no date were first seen (epoch).

    `is_broken` says that the XML is not well-formed, `is_cut` that the feed ends before its end: then its last
    entry, which may be half of one, is left out.
    """

    posts: list[Post] = field(default_factory=list)
    rejected: list[Reject] = field(default_factory=list)
    deletes: list[StateChange] = field(default_factory=list)
    undated: dict[str, int] = field(default_factory=dict)
    is_broken: bool = False
    is_cut: bool = False


def read_feed(body: bytes, url: str, content_type: str, undated: Mapping[str, int]) -> Feed:
    """Read a feed; `undated` is that of its last reading. Raises Protocol when the bytes are no feed."""
    address = urlsplit(url)
    place = f"{address.netloc.rpartition('@')[2]}{address.path}"
    # Given the address, feedparser would make a link of every id, and keep a reader's token with every post.
    page = feedparser.parse(io.BytesIO(_whole(body)), response_headers={"content-type": content_type})
    if not page.get("version") and not page.entries:
        raise Protocol(f"{place} answered with something that is no feed: check the address, or it may block us")
    feed = Feed()
    feed.is_broken = bool(page.bozo) and not isinstance(page.get("bozo_exception"), _HARMLESS)
    feed.is_cut = feed.is_broken and not body.rstrip().lower().endswith(_ENDS)
    reader = _Reader(datetime.now(UTC), undated, feed)
    of = {"address": f"{address.scheme}://{place}", "language": _language(page.feed.get("language"))}
    for number, entry in enumerate(page.entries[:-1] if feed.is_cut else page.entries, start=1):
        # A plain dict: that of feedparser answers for keys that it does not have.
        item = json.loads(json.dumps(entry)) | {"feed": of}
        try:
            found = reader.post(item)
            if isinstance(found, Post):
                feed.posts.append(found)
            else:
                feed.deletes.append(found)
        except (ValueError, OverflowError) as error:
            feed.rejected.append(Reject(str(error), json.dumps(item), f"{place} entry {number}"))
    return feed


def read_entry(entry: Any, fetched_at: datetime) -> Post | StateChange:
    """Read an entry as a reading left it, with the `feed` that it is of; raises ValueError where it is no post."""
    if not isinstance(entry, dict) or not isinstance(entry.get("feed"), dict):
        raise ValueError("an entry that does not say of which feed it is")
    return _Reader(fetched_at, {}, Feed()).post(entry)


def _whole(body: bytes) -> bytes:
    """Without the half of a character with which a cut feed may end: all of it would be read in another encoding."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(body)
    except UnicodeDecodeError:
        return body
    return body.removesuffix(decoder.getstate()[0])


def digest(text: str) -> str:
    """A short name for what is too long or too private to be kept."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class _Reader:
    now: datetime
    undated: Mapping[str, int]
    feed: Feed

    def post(self, entry: Mapping[str, Any]) -> Post | StateChange:
        address, lang = entry["feed"]["address"], entry["feed"]["language"]
        link = urljoin(address, entry["link"]) if entry.get("link") else ""
        is_reddit = bool(REDDIT_ID.fullmatch(entry.get("id") or "")) and "reddit.com/" in link
        is_comment = is_reddit and entry["id"].startswith("t1_")
        # Reddit titles a comment with its author's name, and signs each body with it.
        title = "" if is_comment else html_to_text(entry.get("title") or "")
        contents = [part["value"] for part in entry.get("content", []) if part.get("value")]
        html = next(iter(contents), entry.get("summary") or "")
        body, author = html_to_text(html, within="div.md" if is_reddit else None), clean(entry.get("author") or "")
        text = join_title(title, body)
        if not text:
            raise ValueError("neither a title nor a text")
        native_id = entry["id"] if is_reddit else _id(entry, address.partition("://")[2], link, text)
        if is_reddit:
            # As the API has it, so that a post is the same post, of the same author, whichever way it came.
            author = author.removeprefix("/u/").removeprefix("[deleted]")
            if state := state_of_texts(author or None, title, body):
                return StateChange("reddit", native_id, state, self.now)
        thread = _REDDIT_THREAD.search(link) if is_reddit else None
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
            author=author or None,
            title=title or None,
            lang=lang,
            url=link if link.startswith(("http://", "https://")) else None,
            thread_id=f"t3_{thread[1]}" if thread else None,
            relation="reply" if is_comment else "original",
            terms="reddit-48h" if is_reddit else "feed",
        )

    def _first_seen(self, native_id: str) -> datetime:
        key = digest(native_id)
        self.feed.undated[key] = self.undated.get(key, int(self.now.timestamp()))
        return datetime.fromtimestamp(self.feed.undated[key], UTC)


def _id(entry: Mapping[str, Any], place: str, link: str, text: str) -> str:
    """The entry's own id; one that is no address may occur in other feeds too and gets the feed's name."""
    own = str(entry.get("id") or link)
    if _UNIQUE_EVERYWHERE.match(own):
        return own
    return f"{place}#{own or digest(text)}"


def _time(entry: Mapping[str, Any], name: str) -> datetime | None:
    parsed = entry.get(name)
    return datetime.fromtimestamp(calendar.timegm(parsed), UTC) if parsed else None


def _language(tag: Any) -> str | None:
    match = re.match(r"[a-z]{2,3}(?=$|[-_])", str(tag or "").lower())
    return match[0] if match else None
