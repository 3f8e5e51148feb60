"""Corrections: what a person says of a post, in a file beside the config, counts before what any classifier says."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from cxlisten.errors import InputError
from cxlisten.load.readings import settle
from cxlisten.store import Connection, run, transaction
from cxlisten.taxonomy import Sentiment, wrong_label

_CORRECTIONS = pa.schema(
    [
        ("post_id", pa.int64()),
        ("sentiment", pa.string()),
        (
            "rings",
            pa.list_(pa.struct([("ring", pa.string()), ("sentiment", pa.string()), ("facets", pa.list_(pa.string()))])),
        ),
        ("version", pa.string()),
    ]
)
_KEYS = {"post", "rings", "sentiment", "facets", "why"}


def read_corrections(path: Path | None) -> pa.Table:
    """Read a JSONL file of `{"post", "rings": {ring: sentiment}, "sentiment"[, "facets": ["ring.facet"], "why"]}`.

    `post` is a `post_id`. Without the file there are none. Raises InputError naming the first line that is wrong.
    """
    rows: dict[int, dict[str, Any]] = {}
    lines = path.read_text(encoding="utf-8-sig").splitlines() if path and path.exists() else []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = _row(json.loads(line))
            if row["post_id"] in rows:
                raise ValueError(f"post {row['post_id']} is corrected on an earlier line already; keep one of the two")
        except ValueError as error:
            raise InputError(f"{path}, line {number}: {error}") from None
        rows[row["post_id"]] = row
    return pa.Table.from_pylist(list(rows.values()), _CORRECTIONS)


def apply_corrections(con: Connection, rows: pa.Table) -> None:
    """Let these corrections count and no others, in one transaction.

    A correction of a post that is not stored yet applies when the post is loaded.
    """
    con.register("correction_rows", rows)
    with transaction(con):
        run(con, "load/corrections")
        since, until = run(con, "load/unsettled_window")[0]
        if since:
            settle(con, since, until)


def n_corrected(con: Connection) -> int:
    """Count the posts of which a correction counts."""
    return int(run(con, "load/n_corrected")[0][0])


def _row(given: Any) -> dict[str, Any]:
    """One correction as a row; raises ValueError saying what is wrong with it."""
    if not isinstance(given, Mapping):
        raise ValueError('not an object such as {"post": 123, "rings": {}, "sentiment": "neutral"}')
    if unknown := given.keys() - _KEYS:
        raise ValueError(f"unknown key {', '.join(sorted(unknown))}; there is {', '.join(sorted(_KEYS))}")
    post, rings, facets = given.get("post"), given.get("rings"), given.get("facets", [])
    if isinstance(post, bool) or not str(post).isdecimal() or int(str(post)) >= 2**63:
        raise ValueError("post must be the post_id of a post, as `cxlisten trend top_posts` shows it")
    if not isinstance(rings, Mapping) or not isinstance(facets, list):
        raise ValueError("rings must be {ring: sentiment}, and facets a list")
    if wrong := wrong_label(rings, facets):
        raise ValueError(wrong)
    if given.get("sentiment") not in tuple(Sentiment):
        raise ValueError(f"sentiment, of the post as a whole, must be one of {', '.join(Sentiment)}")
    pairs = [facet.split(".") for facet in facets]
    if alone := [facet for ring, facet in pairs if ring not in rings]:
        raise ValueError(f"facet {alone[0]} is of a ring that rings does not name")
    said = {"rings": dict(sorted(rings.items())), "sentiment": given["sentiment"], "facets": sorted(facets)}
    return {
        "post_id": int(str(post)),
        "sentiment": given["sentiment"],
        "rings": [
            {"ring": ring, "sentiment": sentiment, "facets": [facet for of, facet in pairs if of == ring]}
            for ring, sentiment in rings.items()
        ],
        "version": hashlib.sha256(json.dumps(said).encode()).hexdigest()[:8],
    }
