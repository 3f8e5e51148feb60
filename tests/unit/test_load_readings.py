"""Several classifiers and a person say something of one post: one of them counts, and nothing else is lost."""

import random
from datetime import timedelta

import pytest

from cxlisten.load.corrections import apply_corrections, read_corrections
from cxlisten.load.readings import load_readings, unread_posts, use_classifier
from cxlisten.models import StateChange
from cxlisten.store import open_working
from tests.unit.conftest import NOON, World, make_post
from tests.unit.readers import Readers

GOOD, BAD = [("product", "positive")], [("price", "negative")]
COUNTED = "select ring, sum(n), sum(n_positive), sum(n_negative) from daily_rings group by ring order by ring"
IN_POSTS = "select native_id, classifier, classifier_version from posts order by 1"
ROLLED_UP = "select day, ring, sum(n), sum(n_negative) from daily_rings group by 1, 2 order by 1, 2"
RECOUNT = """
    select m.posted_at::date, t.ring, count(*), count(*) filter (t.sentiment = 'negative')
    from mentions as m join posts as p using (post_id) join ring_tags as t using (post_id)
    where duplicate_of is null and p.noise = [] group by 1, 2 order by 1, 2"""
WRONG = {
    "tags of a reading that does not count": """
        from ring_tags as t join posts as p using (post_id)
        where t.classifier != p.classifier or t.version != p.classifier_version""",
    "a reading that is there twice": """
        from (
            select post_id, classifier, version from other_readings
            union all
            select post_id, classifier, classifier_version from posts
        ) group by all having count(*) > 1""",
    "a reading of the classifier in use that does not count": """
        from other_readings semi join in_use using (classifier, version) join posts as p using (post_id)
        where p.classifier != 'human'""",
    "a reading of a post that is not there": "from other_readings anti join posts using (post_id, posted_at)",
}
BESIDE = "select classifier, version, [tag.ring for tag in rings] from other_readings order by all"


@pytest.fixture
def readers(world: World) -> Readers:
    """Two posts that the classifier `stub` has read when they came."""
    world.land([make_post("1", "a kettle of some kind"), make_post("2", "and a lid", 3)], {"1": GOOD, "2": GOOD})
    world.load()
    return Readers(world)


def test_another_reading_is_kept_beside_and_does_not_count(world: World, readers: Readers) -> None:
    before = world.rows("from daily_rings order by all"), world.rows("from daily_mentions order by all")
    assert readers.read("new", {"1": BAD}) == 2
    assert (world.rows("from daily_rings order by all"), world.rows("from daily_mentions order by all")) == before
    assert world.rows(IN_POSTS) == [("1", "stub", "1"), ("2", "stub", "1")]
    assert world.rows(BESIDE) == [("new", "1", []), ("new", "1", ["price"])]
    assert readers.read("new", {"1": BAD}) == 0, "it has read them all"


def test_the_classifier_in_use_counts_wherever_it_has_read_and_a_switch_back_restores_all(
    world: World, readers: Readers
) -> None:
    tables = ("posts", "ring_tags", "daily_rings", "daily_mentions")
    before = [world.rows(f"from {table} order by all") for table in tables]
    readers.read("new", {"1": BAD})
    assert readers.use("new") == 2
    assert world.rows(COUNTED) == [("price", 1, 0, 1)]
    assert world.rows("select sum(n_tagged), sum(n_untagged), sum(n_negative) from daily_mentions") == [(1, 1, 2)]
    assert world.rows(IN_POSTS) == [("1", "new", "1"), ("2", "new", "1")]
    assert world.rows("select classifier, facets from ring_tags") == [("new", ["x"])]
    assert world.rows(BESIDE) == [("stub", "1", ["product"])] * 2
    assert readers.use("new") == 0
    assert readers.use("stub") == 2
    assert [world.rows(f"from {table} order by all") for table in tables] == before
    assert world.rows(BESIDE) == [("new", "1", []), ("new", "1", ["price"])]


def test_what_the_classifier_in_use_reads_counts_at_once(world: World, readers: Readers) -> None:
    readers.use("new")
    readers.read("new", {"1": BAD, "2": BAD})
    assert world.rows(COUNTED) == [("price", 2, 0, 2)]


def test_a_batch_read_by_another_classifier_does_not_oust_the_one_in_use(world: World, readers: Readers) -> None:
    readers.use("new")
    readers.read("new", {"1": BAD})
    again = make_post("1", "a kettle of some kind", fetched_at=NOON + timedelta(hours=1))
    world.land([again, make_post("3", "a spout")], {"1": GOOD, "3": GOOD})
    world.load()
    assert world.rows(IN_POSTS) == [("1", "new", "1"), ("2", "new", "1"), ("3", "stub", "1")]
    assert world.rows(COUNTED) == [("price", 1, 0, 1), ("product", 1, 1, 0)]
    assert world.rows(BESIDE) == [("stub", "1", ["product"])] * 2


