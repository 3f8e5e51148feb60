"""Streams: whatever happens to a connection, and in random walks, each post is heard once and no deletion is missed."""

import random
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Executor
from datetime import timedelta
from pathlib import Path

import pytest

from cxlisten.collect import Budget
from cxlisten.collect.bluesky import jetstream, stream
from cxlisten.errors import Auth, NotFound, Protocol, RateLimited, SourceError, Transient
from tests.faults import jetstream as fake
from tests.faults.clock import Clock
from tests.faults.listener import Listener, twice, words
from tests.faults.platforms.bluesky import Bluesky
from tests.faults.small import restart
from tests.faults.test_walks import HOURS, POSTS, SEEDS, STEPS, stories

pytestmark = pytest.mark.faults

GROUP = 19
TROUBLES: dict[str, fake.Trouble] = {
    "closed-1006": fake.cut,
    "closed-1001": fake.goes_away,
    "consumer-too-slow": fake.too_slow,
    "falls-silent": fake.falls_silent,
    "bad-frame": fake.says("{"),
    "empty-frame": fake.says(""),
    "bytes": fake.says(b"\xff\xfe\x00"),
    "deep-frame": fake.says("[" * 100_000),
    "unknown-type": fake.says('{"$type": "hello"}'),
    "unknown-kind": fake.says(fake.message("newkind", seq=9)),
    "null": fake.says("null"),
    "last-words": fake.says(fake.error("InvalidRequest", "what is this")),
}
FAILS: dict[str, type[SourceError]] = {"falls-silent": Transient, "last-words": Protocol}
REFUSALS: dict[str, tuple[tuple[int, bytes, dict[str, str]], type[SourceError] | None]] = {
    "401": ((401, b"", {}), Auth),
    "403": ((403, b"<html>", {}), Auth),
    "404": ((404, b"404 page not found\n", {}), NotFound),
    "429-for-hours": ((429, b"", {"Retry-After": "7200"}), RateLimited),
    "429-once": ((429, b"", {"Retry-After": "7"}), None),
    "503-once": ((503, b"", {}), None),
    "web-page": ((200, b"<html>whoa there, pardner", {}), SourceError),
}
PLACES = {"at-once": 1, "midway": 40, "at-the-end": 50}


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bluesky]:
    platform = small_stream(tmp_path, monkeypatch)
    platform.timeline.advance(hours=24, n_posts=60)
    yield platform
    platform.close()


def small_stream(folder: Path, patch: pytest.MonkeyPatch) -> Bluesky:
    """A stream of a few events, several batches long, whose silence is soon noticed."""
    patch.setattr(stream, "_ITEMS_A_BATCH", 8)
    patch.setattr(jetstream, "SILENT_SECONDS", 0.4)
    patch.setattr(jetstream, "_TICK", 0.05)
    platform = Bluesky(folder)
    restart(platform.timeline)
    right = platform.events
    platform.stream.events = lambda: [event for event in right() if event[2]["rkey"] != "3bad"]
    return platform


def listen(platform: Bluesky) -> Listener:
    listener = Listener("bluesky", platform, **platform.streamed())
    listener.settles = timedelta(seconds=6)
    return listener


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", TROUBLES)
def test_trouble_on_a_connection(
    name: str, place: str, platform: Bluesky, record_property: Callable[[str, object], None]
) -> None:
    record_property("fault", ["bluesky", GROUP, f"{name}-{place}"])
    listener = listen(platform)
    platform.stream.troubles[1, PLACES[place]] = TROUBLES[name]
    run = listener.run()
    if name in FAILS:
        assert isinstance(run.error, FAILS[name])
    else:
        assert run.is_complete
        assert platform.posts() <= listener.landed
    platform.stream.troubles.clear()
    loses_nothing(listener)


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal(name: str, platform: Bluesky, record_property: Callable[[str, object], None]) -> None:
    record_property("fault", ["bluesky", GROUP, f"refused-{name}"])
    listener = listen(platform)
    refusal, error = REFUSALS[name]
    platform.stream.refusals = {1: refusal} if error is None else dict.fromkeys(range(1, 20), refusal)
    run = listener.run()
    assert run.is_complete if error is None else isinstance(run.error, error), run.error
    assert len(platform.stream.dials) <= 5
    platform.stream.refusals = {}
    loses_nothing(listener)


