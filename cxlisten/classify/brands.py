"""Brands: where a post names a brand, by its name, an alias, a handle or a tag, and also where it is misspelt."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from cxlisten.errors import InputError
from cxlisten.models import Query
from cxlisten.query.words import HANDLE, HASHTAG, WORD, fold

_LETTERS_OF_A_PLURAL = 4  # fewer, and "Doe" would be found in "does"
_LETTERS_OF_A_MISSPELT_NAME = 7
_LETTERS_OF_A_MISSPELT_WORD = 5  # fewer, and "Pizza Hut" would be found in "pizza but"
_LONGEST_TAG = 100  # no platform has longer ones, and their stretches are the square of it

_token = re.compile(rf"(?P<tag>(?<![^\W_])(?:{HASHTAG}|{HANDLE}))|{WORD}")
_word = re.compile(WORD)
_hump = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])")
_server = re.compile(r"[.@\uff20-]")


class Named(NamedTuple):
    """A brand that is named, and the half-open span of code points that name it, without @ or #."""

    brand: str
    start: int
    end: int


class Brands:
    """The names of brands, made ready to be found in many posts.

    "Bright Wing" is found in "bright wing's", "BrightWings", "@BrightWingHelp", "#brightwing" and "brigth wing", not in
    "brightwinged"; "@wing" only in that handle; "M&S" in "M & S", "m and s" and "#MS", not in "ms". Case, accents and
    width do not matter. In a name of seven letters a word of five may have a letter wrong, not its first, or two
    swapped.
    """

    def __init__(self, aliases: Mapping[str, Iterable[str]]) -> None:
        """Take each brand with its other names and handles; raises InputError for a name that cannot tell a brand."""
        self._brands: dict[str, str] = {}
        for brand, others in aliases.items():
            for name in (brand, *others):
                for key in _keys(name):
                    if self._brands.setdefault(key, brand) != brand:
                        raise InputError(f'"{name}" is a name of {self._brands[key]} and of {brand}: give it to one')
        words = {key: re.split("[ &]", key.removeprefix("~")) for key in self._brands}
        self._words = {"and"}.union(*words.values())
        self._longest = max((len(each) for each in words.values()), default=0)
        long = [words[key] for key in words if key[0] not in "@#" and _n_letters(key) >= _LETTERS_OF_A_MISSPELT_NAME]
        # By the first letter, where few slip; and "T-Mobile" would be found in "mobile".
        self._misspellable: dict[str, list[str]] = defaultdict(list)
        for word in sorted({word for name in long for word in name}):
            if word.isalpha() and len(word) >= _LETTERS_OF_A_MISSPELT_WORD:
                self._misspellable[word[0]].append(word)

    def find(self, text: str) -> list[Named]:
        """Find every place that names a brand, in text order; of two that overlap the best spelt, then the longest."""
        places: dict[tuple[int, int, int, int], set[str]] = defaultdict(set)
        for row in _rows(text):
            for first in range(len(row)):
                # One word more than the name has, as & may be said "and".
                for brand, n_slips, last in self._names_from(row[first : first + self._longest + 1]):
                    start, end = row[first].start, row[first + last].end
                    places[n_slips, start - end, start, end].add(brand)
        found: list[Named] = []
        taken = bytearray(len(text))
        for (_, length, start, end), brands in sorted(places.items()):
            # What is nearly the name of two brands names neither.
            if len(brands) == 1 and not any(taken[start:end]):
                taken[start:end] = b"\1" * -length
                found.append(Named(brands.pop(), start, end))
        return sorted(found, key=lambda named: named.start)

    def _names_from(self, row: list["_Word"]) -> Iterator[tuple[str, int, int]]:
        """Give each brand that is named from the first word on, how many slips are in it, and its last word."""
        keys = [("~" if row[0].sign == "~" else "", 0)]
        for last, word in enumerate(row):
            keys = [
                (key + word.sign * (last > 0) + reading, n_slips + slip)
                for reading, slip in self._readings(word.text)
                for key, n_slips in keys
                if n_slips + slip <= 1
            ]
            if not keys:
                return
            for key, n_slips in keys:
                if brand := self._brands.get(key.replace(" and ", "&")):
                    yield brand, n_slips, last

    def _readings(self, word: str) -> Iterator[tuple[str, int]]:
        """Give the words of names that a word may be, and whether that takes a slip of the pen."""
        if word in self._words:
            yield word, 0
        elif len(word) > _LETTERS_OF_A_PLURAL and (one := word.removesuffix("s")) in self._words:
            yield one, 0
        if len(word) >= _LETTERS_OF_A_MISSPELT_WORD - 1 and word.isalpha() and word[0] in self._misspellable:
            from rapidfuzz.distance import OSA
            from rapidfuzz.process import extract

            like = self._misspellable[word[0]]
            for right, n_edits, _ in extract(word, like, scorer=OSA.distance, score_cutoff=1, limit=None):
                if n_edits:
                    yield right, 1


