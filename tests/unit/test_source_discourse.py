"""Discourse: how a forum's posts are paged through, posts as posts, who may read, and what is gone."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cxlisten.collect import Budget, Source, load_source
from cxlisten.collect import http as policy
from cxlisten.errors import Auth, ConfigError, NotFound, Protocol, RateLimited, SourceError, Transient
from cxlisten.models import Batch, Post, Query
from tests.faults import faults
from tests.faults.clock import Clock
from tests.faults.platforms.discourse import KEY, USER, Discourse, iso
from tests.faults.server import Reply

HOUR = timedelta(hours=1)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Discourse]:
    platform = Discourse(tmp_path)
    platform.timeline.items.clear()
    platform.extra.clear()
    platform.timeline.now = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)
    yield platform
    platform.close()


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISCOURSE_API_KEY", raising=False)


def source(site: Discourse, **options: Any) -> Source:
    return load_source("forum", "discourse", {**site.options(), **options})


def fetch(site: Discourse, cursor: Any = None, budget: Budget | None = None, **options: Any) -> list[Batch]:
    cursor = json.loads(json.dumps(cursor))
    return list(source(site, **options).fetch(Query("q", "b", "kettle OR #tea"), cursor, budget or Budget(), Clock()))


def ids(batches: list[Batch]) -> list[str]:
    return [post.native_id for batch in batches for post in batch.posts]


def forum(site: Discourse) -> str:
    return f"127.0.0.1:{site.server.port}"


def test_all_posts_are_asked_for_whatever_the_query(site: Discourse) -> None:
    site.add(20, site.timeline.now - HOUR)
    fetch(site)
    assert [(request.path, request.params) for request in site.server.requests] == [
        ("/posts.json", {}), ("/posts.json", {"before": "20"}),
    ]  # fmt: skip
    assert not {"Api-Key", "Api-Username"} & set(site.server.requests[0].headers)
    assert source(site).push_down(Query("q", "b", "kettle")).searches == ("",)


def test_a_first_post(site: Discourse) -> None:
    at = site.timeline.now - HOUR
    raw = site.add(
        20, at, "It *leaks* & drips :sob:\r\n", version=3, updated_at=iso(at + HOUR / 2),
        actions_summary=[{"id": 2, "count": 5}],
    )  # fmt: skip
    (post,) = fetch(site)[0].posts
    assert post == Post(
        platform="discourse", native_id=f"{forum(site)}/20", text="Kettles & lids\nIt *leaks* & drips :sob:",
        posted_at=at, fetched_at=post.fetched_at, raw=raw, kind="post", edited_at=at + HOUR / 2, author="someone6",
        title="Kettles & lids", url=f"{site.server.url}/t/77/1", thread_id=f"{forum(site)}/t/77",
        metrics={"likes": 5, "replies": 1, "quotes": 0, "views": 40}, terms="discourse",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ('[quote="someone, post:1, topic:77"]\ntheirs\n[/quote]\n\nmine', "mine"),
        ("before\n\n[quote]a [quote=x]b[/quote] c[/quote]\n\nafter", "before\n\nafter"),
        ("[quote]only theirs[/quote]", "[quote]only theirs[/quote]"),
        ("[quote]never closed, mine", "[quote]never closed, mine"),
        ("😡 :kettle: `a <b>`", "😡 :kettle: `a <b>`"),
        ("[quote]" * 20_000 + "deep" + "[/quote]" * 20_000 + "x", None),
    ],
)  # fmt: skip
def test_a_reply_says_what_its_author_wrote(site: Discourse, raw: str, text: str | None) -> None:
    site.add(20, site.timeline.now - HOUR, raw, place=4)
    (post,) = fetch(site)[0].posts
    assert post.text == text or text is None
    assert (post.kind, post.relation, post.title) == ("comment", "reply", None)


def test_a_post_without_its_source_is_read_as_it_is_shown(site: Discourse) -> None:
    post = site.add(
        20, site.timeline.now - HOUR, place=2, cooked='<p>Is it &gt; 3?</p><p><a class="mention">@x</a></p>'
    )
    del post["raw"], post["actions_summary"], post["reads"]
    (read,) = fetch(site)[0].posts
    assert read.text == "Is it > 3?\n\n@x"
    assert read.metrics == {"replies": 1, "quotes": 0}


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({"user_deleted": True}, "deleted_by_author"),
        ({"deleted_at": "2026-01-01T00:00:00.000Z"}, "removed_by_mod"),
        ({"hidden": True}, "unknown_gone"),
    ],
)  # fmt: skip
def test_what_is_gone_is_told_and_not_landed(site: Discourse, change: dict[str, Any], state: str) -> None:
    site.add(20, site.timeline.now - HOUR, **change)
    batches = fetch(site)
    assert ids(batches) == []
    assert [(gone.native_id, gone.state) for batch in batches for gone in batch.deletes] == [
        (f"{forum(site)}/20", state)
    ]
    assert [gone.state for gone in source(site).verify([f"{forum(site)}/20"])] == [state]


@pytest.mark.parametrize(
    "change",
    [
        {"id": 0}, {"raw": {"x": 1}}, {"created_at": None}, {"topic_title": 5},
        {"raw": "", "cooked": "", "topic_title": None}, {"version": 2, "updated_at": "soon"},
    ],
)  # fmt: skip
def test_one_bad_post_among_others(site: Discourse, change: dict[str, Any]) -> None:
    for n in range(8):
        site.add(20 + n, site.timeline.now - HOUR * n)
    site.add(50, site.timeline.now - HOUR, **change)
    batches = fetch(site)
    assert len(set(ids(batches))) == 8
    assert {reject.reason for batch in batches for reject in batch.rejected}


def test_an_id_as_text_is_the_same_id(site: Discourse) -> None:
    site.add(20, site.timeline.now - HOUR, id="20")
    assert ids(fetch(site)) == [f"{forum(site)}/20"]
    assert site.server.requests[1].params == {"before": "20"}


def test_a_page_that_was_not_asked_for_is_no_end_and_no_step(site: Discourse) -> None:
    for n in range(1, 121):
        site.add(1_000 + n, site.timeline.now - timedelta(minutes=200 - n))
    site.server.faults[3] = faults.replays  # the second page once more
    with pytest.raises(Protocol, match="newer posts than were asked for"):
        fetch(site)
    assert len(set(ids(fetch(site)))) == 120


@pytest.mark.parametrize("paging", ["now", "inclusive", "bracket"])
def test_pages_of_forums_old_and_new(site: Discourse, paging: Any) -> None:
    site.paging = paging
    site.timeline.advance(hours=24, n_posts=170)
    site.timeline.advance(hours=2, n_posts=0)
    site.hidden = {1_000 + n for n in range(20, 145)}  # more than two brackets of fifty
    found = ids(fetch(site))
    assert len(found) == len(set(found))
    assert set(found) == {
        native_id for _, native_id in site.posts() if int(native_id.rpartition("/")[2]) not in site.hidden
    }


def test_ids_that_lead_nowhere_end_with_a_gap(site: Discourse) -> None:
    site.add(900_000, site.timeline.now - HOUR)
    batches = fetch(site)
    assert len(site.server.requests) < 30
    (gap,) = (gap for batch in batches for gap in batch.gaps)
    assert "no more than its newest posts" in gap.reason


def test_a_forum_that_shows_nothing_leaves_a_gap(site: Discourse) -> None:
    (gap,) = (gap for batch in fetch(site) for gap in batch.gaps)
    assert gap.until
    assert len(site.server.requests) == 1


def test_a_window_ends_where_the_last_run_began_less_the_overlap(site: Discourse) -> None:
    site.timeline.advance(hours=48, n_posts=400)
    last = fetch(site)[-1].cursor_after
    site.timeline.advance(hours=1, n_posts=4)
    edited = site.timeline.items[-8]
    edited.texts.append((site.timeline.now, "changed"))
    n_before = len(site.server.requests)
    found = {post.native_id: post for batch in fetch(site, last) for post in batch.posts}
    assert {native_id for _, native_id in map(site.identity, site.timeline.items[-4:])} <= set(found)
    assert found[site.identity(edited)[1]].text.endswith("changed")
    assert len(site.server.requests) - n_before == 2


def test_goes_on_in_the_next_run_where_a_spent_budget_left_off(site: Discourse) -> None:
    site.timeline.advance(hours=48, n_posts=400)
    site.timeline.advance(hours=2, n_posts=0)
    first = fetch(site, budget=Budget(requests=3))
    assert "budget" in first[-1].notes[-1]
    site.timeline.advance(hours=1, n_posts=10, lateness=0)
    rest = fetch(site, first[-1].cursor_after)
    newer = fetch(site, rest[-1].cursor_after)
    assert {*ids(first), *ids(rest), *ids(newer)} == {native_id for _, native_id in site.posts()}
    assert not any(batch.gaps for batch in [*first, *rest, *newer])


def test_the_key_goes_where_its_account_is_named(site: Discourse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCOURSE_API_KEY", f"{KEY}\n")
    site.access = "login"
    with pytest.raises(Auth, match="wants a login: set DISCOURSE_API_KEY, and api_username"):
        fetch(site)
    assert "wants a login" in source(site).check().message
    assert all("Api-Key" not in request.headers for request in site.server.requests)
    site.add(20, site.timeline.now - HOUR)
    assert ids(fetch(site, api_username=USER)) == [f"{forum(site)}/20"]
    assert source(site, api_username=USER).check().ok


def test_a_key_that_is_missing_or_wrong(site: Discourse, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Auth, match="DISCOURSE_API_KEY is not set"):
        fetch(site, api_username=USER)
    assert "DISCOURSE_API_KEY is not set" in source(site, api_username=USER).check().message
    monkeypatch.setenv("DISCOURSE_API_KEY", "another-key")
    with pytest.raises(Auth, match="does not take the key in DISCOURSE_API_KEY") as caught:
        fetch(site, api_username=USER)
    assert "another-key" not in str(caught.value)


def test_a_key_does_not_go_over_plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCOURSE_API_KEY", KEY)
    forum = load_source("forum", "discourse", {"base_url": "http://forum.example", "api_username": USER})
    assert "https" in forum.check().message


def test_waits_as_long_as_the_body_of_a_refusal_says(site: Discourse) -> None:
    body = b'{"errors": ["Slow down"], "error_type": "rate_limit", "extras": {"wait_seconds": 11, "time_left": "11 s"}}'
    clock = Clock()
    site.server.faults[1] = faults.answers(429, body)
    list(source(site).fetch(Query("q", "b", ""), None, Budget(), clock))
    (waited,) = clock.waits
    assert 10 <= waited <= 13


@pytest.mark.parametrize(
    ("body", "headers", "n_requests"),
    [
        (b'{"extras": {"wait_seconds": 86000}}', {}, 1),
        (b'{"extras": {"wait_seconds": NaN}}', {}, policy.ATTEMPTS),
        (b'{"extras": {"wait_seconds": -4}, "errors": null}', {}, policy.ATTEMPTS),
        (b"Slow down, too many requests from this IP address", {"Retry_After": "80000"}, 1),
    ],
)  # fmt: skip
def test_a_limit_that_does_not_pass(site: Discourse, body: bytes, headers: dict[str, str], n_requests: int) -> None:
    site.server.every = faults.answers(429, body, **headers)
    with pytest.raises(RateLimited, match="slow down"):
        fetch(site)
    assert len(site.server.requests) == n_requests


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (404, b"<html>", NotFound, "the address of a Discourse forum"),
        (403, b"<html>blocked", Auth, "403"),
        (200, b'{"posts": []}', Protocol, "is this a Discourse forum"),
        (200, b"[]", Protocol, "JSON list"),
        (200, b"<html>", Protocol, "web page"),
    ],
)  # fmt: skip
def test_what_a_failure_means(site: Discourse, status: int, body: bytes, kind: type[SourceError], message: str) -> None:
    site.server.every = faults.answers(status, body)
    with pytest.raises(kind, match=message):
        fetch(site)
    assert message in source(site).check().message


def test_check_asks_for_next_to_nothing(site: Discourse) -> None:
    health = source(site).check()
    assert (health.ok, health.message) == (True, f"{forum(site)} can be read")
    (request,) = site.server.requests
    assert request.params == {"before": "2"}


def test_an_estimate_fetches_no_post(site: Discourse) -> None:
    estimate = source(site, days=14).estimate(Query("q", "b", ""))
    assert (estimate.requests, estimate.posts) == (29, 1_400)
    assert [request.path for request in site.server.requests] == ["/about.json"]
    site.server.every = faults.answers(200, b'{"about": {"stats": null}}')
    assert source(site).estimate(Query("q", "b", "")).posts is None


def test_verify_tells_what_is_gone(site: Discourse) -> None:
    for number in (20, 21, 22):
        site.add(number, site.timeline.now - HOUR)
    site.hidden = {21}
    known = [f"{forum(site)}/{number}" for number in (20, 21, 22, 404)]
    changes = list(source(site).verify([*known, "other.example/20", f"{forum(site)}/t"]))
    assert [(change.native_id, change.state) for change in changes] == [
        (known[1], "withheld"), (known[3], "unknown_gone"), (f"{forum(site)}/t", "unknown_gone"),
    ]  # fmt: skip
    site.server.every = faults.answers(410, b'{"error_type": "not_found"}')
    assert [change.state for change in source(site).verify(known[:1])] == ["deleted_by_author"]


def test_verify_takes_a_closed_forum_for_no_deletion(site: Discourse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy.random, "uniform", lambda low, high: 0)
    native_id = f"{forum(site)}/20"
    refusal = b'{"errors": ["You are not permitted to view it."], "error_type": "invalid_access"}'
    for status, body, kind in ((403, refusal, Auth), (401, b"", Auth), (403, b"<html>", Auth), (503, b"", Transient)):
        site.server.every = faults.answers(status, body)
        with pytest.raises(kind):
            list(source(site).verify([native_id]))


def test_a_forum_in_a_folder_of_its_host(site: Discourse) -> None:
    there = site.server.answer
    site.server.answer = lambda request: Reply(b"", 404) if not request.path.startswith("/talk/posts.json") else there(
        type(request)("/posts.json", request.params, request.headers)
    )  # fmt: skip
    site.add(20, site.timeline.now - HOUR)
    (post,) = fetch(site, base_url=f"{site.server.url}/talk/")[0].posts
    assert (post.native_id, post.url) == (f"{forum(site)}/talk/20", f"{site.server.url}/talk/t/77/1")


@pytest.mark.parametrize("options", [{}, {"base_url": "forum.example"}, {"base_url": "https://"}])
def test_options_that_are_wrong(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="base_url"):
        load_source("forum", "discourse", options)
