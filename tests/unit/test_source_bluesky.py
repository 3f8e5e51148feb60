"""Bluesky: which way is taken, what the search is asked for, log-ins, posts as they are mapped, and re-checks."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from cxlisten.collect import Budget, Estimate, PushDown, load_source
from cxlisten.collect.bluesky.search import BlueskySearch
from cxlisten.errors import Auth, BadQuery, ConfigError, Protocol, RateLimited, SourceError, Transient
from cxlisten.models import Batch, Post, Query, StateChange
from tests.faults import faults
from tests.faults.clock import Clock
from tests.faults.platforms.bluesky import COLLECTION, HANDLE, PASSWORD, Bluesky, failure
from tests.faults.server import Reply, Request
from tests.faults.timeline import Item

NOW = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)
LOG_IN, RENEW, SEARCH = "createSession", "refreshSession", "searchPosts"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bluesky]:
    for name, value in Bluesky.secrets.items():
        monkeypatch.setenv(name, value)
    platform = Bluesky(tmp_path)
    platform.timeline.items.clear()
    yield platform
    platform.close()


def fetch(
    site: Bluesky, cursor: Any = None, terms: str = "kettle", budget: Budget | None = None, **options: Any
) -> list[Batch]:
    source = load_source("sky", "bluesky", {**site.options(), **options})
    cursor = json.loads(json.dumps(cursor))
    return list(source.fetch(Query("q", "b", terms), cursor, budget or Budget(), Clock()))


def add(site: Bluesky, n: int, minutes: float = 200, text: str = "kettle") -> list[Item]:
    """Posts, the last of them so many minutes ago, one every second before it."""
    last = site.timeline.now - timedelta(minutes=minutes)
    return [site.timeline.add(last - timedelta(seconds=n - i - 1), text=f"{text} no {i}") for i in range(n)]


def posts(batches: list[Batch]) -> list[Post]:
    return [post for batch in batches for post in batch.posts]


def ids(batches: list[Batch]) -> list[str]:
    return [post.native_id for post in posts(batches)]


def asked(site: Bluesky, method: str = "") -> list[Request]:
    return [request for request in site.server.requests if request.path.endswith(method)]


def mapped(record: Any, **view: Any) -> Post:
    """A record as a post that was indexed NOW."""
    whole = {
        "uri": f"at://did:plc:x/{COLLECTION}/3x",
        "cid": "c",
        "indexedAt": NOW.isoformat(),
        "record": record,
        **view,
    }
    post = load_source("sky", "bluesky", {}).post(whole, NOW)
    assert isinstance(post, Post)
    return post


@pytest.mark.parametrize(
    ("mode", "has_login", "terms", "way"),
    [
        ("auto", True, "kettle OR (tea AND cake)", "search"),
        ("auto", True, "kett*", "jetstream"),  # the search knows whole words only
        ("auto", True, "", "jetstream"),
        ("auto", True, "lang:en", "jetstream"),
        ("auto", True, "コーヒー", "jetstream"),
        ("auto", False, "kettle", "jetstream"),
        ("search", True, "kett*", "search"),
        ("jetstream", True, "kettle", "jetstream"),
    ],
)
def test_the_way(
    site: Bluesky, monkeypatch: pytest.MonkeyPatch, mode: str, has_login: bool, terms: str, way: str
) -> None:
    if not has_login:
        monkeypatch.delenv("BLUESKY_APP_PASSWORD")
    fetch(site, terms=terms, jetstream_url=site.stream.url, mode=mode)
    assert (len(asked(site)) > 0, len(site.stream.dials) > 0) == (way == "search", way == "jetstream")


def test_needs_no_option_and_no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Bluesky.secrets:
        monkeypatch.delenv(name, raising=False)
    source = load_source("sky", "bluesky", {})
    assert source.estimate(Query("q", "b", "kettle")) == Estimate(requests=1)
    assert not source.caps.needs_auth
    assert source.push_down(Query("q", "b", "kettle")) == PushDown(
        warnings=("all of Bluesky's posts are read, and sifted here",)
    )


@pytest.mark.parametrize(
    "options",
    [
        {"mode": "firehose"},
        {"days": 0},
        {"minutes": -1},
        {"seconds": 0},
        {"jetstream_url": "https://jetstream.example"},
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        load_source("sky", "bluesky", options)


def test_what_is_sent(site: Bluesky) -> None:
    fetch(site, terms='"iced coffee" OR @pellworth', days=2)
    log_in, *searches = asked(site)
    assert (log_in.method, log_in.path) == ("POST", "/xrpc/com.atproto.server.createSession")
    assert json.loads(log_in.body) == {"identifier": HANDLE, "password": PASSWORD}
    assert log_in.headers["Content-Type"] == "application/json"
    assert [request.params["q"] for request in searches] == ['"iced coffee"', "pellworth"]
    # By our clock, and once the platform has told it, by its own.
    sinces = [datetime.fromisoformat(request.params["since"]) for request in searches]
    assert abs(datetime.now(UTC) - timedelta(days=2) - sinces[0]) < timedelta(minutes=1)
    assert sinces[1] == site.timeline.now - timedelta(days=2)
    for request in searches:
        assert request.path == "/xrpc/app.bsky.feed.searchPosts"
        assert request.headers["Authorization"] == "Bearer access-0"
        assert {**request.params, "q": "", "since": ""} == {"q": "", "since": "", "sort": "latest", "limit": "100"}


def test_a_post_as_the_search_shows_it(site: Bluesky) -> None:
    (item,) = add(site, 1)
    item.number = 60  # a reply that quotes, and links
    (post,) = posts(fetch(site))
    root = f"at://did:plc:someone1/{COLLECTION}/3lroot"
    assert post == Post(
        platform="bluesky", native_id=f"at://did:plc:someone4/{COLLECTION}/3l00000000060",
        text="kettle no 0 https://example.org/a/long/address/of/a/page", posted_at=item.posted_at,
        observed_at=item.posted_at, fetched_at=post.fetched_at, raw=site.view(item), version=site.cid(item),
        author="did:plc:someone4", lang="en", url="https://bsky.app/profile/did:plc:someone4/post/3l00000000060",
        thread_id=root, parent_key=f"bluesky:at://did:plc:someone2/{COLLECTION}/3lparent", relation="reply",
        ref_key=f"bluesky:at://did:plc:someone3/{COLLECTION}/3lquoted",
        metrics={"likes": 5, "replies": 0, "reposts": 0, "quotes": 0}, terms="bluesky",
    )  # fmt: skip


def facet(start: Any, stop: Any, uri: Any = "https://example.org/a-long-path", kind: str = "link") -> dict[str, Any]:
    features = [{"$type": f"app.bsky.richtext.facet#{kind}", "uri": uri}]
    return {"index": {"byteStart": start, "byteEnd": stop}, "features": features}


@pytest.mark.parametrize(
    ("text", "facets", "shown"),
    [
        ("see example.org/a-lo...", [facet(4, 23)], "see https://example.org/a-long-path"),
        ("é😡 example.org/a-lo… é", [facet(7, 26)], "é😡 https://example.org/a-long-path é"),
        ("here, I mean", [facet(0, 4)], "here, I mean"),  # words that stand for an address
        ("a.org b.org", [facet(6, 11, "https://b.org/2"), facet(0, 5, "https://a.org/1")], "https://a.org/1 https://b.org/2"),
        ("example.org", [facet(0, 11), facet(0, 11)], "https://example.org/a-long-path"),
        ("example.org", [facet(0, 11), facet(4, 8)], "https://example.org/a-long-path"),
        ("example.org", [facet(0, 99)], "example.org"),
        ("example.org", [facet(8, 2), facet(-3, 11), facet("0", "11"), facet(None, 3), facet(0, 11, 5)], "example.org"),
        ("éxample.org", [facet(1, 12)], "éxample.org"),  # within a character
        ("@someone.example", [facet(0, 16, kind="mention")], "@someone.example"),
        ("example.org", [5, None, {}, {"index": 3, "features": [None]}, {"index": {}, "features": 7}], "example.org"),
        ("example.org", "facets", "example.org"),
        ("e\u0301 \ud83d\r\n\0x", None, "é \ufffd\nx"),
    ],
)  # fmt: skip
def test_the_text_with_its_links_in_full(text: str, facets: Any, shown: str) -> None:
    assert mapped({"text": text, "facets": facets}).text == shown


@pytest.mark.parametrize(
    ("claimed", "posted_at"),
    [
        ("2026-05-06T09:08:08.500+02:00", NOW - timedelta(seconds=0.5)),
        ("2026-05-01T00:00:00Z", datetime(2026, 5, 1, tzinfo=UTC)),  # a post that arrived late
        ("2026-05-06T23:00:00Z", datetime(2026, 5, 6, 23, tzinfo=UTC)),  # a clock that is off
        ("2026-05-08T00:00:00Z", NOW), ("9999-12-31T23:59:59Z", NOW), ("0001-01-01T00:00:00Z", NOW),
        ("1970-01-01T00:00:00Z", NOW), ("2016-03-04T05:06:07Z", NOW), ("soon", NOW), ("", NOW), (None, NOW), (5, NOW),
        ({"a": 1}, NOW), ("2026-13-45T99:99:99Z", NOW), ("2026-05-06T07:08:60Z", NOW.replace(second=59)),
    ],
)  # fmt: skip
def test_a_date_that_cannot_be_is_that_of_the_index(claimed: Any, posted_at: datetime) -> None:
    post = mapped({"text": "x", "createdAt": claimed})
    assert (post.posted_at, post.observed_at) == (posted_at, NOW)


@pytest.mark.parametrize(
    ("langs", "lang"),
    [(["en"], "en"), (["pt-BR"], "pt-BR"), (["en", "ja"], None), ([], None), ("en", None), ([5], None)],
)
def test_the_language(langs: Any, lang: str | None) -> None:
    assert mapped({"text": "x", "langs": langs}).lang == lang


def labels(*values: str, **more: Any) -> list[dict[str, Any]]:
    return [{"val": value, **more} for value in values]


@pytest.mark.parametrize(
    ("view", "own", "is_sensitive"),
    [
        (labels("porn"), None, True), (None, {"values": labels("nudity")}, True), (labels("spam", "rude"), None, False),
        (labels("porn", neg=True), None, False), ("porn", ["porn"], False), ([None, 5], {"values": 5}, False),
        (None, {"values": labels("graphic-media")}, True), (labels("!no-unauthenticated"), None, False),
    ],
)  # fmt: skip
def test_labels(view: Any, own: Any, is_sensitive: bool) -> None:
    assert mapped({"text": "x", "labels": own}, labels=view).sensitive == is_sensitive


@pytest.mark.parametrize(
    ("record", "relation", "ref"),
    [
        ({"embed": {"record": {"uri": f"at://did:plc:y/{COLLECTION}/1"}}}, "quote", f"bluesky:at://did:plc:y/{COLLECTION}/1"),
        (
            {"embed": {"record": {"record": {"uri": f"at://did:plc:y/{COLLECTION}/1"}}, "media": {}}},
            "quote", f"bluesky:at://did:plc:y/{COLLECTION}/1",
        ),
        ({"embed": {"record": {"uri": "at://did:plc:y/app.bsky.feed.generator/1"}}}, "original", None),
        ({"embed": {"images": [{"alt": "a kettle"}]}}, "original", None),
        ({"embed": 5, "reply": "x"}, "original", None),
        ({"embed": {"record": {"uri": 5}}, "reply": {"root": None, "parent": {"uri": None}}}, "original", None),
    ],
)  # fmt: skip
def test_what_it_refers_to(record: dict[str, Any], relation: str, ref: str | None) -> None:
    post = mapped({"text": "x", **record})
    assert (post.relation, post.ref_key, post.thread_id, post.text) == (relation, ref, post.native_id, "x")


@pytest.mark.parametrize(
    "view",
    [
        None, [], "x", {}, {"uri": None}, {"uri": "https://bsky.app"}, {"record": None}, {"record": []},
        {"record": {"text": None}}, {"record": {"text": {}}}, {"record": {"text": " \n"}}, {"indexedAt": None},
        {"indexedAt": "soon"}, {"cid": 5}, {"record": {"$type": "app.bsky.feed.like", "text": "x"}},
    ],
)  # fmt: skip
def test_one_malformed_post_is_rejected_and_the_others_land(site: Bluesky, view: Any) -> None:
    add(site, 99)
    answer = site.server.answer

    def with_a_bad_one(request: Request) -> Reply:
        reply = answer(request)
        if request.path.endswith(SEARCH) and "cursor" not in request.params:
            document = json.loads(reply.body)
            good = document["posts"][3]
            document["posts"].insert(
                50, {**good, "uri": f"{good['uri']}bad", **view} if isinstance(view, dict) and view else view
            )
            document["posts"].pop()
            return Reply(json.dumps(document).encode(), 200, reply.headers)
        return reply

    site.server.answer = with_a_bad_one
    batches = fetch(site)
    assert len(ids(batches)) == 99
    (reject,) = (reject for batch in batches for reject in batch.rejected)
    assert reject.where == '"kettle" item 51'


def test_pages_overlap_so_that_a_deletion_between_them_loses_nothing(site: Bluesky) -> None:
    items = add(site, 250)
    answer = site.server.answer

    def deleting(request: Request) -> Reply:
        reply = answer(request)
        if request.path.endswith(SEARCH) and len(asked(site, SEARCH)) == 1:
            for item in items[-8:]:
                item.deleted_at = site.timeline.now
        return reply

    site.server.answer = deleting
    batches = fetch(site)
    assert set(ids(batches)) == set(map(site.uri, items))
    assert len(ids(batches)) == 250
    assert [request.params.get("cursor") for request in asked(site, SEARCH)] == [None, "90", "180", "280"]


def test_goes_on_with_what_is_older_where_one_search_shows_no_more(
    site: Bluesky, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cxlisten.collect.bluesky.search._MOST_SHOWN", 500)
    site.most_shown = 500
    items = add(site, 1_300)
    batches = fetch(site)
    assert set(ids(batches)) == set(map(site.uri, items))
    assert len(ids(batches)) == 1_300
    assert [gap for batch in batches for gap in batch.gaps] == []
    assert len({request.params.get("until") for request in asked(site, SEARCH)}) == 4
    assert batches[-1].complete


def test_more_at_one_moment_than_the_search_shows_leaves_a_gap(site: Bluesky, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cxlisten.collect.bluesky.search._MOST_SHOWN", 300)
    site.most_shown = 300
    at = site.timeline.now - timedelta(hours=3)
    for n in range(500):
        site.timeline.add(at, text=f"kettle no {n}")
    older = site.timeline.add(at - timedelta(hours=1), text="kettle")
    batches = fetch(site)
    (gap,) = (gap for batch in batches for gap in batch.gaps)
    assert gap.until == at
    assert "shows no more" in gap.reason
    assert site.uri(older) not in ids(batches)
    assert batches[-1].complete


@pytest.mark.parametrize("cursor", ["abc", "5000", 5000, "-1"])
def test_a_cursor_of_another_kind_is_sent_as_it_is(site: Bluesky, cursor: Any) -> None:
    page = {"posts": [site.view(item) for item in add(site, 3)]}

    def answer(request: Request) -> Reply:
        if not request.path.endswith(SEARCH):
            return Bluesky.answer(site, request)
        more = {} if "cursor" in request.params else {"cursor": cursor}
        return Reply(json.dumps({**page, **more}).encode())

    site.server.answer = answer
    assert len(ids(fetch(site))) == 3
    assert [request.params.get("cursor") for request in asked(site, SEARCH)] == [None, str(cursor)]


def pages(site: Bluesky, *several: dict[str, Any]) -> None:
    """Let the search answer with these, one after the other, the last from then on."""
    left = list(several)

    def answer(request: Request) -> Reply:
        if not request.path.endswith(SEARCH):
            return Bluesky.answer(site, request)
        return Reply(json.dumps(left.pop(0) if len(left) > 1 else left[0]).encode())

    site.server.answer = answer


def test_an_empty_page_is_not_the_end_where_it_names_another(site: Bluesky) -> None:
    first, second = ([site.view(item) for item in add(site, 3)] for _ in range(2))
    pages(
        site,
        {"posts": first, "cursor": "3"},
        {"posts": [], "cursor": "6"},
        {"posts": second, "cursor": "9"},
        {"posts": []},
    )
    assert len(ids(fetch(site))) == 6


def test_a_search_without_an_end_is_left(site: Bluesky) -> None:
    pages(site, {"posts": [site.view(item) for item in add(site, 100)], "cursor": "100"})
    batches = fetch(site)
    assert len(ids(batches)) == 100
    assert len(asked(site, SEARCH)) == 2
    (gap,) = (gap for batch in batches for gap in batch.gaps)
    assert "again and again" in gap.reason


def test_a_cursor_that_is_no_longer_known_means_the_newest_again(site: Bluesky) -> None:
    items = add(site, 250)
    first = fetch(site, budget=Budget(requests=2))
    site.server.at[SEARCH, 2] = faults.answers(400, b'{"error": "InvalidRequest", "message": "invalid cursor"}')
    rest = fetch(site, first[-1].cursor_after)
    assert "read again from its newest post" in " ".join(note for batch in rest for note in batch.notes)
    assert {*ids(first), *ids(rest)} == set(map(site.uri, items))
    assert rest[-1].complete


def test_reads_two_hours_again_and_no_more(site: Bluesky) -> None:
    add(site, 1)
    cursor = fetch(site)[-1].cursor_after
    late = site.timeline.add(site.timeline.now - timedelta(minutes=110), text="kettle")
    site.timeline.now += timedelta(minutes=1)
    assert ids(fetch(site, cursor)) == [site.uri(late)]
    since = datetime.fromisoformat(asked(site, SEARCH)[-1].params["since"])
    assert since == site.timeline.now - timedelta(minutes=1, hours=2)


def test_goes_on_in_the_middle_after_a_spent_budget(site: Bluesky) -> None:
    items = add(site, 450)
    first = fetch(site, budget=Budget(requests=3))
    assert "budget" in first[-1].notes[-1]
    pending = first[-1].cursor_after["streams"]['"kettle"']["pending"]
    assert pending["token"] == {"cursor": "180"}
    rest = fetch(site, first[-1].cursor_after)
    assert {*ids(first), *ids(rest)} == set(map(site.uri, items))
    assert len(ids(rest)) < 300


def test_goes_on_where_the_stream_had_ended(site: Bluesky) -> None:
    add(site, 1, minutes=600)
    (new,) = add(site, 1, minutes=30)
    cursor = {"v": 1, "heard_at": (site.timeline.now - timedelta(minutes=60)).isoformat(), "posts": []}
    batches = fetch(site, cursor)
    assert ids(batches) == [site.uri(new)]
    assert '"kettle"' in batches[-1].cursor_after["streams"]


def test_says_where_a_search_finds_too_little(site: Bluesky) -> None:
    assert "whole words only" in " ".join(note for batch in fetch(site, terms="kett*") for note in batch.notes)
    assert [request.params["q"] for request in asked(site, SEARCH)] == ["kett"]
    assert "all of Bluesky is searched" in " ".join(note for batch in fetch(site, terms="") for note in batch.notes)
    source = load_source("sky", "bluesky", site.options())
    push_down = source.push_down(Query("q", "b", "kett* OR lamp"))
    assert push_down.searches == ("lamp", "kett")
    assert len(push_down.warnings) == 1
    push_down = source.push_down(Query("q", "b", "コーヒー OR lang:en"))
    assert push_down == PushDown(("*",), warnings=("no word of the query must be there: all of Bluesky is searched",))
    assert source.push_down(Query("q", "b", "コーヒー")).searches == ("コーヒー",)


@pytest.mark.parametrize("name", ["BLUESKY_HANDLE", "BLUESKY_APP_PASSWORD"])
def test_a_missing_secret_is_named(site: Bluesky, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, " ")
    with pytest.raises(Auth, match=f"{name} is not set: make an app password"):
        fetch(site)
    health = load_source("sky", "bluesky", site.options()).check()
    assert not health.ok
    assert name in health.message
    assert site.server.requests == []


def test_a_wrong_password(site: Bluesky, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLUESKY_APP_PASSWORD", "wrong")
    with pytest.raises(Auth, match="does not take BLUESKY_APP_PASSWORD: make an app password") as caught:
        fetch(site)
    assert not {HANDLE, "wrong"} & set(str(caught.value).split())
    assert len(asked(site)) == 1


def test_the_accounts_own_password(site: Bluesky) -> None:
    site.server.answer = lambda request: failure(401, "AuthFactorTokenRequired", "A sign in code has been sent")
    with pytest.raises(Auth, match="is no app password"):
        fetch(site)


def test_a_password_never_goes_over_plain_http(site: Bluesky) -> None:
    with pytest.raises(Auth, match="https://"):
        fetch(site, base_url="http://pds.example")


def test_a_password_is_not_sent_on(site: Bluesky) -> None:
    site.server.at[LOG_IN, 1] = faults.answers(307, Location="http://127.0.0.1:9/xrpc/elsewhere")
    with pytest.raises(Protocol, match="sends us on"):
        fetch(site)


def test_jobs_of_a_process_share_a_log_in(site: Bluesky) -> None:
    for terms in ("kettle", "lamp", "tea"):
        fetch(site, terms=terms)
    assert len(asked(site, LOG_IN)) == 1


@pytest.mark.parametrize("status", [400, 401])  # the account's server and the index behind it differ in this
def test_an_expired_token_is_renewed_once(site: Bluesky, status: int) -> None:
    items = add(site, 150)
    body = failure(status, "ExpiredToken", "Token has expired").body
    site.server.at[SEARCH, 2] = faults.answers(status, body)
    assert set(ids(fetch(site))) == set(map(site.uri, items))
    (renewal,) = asked(site, RENEW)
    assert (renewal.method, renewal.headers["Authorization"]) == ("POST", "Bearer refresh-0")
    assert asked(site, SEARCH)[-1].headers["Authorization"] == "Bearer access-2"
    assert len(asked(site, LOG_IN)) == 1


def test_a_token_that_cannot_be_renewed_means_a_new_log_in(site: Bluesky) -> None:
    items = add(site, 3)
    fetch(site)
    site.tokens.clear()
    site.tokens.append("another's")
    assert set(ids(fetch(site))) == set(map(site.uri, items))
    assert [len(asked(site, method)) for method in (LOG_IN, RENEW)] == [2, 1]


def test_tokens_that_are_never_taken(site: Bluesky) -> None:
    site.server.answer = lambda request: (
        failure(401, "InvalidToken", "Bad token") if request.path.endswith(SEARCH) else Bluesky.answer(site, request)
    )
    with pytest.raises(Auth, match="does not take the token"):
        fetch(site)
    with pytest.raises(Auth, match="does not take the token"):
        fetch(site)
    assert len(asked(site)) == 4  # it logs in again, and does not try the same token twice


def test_a_log_in_that_is_out_of_service(site: Bluesky) -> None:
    site.server.at[LOG_IN, 1] = faults.answers(503)
    assert fetch(site)[-1].complete
    site.server.every = faults.answers(502)
    with pytest.raises(Transient, match="502"):
        fetch(site, base_url=f"{site.server.url}/")


def test_too_many_log_ins(site: Bluesky) -> None:
    reset = {**site.rate_headers(86_000), "ratelimit-limit": "100"}
    headers = {name.replace("-", "_"): value for name, value in reset.items()}
    site.server.at[LOG_IN, 1] = faults.answers(429, b'{"error": "RateLimitExceeded"}', **headers)
    with pytest.raises(RateLimited, match="createSession asks us to slow down until"):
        fetch(site)


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (faults.answers(403, b"<html>403 Forbidden</html>"), Auth, "set base_url to the server of your account"),
        (faults.answers(403, b'{"error": "Forbidden", "message": "no"}'), Auth, "403"),
        (faults.answers(400, b'{"error": "InvalidRequest", "message": "q is too long"}'), BadQuery, "q is too long"),
        (faults.answers(502, b'{"error": "UpstreamFailure"}'), Transient, "502"),
        (faults.answers(200, b'{"posts": null}'), Protocol, "without a list of posts"),
        (faults.answers(200, b"[]"), Protocol, "list"),
        (faults.answers(200, b"<html>"), Protocol, "web page"),
    ],
)
def test_failures_of_the_search(site: Bluesky, fault: Any, kind: type[SourceError], words: str) -> None:
    site.server.at = {(SEARCH, n): fault for n in range(1, 10)}
    with pytest.raises(kind, match=words):
        fetch(site)


@pytest.mark.parametrize("body", [b"{}", b'{"accessJwt": 5, "refreshJwt": null}'])
def test_a_log_in_without_tokens(site: Bluesky, body: bytes) -> None:
    site.server.every = faults.answers(200, body)
    with pytest.raises(Protocol, match="without tokens: check base_url"):
        fetch(site)


def test_an_estimate_fetches_no_post(site: Bluesky) -> None:
    add(site, 250)
    add(site, 20, text="lamp")
    source = load_source("sky", "bluesky", site.options())
    assert source.estimate(Query("q", "b", "kettle OR lamp")) == Estimate(requests=4, posts=270)
    assert {request.params["limit"] for request in asked(site, SEARCH)} == {"1"}
    site.server.answer = lambda request: (
        Reply(b'{"posts": []}') if request.path.endswith(SEARCH) else Bluesky.answer(site, request)
    )
    assert source.estimate(Query("q", "b", "kettle")) == Estimate(requests=1, posts=None)


def test_check_says_what_is_wrong(site: Bluesky) -> None:
    source = load_source("sky", "bluesky", site.options())
    assert source.check().message == "Bluesky's search answers to BLUESKY_HANDLE"
    assert len(asked(site)) == 2
    site.server.every = faults.answers(403, b"<html>")
    health = source.check()
    assert not health.ok
    assert "closed to programs" in health.message


def test_verify_tells_what_is_gone_and_how(site: Bluesky) -> None:
    items = add(site, 60)
    items[3].deleted_at = items[40].deleted_at = site.timeline.now
    site.hidden.add(site.uri(items[50]))
    site.closed.add("did:plc:someone5")
    uris = list(map(site.uri, items))
    changes = list(load_source("sky", "bluesky", site.options()).verify(uris))
    states = {change.native_id: change.state for change in changes}
    assert {uri for uri in uris if uri in states and "someone5" not in uri} == {uris[3], uris[40], uris[50]}
    assert (states[uris[3]], states[uris[40]], states[uris[50]]) == ("deleted_by_author",) * 2 + ("unknown_gone",)
    assert {state for uri, state in states.items() if "someone5/" in uri} == {"account_gone"}
    assert {change.platform for change in changes} == {"bluesky"}
    assert len(asked(site, "getPosts")) == 3
    assert len(asked(site, "getRecord")) == len(changes)
    assert asked(site, LOG_IN) == []
    assert len(changes) < 20


@pytest.mark.parametrize(
    ("record", "profile", "state"),
    [
        (failure(400, "RecordNotFound", "Could not locate record"), None, "deleted_by_author"),
        (failure(400, "InvalidRequest", "Could not find repo"), failure(400, "AccountTakedown", "x"), "account_gone"),
        (failure(400, "InvalidRequest", "no repo"), failure(400, "AccountDeactivated", "x"), "account_gone"),
        (Reply(b'{"error": ["x"]}', 400), Reply(b'{"error": ["x"]}', 400), "unknown_gone"),
        (failure(400, "InvalidRequest", "x"), failure(400, "InvalidRequest", "Profile not found"), "unknown_gone"),
        (failure(400, "InvalidRequest", "x"), Reply(b'{"did": "did:plc:x"}'), "unknown_gone"),
        (failure(400, "InvalidRequest", "x"), Reply(b"<html>", 400), "unknown_gone"),
        (Reply(b"<html>", 400), None, "unknown_gone"), (Reply(b"[]", 400), None, "unknown_gone"),
        (Reply(b'{"error": ["RecordNotFound"]}', 200), None, "unknown_gone"), (Reply(b"{}"), None, "unknown_gone"),
    ],
)  # fmt: skip
def test_only_a_proof_is_one(site: Bluesky, record: Reply, profile: Reply | None, state: str) -> None:
    answers = {"getRecord": record, "getProfile": profile, "getPosts": Reply(b'{"posts": [null, {}]}')}
    site.server.answer = lambda request: answers[request.path.split(".")[-1]] or Reply(b"", 500)
    uri = f"at://did:plc:x/{COLLECTION}/3x"
    (change,) = load_source("sky", "bluesky", site.options()).verify([uri])
    assert change == StateChange("bluesky", uri, state, change.observed_at)  # type: ignore[arg-type]
    (asked_for,) = asked(site, "getRecord")
    assert asked_for.params == {"repo": "did:plc:x", "collection": COLLECTION, "rkey": "3x"}
    assert [request.params for request in asked(site, "getProfile")] == [{"actor": "did:plc:x"}] * bool(profile)


@pytest.mark.parametrize("method", ["getPosts", "getRecord", "getProfile"])
@pytest.mark.parametrize("status", [401, 403, 500, 503])
def test_an_outage_is_no_deletion(site: Bluesky, monkeypatch: pytest.MonkeyPatch, method: str, status: int) -> None:
    monkeypatch.setattr("cxlisten.collect.http.Http._pause", lambda self, seconds: None)
    site.closed.add("did:plc:x")
    site.server.at = {(method, n): faults.answers(status) for n in range(1, 10)}
    with pytest.raises(SourceError, match=str(status)):
        list(load_source("sky", "bluesky", site.options()).verify([f"at://did:plc:x/{COLLECTION}/3x"]))


def test_an_answer_of_another_shape_is_no_deletion(site: Bluesky) -> None:
    site.server.every = faults.answers(200, b'{"items": []}')
    with pytest.raises(Protocol, match="without a list of posts"):
        list(load_source("sky", "bluesky", site.options()).verify([f"at://did:plc:x/{COLLECTION}/3x"]))


def test_no_ids_no_request(site: Bluesky) -> None:
    assert list(load_source("sky", "bluesky", site.options()).verify([])) == []
    assert site.server.requests == []


def test_a_stop_before_the_first_request(site: Bluesky) -> None:
    stop = Event()
    stop.set()
    source = load_source("sky", "bluesky", site.options())
    assert posts(list(source.fetch(Query("q", "b", "kettle"), None, Budget(), stop))) == []
    assert site.server.requests == []


def test_sessions_are_of_one_server_and_one_password(site: Bluesky, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch(site)
    monkeypatch.setenv("BLUESKY_APP_PASSWORD", "changed")
    with pytest.raises(Auth):
        fetch(site)
    assert len(BlueskySearch.sessions) == 1
