"""App Store: pages of each country, reviews as posts, pages that are empty by mistake, and dates that are lost."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cxlisten.collect import Budget, PushDown, load_source
from cxlisten.collect.sources.appstore import AppStore
from cxlisten.errors import Auth, BadQuery, ConfigError, NotFound, Protocol, Transient
from cxlisten.models import Batch, Gap, Post, Query
from tests.faults import faults
from tests.faults.clock import Clock
from tests.faults.platforms.appstore import APP, COUNTRIES
from tests.faults.platforms.appstore import AppStore as Platform
from tests.faults.server import Fault, Reply, Request

QUERY = Query("q", "b", "")
EMPTY = faults.answers(200, b'{"feed": {"updated": {"label": "2026-01-01T00:00:00-07:00"}}}')


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    monkeypatch.setattr("cxlisten.collect.sources.appstore.Event", Clock)
    platform = Platform(tmp_path)
    platform.timeline.items.clear()
    platform.bad = []
    yield platform
    platform.close()


def source(site: Platform, **options: Any) -> AppStore:
    found = load_source("store", "appstore", {**site.options(), "countries": ["us"], **options})
    assert isinstance(found, AppStore)
    return found


def fetch(site: Platform, cursor: Any = None, budget: Budget | None = None, **options: Any) -> list[Batch]:
    cursor = json.loads(json.dumps(cursor))
    return list(source(site, **options).fetch(QUERY, cursor, budget or Budget(), Clock()))


def posts(batches: list[Batch]) -> list[Post]:
    return [post for batch in batches for post in batch.posts]


def ids(batches: list[Batch]) -> set[str]:
    return {post.native_id for post in posts(batches)}


def notes(batches: list[Batch]) -> str:
    return "\n".join(note for batch in batches for note in batch.notes)


def gaps(batches: list[Batch]) -> list[Gap]:
    return [gap for batch in batches for gap in batch.gaps]


def american(site: Platform, n: int, apart: timedelta = timedelta(minutes=10)) -> None:
    """Add so many reviews of the American store, the last of them just now."""
    for i in range(n):
        for _ in COUNTRIES:
            site.timeline.add(site.timeline.now - (n - 1 - i) * apart)


def asked(site: Platform) -> list[str]:
    return [request.path for request in site.server.requests]


def review(**change: Any) -> dict[str, Any]:
    return {
        "author": {
            "uri": {"label": "https://itunes.apple.com/us/reviews/id46232198"}, "name": {"label": "someone"},
        },
        "updated": {"label": "2026-05-06T07:08:09-07:00"}, "im:rating": {"label": "2"}, "im:version": {"label": "8.2"},
        "id": {"label": "2221577708"}, "title": {"label": " Too dear "},
        "content": {"label": "And it <b>leaks</b> &amp; drips\r\n😡", "attributes": {"type": "text"}},
        "link": {"attributes": {"rel": "related", "href": f"https://itunes.apple.com/us/review?id={APP}&type=Purple"}},
        "im:voteSum": {"label": "0"}, **change,
    }  # fmt: skip


def shows(site: Platform, *entries: Any) -> None:
    """The first page holds these; the others are empty."""

    def answer(request: Request) -> Reply:
        feed = {"entry": list(entries)} if "/page=1/" in request.path else {}
        return Reply(json.dumps({"feed": feed}).encode())

    site.server.answer = answer


def test_asks_for_each_country_page_by_page(site: Platform) -> None:
    american(site, 60)
    assert len(ids(fetch(site, countries=["us", "gb"]))) == 120
    path = "/{}/rss/customerreviews/page={}/id={}/sortby=mostrecent/json"
    assert asked(site) == [path.format(country, n, APP) for country in ("us", "gb") for n in (1, 2, 3)]


def test_a_review(site: Platform) -> None:
    item = review()
    shows(site, item)
    (post,) = posts(fetch(site, days=1_000))
    assert post == Post(
        platform="appstore", native_id="2221577708", text="Too dear\nAnd it <b>leaks</b> &amp; drips\n😡",
        posted_at=datetime(2026, 5, 6, 14, 8, 9, tzinfo=UTC), fetched_at=post.fetched_at, raw=item, kind="review",
        version=post.version, author="46232198", title="Too dear", thread_id=APP, metrics={"rating": 2},
        url=f"https://itunes.apple.com/us/review?id={APP}&type=Purple", terms="appstore",
    )  # fmt: skip
    assert post.version.startswith("2026-05-06T14:08:09 ")


def test_odd_reviews(site: Platform) -> None:
    plain = review(author={"name": {"label": "someone"}}, title=None, link=None)
    listed = review(id={"label": "2"}, author=None, link=[{"attributes": {"href": "https://itunes.apple.com/x"}}, {}])
    shows(site, plain, listed)
    one, other = posts(fetch(site, days=1_000))
    assert (one.author, one.title, one.url, one.thread_id) == ("someone", None, None, None)
    assert (other.author, other.url, other.thread_id) == (None, "https://itunes.apple.com/x", None)


@pytest.mark.parametrize(
    "change",
    [
        {"id": None}, {"im:rating": {"label": "five"}}, {"im:rating": None}, {"updated": {"label": "yesterday"}},
        {"updated": {}}, {"content": None, "title": None}, {"content": {"label": ["x"]}}, {"title": "Too dear"},
    ],
)  # fmt: skip
def test_one_bad_review_in_fifty(site: Platform, change: dict[str, Any]) -> None:
    shows(site, *(review(id={"label": str(n)}) for n in range(1, 50)), review(**change))
    batches = fetch(site, days=1_000)
    assert len(posts(batches)) == 49
    (reject,) = (reject for batch in batches for reject in batch.rejected)
    with pytest.raises(ValueError, match=re.escape(reject.reason)):
        source(site).post(json.loads(reject.payload), datetime.now(UTC))


def test_what_is_no_review_at_all_is_rejected(site: Platform) -> None:
    shows(site, "x", None, 7, review())
    batches = fetch(site, days=1_000)
    assert len(posts(batches)) == 1
    assert sum(len(batch.rejected) for batch in batches) == 3


def test_a_single_review_is_no_list(site: Platform) -> None:
    site.with_itself = False
    american(site, 1)
    assert len(ids(fetch(site))) == 1


@pytest.mark.parametrize("with_itself", [True, False])
def test_the_app_itself_is_no_review(site: Platform, with_itself: bool) -> None:
    site.with_itself = with_itself
    american(site, 3)
    batches = fetch(site)
    assert len(ids(batches)) == 3
    assert [reject for batch in batches for reject in batch.rejected] == []


def test_an_edited_review_keeps_its_id(site: Platform) -> None:
    american(site, 80)
    first = fetch(site)
    site.timeline.now += timedelta(hours=1)
    item = site.timeline.items[0]
    item.texts.append((site.timeline.now, "much better now"))
    before, after = (
        next(post for post in posts(batches) if post.native_id == site.identity(item)[1])
        for batches in (first, fetch(site, first[-1].cursor_after))
    )
    assert (after.text.endswith("much better now"), after.posted_at) == (True, site.timeline.now)
    assert after.version != before.version
    assert not AppStore.caps.exact_times


def test_goes_no_further_back_than_the_overlap(site: Platform) -> None:
    american(site, 400, apart=timedelta(hours=2))
    first = fetch(site, days=30)
    assert len(ids(first)) >= 360
    site.server.requests.clear()
    american(site, 3)
    second = fetch(site, first[-1].cursor_after)
    assert len(asked(site)) <= 3
    assert 3 + 7 * 12 <= len(ids(second)) <= 150


def test_what_lies_beyond_500_is_a_gap(site: Platform) -> None:
    american(site, 530)
    batches = fetch(site)
    assert len(ids(batches)) == 500
    (gap,) = gaps(batches)
    assert gap.until == site.timeline.now - 450 * timedelta(minutes=10)
    assert "no more than its newest posts" in gap.reason
    assert len(asked(site)) == 10
    american(site, 5)
    assert gaps(fetch(site, batches[-1].cursor_after)) == []  # all since the last run is there


def test_more_than_500_since_the_last_run_are_a_gap(site: Platform) -> None:
    american(site, 5)
    first = fetch(site)
    site.timeline.now += timedelta(days=5)
    american(site, 530)
    second = fetch(site, first[-1].cursor_after)
    assert len(ids(second)) == 500
    assert len(gaps(second)) == 1


def test_500_that_reach_back_far_enough_leave_no_gap(site: Platform) -> None:
    american(site, 530, apart=timedelta(hours=2))
    assert gaps(fetch(site, days=40)) == []


def test_an_app_without_reviews_is_asked_for_again(site: Platform) -> None:
    first = fetch(site)
    assert "us/284882215: page 1 is empty" in notes(first)
    assert first[-1].complete
    american(site, 3, apart=timedelta(days=9))
    assert len(ids(fetch(site, first[-1].cursor_after))) == 3


def test_an_empty_first_page_moves_no_cursor(site: Platform) -> None:
    american(site, 60)
    first = fetch(site)
    site.timeline.now += timedelta(days=8)
    american(site, 5)
    site.server.faults[len(asked(site)) + 1] = EMPTY
    doubtful = fetch(site, first[-1].cursor_after)
    assert ids(doubtful) == set()
    assert "is empty" in notes(doubtful)
    assert doubtful[-1].cursor_after == first[-1].cursor_after
    site.timeline.now += timedelta(days=8)
    found = fetch(site, doubtful[-1].cursor_after)
    assert len(ids(found) - ids(first)) == 5
    assert gaps(found) == []


def test_an_empty_page_after_a_full_one_moves_no_cursor(site: Platform) -> None:
    american(site, 120)
    site.server.faults[2] = EMPTY
    first = fetch(site)
    assert len(ids(first)) == 50
    assert "page 2 is empty" in notes(first)
    assert len(ids(fetch(site, first[-1].cursor_after))) == 120


def test_the_end_of_a_list_is_no_mistake(site: Platform) -> None:
    american(site, 60)
    batches = fetch(site)
    assert notes(batches) == ""
    assert asked(site)[-1].count("page=3") == 1


def test_a_spent_budget_goes_on_with_its_page(site: Platform) -> None:
    american(site, 180)
    first = fetch(site, budget=Budget(requests=2))
    assert len(ids(first)) == 100
    rest = fetch(site, first[-1].cursor_after)
    assert "/page=3/" in asked(site)[2]
    assert len(ids(first) | ids(rest)) == 180
    assert gaps([*first, *rest]) == []


def test_dates_that_the_json_has_lost_are_taken_from_the_xml(site: Platform) -> None:
    american(site, 60)
    right = {post.native_id: (post.posted_at, post.version) for post in posts(fetch(site))}
    site.has_dates = False
    site.server.requests.clear()
    found = fetch(site)
    assert {post.native_id: (post.posted_at, post.version) for post in posts(found)} == right
    assert [path.rpartition("/")[2] for path in asked(site)] == ["json", "xml", "json", "xml", "json"]


def test_without_any_dates_nothing_is_landed(site: Platform) -> None:
    american(site, 60)
    site.has_dates = site.has_xml_dates = False
    landed: list[Batch] = []
    with pytest.raises(Protocol, match="us/284882215 without dates: nothing of it was landed"):
        landed.extend(source(site).fetch(QUERY, None, Budget(), Clock()))
    assert ids(landed) == set()
    site.has_dates = True
    assert len(ids(fetch(site, landed[-1].cursor_after))) == 60


def test_one_country_that_fails_does_not_stop_the_others(site: Platform) -> None:
    american(site, 3)
    site.server.faults[1] = faults.answers(404)
    landed: list[Batch] = []
    with pytest.raises(NotFound, match="1 of 2"):
        landed.extend(source(site, countries=["us", "gb"]).fetch(QUERY, None, Budget(), Clock()))
    assert len(ids(landed)) == 3


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (faults.answers(200, b'{"feed": null}'), Protocol), (faults.answers(200, b"[]"), Protocol),
        (faults.answers(200, b"<html>"), Protocol), (faults.cut_json, Protocol), (faults.answers(403), Auth),
        (faults.answers(400), BadQuery), (faults.answers(502), Transient),
    ],
)  # fmt: skip
def test_answers_of_another_shape(site: Platform, fault: Fault, error: type[Exception]) -> None:
    american(site, 3)
    site.server.every = fault
    with pytest.raises(error):
        fetch(site)
    health = source(site).check()
    assert not health.ok
    assert health.message


def test_a_check_names_the_apps_that_are_not_there(site: Platform) -> None:
    assert source(site, countries=["us", "gb"]).check().ok
    health = source(site, apps=[APP, 7], countries=["us", "gb"]).check()
    assert not health.ok
    assert "no app 7 in us, no app 7 in gb" in health.message


def test_an_estimate_asks_nothing_and_nothing_is_pushed_down(site: Platform) -> None:
    assert source(site, apps=[APP, "7"], countries=["us", "gb", "fr"]).estimate(QUERY).requests == 6
    assert source(site).push_down(Query("q", "b", "kettle")) == PushDown()
    assert not AppStore.caps.can_verify
    assert list(source(site).verify(["9000000001"])) == []
    assert asked(site) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [({"apps": []}, "apps"), ({"apps": ["id7"]}, "apps"), ({"countries": ["USA"]}, "countries"), ({"days": 0}, "days")],
)
def test_mistakes_in_the_options(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load_source("store", "appstore", {"apps": [APP], **options})
