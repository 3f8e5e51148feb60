"""Examples: labelled posts become token ids and, for every head, what is true; what is not known is NaN."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from cxlisten.classify.encoder.heads import ATTITUDES, BY_NAME, RING_STATES, WIDTH
from cxlisten.classify.marked import marked
from cxlisten.taxonomy import RING_NAMES, Noise

_NOISE_WORDS = {"promo": Noise.PROMOTION, "bot": Noise.AUTOMATED, "brand_own": Noise.BRAND_OWN}


@dataclass(frozen=True, slots=True)
class Example:
    """A post to learn from: `truth` has WIDTH columns, `evidence` a row a token and a column a ring."""

    ids: NDArray[np.int32]
    truth: NDArray[np.float32]
    evidence: NDArray[np.float32]
    weight: float


def make_examples(posts: Sequence[dict[str, Any]], tokenizer: Tokenizer) -> list[Example]:
    """Read posts of the corpus format; TweetEval's, with no more than a `label`, teach the overall sentiment."""
    examples = []
    for post, encoding in zip(posts, tokenizer.encode_batch([post["text"] for post in posts]), strict=True):
        ids = np.array(encoding.ids, np.int32)
        examples.append(Example(ids, _truth(post), _evidence(post, encoding.offsets), post.get("importance", 1.0)))
    return examples


def _truth(post: dict[str, Any]) -> NDArray[np.float32]:
    truth = np.full(WIDTH, np.nan, np.float32)

    def say(head: str, true: set[str]) -> None:
        truth[BY_NAME[head].columns] = [float(label in true) for label in BY_NAME[head].labels]

    overall = post.get("sentiment", post.get("label"))
    if overall in ATTITUDES:
        say("sentiment", {overall})
    if "rings" in post:
        for ring in set(RING_NAMES) - set(post.get("mask", ())):
            say(ring, {post["rings"].get(ring, RING_STATES[0])})
    if post.get("facets") is not None:
        _say_facets(truth, post)
    if "noise" in post:
        say("noise", {_NOISE_WORDS.get(post["noise"] or "", "")})
    elif "flag" in post:
        head = BY_NAME["noise"]
        truth[head.start + head.labels.index(Noise.BRAND_OWN)] = float(post["flag"] == Noise.BRAND_OWN)
    for several in ("benefits", "signals"):
        if several in post:
            say(several, set(post[several]))
    return truth


def _say_facets(truth: NDArray[np.float32], post: dict[str, Any]) -> None:
    """Facets are only asked of a ring that the post speaks of."""
    head = BY_NAME["facets"]
    for column, label in enumerate(head.labels, head.start):
        if label.split(".")[0] in post["rings"]:
            truth[column] = float(label in post["facets"])


def _evidence(post: dict[str, Any], offsets: Sequence[tuple[int, int]]) -> NDArray[np.float32]:
    """Mark the tokens of each ring's evidence; of a ring with none given, nothing is known."""
    marks = np.full((len(offsets), len(RING_NAMES)), np.nan, np.float32)
    for column, ring in enumerate(RING_NAMES):
        span = marked(post, ring)
        if span:
            start, stop = span
            marks[:, column] = [float(a < stop and b > start and b > a) for a, b in offsets]
    return marks
