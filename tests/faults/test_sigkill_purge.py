"""A purge killed at any moment and run again: nothing of what was taken back is left, and nothing else is lost."""

import multiprocessing
import os
import random
import shutil
import signal
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from cxlisten.models import StateChange
from cxlisten.store import open_working
from cxlisten.upkeep import purge_posts
from tests.unit.conftest import NOON, World, make_post
from tests.unit.test_purge import holders

pytestmark = pytest.mark.faults

KILLS = 20
MARK = "Zanzibarius"
DUMPS = (
    "from posts order by post_id",
    "from mentions order by all",
    "from ring_tags order by all",
    "from batches order by 1",
)


def dump(state: Path) -> list[list[tuple[Any, ...]]]:
    with open_working(state) as con:
        return [con.execute(statement).fetchall() for statement in DUMPS]


def test_a_purge_killed_at_any_moment(tmp_path: Path) -> None:
    before = World(tmp_path / "before")
    for hour in range(30):
        at = NOON + timedelta(hours=hour)
        posts = [
            make_post(f"{hour}-{n}", f"kettle {hour} {n} of {MARK if n < 5 else 'all'}", fetched_at=at)
            for n in range(50)
        ]
        before.land(posts, {post.native_id: [("price", "negative")] for post in posts})
    gone = [StateChange("x", f"{hour}-{n}", "deleted_by_author", NOON) for hour in range(30) for n in range(5)]
    before.land([], deletes=gone)
    before.load()
    kept = dump(before.state)
    assert holders(before.state, MARK) == {"working.duckdb", "landing/raw"}

    rng, state = random.Random(20261122), tmp_path / "state"
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["cxlisten.upkeep"])
    longest, n_killed, n_midway = 2.0, 0, 0
    while n_killed < KILLS:
        shutil.rmtree(state, ignore_errors=True)
        shutil.copytree(before.state, state)
        process = context.Process(target=purge_posts, args=(state,))
        began = time.monotonic()
        process.start()
        process.join(rng.uniform(0, longest))
        assert process.pid
        if not process.is_alive():  # it had ended before the blow
            longest = time.monotonic() - began
            continue
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        n_killed += 1
        assert dump(state) == kept, f"after kill {n_killed}"
        n_left = sum(MARK in str(pq.read_table(path)["text"].to_pylist()) for path in state.rglob("raw/**/*.parquet"))
        n_midway += 0 < n_left < 30
        purge_posts(state)
        assert holders(state, MARK) == set(), f"after kill {n_killed}"
        assert dump(state) == kept, f"after kill {n_killed}"
    assert n_midway, "no kill came while files were being purged"
