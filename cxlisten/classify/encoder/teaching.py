"""Teaching: what a larger model reads in the texts is mixed into what is known of them, for a smaller one to learn."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cxlisten.classify.encoder.examples import Example
from cxlisten.classify.encoder.heads import BY_NAME, WIDTH
from cxlisten.classify.encoder.readings import Reading
from cxlisten.taxonomy import RING_NAMES

# Where each ring's chance to be absent stands, and of which ring each facet is.
_ABSENT = [BY_NAME[ring].start for ring in RING_NAMES]
_FACETS = BY_NAME["facets"]
_RING_OF_FACET = [RING_NAMES.index(label.split(".")[0]) for label in _FACETS.labels]


def taught(
    examples: Sequence[Example], readings: Iterable[Reading | None], share: float, head_share: Mapping[str, float]
) -> Iterator[Example]:
    """Give each example as its teacher sees it: where nothing is known, all of the truth; elsewhere `share` of it.

    One without a reading stays as it is. Of the heads in `head_share`, and of `evidence`, that share. What is not asked
    of a teacher that learns, facets and evidence of a ring that the post does not speak of, is not taken from it. Both
    models' tokens must be the same.
    """
    shares = np.full(WIDTH, share, np.float32)
    of_evidence = head_share.get("evidence", share)
    for name in head_share.keys() - {"evidence"}:
        shares[BY_NAME[name].columns] = head_share[name]
    for example, reading in zip(examples, readings, strict=True):
        if reading is None:
            yield example
            continue
        chances, marks = reading
        truth, evidence = _mix(example.truth, chances, shares), _mix(example.evidence, marks, of_evidence)
        spoken_of = truth[_ABSENT] <= 0.5
        truth[_FACETS.columns] = np.where(spoken_of[_RING_OF_FACET], truth[_FACETS.columns], np.nan)
        evidence[:, ~spoken_of] = np.nan
        yield replace(example, truth=truth, evidence=evidence)


def _mix(
    known: NDArray[np.float32], said: NDArray[np.uint8], share: float | NDArray[np.float32]
) -> NDArray[np.float32]:
    chances = said.astype(np.float32) / 255
    return np.where(np.isnan(known), chances, (1 - share) * known + share * chances).astype(np.float32)
