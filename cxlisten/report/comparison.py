"""Comparison: what each ring's trend would be, were one classifier counted in place of another."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from cxlisten.errors import InputError
from cxlisten.report.snapshot import reading


@dataclass(frozen=True, slots=True)
class RingComparison:
    """A ring under two classifiers, in a month or over all the time: percentages, points, and tags they are of."""

    month: date | None
    ring: str
    n_mentions: int
    n_before: int
    n_after: int
    share_before: float | None
    share_after: float | None
    share_change: float | None
    net_before: float | None
    net_after: float | None
    net_change: float | None
    score_before: float | None
    score_after: float | None
    score_change: float | None
    agreement: float | None


@dataclass(frozen=True, slots=True)
class _Reader:
    name: str


def compare(state: Path, before: str, after: str, by_month: bool) -> tuple[RingComparison, ...]:
    """Compare two readers, each `recipe@version`, on the mentions of the snapshot that both have read.

    Raises InputError for a reader that has read nothing, and when there is no mention that both have read.
    """
    with reading(state, before=before, after=after, by_month=by_month) as data:
        known = [reader.name for reader in data.rows("readers", _Reader)]
        for name in (before, after):
            if name not in known:
                raise InputError(f'nothing is tagged by "{name}"; there is {", ".join(known)}')
        rows = data.rows("comparison", RingComparison)
    if not rows:
        raise InputError(f"there is no post that both {before} and {after} have read: run  cxlisten reclassify")
    return rows
