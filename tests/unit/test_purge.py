"""What its platform took back leaves every file: the store's own, the snapshot, the landing files, the reports."""

import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from cxlisten import pipeline, store
from cxlisten.landing import Landing, read_header
from cxlisten.models import Reject, StateChange
from cxlisten.upkeep import purge_posts
from tests.unit.conftest import NOON, World, make_post
from tests.unit.toy_platform import ToyPlatform

TEXT = "my neighbour Zanzibarius bought the kettle"
MARK = "Zanzibarius"
DAY = timedelta(days=1)
CONTENT = {
    "posts": "select native_id, text, rev from posts order by 1",
    "tags": "select native_id, ring, t.sentiment from ring_tags as t join posts using (post_id) order by all",
    "rings": "select day, ring, n from daily_rings order by all",
    "gone": "select post_id, state from tombstones order by all",
}


@pytest.fixture(scope="module")
def listened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ToyPlatform]:
    """Twelve posts, one of them with the mark, in a store, a snapshot and a report; each was fetched twice."""
    with pytest.MonkeyPatch.context() as patch:
        toy = ToyPlatform(tmp_path_factory.mktemp("listened"), patch)
        for n in range(11):
            toy.say(f"p{n}", f"the kettle number {n} is far too dear")
        toy.say("marked", TEXT, metrics={"likes": 9})
        toy.listen()
        toy.wait(days=1)
        toy.listen()
        pipeline.publish(toy.project)
        pipeline.report(toy.project, "weekly")
        toy.wait(days=7)
        yield toy


