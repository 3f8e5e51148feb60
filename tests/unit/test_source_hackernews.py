"""Hacker News: what is sent for a query, how time is cut under the search's cap, and items as posts."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cxlisten.collect import Budget, Source, load_source
from cxlisten.errors import Auth, NotFound, Protocol, RateLimited, SourceError, Transient
from cxlisten.models import Batch, Post, Query
from cxlisten.query.pushdown import searches
from tests.faults import faults
from tests.faults.clock import Clock
from tests.faults.platforms.hackernews import HackerNews
from tests.faults.server import Fault, Reply


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HackerNews]:
    platform = HackerNews(tmp_path)
    platform.timeline.items.clear()
    platform.timeline.now = datetime.now(UTC)
    platform.bad["created_at_i"] = 0
    monkeypatch.setattr("cxlisten.collect.sources.hackernews.Event", Clock)
    yield platform
    platform.close()


def source_of(site: HackerNews, **options: Any) -> Source:
    return load_source("hn", "hackernews", {**site.options(), **options})


def fetch(
    site: HackerNews, cursor: Any = None, terms: str = "", budget: Budget | None = None, **options: Any
) -> list[Batch]:
    return list(source_of(site, **options).fetch(Query("q", "b", terms), cursor, budget or Budget(), Clock()))


def ids(batches: list[Batch]) -> list[str]:
    return [post.native_id for batch in batches for post in batch.posts]


@pytest.mark.parametrize(
    ("terms", "sent"),
    [
        ("", [""]),
        ("pellworth", ['"pellworth"']),
        ('"iced coffee" OR @pellworth OR #pellworthcoffee', ['"iced coffee"', '"pellworth"', '"pellworthcoffee"']),
        ("coff*", ["coff"]),
        ("pellworth AND (coffee OR tea) AND NOT giveaway", ['"pellworth"']),
        ("(coffee OR tea) NEAR/5 pellworth", ['"pellworth"']),
        ("source:hn AND pellworth", ['"pellworth"']),
        ("pellworth OR source:hn", [""]),
        ("lang:en", [""]),
    ],
)  # fmt: skip
def test_sends_words_one_of_which_every_match_holds(terms: str, sent: list[str]) -> None:
    assert searches(terms) == sorted(sent)


def test_asks_for_each_search_and_lands_a_post_once(site: HackerNews) -> None:
    site.add(site.now - 60, text="kettle and toaster")
    site.add(site.now - 50, text="kettle")
    site.add(site.now - 40, text="a lamp")
    batches = fetch(site, terms="kettle OR toaster")
    assert len(ids(batches)) == 2
    assert [request.params["query"] for request in site.server.requests] == ['"kettle"', '"toaster"']
    assert {request.params["advancedSyntax"] for request in site.server.requests} == {"true"}


def test_says_when_a_query_cannot_narrow_the_search(site: HackerNews) -> None:
    (batch,) = fetch(site, terms="lang:en", days=0.01)
    assert "all of Hacker News" in batch.notes[0]


def test_a_story(site: HackerNews) -> None:
    site.hits.append({
        "objectID": "1", "created_at": "2024-05-06T07:08:09Z", "created_at_i": site.now - 60, "author": "someone",
        "title": "Ask HN: is it &gt; 3?", "story_text": "Hi<p>It&#x27;s <i>me</i>", "points": 3, "num_comments": None,
    })  # fmt: skip
    (post,) = fetch(site)[0].posts
    assert post == Post(
        platform="hackernews", native_id="1", text="Ask HN: is it &gt; 3?\nHi\n\nIt's me", kind="post",
        author="someone", posted_at=datetime.fromtimestamp(site.now - 60, UTC), fetched_at=post.fetched_at,
        raw=site.hits[0], title="Ask HN: is it &gt; 3?", url="https://news.ycombinator.com/item?id=1", thread_id="1",
        metrics={"likes": 3}, terms="hackernews",
    )  # fmt: skip


def test_a_comment(site: HackerNews) -> None:
    link = '<a href="https:&#x2F;&#x2F;example.org&#x2F;a-long-path" rel="nofollow">https:&#x2F;&#x2F;exampl...</a>'
    site.hits.append({
        "objectID": "9", "created_at_i": site.now - 60, "author": "someone", "title": None, "story_id": 7,
        "parent_id": 8, "comment_text": f"See {link}<p><pre><code>a\n  b</code></pre>", "points": None,
    })  # fmt: skip
    (post,) = fetch(site)[0].posts
    assert post.text == "See https://example.org/a-long-path\n\na\nb"
    assert (post.kind, post.relation, post.thread_id, post.parent_key) == ("comment", "reply", "7", "hackernews:8")


def test_one_bad_item_in_a_hundred(site: HackerNews) -> None:
    for n in range(99):
        site.add(site.now - 1_000 + n)
    site.hits.append({"objectID": "5", "created_at_i": site.now - 10, "title": {"not": "a text"}})
    (batch,) = fetch(site, days=0.05)
    assert len(batch.posts) == 99
    (reject,) = batch.rejected
    assert "title" in reject.reason
    assert json.loads(reject.payload)["objectID"] == "5"


@pytest.mark.parametrize(
    "change",
    [
        {"objectID": "x1"}, {"created_at_i": None, "created_at": "yesterday"}, {"title": None, "story_text": None},
        {"author": ["a"]},
    ],
)  # fmt: skip
def test_items_that_cannot_be_mapped(site: HackerNews, change: dict[str, Any]) -> None:
    site.add(site.now - 10)
    hit = {**site.hits.pop(), **change}
    site.server.answer = lambda request: Reply(json.dumps({"hits": [hit], "nbPages": 1}).encode())
    (batch,) = fetch(site)
    assert batch.posts == []
    assert len(batch.rejected) == 1


def test_a_burst_is_cut_into_slices_until_each_fits(site: HackerNews) -> None:
    for n in range(3_500):
        site.add(site.now - 90_000 + n // 4)
    batches = fetch(site, days=2)
    assert sorted(set(ids(batches))) == sorted(hit["objectID"] for hit in site.hits)
    assert len(ids(batches)) == len(site.hits)
    assert [gap for batch in batches for gap in batch.gaps] == []
    assert len(site.server.requests) < 60
    assert sum(batch.n_asked for batch in batches) == len(site.server.requests)
    highs = [batch.cursor_after["high"] for batch in batches]
    assert highs == sorted(highs)


def test_a_second_with_more_than_can_be_shown_leaves_a_gap(site: HackerNews) -> None:
    at = site.now - 5_000
    for _ in range(1_200):
        site.add(at)
    site.add(site.now - 100)
    batches = fetch(site, days=0.1)
    (gap,) = (gap for batch in batches for gap in batch.gaps)
    assert gap.since == datetime.fromtimestamp(at, UTC)
    assert (gap.until.timestamp() if gap.until else 0) == at + 1
    assert len(set(ids(batches))) == 1_001


def test_reads_two_hours_again_for_what_is_indexed_late(site: HackerNews) -> None:
    site.add(site.now - 3_600)
    last = fetch(site)[-1].cursor_after
    late = site.add(site.now - 7_000)
    assert late in ids(fetch(site, last))


def test_a_cursor_from_the_future_is_brought_back(site: HackerNews) -> None:
    new = site.add(site.now - 100)
    assert ids(fetch(site, {"v": 1, "high": site.now + 10**7})) == [new]


def test_a_spent_budget_goes_on_at_the_next_run(site: HackerNews) -> None:
    for n in range(2_500):
        site.add(site.now - 90_000 + n // 4)
    first = fetch(site, days=2, budget=Budget(requests=15))
    assert len(site.server.requests) == 15
    assert not first[-1].complete
    assert "budget" in first[-1].notes[-1]
    rest = fetch(site, first[-1].cursor_after)
    assert {*ids(first), *ids(rest)} == {hit["objectID"] for hit in site.hits}


def test_a_fetch_that_is_stopped_in_the_overlap_does_not_go_back(site: HackerNews) -> None:
    last = fetch(site)[-1].cursor_after
    stopped = fetch(site, last, budget=Budget(requests=0))
    assert stopped[-1].cursor_after == last


def test_nothing_of_a_slice_that_failed_is_landed(site: HackerNews) -> None:
    site.add(site.now - 100, text="kettle")
    site.server.faults = dict.fromkeys(range(2, 8), faults.answers(503))
    with pytest.raises(Transient, match="503"):
        fetch(site, terms="kettle OR toaster")


def test_an_edited_comment_has_another_text_under_the_same_id(site: HackerNews) -> None:
    item = site.timeline.add(site.timeline.now - timedelta(minutes=30), text="the kettle leaks")
    (before,) = fetch(site)[-1].posts
    item.texts.append((site.timeline.now, "the kettle does not leak any more"))
    (after,) = fetch(site, fetch(site)[-1].cursor_after)[-1].posts
    assert after.native_id == before.native_id
    assert (before.text.endswith("leaks"), after.text.endswith("any more")) == (True, True)
    assert before.version == after.version == ""  # the text itself is the version


def test_our_clock_ahead_of_theirs_skips_nothing(site: HackerNews) -> None:
    site.timeline.now -= timedelta(hours=9)
    last = fetch(site)[-1].cursor_after
    site.timeline.now += timedelta(hours=1)
    new = site.add(site.now - 600)
    assert ids(fetch(site, last)) == [new]


def test_a_kept_reject_is_mapped_again(site: HackerNews) -> None:
    site.hits.append({"objectID": "5", "created_at_i": site.now - 10, "title": {"not": "a text"}})
    (reject,) = fetch(site, days=0.05)[0].rejected
    item = json.loads(reject.payload)
    with pytest.raises(ValueError, match=reject.reason):
        source_of(site).post(item, datetime.now(UTC))
    post = source_of(site).post(item | {"title": "A title"}, datetime.now(UTC))
    assert isinstance(post, Post)
    assert (post.native_id, post.text) == ("5", "A title")


def test_push_down_is_what_is_sent(site: HackerNews) -> None:
    query = Query("q", "b", "kettle OR toaster")
    assert source_of(site).push_down(query).searches == ('"kettle"', '"toaster"')
    fetch(site, terms=query.terms, days=0.01)
    assert [request.params["query"] for request in site.server.requests] == ['"kettle"', '"toaster"']
    everything = source_of(site).push_down(Query("q", "b", "lang:en"))
    assert (everything.searches, everything.is_exact) == (("",), False)
    assert "all of Hacker News" in everything.warnings[0]


@pytest.mark.parametrize(
    ("body", "state"),
    [
        ({"id": 7, "type": "comment", "text": "still here"}, None),
        ({"id": 7, "deleted": True, "type": "comment"}, "deleted_by_author"),
        ({"id": 7, "dead": True, "type": "story"}, "removed_by_mod"),
        ({"id": 7, "deleted": True, "dead": True}, "deleted_by_author"),
        (None, "unknown_gone"),
    ],
)
def test_verify_asks_the_site_itself(site: HackerNews, body: Any, state: str | None) -> None:
    site.server.answer = lambda request: Reply(json.dumps(body).encode())
    changes = list(source_of(site).verify(["7"]))
    assert [request.path for request in site.server.requests] == ["/v0/item/7.json"]
    assert [(c.platform, c.native_id, c.state) for c in changes] == ([("hackernews", "7", state)] if state else [])


def test_verify_tells_the_deleted_from_the_others(site: HackerNews) -> None:
    kept, gone = (site.timeline.add(site.timeline.now - timedelta(hours=1)) for _ in range(2))
    gone.deleted_at = site.timeline.now
    changes = list(source_of(site).verify([site.identity(item)[1] for item in (kept, gone)] + ["1"]))
    assert [(c.native_id, c.state) for c in changes] == [
        (site.identity(gone)[1], "deleted_by_author"), ("1", "unknown_gone"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (faults.answers(500), Transient), (faults.answers(401), Auth), (faults.answers(403), Auth),
        (faults.answers(404), NotFound), (faults.answers(200, b'{"error": "x"}'), Protocol),
        (faults.answers(200, b'{"id": 8}'), Protocol), (faults.answers(200, b"nul"), Protocol),
    ],
)  # fmt: skip
def test_a_failure_is_no_proof_of_absence(site: HackerNews, fault: Fault, error: type[SourceError]) -> None:
    site.server.every = fault
    with pytest.raises(error):
        list(source_of(site).verify(["7"]))


@pytest.mark.parametrize("body", [b'{"hits": null}', b'{"message": "x"}', b"<html>"])
def test_an_answer_of_another_shape(site: HackerNews, body: bytes) -> None:
    site.server.every = faults.answers(200, body)
    with pytest.raises(Protocol):
        fetch(site)


def test_a_limit_names_its_end(site: HackerNews) -> None:
    site.server.every = faults.answers(429, Retry_After="7200")
    with pytest.raises(RateLimited, match="slow down until"):
        fetch(site)
    health = source_of(site).check()
    assert not health.ok
    assert "slow down" in health.message


def test_an_estimate_fetches_no_post(site: HackerNews) -> None:
    for n in range(1_500):
        site.add(site.now - 90_000 + n)
    estimate = source_of(site).estimate(Query("q", "b", ""))
    assert (estimate.requests, estimate.posts) == (2, 1_500)
    assert [request.params["hitsPerPage"] for request in site.server.requests] == ["0"]
