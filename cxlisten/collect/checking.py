"""Checking: a source is asked whether stored posts are still there, and its answers are landed."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from threading import Event
from time import monotonic
from typing import Any

import pyarrow as pa

from cxlisten.collect import Budget, Source
from cxlisten.collect.spending import Spending
from cxlisten.errors import BadQuery, NotFound, Protocol, SourceError
from cxlisten.landing import Landing
from cxlisten.landing.checked import CHECKED, Due

_ABSENT = "unknown_gone"
_A_CHUNK = 100
_A_FILE = 1_000
_TOO_MANY = 50  # of so many posts that were there the last time, some still are


def check_posts(
    source: Source, posts: Sequence[Due], landing: Landing, budget: Budget, spending: Spending, stop: Event
) -> tuple[Counter[str], list[SourceError]]:
    """Ask for posts and land the answers; give n_asked, n_live, n_missed, n_gone, and what went wrong.

    A post that was not answered, because of an error or the budget, stays due.
    """
    counts = Counter(n_asked=0, n_live=0, n_missed=0, n_gone=0)
    failures: list[SourceError] = []
    rows: list[dict[str, Any]] = []
    ends_at = monotonic() + budget.seconds
    try:
        for chunk in _chunks(posts[: budget.posts]):
            money = len(chunk) * source.caps.unit_cost
            spent = counts["n_asked"] * source.caps.unit_cost
            if stop.is_set() or monotonic() > ends_at or (budget.money is not None and spent + money > budget.money):
                break
            try:
                answers = _ask(source, chunk)
            except (BadQuery, NotFound, Protocol) as error:  # of these posts; the others may have more luck
                failures.append(error)
                continue
            except SourceError as error:
                failures.append(error)
                break
            finally:
                counts["n_asked"] += len(chunk)
                spending.record(source.name, "verify", money, len(chunk))
            rows += answers
            for row in answers:
                counts["n_live" if row["state"] is None else "n_missed" if row["state"] == _ABSENT else "n_gone"] += 1
            if len(rows) >= _A_FILE:
                _land(landing, source.name, rows)
    finally:
        _land(landing, source.name, rows)
    return counts, failures


def _chunks(posts: Sequence[Due]) -> Iterator[list[Due]]:
    """As many as a platform takes at a time: of one platform, and the missed apart from the others."""
    groups: dict[tuple[bool, str], list[Due]] = {}
    for post in posts:
        groups.setdefault((post.is_missed, post.platform), []).append(post)
    for group in groups.values():
        for i in range(0, len(group), _A_CHUNK):
            yield group[i : i + _A_CHUNK]


def _ask(source: Source, chunk: Sequence[Due]) -> list[dict[str, Any]]:
    """The answers as rows of schema CHECKED; what is said before an error is not taken, as the rest is not known."""
    asked_at = datetime.now(UTC).replace(tzinfo=None)
    states = {change.native_id: change.state for change in source.verify([post.native_id for post in chunk])}
    rows = [
        {"post_id": p.post_id, "platform": p.platform, "checked_at": asked_at, "state": states.get(p.native_id)}
        for p in chunk
    ]
    n_new_absent = sum(row["state"] == _ABSENT and not p.is_missed for row, p in zip(rows, chunk, strict=True))
    if n_new_absent == len(chunk) >= _TOO_MANY:
        raise Protocol(
            f"{source.name}: not one of {len(chunk)} posts is there any more, which looks like a fault of the platform,"
            " not like deletions; nothing was noted of them, and they are asked for again in the next run"
        )
    return rows


def _land(landing: Landing, source: str, rows: list[dict[str, Any]]) -> None:
    if rows:
        landing.write_checked(source, pa.Table.from_pylist(rows, CHECKED))
        rows.clear()
