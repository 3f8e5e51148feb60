"""The record of an evaluation: a recipe's `metrics.json`, and the table that the README of a checkout shows of them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cxlisten.classify import load_recipe, recipe_names
from cxlisten.classify.evaluate import DETAILS
from cxlisten.classify.evaluate.figures import Figures
from cxlisten.content import content_dir
from cxlisten.errors import InputError
from cxlisten.taxonomy import RING_NAMES

BEGIN, END = "<!-- metrics: cxlisten evaluate --write -->", "<!-- end of metrics -->"

_TITLES = {
    "ring_macro_f1": "rings, macro-F1",
    "joint_micro_f1": "ring with its sentiment, micro-F1",
    "no_ring_f1": "no ring, F1",
    "facet_micro_f1": "facets, micro-F1",
    "sentiment_macro_recall": "overall sentiment, macro-recall",
}


def write_metrics(recipe_name: str, result: Figures, gold_name: str) -> Path:
    """Record what `evaluate` gave as the recipe's `metrics.json`, with what it takes to see it again."""
    recipe = load_recipe(recipe_name)
    path = recipe.folder / "metrics.json"
    record = {
        "classifier": recipe.name,
        "version": recipe.version,
        "gold": gold_name,
        "command": f"cxlisten evaluate {recipe.name} {gold_name} --write",
        **{name: value for name, value in result.items() if name not in DETAILS},
    }
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return path


def readme() -> Path | None:
    """The README of the checkout that this code runs from; there is none beside an installed package."""
    path = content_dir("classifiers").parent / "README.md"
    return path if path.exists() else None


def with_metrics(page: str) -> str:
    """Give a page with the table of metrics between its two marks made anew; raises InputError when it lacks them."""
    if page.count(BEGIN) != 1 or page.count(END) != 1:
        raise InputError(f"README.md must hold the marks  {BEGIN}  and  {END}  once, for the table of metrics")
    before, rest = page.split(BEGIN)
    return "\n".join([before + BEGIN, *_table(list(_measured())), END + rest.split(END)[1]])


def _measured() -> Iterator[dict[str, Any]]:
    """The metrics of each recipe that has all the rings and figures; what only reads sentiment is not compared."""
    for name in recipe_names():
        path = load_recipe(name).folder / "metrics.json"
        metrics = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        if metrics.get("rings", {}).keys() >= set(RING_NAMES) and metrics.keys() >= {*_TITLES, "intervals"}:
            yield metrics


def _table(recipes: list[dict[str, Any]]) -> Iterator[str]:
    """A column a recipe: each ring's F1 with precision and recall, each figure with its 95 % interval."""
    names = [
        f"[{each['classifier']}](classifiers/{each['classifier']}/README.md) {each['version']}" for each in recipes
    ]
    yield _line("", names)
    yield _line("---", ["---"] * len(recipes))
    for ring in RING_NAMES:
        yield _line(ring, [_ring_cell(each["rings"][ring]) for each in recipes])
    for figure, title in _TITLES.items():
        yield _line(title, [_figure_cell(each[figure], each["intervals"][figure]) for each in recipes])
    yield _line("measured on", [f"{each['n']:,} posts of {each['gold']}" for each in recipes])


def _line(title: str, cells: list[str]) -> str:
    return f"| {' | '.join([title, *cells])} |"


def _ring_cell(row: dict[str, float]) -> str:
    return f"{row['f1']:.2f} ({row['precision']:.2f}, {row['recall']:.2f})"


def _figure_cell(value: float, interval: list[float]) -> str:
    return f"**{value:.2f}** [{interval[0]:.2f}, {interval[1]:.2f}]"
