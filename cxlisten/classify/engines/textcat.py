"""Engine `textcat`: a spaCy text classifier over posts and their sentences."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from cxlisten.classify import Recipe
from cxlisten.errors import ClassifierError
from cxlisten.language import detect
from cxlisten.models import RingTag, Tagged
from cxlisten.taxonomy import RING_NAMES, Noise, Sentiment

READ_CHARS = 5_000
_CHUNK = 256


def load(recipe: Recipe) -> "TextcatEngine":
    """Load the recipe's spaCy pipeline from its folder `model`."""
    import spacy

    folder = recipe.folder / "model"
    if not folder.is_dir():
        raise ClassifierError(f"{folder} is missing: run  cxlisten train {recipe.name}")
    return TextcatEngine(spacy.load(folder), recipe.settings)


@dataclass(frozen=True, slots=True)
class _Sentence:
    start: int
    end: int
    cats: dict[str, float]


class TextcatEngine:
    """Tags posts in the recipe's languages; of a longer post only the first 5,000 characters are read."""

    def __init__(self, nlp: Any, settings: dict[str, Any]) -> None:
        self.nlp = nlp
        self.languages = frozenset(settings["languages"])
        self.thresholds = settings["thresholds"]

    def tag(self, texts: Sequence[str], langs: Sequence[str | None]) -> list[Tagged]:
        """Tag each text; a text in another language is answered with its language and nothing else."""
        rows = zip(texts, langs, strict=True)
        tagged: list[Tagged] = []
        while chunk := list(islice(rows, _CHUNK)):
            tagged.extend(self._tag_chunk(chunk))
        return tagged

    def _tag_chunk(self, rows: list[tuple[str, str | None]]) -> Iterator[Tagged]:
        readable = [_readable(text) for text, _ in rows]
        found = [detect(text) or (claim or "").split("-")[0].lower() or None for text, (_, claim) in zip(readable, rows)]
        known = [i for i, lang in enumerate(found) if lang is None or lang in self.languages]
        docs = dict(zip(known, self.nlp.pipe(readable[i] for i in known), strict=True))
        parts = {i: [s for s in doc.sents if s.text.strip()] for i, doc in docs.items()}
        flat = self.nlp.pipe(s.text for i in known if len(parts[i]) > 1 for s in parts[i])
        for i, lang in enumerate(found):
            if i not in docs:
                yield Tagged(lang, None, 0.0)
                continue
            many = len(parts[i]) > 1
            sentences = [
                _Sentence(s.start_char, s.end_char, next(flat).cats if many else docs[i].cats) for s in parts[i]
            ]
            yield self._judge(lang, docs[i], sentences)

    def _judge(self, lang: str | None, doc: Any, sentences: list[_Sentence]) -> Tagged:
        overall = max(Sentiment, key=lambda s: doc.cats[s.value])
        rings = []
        for ring in RING_NAMES if sentences else ():
            best = max(sentences, key=lambda s: s.cats[ring])
            score = (doc.cats[ring] + best.cats[ring]) / 2
            if score >= self.thresholds.get(ring, self.thresholds["default"]):
                attitude = max(Sentiment, key=lambda s: doc.cats[f"{ring}/{s}"] + best.cats[f"{ring}/{s}"])
                rings.append(RingTag(ring, attitude, score, (best.start, best.end)))
        noise = tuple(n.value for n in Noise if doc.cats[n.value] >= self.thresholds.get(n.value, 0.8))
        return Tagged(lang, overall.value, doc.cats[overall.value], tuple(rings), noise)


def _readable(text: str) -> str:
    """Give the part that is read, code point for code point, without what spaCy cannot take."""
    return text[:READ_CHARS].encode("utf-16", "replace").decode("utf-16") if False else "".join(
        "\ufffd" if "\ud800" <= c <= "\udfff" or c == "\0" else c for c in text[:READ_CHARS]
    )
