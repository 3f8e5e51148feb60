"""What a report says in words, and what it holds against its own words."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from cxlisten.report import ReportSpec, build
from cxlisten.report.wording import day_span, signed
from tests.invented_snapshot import InventedSnapshot

LAST = date(2026, 11, 15)
BEFORE = LAST - timedelta(days=7)
LONG_AGO = LAST - timedelta(days=60)
SPEC = ReportSpec("weekly", "Weekly", datetime(2026, 11, 16, 8, tzinfo=UTC))


@pytest.fixture
def world() -> InventedSnapshot:
    """Two brands; the process of one falls from 20 to -60, everything else stays as it was."""
    world = InventedSnapshot().query("Oakhollow").query("Amberway")
    world.say("Oakhollow", LONG_AGO, "hello")
    world.say("Amberway", LONG_AGO, "hello")
    for day in (BEFORE, LAST):
        world.say("Amberway", day, "fair", ("price", "positive", "value"), n=20)
    world.say("Oakhollow", BEFORE, "quick", ("process", "positive", "wait"), n=12)
    world.say("Oakhollow", BEFORE, "slow", ("process", "negative", "wait"), n=8)
    world.say("Oakhollow", LAST, "quick", ("process", "positive", "wait"), n=4)
    world.say("Oakhollow", LAST, "slow", ("process", "negative", "wait"), n=10)
    world.say("Oakhollow", LAST, "wrong one", ("process", "negative", "accuracy"), n=6)
    return world


def test_the_headline_says_what_moved_with_its_n(world: InventedSnapshot, tmp_path: Path) -> None:
    report = build(world.write(tmp_path), SPEC)
    oakhollow, amberway = report.brands[1], report.brands[0]

    sentence = (
        "fell 80 points to \N{MINUS SIGN}60 (n 20, before 20): those who complain speak of wait (10) and accuracy (6)."
    )
    assert [one.text for one in report.headline] == [f"Oakhollow: process {sentence}"]
    assert oakhollow.headline.text == f"Process {sentence}"
    assert amberway.headline.text.startswith("No clear change in the ring with enough data. Lowest is price at +100")
    assert (report.headline[0].caveats, oakhollow.headline.caveats) == ((), ())


def test_without_a_move_it_says_how_things_stand(world: InventedSnapshot, tmp_path: Path) -> None:
    world.target("price", 100).target("process", 30)
    world.say("Oakhollow", BEFORE, "slow", ("process", "negative", "wait"), n=28)
    assert [one.text for one in build(world.write(tmp_path), SPEC).headline] == [
        "No clear change in any of the 2 rings with enough data."
        " Furthest below its target of +30 is process of Oakhollow at \N{MINUS SIGN}60 (n 20)."
    ]


def test_a_source_that_fell_silent_is_named_beside_the_claim(world: InventedSnapshot, tmp_path: Path) -> None:
    world.say("Oakhollow", BEFORE, "hm", source="forum", n=5)
    headline = build(world.write(tmp_path), SPEC).headline
    assert [one.caveats for one in headline] == [("forum gave 5 mentions before and none in this period.",)]


def test_a_source_that_began_is_named_beside_the_claim(world: InventedSnapshot, tmp_path: Path) -> None:
    world.say("Oakhollow", LAST, "hm", source="forum", n=5)
    headline = build(world.write(tmp_path), SPEC).headline
    assert [one.caveats for one in headline] == [("forum gave 5 mentions in this period and none before.",)]


def test_a_handful_that_stays_away_is_chance(world: InventedSnapshot, tmp_path: Path) -> None:
    world.say("Oakhollow", BEFORE, "hm", source="forum", n=4)
    assert build(world.write(tmp_path), SPEC).headline[0].caveats == ()


def test_a_source_that_answers_nothing_is_named(world: InventedSnapshot, tmp_path: Path) -> None:
    world.fetch("Oakhollow", LAST, "forum", n_asked=3)
    headline = build(world.write(tmp_path), SPEC).headline
    assert [one.caveats for one in headline] == [("forum was asked 3 times in this period and gave nothing.",)]


@pytest.mark.parametrize(
    ("since", "until", "touches"),
    [
        (datetime(2026, 11, 12), datetime(2026, 11, 13), True),
        (datetime(2026, 11, 3), datetime(2026, 11, 4), True),
        (datetime(2026, 11, 12), None, True),
        (datetime(2026, 10, 1), datetime(2026, 10, 2), False),
        (datetime(2026, 11, 16), None, False),
    ],
)
def test_a_gap_counts_when_it_touches_either_period(
    world: InventedSnapshot, tmp_path: Path, since: datetime, until: datetime | None, touches: bool
) -> None:
    world.gap("Oakhollow", "forum", "budget used up", since, until)
    report = build(world.write(tmp_path), SPEC)
    said = f"forum was not read all the time, from {since.day} November 2026: budget used up."
    assert report.headline[0].caveats == ((said,) if touches else ())
    assert [(one.source, one.n) for one in report.unread] == [("forum", 1)]


def test_data_that_begin_late_are_named(world: InventedSnapshot, tmp_path: Path) -> None:
    world.tables["posts"] = [post for post in world.tables["posts"] if post["text"] != "hello"]
    kept = {post["post_id"] for post in world.tables["posts"]}
    world.tables["mentions"] = [row for row in world.tables["mentions"] if row["post_id"] in kept]
    assert build(world.write(tmp_path), SPEC).headline[0].caveats == (
        "The data begin on 8 November 2026: the days before are covered only in part.",
    )


def test_points_carry_their_sign() -> None:
    assert [signed(points) for points in (-41, 0, 7)] == ["\N{MINUS SIGN}41", "0", "+7"]


@pytest.mark.parametrize(
    ("first", "last", "name"),
    [
        (date(2026, 11, 9), date(2026, 11, 15), "9 to 15 November 2026"),
        (date(2026, 10, 30), date(2026, 11, 5), "30 October to 5 November 2026"),
        (date(2025, 12, 29), date(2026, 1, 4), "29 December 2025 to 4 January 2026"),
        (date(2026, 11, 15), date(2026, 11, 15), "15 November 2026"),
    ],
)
def test_a_span_of_days_says_each_part_once(first: date, last: date, name: str) -> None:
    assert day_span(first, last) == name