def brands_of(queries: Sequence[Query]) -> Brands:
    """Make ready the brands of some queries, with their aliases and handles; raises InputError as Brands does.

    An account that several brands share tells none of them.
    """
    names: dict[str, list[str]] = defaultdict(list)
    owners: dict[str, set[str]] = defaultdict(set)
    for query in queries:
        names[query.brand] += query.aliases
        for handle in query.handles:
            owners["@" + _server.split(handle.strip().removeprefix("@").casefold())[0]].add(query.brand)
    for handle, brands in owners.items():
        if len(brands) == 1:
            names[min(brands)].append(handle)
    return Brands(names)


class _Word(NamedTuple):
    """A word as it is compared; `sign` joins it to the one before (space or &), or says that it is in a tag (~)."""

    text: str
    start: int
    end: int
    sign: str


def _keys(name: str) -> set[str]:
    """What a name reads as in a text: "bright wing", "brightwing", and within a tag "~brightwing"."""
    words = _row(name, [found.span() for found in _word.finditer(name)])
    if not words:
        raise InputError(f'"{name}" cannot be found in a post: a name needs a letter or a digit')
    joined = "".join(word.text for word in words)
    if name.strip()[0] in "@#":
        return {name.strip()[0] + joined}
    key = "".join(word.sign + word.text for word in words)[1:].replace(" and ", "&")
    # "ms" is too many other things to be "M&S", but for where no & can be written.
    return {key, f"~{joined}"} if "&" in key else {key, joined, f"~{joined}"}


def _rows(text: str) -> Iterator[list[_Word]]:
    """Cut a text into rows of words: those between tags, and every stretch of a tag between its humps."""
    row: list[tuple[int, int]] = []
    for found in _token.finditer(text):
        if not found["tag"]:
            row.append(found.span())
            continue
        yield _row(text, row)
        row = []
        yield from _stretches(text, *found.span())
    yield _row(text, row)


def _row(text: str, spans: list[tuple[int, int]]) -> list[_Word]:
    """Words in a row; signs between them do not count but for &, which is also said "and"."""
    gaps = (text[before:start] for (_, before), (start, _) in pairwise([(0, 0), *spans]))
    return [
        _Word(_plain(text[start:end]), start, end, "&" if "&" in gap else " ")
        for (start, end), gap in zip(spans, gaps, strict=True)
    ]


def _stretches(text: str, start: int, end: int) -> Iterator[list[_Word]]:
    end = min(end, start + _LONGEST_TAG)
    parts: list[tuple[int, int]] = []
    for found in _word.finditer(text, start, end):
        cuts = [found.start(), *(cut.start() for cut in _hump.finditer(text, *found.span())), found.end()]
        parts += pairwise(sorted(set(cuts)))
    for first in range(len(parts)):
        joined = ""
        for start_of_part, end_of_part in parts[first:]:
            joined += _plain(text[start_of_part:end_of_part])
            yield [_Word(joined, parts[first][0], end_of_part, "~")]
    # A handle answers to its first part, whatever its server: @wing.example.social is @wing.
    name_end = start + 1 + len(_server.split(text[start + 1 : end], maxsplit=1)[0])
    whole = "".join(_plain(text[a:b]) for a, b in parts if b <= name_end)
    yield [_Word(("#" if text[start] in "#\uff03" else "@") + whole, start + 1, name_end, "")]


def _plain(word: str) -> str:
    return fold(word).removesuffix("'s").replace("'", "")


def _n_letters(key: str) -> int:
    return sum(letter.isalpha() for letter in key)
