"""The figures in words: a sentence says what a query found, with its n, and never why it came about."""

from collections.abc import Sequence
from datetime import date

from cxlisten.report.figures import CLEAR_Z, FLOOR, SURGE_Z, Facet, Hole, RingFigure, Window
from cxlisten.report.sections import BrandSection, RingSection, Statement

NOT_ENOUGH = "Not enough data to say what moved"


def signed(points: int) -> str:
    """Write a number of points with its sign, the minus as a minus."""
    return f"{points:+d}".replace("-", "\N{MINUS SIGN}") if points else "0"


def day_name(day: date) -> str:
    """Write a day as people do: 8 November 2026."""
    return f"{day.day} {day:%B %Y}"


def short_day(day: date) -> str:
    """Write a day where there is little room: 8 Nov."""
    return f"{day.day} {day:%b}"


def day_span(first: date, last: date) -> str:
    """Write a span of days without repeating what its ends share: 2 to 8 November 2026."""
    if first == last:
        return day_name(last)
    month = "" if (first.year, first.month) == (last.year, last.month) else f" {first:%B}"
    year = "" if first.year == last.year else f" {first.year}"
    return f"{first.day}{month}{year} to {day_name(last)}"


def opening(brands: Sequence[BrandSection], period: Window) -> tuple[Statement, ...]:
    """Say at the top of the page what moved most clearly in any brand, each statement with its brand's caveats."""
    caveats = {one.brand: one.headline.caveats for one in brands}
    sections = [ring for one in brands for ring in one.rings]
    moved = [Statement(_told(one, with_brand=True), caveats[one.figure.brand]) for one in _clearest(sections)]
    if moved:
        return tuple(moved)
    everything = dict.fromkeys(caveat for one in brands for caveat in one.headline.caveats)
    return (Statement(_unmoved(sections, period, with_brand=True), tuple(everything)),)


def headline(sections: Sequence[RingSection], period: Window, caveats: Sequence[str]) -> Statement:
    """Say what moved most clearly in a brand; where nothing did, say so and how things stand."""
    told = [_told(section, with_brand=False) for section in _clearest(sections)]
    return Statement(" ".join(told) or _unmoved(sections, period, with_brand=False), tuple(caveats))


def strength(figure: RingFigure, clear_z: float) -> float:
    """How far a figure stands out, in sentiment or in how often it is spoken of; above 1 it is worth telling."""
    return max((figure.z or 0) / clear_z, (figure.surge_z or 0) / SURGE_Z if figure.is_surge else 0)


def speak_of(facets: Sequence[Facet], direction: str) -> str:
    """Name the facets that most of those who praise, or blame, speak of, with their counts."""
    counts = [(one.n_positive if direction == "positive" else one.n_negative, one.facet) for one in facets]
    named = [f"{facet} ({n:,})" for n, facet in sorted(counts, key=lambda pair: (-pair[0], pair[1]))[:2] if n > 1]
    return " and ".join(named)


def surge(figure: RingFigure) -> str:
    """Say how much more a ring is spoken of than in the days before."""
    expected = figure.expected or 0.0
    if expected < 1:
        return f"spoken of in {figure.n:,} tags, where the days before had hardly any"
    usual = f"{expected:.1f}".removesuffix(".0")
    return f"spoken of {figure.n / expected:.0f} times as often as before ({figure.n:,} tags, where {usual} were usual)"


def caveat(hole: Hole, where: str) -> str:
    """Say what was not collected alike, of two stretches of days that a statement compares."""
    match hole.kind:
        case "stopped":
            return f"{hole.source} gave {hole.previous_n:,} mentions before and none {where}."
        case "started":
            return f"{hole.source} gave {hole.n:,} mentions {where} and none before."
        case "gap":
            since = f", from {day_name(hole.day)}" if hole.day else ""
            return f"{hole.source} was not read all the time{since}: {hole.reason}."
        case "empty":
            return f"{hole.source} was asked {hole.n:,} times {where} and gave nothing."
        case "begun":
            began = day_name(hole.day) if hole.day else "late"
            return f"The data begin on {began}: the days before are covered only in part."


def _clearest(sections: Sequence[RingSection], most: int = 2) -> list[RingSection]:
    told = [section for section in sections if section.figure.is_clear or section.figure.is_surge]
    return sorted(told, key=lambda section: -strength(section.figure, CLEAR_Z))[:most]


def _told(section: RingSection, with_brand: bool) -> str:
    figure = section.figure
    subject = f"{figure.brand}: {figure.ring}" if with_brand else figure.ring.capitalize()
    sentence = f"{subject} {_moved(figure) if figure.is_clear else _surged(figure)}"
    about = speak_of(section.facets, figure.direction)
    who = "praise" if figure.direction == "positive" else "complain"
    return f"{sentence}: those who {who} speak of {about}." if about else f"{sentence}."


def _moved(figure: RingFigure) -> str:
    verb = "rose" if (figure.change or 0) > 0 else "fell"
    to = signed(figure.net_sentiment or 0)
    return f"{verb} {abs(figure.change or 0)} points to {to} (n {figure.n:,}, before {figure.previous_n:,})"


def _surged(figure: RingFigure) -> str:
    return f"is {surge(figure)}, at {signed(figure.net_sentiment or 0)}"


def _unmoved(sections: Sequence[RingSection], period: Window, with_brand: bool) -> str:
    told = [section.figure for section in sections if section.figure.net_sentiment is not None]
    compared = [figure for figure in told if figure.change is not None]
    if not told:
        return f"{NOT_ENOUGH}: no ring has {FLOOR} tags."
    standing = _standing(told, with_brand)
    if period.previous_last_day is None:
        return standing
    if not compared:
        return f"{NOT_ENOUGH}: no ring has {FLOOR} tags in both periods. {standing}"
    noun = "the ring" if len(compared) == 1 else f"any of the {len(compared)} rings"
    return f"No clear change in {noun} with enough data. {standing}"


def _standing(told: Sequence[RingFigure], with_brand: bool) -> str:
    aimed = [figure for figure in told if figure.gap is not None]
    if not aimed:
        ordered = sorted(told, key=lambda one: one.net_sentiment or 0)
        low, high = ordered[0], ordered[-1]
        return f"Lowest is {_named(low, with_brand)}, highest {_named(high, with_brand)}."
    worst = min(aimed, key=lambda one: one.gap or 0)
    if (worst.gap or 0) >= 0:
        return "Every ring with enough data and a target is on it or above."
    return f"Furthest below its target of {signed(worst.target or 0)} is {_named(worst, with_brand)}."


def _named(figure: RingFigure, with_brand: bool) -> str:
    subject = f"{figure.ring} of {figure.brand}" if with_brand else figure.ring
    return f"{subject} at {signed(figure.net_sentiment or 0)} (n {figure.n:,})"
