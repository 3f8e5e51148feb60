"""Labelled posts: rows of JSONL files become what the models are to learn; a label that is not known is NaN."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cxlisten.classify.features import Row
from cxlisten.classify.marked import marked
from cxlisten.classify.reading import Reading
from cxlisten.errors import InputError
from cxlisten.taxonomy import FACETS, RING_NAMES, Noise, Sentiment

UNKNOWN = float("nan")
RING_LABELS = (
    *RING_NAMES,
    *(f"{ring}/{attitude}" for ring in RING_NAMES for attitude in Sentiment),
    *(f"{ring}.{facet}" for ring, facets in FACETS.items() for facet in facets),
)
ATTITUDES = tuple(str(attitude) for attitude in Sentiment)
NOISES = tuple(str(noise) for noise in Noise)
_NOISE_WORDS = {"promo": Noise.PROMOTION, "bot": Noise.AUTOMATED, "brand_own": Noise.BRAND_OWN}


@dataclass(frozen=True, slots=True)
class Lesson:
    """Rows of features, the number of the post that each is of, and, a column a label, what is true of each."""

    labels: tuple[str, ...]
    rows: list[Row] = field(default_factory=list)
    of_post: list[int] = field(default_factory=list)
    truth: list[list[float]] = field(default_factory=list)

    def add(self, post: int, row: Row, truth: list[float]) -> None:
        """Add a text of a post."""
        self.rows.append(row)
        self.of_post.append(post)
        self.truth.append(truth)


def read_posts(path: Path) -> list[dict[str, Any]]:
    """Read a JSONL file of labelled posts; raises InputError naming the line that is none."""
    posts = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            post = json.loads(line)
            posts.append(post | {"text": str(post["text"])})
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}, line {number}: not a labelled post ({error})") from None
    return posts


def ring_lesson(posts: Sequence[dict[str, Any]], readings: Sequence[Reading]) -> Lesson:
    """Teach rings, the attitude to each, and facets, by posts and by their sentences.

    A sentence carries a ring when the ring's evidence lies in it; where a post carries a ring and the
    evidence lies elsewhere, it is not known whether this sentence does too.
    """
    lesson = Lesson(RING_LABELS)
    for number, (post, reading) in enumerate(zip(posts, readings, strict=True)):
        if "rings" not in post:
            continue
        rings, masked = post["rings"], set(post.get("mask", ()))
        lesson.add(number, reading.whole.row, _ring_truth(rings, masked, post.get("facets")))
        if "spans" not in post or len(reading.sentences) < 2:
            continue
        for sentence in reading.sentences:
            words = post["text"][sentence.start : sentence.end]
            spans = {ring: span for ring in rings if (span := marked(post, ring))}
            here = {ring: rings[ring] for ring, span in spans.items() if post["text"][slice(*span)] in words}
            lesson.add(number, sentence.row, _ring_truth(here, masked | (set(rings) - set(here)), None))
    return lesson


def _ring_truth(rings: dict[str, str], masked: set[str], facets: Sequence[str] | None) -> list[float]:
    """Attitudes and facets are only known of a ring that is carried."""
    truth = [UNKNOWN if ring in masked else float(ring in rings) for ring in RING_NAMES]
    for ring in RING_NAMES:
        truth += [float(rings[ring] == a) if ring in rings else UNKNOWN for a in Sentiment]
    for ring, names in FACETS.items():
        known = facets is not None and ring in rings
        truth += [float(f"{ring}.{name}" in (facets or ())) if known else UNKNOWN for name in names]
    return truth


def attitude_lesson(posts: Sequence[dict[str, Any]], readings: Sequence[Reading]) -> Lesson:
    """Teach the overall sentiment; posts of TweetEval call it `label`."""
    lesson = Lesson(ATTITUDES)
    for number, (post, reading) in enumerate(zip(posts, readings, strict=True)):
        attitude = post.get("sentiment", post.get("label"))
        if attitude in ATTITUDES:
            lesson.add(number, reading.whole.row, [float(attitude == a) for a in ATTITUDES])
    return lesson


def noise_lesson(posts: Sequence[dict[str, Any]], readings: Sequence[Reading]) -> Lesson:
    """Teach noise; a post with no more than a `flag` says nothing of promotions and robots."""
    lesson = Lesson(NOISES)
    for number, (post, reading) in enumerate(zip(posts, readings, strict=True)):
        if "noise" in post or "flag" in post:
            noise = _NOISE_WORDS.get(post.get("noise") or post.get("flag") or "")
            known = [n for n in Noise if "noise" in post or n is Noise.BRAND_OWN]
            lesson.add(number, reading.whole.row, [float(n is noise) if n in known else UNKNOWN for n in Noise])
    return lesson
