"""Stored posts are asked for again: when that is due, and what follows from each answer."""

import json
from importlib import import_module
from pathlib import Path
from threading import Event

import pytest
from click.testing import CliRunner

from cxlisten import pipeline
from cxlisten.cli import main
from cxlisten.collect import Caps, checking
from cxlisten.errors import BadQuery, ConfigError, Protocol, Transient
from cxlisten.retention import OTHER, RETENTION
from tests.unit.toy_platform import ToyPlatform

DAY = {"days": 1}


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ToyPlatform:
    """Three posts that were loaded a week ago."""
    toy = ToyPlatform(tmp_path, monkeypatch)
    for native_id in "abc":
        toy.say(native_id, f"the kettle {native_id} is far too dear")
    toy.listen()
    toy.wait(days=7)
    return toy


def test_a_definite_answer_is_a_proof(toy: ToyPlatform) -> None:
    assert toy.check(a="deleted_by_author", b="account_gone") == ["c"]
    assert toy.rows("select state from tombstones order by 1") == [("account_gone",), ("deleted_by_author",)]
    assert toy.rows("select sum(n) from daily_rings") == [(1,)]


def test_absence_is_no_proof_before_it_lasts_an_hour(toy: ToyPlatform) -> None:
    assert toy.check(a="unknown_gone") == ["a", "b", "c"]
    toy.wait(minutes=59)
    assert toy.check(a="unknown_gone") == ["a", "b", "c"]
    assert toy.asked() == [], "too soon to ask"
    toy.wait(minutes=1)
    assert toy.check(a="unknown_gone") == ["b", "c"]
    assert toy.asked() == [["a"]], "the others are not due"


def test_a_post_that_comes_and_goes_stays(toy: ToyPlatform) -> None:
    for n in range(6):
        assert toy.check(**({} if n % 2 else {"a": "unknown_gone"})) == ["a", "b", "c"]
        toy.wait(days=7)


def test_being_fetched_is_being_alive(toy: ToyPlatform) -> None:
    toy.check(a="unknown_gone")
    toy.wait(hours=2)
    toy.listen()
    assert toy.check() == ["a", "b", "c"]
    assert toy.asked() == [], "all were just fetched"
    toy.wait(days=7)
    assert toy.check(a="unknown_gone") == ["a", "b", "c"], "its first absence since"


@pytest.mark.parametrize("kind", ["Transient", "Auth", "QuotaExhausted", "RateLimited", "BadQuery"])
def test_an_error_is_never_a_miss(toy: ToyPlatform, kind: str) -> None:
    toy.check(a="unknown_gone")
    toy.wait(hours=2)
    with pytest.raises(Exception, match="the platform failed"):
        toy.verify(a=kind)
    pipeline.load(toy.project)
    assert toy.stored() == ["a", "b", "c"]
    assert toy.check(a="unknown_gone") == ["b", "c"], "and it is still due"


def test_what_was_answered_before_an_error_counts(toy: ToyPlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "_A_CHUNK", 1)
    order = [native_id for (native_id,) in toy.rows("select native_id from posts order by post_id")]
    with pytest.raises(Transient):
        toy.verify(**{order[0]: "deleted_by_author", order[1]: "Transient"})
    pipeline.load(toy.project)
    assert toy.stored() == sorted(order[1:])
    toy.check()
    assert toy.asked() == [[order[1]], [order[2]]]


def test_one_post_that_a_platform_chokes_on_does_not_keep_it_from_the_others(
    toy: ToyPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "_A_CHUNK", 1)
    with pytest.raises(BadQuery):
        toy.verify(a="BadQuery", b="deleted_by_author", c="deleted_by_author")
    pipeline.load(toy.project)
    assert toy.stored() == ["a"]


def test_a_platform_of_which_all_is_gone_at_once_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy = ToyPlatform(tmp_path, monkeypatch)
    names = [f"p{n:02}" for n in range(60)]
    for name in names:
        toy.say(name, f"kettle {name}")
    toy.listen()
    toy.wait(days=7)
    absent = dict.fromkeys(names, "unknown_gone")
    for _ in range(2):
        with pytest.raises(Protocol, match="toy: not one of 60 posts is there any more"):
            toy.verify(**absent)
        pipeline.load(toy.project)
        toy.wait(hours=2)
    assert len(toy.check(**{**absent, "p59": ""})) == 60, "one is there: so the others are not"
    toy.wait(hours=2)
    assert toy.check(**absent) == ["p59"]


def test_what_is_landed_is_not_asked_for_again_before_it_is_loaded(toy: ToyPlatform) -> None:
    assert toy.verify(a="unknown_gone")["n_asked"] == 3
    toy.wait(hours=2)
    assert toy.verify(a="unknown_gone")["n_asked"] == 0
    pipeline.load(toy.project)
    assert toy.check(a="unknown_gone") == ["b", "c"]


def test_a_file_of_answers_counts_once(toy: ToyPlatform) -> None:
    toy.verify(a="unknown_gone", b="deleted_by_author")
    for _ in range(3):
        pipeline.load(toy.project)
    assert toy.stored() == ["a", "c"]
    assert toy.rows("select count(*) filter (missed_at is not null), count(*) from checks") == [(1, 2)]


def test_a_store_built_anew_from_the_files_has_lost_the_same_posts(toy: ToyPlatform) -> None:
    toy.check(a="unknown_gone", b="deleted_by_author")
    toy.wait(hours=2)
    assert toy.check(a="unknown_gone") == ["c"]
    for is_purged in (False, True):
        if is_purged:
            pipeline.purge(toy.project)
        (toy.state / "working.duckdb").unlink()
        pipeline.load(toy.project)
        assert toy.stored() == ["c"]
    assert toy.rows("select count(*) from tombstones") == [(2,)]


