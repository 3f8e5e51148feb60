"""The one transaction: counted once, folded, ledgered, or not at all."""

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pyarrow.parquet as pq
import pytest

from cxlisten.config import Settings
from cxlisten.landing import read_header
from cxlisten.landing.rows import RAW
from cxlisten.load import load_batch, seed
from cxlisten.models import Gap, Query, Reject, StateChange
from cxlisten.store import open_working
from tests.unit.conftest import NOON, World, make_post

GOOD, BAD = [("product", "positive")], [("price", "negative")]
LEDGER = """
    select sum(n_asked), sum(n_fetched), sum(n_mapped), sum(n_rejected), sum(n_unmatched), sum(n_known), sum(n_new)
    from coverage_ledger"""
STATES = "select sum(n), sum(n_duplicate), sum(n_noise), sum(n_tagged), sum(n_untagged) from daily_mentions"


def test_every_item_is_accounted_for(world: World) -> None:
    world.land(
        [
            make_post("1", "the kettle works and looks lovely"),
            make_post("2", "The kettle works, and looks LOVELY! https://t.example/x"),
            make_post("3", "win a free kettle, follow and share", 1),
            make_post("4", "so it is wednesday again my friends", 2),
            make_post("5", "la tetera es muy bonita y barata", 2),
            make_post("1", "the kettle works and looks lovely"),
        ],
        {"1": GOOD, "2": GOOD},
        noise={"3": ["promotion"]},
        unknown_language=["5"],
        rejected=[Reject("no text", "{}", "line 9")],
        unmatched={"2026-03-01": 3, "2026-03-04": 1},
    )
    world.load()
    assert world.rows(LEDGER) == [(1, 11, 10, 1, 4, 1, 5)]
    assert world.rows(STATES) == [(5, 1, 1, 1, 2)]
    assert world.rows("select sum(n_unknown_language) from daily_mentions") == [(1,)]
    assert world.rows("select ring, n, n_positive from daily_rings") == [("product", 1, 1)]
    assert world.rows("select reason, place, payload from rejects") == [("no text", "line 9", "{}")]


def test_a_reject_that_is_read_again_is_kept_once(world: World) -> None:
    for _ in range(2):
        world.land([], rejected=[Reject("no text", "{}", "item 1"), Reject("no id", "{}", "item 2")])
    world.load()
    assert world.rows("select reason from rejects order by 1") == [("no id",), ("no text",)]
    assert world.rows(LEDGER) == [(2, 4, 0, 4, 0, 0, 0)]


def test_a_batch_is_applied_once_even_without_its_marker(world: World) -> None:
    path = world.land([make_post(str(i), f"post number {i} about kettles") for i in range(20)], {"3": GOOD, "4": BAD})
    world.load(path)
    before = world.rows("select * exclude (rev) from posts order by all"), world.rows("from mentions order by all")
    rollups = world.rows("from daily_rings order by all")
    world.load(path)
    assert world.rows("select count(*) from batches") == [(1,)]
    world.rows("delete from batches")
    world.load(path)
    again = world.rows("select * exclude (rev) from posts order by all"), world.rows("from mentions order by all")
    assert again == before
    assert world.rows("from daily_rings order by all") == rollups
    assert world.rows("select count(*) from ring_tags") == [(2,)]


def test_a_post_that_is_twice_in_a_batch_keeps_the_tags_of_its_last_text(world: World) -> None:
    world.land([make_post("1", "a kettle"), make_post("1", "a kettle that leaks, as I found out")], {"1": BAD})
    world.load()
    assert world.rows("select length(text), evidence_end from posts join ring_tags using (post_id)") == [(35, 35)]


def test_a_request_counts_on_the_day_of_the_fetch_whenever_it_is_loaded(world: World) -> None:
    path = world.land([], rejected=[Reject("no text", "{}", "line 9")])
    header = replace(read_header(path), fetched_at="2026-02-01T23:30:00+00:00")
    with open_working(world.state) as con:
        raw, tags = pq.read_table(path, schema=RAW), pq.read_table(world.landing.counterpart(path))
        load_batch(con, "late", header, raw, tags)
    assert world.rows("select day, n_asked, n_rejected from coverage_ledger") == [(date(2026, 2, 1), 1, 1)]


