"""Readings: what several classifiers say of one post, and which of them counts.

One reading of each post stands in `posts` and `ring_tags`, so that whatever counts there counts a post once: a
person's correction, else what the classifier in use says, else what came with the post. The others are kept beside.
"""

from datetime import UTC, date, datetime, time, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from cxlisten.load.rollups import roll_up
from cxlisten.store import Connection, run, transaction

_POSTS = pa.schema(
    [
        ("post_id", pa.int64()),
        ("posted_at", pa.timestamp("us")),
        ("text_version", pa.string()),
        ("text", pa.string()),
        ("lang", pa.string()),
    ]
)


def use_classifier(con: Connection, classifier: str, version: str) -> int:
    """Let the readings of a classifier count wherever there are any, and give how many days that changed.

    A day is a transaction: what a killed run left is found by the next.
    """
    with transaction(con):
        days = [day for (day,) in run(con, "load/in_use", classifier=classifier, version=version)]
    for day in days:
        since = datetime.combine(day, time())
        with transaction(con):
            run(con, "load/unsettled_day", since=since, until=since + timedelta(days=1, microseconds=-1))
            settle(con, since, since + timedelta(days=1, microseconds=-1))
    return len(days)


def load_readings(con: Connection, batch_id: str, rows: pa.Table) -> int:
    """Put what a recipe says of stored posts beside what is said of them, and give how many posts were read.

    `rows` has schema `classify.TAGS`, and `posted_at` and `text_version` of the post; there is one at least. Gives 0
    when they are in the store already.
    """
    con.register("reading_rows", rows)
    span = pc.min_max(rows["posted_at"]).as_py()
    facts = {
        "batch_id": batch_id, "classifier": rows["classifier"][0].as_py(), "version": rows["version"][0].as_py(),
        "now": datetime.now(UTC).replace(tzinfo=None), "since": span["min"], "until": span["max"],
    }  # fmt: skip
    with transaction(con):
        if run(con, "load/is_loaded", batch_id=batch_id)[0][0]:
            return 0
        run(con, "load/readings", **facts)
        settle(con, facts["since"], facts["until"])
        run(con, "load/mark_readings", **facts)
    return int(rows.num_rows)


def settle(con: Connection, since: datetime, until: datetime) -> None:
    """Let of each post in the temp table `unsettled`, posted between two times, that reading count which should."""
    for step in ("choose", "set_aside", "switch"):
        run(con, f"load/{step}", since=since, until=until)
    roll_up(con)


def unread_days(con: Connection, classifier: str, version: str, first_day: date, last_day: date) -> list[date]:
    """Name the days with posts that a classifier in this version has not read."""
    days = run(
        con, "load/unread_days", classifier=classifier, version=version, first_day=first_day, last_day=last_day
    )  # fmt: skip
    return [day for (day,) in days]


def unread_posts(con: Connection, classifier: str, version: str, day: date) -> pa.Table:
    """Give the posts of a day that a classifier in this version has not read, as they are now."""
    rows = run(con, "load/unread_posts", classifier=classifier, version=version, day=day)
    return pa.Table.from_pylist([dict(zip(_POSTS.names, row, strict=True)) for row in rows], _POSTS)
