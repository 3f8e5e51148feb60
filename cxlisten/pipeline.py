"""The five verbs: collect → classify → load → publish → report. The file to read first.

Each verb is a plain function that takes and gives small JSON; posts travel in files. What is left to do is found
(raw files without a classified one, classified ones without a marker in the store), never remembered, so a killed
or repeated run costs nothing.
"""

import json
import logging
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Event
from typing import Any, TypeVar

from cxlisten import publish as publishing
from cxlisten.checks import CHECKS
from cxlisten.classify import DEFAULT_RECIPE, TAGS, load_recipe
from cxlisten.collect.job import collect_job, remap_job
from cxlisten.collect.spending import Spending
from cxlisten.config import ReportConfig, Settings, SourceConfig, author_key, load_settings
from cxlisten.errors import ConfigError, CxListenError, InputError
from cxlisten.landing import Landing
from cxlisten.landing.files import write_text
from cxlisten.load import seed
from cxlisten.load.corrections import apply_corrections, n_corrected, read_corrections
from cxlisten.load.readings import use_classifier
from cxlisten.load.waiting import load_waiting
from cxlisten.models import Query
from cxlisten.store import open_working
from cxlisten.tagging import tag_landed, tag_stored
from cxlisten.upkeep import purge_posts, verify_posts

log = logging.getLogger("cxlisten")

Summary = dict[str, Any]
_Item = TypeVar("_Item", Query, SourceConfig, ReportConfig)


@dataclass(frozen=True, slots=True)
class Project:
    """What to do and where: the settings, and the one folder that holds all state."""

    settings: Settings
    state: Path

    @property
    def recipe(self) -> str:
        """The classifier that reads what comes in, and whose tags count."""
        return self.settings.recipe or DEFAULT_RECIPE


def open_project(config: Path, state: Path) -> Project:
    """Read the config; raises ConfigError with every mistake in it, those in queries and source options included."""
    return Project(load_settings(config, checks=CHECKS), state)


def plan(project: Project, source: str | None = None) -> list[dict[str, str]]:
    """Name the jobs of collect: each source with each query that listens to it."""
    return [
        {"source": s.name, "query": q.name}
        for s in project.settings.sources
        for q in project.settings.queries
        if source in (None, s.name) and (not q.sources or s.name in q.sources)
    ]


def collect(project: Project, source: str, query: str, stop: Event | None = None) -> Summary:
    """Land what is new for one query from one source; raises SourceError when the platform fails."""
    config = _named(project.settings.sources, source, "source")
    wanted = _named(project.settings.queries, query, "query")
    done = collect_job(
        config, wanted, Landing(project.state), author_key(project.state), stop or Event(), Spending(project.state)
    )  # fmt: skip
    summary = {"source": source, "query": query, **asdict(done), "notes": list(done.notes)}
    log.info("collect  %s for %s: %s", source, query, _words(summary))
    for note in done.notes:
        log.info("collect  %s: %s", source, note)
    return summary


def remap(project: Project, source: str) -> list[Summary]:
    """Map what a source's rejects hold anew, without a fetch, for each query that listens to it."""
    config, summaries = _named(project.settings.sources, source, "source"), []
    for job in plan(project, source):
        query = _named(project.settings.queries, job["query"], "query")
        done = remap_job(config, query, Landing(project.state), author_key(project.state))
        summaries.append({**job, "n_mapped": done.n_fetched, "n_landed": done.n_landed})
        log.info("remap    %s for %s: %d mapped, %d landed", source, query.name, done.n_fetched, done.n_landed)
    return summaries


def classify(project: Project, recipe: str | None = None, executor: str = "serial") -> Summary:
    """Tag every raw file that is not tagged yet; a file is one unit of work for the executor."""
    recipe = recipe or project.recipe
    n_files, n_posts = tag_landed(project.state, project.settings.queries, recipe, executor)
    return {"recipe": recipe, "n_files": n_files, "n_posts": n_posts}


def reclassify(project: Project, recipe: str, since: str, until: str, executor: str = "serial") -> Summary:
    """Tag the stored posts of the days from `since` to `until` that a recipe has not read; a day is a file.

    Days are YYYY-MM-DD. `load` puts the tags beside those there are; they count when the recipe is the config's.
    """
    version, span = load_recipe(recipe).version, _span(since, until)
    n_days, n_posts = tag_stored(project.state, project.settings.queries, recipe, span, executor)
    return {"recipe": recipe, "version": version, "n_days": n_days, "n_posts": n_posts}


