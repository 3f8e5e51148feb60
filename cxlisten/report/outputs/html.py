"""The HTML channel: one self-contained page, without scripts, that can be mailed, printed or put anywhere."""

from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from cxlisten.report.charts import course_chart
from cxlisten.report.evidence import excerpt, web_link
from cxlisten.report.figures import FLOOR
from cxlisten.report.sections import Report, RingSection
from cxlisten.report.wording import day_name, day_span, short_day, signed, speak_of, surge

SUFFIX = ".html"


def render(report: Report) -> str:
    """Give the page as text; the same report gives the same page."""
    zone = ZoneInfo(report.spec.timezone)

    def clock(moment: datetime) -> str:
        local = moment.astimezone(zone)
        return f"{day_name(local.date())}, {local:%H:%M %Z}"

    return _environment().get_template("report.html.j2").render(report=report, clock=clock)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("cxlisten.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "chart": _chart,
        "count": lambda number: f"{number:,}",
        "excerpt": excerpt,
        "short_day": short_day,
        "signed": signed,
        "tone": _tone,
        "web_link": web_link,
    }
    environment.globals |= {
        "FLOOR": FLOOR,
        "day_name": day_name,
        "day_span": day_span,
        "speak_of": speak_of,
        "surge": surge,
    }
    return environment


def _chart(section: RingSection) -> Markup:
    figure = section.figure
    return Markup(course_chart(section.course, f"{figure.brand}, {figure.ring}: net sentiment over time"))


def _tone(points: int | None) -> str:
    """Name the shade of a figure; colour only repeats what its sign and number say."""
    if points is None:
        return "none"
    depth = "2" if abs(points) >= 40 else "1" if abs(points) >= 10 else "0"
    return ("pos" if points > 0 else "neg") + depth
