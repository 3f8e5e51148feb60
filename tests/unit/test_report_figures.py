"""The numbers of a report against numbers worked out by hand."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from math import sqrt
from pathlib import Path

import pytest

from cxlisten.report import Report, ReportSpec, build
from cxlisten.report.sections import RingSection
from cxlisten.taxonomy import RING_NAMES, Noise
from tests.invented_snapshot import InventedSnapshot

LAST = date(2026, 11, 15)
BEFORE = LAST - timedelta(days=7)
SPEC = ReportSpec("weekly", "Weekly", datetime(2026, 11, 16, 8, tzinfo=UTC), brands=("Oakhollow",))


def ring_of(report: Report, name: str, brand: int = 0) -> RingSection:
    return next(ring for ring in report.brands[brand].rings if ring.figure.ring == name)


def say_mix(world: InventedSnapshot, ring: str, day: date, mix: Sequence[int], facets: str = "", **more: str) -> None:
    """Say something of a ring so many times positively, neutrally and negatively."""
    for sentiment, n in zip(("positive", "neutral", "negative"), mix, strict=True):
        world.say("Oakhollow", day, f"{ring} {sentiment}", (ring, sentiment, facets), n=n, **more)  # type: ignore[arg-type]


@pytest.fixture
def world() -> InventedSnapshot:
    return InventedSnapshot().query("Oakhollow").target("process", 20, "Customer Service")


def test_a_ring_has_its_figures_beside_those_of_the_period_before(world: InventedSnapshot, tmp_path: Path) -> None:
    say_mix(world, "process", LAST, (3, 1, 10), "wait")
    say_mix(world, "process", LAST - timedelta(days=6), (0, 0, 6), "wait accuracy")
    say_mix(world, "process", BEFORE, (8, 4, 8))
    say_mix(world, "process", LAST - timedelta(days=14), (9, 0, 0))  # of neither period
    figure = ring_of(build(world.write(tmp_path), SPEC), "process").figure

    assert (figure.n, figure.previous_n) == (20, 20)
    assert (figure.net_sentiment, figure.previous_net_sentiment, figure.change) == (-65, 0, -65)
    assert figure.experience_score == 18  # (3 * 100 + 1 * 50) / 20 = 17.5
    assert (figure.target, figure.gap, figure.owner) == (20, -85, "Customer Service")


def adjusted(n_positive: int, n_negative: int, n: int) -> tuple[float, float]:
    """Bonett and Price (2012), section 2: the estimate and its standard error, in points."""
    p, q = (n_positive + 1) / (n + 2), (n_negative + 1) / (n + 2)
    return 100 * (p - q), 100 * sqrt((p + q - (p - q) ** 2) / (n + 2))


@pytest.mark.parametrize(
    ("now", "before", "is_clear"),
    [((3, 1, 16), (8, 4, 8), True), ((5, 1, 14), (8, 4, 8), False), ((0, 0, 10), (10, 0, 0), True)],
)
def test_the_interval_is_that_of_the_paper_and_decides_what_is_clear(
    world: InventedSnapshot, tmp_path: Path, now: tuple[int, int, int], before: tuple[int, int, int], is_clear: bool
) -> None:
    say_mix(world, "process", LAST, now)
    say_mix(world, "process", BEFORE, before)
    figure = ring_of(build(world.write(tmp_path), SPEC), "process").figure

    (centre, error), (centre_before, error_before) = (adjusted(mix[0], mix[2], sum(mix)) for mix in (now, before))
    assert figure.low == max(-100, round(centre - 1.96 * error))
    assert figure.high == min(100, round(centre + 1.96 * error))
    assert figure.z == pytest.approx(abs(centre - centre_before) / sqrt(error**2 + error_before**2))
    assert figure.is_clear is is_clear


@pytest.mark.parametrize(("n", "n_before"), [(9, 30), (30, 9)])
def test_below_the_floor_there_is_no_figure(world: InventedSnapshot, tmp_path: Path, n: int, n_before: int) -> None:
    say_mix(world, "process", LAST, (0, 0, n))
    say_mix(world, "process", BEFORE, (n_before, 0, 0))
    report = build(world.write(tmp_path), SPEC)
    figure = ring_of(report, "process").figure

    shown = (figure.net_sentiment, figure.low, figure.high, figure.experience_score, figure.gap)
    assert (figure.n, figure.previous_n) == (n, n_before)
    assert all(value is None for value in shown) is (n < 10)
    assert figure.change is None
    assert not figure.is_clear
    assert report.headline[0].text.startswith("Not enough data to say what moved")


def test_what_is_folded_or_noise_is_not_counted_nor_quoted(world: InventedSnapshot, tmp_path: Path) -> None:
    first = world.say("Oakhollow", LAST, "slow", ("process", "negative", "wait"), n=12)
    world.say("Oakhollow", LAST, "slow!", ("process", "negative", "wait"), duplicate_of=first, likes=99)
    world.say("Oakhollow", LAST, "WIN", ("process", "positive", "wait"), noise=(Noise.PROMOTION,), likes=99)
    report = build(world.write(tmp_path), SPEC)
    ring = ring_of(report, "process")

    assert ring.figure.n == 12
    assert {post.text for post in (*ring.blame, *ring.praise)} == {"slow"}
    assert [(row.n_new, row.n_duplicate, row.n_noise, row.n_tagged) for row in report.sources] == [(14, 1, 1, 12)]
    assert report.voices[0].n == 12


def test_a_post_that_matched_two_queries_of_a_brand_counts_once(world: InventedSnapshot, tmp_path: Path) -> None:
    world.query("Oakhollow", name="oakhollow-app")
    world.say("Oakhollow", LAST, "slow", ("process", "negative", "wait"), n=2, also_matched=("oakhollow-app",))
    world.say("Oakhollow", LAST, "slow", ("process", "neutral", ""), n=8)
    ring = ring_of(build(world.write(tmp_path), SPEC), "process")

    assert ring.figure.n == 10
    assert [(facet.facet, facet.n, facet.pull) for facet in ring.facets] == [("wait", 2, -20)]
    assert len(ring.blame) == 2


def test_facets_say_how_many_points_they_weigh(world: InventedSnapshot, tmp_path: Path) -> None:
    say_mix(world, "process", LAST, (2, 1, 3), "wait")
    say_mix(world, "process", LAST, (0, 0, 4), "wait accuracy")
    say_mix(world, "process", BEFORE, (0, 0, 9), "burden")
    ring = ring_of(build(world.write(tmp_path), SPEC), "process")

    facets = [(one.facet, one.n, one.n_positive, one.n_negative, one.pull) for one in ring.facets]
    assert facets == [("wait", 10, 2, 7, -50), ("accuracy", 4, 0, 4, -40)]


def test_the_posts_are_those_with_most_engagement(world: InventedSnapshot, tmp_path: Path) -> None:
    for likes in (1, 5, 3, 4, 2):
        world.say("Oakhollow", LAST, f"slow {likes}", ("process", "negative", "wait"), likes=likes)
    world.say("Oakhollow", LAST, "fast", ("process", "positive", "wait"), likes=9)
    world.say("Oakhollow", BEFORE, "slow before", ("process", "negative", "wait"), likes=9)
    ring = ring_of(build(world.write(tmp_path), SPEC), "process")

    assert [post.text for post in ring.blame] == ["slow 5", "slow 4", "slow 3"]
    assert [(post.text, post.engagement) for post in ring.praise] == [("fast", 9)]


def test_the_course_ends_with_the_period_and_breaks_below_the_floor(world: InventedSnapshot, tmp_path: Path) -> None:
    say_mix(world, "process", LAST, (0, 0, 10))
    say_mix(world, "process", BEFORE, (9, 0, 0))
    say_mix(world, "process", LAST - timedelta(days=83), (5, 0, 5))
    course = ring_of(build(world.write(tmp_path), SPEC), "process").course

    assert [(step.first_day, step.last_day) for step in course[-1:]] == [(LAST - timedelta(days=6), LAST)]
    assert [step.n for step in course] == [10, *[0] * 9, 9, 10]
    assert [step.net_sentiment for step in course] == [0, *[None] * 10, -100]


def test_the_points_of_a_course_are_as_long_as_the_period(world: InventedSnapshot, tmp_path: Path) -> None:
    say_mix(world, "process", LAST, (6, 0, 0))
    say_mix(world, "process", LAST - timedelta(days=27), (0, 0, 4))
    say_mix(world, "process", LAST - timedelta(days=34), (0, 0, 6))
    ring = ring_of(build(world.write(tmp_path), replace(SPEC, period_days=28)), "process")

    assert [step.n for step in ring.course[-3:]] == [10, 10, 10]
    assert [step.net_sentiment for step in ring.course[-3:]] == [-100, -100, 20]
    assert ring.course[-1].net_sentiment == ring.figure.net_sentiment
    assert {(step.last_day - step.first_day).days for step in ring.course if step.last_day and step.first_day} == {27}


def test_moves_are_the_weeks_that_stand_out_from_the_four_before(world: InventedSnapshot, tmp_path: Path) -> None:
    for week in range(12):
        mix = (2, 0, 28) if week == 6 else (15, 0, 15)
        say_mix(world, "price", LAST - timedelta(days=7 * (11 - week)), mix, "level")
    moves = build(world.write(tmp_path), SPEC).brands[0].moves

    (fall,) = moves
    assert fall.figure.last_day == LAST - timedelta(days=35)
    assert (fall.figure.change, fall.figure.net_sentiment, fall.figure.n, fall.figure.previous_n) == (-87, -87, 30, 120)
    assert fall.facets[0].facet == "level"
    assert fall.evidence is not None
    assert fall.evidence.text == "price negative"
    assert fall.caveats == ()


def test_all_the_data_are_compared_with_nothing(world: InventedSnapshot, tmp_path: Path) -> None:
    say_mix(world, "process", LAST, (0, 0, 10))
    say_mix(world, "process", LAST - timedelta(days=239), (10, 0, 0))
    report = build(world.write(tmp_path), replace(SPEC, period_days=0))
    ring = ring_of(report, "process")

    assert (report.period.first_day, report.period.last_day) == (LAST - timedelta(days=239), LAST)
    assert (ring.figure.n, ring.figure.net_sentiment, ring.figure.change, ring.figure.previous_n) == (20, 0, None, 0)
    assert [step.n for step in ring.course] == [10, *[0] * 10, 10]
    assert report.headline[0].text == "Furthest below its target of +20 is process of Oakhollow at 0 (n 20)."


def test_one_day_of_data_is_a_report(world: InventedSnapshot, tmp_path: Path) -> None:
    say_mix(world, "process", LAST, (0, 0, 10))
    for period_days in (0, 1, 7):
        report = build(world.write(tmp_path / str(period_days)), replace(SPEC, period_days=period_days))
        assert ring_of(report, "process").figure.net_sentiment == -100
        assert [step.n for step in ring_of(report, "process").course] == [*[0] * 11, 10]


def test_an_empty_snapshot_is_a_report_without_a_figure(tmp_path: Path) -> None:
    state = InventedSnapshot().write(tmp_path)
    asked = build(state, SPEC)
    assert [section.brand for section in asked.brands] == ["Oakhollow"]
    assert all(ring.figure.net_sentiment is None for ring in asked.brands[0].rings)
    assert asked.headline[0].text.startswith("Not enough data")
    assert asked.freshness.last_posted_at is None
    assert build(state, replace(SPEC, brands=())).brands == ()


def test_the_period_ends_where_asked(world: InventedSnapshot, tmp_path: Path) -> None:
    say_mix(world, "process", LAST, (0, 0, 10))
    say_mix(world, "process", BEFORE, (10, 0, 0))
    report = build(world.write(tmp_path), replace(SPEC, until=BEFORE))
    assert ring_of(report, "process").figure.net_sentiment == 100


def test_without_brands_every_own_one_is_reported_in_the_order_of_the_rings(
    world: InventedSnapshot, tmp_path: Path
) -> None:
    world.query("Nimbra", "competitor").query("Amberway")
    for brand, n in (("Oakhollow", 30), ("Nimbra", 10)):
        world.say(brand, LAST, "slow", ("process", "negative", "wait"), n=n)
    report = build(world.write(tmp_path), replace(SPEC, brands=()))

    assert [section.brand for section in report.brands] == ["Amberway", "Oakhollow"]
    assert tuple(ring.figure.ring for ring in report.brands[0].rings) == RING_NAMES
    assert [(voice.brand, voice.role, voice.n, voice.share) for voice in report.voices] == [
        ("Oakhollow", "own", 30, 75),
        ("Nimbra", "competitor", 10, 25),
    ]


def test_the_balance_is_the_share_of_tags_by_lens(world: InventedSnapshot, tmp_path: Path) -> None:
    say_mix(world, "process", LAST, (0, 0, 20))
    say_mix(world, "price", LAST, (10, 0, 0))
    say_mix(world, "people", LAST, (10, 0, 0))
    lenses = build(world.write(tmp_path), SPEC).brands[0].lenses
    assert [(one.lens, one.rings, one.n, one.share, one.net_sentiment) for one in lenses] == [
        ("emotional", "people, communication", 10, 25, 100),
        ("process", "price, process", 30, 75, -33),
    ]
