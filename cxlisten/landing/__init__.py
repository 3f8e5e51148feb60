"""The files between the stages: Parquet, written under a temporary name, fsynced and renamed.

A raw file is one batch of one source and query. Its rename is the one moment at which posts are safe *and* the
cursor moves: the next fetch resumes from the metadata of the newest file.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cxlisten.landing.files import write_parquet
from cxlisten.landing.rows import RAW, batch_rows
from cxlisten.models import Batch, Query

_META = b"cxlisten"
_NAME = "%Y%m%dT%H%M%S.%fZ"


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
        self.reclassified = state / "landing" / "reclassified"
        self.checked = state / "landing" / "checked"

    def folder(self, source: str, query: str) -> Path:
        """The raw files of one source and query, which share a cursor."""
        return self.raw / source / query

    def cursor(self, source: str, query: str, fingerprint: str) -> dict[str, Any] | None:
        """Where the last batch left off; none when there is none, or it answered another question."""
        header = self.last_header(source, query)
        return header.cursor_after if header and header.fingerprint == fingerprint else None

    def last_header(self, source: str, query: str) -> "Header | None":
        """The header of the newest batch."""
        newest = max(self.folder(source, query).glob("*.parquet"), default=None)
        return read_header(newest) if newest else None

    def rejected(self, source: str, query: str) -> "Iterator[tuple[Header, list[str]]]":
        """The payloads that could not be mapped, batch by batch, oldest first."""
        for path in sorted(self.folder(source, query).glob("*.parquet")):
            rows = pq.read_table(path, columns=["outcome", "raw"])
            payloads = rows.filter(pc.equal(rows["outcome"], "rejected"))["raw"].to_pylist()
            if payloads:
                yield read_header(path), payloads

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

    def reclassified_file(self, reader: str, day: date, posts: pa.Table) -> Path:
        """Where the tags of a day's posts by another recipe belong: the same posts and texts, the same file."""
        texts = zip(posts["post_id"].to_pylist(), posts["text_version"].to_pylist(), strict=True)
        digest = hashlib.sha256(repr(sorted(texts)).encode()).hexdigest()[:16]
        return self.reclassified / reader / f"{day}-{digest}.parquet"

    def reclassified_files(self) -> list[Path]:
        """The files of all recipes and days, in the order in which they are loaded."""
        return sorted(self.reclassified.rglob("*.parquet"))

    def reclassified_id(self, path: Path) -> str:
        """The idempotence marker of such a file; it has an @, as no name of a source or a query has."""
        return path.relative_to(self.reclassified.parent).with_suffix("").as_posix()

    def write_checked(self, source: str, rows: pa.Table) -> Path:
        """Land what a source answered of stored posts; `rows` has schema CHECKED."""
        folder = self.checked / source
        path = folder / f"{self._next_time(folder, datetime.now(UTC))}-{rows.num_rows}.parquet"
        write_parquet(rows, path)
        return path

    def checked_files(self) -> list[Path]:
        """The answers of all sources, oldest first: the order in which they are loaded."""
        return sorted(self.checked.rglob("*.parquet"), key=lambda path: (path.name, path))

    def checked_id(self, path: Path) -> str:
        """The idempotence marker of such a file; it has an @, as no name of a source or a query has."""
        return f"checked@{path.relative_to(self.checked).with_suffix('').as_posix()}"

    def write(
        self, source: str, query: Query, fingerprint: str, batch: Batch, unmatched: Counter[str], exact_times: bool,
        key: bytes,
    ) -> Path:  # fmt: skip
        """Land one batch, whose posts all match the query; returns when it is durable."""
        folder = self.folder(source, query.name)
        folder.mkdir(parents=True, exist_ok=True)
        now = datetime.now(UTC)
        rows = list(batch_rows(batch, query.handles, key, now))
        header = Header(
            source=source, query=query.name, brand=query.brand, fingerprint=fingerprint,
            cursor_after=dict(batch.cursor_after),
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
