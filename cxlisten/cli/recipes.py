"""train and evaluate: recipes and what they are worth."""

import json
from pathlib import Path

import click

from cxlisten.cli.console import follow_progress, print_table


@click.command()
@click.argument("recipe")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False, exists=True), help="More labelled posts.")
def train(recipe: str, data: Path | None) -> None:
    """Train RECIPE from its corpus and the labelled posts in DATA; overwrites its artefact."""
    from cxlisten.classify.train import train as train_recipe

    follow_progress()
    click.echo(json.dumps(train_recipe(recipe, data)))


@click.command()
@click.argument("recipe")
@click.argument("gold", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--json", "as_json", is_flag=True, help="All figures as one JSON object.")
@click.option("--write", is_flag=True, help="Also write them as the recipe's metrics.json.")
def evaluate(recipe: str, gold: Path, as_json: bool, write: bool) -> None:
    """Measure RECIPE on GOLD, a JSONL file of labelled posts."""
    from cxlisten.classify.evaluate import evaluate as measure
    from cxlisten.classify.evaluate import write_metrics

    result = measure(recipe, gold)
    if write:
        write_metrics(recipe, result, gold.name)
    if as_json:
        click.echo(json.dumps(result))
        return
    rows = [[ring, r["f1"], r["precision"], r["recall"], r["n"]] for ring, r in result["rings"].items()]
    print_table(["ring", "F1", "precision", "recall", "posts"], rows)
    figures = [[name, value] for name, value in result.items() if isinstance(value, float)]
    print_table(["figure", "value"], figures)
