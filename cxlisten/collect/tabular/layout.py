"""How a file of posts is written: found from its first block, whatever its name says."""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedIOBase
from itertools import islice
from pathlib import Path
from typing import Literal

from cxlisten.collect.tabular.lines import DAMAGE, Lines, Position, open_bytes
from cxlisten.errors import InputError

_HEAD = 64 * 1024
_SAMPLE_ROWS = 50
_DELIMITERS = (",", ";", "\t", "|")
_NO_DELIMITER = "\x1f"
_BOMS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_ARCHIVE = re.compile(r"\s*window\.YTD\.(\w+)\.part\d+\s*=\s*\[")
_ARCHIVED_POSTS = frozenset(("tweets", "tweet", "community_tweet"))
_NOT_TEXT = {
    b"PK\x03\x04": "a spreadsheet or a zip: save it as CSV, or unpack it",
    b"PAR1": "Parquet: export it as CSV or JSON lines",
    b"%PDF": "a PDF: export the posts as CSV",
}


@dataclass(frozen=True, slots=True)
class Layout:
    """How to read a file: `start` is where its records begin, `header` the column names of a CSV.

    `is_archive` says that its array holds the posts of an X archive.
    """

    path: Path
    form: Literal["csv", "jsonl", "array"]
    encoding: str
    errors: Literal["cp1252", "replace"]
    start: Position
    delimiter: str = ","
    escape: str | None = None
    header: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    is_archive: bool = False


def find_layout(path: Path) -> Layout:
    """Find out how a file is written; raises InputError when it cannot hold posts."""
    with open_bytes(path) as stream:
        head = _head(path, stream)
        for magic, advice in _NOT_TEXT.items():
            if head.startswith(magic):
                raise InputError(f"{path} is {advice}")
        encoding, errors, skip, notes = _encoding(head)
        text = head[skip:].decode(encoding, "replace")
        if not text.strip("\0\r\n\t "):
            raise InputError(f"{path} is empty: there is nothing to read yet")
        start = Position(skip, 1)
        archive = _ARCHIVE.match(text)
        if archive and archive[1] not in _ARCHIVED_POSTS:
            raise InputError(f"{path} holds the {archive[1]} of an X archive: its posts are in tweets.js")
        first = text.lstrip()[:1]
        if archive or first == "[":
            return Layout(path, "array", encoding, errors, start, notes=notes, is_archive=bool(archive))
        if first == "{":
            _refuse_one_object(path, text)
            return Layout(path, "jsonl", encoding, errors, start, notes=notes)
        if "\r" in text and "\n" not in text:
            raise InputError(f"{path} has the line ends of an old Macintosh (CR only): save it as CSV UTF-8")
        delimiter, escape = _delimiter(text), _escape(text)
        lines = Lines(stream, encoding, errors, start)
        names = next(filter(any, _rows(lines, delimiter, escape)), None)
        if names is None:
            raise InputError(f"{path} has no header: its first line must name the columns")
        header, about_header = _header(names)
        return Layout(path, "csv", encoding, errors, lines.position, delimiter, escape, header, (*notes, *about_header))


def _head(path: Path, stream: BufferedIOBase) -> bytes:
    """The first block, or what can be read of it where a gzip file is cut."""
    head = bytearray()
    try:
        while len(head) < _HEAD and (piece := stream.read1(_HEAD - len(head))):
            head += piece
    except DAMAGE:
        if not head:
            raise InputError(f"{path}: the compressed data is damaged at its start; export it again") from None
    return bytes(head)


def _encoding(head: bytes) -> tuple[str, Literal["cp1252", "replace"], int, tuple[str, ...]]:
    """The encoding, what a line that breaks it is, how many bytes of mark come first, and what to say of it."""
    for bom, encoding in _BOMS.items():
        if head.startswith(bom):
            return encoding, "replace", len(bom), ()
    # Latin text in UTF-16 has a NUL in every other byte.
    for encoding, half in (("utf-16-le", head[1::2]), ("utf-16-be", head[0::2])):
        if half.count(0) > 0.4 * len(half):
            return encoding, "replace", 0, (f"no byte-order mark: read as {encoding.upper()}",)
    lines = [line for line in head.split(b"\n") if not line.isascii()]
    n_utf8 = sum(_is_utf8(line) for line in lines)
    if not lines:
        return "utf-8", "cp1252", 0, ()
    if n_utf8 >= len(lines) - n_utf8:
        return "utf-8", "replace", 0, ()
    return "cp1252", "replace", 0, ("not UTF-8: read as Windows-1252",)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start >= len(line) - 3  # the block may end inside a character
    return True


def _refuse_one_object(path: Path, text: str) -> None:
    first = text.lstrip().split("\n", 1)[0].strip()
    try:
        json.loads(first)
    except ValueError:
        if first == "{" or '": [' in first.replace('":[', '": ['):
            raise InputError(
                f"{path} is one JSON object over many lines: give an array of posts, or one post a line"
                f"  (jq -c '.posts[]' {path.name} > posts.jsonl)"
            ) from None


def _delimiter(text: str) -> str:
    """The delimiter that cuts most rows into as many fields as the header."""
    sample = [f"{line}\n" for line in text.split("\n")]
    best, best_score = _NO_DELIMITER, 0.0
    for delimiter in _DELIMITERS:
        rows = list(islice(filter(None, _rows(sample, delimiter, None)), _SAMPLE_ROWS))
        width = len(rows[0]) if rows else 0
        score = sum(len(row) == width for row in rows) / len(rows) + width / 1000 if width > 1 else 0.0
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _rows(lines: Iterable[str], delimiter: str, escape: str | None) -> Iterator[list[str]]:
    with suppress(csv.Error):
        yield from csv.reader(lines, delimiter=delimiter, escapechar=escape)


def _escape(text: str) -> str | None:
    """Some databases write a quote inside quotes as \\" where CSV doubles it."""
    return "\\" if '\\"' in text and '""' not in text else None


def _header(names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    header: list[str] = []
    notes: list[str] = []
    for place, given in enumerate(names, start=1):
        name = unique = given.strip().strip("\ufeff\0") or f"column {place}"
        while unique in header:
            unique = f"{name} (column {place})"
        if unique != name:
            notes.append(f'the header has "{name[:40]}" twice: the second is "{unique[:60]}"')
        header.append(unique)
    return tuple(header), tuple(notes)
