"""Train: labelled posts become the artefact of a `textcat` recipe, the same each time."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from cxlisten.classify import Recipe, load_recipe
from cxlisten.classify.artefact import Models
from cxlisten.classify.labelled import Lesson, attitude_lesson, noise_lesson, read_posts, ring_lesson
from cxlisten.classify.linear import LinearModel, Scores, fit
from cxlisten.classify.reading import Reader
from cxlisten.errors import InputError

log = logging.getLogger(__name__)


def train(recipe_name: str, data: Path | None = None) -> dict[str, Any]:
    """Train a recipe from the JSONL files of its `corpus` and of the folder `data`, and write its `model`.

    A file of `data` that has the name of one in the corpus takes its place. Gives the artefact's SHA-256,
    which belongs into `classifier.toml`.
    """
    recipe = load_recipe(recipe_name)
    options = recipe.settings["train"]
    posts, importance = [], []
    for path in _files(recipe, data):
        found = read_posts(path)
        log.info("train reads %d posts of %s", len(found), path.name)
        posts += found
        importance += [options["importance"].get(path.stem, 1.0)] * len(found)
    readings = Reader(recipe.folder / "patterns").read(post["text"] for post in posts)

    def learn(lesson: Lesson, balanced: bool = False) -> LinearModel:
        log.info("train fits %d labels to %d texts", len(lesson.labels), len(lesson.rows))
        truth = np.array(lesson.truth, np.float32)
        weight = np.array([importance[i] for i in lesson.of_post], np.float32)
        return fit(lesson.labels, lesson.rows, truth, _balance(truth, weight) if balanced else weight, options)

    models = Models(
        learn(ring_lesson(posts, readings)),
        learn(attitude_lesson(posts, readings), balanced=True),
        learn(noise_lesson(posts, readings)),
    )
    return {"recipe": recipe_name, "n_posts": len(posts), "sha256": models.save(recipe.folder / "model")}


def _balance(truth: Scores, weight: Scores) -> Scores:
    """Let each of labels that exclude one another weigh the same: half of all tweets are neutral."""
    shares = (truth * weight[:, None]).sum(axis=0) / weight.sum()
    factors = (1 / np.maximum(shares, 1e-6) / len(shares)).astype(np.float32)
    balanced: Scores = weight * (truth @ factors)
    return balanced


def _files(recipe: Recipe, data: Path | None) -> Iterator[Path]:
    folders = [recipe.folder / "corpus", *([data] if data else [])]
    files = {path.name: path for folder in folders for path in folder.glob("*.jsonl")}
    if not files:
        raise InputError(f"{folders[0]} holds no labelled posts: name a folder of JSONL files with --data")
    return iter(path for _, path in sorted(files.items()))
