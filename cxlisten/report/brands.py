"""The section of each brand: its six rings, their course, what moved in it, and the posts that say so."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from cxlisten.report.figures import Evidence, Facet, Hole, Lens, RingFigure, Window
from cxlisten.report.sections import BrandSection, Move, RingSection
from cxlisten.report.snapshot import Snapshot
from cxlisten.report.wording import caveat, headline, strength

MOVE_Z = 2.58
"""As CLEAR_Z for single steps, of which there are many: chance makes such a move once in a hundred times."""

N_MOVES = 5
"""How many moves a brand's list has at most."""

Row = TypeVar("Row")


def brand_sections(data: Snapshot, brands: Sequence[str], period: Window) -> tuple[BrandSection, ...]:
    """Gather the section of every brand, in the order given."""
    figures = data.rows("rings", RingFigure)
    now = _grouped((one for one in figures if one.kind == "period"), lambda one: one.brand)
    course = _grouped((one for one in figures if one.kind == "course"), lambda one: (one.brand, one.ring))
    steps = _grouped((one for one in figures if one.kind == "step"), lambda one: one.brand)
    moved = {brand: _clearest(steps[brand]) for brand in brands}

    data = data.within(claims=[_claim(one) for brand in brands for one in (*now[brand], *moved[brand])])
    facets = _grouped(data.rows("facets", Facet), _key)
    posts = _grouped(data.rows("posts", Evidence), lambda post: (*_key(post), post.sentiment))
    holes = _grouped(data.rows("holes", Hole), lambda hole: (hole.window, hole.brand))
    lenses = _grouped(data.rows("lenses", Lens), lambda lens: lens.brand)

    def ring_section(figure: RingFigure) -> RingSection:
        return RingSection(
            figure,
            course=course[figure.brand, figure.ring],
            facets=facets[_key(figure)],
            praise=posts[*_key(figure), "positive"],
            blame=posts[*_key(figure), "negative"],
        )

    def move(figure: RingFigure) -> Move:
        told = posts[*_key(figure), figure.direction]
        doubts = tuple(caveat(hole, "in these days") for hole in holes[figure.window, figure.brand])
        return Move(figure, facets[_key(figure)], told[0] if told else None, doubts)

    def brand_section(brand: str) -> BrandSection:
        rings = tuple(ring_section(figure) for figure in now[brand])
        doubts = [caveat(hole, "in this period") for hole in holes[period.number, brand]]
        moves = tuple(move(figure) for figure in moved[brand])
        return BrandSection(brand, headline(rings, period, doubts), rings, moves, lenses[brand])

    return tuple(brand_section(brand) for brand in brands)


def _clearest(steps: Iterable[RingFigure]) -> list[RingFigure]:
    """The steps in which a ring moved, or was spoken of much more; of neighbours the stronger one."""
    steps = tuple(steps)
    strengths = {(step.ring, step.window): strength(step, MOVE_Z) for step in steps}

    def is_peak(step: RingFigure) -> bool:
        here = strengths[step.ring, step.window]
        return here > 1 and all(strengths.get((step.ring, step.window + side), 0) <= here for side in (-1, 1))

    return sorted(filter(is_peak, steps), key=lambda step: -strength(step, MOVE_Z))[:N_MOVES]


def _key(row: RingFigure | Facet | Evidence) -> tuple[int, str, str]:
    return row.window, row.brand, row.ring


def _claim(figure: RingFigure) -> Mapping[str, Any]:
    return {
        "number": figure.window,
        "brand": figure.brand,
        "ring": figure.ring,
        "first_day": figure.first_day,
        "last_day": figure.last_day,
    }


def _grouped(rows: Iterable[Row], key: Callable[[Row], Any]) -> Mapping[Any, tuple[Row, ...]]:
    groups: dict[Any, tuple[Row, ...]] = defaultdict(tuple)
    for row in rows:
        groups[key(row)] += (row,)
    return groups
