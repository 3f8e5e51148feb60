"""Bluesky's stream: where it resumes, what it passes on, what it survives, and when it gives up."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from inspect import signature
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from cxlisten.collect import Budget, Source, load_source
from cxlisten.collect.bluesky import jetstream, stream
from cxlisten.errors import Auth, NotFound, Protocol, RateLimited, SourceError, Transient
from cxlisten.models import Batch, Gap, Post, Query, StateChange
from tests.contracts import test_sources as contract
from tests.faults import jetstream as fake
from tests.faults.clock import Clock
from tests.faults.platforms.bluesky import COLLECTION, Bluesky

SOON = 10.0  # far more than any of this takes, and far less than giving up does
PROMISES = (
    contract.test_finds_every_post_and_rejects_what_it_cannot_map,
    contract.test_posts_are_whole,
    contract.test_resumes_from_any_batch_without_loss,
    contract.test_the_same_cursor_twice_gives_the_same,
    contract.test_finds_what_came_since,
    contract.test_ends_when_asked_to,
    contract.test_a_cursor_names_no_author_and_stays_small,
    contract.test_says_how_it_is_and_what_a_fetch_costs,
)


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bluesky]:
    platform = Bluesky(tmp_path)
    monkeypatch.setattr(stream, "_ITEMS_A_BATCH", 150)  # several batches
    yield platform
    platform.close()


@pytest.fixture
def source(platform: Bluesky) -> Source:
    return load_source("posts", "bluesky", platform.streamed())


@pytest.fixture
def quiet(platform: Bluesky) -> Bluesky:
    """Few posts, all of the last hours, and no bad one."""
    platform.timeline.items.clear()
    for n in range(20):
        platform.timeline.add(platform.timeline.now - timedelta(minutes=200 - 10 * n), text=f"kettle no {n}")
    events = platform.events
    platform.stream.events = lambda: [event for event in events() if event[2]["rkey"] != "3bad"]
    return platform


def fetch(
    platform: Bluesky, cursor: Any = None, terms: str = "", budget: Budget | None = None, stop: Event | None = None,
    **options: Any,
) -> list[Batch]:  # fmt: skip
    source = load_source("sky", "bluesky", {**platform.streamed(), **options})
    cursor = json.loads(json.dumps(cursor))
    return list(source.fetch(Query("q", "b", terms), cursor, budget or Budget(), stop or Clock()))


def posts(batches: list[Batch]) -> list[Post]:
    return [post for batch in batches for post in batch.posts]


def numbers(batches: list[Batch]) -> list[int]:
    return [int(post.native_id[-11:]) for post in posts(batches)]


def gone(batches: list[Batch]) -> list[StateChange]:
    return [change for batch in batches for change in batch.deletes]


def failed(platform: Bluesky, cursor: Any = None, **options: Any) -> tuple[SourceError, list[Batch]]:
    """The error that a fetch ends with, and the batches before it."""
    source, batches = load_source("sky", "bluesky", {**platform.streamed(), **options}), []
    try:
        for batch in source.fetch(Query("q", "b", ""), cursor, Budget(), Clock()):
            batches.append(batch)
    except SourceError as error:
        return error, batches
    raise AssertionError(f"did not fail: {batches}")


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_keeps_what_every_source_promises(promise: Callable[..., None], platform: Bluesky, source: Source) -> None:
    given = {"platform": platform, "source": source}
    promise(**{name: given[name] for name in signature(promise).parameters})


def test_what_is_asked_for(quiet: Bluesky) -> None:
    before = datetime.now(UTC)
    fetch(quiet, minutes=90)
    (dial,) = quiet.stream.dials
    assert dial.subprotocol == "xrpc.v1.json"
    assert dial.headers["User-Agent"].startswith("cxlisten/")
    assert dial.params["collections"] == [COLLECTION]
    assert dial.params["kinds"] == ["commit", "account"]
    since = datetime.fromtimestamp(int(dial.params["cursor"][0]) / 1e6, UTC)
    assert timedelta(0) <= since - (before - timedelta(minutes=90, seconds=5)) < timedelta(seconds=SOON)
    assert len(dial.params["cursor"][0]) == 16  # as a number of microseconds, not of an event
    assert quiet.server.requests == []


def test_an_event_as_a_post(quiet: Bluesky) -> None:
    item = quiet.timeline.items[11]
    item.texts[0] = (item.posted_at, "kettle 🫖 at")
    (post,) = (post for post in posts(fetch(quiet)) if post.native_id == quiet.uri(item))
    seen = item.posted_at + timedelta(microseconds=12)
    assert post == Post(
        platform="bluesky", native_id=f"at://did:plc:someone5/{COLLECTION}/3l00000000012",
        text="kettle 🫖 at https://example.org/a/long/address/of/a/page", posted_at=item.posted_at, observed_at=seen,
        fetched_at=post.fetched_at, raw=post.raw, version=quiet.cid(item), author="did:plc:someone5", lang="en",
        url="https://bsky.app/profile/did:plc:someone5/post/3l00000000012", thread_id=quiet.uri(item),
        relation="quote", ref_key=f"bluesky:at://did:plc:someone3/{COLLECTION}/3lquoted", terms="bluesky",
    )  # fmt: skip
    assert post.raw["$type"] == "network.bsky.jetstream.subscribeEvents#commit"
    assert post.raw["record"] == quiet.record(item)
    assert (post.raw["operation"], post.raw["witnessedAt"]) == ("create", fake.when(seen))
    assert load_source("sky", "bluesky", {}).post(post.raw, post.fetched_at) == post


def test_listens_to_the_moment_at_which_it_began_and_no_further(quiet: Bluesky) -> None:
    (batch,) = fetch(quiet)
    assert batch.complete
    assert batch.n_asked == 1
    # What the server saw last is its account event, at its time.
    assert datetime.fromisoformat(batch.cursor_after["heard_at"]) == quiet.timeline.now
    assert batch.notes[-1] == "21 events of Bluesky's stream were heard"


def test_resumes_shortly_before_the_last_event_and_gives_nothing_else_again(quiet: Bluesky) -> None:
    first = fetch(quiet)
    quiet.timeline.now += timedelta(hours=1)
    item = quiet.timeline.add(quiet.timeline.now - timedelta(minutes=5))
    second = fetch(quiet, first[-1].cursor_after)
    assert numbers(second) == [item.number]
    asked = datetime.fromtimestamp(int(quiet.stream.dials[-1].params["cursor"][0]) / 1e6, UTC)
    assert asked == datetime.fromisoformat(first[-1].cursor_after["heard_at"]) - timedelta(seconds=5)


def test_a_run_with_nothing_new_ends_at_once(quiet: Bluesky) -> None:
    cursor = fetch(quiet)[-1].cursor_after
    (batch,) = fetch(quiet, cursor)
    assert batch.complete
    assert batch.cursor_after == cursor
    assert batch.posts == []


def test_only_posts_with_a_word_of_the_query_are_made(quiet: Bluesky) -> None:
    for text in ("Pellworth's coffee", "PELLWORTH", "pêllworth", "a lamp", "pell worth"):
        quiet.timeline.add(quiet.timeline.now - timedelta(minutes=3), text=text)
    quiet.timeline.items[3].texts[0] = (quiet.timeline.items[3].posted_at, "tea")
    batches = fetch(quiet, terms="pellworth OR (tea AND cake)")
    assert sorted(numbers(batches)) == [4, 21, 22, 23]  # tea may match: the cake is not looked for here
    assert "no word of the query" not in " ".join(note for batch in batches for note in batch.notes)
    assert fetch(quiet, terms="lang:en")[0].notes[0].startswith("no word of the query must be there")


def test_a_word_is_also_found_in_a_link_that_is_shown_shortened(quiet: Bluesky) -> None:
    assert numbers(fetch(quiet, terms="address")) == [4, 8, 12, 16, 20]


def test_posts_without_a_text_are_passed_over(quiet: Bluesky) -> None:
    events = quiet.stream.events

    def wordless() -> Any:
        return [
            (at, kind, {**of, "record": {**of["record"], "text": " \n", "facets": None}}) for at, kind, of in events()
        ]

    quiet.stream.events = wordless
    (batch,) = fetch(quiet)
    assert (batch.posts, batch.rejected) == ([], [])
    assert batch.complete


@pytest.mark.parametrize(
    "change",
    [
        {"record": None}, {"record": "x"}, {"record": {"text": 5}}, {"record": {"text": ["kettle"]}},
        {"record": {"$type": "app.bsky.feed.like", "text": "kettle"}}, {"did": None}, {"did": 7}, {"rkey": ""},
        {"operation": "upsert"}, {"operation": None}, {"witnessedAt": "soon", "time": "soon"},
        {"witnessedAt": None, "time": None}, {"cid": ["x"]},
    ],
)  # fmt: skip
def test_one_bad_event_among_the_others(quiet: Bluesky, change: dict[str, Any]) -> None:
    event = {"did": "did:plc:x", "rkey": "3x", "collection": COLLECTION, "operation": "create", "cid": "c", "seq": 5}
    event |= {
        "record": {"text": "kettle"},
        **dict.fromkeys(("time", "witnessedAt"), fake.when(quiet.timeline.items[9].posted_at)),
    }
    quiet.stream.troubles[1, 10] = fake.says(fake.message("commit", **{**event, **change}))
    (batch,) = fetch(quiet)
    assert len(batch.posts) == 20
    (reject,) = batch.rejected
    assert json.loads(reject.payload)["seq"] == 5
    assert reject.where.startswith("the stream after ")
    assert batch.complete


def test_what_cannot_be_mapped_and_speaks_of_something_else_is_none_of_ours(quiet: Bluesky) -> None:
    for n, text in ((5, "lamp"), (6, "kettle")):
        record = {"text": [text]}
        event = {
            "did": "did:plc:x",
            "rkey": f"{n}",
            "operation": "create",
            "record": record,
            "time": "2026-01-01T00:00:00Z",
        }
        quiet.stream.troubles[1, n] = fake.says(fake.message("commit", **event))
    (batch,) = fetch(quiet, terms="kettle")
    assert [json.loads(reject.payload)["record"]["text"] for reject in batch.rejected] == [["kettle"]]


@pytest.mark.parametrize(
    "frame",
    ["", "{", '{"$type": "message", "payload": {"a"', "\ufeff{}", "[" * 100_000, "nonsense", b"\xff\xfe\x00"],
    ids=["empty", "brace", "cut", "BOM", "deep", "word", "bytes"],
)
def test_a_message_that_cannot_be_decoded_is_kept_and_the_next_is_read(quiet: Bluesky, frame: str | bytes) -> None:
    quiet.stream.troubles[1, 10] = fake.says(frame)
    (batch,) = fetch(quiet)
    assert len(batch.posts) == 20
    (reject,) = batch.rejected
    assert "cannot be decoded" in reject.reason
    assert reject.payload
    assert len(quiet.stream.dials) == 1


@pytest.mark.parametrize(
    "frame",
    [
        "5", "[]", "null", '{"$type": "hello"}', '{"$type": "message"}', '{"$type": "message", "payload": 5}',
        fake.message("newkind", seq=9), fake.message("info", name="Maintenance"), fake.message("sync", seq=2),
        fake.message("identity", seq=3, did="did:plc:x"), fake.message("account", seq=4),
        '{"$type": "message", "payload": {}}',
    ],
)  # fmt: skip
def test_messages_of_other_kinds_are_passed_over(quiet: Bluesky, frame: str) -> None:
    quiet.stream.troubles[1, 10] = fake.says(frame)
    (batch,) = fetch(quiet)
    assert len(batch.posts) == 20
    assert batch.rejected == []
    assert (batch.complete, len(quiet.stream.dials)) == (True, 1)


@pytest.mark.parametrize("trouble", [fake.cut, fake.goes_away, fake.too_slow])
def test_a_connection_that_ends_is_made_again_and_each_post_comes_once(
    platform: Bluesky, trouble: fake.Trouble
) -> None:
    platform.stream.troubles = {(1, 1): trouble, (2, 50): trouble, (3, 300): trouble}
    batches = fetch(platform)
    assert {("bluesky", post.native_id) for post in posts(batches)} == platform.posts()
    assert len(posts(batches)) == len(platform.posts())
    assert batches[-1].complete
    assert sum(batch.n_asked for batch in batches) == len(platform.stream.dials) == 4
    cursors = [int(dial.params["cursor"][0]) for dial in platform.stream.dials]
    assert cursors == sorted(cursors)
    assert cursors[2] > cursors[1]


def test_waits_longer_and_longer_before_it_connects_again(quiet: Bluesky) -> None:
    quiet.stream.refusals = dict.fromkeys(range(1, 4), (503, b'{"error": "ServiceUnavailable"}', {}))
    clock = Clock()
    assert fetch(quiet, stop=clock)[-1].complete
    assert len(clock.waits) == 3
    assert all(wait <= limit for wait, limit in zip(clock.waits, (2, 4, 8), strict=True))


def test_gives_up_a_server_that_only_breaks_off(quiet: Bluesky) -> None:
    quiet.stream.troubles = {(n, 1): fake.cut for n in range(1, 100)}
    error, batches = failed(quiet)
    assert isinstance(error, Transient)
    assert "could not be reached or broke off" in str(error)
    assert len(quiet.stream.dials) == 5
    assert not batches[-1].complete


def test_gives_up_a_server_that_repeats_itself_and_closes(quiet: Bluesky) -> None:
    cursor = fetch(quiet)[-1].cursor_after
    quiet.timeline.now += timedelta(hours=1)
    item = quiet.timeline.add(quiet.timeline.now - timedelta(minutes=9))
    quiet.stream.troubles = {(n, 2): fake.goes_away for n in range(2, 100)}  # after the post, which it replays
    error, batches = failed(quiet, cursor)
    assert isinstance(error, Transient)
    assert len(quiet.stream.dials) == 1 + 5
    assert numbers(batches) == [item.number]
    assert batches[-1].cursor_after["heard_at"] > cursor["heard_at"]


def test_gives_up_where_nobody_listens(quiet: Bluesky) -> None:
    error, (batch,) = failed(quiet, jetstream_url="ws://127.0.0.1:9")
    assert isinstance(error, Transient)
    assert "ConnectionRefusedError" in str(error)
    assert batch.n_asked == 5
    assert batch.cursor_after["heard_at"]


def test_wss_means_encrypted(quiet: Bluesky) -> None:
    error, _ = failed(quiet, jetstream_url=quiet.stream.url.replace("ws:", "wss:"))
    assert isinstance(error, Transient)
    assert "SSL" in str(error)
    assert quiet.stream.dials == []


def test_what_was_heard_before_a_failure_is_landed_and_the_next_run_goes_on(quiet: Bluesky) -> None:
    quiet.stream.troubles = {(1, 8): fake.cut, **{(n, 1): fake.cut for n in range(2, 7)}}
    _, batches = failed(quiet)
    assert numbers(batches) == list(range(1, 8))
    quiet.stream.troubles = {}
    assert numbers(fetch(quiet, batches[-1].cursor_after)) == list(range(7, 21))


@pytest.mark.parametrize(
    ("status", "body", "headers", "kind", "words"),
    [
        (401, b"", {}, Auth, "401"),
        (403, b"<html>", {}, Auth, "403"),
        (404, b"404 page not found\n", {}, NotFound, "check jetstream_url"),
        (400, b'{"error": "InvalidRequest", "message": "bad kinds"}', {}, SourceError, "bad kinds"),
        (429, b"", {"Retry-After": "600"}, RateLimited, "slow down until"),
        (429, b"", {}, RateLimited, "slow down"),
        (502, b"<html>Bad gateway", {}, Transient, "502"),
        (200, b"<html>a web page", {}, SourceError, "200"),
    ],
)
def test_a_refusal_says_why(
    quiet: Bluesky, status: int, body: bytes, headers: dict[str, str], kind: type[SourceError], words: str
) -> None:
    quiet.stream.refusals = dict.fromkeys(range(1, 20), (status, body, headers))
    error, batches = failed(quiet)
    assert isinstance(error, kind)
    assert words in str(error)
    assert posts(batches) == []
    may_pass = status >= 500 or (status == 429 and not headers)
    assert len(quiet.stream.dials) == (5 if may_pass else 1)


def test_waits_as_long_as_a_server_asks(quiet: Bluesky) -> None:
    quiet.stream.refusals = {1: (429, b"", {"Retry-After": "7"})}
    clock = Clock()
    assert fetch(quiet, stop=clock)[-1].complete
    assert 6 < clock.waits[0] <= 7


def test_a_last_message_that_is_no_passing_trouble_ends_it(quiet: Bluesky) -> None:
    quiet.stream.troubles[1, 5] = fake.says(fake.error("InvalidRequest", "what is this"))
    error, batches = failed(quiet)
    assert isinstance(error, Protocol)
    assert "InvalidRequest: what is this" in str(error)
    assert numbers(batches) == [1, 2, 3, 4]


def test_a_silent_server_is_not_waited_for_without_end(quiet: Bluesky, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jetstream, "SILENT_SECONDS", 1.0)
    quiet.stream.troubles[1, 6] = fake.falls_silent
    began = time.monotonic()
    error, batches = failed(quiet)
    assert time.monotonic() - began < SOON
    assert isinstance(error, Transient)
    assert "has sent nothing" in str(error)
    assert set(numbers(batches)) <= {1, 2, 3, 4, 5}
    assert not batches[-1].complete
    quiet.stream.troubles.clear()
    rest = fetch(quiet, batches[-1].cursor_after)
    assert {*numbers(batches), *numbers(rest)} == set(range(1, 21))


def test_ends_soon_after_it_is_asked_to_while_the_server_is_silent(quiet: Bluesky) -> None:
    quiet.stream.troubles[1, 6] = fake.falls_silent
    stop, began = Event(), time.monotonic()
    threading.Timer(0.3, stop.set).start()
    (batch,) = fetch(quiet, stop=stop)
    assert time.monotonic() - began < SOON
    assert set(numbers([batch])) <= {1, 2, 3, 4, 5}
    assert not batch.complete
    assert batch.notes[-2].startswith("asked to stop: read up to ")


def test_ends_soon_after_it_is_asked_to_while_it_waits_to_connect(
    quiet: Bluesky, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: 20.0)
    stop, began = Event(), time.monotonic()
    threading.Timer(0.3, stop.set).start()
    (batch,) = fetch(quiet, stop=stop, jetstream_url="ws://127.0.0.1:9")
    assert time.monotonic() - began < SOON
    assert "asked to stop" in batch.notes[-2]


def test_listens_no_longer_than_it_may(quiet: Bluesky) -> None:
    quiet.stream.troubles[1, 6] = fake.falls_silent
    (batch,) = fetch(quiet, seconds=0.3)
    assert not batch.complete
    assert "0 s of listening are over: read up to" in batch.notes[-2]


def test_no_thread_and_no_connection_is_left(quiet: Bluesky) -> None:
    source = load_source("sky", "bluesky", quiet.streamed())
    batches = source.fetch(Query("q", "b", ""), None, Budget(), Event())
    next(batches)
    batches.close()  # type: ignore[attr-defined]
    assert [thread for thread in threading.enumerate() if thread.name == "jetstream"] == []


def test_a_run_that_is_abandoned_between_batches_leaves_nothing_running(platform: Bluesky) -> None:
    source = load_source("sky", "bluesky", platform.streamed())
    batches = source.fetch(Query("q", "b", ""), None, Budget(), Event())
    assert not next(batches).complete
    batches.close()  # type: ignore[attr-defined]
    assert [thread for thread in threading.enumerate() if thread.name == "jetstream"] == []


@pytest.mark.parametrize(("budget", "words"), [(Budget(requests=0), "0 requests"), (Budget(posts=7), "7 posts")])
def test_a_spent_budget_goes_on_at_the_next_run(quiet: Bluesky, budget: Budget, words: str) -> None:
    first = fetch(quiet, budget=budget)
    assert not first[-1].complete
    assert f"the budget of {words} is spent" in first[-1].notes[-2].replace(" are ", " is ")
    rest = fetch(quiet, first[-1].cursor_after)
    assert {*numbers(first), *numbers(rest)} == set(range(1, 21))


def test_an_archive_that_no_longer_reaches_back_leaves_a_gap(quiet: Bluesky) -> None:
    cursor = fetch(quiet)[-1].cursor_after
    quiet.timeline.now += timedelta(hours=48)
    item = quiet.timeline.add(quiet.timeline.now - timedelta(hours=1))
    quiet.stream.keeps = quiet.timeline.now - timedelta(hours=36)
    (batch,) = fetch(quiet, cursor)
    (gap,) = batch.gaps
    seen = item.posted_at + timedelta(microseconds=item.number)
    since = datetime.fromisoformat(cursor["heard_at"])
    assert gap == Gap("Bluesky's stream goes back no further: listen more often", since, seen)
    assert numbers([batch]) == [item.number]


def test_a_first_run_that_asks_for_more_than_is_kept_says_so(quiet: Bluesky) -> None:
    quiet.stream.keeps = quiet.timeline.now - timedelta(minutes=65)
    (batch,) = fetch(quiet)
    assert batch.gaps == []
    assert numbers([batch]) == list(range(15, 21))
    assert "the stream goes back to " in " ".join(batch.notes)


def test_deletions_are_passed_on_of_posts_that_were_given_and_of_no_others(quiet: Bluesky) -> None:
    kettle, lamp = quiet.timeline.items[4], quiet.timeline.items[5]
    lamp.texts[0] = (lamp.posted_at, "a lamp")
    cursor = fetch(quiet, terms="kettle")[-1].cursor_after
    quiet.timeline.now += timedelta(hours=1)
    kettle.deleted_at = lamp.deleted_at = quiet.timeline.now - timedelta(minutes=20)
    batches = fetch(quiet, cursor, terms="kettle")
    seen = kettle.deleted_at + timedelta(microseconds=kettle.number)
    assert gone(batches) == [StateChange("bluesky", quiet.uri(kettle), "deleted_by_author", seen)]
    assert quiet.uri(kettle) not in json.dumps(cursor)
    quiet.timeline.now += timedelta(hours=1)
    assert gone(fetch(quiet, batches[-1].cursor_after, terms="kettle")) == []


def test_a_post_that_is_deleted_in_the_same_batch_is_not_landed(quiet: Bluesky) -> None:
    item = quiet.timeline.items[4]
    item.deleted_at = item.posted_at + timedelta(minutes=1)
    (batch,) = fetch(quiet)
    assert item.number not in numbers([batch])
    assert [change.native_id for change in batch.deletes] == [quiet.uri(item)]


@pytest.mark.parametrize(
    ("account", "n_gone"),
    [
        ({"active": False, "status": "deleted"}, 3), ({"active": False, "status": "takendown"}, 3),
        ({"active": False, "status": "suspended"}, 3), ({"active": False, "status": "deactivated"}, 3),
        ({"active": False, "status": "desynchronized"}, 0), ({"active": True}, 0), ({}, 0),
    ],
)  # fmt: skip
def test_of_an_account_that_closes_the_posts_of_this_run_go(
    quiet: Bluesky, account: dict[str, Any], n_gone: int
) -> None:
    events, at = quiet.stream.events, quiet.timeline.now - timedelta(seconds=30)
    of = {"did": "did:plc:someone3", "account": {"did": "did:plc:someone3", **account}, "rkey": ""}
    quiet.stream.events = lambda: [*events(), (at, "account", of)]
    batches = fetch(quiet)
    assert len(gone(batches)) == n_gone
    assert {(change.state, change.observed_at) for change in gone(batches)} <= {("account_gone", at)}
    assert len(posts(batches)) == 20 - n_gone


@pytest.mark.parametrize("kind", ["commit", "account"])
def test_a_time_that_is_still_to_come_ends_no_run(quiet: Bluesky, kind: str) -> None:
    at = fake.when(datetime.now(UTC) + timedelta(days=400))
    of = {"did": "did:plc:x", "rkey": "3x", "operation": "delete", "account": {}}
    quiet.stream.troubles[1, 5] = fake.says(fake.message(kind, seq=1, time=at, witnessedAt=at, **of))
    (batch,) = fetch(quiet)
    assert numbers([batch]) == list(range(1, 21))
    assert datetime.fromisoformat(batch.cursor_after["heard_at"]) == quiet.timeline.now


def test_an_edit_is_a_new_version(quiet: Bluesky) -> None:
    item = quiet.timeline.items[4]
    cursor = fetch(quiet)[-1].cursor_after
    quiet.timeline.now += timedelta(hours=1)
    edited_at = quiet.timeline.now - timedelta(minutes=1)
    item.texts.append((edited_at, "kettle no more"))
    (post,) = posts(fetch(quiet, cursor))
    assert (post.native_id, post.version, post.text) == (quiet.uri(item), quiet.cid(item), "kettle no more")
    assert post.edited_at == edited_at + timedelta(microseconds=item.number)


def test_compressed_messages(platform: Bluesky) -> None:
    platform.stream.has_dictionary = True
    batches = fetch(platform)
    assert "zstdDictionary" in platform.stream.dials[0].params
    assert {("bluesky", post.native_id) for post in posts(batches)} == platform.posts()


def test_a_compressed_message_that_cannot_be_unpacked(quiet: Bluesky) -> None:
    quiet.stream.has_dictionary = True
    quiet.stream.troubles[1, 4] = fake.says(b"\x28\xb5\x2f\xfdnonsense")
    (batch,) = fetch(quiet)
    assert (len(batch.posts), len(batch.rejected)) == (20, 1)


def test_an_outdated_dictionary_is_done_without(quiet: Bluesky) -> None:
    quiet.stream.has_dictionary = True
    quiet.stream.refusals[1] = (400, b'{"error": "UnknownZstdDictionary", "message": "current is 7"}', {})
    assert fetch(quiet)[-1].complete
    assert ["zstdDictionary" in dial.params for dial in quiet.stream.dials] == [True, False]


def test_goes_on_where_the_search_had_ended(quiet: Bluesky) -> None:
    high = quiet.timeline.now - timedelta(minutes=45)
    streams = {'"kettle"': {"high": high.isoformat(), "pending": None}, '"lamp"': {"high": None, "pending": None}}
    assert numbers(fetch(quiet, {"v": 1, "streams": streams})) == [17, 18, 19, 20]
    pending = {"since": (high - timedelta(hours=1)).isoformat(), "top": high.isoformat(), "token": {"cursor": "100"}}
    streams['"lamp"'] = {"high": None, "pending": pending}
    assert numbers(fetch(quiet, {"v": 1, "streams": streams})) == list(range(11, 21))
    assert len(posts(fetch(quiet, {"v": 1, "streams": {}}))) == 20


def test_check_needs_one_connection_and_no_event(quiet: Bluesky) -> None:
    source = load_source("sky", "bluesky", quiet.streamed())
    assert source.check().message == "Bluesky's stream can be read"
    quiet.stream.refusals[2] = (503, b"", {})
    health = source.check()
    assert not health.ok
    assert "503" in health.message
    assert len(quiet.stream.dials) == 2
