"""Reddit through praw: what is sent, items as posts, pages and their limits, log-in, and what fails how."""

import json
import re
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import praw.config
import pytest

from cxlisten import __version__
from cxlisten.collect import Budget, Estimate, load_source
from cxlisten.collect.feed import read_feed
from cxlisten.collect.http import ATTEMPTS
from cxlisten.collect.sources.reddit import Reddit
from cxlisten.errors import Auth, BadQuery, ConfigError, NotFound, Protocol, RateLimited, SourceError, Transient
from cxlisten.models import Batch, Gap, Post, Query, StateChange
from tests.faults import faults
from tests.faults.clock import Clock
from tests.faults.platforms.reddit import SECRET, SUBREDDITS, failure, markdown
from tests.faults.platforms.reddit import Reddit as Platform
from tests.faults.server import Fault, Reply
from tests.faults.timeline import Item

KETTLES, TEAPOTS = SUBREDDITS
TOKEN = "/api/v1/access_token"
AT = datetime(2026, 11, 20, 7, 8, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def no_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """No library sleeps where `stop` could not wake it."""

    def slept(seconds: float) -> None:
        raise AssertionError(f"slept for {seconds} s")

    monkeypatch.setattr("prawcore.sessions.time.sleep", slept)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    platform = Platform(tmp_path)
    for name, value in platform.secrets.items():
        monkeypatch.setenv(name, value)
    yield platform
    platform.close()


@pytest.fixture
def small(site: Platform) -> Platform:
    """A site with nothing on it."""
    site.timeline.items.clear()
    site.odd.clear()
    return site


def source(site: Platform, **options: Any) -> Reddit:
    loaded = load_source("posts", "reddit", {**site.options(), **options})
    assert isinstance(loaded, Reddit)
    return loaded


def fetch(
    site: Platform, cursor: Any = None, terms: str = "", budget: Budget | None = None, **options: Any
) -> list[Batch]:
    cursor = json.loads(json.dumps(cursor))
    return list(source(site, **options).fetch(Query("q", "b", terms), cursor, budget or Budget(), Clock()))


def fetch_until_it_fails(site: Platform, cursor: Any = None, **options: Any) -> tuple[list[Batch], SourceError]:
    batches: list[Batch] = []
    with pytest.raises(SourceError) as caught:
        batches.extend(source(site, **options).fetch(Query("q", "b", ""), cursor, Budget(), Clock()))
    return batches, caught.value


def ids(batches: list[Batch]) -> list[str]:
    return [post.native_id for batch in batches for post in batch.posts]


def gaps(batches: list[Batch]) -> list[Gap]:
    return [gap for batch in batches for gap in batch.gaps]


def found(site: Platform) -> set[str]:
    return {native_id for _, native_id in site.posts()}


def by_id(site: Platform, native_id: str) -> Item:
    return next(one for one in site.timeline.items if site.identity(one)[1] == native_id)


def paths(site: Platform) -> list[str]:
    return [request.path for request in site.server.requests]


def item(**data: Any) -> dict[str, Any]:
    """A post, or a comment if it has a body."""
    kind = "t1" if "body" in data else "t3"
    least = {"title": "Title"} if kind == "t3" else {}
    return {"kind": kind, "data": {
        "name": f"{kind}_abc1", "author": "someone", "created_utc": AT.timestamp(), "edited": False, **least, **data,
    }}  # fmt: skip


def read(raw: Any) -> Post | StateChange:
    return load_source("posts", "reddit", {"username": "a_tester"}).post(raw, AT)


def read_post(**data: Any) -> Post:
    post = read(item(**data))
    assert isinstance(post, Post)
    return post


# What is sent


def test_logs_in_once_and_asks_each_listing(site: Platform) -> None:
    batches = fetch(site)
    assert set(ids(batches)) == found(site)
    token, *asked = site.server.requests
    assert (token.method, token.path) == ("POST", TOKEN)
    assert dict(parse_qsl(token.body.decode())) == {"grant_type": "client_credentials"}
    assert token.headers["Authorization"].startswith("Basic ")
    assert {request.headers["Authorization"] for request in asked} == {f"bearer {site.tokens[0]}"}
    by_path: dict[str, list[dict[str, str]]] = {}
    for request in asked:
        by_path.setdefault(request.path, []).append(dict(request.params))
    assert list(by_path) == ["/r/Kettles/new", "/r/Kettles/comments", "/r/teapots/new", "/r/teapots/comments"]
    assert [params.pop("after", None) is None for params in by_path["/r/Kettles/new"]] == [True, False, False]
    assert all(
        params | {"after": ""} == {"limit": "100", "raw_json": "1", "after": ""} for params in by_path["/r/Kettles/new"]
    )
    assert sum(batch.n_asked for batch in batches) == len(site.server.requests)


def test_says_who_asks_as_the_rules_want(site: Platform) -> None:
    fetch(site)
    for request in site.server.requests:
        assert re.match(
            rf"\w+:cxlisten:{re.escape(__version__)} \(by /u/a_tester\) PRAW/", request.headers["User-Agent"]
        )


def test_searches_all_of_reddit_without_subreddits(site: Platform) -> None:
    batches = fetch(site, terms="kettle OR staff", subreddits=[])
    asked = [(request.path, dict(request.params)) for request in site.server.requests[1:]]
    same = {"sort": "new", "type": "link", "limit": "100", "raw_json": "1"}
    assert asked[0] == ("/search", {"q": '"kettle"', **same})
    assert ("/search", {"q": '"staff"', **same}) in asked
    texts = {item.number: site.timeline.text(item) for item in site.timeline.shown() if item.number % 3}
    wanted = {
        site.identity(item)[1] for item in site.timeline.items if re.search("kettle|staff", texts.get(item.number, ""))
    }
    assert set(ids(batches)) == wanted
    assert {post.kind for batch in batches for post in batch.posts} == {"post"}


def test_searches_in_a_subreddit(site: Platform) -> None:
    batches = fetch(site, terms="kettle", subreddits=["r/teapots"], listings=["search"])
    assert {request.params["restrict_sr"] for request in site.server.requests[1:]} == {"1"}
    assert set(paths(site)[1:]) == {"/r/teapots/search"}
    assert {post.raw["data"]["subreddit"] for batch in batches for post in batch.posts} == {"teapots"}


def test_without_a_word_there_is_nothing_to_search(site: Platform) -> None:
    with pytest.raises(BadQuery, match="nothing to search for"):
        fetch(site, terms="lang:en", subreddits=[])
    assert site.server.requests == []


@pytest.mark.parametrize(
    ("terms", "options", "searches", "warned"),
    [
        ("kettle", {}, ("",), []),
        ("kettle OR kett*", {"subreddits": []}, ('"kettle"', "kett*"), ["no comments", "beginning"]),
        ("kettle", {"listings": ["search", "comments"]}, ('"kettle"', ""), []),
        ("lang:en", {"subreddits": []}, (), ["nothing to search for", "no comments"]),
    ],
)  # fmt: skip
def test_says_what_reddit_looks_for(
    site: Platform, terms: str, options: dict[str, Any], searches: tuple[str, ...], warned: list[str]
) -> None:
    push_down = source(site, **options).push_down(Query("q", "b", terms))
    assert push_down.searches == searches
    assert not push_down.is_exact
    assert [words in warning for words, warning in zip(warned, push_down.warnings, strict=True)] == [True] * len(warned)


# Items as posts


def test_a_post() -> None:
    raw = item(
        title="Is it > 3? 😡", selftext="I **love** it &amp; more, see [this](https://example.org/a).",
        selftext_html='<!-- SC_OFF --><div class="md"><p>I <strong>love</strong> it &amp; more, see <a href='
        '"https://example.org/a">this</a>.</p>\n\n<blockquote>\n<p>who?</p>\n</blockquote>\n</div><!-- SC_ON -->',
        edited=AT.timestamp() + 60, score=12, num_comments=3, over_18=True, permalink="/r/Kettles/comments/abc1/is_it/",
        upvote_ratio=0.9, removed_by_category=None,
    )  # fmt: skip
    post = read(raw)
    assert post == Post(
        platform="reddit", native_id="t3_abc1", text="Is it > 3? 😡\nI love it & more, see this.\n\nwho?",
        posted_at=AT, fetched_at=AT, raw=raw, kind="post", version=str(int(AT.timestamp()) + 60),
        edited_at=AT + timedelta(minutes=1), author="someone", title="Is it > 3? 😡",
        url="https://www.reddit.com/r/Kettles/comments/abc1/is_it/", thread_id="t3_abc1",
        metrics={"likes": 12, "replies": 3}, sensitive=True, terms="reddit-48h",
    )  # fmt: skip


def test_a_comment() -> None:
    raw = item(
        body="no", body_html=markdown("no"), link_id="t3_xyz", parent_id="t1_uvw", score=1, score_hidden=True,
        permalink="/r/Kettles/comments/xyz/t/abc1/", replies="",
    )  # fmt: skip
    assert read(raw) == Post(
        platform="reddit", native_id="t1_abc1", text="no", posted_at=AT, fetched_at=AT, raw=raw, kind="comment",
        author="someone", url="https://www.reddit.com/r/Kettles/comments/xyz/t/abc1/", thread_id="t3_xyz",
        parent_key="reddit:t1_uvw", relation="reply", terms="reddit-48h",
    )  # fmt: skip


def test_a_crosspost_says_what_its_original_says() -> None:
    original = {"name": "t3_orig", "author": "someone", "selftext": "All of it", "selftext_html": markdown("All of it")}
    crosspost = {"title": "Look", "selftext": "", "crosspost_parent": "t3_orig"}
    post = read_post(**crosspost, crosspost_parent_list=[original])
    assert (post.text, post.relation, post.ref_key) == ("Look\nAll of it", "crosspost", "reddit:t3_orig")
    gone = {**original, "author": None, "selftext": "[deleted]", "selftext_html": markdown("[deleted]")}
    assert read_post(**crosspost, crosspost_parent_list=[gone]).text == "Look"
    assert read_post(**crosspost, crosspost_parent_list=[]).text == "Look"


@pytest.mark.parametrize("author", [None, "[deleted]"])
def test_posts_of_a_closed_account_stay(author: str | None) -> None:
    post = read_post(author=author, selftext="as it was")
    assert (post.author, post.text) == (None, "Title\nas it was")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"body": "![gif](giphy|abc)", "body_html": '<div class="md"><p><img src="x"></p></div>'}, "![gif](giphy|abc)"),
        ({"body": "a &lt; b &#x200B;"}, "a < b \u200b"),
        ({"selftext": None, "selftext_html": None}, "Title"),
        ({"selftext": "x" * 40_000}, "Title\n" + "x" * 40_000),
        ({"title": "e\u0301\0\ud83d "}, "é\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_texts_as_they_come(data: dict[str, Any], text: str) -> None:
    assert read_post(**data).text == text


@pytest.mark.parametrize("edited", [False, None, True, 0])
def test_no_time_of_an_edit(edited: Any) -> None:
    post = read_post(edited=edited)
    assert (post.edited_at, post.version) == (None, "")


def test_only_counts_are_metrics() -> None:
    assert read_post(score=True, num_comments=2.5).metrics == {}
    assert read_post(score=-3).metrics == {"likes": -3}


@pytest.mark.parametrize(
    ("data", "state"),
    [
        ({"author": "[deleted]", "selftext": "[deleted]"}, "deleted_by_author"),
        ({"author": None, "body": "[deleted]"}, "deleted_by_author"),
        ({"author": "[deleted]", "title": "[deleted by user]"}, "deleted_by_author"),
        ({"removed_by_category": "deleted"}, "deleted_by_author"),
        ({"removed_by_category": "moderator"}, "removed_by_mod"),
        ({"removed_by_category": "anti_evil_ops"}, "removed_by_mod"),
        ({"removed_by_category": "copyright_takedown"}, "removed_by_mod"),
        ({"removed_by_category": "automod_filtered"}, "unknown_gone"),
        ({"removed_by_category": "reddit"}, "unknown_gone"),
        ({"removed_by_category": "something_new"}, "unknown_gone"),
        ({"selftext": "[removed]"}, "removed_by_mod"),
        ({"body": "[removed]", "author": "[deleted]"}, "removed_by_mod"),
        ({"title": "[ Removed by moderator ]"}, "removed_by_mod"),
        ({"body": "[ Removed by Reddit ]"}, "removed_by_mod"),
    ],
)
def test_what_is_left_of_a_post_that_is_gone(data: dict[str, Any], state: str) -> None:
    kind = "t1" if "body" in data else "t3"
    assert read(item(**data)) == StateChange("reddit", f"{kind}_abc1", state, AT)  # type: ignore[arg-type]


def test_a_text_that_someone_typed_is_a_text() -> None:
    assert read_post(body="[deleted]").text == "[deleted]"


@pytest.mark.parametrize(
    "bad",
    [
        None, "x", [], {"kind": "t3"}, {"kind": "t3", "data": None}, {"kind": "t1", "data": item()["data"]},
        {"kind": "t5", "data": {"name": "t5_abc"}}, item(name=None), item(name=7), item(name="abc"),
        item(created_utc=None), item(created_utc="soon"), item(created_utc=float("inf")), item(title=None),
        item(title={"not": "text"}), item(author=["a"]), item(body=" "),
    ],
)  # fmt: skip
def test_items_that_cannot_be_mapped(bad: Any) -> None:
    with pytest.raises((ValueError, OverflowError)):
        read(bad)


def test_one_bad_item_in_a_hundred(small: Platform) -> None:
    for n in range(295):  # of which 99 are posts of Kettles
        small.timeline.add(small.timeline.now - timedelta(minutes=400 - n))
    small.odd.append(item(title=None))
    batches = fetch(small, subreddits=[KETTLES], listings=["new"])
    assert len(ids(batches)) == 99
    (reject,) = (reject for batch in batches for reject in batch.rejected)
    assert reject.reason == "neither a title nor a text"
    assert json.loads(reject.payload)["data"]["name"] == "t3_abc1"
    assert reject.where == "r/Kettles/new item 4"


def test_what_a_listing_says_is_gone_is_told_once(site: Platform) -> None:
    gone = [change for batch in fetch(site) for change in batch.deletes]
    assert [(change.native_id, change.state) for change in gone] == [
        ("t3_gone1", "deleted_by_author"), ("t1_gone2", "removed_by_mod"),
    ]  # fmt: skip


def test_the_same_post_by_api_and_by_atom() -> None:
    feed = read_feed(
        b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><author><name>/u/someone</name></author>'
        b'<content type="html">&lt;!-- SC_OFF --&gt;&lt;div class="md"&gt;&lt;p&gt;It&amp;#39;s &lt;em&gt;so&lt;/em&gt;'
        b" good&lt;/p&gt;\n&lt;/div&gt;&lt;!-- SC_ON --&gt; submitted by /u/someone</content><id>t3_abc1</id>"
        b'<link href="https://www.reddit.com/r/Kettles/comments/abc1/title/"/><title>Q&amp;amp;A</title>'
        b"<updated>2026-11-20T07:08:09+00:00</updated></entry></feed>",
        "https://www.reddit.com/r/Kettles/new/.rss", "", {},
    )  # fmt: skip
    by_api = read_post(
        title="Q&A", selftext="It's *so* good", permalink="/r/Kettles/comments/abc1/title/",
        selftext_html='<!-- SC_OFF --><div class="md"><p>It&#39;s <em>so</em> good</p>\n</div><!-- SC_ON -->',
    )  # fmt: skip
    (by_atom,) = feed.posts
    for name in ("platform", "native_id", "text", "title", "author", "kind", "posted_at", "url", "thread_id", "terms"):
        assert getattr(by_atom, name) == getattr(by_api, name), name


# Pages and their limits


def test_a_post_on_two_pages_lands_once(site: Platform) -> None:
    answer = site.server.answer

    def shifted(request: Any) -> Reply:
        if "after" in request.params:
            site.timeline.add(site.timeline.now, text="while we read")
        return answer(request)

    site.server.answer = shifted
    landed = ids(fetch(site))
    assert len(landed) == len(set(landed))


def test_resumes_in_the_midst_of_a_listing(site: Platform) -> None:
    first = fetch(site, budget=Budget(requests=3))
    assert "goes on from there" in first[-1].notes[0]
    assert not first[-1].complete
    assert gaps(first) == []
    n_before = len(site.server.requests)
    rest = fetch(site, first[-1].cursor_after)
    assert site.server.requests[n_before + 1].params["after"].startswith("t3_")
    assert {*ids(first), *ids(rest)} == found(site)
    assert not {*ids(first)} & {*ids(rest)}


def test_the_post_that_a_page_comes_after_is_deleted(site: Platform) -> None:
    first = fetch(site, budget=Budget(requests=2))
    cursor = json.loads(json.dumps(first[-1].cursor_after))
    (state,) = cursor["streams"].values()
    by_id(site, state["pending"]["token"]["after"][0]).deleted_at = site.timeline.now
    batches = fetch(site, cursor)
    assert {*ids(first), *ids(batches)} >= found(site)
    assert gaps(batches) == []


def test_a_listing_whose_next_page_is_not_found_is_read_again(site: Platform) -> None:
    first = fetch(site, budget=Budget(requests=2))
    cursor = json.loads(json.dumps(first[-1].cursor_after))
    state = cursor["streams"]["r/Kettles/new"]
    state["pending"]["token"]["after"] = ["t3_a", "t3_b"]
    second = fetch(site, cursor)
    assert {one for one in ids(second) if site.subreddit(by_id(site, one)) == KETTLES and one.startswith("t3")} == set()
    third = fetch(site, second[-1].cursor_after)
    assert {*ids(first), *ids(second), *ids(third)} == found(site)
    assert gaps([*second, *third]) == []


def test_a_place_near_the_end_of_what_reddit_shows_leaves_a_gap(site: Platform) -> None:
    first = fetch(site, budget=Budget(requests=2))
    cursor = json.loads(json.dumps(first[-1].cursor_after))
    state = cursor["streams"]["r/Kettles/new"]
    state["pending"]["token"] = {"after": ["t3_a"], "n_read": 950}
    batches = fetch(site, cursor)
    (gap,) = gaps(batches)
    assert (gap.since, gap.until) == (
        datetime.fromisoformat(state["pending"]["since"]), datetime.fromisoformat(state["pending"]["top"]),
    )  # fmt: skip
    assert batches[-1].cursor_after["streams"]["r/Kettles/new"]["high"] == state["pending"]["top"]


def test_an_empty_page_with_a_token_is_no_end(site: Platform) -> None:
    after = next(site.identity(one)[1] for one in site.timeline.shown() if one.number % 3 and one.number % 6 < 4)
    empty = {"kind": "Listing", "data": {"children": [], "after": after}}
    site.server.at["/r/Kettles/new", 1] = faults.answers(200, json.dumps(empty).encode())
    batches = fetch(site)
    assert found(site) - set(ids(batches)) <= {after}
    assert [request.params.get("after") for request in site.server.requests[1:3]] == [None, after]


def test_a_last_page_that_is_full_and_names_another(small: Platform) -> None:
    for n in range(300):
        small.timeline.add(small.timeline.now - timedelta(minutes=400 - n))
    answer = small.server.answer

    def never_null(request: Any) -> Reply:
        reply = answer(request)
        if b'"children"' in reply.body:
            page = json.loads(reply.body)
            if children := page["data"]["children"]:
                page["data"]["after"] = children[-1]["data"]["name"]
            return Reply(json.dumps(page).encode(), 200, reply.headers)
        return reply

    small.server.answer = never_null
    batches = fetch(small, subreddits=[KETTLES], listings=["new"])
    assert len(ids(batches)) == 100
    assert len(small.server.requests) < 10


def test_a_page_that_names_itself_as_the_next(site: Platform) -> None:
    name = site.identity(site.timeline.shown()[0])[1]
    site.server.every = lambda exchange, reply: exchange.send(
        Reply(
            re.sub(rb'"after": (null|"\w+")', b'"after": "%s"' % name.encode(), reply.body), reply.status, reply.headers
        )
    )
    batches = fetch(site)
    assert len(site.server.requests) < 20
    assert len(gaps(batches)) == 4
    assert "same page" in gaps(batches)[0].reason


def test_more_than_reddit_shows_leaves_a_gap(small: Platform) -> None:
    for n in range(3_400):
        small.timeline.add(small.timeline.now - timedelta(seconds=10 * (3_400 - n)))
    batches = fetch(small, subreddits=[KETTLES], listings=["new"])
    assert len(ids(batches)) == 1_000
    (gap,) = gaps(batches)
    assert "no more than its newest posts" in gap.reason
    assert gap.until is not None
    oldest = min(post.posted_at for batch in batches for post in batch.posts)
    assert timedelta() <= gap.until - oldest < timedelta(hours=2)
    assert batches[-1].complete
    # What came since is all on the first pages, and nothing is missed.
    small.timeline.advance(hours=1, n_posts=60, lateness=0)
    again = fetch(small, batches[-1].cursor_after, subreddits=[KETTLES], listings=["new"])
    assert gaps(again) == []


def test_a_listing_that_ends_at_its_limit_and_beyond_the_window_is_whole(small: Platform) -> None:
    for n in range(3_000):
        small.timeline.add(small.timeline.now - timedelta(minutes=3 * (3_000 - n)))
    batches = fetch(small, subreddits=[KETTLES], listings=["new"], days=5.2)
    assert gaps(batches) == []


def test_a_search_is_cut_much_earlier(small: Platform) -> None:
    for n in range(450):
        small.timeline.add(small.timeline.now - timedelta(minutes=450 - n), text="a kettle")
    batches = fetch(small, terms="kettle", subreddits=[])
    assert len(ids(batches)) == 250
    assert len(gaps(batches)) == 1
    assert gaps(fetch(small, terms="kettle", subreddits=[KETTLES], listings=["search"])) == []


def test_reads_two_hours_again_for_what_a_moderator_lets_through_late(site: Platform) -> None:
    last = fetch(site)[-1].cursor_after
    late = site.timeline.add(site.timeline.now - timedelta(hours=1.9), site.timeline.now)
    batches = fetch(site, last)
    assert site.identity(late)[1] in ids(batches)
    assert sum(batch.n_asked for batch in batches) == 1 + 2 * 4  # to the first page that is older all through


def test_an_edit_is_a_new_version(site: Platform) -> None:
    new = site.timeline.add(site.timeline.now - timedelta(minutes=50))
    first = fetch(site)
    new.texts.append((site.timeline.now, "edited"))
    (post,) = (p for b in fetch(site, first[-1].cursor_after) for p in b.posts if p.native_id == site.identity(new)[1])
    assert post.edited_at == site.timeline.now
    assert post.version == str(int(site.timeline.now.timestamp()))


# What fails how


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (failure(403, "private"), Auth, "r/Kettles is private"),
        (failure(403, "quarantined"), Auth, "r/Kettles is quarantined"),
        (failure(403, "gated"), Auth, "r/Kettles is quarantined"),
        (failure(403, "gold_only"), Auth, "Premium"),
        (failure(403), Auth, "not approved"),
        (Reply(b"<html>blocked by network security", 403), Auth, "blocks this network"),
        (failure(404, "banned"), NotFound, "r/Kettles was banned"),
        (failure(404), NotFound, "r/Kettles is not there"),
        (
            Reply(b"", 302, {"Location": "https://www.reddit.com/subreddits/search?q=x"}),
            NotFound,
            "r/Kettles is not there",
        ),
        (Reply(b"", 302, {"Location": "https://elsewhere.example/login"}), Protocol, "elsewhere.example"),
    ],
)
def test_a_subreddit_that_cannot_be_read_leaves_the_others(
    site: Platform, reply: Reply, kind: type[SourceError], words: str
) -> None:
    site.closed[KETTLES] = reply
    batches, error = fetch_until_it_fails(site)
    assert isinstance(error, kind)
    assert re.match("2 of 4: ", str(error))
    assert words in str(error)
    assert {post.raw["data"]["subreddit"] for batch in batches for post in batch.posts} == {TEAPOTS}
    assert len(ids(batches)) == len([one for one in site.timeline.shown() if site.subreddit(one) == TEAPOTS])
    assert not batches[-1].complete
    site.closed.clear()
    assert {*ids(batches), *ids(fetch(site, batches[-1].cursor_after))} == found(site)


