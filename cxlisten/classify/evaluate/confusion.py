"""Confusion: what people say beside what the classifier says, each pair counted."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cxlisten.models import Tagged
from cxlisten.taxonomy import RING_NAMES, Sentiment

ABSENT = "absent"

_Table = dict[str, dict[str, int]]


def confusion(gold: Sequence[Mapping[str, Any]], tagged: Sequence[Tagged]) -> dict[str, Any]:
    """Give {gold: {predicted: n}} of the overall sentiment and of each ring.

    A ring that is not there is `absent`; so is the sentiment of a post in a language that the recipe does not know.
    """
    pairs = list(zip(gold, tagged, strict=True))
    out: dict[str, Any] = {"sentiment": _table((post["sentiment"], one.sentiment or ABSENT) for post, one in pairs)}
    labelled = [
        (post["rings"], {tag.ring: tag.sentiment for tag in one.rings}) for post, one in pairs if "rings" in post
    ]
    if labelled:
        out["rings"] = {
            ring: _table((wanted.get(ring, ABSENT), found.get(ring, ABSENT)) for wanted, found in labelled)
            for ring in RING_NAMES
        }
    return out


def _table(pairs: Iterable[tuple[str, str]]) -> _Table:
    counts = Counter(pairs)
    labels = [ABSENT, *(str(attitude) for attitude in reversed(Sentiment))]
    met = {label for pair in counts for label in pair}
    names = [label for label in labels if label != ABSENT or label in met]
    return {gold: {found: counts[gold, found] for found in names} for gold in names}
