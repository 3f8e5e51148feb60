"""estimate and spent: what a run would cost, and what the runs have cost."""

from pathlib import Path

import click

from cxlisten import pipeline
from cxlisten.cli.console import config_option, print_rows, state_option, talk
from cxlisten.collect import load_source
from cxlisten.collect.spending import Spending


@click.command()
@config_option
@state_option
@click.argument("source", required=False)
@click.option("--format", "style", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
def estimate(config: Path, state: Path, source: str | None, style: str) -> None:
    """Say what a first run would ask for and cost, from SOURCE or from all sources, without fetching a post.

    Where the platform charges for the answer, as X does for its counts, so does this.
    """
    project = pipeline.open_project(config, state)
    sources = {each.name: each for each in project.settings.sources}
    queries = {query.name: query for query in project.settings.queries}
    rows = []
    for job in pipeline.plan(project, source):
        table = sources[job["source"]]
        found = load_source(table.name, table.kind, table.options).estimate(queries[job["query"]])
        rows.append([job["source"], job["query"], found.requests, found.posts, round(found.money, 3)])
    print_rows(["source", "query", "requests", "posts", "money"], rows, style)
    ledger = Spending(state)
    for name, table in sources.items():
        if table.monthly_budget is not None and source in (None, name):
            spent = ledger.this_month(name)
            talk.print(f"{name}: {spent:.2f} of this month's {table.monthly_budget:.2f} are spent")


@click.command()
@state_option
@click.option("--format", "style", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
def spent(state: Path, style: str) -> None:
    """Print what each source has cost, day by day."""
    rows = [[str(day), source, n, round(money, 3)] for day, source, n, money in Spending(state).by_day()]
    print_rows(["day", "source", "items", "money"], rows, style)
