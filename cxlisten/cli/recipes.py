"""train and evaluate: recipes and what they are worth."""

import json
from pathlib import Path

import click

from cxlisten.cli.console import follow_progress, talk


@click.command()
@click.argument("recipe")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False, exists=True), help="More labelled posts.")
@click.option(
    "--corrected",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="A state folder: also learn from the posts that people corrected there.",
)
def train(recipe: str, data: Path | None, corrected: Path | None) -> None:
    """Train RECIPE from its corpus and the labelled posts in DATA; overwrites its artefact."""
    from cxlisten.classify.training import train as train_recipe
    from cxlisten.report.corrected import corrected_posts

    follow_progress()
    click.echo(json.dumps(train_recipe(recipe, data, corrected_posts(corrected) if corrected else ())))


@click.command()
@click.argument("recipe")
@click.argument("gold", required=False, type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--held-back", is_flag=True, help="In place of GOLD: the posts that its training leaves out.")
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False, exists=True), help="With --held-back: as in train."
)
@click.option("--json", "as_json", is_flag=True, help="All figures as one JSON object.")
@click.option(
    "--write", is_flag=True, help="Also write them as the recipe's metrics.json and, in a checkout, into README.md."
)
def evaluate(recipe: str, gold: Path | None, held_back: bool, data: Path | None, as_json: bool, write: bool) -> None:
    """Measure RECIPE on GOLD, a JSONL file of labelled posts."""
    from cxlisten.classify.evaluate import evaluate as measure
    from cxlisten.classify.evaluate import evaluate_held_back
    from cxlisten.classify.evaluate.record import readme, with_metrics, write_metrics
    from cxlisten.cli.figures import show_figures

    if gold and not (held_back or data):
        result = measure(recipe, gold)
    elif held_back and data and not (gold or write):
        result = evaluate_held_back(recipe, data)
    else:
        raise click.UsageError("name GOLD, with --write or without, or else --held-back and --data")
    if write and gold:
        talk.print(f"wrote {write_metrics(recipe, result, gold.name)}")
        if page := readme():
            page.write_text(with_metrics(page.read_text(encoding="utf-8")), encoding="utf-8")
            talk.print(f"wrote {page}")
    if as_json:
        click.echo(json.dumps(result))
    else:
        show_figures(result)
