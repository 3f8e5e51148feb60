"""trend, compare and query: what an analyst asks on the command line."""

from dataclasses import fields
from datetime import datetime
from pathlib import Path
from threading import Event

import click

from cxlisten import pipeline
from cxlisten import query as querying
from cxlisten.cli.console import config_option, print_rows, state_option
from cxlisten.collect import Budget, load_source
from cxlisten.errors import InputError
from cxlisten.models import Query
from cxlisten.store import read_trend, trend_names

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.argument("name")
@state_option
@click.option("--brand", help="Only this brand.")
@click.option("--since", type=_DAY, help="From this day on (YYYY-MM-DD).")
@click.option("--until", type=_DAY, help="Up to and with this day.")
@click.option("--format", "style", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
def trend(
    name: str, state: Path, brand: str | None, since: datetime | None, until: datetime | None, style: str
) -> None:
    """Print the trend NAME from the published snapshot; a wrong name lists them all."""
    if name not in trend_names():
        raise InputError(f'no trend "{name}"; there is {", ".join(trend_names())}')
    if since and until and since > until:
        raise InputError(f"--since {since:%Y-%m-%d} is after --until {until:%Y-%m-%d}")
    columns, rows = read_trend(
        state, name, brand, since.date() if since else None, until.date() if until else None
    )  # fmt: skip
    print_rows(columns, rows, style)


@click.command()
@click.argument("before")
@click.argument("after")
@state_option
@click.option("--by-month", is_flag=True, help="A row for each month.")
@click.option("--format", "style", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
def compare(before: str, after: str, state: Path, by_month: bool, style: str) -> None:
    """Show what counting the tags of AFTER in place of BEFORE, each RECIPE@VERSION, does to the trend of each ring."""
    from cxlisten.report.comparison import RingComparison
    from cxlisten.report.comparison import compare as compare_readers

    rows = compare_readers(state, before, after, by_month)
    columns = [field.name for field in fields(RingComparison) if by_month or field.name != "month"]
    print_rows(columns, [[getattr(row, column) for column in columns] for row in rows], style)


@click.group()
def query() -> None:
    """Try out boolean queries."""


@query.command()
@click.argument("terms")
@click.argument("posts", type=click.Path(path_type=Path, dir_okay=False))
def explain(terms: str, posts: Path) -> None:
    """Show which POSTS (a file) the query TERMS hits and misses, and why."""
    expression = querying.parse(terms)
    source = load_source(posts.stem, "file", {"path": str(posts.resolve())})
    n_hits = n_posts = 0
    for batch in source.fetch(Query(posts.stem, posts.stem, terms), None, Budget(posts=10**9), Event()):
        for post in batch.posts:
            answer = querying.explain(
                expression, post.text, source=source.name, platform=post.platform, lang=post.lang
            )  # fmt: skip
            n_posts, n_hits = n_posts + 1, n_hits + answer.is_hit
            click.echo(f"{post.native_id}: {querying.render(answer, post.text)}\n")
    click.echo(f"{n_hits} of {n_posts} posts match", err=True)


@query.command()
@config_option
@state_option
@click.argument("name", required=False)
def plan(config: Path, state: Path, name: str | None) -> None:
    """Show what of the query NAME, or of each, every source asks its platform for; all of it is applied here."""
    project = pipeline.open_project(config, state)
    sources = {source.name: source for source in project.settings.sources}
    queries = {each.name: each for each in project.settings.queries}
    if name is not None and name not in queries:
        raise InputError(f'no query "{name}"; there is {", ".join(queries)}')
    for job in pipeline.plan(project):
        if name not in (None, job["query"]):
            continue
        table, wanted = sources[job["source"]], queries[job["query"]]
        pushed = load_source(table.name, table.kind, table.options).push_down(wanted)
        click.echo(f"{wanted.name} on {table.name} ({table.kind})")
        for text in pushed.searches:
            click.echo(f"  asks for      {text or 'all there is'}")
        click.echo(f"  applies here  {'nothing more' if pushed.is_exact else wanted.terms or 'nothing'}")
        for warning in pushed.warnings:
            click.echo(f"  warning       {warning}")
