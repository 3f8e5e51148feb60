"""Readers in other processes: none makes a load or a publish fail, and none sees half of a snapshot."""

import multiprocessing
from multiprocessing.synchronize import Event
from pathlib import Path

import duckdb
import pytest

from cxlisten.store import SNAPSHOT
from tests.unit.conftest import World, make_post

pytestmark = pytest.mark.faults

CONSISTENT = """
    select n_posts, n_posts = (select count(*) from posts) and n_mentions = (select count(*) from mentions)
        and (select sum(n_tagged) from trends.coverage) = n_posts
    from meta"""


def read_over_and_over(path: Path, started: Event, stop: Event, answers: "multiprocessing.Queue[list[int]]") -> None:
    seen = []
    while not stop.is_set():
        with duckdb.connect(path, read_only=True) as con:
            ((n_posts, is_whole),) = con.execute(CONSISTENT).fetchall()
            seen.append(n_posts if is_whole else -1)
        started.set()
    answers.put(seen)


def hold_open(path: Path, started: Event, stop: Event, answers: "multiprocessing.Queue[list[int]]") -> None:
    with duckdb.connect(path, read_only=True) as con:
        first = con.execute(CONSISTENT).fetchall()[0]
        started.set()
        stop.wait()
        last = con.execute(CONSISTENT).fetchall()[0]
    answers.put([first[0] if first == last and first[1] else -1])


def test_readers_and_the_writer_do_not_disturb_each_other(tmp_path: Path) -> None:
    world = World(tmp_path)
    context = multiprocessing.get_context("spawn")
    stop, answers = context.Event(), context.Queue()

    def grow(step: int) -> None:
        posts = [make_post(f"{step}-{i}", f"kettle {step} leaks for reason number {i}", i) for i in range(20)]
        world.land(posts, {post.native_id: [("product", "negative")] for post in posts})
        world.load()
        world.publish()

    grow(0)
    readers = []
    for task in (read_over_and_over, read_over_and_over, hold_open):
        started = context.Event()
        readers.append(context.Process(target=task, args=(world.state / SNAPSHOT, started, stop, answers)))
        readers[-1].start()
        assert started.wait(60)
    for step in range(1, 21):
        grow(step)
    stop.set()
    seen = [answers.get(timeout=60) for _ in readers]
    for reader in readers:
        reader.join()
    assert [20] in seen  # the one that held it open
    for one in seen:
        assert one == sorted(one)
        assert -1 not in one
        assert one == [20] or len(set(one)) > 3