def test_a_reading_of_a_text_that_was_edited_is_void(world: World, readers: Readers) -> None:
    readers.read("new", {"1": BAD})
    with open_working(world.state) as con:
        old = unread_posts(con, "late", "1", NOON.date())
    world.land([make_post("1", "no kettle at all", fetched_at=NOON + timedelta(hours=1))], {"1": GOOD})
    world.load()
    assert world.rows(f"select count(*) from other_readings where post_id = {world.ids('1')[0]}") == [(0,)]
    with open_working(world.state) as con:
        load_readings(con, "late", Readers.answers("late", old, {world.ids("1")[0]: BAD}, {}))
    assert world.rows("select count(*) from other_readings where classifier = 'late'") == [(0,)]


def test_what_a_platform_takes_back_is_read_by_nobody(world: World, readers: Readers) -> None:
    readers.read("new", {"1": BAD, "2": BAD})
    world.land([], deletes=[StateChange("x", "1", "deleted_by_author", NOON)])
    world.load()
    assert world.rows("select native_id from other_readings join posts using (post_id)") == [("2",)]
    assert world.rows("select count(*) from other_readings") == [(1,)]


def test_noise_is_what_the_reading_that_counts_calls_noise_and_the_brands_own_always(world: World) -> None:
    posts = [make_post("1", "sorry to hear that", author="@AcmeHelp"), make_post("2", "win a free kettle")]
    world.land(posts, {"1": GOOD, "2": GOOD}, handles=("acmehelp",))
    world.load()
    readers = Readers(world)
    readers.use("new")
    readers.read("new", {"1": BAD, "2": BAD}, noise={"2": ["promotion"]})
    assert world.rows("select noise from posts order by native_id") == [(["brand_own"],), (["promotion"],)]
    assert world.rows(COUNTED) == []


def test_a_killed_switch_is_finished_by_the_next_load(world: World, readers: Readers) -> None:
    readers.read("new", {"1": BAD, "2": BAD})
    with open_working(world.state) as con:
        use_classifier(con, "new", "1")
        use_classifier(con, "stub", "1")
        con.execute("update in_use set classifier = 'new'")  # as if killed after the first transaction
        assert use_classifier(con, "new", "1") == 2
    assert world.rows(COUNTED) == [("price", 2, 0, 2)]


@pytest.mark.parametrize("seed", range(2))
def test_each_post_counts_by_one_reading_whatever_happens_in_which_order(world: World, seed: int) -> None:
    rng = random.Random(seed)
    attitudes = ["positive", "negative", "neutral"]

    def tags() -> dict[str, list[tuple[str, str]]]:
        rings = ["product", "price", "people"]
        return {str(i): [(r, rng.choice(attitudes)) for r in rings if rng.random() < 0.4] for i in range(30)}

    readers, corrections = Readers(world), world.state / "corrections.jsonl"
    for hour in range(8):
        texts = {i: rng.choice(["a kettle", "a lid", "a spout"]) + f" number {i}" for i in rng.sample(range(30), 8)}
        posts = [
            make_post(str(i), text, i % 2, fetched_at=NOON + timedelta(hours=hour - rng.choice([0, 0, 3])))
            for i, text in texts.items()
        ]
        world.land(posts, tags(), noise={str(i): ["promotion"] for i in texts if rng.random() < 0.1})
        if rng.random() < 0.2:
            world.land([], deletes=[StateChange("x", str(rng.randrange(30)), "deleted_by_author", NOON)])
        corrected = world.ids(*(str(i) for i in rng.sample(range(30), 3)))
        corrections.write_text("".join(f'{{"post": {i}, "rings": {{}}, "sentiment": "neutral"}}\n' for i in corrected))
        with open_working(world.state) as con:
            apply_corrections(con, read_corrections(corrections))
        world.load()
        reader = rng.choice(["stub", "old", "new"])
        if rng.random() < 0.5:
            readers.use(reader)
        if reader != "stub":
            readers.read(reader, tags(), noise={str(rng.randrange(30)): ["promotion"]})
        with open_working(world.state) as con:
            assert con.execute(ROLLED_UP).fetchall() == con.execute(RECOUNT).fetchall()
            for what, statement in WRONG.items():
                assert con.execute(statement).fetchall() == [], what
            read_by = con.execute("select classifier = 'human', array_agg(post_id) from posts group by 1").fetchall()
        stored = {i for _, ids in read_by for i in ids}
        assert set(dict(read_by).get(True, [])) == stored & set(corrected)


def test_a_store_of_before_there_were_readings_knows_what_the_brand_itself_posted(world: World) -> None:
    world.land([make_post("1", "sorry to hear that", author="@acme"), make_post("2", "a lid")], handles=("acme",))
    world.load()
    with open_working(world.state) as con:  # the store as the first schema left it
        for table in ("other_readings", "in_use", "corrections", "checks", "post_versions"):
            con.execute(f"drop table {table}")
        for column in (
            "posts drop is_own", "posts drop benefits", "posts drop signals", "ring_tags drop target",
            "tombstones drop native_id", "tombstones drop purged_at", "coverage_ledger drop n_deleted",
        ):  # fmt: skip
            con.execute(f"alter table {column}")
        con.execute("delete from meta where schema_version > 1")
    assert world.rows("select is_own from posts order by native_id") == [(True,), (False,)]
    readers = Readers(world)
    readers.use("new")
    readers.read("new", {"1": BAD, "2": BAD})
    assert world.rows(COUNTED) == [("price", 1, 0, 1)]