def test_a_token_that_runs_out_is_replaced(site: Platform) -> None:
    site.token["expires_in"] = 1
    answer, n_asked = site.server.answer, 0

    def short_lived(request: Any) -> Reply:
        nonlocal n_asked
        n_asked += 1
        if n_asked in (4, 8):
            site.tokens.clear()
        return answer(request)

    site.server.answer = short_lived
    assert set(ids(fetch(site))) == found(site)
    assert paths(site).count(TOKEN) == 3


def test_a_token_that_is_never_taken(site: Platform) -> None:
    site.server.at.update({(f"/r/{KETTLES}/new", n): faults.answers(401, b'{"error": 401}') for n in range(1, 9)})
    _, error = fetch_until_it_fails(site, subreddits=[KETTLES], listings=["new"])
    assert isinstance(error, Auth)
    assert "revoked" in str(error)
    assert paths(site) == [TOKEN, "/r/Kettles/new"] * 2


@pytest.mark.parametrize("name", ["REDDIT_CLIENT_ID", "REDDIT_CLIENT_SECRET"])
def test_a_key_that_reddit_does_not_know(site: Platform, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "wr0ng-key")
    with pytest.raises(Auth, match="does not know this key") as caught:
        fetch(site, subreddits=[KETTLES], listings=["new"])
    told = "".join(traceback.format_exception(caught.value))
    assert "wr0ng-key" not in told
    assert SECRET not in told
    assert paths(site) == [TOKEN]


