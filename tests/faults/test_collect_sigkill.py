"""A collector of a network source killed between any two of its steps: run again, nothing is lost and none doubled."""

import errno
import multiprocessing
import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cxlisten import pipeline
from cxlisten.classify import TAGS
from cxlisten.collect import paged
from cxlisten.collect.sources import mastodon
from cxlisten.errors import StoreBusy
from cxlisten.landing import Landing, files, read_header
from cxlisten.landing.files import write_parquet
from cxlisten.landing.rows import RAW
from cxlisten.load import seed
from cxlisten.load.waiting import load_waiting
from cxlisten.pipeline import Project
from cxlisten.store import open_working
from tests.faults import faults
from tests.faults.platforms.mastodon import TAG, Mastodon
from tests.faults.server import Exchange, Reply
from tests.faults.small import restart

pytestmark = pytest.mark.faults

GROUP = 20
KILLS = 15
PAGE = 10  # and batch
CONFIG = """
[[query]]
name = "kettles"
brand = "Kettles"
terms = "kettle"
[[source]]
name = "fedi"
kind = "mastodon"
instances = ["{url}"]
tags = ["{tag}"]
"""
DUMPS = (
    "select * exclude (fetched_at, observed_at, batch_id, author_key) from posts order by post_id",
    "select * exclude (batch_id) from mentions order by all",
)
MOMENTS = ("before landing", "while writing", "before the rename", "after the rename")


def collect(home: Path) -> None:
    """What a process of its own does."""
    mastodon._PAGE = paged._ITEMS_A_BATCH = PAGE
    pipeline.collect(project_of(home), "fedi", "kettles")


def collect_and_die(home: Path, moment: str, nth: int) -> None:
    """Killed at a moment of landing the nth batch."""
    left = [nth]

    def is_now() -> bool:
        left[0] -= 1
        return left[0] == 0

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    write, write_table, replace = Landing.write, pq.write_table, Path.replace

    def before_landing(*args: Any, **kwargs: Any) -> Path:
        if is_now():
            die()
        return write(*args, **kwargs)

    def while_writing(table: pa.Table, file: Any, **kwargs: Any) -> None:
        if is_now():
            file.write(b"PAR1 and half of a file")
            file.flush()
            die()
        write_table(table, file, **kwargs)

    def around_the_rename(path: Path, target: Path) -> Path:
        is_it = is_now()
        if is_it and moment == "before the rename":
            die()
        renamed = replace(path, target)
        if is_it:
            die()
        return renamed

    match moment:
        case "before landing":
            Landing.write = before_landing  # type: ignore[method-assign]
        case "while writing":
            files.pq.write_table = while_writing
        case _:
            Path.replace = around_the_rename  # type: ignore[method-assign,assignment]
    collect(home)


def project_of(home: Path) -> Project:
    return pipeline.open_project(home / "cxlisten.toml", home / "state")


def start(target: Callable[..., None], *args: Any) -> ForkServerProcess:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["cxlisten.pipeline", "cxlisten.collect.sources.mastodon", "tests.faults.faults"])
    process = context.Process(target=target, args=args)
    process.start()
    return process


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mastodon]:
    platform = Mastodon(tmp_path_factory.mktemp("site"))
    restart(platform.timeline)
    platform.timeline.advance(hours=24, n_posts=45)
    yield platform
    platform.close()


@pytest.fixture
def home(site: Mastodon, tmp_path: Path) -> Path:
    """A project that has collected nothing; what the platform does is as it should be."""
    site.server.every, site.server.faults = None, {}
    site.server.requests.clear()
    (tmp_path / "cxlisten.toml").write_text(CONFIG.format(url=site.server.url, tag=TAG))
    return tmp_path


