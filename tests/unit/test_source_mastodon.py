"""Mastodon: which timelines are read, how pages follow each other, statuses as posts, and what is left alone."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from cxlisten.collect import Budget, Source, load_source
from cxlisten.collect import http as policy
from cxlisten.collect.paged import Paged
from cxlisten.errors import Auth, ConfigError, NotFound, Protocol, RateLimited
from cxlisten.models import Batch, Post, Query
from cxlisten.query.pushdown import hashtags
from tests.faults import faults
from tests.faults.clock import Clock
from tests.faults.platforms.mastodon import TAG, TOKEN, Mastodon, iso, snowflake
from tests.faults.server import FakeServer, Reply

HOUR = timedelta(hours=1)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Mastodon]:
    platform = Mastodon(tmp_path)
    platform.timeline.items.clear()
    platform.extra.clear()
    platform.timeline.now = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)
    yield platform
    platform.close()


@pytest.fixture(autouse=True)
def _no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MASTODON_ACCESS_TOKEN", raising=False)


def source(site: Mastodon, **options: Any) -> Source:
    return load_source("fediverse", "mastodon", {**site.options(), **options})


def fetch(
    site: Mastodon, cursor: Any = None, terms: str = "", budget: Budget | None = None, **options: Any
) -> list[Batch]:
    cursor = json.loads(json.dumps(cursor))
    return list(source(site, **options).fetch(Query("q", "b", terms), cursor, budget or Budget(), Clock()))


def ids(batches: list[Batch]) -> list[str]:
    return [post.native_id for batch in batches for post in batch.posts]


def paths(site: Mastodon) -> set[str]:
    return {request.path.removeprefix("/api/v1/timelines/") for request in site.server.requests}


@pytest.mark.parametrize(
    ("terms", "tags"),
    [
        ("", []),
        ("#Kettle OR toaster", ["kettle"]),
        ("kettle OR toaster", ["kettle", "toaster"]),
        ('"Blue Bottle" OR @bluebottle_hq', ["bluebottle", "bluebottle_hq"]),
        ("kettle AND #ad", ["kettle"]),
        ("kettle AND NOT #giveaway", ["kettle"]),
        ("(#a OR #b) NEAR/5 kettle", ["kettle"]),
        ("kett* OR #toast*", []),
        ("kett* OR toaster", ["toaster"]),
        ("1984 OR lang:en", []),
        ("1984 OR rock'n'roll", ["rocknroll"]),
    ],
)  # fmt: skip
def test_hashtags_of_a_query(terms: str, tags: list[str]) -> None:
    assert hashtags(terms) == tags


@pytest.mark.parametrize(
    ("options", "terms", "asked"),
    [
        ({}, "other", {f"tag/{TAG}"}),
        ({"tags": ["#One", "caf\N{LATIN SMALL LETTER E WITH ACUTE}"]}, "other", {"tag/One", "tag/caf%C3%A9"}),
        ({"tags": []}, "#kettle OR toaster", {"tag/kettle"}),
        ({"tags": []}, 'kettle OR "tea pot"', {"tag/kettle", "tag/teapot"}),
        ({"tags": []}, "lang:en", {"public"}),
    ],
)  # fmt: skip
def test_what_is_asked_for(site: Mastodon, options: dict[str, Any], terms: str, asked: set[str]) -> None:
    fetch(site, terms=terms, **options)
    assert paths(site) == asked
    told = source(site, **options).push_down(Query("q", "b", terms))
    assert len(told.searches) == len(asked)
    assert not told.is_exact
    assert told.warnings


def test_sends_no_more_than_it_needs(site: Mastodon) -> None:
    fetch(site)
    (request,) = site.server.requests
    assert request.params == {"limit": "40"}
    assert "Authorization" not in request.headers
    assert request.headers["User-Agent"].startswith("cxlisten/")


def test_the_token_goes_to_the_first_instance_only(site: Mastodon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASTODON_ACCESS_TOKEN", f" {TOKEN}\n")
    fetch(site, instances=[site.server.url, f"http://localhost:{site.server.port}"])
    assert [request.headers.get("Authorization") for request in site.server.requests] == [f"Bearer {TOKEN}", None]


def test_a_status(site: Mastodon) -> None:
    at = site.timeline.now - HOUR
    link = (
        '<a href="https://kettles.example/a-long-path/to-read" rel="nofollow"><span class="invisible">https://</span>'
        '<span class="ellipsis">kettles.example/a-long</span><span class="invisible">-path/to-read</span></a>'
    )
    uri = site.add(
        at, uri="https://far.example/users/someone/statuses/1", url="https://far.example/@someone/1", language="en-GB",
        content=f"<p>Is it &gt; 3? :kettle: {link}</p><p>Yes<br />no</p>", spoiler_text="my tea", sensitive=True,
        account={"id": "7", "acct": "someone@far.example", "url": "https://far.example/@someone", "discoverable": True},
        edited_at=iso(at + HOUR / 2), replies_count=0, reblogs_count=2, favourites_count=5, quotes_count=1,
    )  # fmt: skip
    (post,) = fetch(site)[0].posts
    assert post == Post(
        platform="mastodon", native_id=uri,
        text="my tea\nIs it > 3? :kettle: https://kettles.example/a-long-path/to-read\n\nYes\nno",
        posted_at=at.replace(microsecond=0), fetched_at=post.fetched_at, raw=site.extra[0], kind="post",
        version=f"{(at + HOUR / 2).timestamp() // 1:.0f}", edited_at=(at + HOUR / 2).replace(microsecond=0),
        author="someone@far.example", lang="en", url="https://far.example/@someone/1",
        metrics={"likes": 5, "replies": 0, "reposts": 2, "quotes": 1}, sensitive=True, terms="mastodon",
    )  # fmt: skip


def test_a_status_with_next_to_nothing(site: Mastodon) -> None:
    at = site.timeline.now - HOUR
    site.extra.append(
        {"id": snowflake(at, 1), "uri": "tag:x,1", "created_at": iso(at), "content": "hi", "tags": [{"name": TAG}]}
    )
    (post,) = fetch(site)[0].posts
    assert (post.text, post.version, post.author, post.url, post.lang, post.metrics) == (
        "hi",
        "0",
        None,
        None,
        None,
        {},
    )


@pytest.mark.parametrize(
    ("change", "relation", "ref_key", "text"),
    [
        ({}, "original", None, "own"),
        ({"in_reply_to_id": "9"}, "reply", None, "own"),
        ({"content": "", "reblog": {"uri": "https://o.example/1", "content": "<p>theirs</p>", "url": None}},
         "repost", "mastodon:https://o.example/1", "theirs"),
        ({"content": '<p class="quote-inline">RE: <a href="https://o.example/2">o.example/2</a></p><p>own</p>',
          "quote": {"state": "accepted", "quoted_status": {"uri": "https://o.example/2"}}},
         "quote", "mastodon:https://o.example/2", "own"),
        ({"quote": {"state": "pending", "quoted_status_id": "4"}, "in_reply_to_id": "9"}, "quote", None, "own"),
        ({"content": "", "media_attachments": [{"description": "a red kettle"}, {"description": None}]},
         "original", None, "a red kettle"),
    ],
)  # fmt: skip
def test_what_a_status_refers_to(
    site: Mastodon, change: dict[str, Any], relation: str, ref_key: str | None, text: str
) -> None:
    site.add(site.timeline.now - HOUR, **{"content": "<p>own</p>", **change})
    (post,) = fetch(site)[0].posts
    assert (post.relation, post.ref_key, post.text) == (relation, ref_key, text)


def test_an_account_of_the_instance_itself_is_named_in_full(site: Mastodon) -> None:
    site.add(site.timeline.now - HOUR)
    (post,) = fetch(site)[0].posts
    assert post.author == f"{site.extra[0]['account']['acct']}@127.0.0.1:{site.server.port}"


@pytest.mark.parametrize(
    "change",
    [
        {"uri": None}, {"uri": ["x"]}, {"content": None}, {"content": {"html": "x"}}, {"created_at": "yesterday"},
        {"edited_at": "soon"}, {"content": "", "media_attachments": True}, {"account": {"acct": 5}},
        {"content": "<p>" * 200_000},
    ],
)  # fmt: skip
def test_one_bad_status_among_others(site: Mastodon, change: dict[str, Any]) -> None:
    good = [site.add(site.timeline.now - HOUR * n) for n in range(1, 9)]
    site.add(site.timeline.now - HOUR * 3, **change)
    batches = fetch(site)
    assert sorted(ids(batches)) == sorted(good)
    (reject,) = (reject for batch in batches for reject in batch.rejected)
    assert reject.reason
    assert f"#{TAG}" in reject.where


@pytest.mark.parametrize(
    "change",
    [
        {"account": {"acct": "someone", "noindex": True}},
        {"account": {"acct": "someone", "discoverable": False}},
        {"account": {"acct": "someone", "note": "<p>no robots #NoBot</p>"}},
        {"account": {"acct": "someone", "note": '<a href="x">#<span>nobots</span></a>'}},
        {"reblog": {"uri": "https://o.example/1", "content": "x", "account": {"noindex": True}}},
        {"visibility": "private"},
    ],
)  # fmt: skip
def test_who_wants_no_program_is_left_alone(site: Mastodon, change: dict[str, Any]) -> None:
    site.add(site.timeline.now - HOUR, **change)
    kept = site.add(site.timeline.now - 2 * HOUR, account={"acct": "x", "discoverable": None, "note": "#nobotany"})
    batches = fetch(site)
    assert ids(batches) == [kept]
    assert [note for batch in batches for note in batch.notes] == [
        "posts of accounts that do not want to be indexed or read by a program are left out"
    ]
    assert not any(batch.rejected for batch in batches)


def test_a_post_that_two_instances_show_is_one(site: Mastodon) -> None:
    at, seen = site.timeline.now - HOUR, set()
    for number, url in enumerate((site.server.url, f"http://localhost:{site.server.port}")):
        shown = site.status(number, at.replace(microsecond=901_000 * number), "one")
        html = f'<p><a href="{url}/tags/{TAG}">#{TAG}</a> {"!" * number}</p>'
        site.extra = [shown | {"uri": "https://far.example/1", "content": html}]
        (post,) = fetch(site, instances=[url])[0].posts
        seen.add((post.native_id, post.version, post.posted_at))
    assert len(seen) == 1


def test_a_post_with_two_hashtags_is_given_once(site: Mastodon) -> None:
    uri = site.add(site.timeline.now - HOUR, tags=[{"name": "one"}, {"name": "two"}])
    batches = fetch(site, tags=["one", "two"])
    assert ids(batches) == [uri]
    assert paths(site) == {"tag/one", "tag/two"}


def links(site: Mastodon, how: str) -> Any:
    def link(page: list[str]) -> str:
        older = {
            "none": "",
            "garbage": "<<;;>, rel=next <http://[::1>; rel=\"next\"",
            "no max_id": f'<{site.server.url}/x?page=2>; rel="next"',
            "other host": f'<https://elsewhere.example/api?limit=40&max_id={page[-1]}>; rel="next"' if page else "",
            "prev first": f'<{site.server.url}?min_id=1>; rel="prev", <{site.server.url}?max_id={page[-1]}>; rel=next'
            if page else "",
        }  # fmt: skip
        return older[how]

    return link


@pytest.mark.parametrize("how", ["none", "garbage", "no max_id", "other host", "prev first"])
def test_pages_follow_each_other_whatever_the_link_header_says(site: Mastodon, how: str) -> None:
    site.timeline.advance(hours=24, n_posts=95)
    site.timeline.advance(hours=6, n_posts=0)
    site.link = links(site, how)
    assert sorted(ids(fetch(site))) == sorted(native_id for _, native_id in site.posts())
    assert len(site.server.requests) == 4  # three pages, and an empty one


def test_an_empty_page_that_names_a_next_one_is_not_the_end(site: Mastodon) -> None:
    uri = site.add(site.timeline.now - HOUR)
    there = site.server.answer
    named = {"Link": f'<{site.server.url}/?max_id={1 << 80}>; rel="next"'}
    site.server.answer = lambda request: there(request) if "max_id" in request.params else Reply(b"[]", 200, named)
    assert ids(fetch(site)) == [uri]


def test_ids_are_ordered_by_length_then_text(site: Mastodon) -> None:
    at = site.timeline.now - HOUR
    page = json.dumps([site.status(1, at, "x") | {"id": id_} for id_ in ("99", 100, "101", "", True, None, 8.5)])
    there = site.server.answer
    site.server.answer = lambda request: there(request) if "max_id" in request.params else Reply(page.encode())
    fetch(site)
    assert [request.params.get("max_id") for request in site.server.requests] == [None, "99"]


def test_a_window_ends_where_the_last_run_began_less_what_may_arrive_late(site: Mastodon) -> None:
    site.timeline.advance(hours=48, n_posts=200)
    last = fetch(site)[-1].cursor_after
    site.timeline.advance(hours=1, n_posts=0)
    late = site.add(site.timeline.now - 11 * HOUR)
    too_late = site.add(site.timeline.now - 40 * HOUR)
    n_before = len(site.server.requests)
    found = ids(fetch(site, last))
    assert late in found
    assert too_late not in found
    assert len(site.server.requests) - n_before < 4


def test_goes_on_in_the_next_run_where_a_spent_budget_left_off(site: Mastodon) -> None:
    site.timeline.advance(hours=48, n_posts=300)
    first = fetch(site, budget=Budget(requests=3))
    assert "budget" in first[-1].notes[-1]
    site.timeline.advance(hours=1, n_posts=10)  # shifts nothing
    rest = fetch(site, first[-1].cursor_after)
    newer = fetch(site, rest[-1].cursor_after)
    assert {*ids(first), *ids(rest), *ids(newer)} == {native_id for _, native_id in site.posts()}
    assert not any(batch.gaps for batch in [*first, *rest, *newer])


def test_a_timeline_without_end_ends(site: Mastodon) -> None:
    site.timeline.advance(hours=2, n_posts=50)
    site.link = lambda page: f'<{site.server.url}/?max_id={1 << 80}>; rel="next"'
    batches = fetch(site)
    assert len(site.server.requests) < 6
    (gap,) = (gap for batch in batches for gap in batch.gaps)
    assert "fediverse" in gap.reason


@pytest.mark.parametrize("status", [401, 422])
def test_an_instance_that_wants_a_login_says_so(site: Mastodon, status: int) -> None:
    body = b'{"error": "This method requires an authenticated user"}'
    site.server.every = faults.answers(status, body)
    with pytest.raises(Auth, match=r"this instance wants a login: set MASTODON_ACCESS_TOKEN") as caught:
        fetch(site)
    assert "127.0.0.1" in str(caught.value)
    assert len(site.server.requests) == 1


def test_one_closed_instance_does_not_hide_the_others(site: Mastodon) -> None:
    uri = site.add(site.timeline.now - HOUR)
    batches: list[Batch] = []
    with FakeServer(lambda request: Reply(b'{"error": "The access token is invalid"}', 401)) as closed:
        both = source(site, instances=[closed.url, site.server.url])
        fetched = both.fetch(Query("q", "b", ""), None, Budget(), Clock())
        with pytest.raises(Auth, match="1 of 2"):
            batches.extend(fetched)
    assert ids(batches) == [uri]


def test_a_tag_that_nobody_has_used(site: Mastodon) -> None:
    site.server.every = faults.answers(404, b'{"error": "Record not found"}')
    assert ids(fetch(site)) == []


def test_a_host_without_such_an_api(site: Mastodon) -> None:
    site.server.every = faults.answers(404, b"<h1>Not found</h1>")
    with pytest.raises(NotFound, match="an instance of Mastodon"):
        fetch(site)


@pytest.mark.parametrize("body", [b'{"error": "x"}', b"<html>", b"null"])
def test_an_answer_of_another_shape(site: Mastodon, body: bytes) -> None:
    site.server.every = faults.answers(200, body)
    with pytest.raises(Protocol):
        fetch(site)


@pytest.mark.parametrize("seconds", [90, 7_200])
def test_heeds_a_limit_that_is_written_as_a_date(site: Mastodon, seconds: int) -> None:
    clock, headers = Clock(), {name.replace("-", "_"): value for name, value in site.rate_headers(seconds).items()}
    headers["Date"] = format_datetime(site.timeline.now, usegmt=True)
    site.server.every = faults.answers(429, b"{}", **headers)
    fetched = source(site).fetch(Query("q", "b", ""), None, Budget(seconds=3_000), clock)
    with pytest.raises(RateLimited, match="slow down until"):
        list(fetched)
    assert all(seconds - 2 < wait < seconds + 2 for wait in clock.waits)
    assert bool(clock.waits) is (seconds < 3_000)


@pytest.mark.parametrize(
    ("access", "token", "message", "ok"),
    [
        ("public", False, "127.0.0.1:.* can be read", True),
        (None, False, "127.0.0.1:.* can be read", True),
        ("authenticated", False, "this instance wants a login: set MASTODON_ACCESS_TOKEN", False),
        ("authenticated", True, "can be read", True),
        ("disabled", True, "switched its hashtag timelines off", False),
    ],
)  # fmt: skip
def test_check_says_whether_an_instance_can_be_read(
    site: Mastodon, monkeypatch: pytest.MonkeyPatch, access: str | None, token: bool, message: str, ok: bool
) -> None:
    if token:
        monkeypatch.setenv("MASTODON_ACCESS_TOKEN", TOKEN)
    site.access = access
    health = source(site).check()
    assert health.ok is ok
    assert re.search(message, health.message)
    assert len(site.server.requests) == (1 if access else 2)


def test_check_tries_an_old_instance(site: Mastodon) -> None:
    there = site.server.answer
    refusal = Reply(b'{"error": "This method requires an authenticated user"}', 422)
    site.server.answer = lambda request: Reply(b"", 404) if "v2" in request.path else refusal
    assert "wants a login" in source(site).check().message
    site.server.answer = lambda request: Reply(b"", 404) if "v2" in request.path else there(request)
    assert source(site).check().ok


def test_check_names_every_instance_that_fails(site: Mastodon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy.random, "uniform", lambda low, high: 0)
    health = source(site, instances=[site.server.url, "http://127.0.0.1:1"]).check()
    assert not health.ok
    assert "could not be reached" in health.message


def test_an_estimate_fetches_no_post(site: Mastodon) -> None:
    estimate = source(site, days=14).estimate(Query("q", "b", ""))
    assert (estimate.requests, estimate.posts) == (8, 280)
    assert source(site, tags=["unused"]).estimate(Query("q", "b", "")).posts == 0
    public = source(site, tags=[]).estimate(Query("q", "b", ""))
    assert (public.requests, public.posts) == (1, None)
    assert {request.path.rpartition("/")[0] for request in site.server.requests} == {"/api/v1/tags"}


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (Reply(b'{"type": "Note"}'), None),
        (Reply(b'{"error": "Record not found"}', 404), "unknown_gone"),
        (Reply(b'{"id": "x", "type": "Tombstone"}', 410), "deleted_by_author"),
        (Reply(b'{"error": "Gone"}', 410), "account_gone"),
    ],
)  # fmt: skip
def test_verify_asks_at_home(site: Mastodon, answer: Reply, state: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASTODON_ACCESS_TOKEN", TOKEN)
    site.server.answer = lambda request: answer
    uri = f"{site.server.url}/users/someone/statuses/1"
    changes = list(source(site).verify([uri]))
    assert [(change.platform, change.native_id, change.state) for change in changes] == (
        [("mastodon", uri, state)] if state else []
    )
    (request,) = site.server.requests
    assert request.path == "/users/someone/statuses/1"
    assert request.headers["Accept"].startswith("application/activity+json")
    assert "Authorization" not in request.headers


@pytest.mark.parametrize("status", [401, 403, 500, 503])
def test_verify_takes_no_failure_for_a_deletion(site: Mastodon, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy.random, "uniform", lambda low, high: 0)
    site.server.every = faults.answers(status)
    with pytest.raises(Protocol, match=str(status)):
        list(source(site).verify([f"{site.server.url}/users/someone/statuses/{n}" for n in range(9)]))
    assert len(site.server.requests) == (policy.ATTEMPTS if status >= 500 else 1)  # not once for each post


def test_verify_goes_on_past_a_home_that_does_not_answer(site: Mastodon, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeServer(lambda request: Reply(b"{}", 401)) as closed:
        both = source(site, instances=[site.server.url, closed.url])
        (change,) = both.verify([f"{closed.url}/users/a/statuses/1", f"{site.server.url}/users/a/statuses/404"])
    assert change.native_id.startswith(site.server.url)


def test_verify_is_led_nowhere_by_a_post(site: Mastodon) -> None:
    with FakeServer(lambda request: Reply(b"", 404)) as inner:
        assert (
            list(source(site).verify([f"{inner.url}/users/a/statuses/1", "tag:x,2024:1", "file:///etc/passwd"])) == []
        )
    assert inner.requests == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"instances": []}, "at least 1"),
        ({"instances": ["not a host"]}, "no instance"),
        ({"instances": ["ftp://x.example"]}, "no instance"),
        ({"instances": ["https://user:pw@x.example"]}, "no instance"),
        ({"tags": ["two words"]}, "no hashtag"),
        ({"tags": ["1984"]}, "no hashtag"),
        ({"days": 0}, "greater than 0"),
    ],
)  # fmt: skip
def test_options_that_are_wrong(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_source("fediverse", "mastodon", options)


def test_an_instance_can_be_named_by_its_host() -> None:
    found = load_source("fediverse", "mastodon", {"instances": ["kettles.example", "https://kettles.example/"]})
    assert found.options.instances == ("https://kettles.example",)
    assert isinstance(found, Paged)
    assert load_source("fediverse", "mastodon", {}).options.instances == ("https://mastodon.social",)