def test_a_failing_batch_leaves_nothing_behind(world: World) -> None:
    path = world.land([make_post("1", "a kettle of some kind")], {"1": [("product", None)]})  # type: ignore[list-item]
    with pytest.raises(Exception, match="NOT NULL"):
        world.load(path)
    for table in ("posts", "mentions", "ring_tags", "batches", "coverage_ledger", "cursors", "daily_mentions"):
        assert world.rows(f"select count(*) from {table}") == [(0,)], table


def test_a_post_of_two_queries_of_one_brand_counts_once_for_it(world: World) -> None:
    post = make_post("1", "the kettle works and looks lovely")
    for query, brand in (("q", "Acme"), ("q2", "Acme"), ("rival", "Rival")):
        world.land([post], {"1": GOOD}, query=query, brand=brand)
    world.load()
    assert world.rows("select count(*) from posts") == [(1,)]
    assert world.rows("select count(*) from mentions") == [(3,)]
    assert world.rows("select brand, sum(n) from daily_rings group by 1 order by 1") == [("Acme", 1), ("Rival", 1)]
    assert world.rows("select brand, sum(n_tagged) from daily_mentions group by 1 order by 1") == [
        ("Acme", 1),
        ("Rival", 1),
    ]


def test_an_edited_post_that_a_second_query_finds_counts_once_for_the_brand(world: World) -> None:
    world.land([make_post("1", "kettle is fine I think")], {"1": GOOD}, query="q")
    edited = make_post("1", "kettle is broken after all", fetched_at=NOON + timedelta(hours=2), version="2")
    world.land([edited], {"1": BAD}, query="q2")
    world.load()
    assert world.rows("select ring, n from daily_rings") == [("price", 1)]


@pytest.mark.parametrize("in_one_batch", [True, False])
def test_a_copy_every_few_weeks_is_folded_however_the_copies_arrive(world: World, in_one_batch: bool) -> None:
    posts = [make_post(str(i), "the kettle leaks after a week", 20 * i) for i in range(5)]
    for batch in [posts] if in_one_batch else [[post] for post in posts]:
        world.land(batch)
    world.load()
    first = world.ids("0")[0]
    assert world.rows("select duplicate_of from mentions order by posted_at") == [(None,), *[(first,)] * 4]


@pytest.mark.parametrize(
    ("copy", "days", "folded"),
    [
        ("THE KETTLE leaks after a week!!", 1, True),
        ("@acme the kettle leaks, after a week https://t.example/1 #", 27, True),
        ("RT @somebody: the kettle leaks after a week", 1, True),
        ("the kettle leaks after a week", 29, False),
        ("the kettle leaks after a month", 1, False),
    ],
)
@pytest.mark.parametrize("in_one_batch", [True, False])
def test_copies_are_folded_onto_the_first(
    world: World, copy: str, days: float, folded: bool, in_one_batch: bool
) -> None:
    posts = [make_post("1", "the kettle leaks after a week"), make_post("2", copy, days)]
    for batch in [posts] if in_one_batch else [[post] for post in posts]:
        world.land(batch, {"1": BAD, "2": BAD})
    world.load()
    first, second = world.ids("1", "2")
    expected = {(first, None), (second, first if folded else None)}
    assert set(world.rows("select post_id, duplicate_of from mentions")) == expected
    assert world.rows("select sum(n) from daily_rings") == [(1 if folded else 2,)]


def test_copies_are_folded_within_a_brand_only(world: World) -> None:
    world.land([make_post("1", "the kettle leaks after a week")], brand="Acme")
    world.land([make_post("2", "the kettle leaks after a week")], query="rival", brand="Rival")
    world.load()
    assert world.rows("select count(*) from mentions where duplicate_of is not null") == [(0,)]


def test_two_people_may_say_the_same_few_words(world: World) -> None:
    world.land([make_post("1", "Love it!"), make_post("2", "love it"), make_post("3", "love it", author="author of 2")])
    world.load()
    _, second, third = world.ids("1", "2", "3")
    assert world.rows("select post_id, duplicate_of from mentions where duplicate_of is not null") in (
        [(third, second)],
        [(second, third)],
    )


