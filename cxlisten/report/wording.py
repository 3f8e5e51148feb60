"""The figures in words: a sentence says what a query found, with its n, and never why it came about."""

from collections.abc import Sequence
from datetime import date

from cxlisten.report.figures import FLOOR, BrandSection, Facet, Hole, RingFigure, RingSection, Statement, Window

NOT_ENOUGH = "Not enough data to say what moved"


def signed(points: int) -> str:
    """Write a number of points with its sign, the minus as a minus."""
    return f"{points:+d}".replace("-", "\N{MINUS SIGN}") if points else "0"


def day_name(day: date) -> str:
    """Write a day as people do: 8 November 2026."""
    return f"{day.day} {day:%B %Y}"


def opening(brands: Sequence[BrandSection], period: Window, most: int = 2) -> tuple[Statement, ...]:
    """Say at the top of the page what moved most in all the brands, each statement with its own caveats."""
    if len(brands) == 1:
        return (brands[0].headline,)
    doubts = {one.brand: one.headline.caveats for one in brands}
    sections = [ring for one in brands for ring in one.rings]
    clear = _clear(sections)[:most]
    if not clear:
        return (headline(sections, period, ()),)
    return tuple(Statement(_moved(one, with_brand=True), doubts[one.figure.brand]) for one in clear)


def headline(sections: Sequence[RingSection], period: Window, caveats: Sequence[str], most: int = 2) -> Statement:
    """Say what moved most in a brand; where nothing did, say so and how things stand."""
    several = len({section.figure.brand for section in sections}) > 1
    clear = _clear(sections)[:most]
    if clear:
        sentences = [_moved(section, with_brand=several) for section in clear]
    else:
        sentences = [*_nothing_moved(sections, period), *_standing(sections, with_brand=several)]
    return Statement(" ".join(sentences), tuple(caveats))


def speak_of(facets: Sequence[Facet], direction: str) -> str:
    """Name the facets that most of those who praise, or blame, speak of, with their counts."""
    counts = [(one.n_positive if direction == "positive" else one.n_negative, one.facet) for one in facets]
    named = [f"{facet} ({n})" for n, facet in sorted(counts, key=lambda pair: (-pair[0], pair[1]))[:2] if n > 1]
    return " and ".join(named)


def caveat(hole: Hole, where: str = "in this period") -> str:
    """Say what was not collected alike, of two stretches of days that a statement compares."""
    match hole.kind:
        case "stopped":
            return f"{hole.source} gave {hole.previous_n} mentions before and none {where}."
        case "started":
            return f"{hole.source} gave {hole.n} mentions {where} and none before."
        case "gap":
            return f"{hole.source} was not read all the time: {hole.reason}."
        case "empty":
            return f"{hole.source} was asked {hole.n} times {where} and gave nothing."
        case "begun":
            began = day_name(hole.day) if hole.day else "late"
            return f"The data begin on {began}: the days before are covered only in part."


def _clear(sections: Sequence[RingSection]) -> list[RingSection]:
    clear = [section for section in sections if section.figure.is_clear]
    return sorted(clear, key=lambda section: -abs(section.figure.change or 0))


def _moved(section: RingSection, with_brand: bool) -> str:
    figure = section.figure
    verb, who = ("rose", "praise") if figure.direction == "positive" else ("fell", "complain")
    subject = f"{figure.brand}: {figure.ring}" if with_brand else figure.ring.capitalize()
    sentence = (
        f"{subject} {verb} {abs(figure.change or 0)} points to {signed(figure.net_sentiment or 0)}"
        f" (n {figure.n}, before {figure.previous_n})"
    )
    about = speak_of(section.facets, figure.direction)
    return f"{sentence}: those who {who} speak of {about}." if about else f"{sentence}."


def _nothing_moved(sections: Sequence[RingSection], period: Window) -> list[str]:
    told = [section for section in sections if section.figure.net_sentiment is not None]
    compared = [section for section in told if section.figure.change is not None]
    if not told:
        return [f"{NOT_ENOUGH}: no ring has {FLOOR} tags."]
    if period.previous_last_day is None:
        return []
    if not compared:
        return [f"{NOT_ENOUGH}: no ring has {FLOOR} tags in both periods."]
    noun = "the ring" if len(compared) == 1 else f"any of the {len(compared)} rings"
    return [f"No clear change in {noun} with enough data."]


def _standing(sections: Sequence[RingSection], with_brand: bool) -> list[str]:
    told = [section.figure for section in sections if section.figure.net_sentiment is not None]
    if not told:
        return []
    aimed = [figure for figure in told if figure.gap is not None]
    if not aimed:
        low = min(told, key=lambda one: one.net_sentiment or 0)
        high = max(told, key=lambda one: one.net_sentiment or 0)
        return [f"Lowest is {_figure(low, with_brand)}, highest {_figure(high, with_brand)}."]
    worst = min(aimed, key=lambda one: one.gap or 0)
    if (worst.gap or 0) >= 0:
        return ["Every ring with enough data and a target is on it or above."]
    return [f"Furthest below its target of {signed(worst.target or 0)} is {_figure(worst, with_brand)}."]


def _figure(figure: RingFigure, with_brand: bool) -> str:
    subject = f"{figure.ring} of {figure.brand}" if with_brand else figure.ring
    return f"{subject} at {signed(figure.net_sentiment or 0)} (n {figure.n})"
