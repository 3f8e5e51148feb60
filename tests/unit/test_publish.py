"""The snapshot: complete, replaced at once, and in nobody's way."""

from datetime import date
from pathlib import Path

import duckdb
import pytest

from cxlisten.errors import StoreBusy, StoreError
from cxlisten.models import Reject
from cxlisten.store import SNAPSHOT, open_snapshot, open_working, read_trend, trend_names
from tests.unit.conftest import World, make_post


def test_a_reader_keeps_what_it_opened_and_a_new_one_sees_the_new(world: World) -> None:
    world.land([make_post("1", "the kettle works and looks lovely")], {"1": [("product", "positive")]})
    world.load()
    world.publish()
    # Another process in real life: DuckDB shares one open file within a process, so the path differs here.
    link = world.state / "as-a-reader-holds-it.duckdb"
    link.hardlink_to(world.state / SNAPSHOT)
    with duckdb.connect(link, read_only=True) as reader:
        world.land([make_post("2", "the lid is loose and it drips")])
        world.load()
        world.publish()
        assert reader.execute("select n_posts from meta").fetchall() == [(1,)]
        assert reader.execute("select count(*) from posts").fetchall() == [(1,)]
    with open_snapshot(world.state) as con:
        assert con.execute("select n_posts from meta").fetchall() == [(2,)]


def test_a_draft_left_by_a_killed_publish_is_replaced(world: World) -> None:
    (world.state).mkdir()
    (world.state / f".{SNAPSHOT}.tmp").write_bytes(b"half a file")
    world.land([make_post("1", "the kettle works and looks lovely")])
    world.load()
    world.publish()
    with open_snapshot(world.state) as con:
        assert con.execute("select n_posts from meta").fetchall() == [(1,)]
    assert not list(world.state.glob(".*.tmp*"))


def test_the_snapshot_holds_no_payload_and_every_trend_with_its_comment(world: World) -> None:
    world.land([make_post("1", "the kettle works")], rejected=[Reject("no text", "secret payload", "line 2")])
    world.load()
    world.publish()
    assert b"secret payload" not in (world.state / SNAPSHOT).read_bytes()
    with open_snapshot(world.state) as con:
        views = dict(
            con.execute("select view_name, comment from duckdb_views() where schema_name = 'trends'").fetchall()
        )
    assert sorted(views) == trend_names()
    assert all(views.values())


def test_a_trend_is_narrowed_by_brand_and_days(world: World) -> None:
    world.land([make_post("1", "the kettle works"), make_post("2", "the lid leaks", 3)],
               {"1": [("product", "positive")], "2": [("product", "negative")]})  # fmt: skip
    world.load()
    world.publish()
    columns, rows = read_trend(world.state, "ring_daily", "Acme", date(2026, 3, 5), date(2026, 3, 7))
    assert [dict(zip(columns, row, strict=True))["day"] for row in rows] == [date(2026, 3, 7)]
    assert read_trend(world.state, "ring_daily", "Nobody", None, None)[1] == []
    assert read_trend(world.state, "ring_daily", "x' or '1'='1", None, None)[1] == []


def test_what_is_no_database_is_not_taken_for_a_busy_one(tmp_path: Path) -> None:
    state = tmp_path / "lock-smith"
    state.mkdir()
    (state / SNAPSHOT).write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match="cannot be opened") as caught, open_snapshot(state):
        pass
    assert not isinstance(caught.value, StoreBusy)


def test_one_writer_at_a_time(world: World) -> None:
    with (
        open_working(world.state),
        pytest.raises(StoreBusy, match="another cxlisten run"),
        open_working(world.state, 0.1),
    ):
        pass


def test_no_snapshot_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cxlisten run"), open_snapshot(tmp_path):
        pass
