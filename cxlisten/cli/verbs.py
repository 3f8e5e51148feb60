"""run, the five verbs one by one, reclassify and verify."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from cxlisten import pipeline
from cxlisten.classify import DEFAULT_RECIPE
from cxlisten.cli.console import config_option, follow_progress, print_table, state_option, talk
from cxlisten.config import settings_for_file
from cxlisten.errors import ConfigError, CxListenError
from cxlisten.pipeline import Project

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@config_option
@state_option
@click.option("--file", "posts", type=click.Path(path_type=Path, dir_okay=False), help="One file of posts; no config.")
@click.option("--brand", help="With --file: the brand that the posts are about. Default: the file's name.")
def run(config: Path, state: Path, posts: Path | None, brand: str | None) -> None:
    """Do all five verbs: by the config, or for one FILE of posts (CSV, TSV, JSONL, also .gz)."""
    if brand is not None and (posts is None or not brand.strip()):
        raise click.UsageError("--brand NAME says what the posts of --file are about")
    follow_progress()
    if posts is None:
        project = pipeline.open_project(config, state)
    else:
        project = Project(settings_for_file(posts, brand), state)
        show_columns(posts)
    done = pipeline.run(project)
    show_rings(done["reports"])
    if done["failures"]:
        raise done["failures"][0]


@click.command()
@config_option
@state_option
@click.argument("source", required=False)
def collect(config: Path, state: Path, source: str | None) -> None:
    """Fetch what is new, from SOURCE or from all sources, and land it."""
    follow_progress()
    project = pipeline.open_project(config, state)
    for job in pipeline.plan(project, source):
        click.echo(json.dumps(pipeline.collect(project, job["source"], job["query"])))


@click.command()
@config_option
@state_option
@click.argument("source")
def remap(config: Path, state: Path, source: str) -> None:
    """Map the kept rejects of SOURCE anew, without a fetch: for when cxlisten has learned a platform's new format."""
    follow_progress()
    for done in pipeline.remap(pipeline.open_project(config, state), source):
        click.echo(json.dumps(done))


@click.command()
@config_option
@state_option
@click.argument("texts", required=False, type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="With TEXTS: where the tags go.")
@click.option("--recipe", help="A folder of classifiers/. Default: that of the config.")
@click.option("--executor", type=click.Choice(["serial", "pool"]), default="serial", show_default=True)
@click.option("--skip-bad", is_flag=True, help="With TEXTS: put bad lines into OUTPUT.rejects.jsonl and go on.")
def classify(
    config: Path,
    state: Path,
    texts: Path | None,
    output: Path | None,
    recipe: str | None,
    executor: str,
    skip_bad: bool,
) -> None:
    """Tag what is landed; or tag the posts of TEXTS, a JSONL file of {"id","text"[,"lang"]}, into OUTPUT."""
    follow_progress()
    if texts is None:
        click.echo(json.dumps(pipeline.classify(pipeline.open_project(config, state), recipe, executor)))
        return
    if output is None:
        raise click.UsageError("TEXTS needs -o OUTPUT")
    from cxlisten.classify import jsonl

    n_tagged, n_bad = jsonl.classify_file(texts, output, recipe or DEFAULT_RECIPE, executor, skip_bad)
    talk.print(f"{n_tagged} posts classified into {output}" + (f", {n_bad} bad lines set aside" if n_bad else ""))


@click.command()
@config_option
@state_option
def load(config: Path, state: Path) -> None:
    """Bring what is classified into the store."""
    follow_progress()
    click.echo(json.dumps(pipeline.load(pipeline.open_project(config, state))))


@click.command()
@config_option
@state_option
def publish(config: Path, state: Path) -> None:
    """Replace the snapshot that analysts and reports read."""
    follow_progress()
    click.echo(json.dumps(pipeline.publish(pipeline.open_project(config, state))))


@click.command()
@config_option
@state_option
@click.argument("name", required=False)
@click.option("--until", type=_DAY, help="Last day of the period. Default: the last with data.")
def report(config: Path, state: Path, name: str | None, until: datetime | None) -> None:
    """Write the report NAME, or every report of the config."""
    follow_progress()
    project = pipeline.open_project(config, state)
    names = [name] if name else [each.name for each in project.settings.reports]
    show_rings([pipeline.report(project, each, until.date() if until else None) for each in names])


@click.command()
@config_option
@state_option
@click.argument("recipe")
@click.option("--since", type=_DAY, required=True, help="The first day (YYYY-MM-DD).")
@click.option("--until", type=_DAY, required=True, help="The last day.")
@click.option("--executor", type=click.Choice(["serial", "pool"]), default="serial", show_default=True)
def reclassify(config: Path, state: Path, recipe: str, since: datetime, until: datetime, executor: str) -> None:
    """Tag the stored posts of some days with RECIPE too; its tags stand beside the others, for `compare`.

    They count in the place of the others when the config says so:  [classify]  recipe = "RECIPE".
    """
    follow_progress()
    project = pipeline.open_project(config, state)
    click.echo(json.dumps(pipeline.reclassify(project, recipe, f"{since:%Y-%m-%d}", f"{until:%Y-%m-%d}", executor)))
    pipeline.load(project)
    pipeline.publish(project)


@click.command()
@config_option
@state_option
@click.argument("source", required=False)
def verify(config: Path, state: Path, source: str | None) -> None:
    """Ask SOURCE, or all sources, whether stored posts are still there; what is gone leaves every file.

    Once a day is enough: what is not due is not asked for.
    """
    follow_progress()
    project = pipeline.open_project(config, state)
    failure: CxListenError | None = None
    try:
        click.echo(json.dumps(pipeline.verify(project, source)))
    except ConfigError:
        raise
    except CxListenError as error:  # what the other sources answered counts all the same
        failure = error
    pipeline.load(project)
    click.echo(json.dumps(pipeline.purge(project)))
    pipeline.publish(project)
    if failure:
        raise failure


def show_columns(posts: Path) -> None:
    """Say how the columns of a file were read."""
    from cxlisten.collect.tabular.reading import guess_columns

    columns, notes = guess_columns(posts)
    talk.print(f"{posts}: " + ", ".join(f"{field} ← {column}" for field, column in columns.items()))
    for note in notes:
        talk.print(f"  {note}")


def show_rings(reports: list[dict[str, Any]]) -> None:
    """Print what each report says of each ring, and where it lies."""
    columns = {
        "brand": "brand", "ring": "ring", "n": "tags", "net_sentiment": "net sentiment", "target": "target",
        "change": "change", "previous_n": "tags before",
    }  # fmt: skip
    for each in reports:
        for line in each["headline"]:
            click.echo(line)
        click.echo()
        rows = [{**row, "net_sentiment": _or_too_few(row["net_sentiment"])} for row in each["rings"]]
        print_table(list(columns.values()), [[row[key] for key in columns] for row in rows])
        click.echo("\nReport: " + ", ".join(each["paths"]))


def _or_too_few(figure: int | None) -> int | str:
    return "not enough data" if figure is None else figure
