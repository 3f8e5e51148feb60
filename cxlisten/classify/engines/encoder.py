"""Engine `encoder`: the shared int8 encoder on onnxruntime; texts of one length are read together, unpadded."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import onnxruntime
from tokenizers import Encoding, Tokenizer

from cxlisten.classify import Recipe
from cxlisten.classify.encoder.artefact import GRAPH, TOKENIZER, find_model
from cxlisten.classify.encoder.decoding import Piece, chances_of, decode
from cxlisten.language import language_of
from cxlisten.models import Tagged

# So many posts are sorted by length at once: enough that most lengths fill a batch.
_WINDOW = 2_048
_BATCH_TOKENS = 1_024
_READ_CHARS = 50_000
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def load(recipe: Recipe) -> "EncoderEngine":
    """Load the artefact of a recipe; raises ClassifierError when it is not the one that the recipe names."""
    folder = find_model(recipe)
    options = onnxruntime.SessionOptions()
    # Threads that spin while they wait take the cores from whatever else runs on the machine.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(folder / GRAPH, options, providers=["CPUExecutionProvider"])
    return EncoderEngine(session, Tokenizer.from_file(str(folder / TOKENIZER)), recipe.settings)


class EncoderEngine:
    """Tags posts in the recipe's languages; of a longer post the first 50,000 characters are read, in pieces."""

    def __init__(self, session: Any, tokenizer: Tokenizer, settings: dict[str, Any]) -> None:
        self.session = session
        self.tokenizer = tokenizer
        self.languages = frozenset(settings["languages"])
        self.least = settings["least_score"]

    def tag(self, texts: Sequence[str], langs: Sequence[str | None]) -> list[Tagged]:
        """Tag each text; one in a language that the recipe does not know gets its language and nothing else.

        A text whose language cannot be told is in the language that the platform claims, else read as the recipe's.
        """
        rows = zip(texts, langs, strict=True)
        tagged: list[Tagged] = []
        while window := list(islice(rows, _WINDOW)):
            tagged.extend(self._tag_window(window))
        return tagged

    def _tag_window(self, rows: list[tuple[str, str | None]]) -> Iterator[Tagged]:
        langs = [language_of(text, claim) for text, claim in rows]
        ours = [text for (text, _), lang in zip(rows, langs, strict=True) if lang is None or lang in self.languages]
        readings = iter(self._read(ours))
        for (text, _), lang in zip(rows, langs, strict=True):
            mine = lang is None or lang in self.languages
            yield decode(text, lang, next(readings), self.least) if mine else Tagged(lang, None, 0.0)

    def _read(self, texts: Sequence[str]) -> list[list[Piece]]:
        """Read each text, in one piece or, where it is long, in several."""
        clean = [_LONE_SURROGATE.sub("\ufffd", text[:_READ_CHARS]) for text in texts]
        encodings = self.tokenizer.encode_batch(clean)
        pieces = [(number, part) for number, whole in enumerate(encodings) for part in (whole, *whole.overflowing)]
        of_length: dict[int, list[int]] = defaultdict(list)
        for at, (_, part) in enumerate(pieces):
            of_length[len(part)].append(at)
        read: dict[int, Piece] = {}
        for length, places in sorted(of_length.items()):
            size = max(1, _BATCH_TOKENS // length)
            for start in range(0, len(places), size):
                some = places[start : start + size]
                read |= zip(some, self._run([pieces[at][1] for at in some]), strict=True)
        readings: list[list[Piece]] = [[] for _ in texts]
        for at, (number, _) in enumerate(pieces):
            readings[number].append(read[at])
        return readings

    def _run(self, encodings: Sequence[Encoding]) -> Iterator[Piece]:
        ids = np.array([encoding.ids for encoding in encodings], np.int64)
        logits, evidence = self.session.run(None, {"ids": ids})
        evidence = 1 / (1 + np.exp(-evidence))
        for encoding, chances, marks in zip(encodings, chances_of(logits), evidence, strict=True):
            yield Piece(encoding.offsets, chances, marks)
