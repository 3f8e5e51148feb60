"""YouTube: what is asked, threads and replies as posts, quota and other refusals, and what is gone."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cxlisten.collect import Budget, PushDown, load_source
from cxlisten.collect.sources.youtube import YouTube
from cxlisten.errors import Auth, BadQuery, ConfigError, NotFound, Protocol, QuotaExhausted, RateLimited, Transient
from cxlisten.models import Batch, Post, Query
from tests.faults import faults
from tests.faults.clock import Clock
from tests.faults.platforms.youtube import CHANNEL, KEY, QUIET, VIDEO, failure
from tests.faults.platforms.youtube import YouTube as Platform
from tests.faults.server import Fault, Reply

QUERY = Query("q", "b", "")
THREADS, COMMENTS = "/commentThreads", "/comments"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    monkeypatch.setenv("YOUTUBE_API_KEY", KEY)
    monkeypatch.setattr("cxlisten.collect.sources.youtube.Event", Clock)
    platform = Platform(tmp_path)
    platform.timeline.items.clear()
    platform.parents.clear()
    yield platform
    platform.close()


def source(site: Platform, **options: Any) -> YouTube:
    given = {"base_url": site.options()["base_url"], "videos": [VIDEO], **options}
    found = load_source("yt", "youtube", given)
    assert isinstance(found, YouTube)
    return found


def fetch(site: Platform, cursor: Any = None, budget: Budget | None = None, **options: Any) -> list[Batch]:
    cursor = json.loads(json.dumps(cursor))
    return list(source(site, **options).fetch(QUERY, cursor, budget or Budget(), Clock()))


def posts(batches: list[Batch]) -> list[Post]:
    return [post for batch in batches for post in batch.posts]


def ids(batches: list[Batch]) -> set[str]:
    return {post.native_id for post in posts(batches)}


def comment(site: Platform, minutes_ago: float = 60, text: str = "It leaks", parent: str = "", **more: Any) -> Any:
    at = (site.timeline.now - timedelta(minutes=minutes_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")
    snippet = {
        "videoId": VIDEO, "textDisplay": text, "textOriginal": text, "authorDisplayName": "@someone",
        "authorChannelId": {"value": "UCsomeone"}, "likeCount": 2, "publishedAt": at, "updatedAt": at, **more,
    }  # fmt: skip
    return {"id": "Ug1", "snippet": {**snippet, **({"parentId": parent} if parent else {})}}


def answers(site: Platform, *threads: Any) -> None:
    site.server.answer = lambda request: Reply(json.dumps({"kind": "x", "items": threads}).encode())


def thread(top: Any, n_replies: int = 0, replies: Any = None) -> dict[str, Any]:
    snippet = {"videoId": VIDEO, "topLevelComment": top, "totalReplyCount": n_replies}
    return {"id": top["id"], "snippet": snippet, **({"replies": {"comments": replies}} if replies else {})}


def refuses(status: int, reason: str, message: str = "no", detail: str = "") -> Fault:
    reply = failure(status, reason, message, detail)
    return lambda exchange, _: exchange.send(reply)


def test_asks_for_the_newest_threads_with_the_key_in_a_header(site: Platform) -> None:
    site.timeline.advance(1, 10)
    fetch(site, channels=[CHANNEL])
    of_video, of_channel = site.server.requests
    assert of_video.path == "/youtube/v3/commentThreads"
    assert {name: of_video.params[name] for name in ("videoId", "part", "order", "maxResults", "textFormat")} == {
        "videoId": VIDEO, "part": "snippet,replies", "order": "time", "maxResults": "100", "textFormat": "plainText",
    }  # fmt: skip
    assert of_channel.params["allThreadsRelatedToChannelId"] == CHANNEL
    assert "videoId" not in of_channel.params
    assert of_video.headers["x-goog-api-key"] == KEY
    assert all(KEY not in json.dumps([dict(request.params), request.path]) for request in site.server.requests)


def test_a_comment(site: Platform) -> None:
    item = thread(comment(site, text="It leaks\r\n& drips"), n_replies=4)
    answers(site, item)
    (post,) = posts(fetch(site))
    at = site.timeline.now - timedelta(minutes=60)
    assert post == Post(
        platform="youtube", native_id="Ug1", text="It leaks\n& drips", posted_at=at, fetched_at=post.fetched_at,
        raw=item, kind="comment", version=f"{at.timestamp():.0f}", author="@someone",
        url=f"https://www.youtube.com/watch?v={VIDEO}&lc=Ug1", thread_id="Ug1", metrics={"likes": 2, "replies": 4},
        terms="youtube-30d",
    )  # fmt: skip


def test_a_reply(site: Platform) -> None:
    reply = comment(site, 30, "Mine too", parent="Ug1", authorDisplayName="An old name") | {"id": "Ug1.9"}
    del reply["snippet"]["videoId"]
    answers(site, thread(comment(site), 1, [reply]))
    _, post = posts(fetch(site))
    assert (post.native_id, post.relation, post.parent_key, post.thread_id) == ("Ug1.9", "reply", "youtube:Ug1", "Ug1")
    assert post.url == f"https://www.youtube.com/watch?v={VIDEO}&lc=Ug1.9"
    assert post.author == "UCsomeone"
    assert post.metrics == {"likes": 2}


def test_an_edited_comment_has_another_version(site: Platform) -> None:
    site.timeline.advance(1, 1)
    (before,) = posts(fetch(site))
    site.timeline.now += timedelta(hours=1)
    item = site.timeline.items[0]
    item.texts.append((site.timeline.now, "changed"))
    (after,) = posts(fetch(site))
    assert (after.native_id, after.posted_at) == (before.native_id, before.posted_at)
    assert (after.text, after.edited_at, before.edited_at) == ("changed", site.timeline.now, None)
    assert after.version != before.version


def test_a_comment_without_its_original_text_or_its_author(site: Platform) -> None:
    top = comment(site, textOriginal=None, textDisplay="shown", authorChannelId=None, authorDisplayName=None)
    answers(site, thread(top))
    (post,) = posts(fetch(site))
    assert (post.text, post.author) == ("shown", None)


def test_a_discussion_on_a_channel_is_on_no_video(site: Platform) -> None:
    top = comment(site, videoId=None)
    answers(site, thread(top))
    assert posts(fetch(site))[0].url is None


@pytest.mark.parametrize(
    "change",
    [
        {"id": None}, {"id": 5}, {"snippet": None}, {"snippet": {"publishedAt": "2024-01-01T00:00:00Z"}},
        {"snippet": {"textDisplay": "no time"}}, {"snippet": {"textDisplay": ["x"], "publishedAt": "2024-01-01"}},
    ],
)  # fmt: skip
def test_one_bad_comment_in_a_hundred(site: Platform, change: dict[str, Any]) -> None:
    good = [thread(comment(site, n) | {"id": f"Ug{n}"}) for n in range(1, 100)]
    bad = thread(comment(site)) | {"snippet": {"topLevelComment": comment(site) | change}}
    answers(site, bad, *good)
    batches = fetch(site)
    assert len(posts(batches)) == 99
    (reject,) = (reject for batch in batches for reject in batch.rejected)
    with pytest.raises(ValueError, match=re.escape(reject.reason)):
        source(site).post(json.loads(reject.payload), datetime.now(UTC))


def test_what_is_no_thread_is_rejected(site: Platform) -> None:
    answers(
        site, None, "x", {"snippet": []}, {"snippet": {}, "replies": []}, {"snippet": {}, "replies": {"comments": [7]}}
    )
    batches = fetch(site)
    assert posts(batches) == []
    assert sum(len(batch.rejected) for batch in batches) == 6


def test_replies_that_are_not_shown_are_asked_for_page_by_page(site: Platform) -> None:
    for n in range(260):
        site.timeline.add(site.timeline.now - timedelta(minutes=300 - n))
    site.parents.update(dict.fromkeys(range(2, 261), 1))
    batches = fetch(site)
    assert ids(batches) == {native_id for _, native_id in site.posts()}
    asked = [request.params for request in site.server.requests if request.path.endswith(COMMENTS)]
    assert [params["parentId"] for params in asked] == ["Ug000001"] * 3
    assert [post.url for post in posts(batches) if VIDEO not in (post.url or "")] == []


def test_replies_of_threads_without_recent_ones_are_not_asked_for(site: Platform) -> None:
    for n in range(20):
        site.timeline.add(site.timeline.now - timedelta(days=9, minutes=n))
    site.parents.update(dict.fromkeys(range(2, 21), 1))
    fetch(site)
    assert [request.path for request in site.server.requests] == ["/youtube/v3/commentThreads"]


def test_a_thread_deleted_in_the_meantime_costs_its_hidden_replies_only(site: Platform) -> None:
    for n in range(20):
        site.timeline.add(site.timeline.now - timedelta(minutes=90 - n))
    site.parents.update(dict.fromkeys(range(2, 21), 1))
    site.server.at[COMMENTS, 1] = refuses(404, "commentNotFound")
    assert len(ids(fetch(site))) == 6


def test_a_token_of_replies_that_repeats_ends_them(site: Platform) -> None:
    reply = comment(site, 30, parent="Ug1") | {"id": "Ug1.9"}
    page = {"kind": "x", "items": [reply], "nextPageToken": "again"}
    top = {"kind": "x", "items": [thread(comment(site), 9)]}
    site.server.answer = lambda request: Reply(json.dumps(page if request.path.endswith(COMMENTS) else top).encode())
    assert ids(fetch(site)) == {"Ug1", "Ug1.9"}
    assert len(site.server.requests) == 3


def test_pages_end_where_the_window_does(site: Platform) -> None:
    for n in range(1_500):
        site.timeline.add(site.timeline.now - timedelta(hours=n))
    site.parents.update(dict.fromkeys(range(1, 1_501), 0))
    first = fetch(site, days=30)
    assert len(ids(first)) >= 30 * 24 // 2
    n_asked = len(site.server.requests)
    assert n_asked < 8
    again = fetch(site, first[-1].cursor_after, days=30)
    assert 7 * 24 // 2 <= len(ids(again)) < len(ids(first))
    assert len(site.server.requests) - n_asked == 2


def test_reads_a_week_again_for_late_replies(site: Platform) -> None:
    site.timeline.add(site.timeline.now - timedelta(days=6))
    first = fetch(site)
    site.timeline.now += timedelta(hours=5)
    late = site.timeline.add(site.timeline.now - timedelta(hours=1))
    site.parents[late.number] = 1
    assert site.identity(late)[1] in ids(fetch(site, first[-1].cursor_after))


def test_a_spent_budget_goes_on_with_the_same_token(site: Platform) -> None:
    site.timeline.advance(20, 500)
    site.parents.update(dict.fromkeys(range(1, 501), 0))
    first = fetch(site, budget=Budget(requests=1))
    assert not first[-1].complete
    assert "budget" in first[-1].notes[-1]
    rest = fetch(site, first[-1].cursor_after)
    assert ids(first) | ids(rest) == {site.identity(item)[1] for item in site.timeline.shown() if item.number % 2}
    assert "pageToken" in site.server.requests[1].params


def test_a_token_of_the_last_run_that_is_refused_starts_the_window_anew(site: Platform) -> None:
    site.timeline.advance(20, 500)
    cursor = json.loads(json.dumps(fetch(site, budget=Budget(requests=1))[-1].cursor_after))
    cursor["streams"][f"video {VIDEO}"]["pending"]["token"] = "!!"
    again = fetch(site, cursor)
    assert any("from its newest post" in note for batch in again for note in batch.notes)
    assert ids(again) == ids(fetch(site))


def test_a_video_with_its_comments_off_is_skipped_and_said(site: Platform) -> None:
    site.timeline.advance(1, 20)
    batches = fetch(site, videos=[QUIET, VIDEO])
    assert posts(batches)
    assert [note for batch in batches for note in batch.notes] == [
        f"video {QUIET} has its comments turned off: there is nothing to read"
    ]
    assert batches[-1].complete


def test_a_video_that_is_gone_does_not_stop_the_others(site: Platform) -> None:
    site.timeline.advance(1, 20)
    landed: list[Batch] = []
    with pytest.raises(NotFound, match="1 of 2: yt: video gone-000000 is gone"):
        landed.extend(source(site, videos=["gone-000000", VIDEO]).fetch(QUERY, None, Budget(), Clock()))
    assert posts(landed)


@pytest.mark.parametrize("reason", ["quotaExceeded", "dailyLimitExceeded"])
def test_a_used_up_quota_ends_the_run_and_says_until_when(site: Platform, reason: str) -> None:
    site.timeline.advance(20, 500)
    site.server.at[THREADS, 2] = refuses(403, reason, "The request cannot be completed because you exceeded ...")
    landed: list[Batch] = []
    with pytest.raises(QuotaExhausted, match=r"renewed at \d{4}-\d\d-\d\d 0[78]:00 UTC") as caught:
        landed.extend(source(site, channels=[CHANNEL]).fetch(QUERY, None, Budget(), Clock()))
    assert posts(landed)
    assert len(site.server.requests) == 2
    renewed = datetime.strptime(str(caught.value)[-20:], "%Y-%m-%d %H:%M UTC").replace(tzinfo=UTC)
    there = renewed.astimezone(ZoneInfo("America/Los_Angeles"))
    assert (there.hour, there.minute) == (0, 0)
    assert timedelta() < renewed - datetime.now(UTC) <= timedelta(hours=25)
    assert ids(landed) | ids(fetch(site, landed[-1].cursor_after)) == ids(fetch(site))


def test_too_fast_is_tried_again(site: Platform) -> None:
    site.timeline.advance(1, 20)
    site.server.faults[1] = refuses(403, "rateLimitExceeded")
    assert posts(fetch(site))
    site.server.every = refuses(403, "userRateLimitExceeded")
    with pytest.raises(RateLimited):
        fetch(site)


def test_a_failed_processing_is_tried_again(site: Platform) -> None:
    site.timeline.advance(1, 20)
    site.server.faults[1] = refuses(400, "processingFailure")
    assert posts(fetch(site))


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (refuses(400, "badRequest", "API key not valid", "API_KEY_INVALID"), Auth, "YOUTUBE_API_KEY"),
        (refuses(400, "keyInvalid", "Bad Request"), Auth, "YOUTUBE_API_KEY"),
        (refuses(403, "accessNotConfigured", "The API has not been used in project 1"), Auth, "not been used"),
        (refuses(403, "forbidden", "The video is <b>private</b>"), Auth, "The video is private"),
        (refuses(400, "invalidValue", "odd"), BadQuery, "odd"),
        (refuses(500, "backendError", "Internal"), Transient, "500"),
        (faults.answers(401), Auth, "401"),
        (faults.answers(403, b"<html>blocked"), Auth, "403"),
        (faults.answers(400, b'{"error": "odd"}'), BadQuery, "400"),
        (faults.answers(400, b'{"error": {"errors": [{"reason": {}}]}}'), BadQuery, "400"),
        (faults.answers(403, b'{"error": {"errors": [{"rea'), Protocol, "broken JSON"),
        (faults.answers(200, b'{"items": {}}'), Protocol, "commentThreads"),
        (faults.answers(200, b"{}"), Protocol, "commentThreads"),
        (faults.cut_json, Protocol, "broken JSON"),
    ],
)  # fmt: skip
def test_refusals_in_words(site: Platform, fault: Fault, error: type[Exception], words: str) -> None:
    site.timeline.advance(1, 10)
    site.server.every = fault
    with pytest.raises(error, match=words) as caught:
        fetch(site)
    assert KEY not in str(caught.value)
    health = source(site).check()
    assert not health.ok
    assert KEY not in health.message


def test_without_a_key_nothing_is_asked(site: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("YOUTUBE_API_KEY")
    with pytest.raises(Auth, match="YOUTUBE_API_KEY is not set"):
        fetch(site)
    assert "YOUTUBE_API_KEY is not set" in source(site).check().message
    assert site.server.requests == []


def test_the_key_goes_over_no_open_line(site: Platform) -> None:
    health = source(site, base_url="http://api.example/youtube/v3").check()
    assert not health.ok
    assert "https" in health.message


def test_a_check_names_what_is_not_there(site: Platform) -> None:
    health = source(site, videos=[VIDEO, "gone-000000"], channels=["UC" + 22 * "x"]).check()
    assert not health.ok
    assert "gone-000000, UCxxx" in health.message
    assert source(site, channels=[CHANNEL]).check().ok


def test_verify_names_those_that_are_absent(site: Platform) -> None:
    site.timeline.advance(1, 120)
    there = [site.identity(item)[1] for item in site.timeline.shown()]
    changes = list(source(site).verify([*there, "Ugone"]))
    assert [(c.platform, c.native_id, c.state) for c in changes] == [("youtube", "Ugone", "unknown_gone")]
    assert all(len(request.params["id"].split(",")) <= 50 for request in site.server.requests)
    assert {request.params["part"] for request in site.server.requests} == {"id"}
    assert list(source(site).verify([])) == []


def test_verify_finds_who_is_meant_where_one_absent_fails_the_call(site: Platform) -> None:
    def answer(request: Any) -> Reply:
        asked = request.params["id"].split(",")
        if "Ugone" in asked:
            return failure(404, "commentNotFound", "One or more of the specified comments cannot be found.")
        return Reply(json.dumps({"kind": "x", "items": [{"id": one} for one in asked]}).encode())

    site.server.answer = answer
    assert [change.native_id for change in source(site).verify(["Ug1", "Ug2", "Ugone", "Ug3"])] == ["Ugone"]


@pytest.mark.parametrize("status", [401, 403, 500, 503])
def test_a_failure_is_no_proof_of_absence(site: Platform, status: int) -> None:
    site.server.every = faults.answers(status)
    with pytest.raises((Auth, Transient)):
        list(source(site, base_url=site.options()["base_url"]).verify(["Ug1"]))


def test_an_estimate_asks_nothing(site: Platform) -> None:
    assert source(site, channels=[CHANNEL]).estimate(QUERY).requests == 2
    assert source(site).push_down(Query("q", "b", "kettle")) == PushDown()
    assert site.server.requests == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "name the videos or the channels"),
        ({"videos": ["https://youtu.be/x"]}, "behind watch"),
        ({"channels": ["@pellworth"]}, "starts with UC"),
        ({"videos": [VIDEO], "days": 0}, "days"),
    ],
)
def test_mistakes_in_the_options(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load_source("yt", "youtube", options)
