"""Bench of collect: fetch, map, match and land posts of a local platform, beside what it can give at most."""

import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pyarrow.parquet as pq

from cxlisten.bench import local_platform
from cxlisten.bench.clock import Contender, race, ratio, speed
from cxlisten.bench.fresh import peak_mb
from cxlisten.bench.machine import Neighbours, describe
from cxlisten.collect.job import collect_job
from cxlisten.collect.spending import Spending
from cxlisten.config import SourceConfig
from cxlisten.landing import Landing
from cxlisten.models import Query

log = logging.getLogger(__name__)

_QUERY = Query("kettles", "Kettles", "kettle NOT giveaway")
_SOURCE_ALONE, _COLLECT = "the platform alone", "collect"
_WEEK, _PAGE = 7 * 86_400, 1_000


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured: posts and rounds, and the backfills whose memory is measured."""

    posts: int = 50_000
    rounds: int = 3
    backfills: tuple[int, ...] = (100_000, 1_000_000)


SIZES = Sizes()


def bench_collect(sizes: Sizes) -> dict[str, Any]:
    """Measure how many posts a second are landed, and the memory that a backfill takes."""
    machine, neighbours, peaks = describe(), Neighbours(), {}
    for n in sizes.backfills:
        log.info("bench    a backfill of %d posts", n)
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            peaks[str(n)] = pool.submit(_backfill, n).result()
    with _platform(sizes.posts) as url, tempfile.TemporaryDirectory() as folder:
        ways = [
            Contender(_SOURCE_ALONE, sizes.posts, lambda _: _read(url, sizes.posts)),
            Contender(_COLLECT, sizes.posts, lambda number: _collect(url, Path(folder) / str(number))),
        ]
        turns = list(race(ways, sizes.rounds))
    paces = {way.name: [turn.pace for turn in turns if turn.name == way.name] for way in ways}
    return {
        "machine": machine | {"others": neighbours.cores()},
        "n": sizes.posts,
        "rounds": sizes.rounds,
        "speed": {name: speed(found) for name, found in paces.items()},
        "share": ratio(paces[_COLLECT], paces[_SOURCE_ALONE]),
        "peak_mb": peaks,
    }


@contextmanager
def _platform(n: int) -> Iterator[str]:
    """Start the platform in a process of its own; it ends when its standard input does."""
    command = [sys.executable, local_platform.__file__, str(n)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.communicate()


def _read(url: str, n: int) -> None:
    """Only ask for all posts, in pages of the size that collect gets."""
    now = int(time.time())
    width = _WEEK * _PAGE // n
    with httpx.Client(trust_env=False) as client:
        for since in range(now - _WEEK, now, width):
            filters = f"created_at_i>={since},created_at_i<{since + width}"
            client.get(
                f"{url}/search_by_date", params={"numericFilters": filters, "hitsPerPage": _PAGE}
            ).raise_for_status()


def _collect(url: str, state: Path) -> None:
    """Collect all there is, in as many runs as the budget of a run makes of it."""
    source = SourceConfig("hackernews", "hackernews", "17 * * * *", {"base_url": url, "days": 7})
    landing = Landing(state)
    while not ((last := landing.last_header(source.name, _QUERY.name)) and last.complete):
        collect_job(source, _QUERY, landing, b"bench", Event(), Spending(state))


def _n_landed(state: Path) -> int:
    """Count the posts that were landed, each once."""
    files = Landing(state).raw.rglob("*.parquet")
    return len({post for file in files for post in pq.read_table(file, columns=["post_id"])["post_id"].to_pylist()})


def _backfill(n: int) -> float:
    with _platform(n) as url, tempfile.TemporaryDirectory() as folder:
        _collect(url, Path(folder))
        peak = peak_mb()
        if _n_landed(Path(folder)) != n:
            raise RuntimeError(f"{_n_landed(Path(folder))} of {n} posts were landed")
    return peak
