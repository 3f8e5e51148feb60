"""The bytes of a file as text lines, each with the position behind it: the ground that resuming stands on."""

import gzip
import hashlib
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedIOBase, BufferedReader, FileIO, RawIOBase
from pathlib import Path
from typing import Any

from cxlisten.errors import InputError, MissingExtra

MAX_LINE = 16 * 2**20  # longer is no post but a runaway quote or a broken file
DAMAGE = (EOFError, OSError, zlib.error)  # what reading raises at the cut of a gzip file
_FIRST_BLOCK, _LAST_BLOCK = 64 * 1024, 4 * 1024
_SKIPPED = 2**20


@dataclass(frozen=True, slots=True)
class Position:
    """Where the next record starts: a byte (of what gzip hides, if any) and a line, from 1."""

    offset: int = 0
    line: int = 1


def open_bytes(path: Path) -> BufferedIOBase:
    """Open a file, seeing through gzip and Zstandard; raises InputError with a sentence when that cannot be."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder: name the file of posts in it") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    magic = file.read(4)
    if magic.startswith(b"\x1f\x8b"):
        file.close()
        return gzip.open(path)
    file.seek(0)
    return BufferedReader(_Zstandard(file)) if magic == b"\x28\xb5\x2f\xfd" else file


def fingerprint(stream: BufferedIOBase, offset: int) -> str:
    """Hash what stays as it is while a file only grows: its first block and the one that ends at `offset`.

    A compressed file, where going back is dear, is taken for another one when its size or time has changed.
    """
    if not isinstance(getattr(stream, "raw", None), FileIO):
        state = os.fstat(stream.fileno())
        return f"{state.st_size}-{state.st_mtime_ns}"
    here = stream.tell()
    stream.seek(0)
    digest = hashlib.sha256(stream.read(min(offset, _FIRST_BLOCK)))
    stream.seek(max(0, offset - _LAST_BLOCK))
    digest.update(stream.read(min(offset, _LAST_BLOCK)))
    stream.seek(here)
    return digest.hexdigest()


class _Zstandard(RawIOBase):
    """What a Zstandard file holds. As in gzip, to go back is to begin again."""

    def __init__(self, file: BufferedReader) -> None:
        self._file = file
        self._begin()

    def _begin(self) -> None:
        try:
            from zstandard import ZstdDecompressor
        except ModuleNotFoundError:
            raise MissingExtra("zstandard", "sources") from None
        self._file.seek(0)
        # Reddit's dumps look back over up to 2 GiB, which is what reading them then takes.
        self._unpacked = ZstdDecompressor(max_window_size=2**31).stream_reader(self._file, read_across_frames=True)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._file.fileno()

    def readinto(self, buffer: Any) -> int:
        from zstandard import ZstdError

        try:
            return self._unpacked.readinto(buffer)
        except ZstdError as error:
            raise OSError(str(error)) from None

    def tell(self) -> int:
        return self._unpacked.tell()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if offset < self.tell():
            self._begin()
        while self.tell() < offset and self.readinto(bytearray(min(_SKIPPED, offset - self.tell()))):
            pass
        return self.tell()

    def close(self) -> None:
        self._file.close()
        super().close()


class Lines(Iterator[str]):
    """The lines of a stream, which may be handed to `csv.reader`.

    `position` is behind the last line given. Of the record begun, `taken` holds the lines, `second` is the position
    behind the first of them, and `too_long` says that one was cut. `whole` says that the last line given has its
    line end, `ended` that there are no more, `damaged` that this is because the rest cannot be read.
    """

    def __init__(self, stream: BufferedIOBase, encoding: str, errors: str, start: Position) -> None:
        self._stream, self._encoding, self._errors = stream, encoding, errors
        self._end = {"utf-16-le": b"\n\0", "utf-16-be": b"\0\n"}.get(encoding, b"\n")
        self.whole = self.ended = self.damaged = False
        self.go_to(start)

    def go_to(self, start: Position) -> None:
        """Go on from another position."""
        self._stream.seek(start.offset)
        self.position = start
        self.ended = False
        self.begin()

    def begin(self) -> Position:
        """Begin a record where the last one ended."""
        self.taken: list[str] = []
        self.second = self.position
        self.too_long = False
        return self.position

    def __next__(self) -> str:
        try:
            raw = rest = self._read_line()
            size = len(raw)
            while len(rest) >= MAX_LINE and not self._has_end(rest):
                rest = self._read_line()
                size += len(rest)
            self.whole = self._has_end(rest)
        except DAMAGE:
            raw, self.damaged = b"", True
        if not raw:
            self.ended = True
            raise StopIteration
        self.too_long |= size >= MAX_LINE
        self.position = Position(self.position.offset + size, self.position.line + 1)
        if not self.taken:
            self.second = self.position
        self.taken.append(decode(raw, self._encoding, self._errors))
        return self.taken[-1]

    def _read_line(self) -> bytes:
        """Up to a line end or a bit more than MAX_LINE bytes."""
        line = self._stream.readline(MAX_LINE)
        if len(self._end) == 1:
            return line
        # In UTF-16 the byte 0x0A, at which `readline` stops, may be half of another character.
        whole = bytearray(line)
        while line:
            if len(whole) % 2:
                whole += self._stream.read(1)
            if len(whole) >= MAX_LINE or self._has_end(whole):
                break
            line = self._stream.readline(MAX_LINE)
            whole += line
        return bytes(whole)

    def _has_end(self, line: bytes | bytearray) -> bool:
        return line.endswith(self._end) and len(line) % len(self._end) == 0


def decode(raw: bytes, encoding: str, errors: str) -> str:
    """Decode what must not fail; `errors` "cp1252" is for bytes of a file that has shown no other non-ASCII."""
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace") if errors == "cp1252" else raw.decode(encoding, "replace")
