"""Report: gathers a report from a snapshot, and finds the channel that renders it."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from pkgutil import iter_modules

from cxlisten.errors import InputError
from cxlisten.report import outputs
from cxlisten.report.brands import brand_sections
from cxlisten.report.figures import (
    FLOOR,
    N_STEPS,
    ClassifierUse,
    Freshness,
    Rejected,
    ReportedBrand,
    SourceCoverage,
    Unread,
    Voice,
    Window,
)
from cxlisten.report.sections import Report, ReportSpec
from cxlisten.report.snapshot import reading
from cxlisten.report.wording import opening

__all__ = ["Channel", "Report", "ReportSpec", "build", "channel_names", "load_channel"]

N_POSTS = 3
"""How many posts stand for a claim, of those that praise and of those that blame."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A way to tell a report: `render` is a pure function to text, `suffix` ends the name of the file of that text."""

    name: str
    suffix: str
    render: Callable[[Report], str]


def build(state: Path, spec: ReportSpec) -> Report:
    """Gather a report from the snapshot in the folder `state`; where data are missing it says so."""
    scope = {"period_days": spec.period_days, "until": spec.until, "brands": list(spec.brands)}
    with reading(state, **scope, floor=FLOOR, n_steps=N_STEPS, n_posts=N_POSTS) as data:
        names = [row.brand for row in data.rows("brands", ReportedBrand)]
        data = data.within(brands=names)
        windows = data.rows("windows", Window)
        period = next(window for window in windows if window.kind == "period")
        data = data.within(windows=[asdict(window) for window in windows], **asdict(period))
        brands = brand_sections(data, names, period)
        return Report(
            spec=spec,
            period=period,
            headline=opening(brands, period),
            brands=brands,
            voices=data.rows("voice", Voice),
            sources=data.rows("sources", SourceCoverage),
            rejected=data.rows("rejects", Rejected),
            unread=data.rows("gaps", Unread),
            classifiers=data.rows("classifiers", ClassifierUse),
            freshness=data.rows("freshness", Freshness)[0],
        )


def channel_names() -> list[str]:
    """Name every channel: the files of `report/outputs/` and the entry points of other packages."""
    return sorted({*(module.name for module in iter_modules(outputs.__path__)), *_foreign_channels()})


def load_channel(name: str) -> Channel:
    """Give a channel; raises InputError for an unknown one, or saying what its file lacks."""
    if name not in channel_names():
        raise InputError(f'unknown report channel "{name}"; there is {", ".join(channel_names())}')
    foreign = _foreign_channels().get(name)
    place = foreign.value if foreign else f"cxlisten/report/outputs/{name}.py"
    try:
        module = foreign.load() if foreign else import_module(f"{outputs.__name__}.{name}")
    except Exception as error:  # whatever is wrong in the file
        raise InputError(f"{place} cannot be imported: {type(error).__name__}: {error}") from error
    suffix, render = getattr(module, "SUFFIX", ""), getattr(module, "render", None)
    if not (isinstance(suffix, str) and suffix.startswith(".") and callable(render)):
        raise InputError(f'{place} must have  SUFFIX = ".txt"  and  def render(report: Report) -> str')
    return Channel(name, suffix, render)


@cache
def _foreign_channels() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group="cxlisten.outputs")}
