"""Corrections: what a person says counts, through re-tagging and edits, for as long as the file says it."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cxlisten.errors import InputError
from cxlisten.load.corrections import apply_corrections, n_corrected, read_corrections
from cxlisten.load.readings import use_classifier
from cxlisten.report.corrected import corrected_posts
from cxlisten.store import open_working
from tests.unit.conftest import NOON, World, make_post

GOOD, BAD = [("product", "positive")], [("price", "negative")]
TAGS = "select ring, sentiment, score, evidence_start, evidence_end, facets, classifier from ring_tags order by all"
COUNTED = "select ring, n, n_positive, n_negative from daily_rings order by ring"


class Corrector:
    """Writes the file of corrections and applies it, as load does."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.path = world.state / "corrections.jsonl"

    def write(self, *rows: dict[str, Any]) -> int:
        self.path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
        with open_working(self.world.state) as con:
            apply_corrections(con, read_corrections(self.path))
            return n_corrected(con)


@pytest.fixture
def corrector(world: World) -> Corrector:
    world.land([make_post("1", "a kettle of some kind"), make_post("2", "and a lid", 3)], {"1": GOOD, "2": GOOD})
    world.load()
    return Corrector(world)


def of(post: int | str, rings: dict[str, str], sentiment: str = "negative", **more: Any) -> dict[str, Any]:
    return {"post": post, "rings": rings, "sentiment": sentiment, **more}


def test_a_correction_counts_in_place_of_the_tags_and_goes_when_it_is_taken_back(
    world: World, corrector: Corrector
) -> None:
    tables = ("posts", "ring_tags", "daily_rings", "daily_mentions")
    before = [world.rows(f"from {table} order by all") for table in tables]
    first, second = world.ids("1", "2")
    assert corrector.write(of(first, {"price": "negative"}, facets=["price.fees"], why="a charge"), of(second, {})) == 2
    assert world.rows(TAGS) == [("price", "negative", 1.0, 0, 21, ["fees"], "human")]
    assert world.rows(COUNTED) == [("price", 1, 0, 1)]
    assert world.rows("select sentiment, sentiment_score from posts") == [("negative", 1.0)] * 2
    assert world.rows("select sum(n_tagged), sum(n_untagged) from daily_mentions") == [(1, 1)]
    assert corrector.write(of(str(first), {"people": "neutral"})) == 1, "changed, and the other taken back"
    assert world.rows("select ring, classifier from ring_tags order by 1") == [("people", "human"), ("product", "stub")]
    assert corrector.write() == 0
    assert [world.rows(f"from {table} order by all") for table in tables] == before
    assert world.rows("select count(*) from other_readings") == [(0,)]


def test_it_survives_another_reading_an_edit_and_another_classifier(world: World, corrector: Corrector) -> None:
    corrector.write(of(world.ids("1")[0], {"price": "negative"}))
    for hours, text in ((1, "a kettle of some kind"), (2, "a kettle, edited")):
        world.land([make_post("1", text, fetched_at=NOON + timedelta(hours=hours))], {"1": GOOD})
        world.load()
        expected = [("price", "negative", 1.0, 0, len(text), [], "human")]
        assert [row for row in world.rows(TAGS) if row[-1] == "human"] == expected
    with open_working(world.state) as con:
        use_classifier(con, "stub", "1")
    assert world.rows(COUNTED) == [("price", 1, 0, 1), ("product", 1, 1, 0)]
    assert world.rows("select classifier, count(*) from other_readings group by 1") == [("stub", 1)]


def test_one_of_a_post_to_come_waits_for_it(world: World, corrector: Corrector) -> None:
    assert corrector.write(of(world.ids("3")[0], {"place": "positive"}, "positive")) == 0
    world.land([make_post("3", "what a lovely shop")], {"3": BAD})
    world.load()
    assert ("place", 1, 1, 0) in world.rows(COUNTED)


def test_what_was_corrected_can_be_learned_from(world: World, corrector: Corrector) -> None:
    first, second = world.ids("1", "2")
    facets = {"facets": ["price.fees"]}
    corrector.write(of(first, {"price": "negative", "place": "neutral"}, **facets), of(second, {}, "neutral"))
    world.publish()
    texts = dict(world.rows("select native_id, text from posts"))
    assert sorted(corrected_posts(world.state), key=lambda row: -len(row["rings"])) == [
        {"text": texts["1"], "sentiment": "negative", "rings": {"price": "negative", "place": "neutral"}} | facets,
        {"text": texts["2"], "sentiment": "neutral", "rings": {}},
    ]


def test_a_corrected_post_counts_though_a_classifier_took_it_for_noise_unless_it_is_the_brands_own(
    world: World,
) -> None:
    posts = [make_post("1", "win a kettle? I did not"), make_post("2", "sorry to hear that", author="@acme")]
    world.land(posts, noise={"1": ["promotion"]}, handles=("acme",))
    world.load()
    Corrector(world).write(*(of(i, {"product": "negative"}) for i in world.ids("1", "2")))
    assert world.rows("select noise from posts order by native_id") == [([],), (["brand_own"],)]
    assert world.rows(COUNTED) == [("product", 1, 0, 1)]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"post": 1,', "line 2: Expecting"),
        ("[]", "line 2: not an object"),
        ('{"post": 1, "rings": {}}', "line 2: sentiment"),
        ('{"post": "x-1", "rings": {}, "sentiment": "neutral"}', "line 2: post must be the post_id"),
        ('{"post": true, "rings": {}, "sentiment": "neutral"}', "line 2: post must be"),
        ('{"post": 9223372036854775808, "rings": {}, "sentiment": "neutral"}', "line 2: post must be"),
        ('{"post": 1, "sentiment": "neutral"}', "line 2: rings must be"),
        ('{"post": 1, "rings": {"pric": "negative"}, "sentiment": "neutral"}', 'line 2: unknown ring "pric"'),
        ('{"post": 1, "rings": {"price": "bad"}, "sentiment": "neutral"}', 'line 2: unknown sentiment "bad" of price'),
        ('{"post": 1, "rings": {}, "sentiment": "neutral", "facets": ["fees"]}', 'line 2: unknown facet "fees"'),
        (
            '{"post": 1, "rings": {}, "sentiment": "neutral", "facets": ["price.fees"]}',
            "line 2: facet fees is of a ring that rings does not name",
        ),
        ('{"post": 1, "rings": {}, "sentiment": "neutral", "note": ""}', "line 2: unknown key note"),
        ('{"post": 7, "rings": {}, "sentiment": "neutral"}', "line 2: post 7 is corrected on an earlier line"),
    ],
)
def test_a_wrong_line_is_named_with_what_is_wrong(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "corrections.jsonl"
    path.write_text('{"post": 7, "rings": {}, "sentiment": "neutral"}\n' + line, encoding="utf-8")
    with pytest.raises(InputError, match=rf"corrections\.jsonl, {message}"):
        read_corrections(path)


def test_without_a_file_there_are_none(tmp_path: Path) -> None:
    assert read_corrections(tmp_path / "corrections.jsonl").num_rows == read_corrections(None).num_rows == 0
