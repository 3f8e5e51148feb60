"""Counting: what each labelled post adds to every measure, so that any choice of posts can be summed."""

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

import numpy as np
import numpy.typing as npt

from cxlisten.classify.marked import marked
from cxlisten.models import Tagged
from cxlisten.taxonomy import RING_NAMES, Sentiment

JOINT, NO_RING, FACET, EVIDENCE = "joint", "no_ring", "facet", "evidence"
ATTITUDES = tuple(str(attitude) for attitude in Sentiment)
MEASURES = (*RING_NAMES, JOINT, NO_RING, FACET, EVIDENCE, *ATTITUDES)

Counts = npt.NDArray[np.float64]
"""Of each post and each of MEASURES: (right, found, wanted)."""

_WORD = re.compile(r"\S+")


def count(gold: Sequence[Mapping[str, Any]], tagged: Sequence[Tagged]) -> Counts:
    """Count, for each post and measure, the facts that are right, that were found, and that people wanted."""
    counts = np.zeros((len(gold), len(MEASURES), 3))
    for number, (post, one) in enumerate(zip(gold, tagged, strict=True)):
        for measure, found, wanted in _facts(post, one):
            counts[number, MEASURES.index(measure)] = len(found & wanted), len(found), len(wanted)
    return counts


def _facts(post: Mapping[str, Any], one: Tagged) -> Iterator[tuple[str, Set[Any], Set[Any]]]:
    """What was found and what is wanted, per measure; a post whose rings nobody labelled has its sentiment only."""
    for attitude in ATTITUDES:
        yield attitude, {one.sentiment} & {attitude}, {post["sentiment"]} & {attitude}
    if "rings" not in post:
        return
    wanted: dict[str, str] = post["rings"]
    found = {tag.ring: tag.sentiment for tag in one.rings}
    for ring in RING_NAMES:
        yield ring, found.keys() & {ring}, wanted.keys() & {ring}
    yield JOINT, found.items(), wanted.items()
    yield NO_RING, {not found} & {True}, {not wanted} & {True}
    facets = {f"{tag.ring}.{facet}" for tag in one.rings for facet in tag.facets}
    yield FACET, facets, set(post.get("facets", ()))
    yield EVIDENCE, *_words_of_evidence(post, one)


def _words_of_evidence(post: Mapping[str, Any], one: Tagged) -> tuple[Set[Any], Set[Any]]:
    """The words, as (ring, place in the text), that the classifier and the annotator show for a ring both see.

    A word is a run without a space.
    """
    found, wanted = set(), set()
    words = [match.span() for match in _WORD.finditer(post["text"])] if post.get("spans") else []
    for tag in one.rings:
        if tag.ring in post["rings"] and (span := marked(post, tag.ring)):
            found |= {(tag.ring, i) for i in _within(words, *tag.evidence)}
            wanted |= {(tag.ring, i) for i in _within(words, *span)}
    return found, wanted


def _within(words: Sequence[tuple[int, int]], start: int, end: int) -> Iterator[int]:
    return (i for i, (first, behind) in enumerate(words) if first < end and behind > start)
