"""Sameness: a post gets the same labels whatever stands beside it, and wherever it is read."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import pyarrow as pa


class Labels(NamedTuple):
    """What is said of a post, but for its scores, which may differ in their last digit."""

    lang: str | None
    sentiment: str | None
    rings: list[tuple[str, str, list[str]]]
    noise: list[str]
    benefits: list[str]
    signals: list[str]


def labels(tags: Iterable[pa.RecordBatch]) -> dict[str, Labels]:
    """Give the labels of each post of batches of schema TAGS."""
    return {row["id"]: _labels(row) for batch in tags for row in batch.to_pylist()}


def differing(first: Mapping[str, Labels], other: Mapping[str, Labels]) -> set[str]:
    """Name the posts of `other` that had other labels at first, or none."""
    return {post for post, found in other.items() if first.get(post) != found}


def _labels(row: Mapping[str, Any]) -> Labels:
    rings = [(tag["ring"], tag["sentiment"], tag["facets"]) for tag in row["rings"]]
    return Labels(row["lang"], row["sentiment"], rings, row["noise"], row["benefits"], row["signals"])
