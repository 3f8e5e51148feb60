"""Figures: from summed counts to F1 and recall, and how far each figure may be off by chance."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from cxlisten.classify.evaluate.counting import ATTITUDES, EVIDENCE, FACET, JOINT, MEASURES, NO_RING, Counts
from cxlisten.taxonomy import RING_NAMES

Figures = dict[str, Any]

_N_RESAMPLES = 1_000
_SEED = 20260321


def figures(counts: Counts) -> Figures:
    """Give F1 per ring, of ring with attitude, of no ring, of facets and of evidence, and the recall of sentiments.

    A ring or a sentiment that no gold post has gets no figure, and a mean is over those that have one, rounded as
    they are shown.
    """
    of = dict(zip(MEASURES, counts.sum(axis=0).astype(int).tolist(), strict=True))
    out: Figures = {"n": len(counts)}
    if rings := {ring: _row(of[ring]) for ring in RING_NAMES if of[ring][2]}:
        out["rings"] = rings
        out["ring_macro_f1"] = _mean([row["f1"] for row in rings.values()])
        out["joint_micro_f1"] = _f1(of[JOINT])
        out["no_ring_f1"] = _f1(of[NO_RING])
    if of[FACET][2]:
        out["facet_micro_f1"] = _f1(of[FACET])
    if of[EVIDENCE][2]:
        out["evidence_f1"] = _f1(of[EVIDENCE])
    if recall := {attitude: _share(of[attitude][0], of[attitude][2]) for attitude in ATTITUDES if of[attitude][2]}:
        out["sentiment_recall"] = recall
        out["sentiment_macro_recall"] = _mean(list(recall.values()))
    return out


def intervals(counts: Counts) -> Figures:
    """Give the 95 % interval, [low, high], of each figure and of each ring's F1: a bootstrap over the posts."""
    seen: defaultdict[str, list[float]] = defaultdict(list)
    of_ring: defaultdict[str, list[float]] = defaultdict(list)
    for sample in _resampled(counts):
        for name, value in figures(sample).items():
            if isinstance(value, float):
                seen[name].append(value)
            elif name == "rings":
                for ring, row in value.items():
                    of_ring[ring].append(row["f1"])
    out: Figures = {name: _interval(values) for name, values in seen.items()}
    if of_ring:
        out["rings"] = {ring: _interval(of_ring[ring]) for ring in RING_NAMES if ring in of_ring}
    return out


def _resampled(counts: Counts) -> Iterator[Counts]:
    """Draw as many posts with replacement, again and again; each sample comes as one row, its sum."""
    rng = np.random.default_rng(_SEED)
    flat = counts.reshape(len(counts), -1)
    for _ in range(_N_RESAMPLES):
        times = np.bincount(rng.integers(0, len(counts), len(counts)), minlength=len(counts))
        yield (times @ flat).reshape(1, *counts.shape[1:])


def _interval(values: Sequence[float]) -> list[float]:
    return [round(float(bound), 4) for bound in np.percentile(values, [2.5, 97.5])]


def _row(counted: Sequence[int]) -> dict[str, float]:
    right, found, wanted = counted
    return {"f1": _f1(counted), "precision": _share(right, found), "recall": _share(right, wanted), "n": wanted}


def _f1(counted: Sequence[int]) -> float:
    right, found, wanted = counted
    return round(2 * right / (found + wanted), 4) if found + wanted else 1.0


def _share(right: int, n: int) -> float:
    return round(right / n, 4) if n else 0.0


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 4)
