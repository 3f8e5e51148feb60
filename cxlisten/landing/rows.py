"""One item of a batch as one row of a raw file: mapped, rejected with its reason, or gone."""

import hashlib
import hmac
import json
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from cxlisten.models import Batch, Post, Reject, StateChange

_TIME = pa.timestamp("us")  # naive UTC, as in the store
_MAX_AHEAD = timedelta(days=1)

RAW = pa.schema(
    [
        ("outcome", pa.string()),  # mapped | rejected | gone
        ("post_id", pa.int64()),
        ("platform", pa.string()),
        ("native_id", pa.string()),
        ("kind", pa.string()),
        ("version", pa.string()),
        ("posted_at", _TIME),
        ("edited_at", _TIME),
        ("observed_at", _TIME),
        ("fetched_at", _TIME),
        ("author_key", pa.int64()),
        ("title", pa.string()),
        ("text", pa.string()),
        ("lang", pa.string()),
        ("url", pa.string()),
        ("thread_id", pa.string()),
        ("parent_key", pa.string()),
        ("relation", pa.string()),
        ("ref_key", pa.string()),
        ("metrics", pa.map_(pa.string(), pa.int64())),
        ("withheld_in", pa.list_(pa.string())),
        ("sensitive", pa.bool_()),
        ("is_own", pa.bool_()),  # posted by the brand itself
        ("terms", pa.string()),
        ("raw", pa.string()),
        ("reason", pa.string()),
        ("place", pa.string()),
    ]
)


def post_id(platform: str, native_id: str) -> int:
    """63 bits of the SHA-256 of a post's identity: stable across engines and releases."""
    return int.from_bytes(hashlib.sha256(f"{platform}\0{native_id}".encode("utf-8", "replace")).digest()[:8]) >> 1


def batch_rows(batch: Batch, handles: Collection[str], key: bytes, now: datetime) -> Iterator[dict[str, Any]]:
    """Give every item of a batch as a row of schema RAW; a post that cannot be one becomes a reject.

    `handles` are the brand's own accounts.
    """
    own = {_handle(handle) for handle in handles}
    for post in batch.posts:
        try:
            yield {**_post_row(post, key, now), "is_own": post.author is not None and _handle(post.author) in own}
        except (ValueError, TypeError, OverflowError) as error:
            payload = json.dumps(post.raw, default=str)
            yield _reject_row(Reject(str(error), payload, "mapping", post.native_id), now)
    for reject in batch.rejected:
        yield _reject_row(reject, now)
    for change in batch.deletes:
        yield _gone_row(change)


def _post_row(post: Post, key: bytes, now: datetime) -> dict[str, Any]:
    """One post as a row; raises ValueError with the reason when it cannot be one."""
    if not post.native_id or not post.platform:
        raise ValueError("no id: a post needs the platform's own id to be counted once")
    if not post.text.strip():
        raise ValueError("no text")
    if _utc(post.posted_at) > _utc(now) + _MAX_AHEAD:
        raise ValueError(f"posted_at {post.posted_at:%Y-%m-%d} lies in the future")
    if any(not -(2**63) <= n < 2**63 for n in post.metrics.values()):
        raise ValueError("a metric does not fit 64 bits")
    text = _clean(post.text)
    return {
        "outcome": "mapped",
        "post_id": post_id(post.platform, post.native_id),
        "platform": post.platform,
        "native_id": _clean(post.native_id),
        "kind": post.kind,
        "version": post.version or hashlib.sha256(text.encode()).hexdigest()[:16],
        "posted_at": _utc(post.posted_at),
        "edited_at": _utc(post.edited_at) if post.edited_at else None,
        "observed_at": _utc(post.observed_at or post.fetched_at),
        "fetched_at": _utc(post.fetched_at),
        "author_key": _author_key(post, key),
        "title": _clean(post.title) if post.title else None,
        "text": text,
        "lang": post.lang,
        "url": _clean(post.url) if post.url else None,
        "thread_id": post.thread_id,
        "parent_key": post.parent_key,
        "relation": post.relation,
        "ref_key": post.ref_key,
        "metrics": dict(post.metrics),
        "withheld_in": list(post.withheld_in),
        "sensitive": post.sensitive,
        "terms": post.terms,
        "raw": json.dumps(post.raw, default=str),
    }


def _reject_row(reject: Reject, now: datetime) -> dict[str, Any]:
    return {
        "outcome": "rejected", "native_id": _clean(reject.native_id) if reject.native_id else None,
        "fetched_at": _utc(now), "raw": _clean(reject.payload), "reason": _clean(reject.reason), "place": reject.where,
    }  # fmt: skip


def _gone_row(change: StateChange) -> dict[str, Any]:
    return {
        "outcome": "gone", "post_id": post_id(change.platform, change.native_id), "platform": change.platform,
        "native_id": change.native_id, "observed_at": _utc(change.observed_at), "reason": change.state,
    }  # fmt: skip


def _handle(name: str) -> str:
    return name.strip().removeprefix("@").casefold()


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment.astimezone(UTC).replace(tzinfo=None)


def _clean(text: str) -> str:
    """A lone surrogate or a NUL would break a file or a reader downstream; the length stays, so that spans hold."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")


def _author_key(post: Post, key: bytes) -> int | None:
    if not post.author:
        return None
    name = f"{post.platform}\0{post.author}".encode("utf-8", "replace")
    return int.from_bytes(hmac.digest(key, name, "sha256")[:8]) >> 1
