"""Cues: hand-written spaCy patterns that mark what words speak of, as labelled spans of a post."""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

from spacy.matcher import Matcher

from cxlisten.errors import ClassifierError


@dataclass(frozen=True, slots=True)
class Cue:
    """A pattern that matched: its label (a facet `process.wait`, or a class of words), and the tokens it covers.

    `key` is a number of the pattern itself, whatever the file or the line it stands in.
    """

    label: str
    key: int
    start: int
    end: int


class Cues:
    """The patterns of a folder: JSONL files as spaCy's rulers read them, each line a label and a token pattern.

    spaCy tries every pattern at every token, which is slow for hundreds of them. So each pattern here has a
    matcher of its own, and only those run of which a text holds a word that the pattern must start with.
    """

    def __init__(self, vocab: Any, folder: Path) -> None:
        self.patterns: list[tuple[str, int]] = []
        self.words: dict[str, list[int]] = defaultdict(list)
        self.starts: dict[str, list[int]] = defaultdict(list)
        self.anywhere: list[int] = []
        self.matchers: list[Matcher] = []
        for label, pattern in _read(folder):
            number = len(self.patterns)
            self.patterns.append((label, crc32(json.dumps([label, pattern]).encode())))
            matcher = Matcher(vocab)
            matcher.add(label, [pattern], greedy="LONGEST")
            self.matchers.append(matcher)
            first = _first_words(pattern)
            if first is None:
                self.anywhere.append(number)
            for word in first or ():
                (self.words if len(pattern) == 1 else self.starts)[word].append(number)

    def find(self, doc: Any) -> Iterator[Cue]:
        """Find every cue of a text, the longest match of each pattern."""
        triggered = set(self.anywhere)
        for token in doc:
            word = token.lower_
            for number in self.words.get(word, ()):
                yield Cue(*self.patterns[number], token.i, token.i + 1)
            triggered.update(self.starts.get(word, ()))
        for number in sorted(triggered):
            for _, start, end in self.matchers[number](doc):
                yield Cue(*self.patterns[number], start, end)


def _read(folder: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for path in sorted(folder.glob("*.jsonl")):
        for n, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            try:
                row = json.loads(line)
                yield row["label"], row["pattern"]
            except (ValueError, KeyError, TypeError) as error:
                raise ClassifierError(f"{path}, line {n}: not a label and a pattern ({error})") from None


def _first_words(pattern: list[dict[str, Any]]) -> set[str] | None:
    """Give the words of which a match must hold one, or None where the pattern does not say."""
    words: set[str] = set()
    for token in pattern:
        lower = token.get("LOWER")
        if lower is None:
            return None
        words.update([lower] if isinstance(lower, str) else lower["IN"])
        if token.get("OP") != "?":
            return words
    return None