def test_what_the_server_has_forgotten_is_a_gap(
    platform: Bluesky, record_property: Callable[[str, object], None]
) -> None:
    record_property("fault", ["bluesky", GROUP, "outdated-cursor"])
    listener = listen(platform)
    assert listener.run().is_complete
    platform.timeline.advance(hours=5, n_posts=40)
    platform.stream.keeps = platform.timeline.now - timedelta(hours=1)
    run = listener.run()
    assert run.gaps
    platform.timeline.now += timedelta(minutes=1)
    listener.settle()
    assert listener.missing() == set()
    assert platform.posts() - listener.landed  # they are in the gap


def loses_nothing(listener: Listener) -> None:
    listener.platform.timeline.now += timedelta(minutes=1)
    listener.settle()
    assert listener.missing() == set()
    assert listener.false_edits() == set()
    assert listener.never_shown() == set()
    for run in listener.runs:
        assert twice(run) == []
        assert "someone" not in words(run).replace("did:plc:someone", "")


def test_no_walk_loses_anything(pool: Executor, record_property: Callable[[str, object], None]) -> None:
    record_property("walks", ["bluesky", SEEDS])
    failures = stories(walks, "bluesky", pool)
    assert not failures, f"{len(failures)} of {SEEDS}, the first of them:\n{failures[0]}"


def walks(kind: str, seeds: Sequence[int]) -> list[str]:
    """Walk with each seed over one stream; gives the stories of those that failed."""
    failures = []
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        platform = small_stream(Path(folder), patch)
        for seed in seeds:
            walk = Walk(platform, seed)
            try:
                walk.go()
            except Exception as error:
                failures.append("\n".join([*walk.log, repr(error)]))
        platform.close()
    return failures


class Walk:
    def __init__(self, platform: Bluesky, seed: int) -> None:
        self.random, self.platform, self.log = random.Random(f"stream {seed}"), platform, [f"seed {seed}"]
        restart(platform.timeline, seed, quiet=False)
        self.listener = listen(platform)

    def go(self) -> None:
        self.pass_time()
        for _ in range(STEPS):
            self.random.choice((self.pass_time, self.pass_time, self.fetch, self.fetch, self.fetch))()
        self.platform.timeline.now += timedelta(minutes=1)
        self.listener.settle()
        self.none("lost", self.listener.missing())
        self.none("never shown", self.listener.never_shown())
        self.none("false edits", self.listener.false_edits())
        there = self.platform.posts()
        gone = {("bluesky", change.native_id) for change in self.listener.gone}
        self.none("gone and there", gone & there)
        self.none("deletions not told", self.listener.landed - there - gone)

    def none(self, what: str, found: Collection[object]) -> None:
        if found:
            raise AssertionError(f"{what}: {sorted(map(str, found))}")

    def pass_time(self) -> None:
        hours, n_posts = self.random.choice(HOURS), self.random.choice(POSTS)
        self.platform.timeline.advance(hours, n_posts, lateness=0.25)
        self.log.append(f"{hours} h, {n_posts} posts")

    def fetch(self) -> None:
        """A run whose connections break wherever."""
        at, clock, budget, n_batches = self.platform.stream, Clock(), Budget(), None
        n_dialled, said = len(at.dials), []
        for _ in range(self.random.choice((0, 1, 1, 2, 4))):
            name = self.random.choice([name for name in TROUBLES if name != "falls-silent"])
            place = (n_dialled + self.random.randint(1, 3), self.random.randint(1, 20))
            at.troubles[place] = TROUBLES[name]
            said.append(f"{name} at {place}")
        match self.random.randint(1, 5):
            case 1:
                budget = Budget(requests=self.random.randint(0, 2))
            case 2:
                budget = Budget(posts=self.random.randint(1, 30))
            case 3:
                n_batches = self.random.randint(0, 2)
        run = self.listener.run(budget, clock, n_batches)
        at.troubles.clear()
        self.log.append(f"listen {said} {budget.requests} {budget.posts} {n_batches}: {len(run.posts)}, {run.error}")
        self.none("landed twice", twice(run))
