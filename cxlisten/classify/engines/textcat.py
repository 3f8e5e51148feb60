"""Engine `textcat`: spaCy reads a post and its sentences, linear models judge them, cues show where."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from cxlisten.classify import Recipe
from cxlisten.classify.artefact import Models, load_models
from cxlisten.classify.reading import Reader, Reading, Stretch
from cxlisten.language import detect
from cxlisten.models import RingTag, Tagged
from cxlisten.taxonomy import FACETS, RING_NAMES, Noise, Sentiment

_CHUNK = 200


def load(recipe: Recipe) -> "TextcatEngine":
    """Load the patterns and the trained models of a recipe."""
    return TextcatEngine(Reader(recipe.folder / "patterns"), load_models(recipe), recipe.settings)


class TextcatEngine:
    """Tags posts in the recipe's languages; of a longer post the first 10,000 characters are read."""

    def __init__(self, reader: Reader, models: Models, settings: dict[str, Any]) -> None:
        self.reader = reader
        self.models = models
        self.languages = frozenset(settings["languages"])
        self.thresholds: dict[str, float] = settings["thresholds"]

    def tag(self, texts: Sequence[str], langs: Sequence[str | None]) -> list[Tagged]:
        """Tag each text; one in a language that the recipe does not know gets its language and nothing else.

        A text whose language cannot be told is read as the recipe's.
        """
        rows = zip(texts, langs, strict=True)
        tagged: list[Tagged] = []
        while chunk := list(islice(rows, _CHUNK)):
            tagged.extend(self._tag_chunk(chunk))
        return tagged

    def _tag_chunk(self, rows: list[tuple[str, str | None]]) -> Iterator[Tagged]:
        langs = [detect(text) or _subtag(claim) for text, claim in rows]
        known = [lang is None or lang in self.languages for lang in langs]
        readings = self.reader.read(text for (text, _), ours in zip(rows, known, strict=True) if ours)
        for lang, ours in zip(langs, known, strict=True):
            yield self._judge(lang, next(readings)) if ours else Tagged(lang, None, 0.0)

    def _judge(self, lang: str | None, reading: Reading) -> Tagged:
        attitudes = self.models.sentiment.scores(reading.whole.row)
        overall = max(Sentiment, key=lambda attitude: attitudes[attitude])
        scores = self.models.rings.scores(reading.whole.row)
        parts = [(sentence, self.models.rings.scores(sentence.row)) for sentence in reading.sentences]
        tags = (self._tag(ring, scores, parts) for ring in RING_NAMES) if parts else ()
        noise = self.models.noise.scores(reading.whole.row)
        return Tagged(
            lang,
            overall.value,
            attitudes[overall],
            tuple(tag for tag in tags if tag),
            tuple(kind.value for kind in Noise if noise[kind] >= self.thresholds["noise"]),
        )

    def _tag(
        self, ring: str, scores: dict[str, float], parts: list[tuple[Stretch, dict[str, float]]]
    ) -> RingTag | None:
        sentence, best = max(parts, key=lambda part: part[1][ring])
        score = (scores[ring] + best[ring]) / 2
        if score < self.thresholds[ring]:
            return None
        attitude = max(Sentiment, key=lambda a: scores[f"{ring}/{a}"] + best[f"{ring}/{a}"])
        facets = tuple(f for f in FACETS[ring] if scores[f"{ring}.{f}"] >= self.thresholds["facet"])
        return RingTag(ring, attitude.value, score, (sentence.start, sentence.end), facets)


def _subtag(claim: str | None) -> str | None:
    """Give the language of a platform's claim such as `en-GB`; `und` and the like are none."""
    lang = (claim or "").replace("_", "-").split("-")[0].lower()
    return lang if lang.isalpha() and lang not in {"und", "zxx", "mul"} else None
