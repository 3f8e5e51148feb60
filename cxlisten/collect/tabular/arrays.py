"""The items of a JSON array, one at a time: an export may be larger than memory, and one bad item costs no other."""

import codecs
import json
import re
from collections.abc import Iterator
from io import BufferedIOBase
from typing import Any, NamedTuple

from cxlisten.collect.tabular.layout import Layout
from cxlisten.collect.tabular.lines import DAMAGE, MAX_LINE
from cxlisten.errors import InputError

_PIECE = 256 * 1024
_NEAR_END = 256  # signs: what breaks off so near the end of what is read may only not be read yet
_BEGINNING = re.compile(r"[^\[]*\[")
_BETWEEN = re.compile(r"[\s,\0\ufeff]*")
_AFTER = re.compile(r"[\s;\0]*")
_DECODER = json.JSONDecoder(parse_constant=lambda name: None)  # NaN is no JSON

codecs.register_error("cxlisten.cp1252", lambda error: _as_cp1252(error))


class Item(NamedTuple):
    """An item of an array; `problem` says why it cannot be read, `original` is what stands in its place.

    One that is not `whole` is the last: the array breaks off in it.
    """

    value: Any
    original: str = ""
    problem: str | None = None
    whole: bool = True


def array_items(layout: Layout, stream: BufferedIOBase) -> Iterator[Item]:
    """Stream the items of an array; raises InputError where it begins like one and holds none."""
    text = _Text(layout, stream)
    separator = re.compile(r"(?<=\})\s*,\s*(?=\{)")
    n_good = n_bad = 0
    while text.goes_on():
        try:
            value = text.next_value()
        except _Malformed as error:
            original = text.go_behind(separator, error.at)
            if original is None:
                yield Item(None, "", text.broken_off(error), whole=False)
                return
            n_bad += 1
            yield Item(None, original, f"not JSON: {error}")
            continue
        if not n_good and isinstance(value, dict) and value:
            # As the first item begins so do the others, and what they hold begins otherwise.
            name = re.escape(json.dumps(next(iter(value)), ensure_ascii=False))
            separator = re.compile(rf",\s*(?=\{{\s*{name}\s*:)")
        n_good += 1
        yield Item(value)
    if n_bad and not n_good:
        raise InputError(f"{layout.path} starts like a JSON array but is none: export it again")
    if not text.has_end:
        yield Item(None, "", text.broken_off("the array has no end"), whole=False)


class _Malformed(ValueError):
    def __init__(self, what: str, at: int) -> None:
        super().__init__(what)
        self.at = at


class _Text:
    """As much of the text as is needed for the item at `_at`."""

    def __init__(self, layout: Layout, stream: BufferedIOBase) -> None:
        stream.seek(layout.start.offset)
        errors = "cxlisten.cp1252" if layout.errors == "cp1252" else layout.errors
        self._stream, self._decoder = stream, codecs.getincrementaldecoder(layout.encoding)(errors)
        self._text, self._at, self._is_all = "", 0, False
        self.has_end = self.is_damaged = False
        self._more()
        beginning = _BEGINNING.match(self._text)
        self._at = beginning.end() if beginning else len(self._text)

    def goes_on(self) -> bool:
        """Go to the next item, if there is one."""
        while True:
            self._skip(_BETWEEN)
            if self._at == len(self._text):
                return False
            if self._text[self._at] != "]":
                return True
            self._at += 1
            self._skip(_AFTER)
            self.has_end = self._at == len(self._text)
            if self.has_end:
                return False
            # The bracket of a list within an item that was not read to its end.

    def next_value(self) -> Any:
        """Read the item here; raises _Malformed where it is none."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                is_cut = error.pos > len(self._text) - _NEAR_END or error.msg.startswith("Unterminated string")
                if is_cut and len(self._text) - self._at < MAX_LINE and self._more():
                    continue
                raise _Malformed(f"{error.msg} at character {error.pos - self._at + 1}", error.pos) from None
            except (ValueError, RecursionError):
                raise _Malformed("a number or a nesting without end", self._at) from None
            if end == len(self._text) and self._more():
                continue  # a number may go on
            self._at = end
            return value

    def go_behind(self, separator: re.Pattern[str], at: int) -> str | None:
        """Go behind a bad item, to what separates it from the next, and give it; null where nothing follows."""
        begun_at: int | None = self._at
        original, self._at = self._text[self._at :], at
        while not (found := separator.search(self._text, self._at)):
            self._at = max(self._at, len(self._text) - _NEAR_END)
            begun_at = None
            if not self._more():
                return self._last(original)
        self._at = found.start()
        return original if begun_at is None else original[: found.start() - begun_at]

    def _last(self, original: str) -> str | None:
        """A bad item that is the last one, if the array ends behind it."""
        rest = self._text[self._at :].rstrip("\0; \r\n\t")
        if not rest.endswith("]"):
            return None
        self._at += len(rest) - 1
        return original

    def broken_off(self, what: object) -> str:
        """Why an item is not whole."""
        return "the compressed data is cut or damaged here" if self.is_damaged else f"not JSON: {what}"

    def _skip(self, signs: re.Pattern[str]) -> None:
        while True:
            found = signs.match(self._text, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._text) or not self._more():
                return

    def _more(self) -> bool:
        """Read on, half of the text at a time and what was gone through forgotten; false at the end."""
        if self._is_all:
            return False
        data, wanted = bytearray(), max(_PIECE, len(self._text) - self._at)
        try:
            while len(data) < wanted and (piece := self._stream.read1(wanted - len(data))):
                data += piece
        except DAMAGE:
            self.is_damaged = True
        self._is_all = len(data) < wanted
        self._text, self._at = self._text[self._at :] + self._decoder.decode(bytes(data), self._is_all), 0
        return True


def _as_cp1252(error: UnicodeError) -> tuple[str, int]:
    """Bytes of a file that has shown no other than ASCII before."""
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end
