"""Rechecks: which stored posts are to be asked for again, and what follows from the answers."""

from collections.abc import Collection
from datetime import UTC, datetime

import pyarrow as pa

from cxlisten.landing.checked import Due
from cxlisten.load.rollups import roll_up
from cxlisten.retention import OTHER, RETENTION
from cxlisten.store import Connection, run, transaction

_RETENTION = pa.schema(
    [("terms", pa.string()), ("recheck", pa.duration("s")), ("keep", pa.duration("s")), ("keeps_versions", pa.bool_())]
)
_STEPS = ("told_checked", "judge", "gone", "mark_checks")


def retention_rows() -> pa.Table:
    """The classes of retention, for the statements that judge by them."""
    return pa.Table.from_pylist(
        [
            {"terms": terms, "recheck": of.recheck, "keep": of.keep, "keeps_versions": of.keeps_versions}
            for terms, of in RETENTION.items()
        ],
        _RETENTION,
    )


def find_due(con: Connection, waiting: pa.Table) -> dict[str, int]:
    """Count the posts that are to be asked for again, by source; `waiting` are answers that are not loaded yet."""
    con.register("retention_rows", retention_rows())
    con.register("waiting_rows", waiting)
    run(con, "load/due", now=_now(), other=OTHER.recheck)
    return dict(run(con, "load/due_by_source"))


def due_posts(con: Connection, source: str, n_most: int) -> list[Due]:
    """Give those of a source that were found by `find_due`: the missed first, then the longest unseen."""
    return [Due(*row) for row in run(con, "load/due_of", source=source, n_most=n_most)]


def expired_posts(con: Connection, waiting: pa.Table) -> list[tuple[str, int, str]]:
    """Give source, post_id and platform of the posts that may be kept no longer, by source."""
    con.register("retention_rows", retention_rows())
    con.register("waiting_rows", waiting)
    return [(source, post, platform) for source, post, platform in run(con, "load/expired", now=_now())]


def load_checks(con: Connection, batch_id: str, source: str, rows: pa.Table) -> int:
    """Note what a platform answered, let leave what is gone, and give how many posts that were.

    `rows` has schema `landing.checked.CHECKED`. Gives 0 when they are in the store already.
    """
    con.register("checked_rows", rows)
    with transaction(con):
        if run(con, "load/is_loaded", batch_id=batch_id)[0][0]:
            return 0
        for step in _STEPS:
            run(con, f"load/{step}", batch_id=batch_id, source=source, now=_now())
        roll_up(con)
        return int(run(con, "load/n_gone")[0][0])


def tombstones_to_purge(con: Connection) -> dict[int, str | None]:
    """Give the posts that left the store and may still be in files, and the platform's own id where it is known."""
    return dict(run(con, "purge/unpurged"))


def note_purged(con: Connection, posts: Collection[int]) -> None:
    """Say which posts are purged when the file that this connection has open is rewritten."""
    con.register("purged_rows", pa.table({"post_id": pa.array(list(posts), pa.int64())}))
    run(con, "purge/found")


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
