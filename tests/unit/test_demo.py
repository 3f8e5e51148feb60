"""The demo's project and the starter: dated to today, in the shapes of exports, and never on top of other things."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

from cxlisten import pipeline
from cxlisten import query as querying
from cxlisten.collect import Budget, load_source
from cxlisten.config import load_settings
from cxlisten.demo import MARKER, dated_posts, make_demo, make_starter
from cxlisten.errors import InputError
from cxlisten.models import Batch, Post
from cxlisten.taxonomy import RING_NAMES

TODAY = date(2026, 3, 10)
YESTERDAY = date(2026, 3, 9)


def collected(config: Path) -> list[Batch]:
    """All that the sources of a config give."""
    settings = load_settings(config)
    return [
        batch
        for source in settings.sources
        for batch in load_source(source.name, source.kind, source.options).fetch(
            settings.queries[0], None, Budget(), Event()
        )
    ]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_story_is_twelve_weeks_long_and_ends_yesterday() -> None:
    posts = dated_posts(TODAY)
    days = {post["at"].date() for post in posts}
    assert (min(days), max(days)) == (YESTERDAY - timedelta(days=83), YESTERDAY)
    assert len(posts) >= 800
    assert len({post["id"] for post in posts}) == len(posts)


def test_the_exports_hold_every_post_once_and_whole(tmp_path: Path) -> None:
    config = make_demo(tmp_path, TODAY)
    batches = collected(config)
    assert [reject for batch in batches for reject in batch.rejected] == []
    assert [note for batch in batches for note in batch.notes] == []
    read: list[Post] = [post for batch in batches for post in batch.posts]
    expected = dated_posts(TODAY)
    assert Counter(post.platform for post in read) == Counter(post["platform"] for post in expected)
    by_id = {post.native_id: post for post in read}
    for post in expected:
        given = by_id[post["id"]]
        assert given.text == post["text"].strip()
        assert given.posted_at == post["at"]
        assert given.author == post["author"]
        assert given.url == f"https://{post['platform']}.example/p/{post['id']}"


def test_every_query_finds_its_brand_and_no_other(tmp_path: Path) -> None:
    settings = pipeline.open_project(make_demo(tmp_path, TODAY), tmp_path).settings
    brand_of = {"pw": "pellworth", "oh": "oakhollow", "ll": "larkline", "tv": "tavimo"}
    posts = dated_posts(TODAY)
    for query in settings.queries:
        matcher = querying.compile(query.terms)
        found = Counter(brand_of[post["id"][:2]] for post in posts if matcher.matches(post["text"]))
        n_own = sum(brand_of[post["id"][:2]] == query.name for post in posts)
        assert found[query.name] > 0.98 * n_own
        assert found.total() - found[query.name] == 0


def test_the_demo_promises_an_experience_in_every_ring(tmp_path: Path) -> None:
    settings = load_settings(make_demo(tmp_path, TODAY))
    assert settings.targets.keys() == set(RING_NAMES)
    assert all(owner for _, owner in settings.targets.values())


def test_a_second_demo_on_the_same_day_touches_nothing(tmp_path: Path) -> None:
    make_demo(tmp_path, TODAY)
    (tmp_path / "cxlisten.duckdb").write_text("what was found")
    before = contents(tmp_path)
    make_demo(tmp_path, TODAY)
    assert contents(tmp_path) == before


def test_a_demo_of_another_day_starts_afresh_but_keeps_airflow(tmp_path: Path) -> None:
    make_demo(tmp_path, TODAY)
    for name in ("landing/raw/x/batch.parquet", "working.duckdb", "airflow/airflow.db"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    make_demo(tmp_path, TODAY + timedelta(days=1))
    assert not (tmp_path / "landing").exists()
    assert not (tmp_path / "working.duckdb").exists()
    assert (tmp_path / "airflow" / "airflow.db").exists()
    assert (
        max(post.posted_at.date() for batch in collected(tmp_path / "cxlisten.toml") for post in batch.posts) == TODAY
    )


def test_a_demo_that_was_interrupted_is_made_again(tmp_path: Path) -> None:
    make_demo(tmp_path, TODAY)
    (tmp_path / MARKER).write_text("")
    (tmp_path / "cxlisten.toml").unlink()
    make_demo(tmp_path, TODAY)
    assert load_settings(tmp_path / "cxlisten.toml").queries


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "working.duckdb").write_text("a year of posts")
    with pytest.raises(InputError, match="holds other things than a demo"):
        make_demo(tmp_path, TODAY)
    assert contents(tmp_path) == {"working.duckdb": b"a year of posts"}


def test_a_demo_with_other_posts_in_its_state_is_not_emptied(tmp_path: Path) -> None:
    make_demo(tmp_path, TODAY)
    landed = tmp_path / "landing" / "raw" / "own_export" / "acme" / "1.parquet"
    landed.parent.mkdir(parents=True)
    landed.write_text("a year of posts")
    make_demo(tmp_path, TODAY)
    with pytest.raises(InputError, match="own_export"):
        make_demo(tmp_path, TODAY + timedelta(days=1))
    assert landed.read_text() == "a year of posts"


def test_the_starter_runs_as_it_is(tmp_path: Path) -> None:
    make_starter(tmp_path / "new", TODAY)
    config = tmp_path / "new" / "cxlisten.toml"
    project = pipeline.open_project(config, tmp_path / "state")
    (job,) = pipeline.plan(project)
    landed = pipeline.collect(project, **job)
    assert (landed["n_landed"], landed["n_unmatched"], landed["n_rejected"], landed["notes"]) == (40, 0, 0, [])
    newest = max(post.posted_at for batch in collected(config) for post in batch.posts)
    assert newest < datetime.combine(TODAY, datetime.min.time(), UTC)


def test_the_starter_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "posts.csv").write_text("mine")
    with pytest.raises(InputError, match=r"posts\.csv; nothing was written"):
        make_starter(tmp_path, TODAY)
    assert contents(tmp_path) == {"posts.csv": b"mine"}
