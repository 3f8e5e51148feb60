"""Posts of Bluesky: an event of its stream, or a post as its search shows it, as one of ours."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cxlisten.collect.text import clean, text_of, whole_link
from cxlisten.collect.times import read_time
from cxlisten.models import Post, StateChange

COLLECTION = "app.bsky.feed.post"
_LINK = "app.bsky.richtext.facet#link"
_BEGINNING = datetime(2022, 11, 1, tzinfo=UTC)  # of Bluesky: what claims to be older was dated by its author
_MAX_AHEAD = timedelta(days=1)
_SENSITIVE = frozenset(("porn", "sexual", "nudity", "graphic-media", "gore", "nsfl", "!warn", "!hide"))
_COUNTS = {"likes": "likeCount", "replies": "replyCount", "reposts": "repostCount", "quotes": "quoteCount"}


class Textless(ValueError):
    """A post without a text, such as an image alone: nothing is wrong with it."""


def read_event(event: Mapping[str, Any], fetched_at: datetime) -> Post | StateChange:
    """Give a commit of the stream as a post, or say that it was deleted; raises ValueError where it is neither."""
    did, rkey = text_of(event, "did"), text_of(event, "rkey")
    if not did.startswith("did:") or not rkey:
        raise ValueError("the event names no post")
    uri, witnessed = f"at://{did}/{COLLECTION}/{rkey}", read_time(event.get("witnessedAt") or event.get("time"))
    operation = event.get("operation")
    if operation == "delete":
        return StateChange("bluesky", uri, "deleted_by_author", witnessed)
    if operation not in ("create", "update"):
        raise ValueError(f"the operation {str(operation)[:40]!r} is not known")
    return _post(uri, event, witnessed, fetched_at, edited_at=witnessed if operation == "update" else None)


def read_view(view: Any, fetched_at: datetime) -> Post:
    """Give a post of the search's answer as one of ours; raises ValueError where it is none."""
    if not isinstance(view, Mapping):
        raise ValueError("the post is not an object")
    uri = text_of(view, "uri")
    if not uri.startswith("at://did:") or uri.count("/") != 4:
        raise ValueError("the post has no uri")
    counts = {ours: view.get(theirs) for ours, theirs in _COUNTS.items()}
    metrics = {name: n for name, n in counts.items() if isinstance(n, int) and not isinstance(n, bool)}
    return _post(uri, view, read_time(view.get("indexedAt")), fetched_at, metrics=metrics)


def shown_text(item: Mapping[str, Any]) -> str:
    """The text of an event or a post of the search, links in full; raises ValueError where it holds no post."""
    record = _record(item)
    # Places are counted in bytes of UTF-8.
    text, pieces, end = text_of(record, "text").encode("utf-8", "surrogatepass"), [], 0
    for start, stop, address in sorted(_links(record.get("facets"))):
        try:
            shown = text[start:stop].decode()
        except UnicodeDecodeError:  # it begins or ends within a character
            continue
        if end <= start < stop <= len(text):
            pieces += [text[end:start], whole_link(shown, address).encode("utf-8", "surrogatepass")]
            end = stop
    return clean(b"".join([*pieces, text[end:]]).decode("utf-8", "surrogatepass"))


def sort_time(view: Any) -> datetime | None:
    """The time by which the search orders a post: when it was made, or indexed if that was before."""
    try:
        indexed = read_time(view["indexedAt"])
    except (ValueError, LookupError, TypeError):
        return None
    try:
        return min(read_time(view["record"]["createdAt"]), indexed)
    except (ValueError, LookupError, TypeError):
        return indexed


def _post(uri: str, item: Mapping[str, Any], observed_at: datetime, fetched_at: datetime, **more: Any) -> Post:
    record, text = _record(item), shown_text(item)
    if not text:
        raise Textless("no text")
    did, rkey = uri.split("/")[2::2]
    root, parent = (_uri(record.get("reply"), end) for end in ("root", "parent"))
    quoted = _uri(record.get("embed"), "record")
    return Post(
        platform="bluesky",
        native_id=uri,
        text=text,
        posted_at=_claimed(record.get("createdAt"), observed_at),
        observed_at=observed_at,
        fetched_at=fetched_at,
        raw=item,
        version=text_of(item, "cid"),
        author=did,
        lang=_lang(record.get("langs")),
        url=f"https://bsky.app/profile/{did}/post/{rkey}",
        thread_id=root or uri,
        parent_key=f"bluesky:{parent}" if parent else None,
        relation="reply" if parent else "quote" if quoted else "original",
        ref_key=f"bluesky:{quoted}" if quoted else None,
        sensitive=bool(_SENSITIVE & {*_labels(item.get("labels")), *_labels(_inner(record.get("labels"), "values"))}),
        terms="bluesky",
        **more,
    )


def _record(item: Mapping[str, Any]) -> Mapping[str, Any]:
    record = item.get("record")
    if not isinstance(record, Mapping) or record.get("$type", COLLECTION) != COLLECTION:
        raise ValueError("the record is not that of a post")
    return record


def _claimed(value: Any, witnessed: datetime) -> datetime:
    """When the author's program says that the post was made; when it was seen, where that cannot be."""
    try:
        claimed = read_time(value)
    except ValueError:
        return witnessed
    return claimed if _BEGINNING <= claimed <= witnessed + _MAX_AHEAD else witnessed


def _links(facets: Any) -> Iterator[tuple[int, int, str]]:
    """Where the text shows a link, and where it leads; what is malformed marks nothing."""
    for facet in facets if isinstance(facets, list) else ():
        start, stop = (_inner(_inner(facet, "index"), end) for end in ("byteStart", "byteEnd"))
        features = _inner(facet, "features")
        for feature in features if isinstance(features, list) else ():
            address = _inner(feature, "uri") if _inner(feature, "$type") == _LINK else None
            if isinstance(address, str) and isinstance(start, int) and isinstance(stop, int) and start >= 0:
                yield start, stop, address


def _uri(of: Any, name: str) -> str | None:
    """The post that a record refers to; with media, a quoted post lies one level deeper."""
    inner = _inner(of, name)
    uri = _inner(_inner(inner, "record") or inner, "uri")
    return uri if isinstance(uri, str) and f"/{COLLECTION}/" in uri else None


def _lang(langs: Any) -> str | None:
    """The language, where the author names one; several are a setting of theirs and tell nothing of this post."""
    return langs[0] if isinstance(langs, list) and len(langs) == 1 and isinstance(langs[0], str) else None


def _labels(labels: Any) -> Iterator[str]:
    for label in labels if isinstance(labels, list) else ():
        value = _inner(label, "val")
        if isinstance(value, str) and not _inner(label, "neg"):
            yield value


def _inner(of: Any, name: str) -> Any:
    return of.get(name) if isinstance(of, Mapping) else None
