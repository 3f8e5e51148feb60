"""Engine `encoder`: the shared encoder on onnxruntime; texts of one length are read together, unpadded."""

import re
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from os import cpu_count
from typing import Any

import numpy as np
import onnxruntime
from tokenizers import Encoding, Tokenizer

from cxlisten.classify import Recipe
from cxlisten.classify.encoder.artefact import GRAPH, TOKENIZER, find_model
from cxlisten.classify.encoder.decoding import Piece, chances_of, decode
from cxlisten.classify.encoder.heads import ATTITUDES
from cxlisten.models import Tagged

# So many posts are sorted by length at once: enough that most lengths fill a batch.
_WINDOW = 2_048
_BATCH_TOKENS = 512
_READ_CHARS = 50_000
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def load(recipe: Recipe) -> "EncoderEngine":
    """Load the artefact of a recipe; raises ClassifierError when it is not the one that the recipe names."""
    folder = find_model(recipe)
    options = onnxruntime.SessionOptions()
    # A core for each batch is faster than all cores for one batch after the other.
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(folder / GRAPH, options, providers=["CPUExecutionProvider"])
    return EncoderEngine(session, Tokenizer.from_file(str(folder / TOKENIZER)), recipe.settings)


class EncoderEngine:
    """Tags posts; of a longer post the first 50,000 characters are read, in pieces."""

    def __init__(self, session: Any, tokenizer: Tokenizer, settings: dict[str, Any]) -> None:
        self.session = session
        self.tokenizer = tokenizer
        self.least = settings["least_score"]
        weights = settings.get("sentiment_weight", {})
        self.weights = np.array([weights.get(attitude, 1.0) for attitude in ATTITUDES], np.float32)

    def tag(self, texts: Sequence[str], langs: Sequence[str | None]) -> list[Tagged]:
        """Tag each text."""
        tagged: list[Tagged] = []
        for at in range(0, len(texts), _WINDOW):
            window = texts[at : at + _WINDOW]
            rows = zip(window, langs[at : at + _WINDOW], self.read(window), strict=True)
            tagged += [decode(text, lang, pieces, self.least, self.weights) for text, lang, pieces in rows]
        return tagged

    def read(self, texts: Sequence[str]) -> list[list[Piece]]:
        """Read each text, in one piece or, where it is long, in several."""
        clean = [_LONE_SURROGATE.sub("\ufffd", text[:_READ_CHARS]) for text in texts]
        encodings = self.tokenizer.encode_batch(clean)
        pieces = [(number, part) for number, whole in enumerate(encodings) for part in (whole, *whole.overflowing)]
        of_length: dict[int, list[int]] = defaultdict(list)
        for at, (_, part) in enumerate(pieces):
            of_length[len(part)].append(at)
        batches = [
            places[start : start + size]
            for length, places in sorted(of_length.items(), reverse=True)
            for size in (max(1, _BATCH_TOKENS // length),)
            for start in range(0, len(places), size)
        ]
        read: dict[int, Piece] = {}
        with ThreadPoolExecutor(cpu_count()) as threads:
            runs = threads.map(lambda places: self._run([pieces[at][1] for at in places]), batches)
            for places, run in zip(batches, runs, strict=True):
                read |= zip(places, run, strict=True)
        readings: list[list[Piece]] = [[] for _ in texts]
        for at, (number, _) in enumerate(pieces):
            readings[number].append(read[at])
        return readings

    def _run(self, encodings: Sequence[Encoding]) -> list[Piece]:
        ids = np.array([encoding.ids for encoding in encodings], np.int64)
        logits, evidence = self.session.run(None, {"ids": ids})
        evidence = 1 / (1 + np.exp(-evidence))
        return [
            Piece(encoding.offsets, chances, marks)
            for encoding, chances, marks in zip(encodings, chances_of(logits), evidence, strict=True)
        ]
