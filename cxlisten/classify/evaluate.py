"""Evaluate: a recipe against posts that people labelled, and the record of it in the recipe's `metrics.json`."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from cxlisten.classify import load_classifier, load_recipe
from cxlisten.classify.labelled import read_posts
from cxlisten.errors import InputError
from cxlisten.models import Tagged
from cxlisten.taxonomy import RING_NAMES, Sentiment

Figures = dict[str, Any]
Facts = set[tuple[Any, ...]]


def evaluate(recipe_name: str, gold_path: Path) -> Figures:
    """Tag the posts of a JSONL file (`text`, `rings`, `sentiment`, `facets`) and measure the tags against its labels.

    Raises InputError for a file that is empty or has a line without them.
    """
    engine = load_classifier(recipe_name).engine
    gold = read_posts(gold_path)
    if not gold or any("rings" not in post or "sentiment" not in post for post in gold):
        raise InputError(f"{gold_path}: there must be posts, and each needs rings and sentiment")
    return figures(gold, engine.tag([post["text"] for post in gold], [None] * len(gold)))


def figures(gold: Sequence[Mapping[str, Any]], tagged: Sequence[Tagged]) -> Figures:
    """Measure F1 per ring, of ring and attitude together, of no ring and of facets, and the recall of sentiments.

    A ring or a sentiment that no gold post has gets no figure, and a mean is over those that have one.
    """
    posts = list(zip(range(len(gold)), gold, tagged, strict=True))
    wanted: Facts = {(i, ring) for i, post, _ in posts for ring in post["rings"]}
    found: Facts = {(i, tag.ring) for i, _, one in posts for tag in one.rings}
    rings = {ring: _ring(ring, wanted, found) for ring in RING_NAMES if any(fact[1] == ring for fact in wanted)}
    out: Figures = {"n": len(posts)}
    if rings:
        out["rings"] = rings
        out["ring_macro_f1"] = _mean(row["f1"] for row in rings.values())
        out["joint_micro_f1"] = _f1(
            {(i, *pair) for i, post, _ in posts for pair in post["rings"].items()},
            {(i, tag.ring, tag.sentiment) for i, _, one in posts for tag in one.rings},
        )
        out["no_ring_f1"] = _f1(
            {(i,) for i, post, _ in posts if not post["rings"]}, {(i,) for i, _, one in posts if not one.rings}
        )
    if facets := {(i, facet) for i, post, _ in posts for facet in post.get("facets", ())}:
        out["facet_micro_f1"] = _f1(
            facets, {(i, f"{tag.ring}.{facet}") for i, _, one in posts for tag in one.rings for facet in tag.facets}
        )
    recall = {}
    for attitude in Sentiment:
        answers = [one.sentiment for _, post, one in posts if post["sentiment"] == attitude]
        if answers:
            recall[attitude.value] = round(answers.count(attitude) / len(answers), 4)
    return out | {"sentiment_recall": recall, "sentiment_macro_recall": _mean(recall.values())}


def write_metrics(recipe_name: str, result: Figures, gold_name: str) -> Path:
    """Record what `evaluate` gave as the recipe's `metrics.json`, with what it takes to see it again."""
    recipe = load_recipe(recipe_name)
    path = recipe.folder / "metrics.json"
    record = {
        "classifier": recipe.name,
        "version": recipe.version,
        "gold": gold_name,
        "command": f"cxlisten evaluate {recipe.name} {gold_name} --json --write",
        **result,
    }
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return path


def _ring(ring: str, wanted: Facts, found: Facts) -> dict[str, float]:
    wanted, found = ({fact for fact in facts if fact[1] == ring} for facts in (wanted, found))
    n_right = len(wanted & found)
    return {
        "f1": _f1(wanted, found),
        "precision": round(n_right / len(found), 4) if found else 0.0,
        "recall": round(n_right / len(wanted), 4),
        "n": len(wanted),
    }


def _f1(wanted: Facts, found: Facts) -> float:
    n_all = len(wanted) + len(found)
    return round(2 * len(wanted & found) / n_all, 4) if n_all else 1.0


def _mean(values: Iterable[float]) -> float:
    return round(fmean(values), 4)
