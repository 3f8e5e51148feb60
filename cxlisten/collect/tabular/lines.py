"""The bytes of a file as text lines, each with the position behind it: the ground that resuming stands on."""

import gzip
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path

from cxlisten.errors import InputError

MAX_LINE = 16 * 2**20  # longer is no post but a runaway quote or a broken file
_FIRST_BLOCK, _LAST_BLOCK = 64 * 1024, 4 * 1024


@dataclass(frozen=True, slots=True)
class Position:
    """Where the next record starts: a byte (of what gzip hides, if any) and a line, from 1."""

    offset: int = 0
    line: int = 1


def open_bytes(path: Path) -> BufferedIOBase:
    """Open a file, seeing through gzip; raises InputError with a sentence when that cannot be."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder: name the file of posts in it") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    if file.read(2) == b"\x1f\x8b":
        file.close()
        return gzip.open(path)
    file.seek(0)
    return file


def fingerprint(stream: BufferedIOBase, offset: int) -> str:
    """Hash what stays as it is while a file only grows: its first block and the one that ends at `offset`.

    A gzipped file, where going back is dear, is taken for another one when its size or time has changed.
    """
    if isinstance(stream, gzip.GzipFile):
        state = os.fstat(stream.fileno())
        return f"{state.st_size}-{state.st_mtime_ns}"
    here = stream.tell()
    stream.seek(0)
    digest = hashlib.sha256(stream.read(min(offset, _FIRST_BLOCK)))
    stream.seek(max(0, offset - _LAST_BLOCK))
    digest.update(stream.read(min(offset, _LAST_BLOCK)))
    stream.seek(here)
    return digest.hexdigest()


class Lines(Iterator[str]):
    """The lines of a stream, which may be handed to `csv.reader`.

    `position` is behind the last line given, `taken` holds the lines given since it was cleared, `second` is the
    position behind the first of them, `ended` says that the stream had no more, `whole` that the last line given
    has its line end, `too_long` that its text was cut.
    """

    def __init__(self, stream: BufferedIOBase, encoding: str, errors: str, start: Position) -> None:
        self._stream, self._encoding, self._errors = stream, encoding, errors
        self.restart(start)

    def restart(self, start: Position) -> None:
        """Go on from another position."""
        self._stream.seek(start.offset)
        self.position = self.second = start
        self.taken: list[str] = []
        self.ended = self.whole = self.too_long = False

    def __next__(self) -> str:
        raw = self._utf16_line() if self._encoding.startswith("utf-16") else self._stream.readline(MAX_LINE)
        if not raw:
            self.ended = True
            raise StopIteration
        size = len(raw)
        self.whole, self.too_long = _has_end(raw), size >= MAX_LINE
        while self.too_long and not self.whole and (rest := self._stream.readline(MAX_LINE)):
            size += len(rest)
            self.whole = _has_end(rest)
        self.position = Position(self.position.offset + size, self.position.line + 1)
        if not self.taken:
            self.second = self.position
        self.taken.append(decode(raw, self._encoding, self._errors))
        return self.taken[-1]

    def _utf16_line(self) -> bytes:
        """`readline` stops at any byte 0x0A, which in UTF-16 may be half of another character."""
        little = self._encoding == "utf-16-le"
        line = bytearray()
        while len(line) < MAX_LINE and (piece := self._stream.readline(MAX_LINE)):
            line += piece
            if little and len(line) % 2:
                line += self._stream.read(1)
            if len(line) % 2 == 0 and line.endswith(b"\n\0" if little else b"\0\n"):
                break
        return bytes(line)


def decode(raw: bytes, encoding: str, errors: str) -> str:
    """Decode what must not fail; `errors` "cp1252" is for bytes of a file that has shown no other non-ASCII."""
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace") if errors == "cp1252" else raw.decode(encoding, "replace")


def _has_end(line: bytes) -> bool:
    return line.rstrip(b"\0").endswith(b"\n")
