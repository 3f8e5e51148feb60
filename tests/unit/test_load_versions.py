"""Edits make versions: what a post says now counts, what it said before is kept, and other likes are no edit."""

from datetime import timedelta

import pytest

from cxlisten.models import Post, StateChange
from cxlisten.store import open_snapshot
from tests.unit.conftest import NOON, World, make_post

GOOD, BAD = [("product", "positive")], [("price", "negative")]
NOW = "select text, rev, metrics['likes'] from posts"
BEFORE = "select text from post_versions order by text"


def said(text: str, hours: int = 0, likes: int = 0, version: str = "", terms: str = "mastodon") -> Post:
    """What post 1 said when it was fetched."""
    at = NOON + timedelta(hours=hours)
    return make_post("1", text, fetched_at=at, metrics={"likes": likes}, version=version, terms=terms)


@pytest.mark.parametrize("is_one_batch", [True, False])
def test_an_edit_counts_and_the_older_text_is_kept(world: World, is_one_batch: bool) -> None:
    texts = [said("it is fine"), said("it leaks", 1, likes=3), said("it leaks badly", 2, likes=5)]
    for posts in [texts] if is_one_batch else [[text] for text in texts]:
        world.land(posts, {"1": BAD})
    world.load()
    assert [row[0] for row in world.rows(NOW)] == ["it leaks badly"]
    assert world.rows(BEFORE) == [("it is fine",), ("it leaks",)]
    assert world.rows("select ring, n from daily_rings") == [("price", 1)]
    world.publish()
    with open_snapshot(world.state) as con:
        assert con.execute(BEFORE).fetchall() == [("it is fine",), ("it leaks",)]


@pytest.mark.parametrize("versions", [("", ""), ("1", "2")])
def test_other_likes_are_no_edit_whatever_a_platform_calls_it(world: World, versions: tuple[str, str]) -> None:
    world.land([said("it is fine", likes=1, version=versions[0])], {"1": GOOD})
    world.land([said("it is fine", 1, likes=40, version=versions[1])], {"1": GOOD})
    world.load()
    assert world.rows(NOW) == [("it is fine", 1, 40)]
    assert world.rows("from post_versions") == []


def test_each_edit_is_one_and_an_edit_back_is_one_too(world: World) -> None:
    for hours, text in enumerate(("it is fine", "it leaks", "it is fine", "it is fine")):
        world.land([said(text, hours)])
        world.load()
    assert world.rows(NOW) == [("it is fine", 3, 0)]
    assert world.rows(BEFORE) == [("it leaks",)]


def test_an_older_text_that_comes_late_is_kept_and_does_not_count(world: World) -> None:
    world.land([said("it leaks", 2)], {"1": BAD})
    world.land([said("it is fine", 1)], {"1": GOOD}, query="q2")
    world.load()
    assert world.rows(NOW) == [("it leaks", 1, 0)]
    assert world.rows(BEFORE) == [("it is fine",)]


@pytest.mark.parametrize("terms", ["x-2026", "youtube-30d"])
def test_where_a_platform_forbids_it_no_older_text_is_kept(world: World, terms: str) -> None:
    world.land([said("it is fine", terms=terms)])
    world.land([said("it leaks", 1, terms=terms)])
    world.load()
    assert world.rows(NOW) == [("it leaks", 2, 0)]
    assert world.rows("from post_versions") == []


def test_an_edit_then_a_deletion_leaves_nothing(world: World) -> None:
    world.land([said("it is fine")])
    world.land([said("it leaks", 1)])
    world.land([], deletes=[StateChange("x", "1", "deleted_by_author", NOON)])
    world.land([said("it leaks still", 2)])
    world.load()
    for table in ("posts", "post_versions", "mentions", "ring_tags", "checks", "daily_mentions"):
        assert world.rows(f"select count(*) from {table}") == [(0,)], table


def test_what_was_deleted_is_counted_so_that_the_sums_hold(world: World) -> None:
    posts = [make_post(str(n), f"the kettle number {n}", n % 3) for n in range(6)]
    posts.append(make_post("copy", "the kettle number 1", 2))
    for query in ("q", "q2"):
        world.land(posts, {"0": GOOD, "1": BAD}, noise={"5": ["promotion"]}, unknown_language=["4"], query=query)
    gone = [StateChange("x", native_id, "deleted_by_author", NOON) for native_id in ("1", "4", "5", "never seen")]
    world.land([], deletes=gone)
    world.load()
    world.publish()
    with open_snapshot(world.state) as con:
        ways = "n_deleted + n_duplicate + n_noise + n_tagged + n_untagged"
        assert con.execute(f"from trends.coverage where n_new != {ways}").fetchall() == []
        assert con.execute(f"select sum(n_new), sum(n_deleted), sum({ways}) from trends.coverage").fetchall() == [
            (14, 6, 14)
        ]
