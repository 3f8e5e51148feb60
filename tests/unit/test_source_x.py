"""X through tweepy: what is sent, posts of both spellings as posts, windows, what fails how, and what it costs."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cxlisten.collect import Budget, Estimate, load_source
from cxlisten.collect import http as policy
from cxlisten.collect.http import ATTEMPTS, Http
from cxlisten.collect.sources.x import X
from cxlisten.errors import Auth, BadQuery, ConfigError, NotFound, Protocol, QuotaExhausted, RateLimited, SourceError
from cxlisten.models import Batch, Gap, Post, Query
from tests.faults import faults
from tests.faults.clock import Clock
from tests.faults.platforms.x import TOKEN, problem, snowflake
from tests.faults.platforms.x import X as Platform
from tests.faults.server import Reply, Request

SEARCH, COUNTS, LOOK_UP = "/2/tweets/search/recent", "/2/tweets/counts/recent", "/2/tweets"
AT = datetime(2026, 11, 20, 7, 8, 9, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
FIELDS = (
    "author_id,conversation_id,created_at,lang,note_tweet,possibly_sensitive,public_metrics,referenced_tweets,withheld"
)


@pytest.fixture(params=["tweet", "post"])
def spelling(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    platform = Platform(tmp_path)
    for name, value in platform.secrets.items():
        monkeypatch.setenv(name, value)
    yield platform
    platform.close()


@pytest.fixture
def small(site: Platform) -> Platform:
    """A site without a post, that finds what is there without a bad one among it."""
    site.timeline.items.clear()
    site.n_bad = 0
    return site


def source(site: Platform, **options: Any) -> X:
    made = load_source("posts", "x", {**site.options(), **options})
    assert isinstance(made, X)
    return made


def query(terms: str = "anybrand", **of: Any) -> Query:
    return Query("kettles", "Anybrand", terms, **of)


def fetch(
    site: Platform, cursor: Any = None, budget: Budget | None = None, stop: Clock | None = None,
    terms: str = "anybrand", **options: Any,
) -> list[Batch]:  # fmt: skip
    cursor = json.loads(json.dumps(cursor))
    return list(source(site, **options).fetch(query(terms), cursor, budget or Budget(), stop or Clock()))


def ids(batches: list[Batch]) -> set[str]:
    return {post.native_id for batch in batches for post in batch.posts}


def expected(site: Platform) -> set[str]:
    return {native_id for _, native_id in site.posts()}


def searches(site: Platform) -> list[Request]:
    return [request for request in site.server.requests if request.path == SEARCH]


def pages(*bodies: Any) -> Callable[[Request], Reply]:
    """A server that answers so, one after the other, the last for ever."""
    left = list(bodies)

    def answer(request: Request) -> Reply:
        body = left.pop(0) if len(left) > 1 else left[0]
        return body if isinstance(body, Reply) else Reply(json.dumps(body).encode())

    return answer


def raw(**more: Any) -> dict[str, Any]:
    """A post as X gives it."""
    native_id = snowflake(AT, 7)
    return {
        "id": native_id, "text": "tea", "edit_history_tweet_ids": [native_id], "created_at": "2026-11-20T07:08:09.000Z",
        "author_id": "12", "conversation_id": "99", "lang": "en", **more,
    }  # fmt: skip


def mapped(item: Any) -> Post:
    return X("posts", X.Options()).post(json.loads(json.dumps(item)), AT)


# --- what is sent


def test_asks_for_the_fields_it_uses_and_for_no_more(site: Platform) -> None:
    fetch(site, terms='anybrand OR "any brand"')
    for request in site.server.requests:
        assert request.path == SEARCH
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        assert request.headers["User-Agent"].startswith("cxlisten/")
        assert request.params["query"] == 'anybrand OR "any brand"'
        assert request.params["max_results"] == "100"
        assert request.params["tweet.fields"] == FIELDS
        assert {*request.params} <= {"query", "max_results", "tweet.fields", "start_time", "next_token"}
    assert "next_token" not in site.server.requests[0].params
    assert len({request.params["start_time"] for request in site.server.requests}) == 1


def test_the_first_fetch_goes_back_as_many_days_as_it_is_told(small: Platform) -> None:
    small.timeline.now = datetime.now(UTC)
    small.timeline.add(small.timeline.now - 3 * DAY)
    new = small.timeline.add(small.timeline.now - DAY / 2)
    assert ids(fetch(small, days=1)) == {small.identity(new)[1]}
    assert len(ids(fetch(small, days=7))) == 2


@pytest.mark.parametrize("days", [0, 8])
def test_days_are_those_that_x_shows(days: float) -> None:
    with pytest.raises(ConfigError, match="days"):
        load_source("posts", "x", {"days": days})


def test_several_searches_are_a_stream_each(site: Platform) -> None:
    terms = " OR ".join(f"longword{'y' * 20}{n}" for n in range(20)) + " OR anybrand"
    assert ids(fetch(site, terms=terms)) == expected(site)
    sent = {request.params["query"] for request in site.server.requests}
    assert len(sent) == 2
    assert all(len(text) <= 512 for text in sent)


def test_a_query_that_x_cannot_search_for_fails_before_anything_is_asked(site: Platform) -> None:
    terms = " ".join(f"longword{'y' * 20}{n}" for n in range(20))
    with pytest.raises(BadQuery, match=r'posts: "kettles" is too long for X: query 609 of 512 characters'):
        fetch(site, terms=terms)
    with pytest.raises(BadQuery, match=r'posts: X cannot search for "kettles", as it has  kettl\*: '):
        fetch(site, terms="kettl* OR tea")
    assert site.server.requests == []
    assert "of 512 characters" in source(site).push_down(query(terms)).warnings[0]


def test_a_query_for_other_sources_asks_for_nothing(site: Platform) -> None:
    (batch,) = fetch(site, terms="anybrand AND source:reviews")
    assert (batch.posts, batch.complete, batch.n_asked) == ((), True, 0)
    assert site.server.requests == []


def test_what_is_pushed_down_is_what_is_sent(site: Platform) -> None:
    fetch(site, terms="anybrand NEAR/3 no AND NOT source:posts OR #anybrand")
    pushed = source(site).push_down(query("anybrand NEAR/3 no AND NOT source:posts OR #anybrand"))
    assert {request.params["query"] for request in site.server.requests} == set(pushed.searches) == {"#anybrand"}


def test_handles_need_the_names_of_authors(site: Platform) -> None:
    named, numbered = query(handles=("@anybrand",)), query(handles=("1001",))
    assert "expand_authors = true" in source(site).push_down(named).warnings[0]
    assert source(site).push_down(numbered).warnings == ()
    assert source(site, expand_authors=True).push_down(named).warnings == ()


@pytest.mark.parametrize(
    ("value", "words"), [("", "is not set"), (" ", "is not set"), ("a\nb", "holds signs that no token has")]
)
def test_a_token_that_is_none(site: Platform, monkeypatch: pytest.MonkeyPatch, value: str, words: str) -> None:
    monkeypatch.setenv("X_BEARER_TOKEN", value)
    with pytest.raises(Auth, match=f"posts: X_BEARER_TOKEN {words}.*developer console") as caught:
        fetch(site)
    assert "a\nb" not in str(caught.value)
    assert not source(site).check().ok
    assert site.server.requests == []


@pytest.mark.usefixtures("site")
def test_the_token_goes_over_no_plain_http() -> None:
    with pytest.raises(Auth, match="plain http"):
        list(load_source("posts", "x", {"base_url": "http://x.example"}).fetch(query(), None, Budget(), Clock()))


# --- posts


def test_a_post_in_both_spellings(spelling: str) -> None:
    counts = {"reply_count": 1, "like_count": 2, "quote_count": 3, "bookmark_count": 4, "impression_count": 5}
    new = spelling == "post"
    item = {
        "id": "2", ("edit_history_post_ids" if new else "edit_history_tweet_ids"): ["2"],
        "text": "Tea &amp; &lt;3\u2026", "created_at": "2026-11-20T07:08:09.000Z", "author_id": "12",
        "conversation_id": "99", "lang": "en", "possibly_sensitive": True,
        ("note_post" if new else "note_tweet"): {"text": "Tea &amp; &lt;3, &amp;copy &gt; coffee 👨‍👩‍👧\r\n\0 "},
        ("referenced_posts" if new else "referenced_tweets"): [
            {"type": "replied_to", "id": "10"}, {"type": "quoted", "id": "11"},
        ],
        "public_metrics": {**counts, ("repost_count" if new else "retweet_count"): 6},
        "withheld": {"copyright": False, "country_codes": ["DE", "FR"], "scope": "tweet"},
    }  # fmt: skip
    assert mapped(item) == Post(
        platform="x", native_id="2", text="Tea & <3, &copy > coffee 👨‍👩‍👧", posted_at=AT, fetched_at=AT, raw=item,
        version="1", author="12", lang="en", url="https://x.com/i/web/status/2", thread_id="99", parent_key="x:10",
        relation="reply", ref_key="x:11",
        metrics={"reposts": 6, "replies": 1, "likes": 2, "quotes": 3, "bookmarks": 4, "views": 5},
        withheld_in=("DE", "FR"), sensitive=True, terms="x-2026",
    )  # fmt: skip


def test_a_post_with_no_more_than_it_must_have() -> None:
    item = {"id": "0012", "text": "tea", "created_at": "2026-11-20T07:08:09Z", "lang": None, "public_metrics": None}
    assert mapped(item) == Post(
        platform="x", native_id="0012", text="tea", posted_at=AT, fetched_at=AT, raw=item, version="1",
        url="https://x.com/i/web/status/0012", terms="x-2026",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("code", "lang"),
    [("en", "en"), ("iw", "he"), ("in", "id"), ("hi-Latn", "hi-Latn"), ("und", None), ("qme", None), ("zxx", None)],
)
def test_languages_are_written_as_everybody_writes_them(code: str, lang: str | None) -> None:
    assert mapped(raw(lang=code)).lang == lang


@pytest.mark.parametrize(
    ("references", "relation", "key"),
    [
        ([], "original", None),
        ([{"type": "quoted", "id": "5"}], "quote", "x:5"),
        ([{"type": "retweeted", "id": "5"}], "repost", "x:5"),
        ([{"type": "related", "id": "5"}], "original", None),
        (None, "original", None),
        ("5", "original", None),
    ],
)
def test_what_a_post_refers_to(references: Any, relation: str, key: str | None) -> None:
    post = mapped(raw(referenced_tweets=references))
    assert (post.relation, post.ref_key, post.parent_key) == (relation, key, None)


def test_an_edit_is_a_version_of_the_first(spelling: str) -> None:
    first, second, third = (snowflake(AT + n * MINUTE, 9) for n in range(3))
    chain = "edit_history_tweet_ids" if spelling == "tweet" else "edit_history_post_ids"
    item = {**raw(), "id": third, "created_at": "2026-11-20T07:10:09.000Z"}
    del item["edit_history_tweet_ids"]
    post = mapped({**item, chain: [first, second, third]})
    assert (post.native_id, post.version) == (first, "3")
    assert (post.posted_at, post.edited_at, post.observed_at) == (AT, AT + 2 * MINUTE, AT + 2 * MINUTE)
    assert post.url == f"https://x.com/i/web/status/{third}"
    unedited = mapped({**item, "id": first, "created_at": "2026-11-20T07:08:09.000Z", chain: [first, second, third]})
    assert (unedited.native_id, unedited.version, unedited.posted_at, unedited.edited_at) == (first, "1", AT, None)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"id": None}, "an id"), ({"id": "x"}, "an id"), ({"id": True}, "an id"), ({"id": ["1"]}, "an id"),
        ({"text": None}, "no text"), ({"text": " "}, "no text"), ({"text": 5}, "text is a int"),
        ({"created_at": None}, "a time"), ({"created_at": "yesterday"}, "not a time"),
        ({"edit_history_tweet_ids": ["1", "3"]}, "own edits"), ({"edit_history_tweet_ids": "12"}, "not a list"),
        ({"edit_history_tweet_ids": [None]}, "an id"), ({"author_id": {}}, "author_id is a dict"),
    ],
)  # fmt: skip
def test_posts_that_cannot_be_mapped(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        mapped(raw(**change))


@pytest.mark.parametrize("item", [None, [], "post", 5])
def test_what_is_no_post(item: Any) -> None:
    with pytest.raises(ValueError, match="not an object"):
        mapped(item)


def test_an_id_that_is_a_number_keeps_all_its_digits() -> None:
    item = raw(id=2**63 - 25, edit_history_tweet_ids=[2**63 - 25])
    assert mapped(item).native_id == "9223372036854775783"


def test_both_spellings_are_fetched_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site: Platform) -> None:
    other = Platform(tmp_path, spelling="post")
    other.timeline = site.timeline
    found = []
    for platform in (site, other):
        posts = [post for batch in fetch(platform) for post in batch.posts]
        found.append([(p.native_id, p.text, p.version, p.relation, dict(p.metrics), p.lang) for p in posts])
    other.close()
    assert found[0] == found[1]
    assert len(found[0]) == 350
    assert any(len(text) > 900 for _, text, *_ in found[0])


def test_one_bad_item_in_a_hundred(small: Platform) -> None:
    items = [raw(id=str(n), edit_history_tweet_ids=[str(n)]) for n in range(100, 200)]
    items[50]["created_at"] = "soon"
    small.server.answer = pages({"data": items, "meta": {"result_count": 100}})
    batch, _ = fetch(small)
    assert len(batch.posts) == 99
    (reject,) = batch.rejected
    assert json.loads(reject.payload) == items[50]
    assert reject.where == "anybrand item 51"


def test_authors_are_known_by_number(small: Platform) -> None:
    small.timeline.add(small.timeline.now - MINUTE)
    (post,) = (post for batch in fetch(small) for post in batch.posts)
    assert post.author == "1001"
    assert "includes" not in post.raw


def test_authors_are_known_by_name_where_that_is_asked_for(small: Platform, spelling: str) -> None:
    small.spelling = spelling
    small.timeline.add(small.timeline.now - MINUTE)
    batches = fetch(small, expand_authors=True)
    (post,) = (post for batch in batches for post in batch.posts)
    assert searches(small)[0].params["expansions"] == "author_id"
    assert post.author == "someone1"
    assert mapped(post.raw).author == "someone1"
    assert sum(batch.money for batch in batches) == pytest.approx(0.015 * (len(batches[0].rejected) + 1))


def test_a_repost_has_the_whole_text_of_its_original(small: Platform, spelling: str) -> None:
    small.spelling = spelling
    for n in range(1, 12):
        small.timeline.add(small.timeline.now - n * MINUTE)
    small.reposts[3] = 11  # which is long
    batches = fetch(small)
    (repost,) = (post for batch in batches for post in batch.posts if post.relation == "repost")
    (original,) = (post for batch in batches for post in batch.posts if post.native_id == (repost.ref_key or "")[2:])
    assert repost.text == original.text
    assert len(repost.text) > 900
    assert mapped(repost.raw).text == repost.text
    look_up = small.server.requests[-1]
    assert (look_up.path, look_up.params["ids"]) == (LOOK_UP, original.native_id)
    assert sum(batch.money for batch in batches) == pytest.approx(0.005 * small.n_billed)


def test_a_repost_of_what_is_gone_keeps_what_it_shows(small: Platform) -> None:
    for n in range(1, 3):
        small.timeline.add(small.timeline.now - n * MINUTE)
    small.reposts[1] = 2
    small.hidden.add(2)
    (post,) = (post for batch in fetch(small) for post in batch.posts)
    assert post.text.startswith("RT @someone: ")


# --- windows and pages


def test_the_next_run_goes_on_five_minutes_before_the_last_ended(site: Platform) -> None:
    last = fetch(site)[-1].cursor_after
    before, high = expected(site), site.timeline.now
    site.advance()
    site.server.requests.clear()
    again = fetch(site, last)
    assert searches(site)[0].params["start_time"] == (high - 5 * MINUTE).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert ids(again) >= expected(site) - before
    assert [batch.gaps for batch in again if batch.gaps] == []


def test_an_edit_comes_as_a_new_version(site: Platform) -> None:
    first = fetch(site)
    edited = site.timeline.shown()[0]
    edited.texts.append((site.timeline.now + MINUTE, "it works now"))
    site.timeline.now += 10 * MINUTE
    again = [post for batch in fetch(site, first[-1].cursor_after) for post in batch.posts]
    (post,) = (post for post in again if post.native_id == site.identity(edited)[1])
    assert (post.version, post.posted_at, post.text) == ("2", edited.posted_at, "it works now #Anybrand")


def test_a_spent_budget_goes_on_with_the_token(site: Platform) -> None:
    first = fetch(site, budget=Budget(requests=2))
    assert not first[-1].complete
    assert [batch.gaps for batch in first if batch.gaps] == []
    site.server.requests.clear()
    rest = fetch(site, first[-1].cursor_after)
    assert "next_token" in searches(site)[0].params
    assert ids(first) | ids(rest) == expected(site)
    assert not ids(first) & ids(rest)


def test_money_is_counted_and_not_overspent(site: Platform) -> None:
    batches = fetch(site, budget=Budget(money=1.2))
    assert sum(batch.money for batch in batches) == pytest.approx(1.0)
    assert site.n_billed == 200
    assert "budget of 1.20 is spent" in batches[-1].notes[0]
    rest = fetch(site, batches[-1].cursor_after)
    assert ids(batches) | ids(rest) == expected(site)
    assert sum(batch.money for batch in (*batches, *rest)) == pytest.approx(0.005 * site.n_billed)


def test_a_cursor_older_than_the_window_leaves_a_gap(site: Platform) -> None:
    high = datetime.now(UTC) - 9 * DAY
    cursor = {"v": 1, "streams": {"anybrand": {"high": high.isoformat(), "pending": None}}}
    batches = fetch(site, cursor)
    assert ids(batches) == expected(site)
    (gap,) = (gap for batch in batches for gap in batch.gaps)
    assert gap.since == high
    assert gap.until
    assert abs(datetime.now(UTC) - 7 * DAY - gap.until) < timedelta(minutes=11)


def test_a_token_older_than_the_window_leaves_a_gap(site: Platform) -> None:
    cursor = fetch(site, budget=Budget(requests=1))[-1].cursor_after
    since = datetime.now(UTC) - 9 * DAY
    cursor["streams"]["anybrand"]["pending"]["since"] = since.isoformat()
    (gap,) = (gap for batch in fetch(site, cursor) for gap in batch.gaps)
    assert gap.since == since
    assert len(searches(site)) == 4, "nothing was refused"


def test_by_its_own_clock_x_may_show_less_than_seven_days(site: Platform) -> None:
    site.timeline.now = datetime.now(UTC) + timedelta(hours=1)
    new = site.timeline.add(site.timeline.now - MINUTE)
    high = datetime.now(UTC) - 7 * DAY
    cursor = {"v": 1, "streams": {"anybrand": {"high": high.isoformat(), "pending": None}}}
    batches = fetch(site, cursor)
    assert site.identity(new)[1] in ids(batches)
    gaps = [gap for batch in batches for gap in batch.gaps]
    assert gaps[-1].reason == "posts: it shows no more than its newest posts"
    assert [request.params.get("start_time") is None for request in searches(site)[:2]] == [False, True]


def test_a_token_that_x_does_not_know_any_more(site: Platform) -> None:
    cursor = fetch(site, budget=Budget(requests=1))[-1].cursor_after
    cursor["streams"]["anybrand"]["pending"]["token"] = "gone"
    batches = fetch(site, cursor)
    assert ids(batches) == expected(site)
    assert "Invalid 'next_token'" in batches[0].notes[0]


def test_an_empty_page_with_a_token_is_not_the_end(small: Platform) -> None:
    item = raw()
    small.server.answer = pages(
        {"meta": {"result_count": 0, "next_token": "a"}}, {"data": [], "meta": {"next_token": "b"}},
        {"data": [item], "meta": {"result_count": 1}},
    )  # fmt: skip
    assert ids(fetch(small)) == {item["id"]}


def test_a_token_that_comes_again_ends_the_window(small: Platform) -> None:
    small.server.answer = lambda request: Reply(
        json.dumps({"data": [raw()], "meta": {"result_count": 1, "next_token": "a"}}).encode()
    )
    batches = fetch(small)
    (gap,) = (gap for batch in batches for gap in batch.gaps)
    assert "again and again" in gap.reason
    assert len(small.server.requests) == 2


def test_nothing_found_is_a_page_without_posts(small: Platform) -> None:
    batches = fetch(small)
    assert ids(batches) == set()
    assert batches[-1].complete


# --- what fails how


def test_a_limit_without_a_time_is_asked_five_times_in_all(site: Platform) -> None:
    site.server.every = faults.answers(429, b'{"title": "Too Many Requests", "status": 429, "type": "about:blank"}')
    stop = Clock()
    with pytest.raises(RateLimited):
        fetch(site, stop=stop)
    assert len(site.server.requests) == ATTEMPTS == 5
    assert sum(stop.waits) < 60


def test_a_limit_is_waited_for_by_the_clock_of_x(site: Platform) -> None:
    site.server.faults[2] = faults.answers(
        429, b"", **{k.replace("-", "_"): v for k, v in site.rate_headers(90).items()}
    )
    stop = Clock()
    assert ids(fetch(site, stop=stop)) == expected(site)
    assert all(89 <= wait <= 92 for wait in stop.waits)
    assert len(site.server.requests) == 5


def test_the_end_of_a_limit_is_waited_for_before_it_is_hit(site: Platform) -> None:
    site.limit = 2
    stop = Clock()
    with pytest.raises(RateLimited):
        fetch(site, stop=stop)  # ten minutes are all that a run may take
    assert (stop.waits, len(site.server.requests)) == ([], 2)
    Http._renewed_at.clear()
    site.limit = 4
    with pytest.raises(RateLimited):
        fetch(site, budget=Budget(seconds=1_000), stop=stop)  # the fake's clock stands still: it is never renewed
    assert 890 <= stop.waits[0] <= 900


CREDITS = problem(402, "credits-depleted", "Payment Required", "credits depleted")
CAPPED = problem(429, "usage-capped", "UsageCapExceeded", "Usage cap exceeded: Monthly product cap", period="Monthly")
V1 = Reply(b'{"errors":[{"code":89,"message":"Invalid or expired token."}]}', 401)
NO_PROJECT = problem(
    403, "client-forbidden", "Client Forbidden", "When authenticating requests to the X API v2 endpoints, you must use"
    " keys and tokens from a developer App that is attached to a Project.", reason="client-not-enrolled",
)  # fmt: skip


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (CREDITS, QuotaExhausted, "out of credits: buy some"),
        (Reply(b"", 402), QuotaExhausted, "out of credits"),
        (CAPPED, QuotaExhausted, "may read no more in this billing period: Usage cap exceeded: Monthly product cap"),
        (problem(401, "", "Unauthorized", "Unauthorized"), Auth, "does not take X_BEARER_TOKEN: Unauthorized"),
        (V1, Auth, "does not take X_BEARER_TOKEN: Invalid or expired token"),
        (NO_PROJECT, Auth, "is not for this app: When .* attached to a Project"),
        (Reply(b"<html>", 403), Auth, "is not for this app: see"),
        (Reply(b"", 404), NotFound, "is nowhere: check base_url"),
        (problem(404, "", "Not Found", "Not Found"), NotFound, "404"),
        (Reply(b"[]", 400), BadQuery, "refuses the request$"),
    ],
)
def test_what_cannot_succeed_is_asked_once(site: Platform, reply: Reply, kind: type[SourceError], words: str) -> None:
    site.server.every = lambda exchange, _: exchange.send(reply)
    with pytest.raises(kind, match=f"^127.0.0.1{SEARCH}:? .*{words}") as caught:
        fetch(site)
    assert not caught.value.retryable
    assert len(site.server.requests) == 1
    health = source(site).check()
    assert not health.ok
    assert TOKEN not in f"{health.message} {caught.value}"


def test_what_x_says_of_a_query_is_told(site: Platform) -> None:
    words = "There were errors processing your request: Reference to invalid operator 'min_faves'"
    errors = [{"parameters": {"query": ["x"]}, "message": words}]
    site.server.every = lambda exchange, _: exchange.send(
        problem(400, "invalid-request", "x", "One or more", errors=errors)
    )
    with pytest.raises(BadQuery, match=words):
        fetch(site)
    assert len(site.server.requests) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_is_tried_again(site: Platform, status: int) -> None:
    site.server.faults[2] = faults.answers(status, b"<html>over capacity")
    assert ids(fetch(site)) == expected(site)
    assert len(site.server.requests) == 5


@pytest.mark.parametrize("fault", [faults.short_body, faults.cut_json, faults.reset, faults.cut_chunks])
def test_a_broken_answer_is_tried_again(site: Platform, fault: Any) -> None:
    site.server.faults[2] = fault
    assert ids(fetch(site)) == expected(site)
    assert len(site.server.requests) == 5


@pytest.mark.parametrize(
    "body",
    [
        [], None, {}, {"message": "x"}, {"errors": [{"message": "x"}]}, {"data": None, "meta": {"result_count": 0}},
        {"data": {}, "meta": {"result_count": 0}}, {"data": [], "meta": []}, {"meta": {"result_count": 3}},
        {"posts": [], "meta": {}},
    ],
)  # fmt: skip
def test_an_answer_of_another_shape(site: Platform, body: Any) -> None:
    site.server.every = faults.answers(200, json.dumps(body).encode())
    with pytest.raises(Protocol):
        fetch(site)
    assert len(site.server.requests) == 1


def test_missing_references_do_no_harm(small: Platform) -> None:
    item = raw(referenced_tweets=[{"type": "replied_to", "id": "4"}])
    errors = [
        {"value": "4", "type": "https://api.twitter.com/2/problems/resource-not-found", "title": "Not Found Error"}
    ]
    small.server.answer = pages({"data": [item], "errors": errors, "meta": {"result_count": 1}})
    (batch, _) = fetch(small)
    assert [post.relation for post in batch.posts] == ["reply"]


# --- the rest of what a source does


def test_an_estimate_counts_without_fetching(site: Platform, spelling: str) -> None:
    site.spelling = spelling
    assert source(site).estimate(query()) == Estimate(4, 350, pytest.approx(1.75))
    assert source(site, expand_authors=True).estimate(query()) == Estimate(4, 350, pytest.approx(5.25))
    assert {request.path for request in site.server.requests} == {COUNTS}
    assert {*site.server.requests[0].params} == {"query", "start_time", "granularity"}
    assert site.n_billed == 0


def test_an_estimate_of_nothing(site: Platform) -> None:
    assert source(site).estimate(query("nothingofthesort")) == Estimate(1, 0, 0.0)
    assert source(site).estimate(query("source:reviews AND anybrand")) == Estimate(0, 0, 0.0)
    with pytest.raises(BadQuery):
        source(site).estimate(query("kettl*"))
    site.server.every = faults.answers(200, b'{"data": []}')
    with pytest.raises(Protocol, match="posts: X answered to a count without a number"):
        source(site).estimate(query())


def test_a_check_costs_nothing(site: Platform) -> None:
    health = source(site).check()
    assert (health.ok, health.message) == (True, "X answers, and takes the token; a post costs 0.005 dollars")
    (request,) = site.server.requests
    assert request.path == LOOK_UP
    assert site.n_billed == 0


def test_says_what_is_gone(site: Platform, spelling: str) -> None:
    site.spelling = spelling
    site.advance()
    numbers = {item.number: site.identity(item)[1] for item in site.timeline.shown()}
    deleted, hidden, withheld = list(numbers)[:3]
    site.timeline.items[deleted - 1].deleted_at = site.timeline.now
    site.hidden.add(hidden)
    site.withheld.add(withheld)
    asked = list(numbers.values())
    changes = {change.native_id: change for change in source(site).verify(asked)}
    assert {native_id: change.state for native_id, change in changes.items()} == {
        numbers[deleted]: "unknown_gone", numbers[hidden]: "account_gone", numbers[withheld]: "withheld",
    }  # fmt: skip
    assert all(change.platform == "x" for change in changes.values())
    assert [len(r.params["ids"].split(",")) for r in site.server.requests] == [100, 100, 100, len(numbers) - 300]
    assert {request.params["tweet.fields"] for request in site.server.requests} == {"withheld"}


@pytest.mark.parametrize(
    "body",
    [
        {}, {"meta": {}}, {"data": None}, {"data": [5]}, {"data": [{"id": "x", "withheld": {"country_codes": []}}]},
        {"data": {"id": "1"}}, {"errors": ["x"]},
    ],
)  # fmt: skip
def test_a_look_up_of_another_shape_says_nothing_of_anybody(site: Platform, body: Any) -> None:
    site.server.every = faults.answers(200, json.dumps(body).encode())
    with pytest.raises(Protocol):
        list(source(site).verify(["1"]))


@pytest.mark.parametrize("kind", ["client-forbidden", "rate-limit-exceeded", "about:blank"])
def test_what_is_absent_for_another_reason_is_not_gone(site: Platform, kind: str) -> None:
    errors = [{"value": "1", "type": f"https://api.x.com/2/problems/{kind}"}]
    site.server.every = faults.answers(200, json.dumps({"errors": errors}).encode())
    assert list(source(site).verify(["1", "2"])) == []


@pytest.mark.parametrize("status", [401, 403, 429, 503])
def test_a_failed_look_up_says_nothing_of_anybody(site: Platform, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "_wait", lambda state: 0.0)
    site.server.every = faults.answers(status)
    with pytest.raises(SourceError):
        list(source(site).verify(["1"]))


def test_gap_reasons_name_the_source(site: Platform) -> None:
    cursor = {"v": 1, "streams": {"anybrand": {"high": (datetime.now(UTC) - 9 * DAY).isoformat(), "pending": None}}}
    gaps = [gap for batch in fetch(site, cursor) for gap in batch.gaps]
    assert all(isinstance(gap, Gap) and gap.reason.startswith("posts") for gap in gaps)
