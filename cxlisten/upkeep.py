"""Upkeep: stored posts are asked for again, and what its platform took back leaves every file that holds it."""

import logging
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from threading import Event

import pyarrow as pa
import pyarrow.parquet as pq

from cxlisten.collect import Budget, Source, load_source
from cxlisten.collect.checking import check_posts
from cxlisten.collect.job import money_left
from cxlisten.collect.spending import Spending
from cxlisten.config import SourceConfig
from cxlisten.errors import CxListenError
from cxlisten.landing import Landing
from cxlisten.landing.checked import CHECKED
from cxlisten.landing.purging import purge_files
from cxlisten.load import loaded_batches
from cxlisten.load.rechecks import due_posts, expired_posts, find_due, note_purged, tombstones_to_purge
from cxlisten.report.redaction import redact
from cxlisten.store import Connection, open_to_rewrite, open_working

log = logging.getLogger("cxlisten")

_MOST_POSTS = 10_000  # of a source in a run
_LEFT_BEHIND = timedelta(days=1)


def verify_posts(
    configs: Sequence[SourceConfig], state: Path, only: str | None, stop: Event
) -> tuple[Counter[str], list[CxListenError]]:
    """Ask the sources, or `only` one, for their stored posts that are due, and land the answers for `load`.

    Gives n_asked, n_live, n_missed, n_gone, n_expired, as n_unasked the due posts that nobody can be asked for, and
    what went wrong.
    """
    landing, spending = Landing(state), Spending(state)
    totals = Counter(n_asked=0, n_live=0, n_missed=0, n_gone=0, n_expired=0, n_unasked=0)
    failures: list[CxListenError] = []
    sources: list[tuple[SourceConfig, Source]] = []
    for config in configs:
        try:
            sources.append((config, load_source(config.name, config.kind, config.options)))
        except CxListenError as error:
            failures.append(error)
    able = {config.name for config, source in sources if source.caps.can_verify and only in (None, config.name)}
    with open_working(state) as con:  # and closed while the platforms are asked
        n_due = find_due(con, _waiting(con, landing))
        due = {name: due_posts(con, name, _MOST_POSTS) for name in able}
    for name, n in n_due.items():
        if name not in able and only in (None, name):
            totals["n_unasked"] += n
            log.warning("verify   %s: %d posts are due, and no source of the config can be asked for them", name, n)
    for config, source in sources:
        if not due.get(config.name):
            continue
        try:
            budget = Budget(posts=_MOST_POSTS, money=money_left(config, spending))
            counts, errors = check_posts(source, due[config.name], landing, budget, spending, stop)
        except CxListenError as error:
            failures.append(error)
            continue
        totals.update(counts)
        failures += errors
        log.info("verify   %s: %d asked of %d due", config.name, counts["n_asked"], n_due[config.name])
    totals["n_expired"] = _expire(state, landing, only)
    return totals, failures


def purge_posts(state: Path) -> tuple[int, int, list[Path]]:
    """Take what left the store out of every landing file, report and block of the store's own file.

    Gives how many posts were purged, how many landing files held them, and the reports that quoted them.
    """
    _sweep(state)
    with open_working(state) as con:
        if not tombstones_to_purge(con):
            return 0, 0, []
    now = datetime.now(UTC).replace(tzinfo=None)
    with open_to_rewrite(state, "purge/rewrite", now=now) as con:
        gone = tombstones_to_purge(con)
        n_files = purge_files(Landing(state), gone, loaded_batches(con))
        reports = redact(state / "reports", gone)
        note_purged(con, gone)
    return len(gone), n_files, reports


def _waiting(con: Connection, landing: Landing) -> pa.Table:
    """The posts whose last answer is landed and not loaded yet."""
    done = loaded_batches(con)
    files = [path for path in landing.checked_files() if landing.checked_id(path) not in done]
    columns = pa.schema([CHECKED.field("post_id")])
    return pa.concat_tables([columns.empty_table(), *(pq.read_table(path, columns=columns.names) for path in files)])


def _expire(state: Path, landing: Landing, only: str | None) -> int:
    """Land that posts have to leave whose platform neither gave nor confirmed them for as long as they may be kept."""
    with open_working(state) as con:
        expired = expired_posts(con, _waiting(con, landing))
    n_expired, now = 0, datetime.now(UTC).replace(tzinfo=None)
    for source, posts in groupby(expired, key=lambda row: row[0]):
        if only in (None, source):
            rows = [
                {"post_id": post_id, "platform": platform, "checked_at": now, "state": "expired"}
                for _, post_id, platform in posts
            ]
            landing.write_checked(source, pa.Table.from_pylist(rows, CHECKED))
            n_expired += len(rows)
    return n_expired


def _sweep(state: Path) -> None:
    """Remove what killed runs left: half-written landing files, and what DuckDB had put aside on disk."""
    long_ago = (datetime.now(UTC) - _LEFT_BEHIND).timestamp()
    for path in (*(state / "landing").rglob(".*.parquet.*"), *state.glob("*.duckdb.tmp/*")):
        with suppress(FileNotFoundError):  # a draft that has just become a file
            if path.stat().st_mtime < long_ago:
                path.unlink()
