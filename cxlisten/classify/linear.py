"""A linear model over hashed features: one logistic score a label, kept as small integers in one file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cxlisten.classify.features import N_BUCKETS, Row

Scores = npt.NDArray[np.float32]

_BATCH = 64


class LinearModel:
    """Weights and a bias for each label; nothing of a training text can be read back from them."""

    def __init__(self, labels: Sequence[str], weights: Scores, bias: Scores) -> None:
        self.labels = tuple(labels)
        self.weights = weights
        self.bias = bias

    def scores(self, row: Row) -> dict[str, float]:
        """Give the chance of each label, 0..1; the same for a row whatever was scored before it."""
        ids, values = row
        logits = (self.weights[ids] * values[:, None]).sum(axis=0) + self.bias
        return dict(zip(self.labels, _sigmoid(logits).tolist(), strict=True))

    def save(self, path: Path) -> None:
        """Write the weights as bytes with a scale for each label."""
        scale = np.abs(self.weights).max(axis=0) / 127
        small = np.rint(self.weights / np.maximum(scale, 1e-12)).astype(np.int8)
        np.savez_compressed(
            path, labels=np.array(self.labels), weights=small, scale=scale.astype(np.float32), bias=self.bias
        )

    @classmethod
    def load(cls, path: Path) -> "LinearModel":
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as kept:
            weights = kept["weights"].astype(np.float32) * kept["scale"]
            return cls(kept["labels"].tolist(), weights, kept["bias"])


def fit(
    labels: Sequence[str], rows: Sequence[Row], truth: Scores, importance: Scores, options: dict[str, Any]
) -> LinearModel:
    """Fit logistic regressions by AdaGrad with weight decay; NaN in `truth` is a label that is not known.

    Truth has a row a text and a column a label. Options are `seed`, `epochs`, `learn_rate` and `decay`.
    """
    order = np.random.default_rng(options["seed"])
    known = ~np.isnan(truth)
    # Before a word is seen, a label is as likely as it is frequent; one that is never known is unlikely.
    share = (np.nansum(truth * importance[:, None], axis=0) + 0.1) / ((known * importance[:, None]).sum(axis=0) + 2)
    bias = np.log(share / (1 - share)).astype(np.float32)
    weights = np.zeros((N_BUCKETS, len(labels)), np.float32)
    squares = np.full_like(weights, 1e-8)
    pull = known * importance[:, None].astype(np.float32)
    target = np.nan_to_num(truth)
    for _ in range(options["epochs"]):
        shuffled = order.permutation(len(rows))
        for at in range(0, len(rows), _BATCH):
            batch = shuffled[at : at + _BATCH]
            sizes = np.array([len(rows[i][0]) for i in batch])
            batch, sizes = batch[sizes > 0], sizes[sizes > 0]
            ids = np.concatenate([rows[i][0] for i in batch])
            values = np.concatenate([rows[i][1] for i in batch])[:, None]
            starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
            logits = np.add.reduceat(weights[ids] * values, starts) + bias
            error = (_sigmoid(logits) - target[batch]) * pull[batch]
            by_bucket = np.argsort(ids, kind="stable")
            buckets, first = np.unique(ids[by_bucket], return_index=True)
            slope = np.add.reduceat((np.repeat(error, sizes, axis=0) * values)[by_bucket], first)
            slope += options["decay"] * weights[buckets]
            squares[buckets] += slope * slope
            weights[buckets] -= options["learn_rate"] * slope / np.sqrt(squares[buckets])
            bias -= options["learn_rate"] * error.mean(axis=0) * 0.1
    return LinearModel(labels, weights, bias)


def _sigmoid(logits: Scores) -> Scores:
    return (1 / (1 + np.exp(-np.clip(logits, -30, 30)))).astype(np.float32)