@pytest.mark.parametrize("terms", [*RETENTION, "hackernews"])
def test_each_class_is_asked_for_in_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terms: str) -> None:
    toy = ToyPlatform(tmp_path, monkeypatch)
    toy.say("a", "the kettle", terms=terms)
    toy.listen()
    every = RETENTION.get(terms, OTHER).recheck
    if every is None:
        toy.wait(days=80)
        toy.verify()
        assert toy.asked() == []
        return
    for _ in range(2):
        toy.wait(seconds=every.total_seconds() - 4_000)
        toy.check()
        assert toy.asked() == []
        toy.wait(seconds=1_000)
        toy.check()
        assert toy.asked() == [["a"]], "an hour early, for a daily run that begins a little earlier than yesterday's"


def test_what_may_be_kept_no_longer_goes_unless_it_is_seen_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy = ToyPlatform(tmp_path, monkeypatch)
    toy.say("a", "the kettle", terms="youtube-30d")
    toy.say("b", "the lid", terms="mastodon")
    toy.listen()
    toy.wait(days=24)
    assert toy.check() == ["a", "b"]
    toy.wait(days=24)
    with pytest.raises(Transient):
        toy.verify(a="Transient", b="Transient")
    pipeline.load(toy.project)
    assert toy.stored() == ["a", "b"], "seen 24 days ago"
    toy.wait(days=6)
    with pytest.raises(Transient):
        toy.verify(a="Transient", b="Transient")
    pipeline.load(toy.project)
    assert toy.stored() == ["b"]
    assert toy.rows("select state from tombstones") == [("expired",)]


def test_the_longest_unseen_come_first_and_a_run_has_an_end(toy: ToyPlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cxlisten.upkeep._MOST_POSTS", 2)
    toy.check()
    first = toy.asked()[0]
    assert len(first) == 2
    toy.wait(hours=1)
    toy.check()
    assert sorted(first + toy.asked()[0]) == ["a", "b", "c"]


def test_it_ends_when_asked_to(toy: ToyPlatform) -> None:
    stop = Event()
    stop.set()
    assert pipeline.verify(toy.project, stop=stop)["n_asked"] == 0
    assert toy.asked() == []


def test_asking_costs_what_the_platform_charges_and_no_more_than_the_month_has(
    toy: ToyPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = import_module("cxlisten.collect.sources.toy_listened").SOURCE
    monkeypatch.setattr(source, "caps", Caps(can_verify=True, unit_cost=0.01))
    config = toy.home / "cxlisten.toml"
    config.write_text(config.read_text().replace("path = ", "monthly_budget = 0.05\npath = "))
    assert toy.verify()["n_asked"] == 3
    (row,) = map(json.loads, (toy.state / "spending.jsonl").read_text().splitlines())
    assert (row["source"], row["n"], row["money"]) == ("toy", 3, pytest.approx(0.03))
    pipeline.load(toy.project)
    toy.wait(days=7)
    assert toy.verify()["n_asked"] == 0, "0.02 are left, three posts cost 0.03"


def test_posts_that_nobody_can_be_asked_for_are_told(toy: ToyPlatform, caplog: pytest.LogCaptureFixture) -> None:
    config = toy.home / "cxlisten.toml"
    config.write_text(config.read_text().replace('name = "toy"', 'name = "renamed"'))
    assert pipeline.verify(toy.project) == {
        "n_asked": 0, "n_live": 0, "n_missed": 0, "n_gone": 0, "n_expired": 0, "n_unasked": 3,
    }  # fmt: skip
    assert "toy: 3 posts are due, and no source of the config can be asked for them" in caplog.text


def test_a_source_that_is_not_there_is_a_mistake(toy: ToyPlatform) -> None:
    with pytest.raises(ConfigError, match='no source "toi"'):
        pipeline.verify(toy.project, "toi")


def test_a_batch_may_tell_that_a_post_is_gone_or_only_absent(toy: ToyPlatform) -> None:
    toy.posts, toy.deletes = {}, [("a", "deleted_by_author"), ("b", "unknown_gone")]
    toy.listen()
    assert toy.stored() == ["b", "c"]
    toy.wait(hours=2)
    toy.listen()
    assert toy.stored() == ["c"]


def test_the_command_asks_loads_purges_and_publishes_though_a_source_fails(toy: ToyPlatform) -> None:
    (toy.home / "answers.json").write_text(
        json.dumps({"states": {"a": "deleted_by_author"}, "asked": [], "now": toy.now.isoformat()})
    )
    folders = ["--config", str(toy.home / "cxlisten.toml"), "--state", str(toy.state)]
    done = CliRunner().invoke(main, ["verify", *folders])
    assert done.exit_code == 0, done.stderr
    asked, purged = map(json.loads, done.stdout.splitlines())
    assert (asked["n_asked"], asked["n_live"], asked["n_gone"], purged["n_purged"]) == (3, 2, 1, 1)
    assert b"kettle a is far" not in (toy.state / "cxlisten.duckdb").read_bytes()

    toy.wait(days=7)
    (toy.home / "answers.json").write_text(json.dumps({"states": {"b": "Auth"}, "asked": []}))
    failed = CliRunner().invoke(main, ["verify", "toy", *folders])
    assert failed.exit_code == 2
    assert "the platform failed" in failed.stderr
    assert json.loads(failed.stdout) == {"n_purged": 0, "n_files": 0, "reports": []}
