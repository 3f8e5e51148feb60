"""Lemmy: what is searched or listed, how pages follow each other, posts and comments as posts, and what is gone."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cxlisten.collect import Budget, Source, load_source
from cxlisten.collect import http as policy
from cxlisten.errors import Auth, BadQuery, ConfigError, NotFound, Protocol, RateLimited, SourceError
from cxlisten.models import Batch, Post, Query
from tests.faults import faults
from tests.faults.clock import Clock
from tests.faults.platforms.lemmy import COMMUNITY, Lemmy, iso
from tests.faults.server import Reply, Request

HOUR = timedelta(hours=1)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Lemmy]:
    platform = Lemmy(tmp_path)
    platform.timeline.items.clear()
    platform.extra["posts"].clear()
    platform.timeline.now = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)
    yield platform
    platform.close()


def source(site: Lemmy, **options: Any) -> Source:
    return load_source("fediverse", "lemmy", {**site.options(), **options})


def fetch(
    site: Lemmy, cursor: Any = None, terms: str = "", budget: Budget | None = None, **options: Any
) -> list[Batch]:
    cursor = json.loads(json.dumps(cursor))
    return list(source(site, **options).fetch(Query("q", "b", terms), cursor, budget or Budget(), Clock()))


def ids(batches: list[Batch]) -> list[str]:
    return [post.native_id for batch in batches for post in batch.posts]


def asked(site: Lemmy) -> list[tuple[str, dict[str, str]]]:
    return [(request.path.removeprefix("/api/v3/"), dict(request.params)) for request in site.server.requests]


def test_without_words_or_communities_everything_is_listed(site: Lemmy) -> None:
    fetch(site)
    assert asked(site) == [
        ("post/list", {"type_": "All", "sort": "New", "limit": "50", "page": "1"}),
        ("comment/list", {"type_": "All", "sort": "New", "limit": "50", "page": "1"}),
    ]
    told = source(site).push_down(Query("q", "b", ""))
    assert told.searches == ("",)
    assert "set communities" in told.warnings[0]


def test_words_are_searched_for_without_quotes(site: Lemmy) -> None:
    terms = '"iced coffee" OR #Kettle OR coff*'
    fetch(site, terms=terms)
    texts = ["coff", "iced coffee", "kettle"]
    common = {"listing_type": "All", "sort": "New", "limit": "50", "page": "1"}
    assert asked(site) == [
        ("search", {"q": text, "type_": kind, **common}) for text in texts for kind in ("Posts", "Comments")
    ]
    told = source(site).push_down(Query("q", "b", terms))
    assert (list(told.searches), told.is_exact, told.warnings) == (texts, False, ())


@pytest.mark.parametrize(
    ("terms", "texts"),
    [
        ("Caf\N{LATIN SMALL LETTER E WITH ACUTE}", ("cafe", "caf\N{LATIN SMALL LETTER E WITH ACUTE}")),
        ("rock'n'roll", ("rock n roll",)),
        ("wi-fi", ("wi fi",)),
    ],
)  # fmt: skip
def test_what_a_search_of_letters_would_pass_over(site: Lemmy, terms: str, texts: tuple[str, ...]) -> None:
    assert source(site).push_down(Query("q", "b", terms)).searches == texts


def test_communities_are_read_whole(site: Lemmy) -> None:
    site.add("posts", site.timeline.now - HOUR, "a lamp")
    batches = fetch(site, terms="kettle", communities=[f"!{COMMUNITY}@lemmy.example"])
    assert len(ids(batches)) == 1
    assert {path for path, _ in asked(site)} == {"post/list", "comment/list"}
    assert {params["community_name"] for _, params in asked(site)} == {f"{COMMUNITY}@lemmy.example"}
    assert source(site, communities=[COMMUNITY]).push_down(Query("q", "b", "kettle")).searches == ("",)


def test_a_filter_that_is_passed_over_lands_nothing(site: Lemmy) -> None:
    site.add("posts", site.timeline.now - HOUR)
    there = site.server.answer
    site.server.answer = lambda request: there(
        Request(request.path, {k: v for k, v in request.params.items() if k != "community_name"}, {})
    )
    with pytest.raises(Protocol, match="other communities than tea"):
        fetch(site, communities=["tea@lemmy.example"])


def test_a_post(site: Lemmy) -> None:
    at = site.timeline.now - HOUR
    view = site.add(
        "posts", at, "It *leaks* & drips\r\n\r\n> said she", name=" My kettle ", url="https://kettles.example/a",
        ap_id="https://far.example/post/9", updated=iso(at + HOUR / 2), nsfw=True, published=iso(at).removesuffix("Z"),
    )  # fmt: skip
    view["creator"] |= {"name": "someone", "actor_id": "https://far.example/u/someone"}
    (post,) = fetch(site)[0].posts
    assert post == Post(
        platform="lemmy", native_id="https://far.example/post/9", text="My kettle\nIt *leaks* & drips\n\n> said she",
        posted_at=at, fetched_at=post.fetched_at, raw=view, kind="post", edited_at=at + HOUR / 2,
        author="someone@far.example", title="My kettle", url="https://far.example/post/9",
        thread_id="https://far.example/post/9", metrics={"likes": 5, "dislikes": 1, "replies": 2}, sensitive=True,
        terms="lemmy",
    )  # fmt: skip


def test_a_comment(site: Lemmy) -> None:
    at = site.timeline.now - HOUR
    view = site.add("comments", at, "mine too", path="0.5000")
    answer = site.add("comments", at - HOUR, "and mine", path="0.5000.5001")
    first, second = (post for batch in fetch(site) for post in batch.posts)
    thread = f"{site.server.url}/post/7"
    assert first == Post(
        platform="lemmy", native_id=f"{site.server.url}/comment/5000", text="mine too", posted_at=at,
        fetched_at=first.fetched_at, raw=view, kind="comment", author=f"someone2@127.0.0.1:{site.server.port}",
        url=f"{site.server.url}/comment/5000", thread_id=thread, parent_key=f"lemmy:{thread}", relation="reply",
        metrics={"likes": 5, "dislikes": 1, "replies": 0}, terms="lemmy",
    )  # fmt: skip
    assert (second.raw, second.parent_key, second.relation) == (answer, None, "reply")


def test_a_crosspost_names_what_it_was_posted_from(site: Lemmy) -> None:
    site.add("posts", site.timeline.now - HOUR, "cross-posted from: https://far.example/post/3\n\n> theirs")
    (post,) = fetch(site)[0].posts
    assert (post.relation, post.ref_key) == ("crosspost", "lemmy:https://far.example/post/3")


@pytest.mark.parametrize("kind", ["posts", "comments"])
@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({"deleted": True}, "deleted_by_author"),
        ({"removed": True}, "removed_by_mod"),
        ({"deleted": True, "removed": True}, "removed_by_mod"),
    ],
)  # fmt: skip
def test_what_is_deleted_or_removed_is_told_and_not_landed(
    site: Lemmy, kind: str, change: dict[str, Any], state: str
) -> None:
    view = site.add(kind, site.timeline.now - HOUR, **change)
    batches = fetch(site)
    assert ids(batches) == []
    (gone,) = (change for batch in batches for change in batch.deletes)
    assert (gone.native_id, gone.state) == (view[kind.removesuffix("s")]["ap_id"], state)


@pytest.mark.parametrize(
    "change",
    [
        {"ap_id": None}, {"ap_id": 5}, {"name": None, "body": None}, {"body": ["x"]}, {"published": "yesterday"},
        {"updated": "soon"},
    ],
)  # fmt: skip
def test_one_bad_post_among_others(site: Lemmy, change: dict[str, Any]) -> None:
    for n in range(8):
        site.add("posts", site.timeline.now - HOUR * n)
    site.add("posts", site.timeline.now - HOUR * 3, **change)
    batches = fetch(site)
    assert len(ids(batches)) == 8
    (reject,) = (reject for batch in batches for reject in batch.rejected)
    assert "all posts" in reject.where


def test_items_that_are_nothing(site: Lemmy) -> None:
    body = json.dumps({"posts": [None, {"post": None}, {"counts": {}}, "x"]}).encode()
    site.server.answer = lambda request: Reply(body if request.params["page"] == "1" else b'{"posts": []}')
    batches = list(source(site, communities=[COMMUNITY]).fetch(Query("q", "b", ""), None, Budget(requests=2), Clock()))
    assert len([reject for batch in batches for reject in batch.rejected]) == 4


@pytest.mark.parametrize(("terms", "has_cursors"), [("", True), ("", False), ("number", True)])
def test_pages_to_the_last(site: Lemmy, terms: str, has_cursors: bool) -> None:
    site.has_cursors = has_cursors
    site.timeline.advance(hours=24, n_posts=230)
    site.timeline.advance(hours=2, n_posts=0)
    found = ids(fetch(site, terms=terms))
    assert len(found) == len(set(found))
    assert set(found) == {native_id for _, native_id in site.posts()}
    pages = [params.get("page_cursor") or params["page"] for path, params in asked(site) if path != "comment/list"][:3]
    assert pages[1:] == ["2", "3"] or (has_cursors and not terms)
    assert all(page.startswith("P") for page in pages[1:]) is (has_cursors and not terms)


def test_posts_that_come_in_between_shift_pages_and_none_is_lost(site: Lemmy) -> None:
    site.has_cursors = False
    for n in range(160):
        site.add("comments", site.timeline.now - HOUR * 20 + n * timedelta(minutes=1))
    there, n_new = site.server.answer, 0

    def answer(request: Request) -> Reply:
        nonlocal n_new
        reply = there(request)
        for _ in range(7 if n_new < 30 else 0):
            n_new += 1
            site.add("comments", site.timeline.now - timedelta(seconds=60 - n_new), f"new {n_new}")
        return reply

    site.server.answer = answer
    before = {view["comment"]["ap_id"] for view in site.extra["comments"]}
    first = fetch(site)
    assert before <= set(ids(first))
    assert len(ids(first)) == len(set(ids(first)))
    every = {view["comment"]["ap_id"] for view in site.extra["comments"]}
    assert every <= {*ids(first), *ids(fetch(site, first[-1].cursor_after))}


def test_a_page_of_a_cache_hides_none(site: Lemmy) -> None:
    site.has_cursors = False
    site.timeline.advance(hours=24, n_posts=230)
    site.timeline.advance(hours=2, n_posts=0)
    site.server.at[("/comment/list", 2)] = faults.replays
    source = load_source("forum", "lemmy", site.options())
    found: list[Batch] = []
    with pytest.raises(Protocol, match="page 2 is the page before it"):
        found.extend(source.fetch(Query("q", "b", ""), None, Budget(), Clock()))
    assert {native_id for _, native_id in site.posts()} <= {*ids(found), *ids(fetch(site))}


def test_goes_on_in_the_next_run_where_a_spent_budget_left_off(site: Lemmy) -> None:
    site.timeline.advance(hours=24, n_posts=460)
    found: list[Batch] = []
    cursor = None
    for _ in range(9):
        found += fetch(site, cursor, budget=Budget(requests=2))
        cursor = found[-1].cursor_after
        site.timeline.advance(hours=0.1, n_posts=3)
    found += fetch(site, cursor)
    found += fetch(site, found[-1].cursor_after)
    assert set(ids(found)) == {native_id for _, native_id in site.posts()}
    assert not any(batch.gaps for batch in found)


def test_a_cursor_that_lemmy_no_longer_knows(site: Lemmy) -> None:
    site.timeline.advance(hours=24, n_posts=230)
    first = fetch(site, budget=Budget(requests=2))
    (pending,) = (state["pending"] for state in first[-1].cursor_after["streams"].values() if state["pending"])
    purged = int(pending["token"][1:], 16)
    site.timeline.items = [item for item in site.timeline.items if item.number != purged]
    rest = fetch(site, first[-1].cursor_after)
    assert {native_id for _, native_id in site.posts()} <= {*ids(first), *ids(rest)}
    assert any("read again from its newest post" in note for batch in rest for note in batch.notes)


def test_a_window_ends_where_the_last_run_began_less_what_may_arrive_late(site: Lemmy) -> None:
    site.timeline.advance(hours=48, n_posts=600)
    last = fetch(site)[-1].cursor_after
    site.timeline.advance(hours=1, n_posts=4)
    late = site.add("posts", site.timeline.now - 11 * HOUR)["post"]["ap_id"]
    n_before = len(site.server.requests)
    assert late in ids(fetch(site, last))
    assert len(site.server.requests) - n_before < 8


def test_pinned_posts_do_not_end_a_window(site: Lemmy) -> None:
    fresh = [site.add("posts", site.timeline.now - HOUR * n)["post"]["ap_id"] for n in range(1, 4)]
    pinned = site.view("posts", 1, site.timeline.now - timedelta(days=300), "rules")
    there = site.server.answer

    def answer(request: Request) -> Reply:
        page = json.loads(there(request).body)
        if request.path.endswith("post/list") and page["posts"]:
            page["posts"].insert(0, pinned)
        return Reply(json.dumps(page).encode())

    site.server.answer = answer
    assert set(fresh) <= set(ids(fetch(site)))


def test_a_limit_that_is_told_in_the_body(site: Lemmy) -> None:
    site.server.every = faults.answers(400, b'{"error":"rate_limit_error"}')
    with pytest.raises(RateLimited, match="slow down"):
        fetch(site)
    assert len(site.server.requests) == 2 * policy.ATTEMPTS


def test_a_limit_that_passes(site: Lemmy) -> None:
    view = site.add("posts", site.timeline.now - HOUR)
    site.server.faults[1] = faults.answers(429, b'{"error":"rate_limit_error"}')
    assert ids(fetch(site)) == [view["post"]["ap_id"]]


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (404, b"", NotFound, "has no /api/v3: it is no Lemmy, or one of version 1.0"),
        (404, b"<html>", NotFound, "has no /api/v3"),
        (404, b'{"error":"not_found"}', NotFound, "name of the community"),
        (400, b'{"error":"couldnt_find_community"}', NotFound, "name of the community"),
        (400, b'{"error":"instance_is_private"}', Auth, "only with a login"),
        (401, b'{"error":"incorrect_login"}', Auth, "only with a login"),
        (400, b'{"error":"couldnt_get_comments"}', BadQuery, "couldnt_get_comments"),
        (403, b"<html>", Auth, "403"),
    ],
)  # fmt: skip
def test_what_a_failure_means(site: Lemmy, status: int, body: bytes, kind: type[SourceError], message: str) -> None:
    site.server.every = faults.answers(status, body)
    with pytest.raises(kind, match=message):
        fetch(site)
    health = source(site).check()
    assert not health.ok
    assert message in health.message


@pytest.mark.parametrize("body", [b'{"posts": null}', b'{"message": "x"}', b"[]", b"<html>"])
def test_an_answer_of_another_shape(site: Lemmy, body: bytes) -> None:
    site.server.every = faults.answers(200, body)
    with pytest.raises(Protocol):
        fetch(site)


def test_check_asks_once_for_each_instance_and_community(site: Lemmy) -> None:
    other = f"http://localhost:{site.server.port}"
    health = source(site, instances=[site.server.url, other], communities=[COMMUNITY, "tea"]).check()
    assert not health.ok
    assert "name of the community" in health.message
    assert [params["limit"] for _, params in asked(site)] == ["1"] * 4
    assert source(site).check().message == f"127.0.0.1:{site.server.port} can be read"


def test_an_estimate_asks_nothing(site: Lemmy) -> None:
    estimate = source(site).estimate(Query("q", "b", "kettle OR toaster"))
    assert (estimate.requests, estimate.posts) == (4, None)
    assert site.server.requests == []


def test_verify_asks_at_home(site: Lemmy) -> None:
    site.timeline.advance(hours=2, n_posts=4)
    uris = [site.identity(item)[1] for item in site.timeline.items]
    site.timeline.items[1].deleted_at = site.timeline.now
    changes = list(source(site).verify([*uris, f"{site.server.url}/post/404"]))
    assert [(change.native_id, change.state) for change in changes] == [
        (uris[1], "deleted_by_author"), (f"{site.server.url}/post/404", "unknown_gone"),
    ]  # fmt: skip
    assert {request.headers["Accept"].partition(",")[0] for request in site.server.requests} == {
        "application/activity+json"
    }


def test_verify_takes_no_failure_for_a_deletion(site: Lemmy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy.random, "uniform", lambda low, high: 0)
    site.server.every = faults.answers(502)
    with pytest.raises(Protocol, match="502"):
        list(source(site).verify([f"{site.server.url}/post/1"]))


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("technology", "technology"), ("!technology@lemmy.ml", "technology@lemmy.ml"),
        ("https://lemmy.ml/c/technology", "technology@lemmy.ml"),
        ("https://lemmy.world/c/technology@lemmy.ml/", "technology@lemmy.ml"),
    ],
)  # fmt: skip
def test_a_community_as_people_write_it(written: str, name: str) -> None:
    assert load_source("l", "lemmy", {"communities": [written]}).options.communities == (name,)


def test_options_that_are_wrong() -> None:
    for options, message in (({"communities": ["c/technology"]}, "no community"), ({"instances": []}, "at least 1")):
        with pytest.raises(ConfigError, match=message):
            load_source("l", "lemmy", options)
