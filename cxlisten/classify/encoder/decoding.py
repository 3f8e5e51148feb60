"""Decoding: from what the heads say of the pieces of a post to its tags."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxlisten.classify.encoder.heads import ATTITUDES, BY_NAME, HEADS
from cxlisten.models import RingTag, Tagged
from cxlisten.taxonomy import FACETS, RING_NAMES


@dataclass(frozen=True, slots=True)
class Piece:
    """As much of a post as is read at once: where its tokens are in the text, and what was read.

    `chances` has the columns of HEADS; `evidence` a row a token and a column a ring.
    """

    offsets: Sequence[tuple[int, int]]
    chances: NDArray[np.float32]
    evidence: NDArray[np.float32]


def chances_of(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn logits [posts, WIDTH] into chances, head by head."""
    chances = np.empty_like(logits)
    for head in HEADS:
        some = logits[:, head.columns]
        if head.exclusive:
            raised = np.exp(some - some.max(axis=1, keepdims=True))
            chances[:, head.columns] = raised / raised.sum(axis=1, keepdims=True)
        else:
            chances[:, head.columns] = 1 / (1 + np.exp(-some))
    return chances


def decode(
    text: str, lang: str | None, pieces: Sequence[Piece], least: dict[str, Any], weights: NDArray[np.float32]
) -> Tagged:
    """Give the tags of a post; `least` has the least scores of the recipe, `weights` one for each overall sentiment.

    A ring that any piece speaks of is the post's; what is of the post as a whole is the mean of its pieces.
    """
    mean = pieces[0].chances if len(pieces) == 1 else np.mean([piece.chances for piece in pieces], axis=0)
    overall = mean[BY_NAME["sentiment"].columns]
    best = int((overall * weights).argmax())
    tags = (_ring_tag(text, ring, number, pieces, least) for number, ring in enumerate(RING_NAMES))
    return Tagged(
        lang,
        ATTITUDES[best],
        float(overall[best]),
        tuple(tag for tag in tags if tag),
        *(_above(head, mean, least[head]) for head in ("noise", "benefits", "signals")),
    )


def _ring_tag(text: str, ring: str, number: int, pieces: Sequence[Piece], least: dict[str, Any]) -> RingTag | None:
    head = BY_NAME[ring]
    piece = pieces[0] if len(pieces) == 1 else min(pieces, key=lambda piece: piece.chances[head.start])
    score = 1 - float(piece.chances[head.start])
    if score < least["ring"][ring]:
        return None
    attitude = ATTITUDES[int(piece.chances[head.start + 1 : head.columns.stop].argmax())]
    facets = BY_NAME["facets"]
    start = facets.start + facets.labels.index(f"{ring}.{FACETS[ring][0]}")
    named = tuple(f for f, chance in zip(FACETS[ring], piece.chances[start:], strict=False) if chance >= least["facet"])
    return RingTag(ring, attitude, score, _evidence(text, piece, number, least["evidence"]), named)


def _above(name: str, chances: NDArray[np.float32], least: float | dict[str, float]) -> tuple[str, ...]:
    head = BY_NAME[name]
    return tuple(
        str(label)
        for label, chance in zip(head.labels, chances[head.columns], strict=True)
        if chance >= (least[label] if isinstance(least, dict) else least)
    )


def _evidence(text: str, piece: Piece, ring: int, least: float) -> tuple[int, int]:
    """Give the run of tokens that most speaks for the ring: where the sum of (chance - least) is greatest."""
    gains = piece.evidence[:, ring] - least
    best, best_sum, first, so_far = (int(gains[1:-1].argmax()) + 1,) * 2, 0.0, 1, 0.0
    for at in range(1, len(gains) - 1):
        if so_far <= 0:
            first, so_far = at, 0.0
        so_far += float(gains[at])
        if so_far > best_sum:
            best, best_sum = (first, at), so_far
    start, stop = piece.offsets[best[0]][0], piece.offsets[best[1]][1]
    while start > 0 and not text[start - 1].isspace() and not text[start].isspace():
        start -= 1
    while stop < len(text) and not text[stop].isspace():
        stop += 1
    return start, stop
