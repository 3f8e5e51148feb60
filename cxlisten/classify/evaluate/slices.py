"""Slices: the figures of kinds of posts, since a mean hides what the classifier cannot do."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cxlisten.classify.evaluate.counting import Counts
from cxlisten.classify.evaluate.figures import Figures, figures
from cxlisten.taxonomy import Sentiment

_FIELDS = ("platform", "register")
_WORDS = ((10, "up to 10 words"), (25, "11 to 25 words"), (50, "26 to 50 words"))
_LONG = "more than 50 words"


def slices(gold: Sequence[Mapping[str, Any]], counts: Counts) -> dict[str, Figures]:
    """Give n, ring macro-F1 and joint F1 of each slice with a ring in it, by its name."""
    members: defaultdict[str, list[int]] = defaultdict(list)
    for number, post in enumerate(gold):
        for name in _names(post) if "rings" in post else ():
            members[name].append(number)
    out = {}
    for name, numbers in sorted(members.items(), key=lambda item: (-len(item[1]), item[0])):
        measured = figures(counts[numbers])
        if "rings" in measured:
            out[name] = {key: measured[key] for key in ("n", "ring_macro_f1", "joint_micro_f1")}
    return out


def _names(post: Mapping[str, Any]) -> Iterator[str]:
    """The slices of a post; a complaint blames a ring and is negative as a whole, sarcasm and the like people name."""
    attitudes = set(post["rings"].values())
    if post["sentiment"] == Sentiment.NEGATIVE and Sentiment.NEGATIVE in attitudes:
        yield "complaint"
    if {Sentiment.POSITIVE, Sentiment.NEGATIVE} <= attitudes:
        yield "mixed"
    if "?" in post["text"]:
        yield "question"
    yield from post.get("slices", ())
    yield from (f"{field} {post[field]}" for field in _FIELDS if post.get(field))
    n_words = len(post["text"].split())
    yield next((name for most, name in _WORDS if n_words <= most), _LONG)