def test_a_key_that_is_not_set(site: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDDIT_CLIENT_SECRET")
    monkeypatch.setenv("REDDIT_CLIENT_ID", " ")
    with pytest.raises(Auth, match=r"REDDIT_CLIENT_ID and REDDIT_CLIENT_SECRET not set.*rss.*/new/\.rss"):
        fetch(site)
    health = source(site).check()
    assert not health.ok
    assert "approves each new key" in health.message
    assert site.server.requests == []


def test_a_token_server_that_is_down_for_a_moment(site: Platform) -> None:
    site.server.at.update({(TOKEN, n): faults.answers(500, b"<html>") for n in (1, 2)})
    site.server.at[TOKEN, 3] = faults.cut_json
    site.server.at[TOKEN, 4] = faults.reset
    assert set(ids(fetch(site))) == found(site)


def test_a_token_server_that_is_down(site: Platform) -> None:
    site.server.at.update({(TOKEN, n): faults.answers(500) for n in range(1, 99)})
    _, error = fetch_until_it_fails(site, subreddits=[KETTLES], listings=["new"])
    assert isinstance(error, Transient)
    assert paths(site) == [TOKEN] * ATTEMPTS


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"error": "unsupported_grant_type"}', Auth),
        (b'{"access_token": "x"}', Protocol),
        (b'{"access_token": "x", "expires_in": "soon", "scope": "*"}', Protocol),
        (b"[]", Protocol),
        (b"<html>whoa there, pardner", Protocol),
    ],
)
def test_a_token_that_is_none(site: Platform, body: bytes, kind: type[SourceError]) -> None:
    site.server.at[TOKEN, 1] = faults.answers(200, body)
    with pytest.raises(kind):
        fetch(site, subreddits=[KETTLES], listings=["new"])
    assert len(site.server.requests) == 1