@pytest.fixture(scope="module")
def undisturbed(site: Mastodon, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    home = tmp_path_factory.mktemp("undisturbed")
    (home / "cxlisten.toml").write_text(CONFIG.format(url=site.server.url, tag=TAG))
    finish(home)
    found = dump(home)
    assert len(found[0]) == len(found[1]) == len(site.posts()) > 30
    return found


def finish(home: Path) -> None:
    """Run again, until there is nothing left to read."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mastodon, "_PAGE", PAGE)
        patch.setattr(paged, "_ITEMS_A_BATCH", PAGE)
        for _ in range(2):
            pipeline.collect(project_of(home), "fedi", "kettles")


def dump(home: Path) -> list[list[tuple[Any, ...]]]:
    """What the store holds once all that is landed is loaded, with tags that say nothing."""
    project, landing = project_of(home), Landing(home / "state")
    assert [path for path in landing.raw.rglob("*.tmp") if path.is_file()] == [], "drafts are swept"
    for path in landing.pending_classify():
        rows = [
            {"id": str(row["post_id"]), "lang": "en", "sentiment": "neutral", "sentiment_score": 0.5, "rings": [],
             "noise": [], "classifier": "stub", "version": "1"}
            for row in pq.read_table(path, schema=RAW).to_pylist() if row["outcome"] == "mapped"
        ]  # fmt: skip
        write_parquet(pa.Table.from_pylist(rows, TAGS), landing.counterpart(path))
    with open_working(project.state) as con:
        seed(con, project.settings)
        load_waiting(con, landing, TAGS)
        return [con.execute(statement).fetchall() for statement in DUMPS]


def cursor(home: Path) -> Any:
    raw = sorted((home / "state" / "landing" / "raw").rglob("*.parquet"))
    return read_header(raw[-1]).cursor_after if raw else None


@pytest.mark.parametrize("nth", [1, 3])
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_while_it_lands(
    moment: str, nth: int, home: Path, undisturbed: list[Any], record_property: Callable[[str, object], None]
) -> None:
    record_property("fault", ["mastodon", GROUP, f"killed {moment}, batch {nth}"])
    process = start(collect_and_die, home, moment, nth)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    raw = list((home / "state" / "landing" / "raw").rglob("[!.]*.parquet"))
    assert len(raw) == nth - (moment != "after the rename")
    finish(home)
    assert dump(home) == undisturbed


@pytest.mark.parametrize("name", ["before an answer", "within an answer", "while it waits"])
def test_killed_while_it_asks(
    name: str, site: Mastodon, home: Path, undisturbed: list[Any], record_property: Callable[[str, object], None]
) -> None:
    record_property("fault", ["mastodon", GROUP, f"killed {name}"])
    site.server.faults[3] = {
        "before an answer": faults.hang,
        "within an answer": faults.hang_in_body,
        "while it waits": faults.answers(429, Retry_After="500"),
    }[name]
    process = start(collect, home)
    assert process.pid
    while len(site.server.requests) < 3:
        time.sleep(0.02)
    time.sleep(0.2)
    assert process.is_alive()
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert len(site.server.requests) == 3
    reached = cursor(home)
    assert reached["streams"]  # the pages before are landed, and their cursor with them
    finish(home)
    assert dump(home) == undisturbed


def test_killed_at_any_moment(
    site: Mastodon, home: Path, undisturbed: list[Any], record_property: Callable[[str, object], None]
) -> None:
    record_property("fault", ["mastodon", GROUP, f"killed at {KILLS} random moments"])

    def slowly(exchange: Exchange, reply: Reply) -> None:
        time.sleep(0.02)
        exchange.send(reply)

    site.server.every = slowly
    rng, n_killed, longest = random.Random(20261122), 0, 2.0
    while n_killed < KILLS:
        shutil.rmtree(home / "state", ignore_errors=True)
        began = time.monotonic()
        process = start(collect, home)
        process.join(rng.uniform(0.1, longest))
        assert process.pid
        if not process.is_alive():  # it had ended before the blow
            longest = time.monotonic() - began
            continue
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        n_killed += 1
        finish(home)
        assert dump(home) == undisturbed, f"after kill {n_killed}"


def test_two_collectors_on_one_cursor(
    site: Mastodon, home: Path, undisturbed: list[Any], record_property: Callable[[str, object], None]
) -> None:
    record_property("fault", ["mastodon", GROUP, "two collectors on one cursor"])
    go_on = multiprocessing.get_context("forkserver").Event()

    def wait(exchange: Exchange, reply: Reply) -> None:
        go_on.wait(20)
        exchange.send(reply)

    site.server.faults[2] = wait
    first = start(collect, home)
    while len(site.server.requests) < 2:
        time.sleep(0.02)
    with pytest.raises(StoreBusy, match="another run is collecting kettles from fedi"):
        pipeline.collect(project_of(home), "fedi", "kettles")
    assert len(site.server.requests) == 2  # the second has asked for nothing
    go_on.set()
    first.join()
    assert first.exitcode == 0
    finish(home)
    assert dump(home) == undisturbed


@pytest.mark.parametrize("nth", [1, 3])
def test_a_full_disk(
    nth: int, home: Path, undisturbed: list[Any], monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:  # fmt: skip
    record_property("fault", ["mastodon", GROUP, f"disk full at batch {nth}"])
    n_written, write_table = 0, pq.write_table

    def full(table: pa.Table, file: Any, **kwargs: Any) -> None:
        nonlocal n_written
        n_written += 1
        if n_written == nth:
            file.write(b"PAR1")
            raise OSError(errno.ENOSPC, "No space left on device")
        write_table(table, file, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(mastodon, "_PAGE", PAGE)
        patch.setattr(paged, "_ITEMS_A_BATCH", PAGE)
        patch.setattr(files.pq, "write_table", full)
        with pytest.raises(OSError, match="No space left"):
            pipeline.collect(project_of(home), "fedi", "kettles")
    assert len(list((home / "state" / "landing" / "raw").rglob("*.parquet"))) == nth - 1
    assert list((home / "state").rglob("*.tmp")) == []  # a full disk is not kept full
    finish(home)
    assert dump(home) == undisturbed
