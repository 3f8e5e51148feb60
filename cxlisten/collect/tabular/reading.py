"""All that is decided about a file before its first post is made: its layout, its columns, how its dates are meant."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta, timezone, tzinfo
from itertools import islice
from pathlib import Path
from typing import Any

from cxlisten.collect.tabular.columns import Columns, FieldName, choose_columns, value_of
from cxlisten.collect.tabular.exports import Export, find_export
from cxlisten.collect.tabular.layout import Layout, find_layout
from cxlisten.collect.tabular.lines import open_bytes
from cxlisten.collect.tabular.records import read_records
from cxlisten.collect.times import DayOrder, day_order, read_time

_SAMPLE_ROWS = 200


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file is read: as an export, or by its columns; `notes` are for the person who runs it."""

    layout: Layout
    columns: Mapping[FieldName, str]
    day_order: DayOrder | None
    notes: tuple[str, ...]
    export: Export | None = None

    @property
    def key(self) -> str:
        """Changes when the same bytes would give other posts."""
        layout = self.layout
        columns = self.export.name if self.export else dict(self.columns)
        parts = [layout.form, layout.encoding, layout.delimiter, layout.header, columns, self.day_order]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def guess_columns(path: Path) -> Columns:
    """Say which column of a file would be read as what; raises InputError when none holds the text."""
    layout = find_layout(path)
    return choose_columns(path, layout.header, list(islice(_rows(layout), _SAMPLE_ROWS)), {})


def decide_reading(path: Path, given: Mapping[FieldName, str], zone: tzinfo) -> Reading:
    """Decide how to read a file; `given` columns go before all else, `zone` is that of times without one.

    Raises InputError when it cannot be read as posts.
    """
    layout = find_layout(path)
    sample = list(islice(_rows(layout), _SAMPLE_ROWS))
    if not given and (export := find_export(layout, sample)):
        return Reading(layout, {}, None, (*layout.notes, *export.notes), export)
    columns = choose_columns(path, layout.header, sample, given)
    name = columns.mapping.get("posted_at")
    times = [value_of(row, name) for row in sample] if name else []
    order = day_order(times)
    if name and order is DayOrder.UNKNOWN:
        # No day above 12 among the first rows: the rest of the file may still tell.
        order = day_order(value_of(row, name) for row in _rows(layout))
    notes = [*layout.notes, *columns.notes]
    if order is DayOrder.UNKNOWN:
        notes.append(f'"{name}" has dates such as 3/4/2024 that can be two days: read with the month first')
    if any(_is_bare(time) for time in times):
        notes.append(f'"{name}" has times without a zone: read as {zone}')
    return Reading(layout, columns.mapping, order, tuple(notes))


def _rows(layout: Layout) -> Iterator[Mapping[str, Any]]:
    with open_bytes(layout.path) as stream:
        yield from (record.fields for record in read_records(layout, stream, layout.start) if not record.problem)


def _is_bare(time: Any) -> bool:
    """Whether a time names no zone: then it means another moment in another zone."""
    try:
        return read_time(time, UTC) != read_time(time, timezone(timedelta(hours=1)))
    except ValueError:
        return False
