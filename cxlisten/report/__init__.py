"""Report: gathers a report from a snapshot, and finds the channel that renders it."""

from collections.abc import Callable
from dataclasses import asdict
from importlib import import_module
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path

from cxlisten.errors import InputError
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

__all__ = ["Report", "ReportSpec", "build", "channel_names", "load_channel"]

N_POSTS = 3
"""How many posts stand for a claim, of those that praise and of those that blame."""


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
    built_in = [
        file.name.removesuffix(".py")
        for file in files("cxlisten.report.outputs").iterdir()
        if file.name.endswith(".py") and file.name != "__init__.py"
    ]
    return sorted({*built_in, *(point.name for point in entry_points(group="cxlisten.outputs"))})


def load_channel(name: str) -> Callable[[Report], str]:
    """Give the `render` of a channel, a pure function from a report to the text to write or send."""
    for point in entry_points(group="cxlisten.outputs"):
        if point.name == name:
            return point.load()  # type: ignore[no-any-return]
    if name not in channel_names():
        raise InputError(f'unknown report channel "{name}"; there is {", ".join(channel_names())}')
    return import_module(f"cxlisten.report.outputs.{name}").render  # type: ignore[no-any-return]
