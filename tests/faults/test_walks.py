"""Random walks: time passes, posts are made, edited and deleted, runs fail, stop, are killed; and nothing is lost.

A walk is all in its seed. The oracle is what the platform showed whenever a run said that it had read all.
"""

import random
import tempfile
import traceback
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Executor
from pathlib import Path

import pytest

from cxlisten.collect import Budget
from cxlisten.collect.http import Http
from tests.faults import faults
from tests.faults.clock import Clock
from tests.faults.conftest import PROCESSES
from tests.faults.listener import Listener, twice
from tests.faults.platforms import Platform
from tests.faults.server import Exchange, Fault, Reply
from tests.faults.small import restart, start_small
from tests.faults.test_sources import KINDS

pytestmark = pytest.mark.faults

SEEDS = 200
STEPS = 10
HOURS = (0.05, 0.5, 2.0, 5.0)  # a walk ends before the clock of the platform is ours
POSTS = (0, 2, 6, 12, 25)
MOST_REQUESTS = 150  # of a run, whatever goes wrong in it


@pytest.mark.parametrize("kind", KINDS)
def test_no_walk_loses_anything(kind: str, pool: Executor, record_property: Callable[[str, object], None]) -> None:
    record_property("walks", [kind, SEEDS])
    failures = stories(walks, kind, pool)
    assert not failures, f"{len(failures)} of {SEEDS}, the first of them:\n{failures[0]}"


def stories(walks: Callable[[str, Sequence[int]], list[str]], kind: str, pool: Executor) -> list[str]:
    """The walks of all seeds, shared among the processes; gives the stories of those that failed."""
    shares = [range(first, SEEDS, PROCESSES) for first in range(PROCESSES)]
    return [story for found in pool.map(walks, [kind] * PROCESSES, shares) for story in found]


def walks(kind: str, seeds: Sequence[int]) -> list[str]:
    """Walk with each seed over one platform; gives the stories of those that failed."""
    failures = []
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(Http, "_renewed_at", {})
        platform = start_small(kind, Path(folder), patch)
        for seed in seeds:
            walk = Walk(kind, platform, seed)
            try:
                walk.go()
            except Exception as error:
                failures.append("\n".join([*walk.log, "".join(traceback.format_exception_only(error))]))
        platform.close()
    return failures


class Walk:
    """One walk over a platform, which it begins anew."""

    def __init__(self, kind: str, platform: Platform, seed: int) -> None:
        self.random, self.platform, self.log = random.Random(f"{kind} {seed}"), platform, [f"{kind}, seed {seed}"]
        self._calm()
        restart(platform.timeline, seed, quiet=False)
        platform.server.requests.clear()
        self.listener = Listener(kind, platform)
        self.clock = Clock()
        self.faults = [name for name in FAULTS if name not in NOT_FOR.get(kind, ())]

    def go(self) -> None:
        self.pass_time()
        for _ in range(STEPS):
            self.random.choice((self.pass_time, self.pass_time, self.fetch, self.fetch, self.fetch))()
        self.log.append("clean")
        self.listener.settle()
        self.none("lost", self.listener.missing())
        self.none("never shown", self.listener.never_shown())
        self.none("false edits", self.listener.false_edits())
        self.none("mistakes of the fake", self.platform.server.mistakes)

    def none(self, what: str, found: Collection[object]) -> None:
        if found:
            raise AssertionError(f"{what}: {sorted(map(str, found))}")

    def pass_time(self) -> None:
        hours, n_posts = self.random.choice(HOURS), self.random.choice(POSTS)
        self.platform.timeline.advance(hours, n_posts, lateness=0.25)
        self.log.append(f"{hours} h, {n_posts} posts")

    def fetch(self) -> None:
        """A run with whatever goes wrong."""
        self.clock, budget, n_batches, said = Clock(), Budget(), None, []
        for _ in range(self.random.choice((0, 0, 1, 1, 2, 3))):
            name, n = self.random.choice(self.faults), self.random.randint(1, 6)
            self.platform.server.faults[n] = FAULTS[name](self)
            said.append(f"{name} at {n}")
        match self.random.randint(1, 6):
            case 1:
                budget = Budget(requests=self.random.randint(0, 5))
            case 2:
                budget = Budget(posts=self.random.randint(1, 30))
            case 3:
                n_batches = self.random.randint(0, 2)
        self.platform.server.requests.clear()
        run = self.listener.run(budget, self.clock, n_batches)
        self._calm()
        ended = f"{type(run.error).__name__}: {run.error}" if run.error else f"complete {run.is_complete}"
        self.log.append(f"fetch {budget.requests} {budget.posts} {n_batches} {said}: {len(run.posts)} posts, {ended}")
        self.none("landed twice", twice(run))
        if run.n_requests > min(MOST_REQUESTS, budget.requests):
            raise AssertionError(f"{run.n_requests} requests")

    def _calm(self) -> None:
        """Nothing goes wrong any more, and no limit is remembered."""
        self.platform.server.faults.clear()
        Http._renewed_at.clear()


def _stops(walk: Walk) -> Fault:
    clock = walk.clock

    def stop(exchange: Exchange, reply: Reply) -> None:
        clock.set()
        exchange.send(reply)

    return stop


def _moves(walk: Walk) -> Fault:
    """Posts are made while a run reads."""
    return faults.meanwhile(lambda: _some_posts(walk.platform))


def _some_posts(platform: Platform) -> None:
    """With none edited or deleted: what is deleted before it was shown is nobody's loss."""
    timeline = platform.timeline
    timeline.quiet = True
    timeline.advance(hours=0.1, n_posts=4)
    timeline.quiet = False


# Each of its requests is another search, so that none has a page before it.
NOT_FOR = {"hackernews": ("page before",)}
FAULTS: dict[str, Callable[[Walk], Fault]] = {
    "500": lambda walk: faults.answers(500, b'{"error": "oops"}'),
    "503": lambda walk: faults.answers(503, b"<html>", Retry_After="5"),
    "429": lambda walk: faults.answers(429),
    "429 as it says it": lambda walk: faults.answers_at(lambda now: walk.platform.rate_headers(20)),
    "429 for a day": lambda walk: faults.answers(429, Retry_After="86000"),
    "400": lambda walk: faults.answers(400, b'{"error": "no", "message": "no"}'),
    "401": lambda walk: faults.answers(401),
    "402": lambda walk: faults.answers(402),
    "403": lambda walk: faults.answers(403, b"<html>"),
    "404": lambda walk: faults.answers(404),
    "reset": lambda walk: faults.reset,
    "reset after headers": lambda walk: faults.reset_after_headers,
    "short body": lambda walk: faults.short_body,
    "cut chunks": lambda walk: faults.cut_chunks,
    "cut gzip": lambda walk: faults.cut_gzip,
    "cut JSON": lambda walk: faults.cut_json,
    "empty 200": lambda walk: faults.answers(200),
    "web page": lambda walk: faults.answers(200, b"<html>whoa there, pardner</html>"),
    "null": lambda walk: faults.answers(200, b"null"),
    "page before": lambda walk: faults.replays,
    "stop": _stops,
    "posts meanwhile": _moves,
}  # fmt: skip
