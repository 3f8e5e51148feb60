"""Evaluate: a recipe against posts that people labelled."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cxlisten.classify import load_classifier
from cxlisten.classify.evaluate.calibration import calibration
from cxlisten.classify.evaluate.confusion import confusion
from cxlisten.classify.evaluate.counting import count
from cxlisten.classify.evaluate.figures import Figures, figures, intervals
from cxlisten.classify.evaluate.slices import slices
from cxlisten.classify.labelled import read_posts
from cxlisten.errors import InputError
from cxlisten.models import Tagged
from cxlisten.taxonomy import wrong_label

DETAILS = ("calibration", "confusion", "slices")
"""What `measure` gives beside the figures and their intervals."""

Post = Mapping[str, Any]


def evaluate(recipe_name: str, gold_path: Path) -> Figures:
    """Tag the posts of a JSONL file and measure the tags against its labels.

    A post has `text`, `rings` and `sentiment`, and may have `facets`, `spans` {ring: words} and `slices`; or it has
    `label`, and only its sentiment is measured. Raises InputError for an empty file, and naming a line that is wrong.
    """
    engine = load_classifier(recipe_name).engine
    gold = read_gold(gold_path)
    return measure(gold, engine.tag([post["text"] for post in gold], [None] * len(gold)))


def read_gold(path: Path) -> list[dict[str, Any]]:
    """Read labelled posts; of each the overall sentiment is called `sentiment`."""
    posts = [post | {"sentiment": post.get("sentiment", post.get("label"))} for post in read_posts(path)]
    if not posts:
        raise InputError(f"{path}: there is no post in it")
    for number, post in enumerate(posts, 1):
        if post["sentiment"] is None or ("rings" not in post and "label" not in post):
            raise InputError(f"{path}, line {number}: a post needs rings and sentiment, or label")
        if wrong := wrong_label(post.get("rings", {}), post.get("facets", ())):
            raise InputError(f"{path}, line {number}: {wrong}")
    return posts


def measure(gold: Sequence[Post], tagged: Sequence[Tagged]) -> Figures:
    """Give every figure, how far each may be off by chance, and where the tags fail."""
    counts = count(gold, tagged)
    out = figures(counts)
    out["intervals"] = intervals(counts)
    out["confusion"] = confusion(gold, tagged)
    if "rings" in out:
        out["calibration"] = calibration(gold, tagged)
        out["slices"] = slices(gold, counts)
    return out
