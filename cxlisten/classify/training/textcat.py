"""Train `textcat`: linear models learn rings, the overall sentiment and noise."""

import logging
from typing import Any

import numpy as np

from cxlisten.classify import Recipe
from cxlisten.classify.artefact import Models
from cxlisten.classify.labelled import Lesson, attitude_lesson, noise_lesson, ring_lesson
from cxlisten.classify.linear import LinearModel, Scores, fit
from cxlisten.classify.reading import Reader

log = logging.getLogger(__name__)


def train(recipe: Recipe, posts: list[dict[str, Any]]) -> str:
    """Fit the models, write the recipe's `model`, and give the artefact's SHA-256."""
    options = recipe.settings["train"]
    readings = Reader(recipe.folder / "patterns").read(post["text"] for post in posts)

    def learn(lesson: Lesson, balanced: bool = False) -> LinearModel:
        log.info("train fits %d labels to %d texts", len(lesson.labels), len(lesson.rows))
        truth = np.array(lesson.truth, np.float32)
        weight = np.array([posts[i]["importance"] for i in lesson.of_post], np.float32)
        return fit(lesson.labels, lesson.rows, truth, _balance(truth, weight) if balanced else weight, options)

    models = Models(
        learn(ring_lesson(posts, readings)),
        learn(attitude_lesson(posts, readings), balanced=True),
        learn(noise_lesson(posts, readings)),
    )
    return models.save(recipe.folder / "model")


def _balance(truth: Scores, weight: Scores) -> Scores:
    """Let each of labels that exclude one another weigh the same: half of all tweets are neutral."""
    shares = (truth * weight[:, None]).sum(axis=0) / weight.sum()
    factors = (1 / np.maximum(shares, 1e-6) / len(shares)).astype(np.float32)
    balanced: Scores = weight * (truth @ factors)
    return balanced
