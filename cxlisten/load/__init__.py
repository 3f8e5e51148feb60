"""Load: one classified batch into the store, in one transaction, once."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from cxlisten.config import Settings
from cxlisten.landing import Header
from cxlisten.load.fold import text_keys
from cxlisten.load.rechecks import retention_rows
from cxlisten.load.rollups import roll_up
from cxlisten.store import Connection, run, transaction
from cxlisten.taxonomy import RINGS

_UNMATCHED = pa.schema([("day", pa.string()), ("n", pa.int64())])
_GAPS = pa.schema([("reason", pa.string()), ("since", pa.string()), ("until", pa.string())])
_RINGS = pa.schema([("ring", pa.string()), ("position", pa.int32()), ("question", pa.string()), ("lens", pa.string())])
_FACETS = pa.schema([("ring", pa.string()), ("facet", pa.string())])
_QUERIES = pa.schema([("query", pa.string()), ("brand", pa.string()), ("role", pa.string()), ("terms", pa.string())])
_TARGETS = pa.schema([("ring", pa.string()), ("target", pa.float64()), ("owner", pa.string())])

_STEPS = (
    "sift", "superseded", "set_aside", "older_texts", "posts", "mentions", "ring_tags",  # what the batch brings
    "choose", "set_aside", "switch",  # a correction, or a better reading, counts before that of the batch
    "ledger", "remapped", "told_gone", "judge", "gone", "mark",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Loaded:
    """What one batch added: mentions that are new, and mentions that were known; and the posts that left with it."""

    n_new: int
    n_known: int
    n_rejected: int
    n_unmatched: int
    n_gone: int


def loaded_batches(con: Connection) -> set[str]:
    """Name the batches that are in the store."""
    return {row[0] for row in run(con, "load/loaded")}


def seed(con: Connection, settings: Settings) -> None:
    """Write the taxonomy and the config's queries and targets, for joins and reports; a renamed brand is renamed."""
    tables = {
        "ring_rows": pa.Table.from_pylist(
            [
                {"ring": ring.name, "position": i, "question": ring.question, "lens": ring.lens}
                for i, ring in enumerate(RINGS, 1)
            ],
            _RINGS,
        ),
        "facet_rows": pa.Table.from_pylist(
            [{"ring": ring.name, "facet": facet} for ring in RINGS for facet in ring.facets], _FACETS
        ),
        "query_rows": pa.Table.from_pylist(
            [{"query": q.name, "brand": q.brand, "role": q.role, "terms": q.terms} for q in settings.queries],
            _QUERIES,
        ),
        "target_rows": pa.Table.from_pylist(
            [{"ring": ring, "target": target, "owner": owner} for ring, (target, owner) in settings.targets.items()],
            _TARGETS,
        ),
    }
    for name, rows in tables.items():
        con.register(name, rows)
    with transaction(con):
        for step in ("rename", "seed"):
            run(con, f"load/{step}")
        roll_up(con)


def load_batch(con: Connection, batch_id: str, header: Header, raw: pa.Table, tags: pa.Table) -> Loaded | None:
    """Apply one batch: posts, mentions, tags, rejects, gaps, ledger, rollups, marker and cursor, or none of them.

    `raw` has schema `landing.RAW`, `tags` schema `classify.TAGS` with a row for each mapped row of `raw`, in their
    order. Gives null when the batch is in the store already.
    """
    _register(con, header, raw, tags)
    facts = {
        "batch_id": batch_id, "source": header.source, "query": header.query,
        "brand": run(con, "load/brand", query=header.query, brand=header.brand)[0][0],
        "n_asked": header.n_asked, "cursor": json.dumps(header.cursor_after), "fetched_at": _naive(header.fetched_at),
        "now": datetime.now(UTC).replace(tzinfo=None),
    }  # fmt: skip
    with transaction(con):
        if run(con, "load/is_loaded", batch_id=batch_id)[0][0]:
            return None
        run(con, "load/stage")
        if not header.exact_times:
            run(con, "load/date_as_first_seen")
        since, until = run(con, "load/window", **facts)[0]
        for step in _STEPS:
            run(con, f"load/{step}", since=since, until=until, **facts)
        roll_up(con)
        counts = run(con, "load/counts", batch_id=batch_id)[0]
    return Loaded(*counts)


def _register(con: Connection, header: Header, raw: pa.Table, tags: pa.Table) -> None:
    keyed = raw.append_column("row_number", pa.array(range(raw.num_rows), pa.int64()))
    mapped = keyed.filter(pc.equal(keyed["outcome"], "mapped"))
    # A purge that was cut off between the two files leaves tags of posts that have left.
    tags = tags.filter(pc.is_in(tags["id"], mapped["post_id"].cast(pa.string()).combine_chunks()))
    con.register("raw_rows", keyed.append_column("text_key", text_keys(raw)))
    con.register("tag_rows", tags.append_column("row_number", mapped["row_number"]))
    unmatched = [{"day": day, "n": n} for day, n in header.unmatched.items()]
    con.register("unmatched_rows", pa.Table.from_pylist(unmatched, _UNMATCHED))
    con.register("gap_rows", pa.Table.from_pylist(header.gaps, _GAPS))
    con.register("retention_rows", retention_rows())


def _naive(moment: str) -> datetime:
    return datetime.fromisoformat(moment).astimezone(UTC).replace(tzinfo=None)
