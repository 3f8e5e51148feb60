"""Cues: hand-written spaCy patterns that mark what words speak of, as labelled spans of a post."""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

from spacy.lang.en.stop_words import STOP_WORDS
from spacy.matcher import Matcher

from cxlisten.errors import ClassifierError

Pattern = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Cue:
    """A pattern that matched: its label (a facet `process.wait`, or a class of words), and the tokens it covers.

    `key` is a number of the pattern itself, whatever the file or the line it stands in.
    """

    label: str
    key: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Phrase:
    """A pattern of several tokens, and the sets of words of which a text must hold one each, or it cannot match."""

    label: str
    key: int
    needs: tuple[frozenset[str], ...]
    matcher: Matcher


class Cues:
    """The patterns of a folder: JSONL files as spaCy's rulers read them, each line a label and a token pattern.

    spaCy tries every pattern of a matcher at every token, which is slow for hundreds of them. So each phrase
    here has a matcher of its own, which runs only on a text that holds the words it needs.
    """

    def __init__(self, vocab: Any, folder: Path) -> None:
        self.words: dict[str, list[tuple[str, int]]] = defaultdict(list)
        self.phrases: dict[str, list[_Phrase]] = defaultdict(list)
        for label, pattern in _read(folder):
            key = crc32(json.dumps([label, pattern]).encode())
            needs = tuple(_words(token) for token in pattern if "LOWER" in token and token.get("OP") != "?")
            if len(pattern) == len(needs) == 1:
                for word in needs[0]:
                    self.words[word].append((label, key))
                continue
            matcher = Matcher(vocab)
            matcher.add(label, [pattern], greedy="LONGEST")
            phrase = _Phrase(label, key, needs, matcher)
            for word in min(needs, key=lambda words: (len(words & STOP_WORDS), len(words))):
                self.phrases[word].append(phrase)

    def find(self, doc: Any) -> Iterator[Cue]:
        """Find every cue of a text, the longest match of each pattern."""
        here = {token.lower_ for token in doc}
        for token in doc:
            for label, key in self.words.get(token.lower_, ()):
                yield Cue(label, key, token.i, token.i + 1)
        tried = {phrase.key: phrase for word in here for phrase in self.phrases.get(word, ())}
        for _, phrase in sorted(tried.items()):
            if not any(words.isdisjoint(here) for words in phrase.needs):
                for _, start, end in phrase.matcher(doc):
                    yield Cue(phrase.label, phrase.key, start, end)


def _read(folder: Path) -> Iterator[tuple[str, Pattern]]:
    for path in sorted(folder.glob("*.jsonl")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            try:
                row = json.loads(line)
                label, pattern = row["label"], row["pattern"]
                if not any("LOWER" in token and token.get("OP") != "?" for token in pattern):
                    raise ValueError("no token that must be there is a LOWER")
            except (ValueError, KeyError, TypeError) as error:
                raise ClassifierError(f"{path}, line {number}: not a label and a token pattern: {error}") from None
            yield label, pattern


def _words(token: dict[str, Any]) -> frozenset[str]:
    lower = token["LOWER"]
    return frozenset([lower] if isinstance(lower, str) else lower["IN"])