def test_an_edit_replaces_text_and_tags_and_an_older_fetch_does_not(world: World) -> None:
    world.land([make_post("1", "kettle is fine I think")], {"1": GOOD})
    edited = make_post("1", "kettle is broken after all", fetched_at=NOON + timedelta(hours=2), version="2")
    world.land([edited], {"1": BAD})
    world.land([make_post("1", "kettle is fine I think", fetched_at=NOON + timedelta(hours=1))], {"1": GOOD})
    world.load()
    assert world.rows("select text, version, rev from posts") == [("kettle is broken after all", "2", 2)]
    assert world.rows("select ring, sentiment from ring_tags") == [("price", "negative")]
    assert world.rows("select ring, n, n_negative from daily_rings") == [("price", 1, 1)]


def test_a_file_may_change_its_dates_without_doubling_a_post(world: World) -> None:
    world.land([make_post("1", "a kettle of some kind")], {"1": GOOD}, exact_times=False)
    moved = make_post("1", "a kettle of some kind", 40, fetched_at=NOON + timedelta(days=50))
    world.land([moved], {"1": GOOD}, exact_times=False)
    world.load()
    assert world.rows("select posted_at::date from posts") == [(date(2026, 3, 4),)]
    assert world.rows("select count(*), sum(n) from daily_rings") == [(1, 1)]
    assert world.rows(LEDGER) == [(2, 2, 2, 0, 0, 1, 1)]


def test_what_a_platform_takes_back_leaves_and_stays_out(world: World) -> None:
    post = make_post("1", "a kettle of some kind")
    world.land([post, make_post("2", "another kettle of that kind")], {"1": GOOD, "2": GOOD})
    world.land([], deletes=[StateChange("x", "1", "deleted_by_author", NOON)])
    world.land([post], {"1": GOOD})
    world.load()
    assert world.rows("select native_id from posts") == [("2",)]
    assert world.rows("select state from tombstones") == [("deleted_by_author",)]
    assert world.rows("select sum(n) from daily_rings") == [(1,)]


def test_a_copy_of_what_a_platform_took_back_is_counted_in_its_place(world: World) -> None:
    text = "the kettle leaks after a week"
    posts = [make_post(str(i), text, i) for i in range(3)]
    for query in ("q", "q2"):
        world.land(posts, {"0": BAD, "1": BAD, "2": BAD}, query=query)
    world.land([], deletes=[StateChange("x", "0", "deleted_by_author", NOON)])
    world.load()
    second = world.ids("1")[0]
    assert world.rows("select distinct duplicate_of from mentions where duplicate_of is not null") == [(second,)]
    assert world.rows("select day, n from daily_rings") == [(date(2026, 3, 5), 1)]
    assert world.rows(STATES) == [(4, 3, 0, 1, 0)]


@pytest.mark.parametrize(
    ("brands", "counted"),
    [
        ({"q": "Acme & Sons", "rival": "Rival"}, [("Acme & Sons", 1), ("Rival", 1)]),
        ({"q": "Acme", "rival": "Acme"}, [("Acme", 1)]),
        ({"q": "Rival", "rival": "Acme"}, [("Acme", 1), ("Rival", 1)]),
    ],
)
def test_a_brand_renamed_in_the_config_is_renamed_in_what_is_stored(
    world: World, brands: dict[str, str], counted: list[tuple[str, int]]
) -> None:
    for query, brand in (("q", "Acme"), ("rival", "Rival")):
        world.land([make_post("1", "the kettle works and looks lovely")], {"1": GOOD}, query=query, brand=brand)
    world.load()
    late = world.land([make_post("2", "a lid for it too", 1)], {"2": GOOD}, query="q", brand="Acme")
    with open_working(world.state) as con:
        seed(con, Settings(tuple(Query(name, brand, "") for name, brand in brands.items()), (), (), {}))
        raw, tags = pq.read_table(late, schema=RAW), pq.read_table(world.landing.counterpart(late))
        load_batch(con, "late", read_header(late), raw, tags)
    on_first_day = "where day = date '2026-03-04' group by 1 order by 1"
    assert world.rows(f"select brand, sum(n) from daily_rings {on_first_day}") == counted
    assert world.rows(f"select brand, sum(n_tagged) from daily_mentions {on_first_day}") == counted
    assert world.rows("select brand from daily_rings where day = date '2026-03-05'") == [(brands["q"],)]


