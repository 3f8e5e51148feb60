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

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cxlisten import publish as publishing
from cxlisten import query as querying
from cxlisten.classify import DEFAULT_RECIPE, TEXTS, load_recipe
from cxlisten.collect import load_source
from cxlisten.collect.job import collect_job
from cxlisten.config import ReportConfig, Settings, SourceConfig, author_key, load_settings
from cxlisten.errors import ConfigError, CxListenError, InputError, QueryError
from cxlisten.landing import Landing, read_header
from cxlisten.landing.files import write_parquet, write_text
from cxlisten.landing.rows import RAW
from cxlisten.load import load_batch, loaded_batches, seed
from cxlisten.models import Query
from cxlisten.store import open_working

log = logging.getLogger("cxlisten")

Summary = dict[str, Any]
_Item = TypeVar("_Item", Query, SourceConfig, ReportConfig)


@dataclass(frozen=True, slots=True)
class Project:
    """What to do and where: the settings, and the one folder that holds all state."""

    settings: Settings
    state: Path


def open_project(config: Path, state: Path) -> Project:
    """Read the config; raises ConfigError with every mistake in it, those in queries and source options included."""
    return Project(load_settings(config, checks=(_query_problems, _source_problems, _channel_problems)), state)


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
    done = collect_job(config, wanted, Landing(project.state), author_key(project.state), stop or Event())
    summary = {"source": source, "query": query, **asdict(done), "notes": list(done.notes)}
    log.info("collect  %s for %s: %s", source, query, _words(summary))
    for note in done.notes:
        log.info("collect  %s: %s", source, note)
    return summary


def classify(project: Project, recipe: str = DEFAULT_RECIPE, executor: str = "serial") -> Summary:
    """Tag every raw file that is not tagged yet; a file is one unit of work for the executor."""
    from cxlisten.classify import executors

    landing = Landing(project.state)
    files = landing.pending_classify()
    n_posts = 0
    tagged = executors.run(recipe, (_texts(path) for path in files), executor=executor) if files else ()
    for done, (path, tags) in enumerate(zip(files, tagged, strict=True), 1):
        write_parquet(pa.Table.from_batches([tags]), landing.counterpart(path))
        n_posts += tags.num_rows
        if tags.num_rows:
            log.info("classify %d posts read, file %d of %d", n_posts, done, len(files))
    return {"recipe": recipe, "n_files": len(files), "n_posts": n_posts}


def load(project: Project) -> Summary:
    """Bring every classified file that has no marker yet into the store, one transaction each."""
    landing = Landing(project.state)
    totals: Counter[str] = Counter(n_batches=0, n_new=0, n_known=0, n_rejected=0, n_unmatched=0)
    with open_working(project.state) as con:
        seed(con, project.settings)
        done = loaded_batches(con)
        for path in landing.classified_files():
            batch_id = landing.batch_id(path)
            if batch_id in done:
                continue
            raw, tags = pq.read_table(path, schema=RAW), pq.read_table(landing.counterpart(path))
            loaded = load_batch(con, batch_id, read_header(path), raw, tags)
            if loaded:
                totals.update(n_batches=1, **asdict(loaded))
    log.info("load     %s", _words(totals))
    return dict(totals)


def publish(project: Project) -> Summary:
    """Replace the snapshot that everyone reads by one of what the store holds now."""
    with open_working(project.state) as con:
        path = publishing.publish(con, project.state)
    log.info("publish  %s", path)
    return {"snapshot": str(path)}


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
        metrics=classifier_metrics(),
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


def classifier_metrics(recipe: str = DEFAULT_RECIPE) -> dict[str, Any] | None:
    """The measured figures of a recipe as its evaluation wrote them; null when it was not measured."""
    path = load_recipe(recipe).folder / "metrics.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _texts(raw: Path) -> pa.RecordBatch:
    """What there is to classify in one raw file."""
    table = pq.read_table(raw, columns=["outcome", "post_id", "text", "lang"])
    posts = table.filter(pc.equal(table["outcome"], "mapped"))
    columns = [posts["post_id"].cast(pa.string()), posts["text"], posts["lang"]]
    return pa.RecordBatch.from_arrays([column.combine_chunks() for column in columns], schema=TEXTS)


def _ring_summary(figure: Any) -> Summary:
    names = ("brand", "ring", "n", "net_sentiment", "target", "change", "previous_n")
    return {name: getattr(figure, name) for name in names}


def _query_problems(settings: Settings) -> list[str]:
    problems = []
    for query in settings.queries:
        try:
            querying.compile(query.terms)
        except QueryError as error:
            problems.append(f'query "{query.name}": terms: {error}')
    return problems


def _source_problems(settings: Settings) -> list[str]:
    problems: list[str] = []
    for source in settings.sources:
        try:
            load_source(source.name, source.kind, source.options)
        except ConfigError as error:
            problems += error.problems
    return problems


def _channel_problems(settings: Settings) -> list[str]:
    from cxlisten.report import channel_names

    return [
        f'report "{report.name}": channels: unknown channel "{channel}"; there is {", ".join(channel_names())}'
        for report in settings.reports
        for channel in report.channels
        if channel not in channel_names()
    ]


def _named(items: tuple[_Item, ...], name: str, what: str) -> _Item:
    for item in items:
        if item.name == name:
            return item
    raise ConfigError([f'there is no {what} "{name}" in the config; there is {", ".join(i.name for i in items)}'])


def _words(counts: dict[str, Any] | Counter[str]) -> str:
    return ", ".join(f"{n} {name.removeprefix('n_')}" for name, n in counts.items() if name.startswith("n_"))
