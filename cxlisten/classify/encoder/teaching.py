"""Teaching: what a larger model reads in the texts is mixed into what is known of them, for a smaller one to learn."""

import hashlib
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxlisten.classify import load_recipe
from cxlisten.classify.encoder.artefact import fingerprint
from cxlisten.classify.encoder.examples import Example
from cxlisten.classify.encoder.heads import BY_NAME, WIDTH
from cxlisten.classify.engines.encoder import load
from cxlisten.taxonomy import RING_NAMES

log = logging.getLogger(__name__)

_AT_ONCE = 2_048
# Where each ring's chance to be absent stands, and of which ring each facet is.
_ABSENT = [BY_NAME[ring].start for ring in RING_NAMES]
_FACETS = BY_NAME["facets"]
_RING_OF_FACET = [RING_NAMES.index(label.split(".")[0]) for label in _FACETS.labels]
# The chances of every label, [WIDTH], and of every token to be evidence of a ring, [tokens, rings].
_Reading = tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]]]


def taught(
    examples: Sequence[Example], readings: Iterable[_Reading], share: float, head_share: Mapping[str, float]
) -> Iterator[Example]:
    """Give each example as its teacher sees it: where nothing is known, all of the truth; elsewhere `share` of it.

    Of the heads in `head_share`, that share. What is not asked of a teacher that learns, facets and evidence of a ring
    that the post does not speak of, is not taken from it. Both models' tokens must be the same.
    """
    shares = np.full(WIDTH, share, np.float32)
    for name, its_share in head_share.items():
        shares[BY_NAME[name].columns] = its_share
    for example, (chances, marks) in zip(examples, readings, strict=True):
        truth, evidence = _mix(example.truth, chances, shares), _mix(example.evidence, marks, share)
        spoken_of = truth[_ABSENT] <= 0.5
        truth[_FACETS.columns] = np.where(spoken_of[_RING_OF_FACET], truth[_FACETS.columns], np.nan)
        evidence[:, ~spoken_of] = np.nan
        yield replace(example, truth=truth, evidence=evidence)


def _mix(
    known: NDArray[np.float32], said: NDArray[np.floating[Any]], share: float | NDArray[np.float32]
) -> NDArray[np.float32]:
    said = said.astype(np.float32)
    return np.where(np.isnan(known), said, (1 - share) * known + share * said).astype(np.float32)


def teacher_readings(recipe: str, texts: Sequence[str], kept: Path) -> Iterator[_Reading]:
    """Give what a trained recipe reads in each text; of a long one, in its first piece.

    They take longer than much of a training: `kept` has them for one that was broken off and goes on.
    """
    teacher = load_recipe(recipe)
    engine = load(teacher)
    asked = "\0".join((fingerprint(teacher.folder / "model"), *texts))
    question = hashlib.sha256(asked.encode("utf-8", "replace")).hexdigest()
    if kept.is_file() and (saved := np.load(kept))["question"] == question:
        yield from zip(saved["chances"], np.split(saved["marks"], saved["ends"][:-1]), strict=True)
        return
    chances, marks = [], []
    for at in range(0, len(texts), _AT_ONCE):
        for pieces in engine.read(texts[at : at + _AT_ONCE]):
            chances.append(pieces[0].chances.astype(np.float16))
            marks.append(pieces[0].evidence.astype(np.float16))
        log.info("train has %d of %d texts read by %s", len(chances), len(texts), recipe)
    ends = np.cumsum([len(each) for each in marks])
    np.savez(kept, question=question, chances=np.stack(chances), marks=np.concatenate(marks), ends=ends)
    yield from zip(chances, marks, strict=True)