def load(project: Project) -> Summary:
    """Bring every file that has no marker yet into the store, one transaction each.

    Before that, the config's classifier and the corrections beside the config come to count in what is stored.
    """
    recipe = load_recipe(project.recipe)
    corrections = read_corrections(project.settings.corrections)
    with open_working(project.state) as con:
        seed(con, project.settings)
        use_classifier(con, recipe.name, recipe.version)
        apply_corrections(con, corrections)
        totals = load_waiting(con, Landing(project.state), TAGS)
        n_right = n_corrected(con)
    n_reread = totals.pop("n_reread")
    log.info("load     %s", _words(totals))
    if n_reread:
        log.info("load     %d posts read anew", n_reread)
    if corrections.num_rows:
        log.info("load     %d of %d corrections count, any other waits for its post", n_right, corrections.num_rows)
    return {**totals, "n_reread": n_reread, "n_corrected": n_right}


def publish(project: Project) -> Summary:
    """Replace the snapshot that everyone reads by one of what the store holds now."""
    with open_working(project.state) as con:
        path = publishing.publish(con, project.state)
    log.info("publish  %s", path)
    return {"snapshot": str(path)}


def verify(project: Project, source: str | None = None, stop: Event | None = None) -> Summary:
    """Ask a source, or all, whether stored posts are still there, where that is due; `load` does what follows.

    Raises what went wrong, once all that could be asked was asked.
    """
    if source:
        _named(project.settings.sources, source, "source")
    totals, failures = verify_posts(project.settings.sources, project.state, source, stop or Event())
    log.info("verify   %s", _words(totals))
    for failure in failures:
        log.error("verify   %s", failure)
    if failures:
        raise next((failure for failure in failures if failure.retryable), failures[0])
    return dict(totals)


def purge(project: Project) -> Summary:
    """Take the posts that left the store out of every file; what was mailed or copied elsewhere is out of reach."""
    n_purged, n_files, reports = purge_posts(project.state)
    log.info("purge    %d posts, out of %d files and %d reports", n_purged, n_files, len(reports))
    return {"n_purged": n_purged, "n_files": n_files, "reports": [str(path) for path in reports]}


def report(project: Project, name: str, until: date | None = None) -> Summary:
    """Write a report from the snapshot; `until` is the last day of its period, by default the last with data."""
    from cxlisten.report import ReportSpec, build, load_channel

    config = _named(project.settings.reports, name, "report")
    produced_at = datetime.now(UTC)
    spec = ReportSpec(
        name=name,
        title=f"{name.capitalize()} report",
        produced_at=produced_at,
        brands=config.brands,
        period_days=config.period_days,
        until=until,
        timezone=config.timezone,
        metrics=classifier_metrics(project.recipe),
    )
    built = build(project.state, spec)
    folder, day, paths = project.state / "reports", until or produced_at.date(), []
    for channel in map(load_channel, config.channels):
        path, text = folder / name / f"{day}{channel.suffix}", channel.render(built)
        for target in (path, folder / f"latest{channel.suffix}"):
            write_text(target, text)
        paths.append(str(path))
        log.info("report   %s", path)
    return {
        "report": name,
        "paths": paths,
        "headline": [statement.text for statement in built.headline],
        "rings": [_ring_summary(ring.figure) for brand in built.brands for ring in brand.rings],
    }


def run(project: Project) -> Summary:
    """Do all five verbs in this process; a source or a trend that fails stops nothing else, and is in `failures`."""
    failures: list[CxListenError] = []
    for job in plan(project):
        try:
            collect(project, job["source"], job["query"])
        except CxListenError as error:
            log.error("collect  %s for %s failed: %s", job["source"], job["query"], error)
            failures.append(error)
    done = {"classify": classify(project), "load": load(project)}
    try:
        publish(project)
    except InputError as error:  # a wrong trend: all else is published
        failures.append(error)
    reports = [report(project, each.name) for each in project.settings.reports]
    return {**done, "reports": reports, "failures": failures}


def classifier_metrics(recipe: str) -> dict[str, Any] | None:
    """The measured figures of a recipe as its evaluation wrote them; null when it was not measured."""
    path = load_recipe(recipe).folder / "metrics.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _span(since: str, until: str) -> tuple[date, date]:
    """The first and the last of some days; raises InputError when they are none."""
    try:
        first, last = date.fromisoformat(since), date.fromisoformat(until)
    except ValueError as error:
        raise InputError(f"{error}; write days as YYYY-MM-DD") from None
    if first > last:
        raise InputError(f"{first}, the first day, is after {last}, the last")
    return first, last


def _ring_summary(figure: Any) -> Summary:
    names = ("brand", "ring", "n", "net_sentiment", "target", "change", "previous_n")
    return {name: getattr(figure, name) for name in names}


def _named(items: tuple[_Item, ...], name: str, what: str) -> _Item:
    for item in items:
        if item.name == name:
            return item
    raise ConfigError([f'there is no {what} "{name}" in the config; there is {", ".join(i.name for i in items)}'])


def _words(counts: dict[str, Any] | Counter[str]) -> str:
    return ", ".join(f"{n} {name.removeprefix('n_')}" for name, n in counts.items() if name.startswith("n_"))
