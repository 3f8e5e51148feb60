"""The records of a file, streamed one at a time, each with the position from which reading can go on behind it."""

import csv
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedIOBase
from typing import Any

from cxlisten.collect.tabular.arrays import array_items
from cxlisten.collect.tabular.layout import Layout
from cxlisten.collect.tabular.lines import MAX_LINE, Lines, Position

_TOO_LONG = f"a line or field of more than {MAX_LINE >> 20} MiB"
_DAMAGED = "the compressed data is cut or damaged here"
_CSV_ERRORS = {
    "limit": _TOO_LONG,
    "new-line": "a carriage return outside of quotes",
    "expected after": "a quote inside of quotes that is not doubled",
    "unexpected end": "a quote is still open",
}


@dataclass(frozen=True, slots=True)
class Record:
    """One row or object as the file has it; `problem` says why it cannot be read.

    `resume` is the position behind it. A last record without a line end is not `whole`: a writer may be in the
    middle of it, so `resume` is the position before it, and it is read again when the file has grown.
    """

    line: int
    original: str
    fields: Mapping[str, Any]
    resume: Position
    problem: str | None = None
    whole: bool = True


def read_records(layout: Layout, stream: BufferedIOBase, start: Position) -> Iterator[Record]:
    """Stream the records from `start` on; an array is always read from its first item."""
    if layout.form == "array":
        return _array_items(layout, stream)
    lines = Lines(stream, layout.encoding, layout.errors, start)
    return _json_lines(lines) if layout.form == "jsonl" else _csv_rows(lines, layout)


def _json_lines(lines: Lines) -> Iterator[Record]:
    while True:
        before = lines.begin()
        text = next(lines, None)
        if text is None:
            break
        if not text.strip("\0\r\n\t \ufeff"):
            continue
        fields, problem = _json_object(text)
        if lines.too_long:
            fields, problem = {}, _TOO_LONG
        resume = lines.position if lines.whole else before
        yield Record(before.line, text, fields, resume, problem, lines.whole)
    if lines.damaged:
        yield Record(before.line, "", {}, before, _DAMAGED, whole=False)


def _json_object(text: str) -> tuple[dict[str, Any], str | None]:
    try:
        item = json.loads(text.strip("\0\r\n\t \ufeff"), parse_constant=lambda name: None)  # NaN is no JSON
    except json.JSONDecodeError as error:
        return {}, f"not JSON: {error.msg} at character {error.pos + 1}"
    except (ValueError, RecursionError):
        return {}, "not JSON: a number or a nesting without end"
    return (item, None) if isinstance(item, dict) else ({}, "not a JSON object")


def _array_items(layout: Layout, stream: BufferedIOBase) -> Iterator[Record]:
    for number, item in enumerate(array_items(layout, stream), start=1):
        resume = Position(layout.start.offset, number + 1)
        if isinstance(item.value, dict) or item.problem:
            yield Record(number, item.original, item.value or {}, resume, item.problem, item.whole)
        else:
            yield Record(number, json.dumps(item.value), {}, resume, "not a JSON object")


def _csv_rows(lines: Lines, layout: Layout) -> Iterator[Record]:
    csv.field_size_limit(MAX_LINE)  # of the whole process; the default of 128 KiB is shorter than some posts
    width = len(layout.header)
    reader = _reader(lines, layout)
    while True:
        before = lines.begin()
        problem, row = None, []
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            problem = _in_words(error)
        if lines.too_long:
            problem = _TOO_LONG
        if problem and _hides_rows(lines.taken[1:], layout):
            # A stray quote swallowed the rows behind it: its line is given up, they are not.
            yield Record(before.line, lines.taken[0], {}, lines.second, "the quote opened here is never closed")
            lines.go_to(lines.second)
            reader = _reader(lines, layout)
            continue
        whole = lines.whole and not lines.ended
        if any(row[width:]) or (row and len(row) < width and not whole):
            problem = f"{len(row)} fields where the header has {width}"
        if row or problem:
            fields = {} if problem else dict(zip(layout.header, row, strict=False))
            resume = lines.position if whole else before
            yield Record(before.line, "".join(lines.taken), fields, resume, problem, whole)
    if lines.damaged:
        yield Record(before.line, "", {}, before, _DAMAGED, whole=False)


def _reader(lines: Iterator[str], layout: Layout) -> Any:
    """Strict: a row with a quote in the wrong place is rejected, not read as well as may be."""
    return csv.reader(lines, delimiter=layout.delimiter, escapechar=layout.escape, strict=True)


def _in_words(error: csv.Error) -> str:
    for sign, words in _CSV_ERRORS.items():
        if sign in str(error):
            return words
    return str(error)


def _hides_rows(rest: list[str], layout: Layout) -> bool:
    """Whether lines that were taken for the inside of a quoted field are rows themselves; a few could be by chance."""
    with suppress(csv.Error):
        rows = list(csv.reader(rest, delimiter=layout.delimiter, escapechar=layout.escape))
        n_rows = sum(len(row) == len(layout.header) for row in rows)
        return len(layout.header) > 1 and n_rows >= max(3, 0.8 * len(rows))
    return False
