"""The records of a file, streamed one at a time, each with the position from which reading can go on behind it."""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from cxlisten.collect.tabular.layout import Layout
from cxlisten.collect.tabular.lines import MAX_LINE, Lines, Position
from cxlisten.errors import InputError

_MAX_ARRAY = 256 * 2**20


@dataclass(frozen=True, slots=True)
class Record:
    """One row or object as the file has it; `problem` says why it cannot be read.

    `resume` is the position behind it, and that *before* it for a last row without a line end: a writer may be
    in the middle of it, so it is read again when the file has grown.
    """

    line: int
    original: str
    fields: Mapping[str, Any]
    resume: Position
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The last record is not whole yet: it is left for the next run."""

    line: int


def read_records(layout: Layout, stream: BinaryIO, start: Position) -> Iterator[Record | Unfinished]:
    """Stream the records from `start` on; an array is always read from its first item."""
    if layout.form == "array":
        return _array_items(layout, stream)
    lines = Lines(stream, layout.encoding, layout.errors, start)
    return _json_lines(lines) if layout.form == "jsonl" else _csv_rows(lines, layout)


def _json_lines(lines: Lines) -> Iterator[Record | Unfinished]:
    while True:
        before = lines.position
        lines.restart(before)
        text = next(lines, None)
        if text is None:
            return
        if not text.strip("\0\r\n\t \ufeff"):
            continue
        fields, problem = _json_object(text)
        if lines.too_long:
            fields, problem = {}, f"a line of more than {MAX_LINE >> 20} MiB"
        whole = text.endswith("\n")
        if problem and not whole:
            yield Unfinished(before.line)
        else:
            yield Record(before.line, text, fields, lines.position if whole else before, problem)


def _json_object(text: str) -> tuple[dict[str, Any], str | None]:
    try:
        item = json.loads(text.strip("\0\r\n\t \ufeff"))
    except json.JSONDecodeError as error:
        return {}, f"not JSON: {error.msg} at character {error.pos + 1}"
    except (ValueError, RecursionError):
        return {}, "not JSON: a number or a nesting without end"
    return (item, None) if isinstance(item, dict) else ({}, "not a JSON object")


def _array_items(layout: Layout, stream: BinaryIO) -> Iterator[Record | Unfinished]:
    stream.seek(layout.start.offset)
    data = stream.read(_MAX_ARRAY + 1)
    if len(data) > _MAX_ARRAY:
        raise InputError(
            f"{layout.path} is a JSON array of more than {_MAX_ARRAY >> 20} MiB:"
            f" write one post a line instead  (jq -c '.[]' {layout.path.name} > posts.jsonl)"
        )
    try:
        items = json.loads(data.decode(layout.encoding, "replace"))
    except (ValueError, RecursionError):
        raise InputError(f"{layout.path} starts like a JSON array but is none: export it again") from None
    for number, item in enumerate(items, start=1):
        resume = Position(layout.start.offset, number + 1)
        if isinstance(item, dict):
            yield Record(number, "", item, resume)
        else:
            yield Record(number, json.dumps(item), {}, resume, "not a JSON object")


def _csv_rows(lines: Lines, layout: Layout) -> Iterator[Record | Unfinished]:
    csv.field_size_limit(MAX_LINE)  # of the whole process; the default of 128 KiB is shorter than some posts
    width = len(layout.header)
    reader = _reader(lines, layout)
    while True:
        before = lines.position
        lines.taken.clear()
        problem, row = None, []
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problem = "a line or field of more than 16 MiB" if "limit" in str(error) else str(error)
        original = "".join(lines.taken)
        whole = original.endswith("\n")
        if (lines.ended or problem) and len(lines.taken) > 1 and _hides_rows(lines.taken[1:], layout):
            # A stray quote swallowed the rows behind it: give up its line, not them.
            yield Record(before.line, lines.taken[0], {}, lines.second, "the quote opened here is never closed")
            lines.restart(lines.second)
            reader = _reader(lines, layout)
        elif lines.ended or (not whole and (problem or len(row) != width)):
            yield Unfinished(before.line)
        elif row or problem:
            if len(row) > width and any(row[width:]):
                problem = f"{len(row)} fields where the header has {width}"
            fields = dict(zip(layout.header, row, strict=False))
            yield Record(before.line, original, fields, lines.position if whole else before, problem)


def _reader(lines: Lines, layout: Layout) -> Any:
    return csv.reader(lines, delimiter=layout.delimiter, escapechar=layout.escape)


def _hides_rows(rest: list[str], layout: Layout) -> bool:
    """Whether lines taken for the inside of a quoted field are rows themselves."""
    width = len(layout.header)
    if width == 1:
        return False
    try:
        rows = list(_reader(iter(rest), layout))  # type: ignore[arg-type]
    except csv.Error:
        return True
    return any(len(row) == width for row in rows)
