"""Rollups: the counts of a day are computed anew whenever what is counted on it has changed."""

from cxlisten.store import Connection, run


def roll_up(con: Connection) -> None:
    """Compute the days in the temp table `touched` anew; belongs to the transaction of the change."""
    first_at, until = run(con, "load/touched_span")[0]
    if first_at is not None:
        # As values, not as subqueries: only so does DuckDB leave the blocks of other days unread.
        run(con, "load/rollups", first_at=first_at, until=until)
