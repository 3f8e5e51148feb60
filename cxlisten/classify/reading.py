"""Reading: a text becomes sentences, cues and features; training and tagging read alike."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language

from cxlisten.classify.cues import Cue, Cues
from cxlisten.classify.features import Row, features

READ_CHARS = 10_000

_TURNS = {"but", "although", "though", "however", "yet", "whereas"}
_LONG_RUN = re.compile(r"(\S{299})\S")


@dataclass(frozen=True, slots=True)
class Mark:
    """A cue with the code points that it covers."""

    label: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """A sentence, or the whole text: its code points, its features and the cues in it."""

    start: int
    end: int
    row: Row
    cues: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """The text as a whole and sentence by sentence; a text without a word has no sentence."""

    whole: Stretch
    sentences: tuple[Stretch, ...]


class Reader:
    """Reads English texts; of a longer one the first 10,000 characters."""

    def __init__(self, patterns: Path) -> None:
        self.nlp = spacy.blank("en")
        self.nlp.add_pipe("cx_lines")
        self.nlp.add_pipe("sentencizer")
        self.nlp.add_pipe("cx_turns")
        self.cues = Cues(self.nlp.vocab, patterns)

    def read(self, texts: Iterable[str]) -> list[Reading]:
        """Read each text; what spaCy cannot take (NUL, a lone surrogate) is read as an unknown character."""
        # In a memory zone spaCy forgets the words that it met, so that a long run does not grow.
        with self.nlp.memory_zone():
            return [self._reading(doc) for doc in self.nlp.pipe(map(_readable, texts))]

    def _reading(self, doc: Any) -> Reading:
        cues = list(self.cues.find(doc))
        whole = self._stretch(doc[:], cues)
        sentences = [span for span in doc.sents if not span.text.isspace()]
        if len(sentences) == 1:
            return Reading(whole, (whole,))
        return Reading(whole, tuple(self._stretch(span, cues) for span in sentences))

    def _stretch(self, span: Any, cues: list[Cue]) -> Stretch:
        inside = [cue for cue in cues if span.start <= cue.start and cue.end <= span.end]
        row = features(span, inside)
        tokens = [t for t in span if not t.is_space] or list(span)
        if not tokens:
            return Stretch(0, 0, row, ())
        marks = tuple(
            Mark(c.label, span.doc[c.start].idx, span.doc[c.end - 1].idx + len(span.doc[c.end - 1])) for c in inside
        )
        return Stretch(tokens[0].idx, tokens[-1].idx + len(tokens[-1]), row, marks)


def _lines(doc: Any) -> Any:
    """Let a new line begin a sentence: a title stands on a line of its own."""
    for token in doc[:-1]:
        if token.is_space and "\n" in token.text:
            doc[token.i + 1].is_sent_start = True
    return doc


def _turns(doc: Any) -> Any:
    """Let a turn begin a sentence, so that "lovely store but rude staff" keeps its two sentiments."""
    for token in doc[2:-2]:
        if token.lower_ in _TURNS:
            token.is_sent_start = True
    return doc


Language.component("cx_lines", func=_lines)
Language.component("cx_turns", func=_turns)


def _readable(text: str) -> str:
    """Give what is read, code point for code point.

    Of a run of 300 without a space the last becomes one: spaCy's tokenizer takes the square of it in time.
    """
    read = _LONG_RUN.sub(r"\1 ", text[:READ_CHARS])
    if read.isascii() and "\0" not in read:
        return read
    return "".join("\ufffd" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in read)
