"""Calibration: whether of the tags with a score of 0.8 eight in ten are right."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from cxlisten.models import Tagged
from cxlisten.taxonomy import RING_NAMES

_N_BINS = 10


def calibration(gold: Sequence[Mapping[str, Any]], tagged: Sequence[Tagged]) -> dict[str, dict[str, Any]]:
    """Give the expected calibration error `ece` of each ring that was tagged, and the tenths of the scores behind it.

    It is of the tags given: a tag is right when people see the ring too, whatever its sentiment. The score of a ring
    that was not tagged is not known, so that this says nothing of what was missed. A tenth without a tag is left out.
    """
    told: defaultdict[str, list[tuple[float, bool]]] = defaultdict(list)
    for post, one in zip(gold, tagged, strict=True):
        for tag in one.rings if "rings" in post else ():
            told[tag.ring].append((tag.score, tag.ring in post["rings"]))
    return {ring: _reliability(told[ring]) for ring in RING_NAMES if ring in told}


def _reliability(told: list[tuple[float, bool]]) -> dict[str, Any]:
    bands: defaultdict[int, list[tuple[float, bool]]] = defaultdict(list)
    for score, right in told:
        bands[min(int(score * _N_BINS), _N_BINS - 1)].append((score, right))
    rows = [
        {
            "from": number / _N_BINS,
            "to": (number + 1) / _N_BINS,
            "n": len(band),
            "score": round(fmean(score for score, _ in band), 4),
            "right": round(fmean(right for _, right in band), 4),
        }
        for number, band in sorted(bands.items())
    ]
    error = sum(row["n"] * abs(row["score"] - row["right"]) for row in rows) / len(told)
    return {"n": len(told), "ece": round(error, 4), "bands": rows}
