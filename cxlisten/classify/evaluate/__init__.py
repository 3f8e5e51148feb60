"""Evaluate: a recipe against posts that people labelled."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cxlisten.classify import Classifier, load_classifier
from cxlisten.classify.evaluate.calibration import calibration
from cxlisten.classify.evaluate.confusion import confusion
from cxlisten.classify.evaluate.counting import count
from cxlisten.classify.evaluate.figures import Figures, figures, intervals
from cxlisten.classify.evaluate.slices import slices
from cxlisten.classify.labelled import read_posts
from cxlisten.classify.training import read_held_back
from cxlisten.errors import InputError
from cxlisten.models import Tagged
from cxlisten.taxonomy import wrong_label

DETAILS = ("calibration", "confusion", "slices")
"""What `measure` gives beside the figures and their intervals."""

Post = Mapping[str, Any]


def evaluate(recipe_name: str, gold_path: Path) -> Figures:
    """Tag the posts of a JSONL file and measure the tags against its labels.

    A post has `text`, `rings` and `sentiment`, and may have `facets`, `spans` {ring: words or [start, end]} and
    `slices`; or it has `label`, and only its sentiment is measured. Raises InputError for an empty file, and naming a
    line that is wrong.
    """
    return _evaluate(load_classifier(recipe_name), read_gold(gold_path))


def evaluate_held_back(recipe_name: str, data: Path) -> Figures:
    """Measure a recipe on the labelled posts that its training leaves out; `data` is what it is trained with.

    Raises InputError when it holds none back, or not all of them are at hand.
    """
    classifier = load_classifier(recipe_name)
    return _evaluate(classifier, _with_sentiment(read_held_back(classifier.recipe, data)))


def _evaluate(classifier: Classifier, gold: Sequence[Post]) -> Figures:
    return measure(gold, classifier.tag([post["text"] for post in gold], [None] * len(gold)))


def _with_sentiment(posts: Sequence[Post]) -> list[dict[str, Any]]:
    return [{**post, "sentiment": post.get("sentiment", post.get("label"))} for post in posts]


def read_gold(path: Path) -> list[dict[str, Any]]:
    """Read labelled posts; of each the overall sentiment is called `sentiment`."""
    posts = _with_sentiment(read_posts(path))
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