def test_waits_for_its_limit_and_goes_on(site: Platform) -> None:
    site.server.faults[3] = faults.answers(429, b"{}", **{"x-ratelimit-reset": "299.7"})
    clock = Clock()
    batches = list(source(site).fetch(Query("q", "b", ""), None, Budget(), clock))
    assert {post.native_id for batch in batches for post in batch.posts} == found(site)
    (waited,) = (wait for wait in clock.waits if wait > 5)
    assert 299 < waited < 302


def test_stops_before_its_limit_is_hit(site: Platform) -> None:
    site.server.at[f"/r/{KETTLES}/new", 1] = lambda exchange, reply: exchange.send(
        Reply(reply.body, 200, {**reply.headers, **site.rate_headers(120.5)})
    )
    clock = Clock()
    list(source(site).fetch(Query("q", "b", ""), None, Budget(), clock))
    assert [round(wait) for wait in clock.waits] == [120]


def test_a_limit_without_an_end_is_bounded(site: Platform) -> None:
    site.server.every = faults.answers(429, b"<html>whoa there, pardner!</html>")
    _, error = fetch_until_it_fails(site, subreddits=[KETTLES], listings=["new"])
    assert isinstance(error, RateLimited)
    assert len(site.server.requests) == ATTEMPTS


@pytest.mark.parametrize(
    "fault",
    [
        faults.answers(503),
        faults.answers(520, b"<html>"),
        faults.cut_json,
        faults.short_body,
        faults.reset,
        faults.answers(200),
    ],
)
def test_what_may_pass_is_tried_again(site: Platform, fault: Fault) -> None:
    site.server.faults[3] = fault
    assert set(ids(fetch(site))) == found(site)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>whoa there, pardner", b"[]", b"null", b'{"error": 404}', b'{"data": null}',
        b'{"data": {"children": null}}',
        b'{"data": {"children": {}, "after": null}}', b'{"data": {"children": [], "after": 7}}',
    ],
)  # fmt: skip
def test_an_answer_of_another_shape(site: Platform, body: bytes) -> None:
    site.server.at[f"/r/{KETTLES}/new", 2] = faults.answers(200, body)
    batches, error = fetch_until_it_fails(site, subreddits=[KETTLES], listings=["new"])
    assert isinstance(error, Protocol)
    assert len(ids(batches)) == 95  # the first page, less what is odd on it
    site.server.at.clear()
    rest = fetch(site, batches[-1].cursor_after, subreddits=[KETTLES], listings=["new"])
    assert len({*ids(batches), *ids(rest)}) == len(ids(batches)) + len(ids(rest))


