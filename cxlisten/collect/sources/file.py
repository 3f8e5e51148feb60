"""A file of posts: CSV, TSV, JSON lines or a JSON array, compressed or not, which may grow while we listen.

Of X's archives, of Reddit's exports and of the dumps of it the posts are those that a live fetch would bring.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BufferedIOBase
from pathlib import Path
from threading import Event
from zoneinfo import ZoneInfo

from pydantic import Field

from cxlisten.collect import Budget, Caps, Cursor, Estimate, Health, Options, Source
from cxlisten.collect.tabular.columns import FieldName
from cxlisten.collect.tabular.lines import Position, fingerprint, open_bytes
from cxlisten.collect.tabular.posts import Mapper
from cxlisten.collect.tabular.reading import Reading, decide_reading
from cxlisten.collect.tabular.records import read_records
from cxlisten.config.tables import TimeZone
from cxlisten.errors import InputError
from cxlisten.models import Batch, Post, Query, Reject, StateChange

BATCH_ROWS = 10_000


class FileOptions(Options):
    """`columns` gives our fields the file's headers where the guess is wrong; `timezone` is that of bare times."""

    path: Path
    columns: dict[FieldName, str] = Field(default_factory=dict)
    timezone: TimeZone = "UTC"


class File(Source):
    """One file, read from where it was left; from its start when it is no longer the file that it was.

    The cursor holds a byte offset, a fingerprint of what lies before it, how the bytes were read, and the size and
    time of the file once all of it is read. Reading it costs nothing, so that no budget is kept.
    """

    Options = FileOptions
    caps = Caps(exact_times=False)
    options: FileOptions

    def check(self) -> Health:
        try:
            reading = self._reading()
        except InputError as error:
            return Health(False, str(error))
        columns = ", ".join(f'{field} is "{name}"' for field, name in reading.columns.items())
        what = f"it is {reading.export.name}" if reading.export else columns
        return Health(True, f"{self.options.path} can be read: {what}")

    def estimate(self, query: Query) -> Estimate:
        return Estimate(requests=1)

    def fetch(self, query: Query, cursor: Cursor | None, budget: Budget, stop: Event) -> Iterator[Batch]:
        with open_bytes(self.options.path) as stream:
            status = os.fstat(stream.fileno())
            state = [status.st_size, status.st_mtime_ns]
            if cursor and cursor["done"] == state:
                yield Batch(cursor_after=cursor)
                return
            reading = self._reading()
            notes = list(reading.notes)
            here = _start(stream, reading, cursor, notes)
            mapper = Mapper(
                columns=reading.columns,
                platform=self.name,
                zone=ZoneInfo(self.options.timezone),
                day_order=reading.day_order,
                undated=datetime.fromtimestamp(status.st_mtime, UTC),
                fetched_at=datetime.now(UTC),
                export=reading.export,
            )

            def batch(complete: bool, is_read: bool = False) -> Batch:
                return Batch(
                    cursor_after={
                        "v": 1,
                        "offset": here.offset,
                        "line": here.line,
                        "before": fingerprint(stream, here.offset),
                        "reading": reading.key,
                        # An array is read from its start again, and so only if it has changed.
                        "done": state if complete or (is_read and reading.layout.form == "array") else None,
                    },
                    posts=[item for item in items if isinstance(item, Post)],
                    rejected=[item for item in items if isinstance(item, Reject)],
                    deletes=[item for item in items if isinstance(item, StateChange)],
                    notes=tuple(notes),
                    n_asked=int(n_read == len(items)),
                    complete=complete,
                )

            items: list[Post | Reject | StateChange] = []
            n_read, is_whole = 0, True
            for record in read_records(reading.layout, stream, here):
                if stop.is_set():
                    return
                item = mapper.map(record)
                if isinstance(item, Reject) and not record.whole:
                    is_whole = False
                    notes.append(f"line {record.line} is not finished ({item.reason}): it is left for the next run")
                    break
                items.append(item)
                n_read, here = n_read + 1, record.resume
                if len(items) == BATCH_ROWS:
                    yield batch(complete=False)
                    items, notes = [], []
            yield batch(complete=is_whole, is_read=True)

    def _reading(self) -> Reading:
        options = self.options
        return decide_reading(options.path, options.columns, ZoneInfo(options.timezone))


def _start(stream: BufferedIOBase, reading: Reading, cursor: Cursor | None, notes: list[str]) -> Position:
    """Where to go on: at the cursor if all before it is as it was, else at the start."""
    if cursor is None or reading.layout.form == "array":
        return reading.layout.start
    if cursor["reading"] == reading.key and cursor["before"] == fingerprint(stream, cursor["offset"]):
        return Position(cursor["offset"], cursor["line"])
    notes.append("the file was replaced, or is read otherwise than before: read again from its start")
    return reading.layout.start


SOURCE = File
