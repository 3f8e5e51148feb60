"""What a channel renders: what was asked for, and the sections that the figures fill."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from cxlisten.report.figures import (
    ClassifierUse,
    Evidence,
    Facet,
    Freshness,
    Lens,
    Rejected,
    RingFigure,
    SourceCoverage,
    Unread,
    Voice,
    Window,
)


@dataclass(frozen=True, slots=True)
class ReportSpec:
    """What to report, on which days and for whom.

    `brands` empty means every own brand; `until` null, the last day with a mention; `period_days` 0, all the
    data there is, compared with nothing. `produced_at` is aware; days are UTC, times are shown in `timezone`.
    `metrics` is the classifier's `metrics.json`.
    """

    name: str
    title: str
    produced_at: datetime
    brands: tuple[str, ...] = ()
    period_days: int = 7
    until: date | None = None
    timezone: str = "UTC"
    metrics: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """What the figures say in words, and what to hold against it: something about what was collected."""

    text: str
    caveats: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RingSection:
    """A ring of a brand: its figure, its course, what it is about and who says so."""

    figure: RingFigure
    course: tuple[RingFigure, ...]
    facets: tuple[Facet, ...]
    praise: tuple[Evidence, ...]
    blame: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Move:
    """A step that stands out from the four before it, with what its posts speak of."""

    figure: RingFigure
    facets: tuple[Facet, ...]
    evidence: Evidence | None
    caveats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BrandSection:
    """A brand: what moved in words, what to hold against that, and the six rings."""

    brand: str
    headline: Statement
    rings: tuple[RingSection, ...]
    moves: tuple[Move, ...]
    lenses: tuple[Lens, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A report as a channel gets it: every number is the result of a query."""

    spec: ReportSpec
    period: Window
    headline: tuple[Statement, ...]
    brands: tuple[BrandSection, ...]
    voices: tuple[Voice, ...]
    sources: tuple[SourceCoverage, ...]
    rejected: tuple[Rejected, ...]
    unread: tuple[Unread, ...]
    classifiers: tuple[ClassifierUse, ...]
    freshness: Freshness