def test_a_number_that_is_none_is_null(small: Platform) -> None:
    new = small.timeline.add(small.timeline.now)
    small.changes[new.number] = {"score": float("nan")}
    (post,) = fetch(small, subreddits=[KETTLES], listings=["new"])[0].posts
    assert post.raw["data"]["score"] is None
    assert "likes" not in post.metrics


def test_the_key_does_not_go_over_plain_http(site: Platform) -> None:
    with pytest.raises(Auth, match="plain http"):
        fetch(site, base_url="http://reddit.example")


def test_an_address_that_is_none(site: Platform) -> None:
    with pytest.raises(SourceError):
        fetch(site, base_url="nonsense", subreddits=[KETTLES], listings=["new"])


def test_a_praw_ini_that_lies_about_changes_nothing(
    site: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "praw.ini").write_text("[DEFAULT]\noauth_url=http://localhost:1\nusername=x\npassword=y\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(praw.config.Config, "CONFIG", None)
    with pytest.warns(UserWarning, match="overrides"):
        fetch(site)
    assert set(ids(fetch(site))) == found(site)
    assert b"password" not in site.server.requests[0].body
    monkeypatch.undo()
    praw.config.Config.CONFIG = None


# What is asked besides


def test_asks_for_posts_again_by_the_hundred(site: Platform) -> None:
    alive, deleted, removed, absent, held, again = site.timeline.items[:6]
    deleted.deleted_at = site.timeline.now
    site.changes = {
        removed.number: {"body": "[removed]"}, held.number: {"removed_by_category": "automod_filtered"},
        again.number: {"author": None},
    }  # fmt: skip
    site.timeline.items.remove(absent)
    asked = [
        site.identity(one)[1] for one in (alive, deleted, removed, absent, held, again, *site.timeline.items[5:240])
    ]
    changes = list(source(site).verify([*asked, "not-an-id", "t3_"]))
    assert [(change.native_id, change.state) for change in changes] == [
        (asked[1], "deleted_by_author"), (asked[2], "removed_by_mod"), (asked[3], "unknown_gone"),
        (asked[4], "unknown_gone"),
    ]  # fmt: skip
    assert {change.platform for change in changes} == {"reddit"}
    assert paths(site) == [TOKEN, *["/api/info"] * 3]
    assert {*site.server.requests[1].params} == {"id", "raw_json"}
    assert all(len(request.params["id"].split(",")) <= 100 for request in site.server.requests[1:])


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (faults.answers(403), Auth), (faults.answers(401), Auth), (faults.answers(500), Transient),
        (faults.answers(404), NotFound), (faults.answers(200, b'{"data": {}}'), Protocol),
        (faults.answers(200, b'{"data": {"children": [{"kind": "t3", "data": {}}]}}'), Protocol),
    ],
)  # fmt: skip
def test_a_failure_is_no_absence(
    site: Platform, fault: Fault, kind: type[SourceError], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cxlisten.collect.http._wait", lambda state: 0.0)
    site.server.at.update({("/api/info", n): fault for n in range(1, 9)})
    with pytest.raises(kind):
        list(source(site).verify(["t3_abc"]))


def test_an_estimate_asks_for_nothing(site: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDDIT_CLIENT_ID")
    assert source(site).estimate(Query("q", "b", "")) == Estimate(requests=5)
    assert source(site, subreddits=[]).estimate(Query("q", "b", "kettle OR tea")) == Estimate(requests=3)
    assert site.server.requests == []


def test_a_check_names_each_subreddit_that_cannot_be_read(site: Platform) -> None:
    site.closed[TEAPOTS] = failure(403, "private")
    health = source(site, subreddits=[KETTLES, TEAPOTS, "nowhere"]).check()
    assert not health.ok
    private, absent = health.message.split("; ")
    assert private == "127.0.0.1: r/teapots is private: only its members can read it"
    assert absent == "127.0.0.1: r/nowhere is not there: check its name"
    assert [request.params["limit"] for request in site.server.requests[1:]] == ["1"] * 3


def test_a_check_without_subreddits(site: Platform) -> None:
    assert source(site, subreddits=[]).check().ok
    assert paths(site) == [TOKEN, "/new"]


def test_a_check_of_a_wrong_key_asks_once(site: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDDIT_CLIENT_SECRET", "wr0ng")
    health = source(site).check()
    assert not health.ok
    assert "check REDDIT_CLIENT_ID and REDDIT_CLIENT_SECRET" in health.message
    assert paths(site) == [TOKEN]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"username": None}, "username"),
        ({"username": "someone else"}, "is no name"),
        ({"subreddits": ["https://reddit.com/r/x"]}, "is no name"),
        ({"subreddits": ["a+b"]}, "is no name"),
        ({"subreddits": [], "listings": ["new"]}, "name some"),
        ({"listings": ["hot"]}, "search"),
        ({"days": 0}, "days"),
    ],
)
def test_mistakes_in_the_options(site: Platform, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        source(site, **options)


def test_names_as_people_write_them(site: Platform) -> None:
    options = source(site, username="/u/Some_one", subreddits=["r/a_b", "/r/cd/", "u_name"]).options
    assert (options.username, options.subreddits) == ("Some_one", ("a_b", "cd", "u_name"))
