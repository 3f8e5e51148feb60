"""Engine `textcat`: spaCy reads a post and its sentences, linear models judge them, cues show where."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cxlisten.classify import Recipe
from cxlisten.classify.artefact import Models, load_models
from cxlisten.classify.evidence import evidence
from cxlisten.classify.reading import Reader, Reading, Stretch
from cxlisten.models import RingTag, Tagged
from cxlisten.taxonomy import FACETS, RING_NAMES, Noise, Sentiment

_CHUNK = 200


def load(recipe: Recipe) -> "TextcatEngine":
    """Load the patterns and the trained models of a recipe."""
    return TextcatEngine(Reader(recipe.folder / "patterns"), load_models(recipe), recipe.settings)


@dataclass(frozen=True, slots=True)
class _Judged:
    """A sentence or a whole post, with the chances of its rings and of the attitudes."""

    stretch: Stretch
    rings: dict[str, float]
    attitudes: dict[str, float]

    def attitude(self, ring: str, attitude: str) -> float:
        """How much speaks for an attitude to a ring; the overall one, learned from far more posts, counts double."""
        return self.rings[f"{ring}/{attitude}"] + 2 * self.attitudes[attitude]


class TextcatEngine:
    """Tags posts; of a longer post the first 10,000 characters are read."""

    def __init__(self, reader: Reader, models: Models, settings: dict[str, Any]) -> None:
        self.reader = reader
        self.models = models
        self.least = settings["least_score"]

    def tag(self, texts: Sequence[str], langs: Sequence[str | None]) -> list[Tagged]:
        """Tag each text."""
        tagged: list[Tagged] = []
        for at in range(0, len(texts), _CHUNK):
            chunk = texts[at : at + _CHUNK]
            rows = zip(chunk, langs[at : at + _CHUNK], self.reader.read(chunk), strict=True)
            tagged += [self._tag(text, lang, reading) for text, lang, reading in rows]
        return tagged

    def _tag(self, text: str, lang: str | None, reading: Reading) -> Tagged:
        whole = self._judge(reading.whole)
        sentences = [self._judge(part) if part is not reading.whole else whole for part in reading.sentences]
        overall = max(Sentiment, key=lambda attitude: whole.attitudes[attitude])
        tags = (self._ring_tag(text, ring, whole, sentences) for ring in RING_NAMES if sentences)
        return Tagged(
            lang,
            overall.value,
            whole.attitudes[overall],
            tuple(tag for tag in tags if tag),
            self._noise(reading.whole),
        )

    def _judge(self, stretch: Stretch) -> _Judged:
        return _Judged(stretch, self.models.rings.scores(stretch.row), self.models.sentiment.scores(stretch.row))

    def _ring_tag(self, text: str, ring: str, whole: _Judged, sentences: list[_Judged]) -> RingTag | None:
        best = max(sentences, key=lambda sentence: sentence.rings[ring])
        score = (whole.rings[ring] + best.rings[ring]) / 2
        if score < self.least["ring"][ring]:
            return None
        attitude = max(Sentiment, key=lambda a: whole.attitude(ring, a) + best.attitude(ring, a))
        facets = tuple(f for f in FACETS[ring] if whole.rings[f"{ring}.{f}"] >= self.least["facet"])
        return RingTag(ring, attitude.value, score, evidence(text, best.stretch, ring), facets)

    def _noise(self, whole: Stretch) -> tuple[str, ...]:
        """Name the kinds of noise; a pattern labelled with a kind tells it nearly alone."""
        scores = self.models.noise.scores(whole.row)
        told = {cue.label for cue in whole.cues}
        return tuple(
            kind.value
            for kind in Noise
            if scores[kind] >= (self.least["noise_told"] if kind in told else self.least["noise"][kind])
        )