@pytest.fixture
def toy(listened: ToyPlatform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ToyPlatform:
    """The same, for each test to do with as it likes."""
    return ToyPlatform(tmp_path, monkeypatch, like=listened)


def holders(state: Path, mark: str = MARK) -> set[str]:
    """The files that hold the mark, by their first folder or their name."""
    found = set()
    for path in filter(Path.is_file, state.rglob("*")):
        content = str(pq.read_table(path).to_pylist()) if path.suffix == ".parquet" else path.read_bytes()
        if (mark if isinstance(content, str) else mark.encode()) in content:
            place = path.relative_to(state).parts
            found.add("/".join(place[:2]) if len(place) > 1 else place[0])
    return found


def upkeep(toy: ToyPlatform) -> dict[str, Any]:
    """As the command does it, the platform being asked apart."""
    pipeline.load(toy.project)
    purged = pipeline.purge(toy.project)
    pipeline.publish(toy.project)
    return purged


def content(toy: ToyPlatform) -> dict[str, list[tuple[Any, ...]]]:
    return {name: toy.rows(statement) for name, statement in CONTENT.items()}


def test_no_file_holds_a_word_of_it_afterwards(toy: ToyPlatform) -> None:
    everywhere = {"working.duckdb", "cxlisten.duckdb", "landing/raw", "reports/weekly", "reports/latest.html"}
    assert holders(toy.state) == everywhere, "a mark that is not found would prove nothing"
    toy.verify(marked="deleted_by_author")
    pipeline.load(toy.project)
    assert toy.rows("select count(*) from posts where native_id = 'marked'") == [(0,)]
    assert "working.duckdb" in holders(toy.state), "DuckDB keeps what is deleted: this is why the file is rewritten"
    purged = upkeep(toy)
    assert holders(toy.state) == set()
    assert holders(toy.state, "marked") <= {"reports/weekly", "reports/latest.html", "cxlisten.toml"}, "nor its id"
    assert (purged["n_purged"], purged["n_files"], len(purged["reports"])) == (1, 2, 2)
    assert len(toy.stored()) == 11
    assert pipeline.purge(toy.project) == {"n_purged": 0, "n_files": 0, "reports": []}


def test_a_report_keeps_its_figures_and_loses_the_quote(toy: ToyPlatform) -> None:
    page = toy.state / "reports" / "latest.html"
    before = page.read_text()
    toy.verify(marked="deleted_by_author")
    upkeep(toy)
    after = page.read_text()
    assert "This post was taken back since." in after
    assert after.count("<blockquote") == before.count("<blockquote")
    assert after.count("n 12") == before.count("n 12") > 0


def test_what_is_left_of_the_files_says_the_same_as_before(toy: ToyPlatform) -> None:
    landing = Landing(toy.state)
    headers = {path.name: read_header(path) for path in landing.classified_files()}
    toy.verify(marked="deleted_by_author")
    upkeep(toy)
    assert {path.name: read_header(path) for path in landing.classified_files()} == headers
    assert landing.pending_classify() == []
    assert pipeline.load(toy.project)["n_batches"] == 0
    kept = content(toy)
    (toy.state / "working.duckdb").unlink()
    pipeline.load(toy.project)
    assert content(toy) == kept


@pytest.mark.parametrize("n_replaced", range(7))
def test_a_purge_that_is_cut_off_anywhere_is_finished_by_the_next(
    toy: ToyPlatform, monkeypatch: pytest.MonkeyPatch, n_replaced: int
) -> None:
    toy.verify(marked="deleted_by_author")
    pipeline.load(toy.project)
    kept = content(toy)
    with monkeypatch.context() as patch:
        cut_off(patch, n_replaced)
        with pytest.raises(KeyboardInterrupt):
            pipeline.purge(toy.project)
    assert content(toy) == kept
    assert holders(toy.state) != set()
    upkeep(toy)
    assert holders(toy.state) == set()
    assert content(toy) == kept


def test_a_store_built_anew_between_two_purges_holds_no_tags_of_another_post(
    toy: ToyPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy.verify(marked="deleted_by_author")
    pipeline.load(toy.project)
    kept = content(toy)
    with monkeypatch.context() as patch:
        cut_off(patch, 1)  # a raw file is purged, its tags are not
        with pytest.raises(KeyboardInterrupt):
            pipeline.purge(toy.project)
    (toy.state / "working.duckdb").unlink()
    pipeline.load(toy.project)
    assert content(toy) == kept


def test_a_full_disk_leaves_the_store_as_it_was(toy: ToyPlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    toy.verify(marked="deleted_by_author")
    pipeline.load(toy.project)
    kept = content(toy)

    def full(_: int) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(store.os, "fsync", full)
        with pytest.raises(OSError, match="no space"):
            pipeline.purge(toy.project)
    assert content(toy) == kept
    assert not list(toy.state.glob(".*.tmp*"))


def test_a_post_that_is_taken_back_stays_out_and_is_purged_again_when_it_comes_again(toy: ToyPlatform) -> None:
    toy.verify(marked="deleted_by_author")
    upkeep(toy)
    toy.listen()
    assert "landing/raw" in holders(toy.state), "the platform shows it again"
    assert len(toy.stored()) == 11
    assert upkeep(toy)["n_purged"] == 1
    assert holders(toy.state) == set()
    assert pipeline.purge(toy.project)["n_purged"] == 0


def test_an_edited_post_loses_all_its_versions(toy: ToyPlatform) -> None:
    toy.say("marked", "my neighbour bought nothing")
    toy.listen()
    pipeline.publish(toy.project)
    assert toy.rows("select text from post_versions") == [(TEXT,)]
    assert "cxlisten.duckdb" in holders(toy.state)
    toy.wait(days=7)
    toy.verify(marked="deleted_by_author")
    upkeep(toy)
    assert holders(toy.state) == set()
    assert holders(toy.state, "my neighbour bought nothing") == set()
    assert toy.rows("from post_versions") == []


def test_what_another_recipe_read_goes_too(toy: ToyPlatform) -> None:
    alike = toy.home / "classifiers" / "alike"
    shutil.copytree(alike, alike.with_name("second"))
    toy.say("alone", "the lid is loose and it drips", posted_at=(toy.now - DAY).isoformat())
    toy.listen()
    first, last = (f"{day:%Y-%m-%d}" for day in (toy.now - 90 * DAY, toy.now))
    pipeline.reclassify(toy.project, "second", first, last)
    pipeline.load(toy.project)
    landing = Landing(toy.state)
    n_rows = [pq.read_metadata(path).num_rows for path in landing.reclassified_files()]
    assert sorted(n_rows) == [1, 12]
    toy.wait(days=7)
    toy.verify(marked="deleted_by_author", alone="account_gone")
    upkeep(toy)
    assert [pq.read_metadata(path).num_rows for path in landing.reclassified_files()] == [11]
    assert toy.rows("select count(*) from other_readings") == [(11,)]
    (toy.state / "working.duckdb").unlink()
    pipeline.load(toy.project)
    assert toy.rows("select count(*) from other_readings") == [(11,)]


def test_what_killed_runs_left_is_swept_once_it_is_old(toy: ToyPlatform) -> None:
    spilled, draft = (
        toy.state / "working.duckdb.tmp" / "storage.tmp",
        toy.state / "landing" / "raw" / ".x.parquet.7.tmp",
    )
    spilled.parent.mkdir()
    for path in (spilled, draft):
        path.write_text(TEXT)
    pipeline.purge(toy.project)
    assert spilled.exists()
    assert draft.exists(), "somebody may be writing it"
    long_ago = (toy.now - 1.1 * DAY).timestamp()
    for path in (spilled, draft):
        os.utime(path, (long_ago, long_ago))
    pipeline.purge(toy.project)
    assert not spilled.exists()
    assert not draft.exists()


def test_a_file_that_is_not_loaded_yet_is_left_whole(toy: ToyPlatform) -> None:
    toy.verify(marked="deleted_by_author")
    pipeline.load(toy.project)
    toy.collect()  # landed and tagged beside a load that is over
    pipeline.purge(toy.project)
    assert holders(toy.state) == {"landing/raw", "cxlisten.duckdb"}
    upkeep(toy)
    assert holders(toy.state) == set()


def test_what_could_not_be_mapped_goes_when_it_has_or_names_the_id(world: World) -> None:
    rejected = [
        Reject("no text", '{"id": "1", "mark": "Zanzibarius"}', "item 1", "1"),
        Reject("no date", '{"id": "1", "mark": "Zanzibarius"}', "item 2"),
        Reject("no text", '{"id": "11"}', "item 3", "11"),
    ]
    path = world.land([make_post("1", TEXT), make_post("2", "a lid")], rejected=rejected)
    world.land([], deletes=[StateChange("x", "1", "deleted_by_author", NOON)])
    world.load()
    assert world.rows("select reason, payload from rejects order by all") == [
        ("no date", ""), ("no text", ""), ("no text", '{"id": "11"}')
    ]  # fmt: skip
    assert world.rows("select sum(n_rejected) from coverage_ledger") == [(3,)]
    n_posts, n_files, _ = purge_posts(world.state)
    assert (n_posts, n_files) == (1, 2)
    assert [row["native_id"] for row in pq.read_table(path).to_pylist()] == ["2", "11"]
    assert holders(world.state) == set()


def test_a_notice_that_comes_before_the_post_keeps_it_out(world: World) -> None:
    world.land([], deletes=[StateChange("x", "1", "deleted_by_author", NOON)])
    world.load()
    purge_posts(world.state)
    path = world.land([make_post("1", TEXT)], {"1": [("price", "negative")]})
    world.load()
    assert world.rows("from posts") == []
    assert purge_posts(world.state)[0] == 1
    assert pq.read_metadata(path).num_rows == 0
    assert holders(world.state) == set()


def test_nothing_of_an_author_stays_in_what_outlives_a_post(world: World) -> None:
    native_id = "https://social.example/@zoe/1"
    world.land([make_post(native_id, TEXT)])
    world.land([], deletes=[StateChange("x", native_id, "account_gone", NOON)])
    world.load()
    purge_posts(world.state)
    assert holders(world.state, "@zoe") == set()
    assert world.rows("select native_id, purged_at is not null from tombstones") == [(None, True)]


def cut_off(patch: pytest.MonkeyPatch, n_replaced: int) -> None:
    """Stop at the replacing of a file: two raw ones and their tags, two reports, the store's own."""
    replace, n_done = Path.replace, 0

    def replacing(self: Path, target: Path) -> Path:
        nonlocal n_done
        if n_done == n_replaced:
            raise KeyboardInterrupt
        n_done += 1
        return replace(self, target)

    patch.setattr(Path, "replace", replacing)
