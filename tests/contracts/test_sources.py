"""What every source promises: each file of collect/sources/ is found here by itself, and needs a fake platform."""

import json
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from cxlisten.collect import Budget, Estimate, Health, Source, load_source, source_kinds
from cxlisten.errors import ConfigError
from cxlisten.models import Batch, Query
from tests.faults.platforms import Identity, Platform, start

QUERY = Query("everything", "Anybrand", "")
PLATFORMS = Path(__file__).parents[1] / "faults" / "platforms"


@pytest.fixture(params=source_kinds())
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def platform(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    if not (PLATFORMS / f"{kind}.py").exists():
        pytest.fail(f"add tests/faults/platforms/{kind}.py: a source is proven against a fake of its platform")
    platform = start(kind, tmp_path)
    for name, value in platform.secrets.items():
        monkeypatch.setenv(name, value)
    yield platform
    platform.close()


@pytest.fixture
def source(kind: str, platform: Platform) -> Source:
    return load_source("posts", kind, platform.options())


def fetch(source: Source, cursor: Any = None, stop: Event | None = None) -> list[Batch]:
    """Fetch as the pipeline does: the cursor goes through JSON."""
    cursor = json.loads(json.dumps(cursor))
    return list(source.fetch(QUERY, cursor, Budget(), stop or Event()))


def identities(batches: list[Batch]) -> set[Identity]:
    return {(post.platform, post.native_id) for batch in batches for post in batch.posts}


def test_finds_every_post_and_rejects_what_it_cannot_map(source: Source, platform: Platform) -> None:
    batches = fetch(source)
    assert identities(batches) == platform.posts()
    rejected = [reject for batch in batches for reject in batch.rejected]
    assert len(rejected) == platform.n_bad
    assert all(reject.reason and reject.payload and reject.where for reject in rejected)
    assert batches[-1].complete
    assert sum(batch.n_asked for batch in batches) > 0


def test_posts_are_whole(source: Source) -> None:
    for post in (post for batch in fetch(source) for post in batch.posts):
        assert post.text == post.text.strip() != ""
        assert not {"<p>", "&amp;", "\0"} & {piece for piece in ("<p>", "&amp;", "\0") if piece in post.text}
        assert post.posted_at.tzinfo == post.fetched_at.tzinfo == UTC
        assert post.url is None or post.url.startswith("http")
        assert all(isinstance(count, int) for count in post.metrics.values())
        json.dumps(post.raw)


def test_resumes_from_any_batch_without_loss(source: Source, platform: Platform) -> None:
    batches = fetch(source)
    for n_landed in sorted({1, 2, len(batches) // 2, len(batches) - 1, len(batches)} & {*range(1, len(batches) + 1)}):
        landed = batches[:n_landed]
        rest = fetch(source, landed[-1].cursor_after)
        assert identities(landed) | identities(rest) == platform.posts()


def test_the_same_cursor_twice_gives_the_same(source: Source) -> None:
    cursor = fetch(source)[0].cursor_after
    assert identities(fetch(source, cursor)) == identities(fetch(source, cursor))


def test_finds_what_came_since(source: Source, platform: Platform) -> None:
    before = platform.posts()
    for batch in fetch(source):
        last = batch
    platform.advance()
    assert platform.posts() > before
    assert identities(fetch(source, last.cursor_after)) >= platform.posts() - before


def test_ends_when_asked_to(source: Source) -> None:
    stop = Event()
    stop.set()
    assert not identities(fetch(source, stop=stop))


def test_a_cursor_names_no_author_and_stays_small(source: Source) -> None:
    for batch in fetch(source):
        cursor = json.dumps(batch.cursor_after)
        assert "someone" not in cursor
        assert len(cursor) < 100_000


def test_says_how_it_is_and_what_a_fetch_costs(source: Source) -> None:
    health = source.check()
    assert isinstance(health, Health)
    assert health.ok
    assert health.message
    estimate = source.estimate(QUERY)
    assert isinstance(estimate, Estimate)
    assert estimate.requests >= 1


def test_an_unknown_option_is_a_mistake(kind: str, platform: Platform) -> None:
    with pytest.raises(ConfigError, match="nonsense"):
        load_source("posts", kind, {**platform.options(), "nonsense": 1})