def test_a_query_taken_for_another_brand_takes_its_mentions_out_of_the_fold(world: World) -> None:
    for query in ("q", "rival"):
        world.land([make_post("1", "the kettle works and looks lovely")], {"1": GOOD}, query=query, brand="Acme")
    with open_working(world.state) as con:
        seed(con, Settings((Query("q", "Acme", ""), Query("rival", "Acme", "")), (), (), {}))
    world.load()
    assert world.rows("select brand, n from daily_rings order by 1") == [("Acme", 1), ("Rival", 1)]


def test_what_the_brand_itself_posts_is_kept_and_not_counted(world: World) -> None:
    posts = [
        make_post("1", "sorry to hear that, send us a message", author="@AcmeHelp"),
        make_post("2", "the lid leaks"),
    ]
    world.land(posts, {"1": GOOD, "2": BAD}, handles=("acmehelp",))
    world.load()
    assert world.rows("select native_id from posts where noise = ['brand_own']") == [("1",)]
    assert world.rows("select sum(n_noise), sum(n_tagged) from daily_mentions") == [(1, 1)]
    assert world.rows("select ring from daily_rings") == [("price",)]


def test_gaps_and_cursor_are_recorded_with_the_batch(world: World) -> None:
    since = datetime(2026, 3, 1, 8, tzinfo=UTC)
    world.land([], gaps=[Gap("1,000 hits, the rest was not given", since, None)])
    world.load()
    assert world.rows("select reason, since, until from gaps") == [
        ("1,000 hits, the rest was not given", since.replace(tzinfo=None), None)
    ]
    assert world.rows("select source, query, cursor from cursors") == [("s", "q", '{"v": 1}')]


@pytest.mark.parametrize("seed", range(5))
def test_rollups_equal_a_recount_whatever_the_batches(world: World, seed: int) -> None:
    rng = random.Random(seed)
    rings = ["product", "price", "people"]
    posts, tags, noise = [], {}, {}
    for i in range(120):
        words = " ".join(rng.choice(["kettle", "toaster", "lid", "spout", "handle", "base", "cord"]) for _ in range(4))
        posts.append(make_post(str(i), words, rng.randrange(10), author=f"a{rng.randrange(9)}"))
        tags[str(i)] = [(r, rng.choice(["positive", "negative", "neutral"])) for r in rings if rng.random() < 0.4]
        noise[str(i)] = ["promotion"] if rng.random() < 0.1 else []
    for _ in range(6):
        again = [replace(p, fetched_at=NOON + timedelta(minutes=rng.randrange(9))) for p in rng.sample(posts, 40)]
        world.land(again, tags, noise=noise, query=rng.choice(["q", "q2"]))
        world.load()
    recount = """
        select m.posted_at::date, t.ring, count(*), count(*) filter (t.sentiment = 'negative')
        from mentions m join posts p using (post_id) join ring_tags t using (post_id)
        where duplicate_of is null and p.noise = [] group by 1, 2 order by 1, 2"""
    assert world.rows("select day, ring, sum(n), sum(n_negative) from daily_rings group by 1, 2 order by 1, 2") == (
        world.rows(recount)
    )
    assert world.rows("select count(*) = count(distinct post_id) from posts") == [(True,)]
    assert world.rows("select count(*) = count(distinct (post_id, query)) from mentions") == [(True,)]
    assert world.rows(
        "select sum(n_new) = (select count(*) from mentions) and sum(n_mapped) = sum(n_known + n_new + n_unmatched)"
        " and sum(n_fetched) = sum(n_mapped + n_rejected) from coverage_ledger"
    ) == [(True,)]
