"""Rows to inline SVG: the course of one ring, drawn so that the page's own colours apply in light and dark."""

import re
from collections.abc import Sequence
from io import StringIO
from math import nan

from markupsafe import escape
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cxlisten.report.figures import RingFigure
from cxlisten.report.wording import short_day, signed

# Drawn in these, and replaced by the page's custom properties with a fall-back for a page without them.
INK, MUTED, RULE, LINE = "#101010", "#202020", "#303030", "#404040"
THEME = {
    INK: "var(--ink, #20242b)",
    MUTED: "var(--muted, #666b73)",
    RULE: "var(--rule, #dcd7cd)",
    LINE: "var(--accent, #1d6a85)",
}
SETTINGS = {"svg.fonttype": "none", "font.family": "DejaVu Sans", "font.size": 8}
NO_METADATA = {"Creator": None, "Date": None, "Format": None, "Type": None}


def course_chart(course: Sequence[RingFigure], label: str) -> str:
    """Draw net sentiment step by step with its interval and target, over bars of n; a step below the floor is a gap.

    Gives an empty string where no step has enough data.
    """
    if all(step.net_sentiment is None for step in course):
        return ""
    with rc_context({**SETTINGS, "svg.hashsalt": label}):
        figure = Figure(figsize=(3.6, 1.95), facecolor="none")
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(5, 1))
        figure.subplots_adjust(left=0.11, right=0.91, top=0.96, bottom=0.115, hspace=0.1)
        _draw_course(upper, course)
        _draw_counts(lower, course)
        svg = StringIO()
        figure.savefig(svg, format="svg", metadata=NO_METADATA)
    return _inline(svg.getvalue(), label)


def _draw_course(axes: Axes, course: Sequence[RingFigure]) -> None:
    steps = range(len(course))
    told = [nan if step.net_sentiment is None else step.net_sentiment for step in course]
    low = [nan if step.low is None else step.low for step in course]
    high = [nan if step.high is None else step.high for step in course]
    axes.axhline(0, color=RULE, linewidth=0.8)
    axes.fill_between(steps, low, high, color=LINE, alpha=0.14, linewidth=0)
    axes.plot(steps, told, color=LINE, linewidth=1.6, marker="o", markersize=2.6)
    target, last = course[-1].target, course[-1].net_sentiment
    if target is not None:
        axes.axhline(target, color=MUTED, linewidth=0.8, dashes=(4, 3))
        _margin_note(axes, _apart(target, last), signed(target), MUTED)
    if last is not None:
        axes.plot([steps[-1]], [last], color=LINE, marker="o", markersize=4.5)
        _margin_note(axes, last, signed(last), INK, fontweight="bold")
    axes.set_ylim(-106, 106)
    axes.set_yticks([-100, 0, 100], [signed(-100), "0", signed(100)], color=MUTED, fontsize=7)
    _bare(axes)


def _draw_counts(axes: Axes, course: Sequence[RingFigure]) -> None:
    last = len(course) - 1
    axes.bar(range(len(course)), [step.n for step in course], color=RULE, width=0.62)
    _margin_note(axes, 0, f"n {course[-1].n}", MUTED, va="bottom")
    axes.set_xlim(-0.5, last + 0.5)
    axes.set_yticks([])
    days = [step.last_day for step in course]
    axes.set_xticks([0, last], [short_day(day) if day else "" for day in (days[0], days[-1])])
    for tick, side in zip(axes.get_xticklabels(), ("left", "right"), strict=True):
        tick.set(ha=side, color=MUTED, fontsize=7)
    _bare(axes)


def _margin_note(
    axes: Axes, height: float, text: str, color: str, va: str = "center", fontweight: str = "normal"
) -> None:
    """Write to the right of the axes, at a height of the data."""
    axes.annotate(
        text,
        (1.015, height),
        xycoords=("axes fraction", "data"),
        color=color,
        va=va,
        fontsize=7,
        fontweight=fontweight,
        annotation_clip=False,
    )


def _apart(target: int, last: int | None, room: int = 26) -> int:
    """Give a height for the target's label that leaves the last value's label readable."""
    if last is None or abs(target - last) >= room:
        return target
    return last + room if target >= last and last + room <= 100 else last - room


def _bare(axes: Axes) -> None:
    axes.set_facecolor("none")
    axes.tick_params(left=False, bottom=False, pad=4)
    axes.spines[:].set_visible(False)


def _inline(svg: str, label: str) -> str:
    """Make a document into an element: named for those who cannot see it, in the page's font and colours."""
    box = svg[svg.index("viewBox=") :].split('"')[1]
    body = svg[svg.index(">", svg.index("<svg")) + 1 :]
    body = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", body, flags=re.DOTALL)
    body = re.sub(r'<g id="[^"]*"', "<g", body)  # group ids repeat in every chart; what is referred to is hashed
    body = re.sub(r"font-family: '[^']*'", "font-family: inherit", body)
    body = re.sub(r"(\.\d\d)\d+", r"\1", body)
    body = re.sub(r"\s*\n\s*", " ", body)
    for drawn, themed in THEME.items():
        body = body.replace(drawn, themed)
    return f'<svg viewBox="{box}" role="img"><title>{escape(label)}</title>{body}'
