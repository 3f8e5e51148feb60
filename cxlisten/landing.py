"""The files between the stages: Parquet, written under a temporary name, fsynced and renamed.

A raw file is one batch of one source and query. Its rename is the one moment at which posts are safe *and* the
cursor moves: the next fetch resumes from the metadata of the newest file.
"""

import hashlib
import hmac
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from cxlisten.models import Batch, Post, Reject, StateChange

_TIME = pa.timestamp("us")  # naive UTC, as in the store
_META = b"cxlisten"
_NAME = "%Y%m%dT%H%M%S.%fZ"
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
        ("terms", pa.string()),
        ("raw", pa.string()),
        ("reason", pa.string()),
        ("place", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Header:
    """What a raw file says of its batch; `unmatched` counts, per day, the posts that the query did not match."""

    source: str
    query: str
    brand: str
    fingerprint: str
    cursor_after: dict[str, Any]
    complete: bool
    exact_times: bool
    n_asked: int
    fetched_at: str
    unmatched: dict[str, int]
    gaps: list[dict[str, str | None]]
    notes: list[str]


class Landing:
    """The landing folder of one state folder."""

    def __init__(self, state: Path) -> None:
        self.raw = state / "landing" / "raw"
        self.classified = state / "landing" / "classified"

    def folder(self, source: str, query: str) -> Path:
        """The raw files of one source and query, which share a cursor."""
        return self.raw / source / query

    def cursor(self, source: str, query: str, fingerprint: str) -> dict[str, Any] | None:
        """Where the last batch left off; none when there is none, or it answered another question."""
        newest = max(self.folder(source, query).glob("*.parquet"), default=None)
        header = read_header(newest) if newest else None
        return header.cursor_after if header and header.fingerprint == fingerprint else None

    def pending_classify(self) -> list[Path]:
        """Raw files that have no classified counterpart, oldest first."""
        return sorted(
            (path for path in self.raw.rglob("*.parquet") if not self.counterpart(path).exists()),
            key=lambda path: (path.name, path),
        )

    def classified_files(self) -> list[Path]:
        """Raw files that are classified, oldest first: the order in which they are loaded."""
        return sorted(
            (path for path in self.raw.rglob("*.parquet") if self.counterpart(path).exists()),
            key=lambda path: (path.name, path),
        )

    def counterpart(self, raw: Path) -> Path:
        """The classified file of a raw file: the same relative path."""
        return self.classified / raw.relative_to(self.raw)

    def batch_id(self, raw: Path) -> str:
        """The idempotence marker of a raw file."""
        return raw.relative_to(self.raw).with_suffix("").as_posix()

    def write(
        self, source: str, query: str, brand: str, fingerprint: str, batch: Batch, unmatched: Counter[str],
        exact_times: bool, key: bytes,
    ) -> Path:  # fmt: skip
        """Land one batch, whose posts all match the query; returns when it is durable."""
        folder = self.folder(source, query)
        folder.mkdir(parents=True, exist_ok=True)
        now = datetime.now(UTC)
        rows = list(_rows(batch, key, now))
        header = Header(
            source=source, query=query, brand=brand, fingerprint=fingerprint, cursor_after=dict(batch.cursor_after),
            complete=batch.complete, exact_times=exact_times, n_asked=batch.n_asked, fetched_at=now.isoformat(),
            unmatched=dict(unmatched),
            gaps=[{k: str(v) if v else v for k, v in asdict(gap).items()} for gap in batch.gaps],
            notes=list(batch.notes),
        )  # fmt: skip
        meta = json.dumps(asdict(header)).encode()
        table = pa.Table.from_pylist(rows, schema=RAW).replace_schema_metadata({_META: meta})
        name = f"{self._next_time(folder, now)}-{hashlib.sha256(meta).hexdigest()[:8]}.parquet"
        write_parquet(table, folder / name)
        return folder / name

    def _next_time(self, folder: Path, now: datetime) -> str:
        """A name that sorts behind all others even when the clock was set back."""
        newest = max(folder.glob("*.parquet"), default=None)
        if newest:
            last = datetime.strptime(newest.name.split("-")[0], _NAME).replace(tzinfo=UTC)
            now = max(now, last + timedelta(microseconds=1))
        return now.strftime(_NAME)

    def sweep(self, source: str, query: str) -> None:
        """Remove what a killed run left half written; call it under the collector's lock only."""
        for draft in self.folder(source, query).glob(".*.tmp"):
            draft.unlink()


def read_header(raw: Path) -> Header:
    """Read the header of a raw file."""
    return Header(**json.loads(pq.read_schema(raw).metadata[_META]))


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a Parquet file so that it is either there and durable, or not there."""
    write_durably(path, lambda file: pq.write_table(table, file, compression="zstd"))


def write_durably(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write under a temporary name, fsync, rename, fsync the folder: no reader ever sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with draft.open("wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def post_id(platform: str, native_id: str) -> int:
    """63 bits of the SHA-256 of a post's identity: stable across engines and releases."""
    return int.from_bytes(hashlib.sha256(f"{platform}\0{native_id}".encode("utf-8", "replace")).digest()[:8]) >> 1


def _rows(batch: Batch, key: bytes, now: datetime) -> Iterator[dict[str, Any]]:
    for post in batch.posts:
        try:
            yield _post_row(post, key, now)
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
