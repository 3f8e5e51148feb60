"""Words: a text is cut into words, hashtags and handles, and folded so that case, accents and width do not matter."""

import re
import unicodedata
from bisect import bisect_left
from functools import cached_property
from itertools import groupby
from typing import NamedTuple

# Han, kana, Thai, Lao, Burmese and Khmer put no space between words: there each character is a word,
# so that a query word in these scripts is found wherever its characters stand in a row.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9d\U00020000-\U0003ffff"
)
_APOSTROPHES = "'\u2018\u2019\u02bc\uff07"
_TATWEEL = "\u0640"  # only stretches an Arabic word
_MARKS_CALLED_LETTERS = _TATWEEL + "\uff9e\uff9f"
# What Unicode calls combining but a reader calls spelling, by combining class: vowel signs (0), nukta, kana
# voicing and virama (7 to 9), the vowels and tones of Telugu, Thai, Lao and Tibetan (84 and up).
_SPELLING_CLASSES = {0, 7, 8, 9, 84, 91, 103, 107, 118, 122, 129, 130, 132}
_INVISIBLE_MARK = re.compile("VARIATION SELECTOR|GRAPHEME JOINER")
# Letters that Unicode does not decompose, and the one form of an apostrophe.
_LOOKALIKES = {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "\u0131": "i", "æ": "ae", "œ": "oe"}
_LOOKALIKES |= dict.fromkeys(_APOSTROPHES, "'")


def _attached_classes() -> tuple[str, str]:
    """Give, as regex classes, what never ends a word (marks, zero-width), and what of that folding drops."""
    attached, dropped = [ord(letter) for letter in _MARKS_CALLED_LETTERS], [ord(_TATWEEL)]
    for code in (*range(0xAD, 0x20000), *range(0xE0000, 0xE0200)):
        category = unicodedata.category(chr(code))
        if category in {"Mn", "Mc", "Me", "Cf"}:
            attached.append(code)
            is_spelling = unicodedata.combining(chr(code)) in _SPELLING_CLASSES and category in {"Mn", "Mc"}
            if not is_spelling or _INVISIBLE_MARK.search(unicodedata.name(chr(code))):
                dropped.append(code)
    return _class(attached), _class(dropped)


def _class(codes: list[int]) -> str:
    runs = groupby(enumerate(sorted(codes)), key=lambda numbered: numbered[1] - numbered[0])
    ends = [(run[0][1], run[-1][1]) for run in (list(run) for _, run in runs)]
    return f"[{''.join(f'{chr(first)}-{chr(last)}' for first, last in ends)}]"


_attached, _dropped = _attached_classes()
_not_ascii = r"(?![\x00-\x7f])"  # spares ASCII a walk through a long class

# Every repetition is possessive: matching is linear in the text.
ATTACHED = rf"(?:{_not_ascii}{_attached})*+"
_run = rf"(?:[^\W_{UNSPACED}{_APOSTROPHES}{_MARKS_CALLED_LETTERS}]++{ATTACHED})++"
WORD = rf"(?:{_run}(?:[{_APOSTROPHES}]{_run})*+|(?!\W){_not_ascii}[{UNSPACED}]{ATTACHED})"
NAME = rf"(?:(?=_*+[^\W_])(?:[^\W{_APOSTROPHES}{_MARKS_CALLED_LETTERS}]++{ATTACHED})++)"
HASHTAG = rf"[#\uff03]{NAME}"
HANDLE = rf"[@\uff20]{NAME}(?:[.@-]{NAME})*+"

# Sorting a pile of marks is quadratic in Unicode normalization, so a pile is cut to 20.
_pile = re.compile(f"({_not_ascii}{_attached}{{20}}){_attached}+")
_drop = re.compile(f"{_not_ascii}{_dropped}+")
_lookalike = re.compile(f"[{''.join(_LOOKALIKES)}]")
_word = re.compile(WORD)
# A sign inside a word is an e-mail address or a link, not a tag; scripts without spaces have no inside.
_tag = re.compile(rf"(?<![^\W{UNSPACED}])(?:{HASHTAG}|{HANDLE})")


def fold(text: str) -> str:
    """Bring a text to the form in which words are compared: "Café" and "CAFE" both give "cafe"."""
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKD", _pile.sub(r"\1", text)).casefold()
    text = _drop.sub("", unicodedata.normalize("NFKD", text))
    return unicodedata.normalize("NFC", _lookalike.sub(lambda found: _LOOKALIKES[found[0]], text))


def split_words(text: str) -> tuple[str, ...]:
    """Give the folded words of a text, hashtags and handles included, in order."""
    return tuple(word for found in _word.finditer(text) for word in _folded_words(found[0]))


def fold_tag(tag: str) -> str:
    """Give a hashtag or handle in its folded form, sign included; empty where nothing but the sign is left."""
    found = _tag.match(fold(tag))
    return found[0] if found else ""


def _folded_words(raw: str) -> list[str]:
    """Fold one word; a character such as "½" folds to something that is more than one word."""
    return [raw.lower()] if raw.isascii() else _word.findall(fold(raw))


def _forms(word: str) -> set[str]:
    """Give what a word answers to: "l'oreal's" also to "l'oreal", "oreal's" and "oreal"."""
    owner = word.removesuffix("'s")
    return {word, owner, *(form[2:] for form in (word, owner) if form[1:2] == "'")}


class Hit(NamedTuple):
    """Words `first` to `last`, which are the half-open span of code points `start` to `end` of the text."""

    first: int
    last: int
    start: int
    end: int


class Words:
    """The words of one text, numbered from 0, and its hashtags and handles."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._spans: list[tuple[int, int]] = []
        self._numbers: dict[str, list[int]] = {}
        for found in _word.finditer(text):
            for word in _folded_words(found[0]):
                for form in _forms(word) if "'" in word else (word,):
                    self._numbers.setdefault(form, []).append(len(self._spans))
                self._spans.append(found.span())

    def phrase(self, words: tuple[str, ...], is_prefix: bool) -> list[Hit]:
        """Find words in a row, in text order; as a prefix, the last one need only begin so."""
        *others, final = [self._numbers.get(word, []) for word in words]
        if is_prefix:
            final = [n for form, numbers in self._numbers.items() if form.startswith(words[-1]) for n in numbers]
        ends = set(final)
        for distance, numbers in enumerate(reversed(others), start=1):
            ends.intersection_update([number + distance for number in numbers])
        return [self._hit(end - len(others), end) for end in sorted(ends)]

    def tag(self, tag: str, is_prefix: bool) -> list[Hit]:
        """Find a hashtag or handle, in text order; the sign is part of `tag`."""
        if not is_prefix:
            return self._tags.get(tag, [])
        return sorted({hit for name, hits in self._tags.items() if name.startswith(tag) for hit in hits})

    def _hit(self, first: int, last: int) -> Hit:
        return Hit(first, last, self._spans[first][0], self._spans[last][1])

    @cached_property
    def _tags(self) -> dict[str, list[Hit]]:
        tags: dict[str, list[Hit]] = {}
        for found in _tag.finditer(self._text):
            start, end = found.span()
            first, after = bisect_left(self._spans, (start,)), bisect_left(self._spans, (end,))
            tag = fold_tag(found[0])
            # A handle answers to its first part too: @pellworth is found in @pellworth.bsky.social.
            for name in {tag, tag[:1] + re.split("[.@-]", tag[1:], maxsplit=1)[0]}:
                tags.setdefault(name, []).append(Hit(first, after - 1, start, end))
        return tags
