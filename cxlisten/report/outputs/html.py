"""The HTML channel: one self-contained page, without scripts, that can be mailed, printed or put anywhere."""

from datetime import date, datetime
from functools import cache
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from cxlisten.report.charts import course_chart
from cxlisten.report.evidence import excerpt, web_link
from cxlisten.report.figures import CLEAR_Z, FLOOR, N_STEPS, Report, RingSection
from cxlisten.report.wording import day_name, signed, speak_of


def render(report: Report) -> str:
    """Give the page as text; the same report gives the same page."""
    zone = ZoneInfo(report.spec.timezone)

    def clock(moment: datetime | None) -> str:
        return f"{day_name(moment.astimezone(zone))}, {moment.astimezone(zone):%H:%M %Z}" if moment else "never"

    return _page().render(report=report, clock=clock)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("cxlisten.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"signed": signed, "excerpt": excerpt, "web_link": web_link, "count": _count}
    environment.globals |= {
        "FLOOR": FLOOR, "N_STEPS": N_STEPS, "days": _days, "chart": _chart, "speak_of": speak_of, "day_name": day_name
    }
    return environment
