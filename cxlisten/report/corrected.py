"""Corrected: the posts that a person corrected, as labelled posts to train on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cxlisten.report.snapshot import reading


@dataclass(frozen=True, slots=True)
class _Corrected:
    text: str
    sentiment: str
    rings: list[str]
    attitudes: list[str]
    facets: list[str]


def corrected_posts(state: Path) -> list[dict[str, Any]]:
    """Give the corrected posts of the snapshot in the corpus format; facets are unknown where none was named."""
    with reading(state) as data:
        rows = data.rows("corrected", _Corrected)
    return [
        {"text": row.text, "sentiment": row.sentiment, "rings": dict(zip(row.rings, row.attitudes, strict=True))}
        | ({"facets": row.facets} if row.facets else {})
        for row in rows
    ]
