"""What a report is made of: a row of each query of `sql/report/`, every count beside its figure."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

FLOOR = 10
"""The fewest ring tags that a statement may rest on."""

CLEAR_Z = 1.96
"""A change is clear when it is this many standard errors: chance makes one as large once in twenty times."""

SURGE_Z = 3.29
"""A ring is said to be spoken of more when n is this many standard errors up: by chance once in a thousand times."""

N_STEPS = 12
"""How many points a chart has, and how many steps are searched for moves."""


@dataclass(frozen=True, slots=True)
class ReportedBrand:
    """A brand that the report speaks of."""

    brand: str


@dataclass(frozen=True, slots=True)
class Window:
    """Some days and the days before them, null where there are none; `windows.sql` says what each kind is."""

    number: int
    kind: Literal["period", "course", "step"]
    first_day: date | None
    last_day: date | None
    previous_first_day: date | None
    previous_last_day: date | None


@dataclass(frozen=True, slots=True)
class RingFigure:
    """A ring of a brand in a window, whose number and kind it carries; below the floor only the counts are there.

    Net sentiment, its 95 % interval, target and gap are points in -100..100, the experience score is in 0..100;
    `z` is the change in standard errors. `expected` is what `n` would be, were the ring spoken of as often as in the
    days before, `surge_z` how far `n` is above that, in standard errors.
    """

    window: int
    kind: Literal["period", "course", "step"]
    brand: str
    ring: str
    question: str
    first_day: date | None
    last_day: date | None
    n: int
    net_sentiment: int | None
    low: int | None
    high: int | None
    experience_score: int | None
    previous_n: int
    previous_net_sentiment: int | None
    change: int | None
    z: float | None
    target: int | None
    gap: int | None
    owner: str | None
    expected: float | None = None
    surge_z: float | None = None

    @property
    def is_surge(self) -> bool:
        """Whether the ring is spoken of at least twice as often, and far more than chance makes of it."""
        return (self.surge_z or 0) > SURGE_Z and self.n >= 2 * (self.expected or 0)

    @property
    def is_clear(self) -> bool:
        """Whether chance alone would seldom make a change as large."""
        return self.z is not None and self.z > CLEAR_Z

    @property
    def direction(self) -> Literal["positive", "negative"]:
        """Which posts explain it: those that praise when it rose or is good as it is, else those that blame."""
        moved_to = self.change if self.is_clear else self.net_sentiment
        return "positive" if (moved_to or 0) > 0 else "negative"


@dataclass(frozen=True, slots=True)
class Facet:
    """What a claim is about; `pull` is its part of the net sentiment, in points."""

    window: int
    brand: str
    ring: str
    facet: str
    n: int
    n_positive: int
    n_negative: int
    pull: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """A post that stands for a claim; the evidence is a half-open span of its text, in code points."""

    window: int
    brand: str
    ring: str
    sentiment: str
    post_id: int
    platform: str
    posted_at: datetime
    engagement: int
    url: str | None
    text: str
    evidence_start: int
    evidence_end: int


@dataclass(frozen=True, slots=True)
class Hole:
    """A reason why two windows may not compare: something about what was collected."""

    window: int
    brand: str
    source: str | None
    kind: Literal["stopped", "started", "gap", "empty", "begun"]
    n: int | None
    previous_n: int | None
    reason: str | None
    day: date | None


@dataclass(frozen=True, slots=True)
class Lens:
    """A kind of innovation in Siefert's balance and its rings; `share` is its percentage of the tags."""

    brand: str
    lens: str
    rings: str
    n: int
    n_all: int
    share: int
    net_sentiment: int | None


@dataclass(frozen=True, slots=True)
class Voice:
    """A brand's percentage of the counted mentions."""

    brand: str
    role: str
    n: int
    previous_n: int
    n_all: int
    share: int | None
    previous_share: int | None


@dataclass(frozen=True, slots=True)
class SourceCoverage:
    """What was asked of a source, and what became of it."""

    source: str
    n_asked: int
    n_fetched: int
    n_mapped: int
    n_rejected: int
    n_unmatched: int
    n_known: int
    n_new: int
    n_deleted: int
    n_duplicate: int
    n_noise: int
    n_tagged: int
    n_untagged: int
    n_unknown_language: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """A reason why items of a source could not be kept, and how many."""

    source: str
    reason: str
    n: int


@dataclass(frozen=True, slots=True)
class Unread:
    """Stretches of time that a source did not give."""

    source: str
    reason: str
    n: int
    since: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Freshness:
    """How far the data reach."""

    n_posts: int
    first_posted_at: datetime | None
    last_posted_at: datetime | None
    loaded_at: datetime | None


@dataclass(frozen=True, slots=True)
class ClassifierUse:
    """A classifier that read posts of the period."""

    classifier: str
    version: str
    n_posts: int
