"""X's posts as Posts. X is renaming tweets to posts, in the names of its fields too: both spellings are read."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from cxlisten.collect.text import clean, text_of
from cxlisten.collect.times import read_time
from cxlisten.collect.x.query import language_of
from cxlisten.models import Post

FIELDS = [
    "author_id", "conversation_id", "created_at", "lang", "note_tweet", "possibly_sensitive", "public_metrics",
    "referenced_tweets", "withheld",
]  # fmt: skip
_METRICS = {
    "like_count": "likes", "reply_count": "replies", "retweet_count": "reposts", "repost_count": "reposts",
    "quote_count": "quotes", "bookmark_count": "bookmarks", "impression_count": "views",
}  # fmt: skip
_EPOCH_MS = 1_288_834_974_657  # from which the upper bits of an id count milliseconds


def read_post(item: Any, fetched_at: datetime) -> Post:
    """Map a post, with what `whole` put into it; raises ValueError with the reason where it is none.

    An edit is a post of its own that names those before it: the first of them is the identity of all.
    """
    if not isinstance(item, Mapping):
        raise ValueError("the post is not an object")
    this_id, chain = _id(item.get("id")), edits(item)
    # The time that it names is that of the edit; the first id tells when the post was made.
    edited_at = _made_at(this_id) if this_id != chain[0] else None
    posted_at = _made_at(chain[0]) if edited_at else read_time(item.get("created_at"))
    references = _references(item)
    reply_to, quoted, reposted = map(references.get, ("replied_to", "quoted", "retweeted"))
    text = _text((reposted and _included(item, "tweets", "posts")) or item)
    if not text:
        raise ValueError("no text")
    counts, withheld = _object(item, "public_metrics"), _object(item, "withheld")
    return Post(
        platform="x",
        native_id=chain[0],
        text=text,
        posted_at=posted_at.replace(microsecond=0),
        fetched_at=fetched_at,
        raw=item,
        version=str(chain.index(this_id) + 1),
        edited_at=edited_at,
        observed_at=edited_at,
        author=text_of(_included(item, "users"), "username") or text_of(item, "author_id") or None,
        lang=language_of(text_of(item, "lang")),
        url=f"https://x.com/i/web/status/{this_id}",
        thread_id=text_of(item, "conversation_id") or None,
        parent_key=f"x:{reply_to}" if reply_to else None,
        relation="repost" if reposted else "reply" if reply_to else "quote" if quoted else "original",
        ref_key=f"x:{reposted or quoted}" if reposted or quoted else None,
        metrics={ours: n for name, ours in _METRICS.items() if type(n := counts.get(name)) is int},
        withheld_in=tuple(map(str, withheld.get("country_codes") or ())),
        sensitive=item.get("possibly_sensitive") is True,
        terms="x-2026",
    )


def whole(item: Any, originals: Mapping[str, Any], authors: Mapping[str, Any]) -> Any:
    """Put into a post what an answer holds of it elsewhere: its author, and the original where it is a repost."""
    if not isinstance(item, Mapping):
        return item
    found = {"tweets": originals.get(reposted_by(item)), "users": authors.get(str(item.get("author_id")))}
    includes = {name: [value] for name, value in found.items() if value}
    return {**item, "includes": includes} if includes else item


def by_id(holder: Any, *names: str) -> dict[str, Any]:
    """What a list holds, by id; it is under the one of the names that `holder` has, if any."""
    items = either(holder, *names) if isinstance(holder, Mapping) else None
    every = items if isinstance(items, list) else []
    return {str(one["id"]): one for one in every if isinstance(one, Mapping) and "id" in one}


def reposted_by(item: Any) -> str:
    """The id of what a post repeats, "" where it is no repost."""
    return _references(item).get("retweeted", "") if isinstance(item, Mapping) else ""


def edits(item: Mapping[str, Any]) -> list[str]:
    """The ids of a post's edits, oldest first, its own among them; raises ValueError where they are no such list."""
    this_id = _id(item.get("id"))
    named = either(item, "edit_history_tweet_ids", "edit_history_post_ids")
    if named is not None and not isinstance(named, list):
        raise ValueError("the history of edits is not a list")
    chain = list(map(_id, named or [this_id]))
    if this_id not in chain:
        raise ValueError("the post is not among its own edits")
    return chain


def either(item: Mapping[str, Any], *names: str) -> Any:
    """The value under the one of the names that an object has."""
    return next((item[name] for name in names if item.get(name) is not None), None)


def _references(item: Mapping[str, Any]) -> dict[str, str]:
    """The ids of what a post refers to, by how it does: retweeted, quoted, replied_to."""
    found = either(item, "referenced_tweets", "referenced_posts")
    every: Sequence[Any] = found if isinstance(found, list) else ()
    return {str(one.get("type")): str(one.get("id")) for one in every if isinstance(one, Mapping)}


def _included(item: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    return next(iter(by_id(item.get("includes"), *names).values()), {})


def _text(item: Mapping[str, Any]) -> str:
    """A long post has all of it in a note, and in `text` its beginning; X escapes no other signs than & < and >."""
    note = _object(item, "note_tweet") or _object(item, "note_post")
    text = text_of(note, "text") or text_of(item, "text")
    return clean(text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))


def _object(item: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = item.get(name)
    return value if isinstance(value, Mapping) else {}


def _id(value: Any) -> str:
    native_id = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not (native_id.isascii() and native_id.isdigit()):
        raise ValueError("an id is missing or no number")
    return native_id


def _made_at(native_id: str) -> datetime:
    return datetime.fromtimestamp(((int(native_id) >> 22) + _EPOCH_MS) / 1000, UTC)
