"""Marked: where in a labelled post people saw the evidence of a ring."""

from collections.abc import Mapping
from typing import Any


def marked(post: Mapping[str, Any], ring: str) -> tuple[int, int] | None:
    """Give the span of the text that `spans` marks for a ring; null where none is marked, or it is not in the text.

    It is said by its words, of which the first in the text are meant, or, where the text is not carried along, by its
    place: [start, end].
    """
    said = (post.get("spans") or {}).get(ring)
    if isinstance(said, list):
        return said[0], said[1]
    start = post["text"].find(said) if said else -1
    return (start, start + len(str(said))) if start >= 0 else None
