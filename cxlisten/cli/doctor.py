"""What `cxlisten doctor` looks at: each finding says how things stand in plain words and, if need be, what to do."""

import platform
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from cxlisten import pipeline
from cxlisten.classify import DEFAULT_RECIPE, load_classifier
from cxlisten.collect import load_source
from cxlisten.config import Settings
from cxlisten.errors import CxListenError
from cxlisten.landing import Landing
from cxlisten.load.corrections import read_corrections
from cxlisten.pipeline import Project
from cxlisten.report import load_channel
from cxlisten.store import LOCK, SNAPSHOT

# extra → what does not work without it
_EXTRAS = {"nlp": "classify", "sources": "sources on the network", "airflow": "cxlisten demo and cxlisten up"}
_OF_EXTRA = re.compile(r"([\w.-]+).*extra == ['\"](\w+)['\"]")


State = Literal["ok", "note", "problem"]
_CLOCK_MAY_BE_OFF = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Finding:
    """How one thing stands; only a problem needs to be fixed."""

    state: State
    message: str


def examine(config: Path, state: Path) -> Iterator[Finding]:
    """Look at the installation, the config, its sources and channels, the corrections, the classifier and the state."""
    yield Finding(
        "ok", f"Python {platform.python_version()}, DuckDB {version('duckdb')}, cxlisten {version('cxlisten')}"
    )
    yield from _extras()
    recipe = DEFAULT_RECIPE
    try:
        project = pipeline.open_project(config, state)
    except CxListenError as error:
        yield from (Finding("problem", line) for line in str(error).splitlines())
    else:
        settings, recipe = project.settings, project.recipe
        queries, reports = ([each.name for each in items] for items in (settings.queries, settings.reports))
        yield Finding("ok", f"{config}: queries {', '.join(queries)}; reports {', '.join(reports)}")
        yield from _clock(_sources(project))
        yield from _channels(settings)
        yield _corrections(settings)
    yield _classifier(recipe)
    yield from _state(state)


def _extras() -> Iterator[Finding]:
    for extra, use in _EXTRAS.items():
        missing = [name for name in _packages(extra) if not _is_installed(name)]
        if missing:
            advice = f"without it there is no {use}: pip install 'cxlisten[{extra}]'"
            yield Finding("problem" if extra == "nlp" else "note", f"{', '.join(missing)} not installed; {advice}")
        else:
            yield Finding("ok", f"extra {extra} is installed")


def _packages(extra: str) -> list[str]:
    found = (_OF_EXTRA.match(requirement) for requirement in requires("cxlisten") or ())
    return [match[1] for match in found if match and match[2] == extra]


def _is_installed(package: str) -> bool:
    try:
        return bool(version(package))
    except PackageNotFoundError:
        return False


def _sources(project: Project) -> Iterator[Finding]:
    queries = {query.name: query for query in project.settings.queries}
    for table in project.settings.sources:
        try:
            source = load_source(table.name, table.kind, table.options)
            health = source.check()
        except CxListenError as error:
            yield Finding("problem", f"source {table.name}: {error}")
            continue
        yield Finding("ok" if health.ok else "problem", f"source {table.name}: {health.message}")
        for job in pipeline.plan(project, table.name):
            pushed = source.push_down(queries[job["query"]])
            for warning in pushed.warnings:
                state: State = "note" if pushed.searches else "problem"
                yield Finding(state, f"source {table.name}, query {job['query']}: {warning}")


def _clock(sources: Iterator[Finding]) -> Iterator[Finding]:
    """Platforms date what they answer; a clock that is off moves every window and every wait."""
    if http := sys.modules.get("cxlisten.collect.http"):
        http.Http.clock_ahead = None  # what was measured earlier in this process
    yield from sources
    http = sys.modules.get("cxlisten.collect.http")  # of the sources that were asked, if any was
    ahead: timedelta | None = http.Http.clock_ahead if http else None
    if ahead and abs(ahead) > _CLOCK_MAY_BE_OFF:
        way = "ahead" if ahead > timedelta() else "behind"
        minutes = abs(ahead) / timedelta(minutes=1)
        yield Finding("problem", f"this machine's clock is {minutes:.0f} minutes {way}: set it, or have it set (NTP)")


def _channels(settings: Settings) -> Iterator[Finding]:
    for name in sorted({channel for report in settings.reports for channel in report.channels}):
        try:
            load_channel(name)
        except CxListenError as error:
            yield Finding("problem", str(error))
        else:
            yield Finding("ok", f"report channel {name} can be loaded")


def _corrections(settings: Settings) -> Finding:
    try:
        n = read_corrections(settings.corrections).num_rows
    except CxListenError as error:
        return Finding("problem", str(error))
    return Finding("ok", f"{settings.corrections}: {n} corrections" if n else "there are no corrections")


def _classifier(name: str) -> Finding:
    try:
        recipe = load_classifier(name).recipe
    except CxListenError as error:
        return Finding("problem", str(error))
    return Finding("ok", f"classifier {recipe.name} {recipe.version} can be loaded")


def _state(state: Path) -> Iterator[Finding]:
    snapshot = state / SNAPSHOT
    if not snapshot.exists():
        yield Finding("note", f"{state}: nothing is published yet; cxlisten run  does it")
        return
    try:
        with FileLock(state / LOCK, timeout=0):
            yield Finding("ok", f"{state}: no run holds the store")
    except Timeout:
        yield Finding("note", f"{state}: a run holds the store now; another one waits for it")
    published_at = datetime.fromtimestamp(snapshot.stat().st_mtime, UTC)
    n_waiting = len(Landing(state).pending_classify())
    message = f"{snapshot} was published at {published_at:%Y-%m-%d %H:%M} UTC"
    if n_waiting:
        yield Finding("problem", f"{message}; {n_waiting} landed files wait: cxlisten classify, load, publish")
    else:
        yield Finding("ok", f"{message}; no landed file waits")
