"""The snapshot: complete, replaced at once, and in nobody's way."""

import shutil
from datetime import date
from pathlib import Path

import duckdb
import pytest

from cxlisten import store
from cxlisten.content import content_dir
from cxlisten.errors import InputError, StoreBusy, StoreError
from cxlisten.models import Reject
from cxlisten.store import SNAPSHOT, open_snapshot, open_working, read_trend, trend_names
from tests.unit.conftest import World, make_post


@pytest.fixture
def trends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of trends to add to, as in a checkout."""
    sql = shutil.copytree(content_dir("sql"), tmp_path / "sql")
    monkeypatch.setattr(store, "content_dir", {"sql": sql}.__getitem__)
    return sql / "trends"


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
    assert read_trend(world.state, "ring_daily", "Rival", None, None)[1] == []
    for nobody in ("Nobody", "acme", "x' or '1'='1"):
        with pytest.raises(InputError, match=f'no brand "{nobody}"; there is Acme, Rival'):
            read_trend(world.state, "ring_daily", nobody, None, None)


def test_a_trend_without_the_column_is_not_narrowed_in_silence(world: World, trends: Path) -> None:
    (trends / "own-count.sql").write_text("-- How many posts.\nselect count(*) as n from posts;\n")
    world.load()
    world.publish()
    assert read_trend(world.state, "own-count", None, None, None) == (["n"], [(0,)])
    with pytest.raises(InputError, match=r"own-count .* no column brand"):
        read_trend(world.state, "own-count", "Acme", None, None)
    for since, until in ((date(2026, 3, 5), None), (None, date(2026, 3, 5))):
        with pytest.raises(InputError, match="no column day or week"):
            read_trend(world.state, "own-count", None, since, until)


def test_a_trend_written_after_the_publish_says_what_to_do(world: World, trends: Path) -> None:
    world.load()
    world.publish()
    (trends / "late.sql").write_text("select 1 as n")
    with pytest.raises(StoreError, match="late is not in the snapshot yet: run  cxlisten publish"):
        read_trend(world.state, "late", None, None, None)


def test_wrong_trends_are_named_and_all_else_is_published(world: World, trends: Path) -> None:
    world.load()
    world.publish()
    world.land([make_post("1", "the kettle works")])
    world.load()
    (trends / "a_typo.sql").write_text("-- Of no table.\nselect *\nfrom nosuch")
    (trends / "a_file.sql").write_text("from 'nowhere.csv'")
    (trends / "a_word.sql").write_text("selct 1")
    (trends / "a_cast.sql").write_text("select text::integer from posts")
    with pytest.raises(InputError, match=r"sql/trends/a_typo\.sql: Catalog Error: .*nosuch") as caught:
        world.publish()
    assert "LINE 3: from nosuch" in str(caught.value)
    assert all(f"sql/trends/{name}.sql: " in str(caught.value) for name in ("a_file", "a_word"))
    with open_snapshot(world.state) as con:
        assert con.execute("select n_posts from meta").fetchall() == [(1,)]
        views = con.execute("select view_name from duckdb_views() where schema_name = 'trends'").fetchall()
    assert sorted(view for (view,) in views) == sorted({*trend_names()} - {"a_typo", "a_file", "a_word"})
    assert not list(world.state.glob(".*.tmp*"))
    with pytest.raises(StoreError, match=r"sql/trends/a_cast\.sql: Conversion Error"):
        read_trend(world.state, "a_cast", None, None, None)


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
