"""Paged sources, on a toy platform: what a window is, how it is gone on with, and what is said of what was not read."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest

from cxlisten.collect import Budget, Caps, Estimate, Health, Options, paged
from cxlisten.collect import window as windows
from cxlisten.collect.http import Http
from cxlisten.collect.paged import Page, Paged, Stream
from cxlisten.collect.times import read_time
from cxlisten.collect.window import Window
from cxlisten.errors import Auth, BadQuery, Protocol, QuotaExhausted, RateLimited, SourceError, Transient
from cxlisten.models import Batch, Gap, Post, Query, StateChange
from tests.faults import faults
from tests.faults.clock import Clock
from tests.faults.server import FakeServer, Reply, Request

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


class Board:
    """Boards of posts, `per_page` of them a page, newest first; a page's token is the last number on the one before."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
        self.per_page = 4
        self.depth: int | None = None  # how many posts it shows at most
        self.shown: dict[str, list[dict[str, Any]]] = {"a": [], "b": [], "c": []}
        self.n = 0
        self.server = FakeServer(self.answer, clock=lambda: self.now)

    def add(self, board: str, *ago: timedelta) -> list[str]:
        """Add posts, each so long ago; gives their ids."""
        return [self._add(board, self.now - one) for one in ago]

    def fill(self, n: int, board: str = "a") -> list[str]:
        """Add posts, a minute from one to the next, the last a minute ago."""
        return self.add(board, *(MINUTE * (n - i) for i in range(n)))

    def _add(self, board: str, at: datetime) -> str:
        self.n += 1
        self.shown[board].insert(0, {"id": self.n, "at": at.isoformat(), "text": f"post {self.n}"})
        return str(self.n)

    def answer(self, request: Request) -> Reply:
        posts = self.shown[request.path.rpartition("/")[2]]
        below = int(request.params.get("below", 10**9))
        there = posts[: self.depth]
        left = [post for post in there if not isinstance(post.get("id"), int) or post["id"] < below]
        page = left[: self.per_page]
        token = page[-1]["id"] if len(left) > len(page) else None
        capped = token is None and len(posts) > len(there)
        return Reply(json.dumps({"posts": page, "next": token, "capped": capped}).encode())


class ToyOptions(Options):
    base_url: str
    boards: tuple[str, ...] = ("a",)
    days: float = 2


class Toy(Paged):
    Options = ToyOptions
    overlap = HOUR
    caps = Caps(max_page=4)
    options: ToyOptions
    since: datetime

    def check(self) -> Health:
        return Health(True, "")

    def estimate(self, query: Query) -> Estimate:
        return Estimate(1)

    def open(self, budget: Budget, stop: Event) -> Http:
        return Http(budget, stop)

    def streams(self, http: Http, query: Query) -> Sequence[Stream]:
        return [Stream(board) for board in self.options.boards]

    def page(self, http: Http, query: Query, stream: Stream, since: datetime, token: Any) -> Page:
        self.since = since
        params = {} if token is None else {"below": token}
        answer = http.get_json(f"{self.options.base_url}/{stream.key}", params)
        return Page(answer["posts"], answer["next"], is_capped=answer["capped"])

    def post(self, item: Any, fetched_at: datetime) -> Post | StateChange:
        if isinstance(item, dict) and item.get("gone"):
            return StateChange("toy", str(item["id"]), "removed_by_mod", fetched_at)
        if not isinstance(item, dict) or not item.get("text"):
            raise ValueError("no text")
        return Post("toy", str(item["id"]), item["text"], read_time(item["at"]), fetched_at, item)


class ToyOfLastingTokens(Toy):
    tokens_last = True


class CostlyToy(ToyOfLastingTokens):
    caps = Caps(max_page=4, unit_cost=0.5)


class ForgetfulToy(Toy):
    caps = Caps(max_page=4, window_days=7)


@pytest.fixture
def board() -> Iterator[Board]:
    one = Board()
    with one.server:
        yield one


def toy(board: Board, kind: type[Toy] = Toy, *boards: str) -> Toy:
    return kind("toy", ToyOptions(base_url=board.server.url, boards=boards or ("a",)))


def fetch(
    source: Toy, cursor: Any = None, budget: Budget | None = None, stop: Event | None = None
) -> tuple[list[Batch], SourceError | None]:
    """All batches, and what the run fails with at its end; the cursor goes through JSON."""
    batches: list[Batch] = []
    try:
        for batch in source.fetch(
            Query("q", "b", ""), json.loads(json.dumps(cursor)), budget or Budget(), stop or Clock()
        ):
            batches.append(batch)
    except SourceError as error:
        return batches, error
    return batches, None


def ids(batches: Sequence[Batch]) -> list[str]:
    return [post.native_id for batch in batches for post in batch.posts]


def gaps(batches: Sequence[Batch]) -> list[Gap]:
    return [gap for batch in batches for gap in batch.gaps]


def notes(batches: Sequence[Batch]) -> str:
    return " ".join(note for batch in batches for note in batch.notes)


def asked(board: Board) -> list[str | None]:
    """The tokens that were asked for, and none of them after this."""
    tokens = [request.params.get("below") for request in board.server.requests]
    board.server.requests.clear()
    return tokens


def test_a_first_window_goes_back_as_far_as_it_is_told(board: Board) -> None:
    new = board.fill(10)
    source = toy(board)
    batches, error = fetch(source)
    assert error is None
    assert ids(batches) == new[::-1]
    assert len(board.server.requests) == sum(batch.n_asked for batch in batches) == 3
    assert abs(datetime.now(UTC) - 2 * 24 * HOUR - source.since) < MINUTE
    assert [batch.complete for batch in batches] == [False, True]
    assert gaps(batches) == []
    assert batches[-1].cursor_after == {"v": 1, "streams": {"a": {"high": board.now.isoformat(), "pending": None}}}


def test_the_next_window_begins_where_the_last_began_less_the_overlap(board: Board) -> None:
    board.fill(10)
    source = toy(board)
    last = fetch(source)[0][-1].cursor_after
    began = board.now
    board.now += 2 * HOUR
    late = board.add("a", 2 * HOUR + 50 * MINUTE, 2 * HOUR + 70 * MINUTE)
    batches, _ = fetch(source, last)
    assert source.since == began - HOUR
    assert late[0] in ids(batches)


def test_a_window_ends_with_the_page_that_is_all_older_than_it(board: Board) -> None:
    source = toy(board)
    last = fetch(source)[0][-1].cursor_after
    board.now += 5 * HOUR
    board.add("a", *(8 * HOUR - n * MINUTE for n in range(8)))  # two pages from before the overlap
    board.fill(4)
    asked(board)
    batches, _ = fetch(source, last)
    assert len(asked(board)) == 2
    assert len(ids(batches)) == 8
    assert gaps(batches) == []


def test_one_new_post_on_a_page_of_old_ones_is_not_the_end(board: Board) -> None:
    source = toy(board)
    last = fetch(source)[0][-1].cursor_after
    board.now += 5 * HOUR
    deep = board.add("a", 2 * HOUR)
    board.add("a", *(8 * HOUR - n * MINUTE for n in range(3)))
    board.add("a", 3 * HOUR)
    board.fill(4)
    assert set(deep) <= set(ids(fetch(source, last)[0]))


def test_what_is_posted_while_we_read_is_found_by_the_next_run(board: Board) -> None:
    old = board.fill(10)
    source = toy(board)
    new: list[str] = []

    def post_meanwhile(exchange: Any, reply: Reply) -> None:
        board.now += 5 * HOUR
        new.extend(board.fill(2))
        exchange.send(reply)

    board.server.faults[2] = post_meanwhile
    first, _ = fetch(source)
    assert sorted(ids(first), key=int) == old
    assert set(new) <= set(ids(fetch(source, first[-1].cursor_after)[0]))


def test_new_posts_that_shift_the_pages_land_each_once(board: Board) -> None:
    board.fill(10)

    def shifted(exchange: Any, reply: Reply) -> None:
        page = json.loads(reply.body)
        page["posts"] = [*board.shown["a"][2:4], *page["posts"]]
        exchange.send(Reply(json.dumps(page).encode()))

    board.server.every = shifted
    batches, _ = fetch(toy(board))
    assert len(ids(batches)) == len(set(ids(batches))) == 10


def test_a_run_that_breaks_off_begins_its_window_again(board: Board) -> None:
    new = board.fill(10)
    board.server.faults = dict.fromkeys(range(2, 7), faults.answers(503))
    broken, error = fetch(toy(board))
    assert isinstance(error, Transient)
    assert ids(broken) == new[:5:-1]
    assert not broken[-1].complete
    batches, error = fetch(toy(board), broken[-1].cursor_after)
    assert error is None
    assert ids(batches) == new[::-1]


def test_a_run_that_breaks_off_goes_on_from_its_page_where_tokens_last(board: Board) -> None:
    new = board.fill(10)
    source = toy(board, ToyOfLastingTokens)
    board.server.faults = dict.fromkeys(range(2, 7), faults.answers(503))
    broken, _ = fetch(source)
    began = board.now
    asked(board)
    board.server.faults.clear()
    board.now += 3 * HOUR
    board.fill(2)
    batches, _ = fetch(source, broken[-1].cursor_after)
    assert asked(board) == ["7", "3"]
    assert ids(batches) == new[5::-1]
    state = batches[-1].cursor_after["streams"]["a"]
    assert state == {"high": began.isoformat(), "pending": None}  # what came meanwhile is for the next run


@pytest.mark.parametrize("status", [400, 404])
def test_a_page_that_is_known_no_longer_is_found_from_the_top(board: Board, status: int) -> None:
    new = board.fill(10)
    source = toy(board, ToyOfLastingTokens)
    cut, _ = fetch(source, budget=Budget(requests=2))
    assert len(ids(cut)) == 8
    board.server.requests.clear()
    board.server.faults[1] = faults.answers(status, b'{"message": "no such page"}')
    batches, error = fetch(source, cut[-1].cursor_after)
    assert error is None
    assert asked(board) == ["3", None, "7", "3"]
    assert ids(batches) == new[::-1]
    assert "no such page" in notes(batches)
    assert "again from its newest post" in notes(batches)


def test_a_platform_that_refuses_the_top_too_is_not_asked_for_ever(board: Board) -> None:
    board.fill(10)
    source = toy(board, ToyOfLastingTokens)
    cut, _ = fetch(source, budget=Budget(requests=2))
    board.server.requests.clear()
    board.server.every = faults.answers(400)
    batches, error = fetch(source, cut[-1].cursor_after)
    assert isinstance(error, BadQuery)
    assert len(asked(board)) == 2
    board.server.every = None
    assert len(ids(fetch(source, batches[-1].cursor_after)[0])) == 10


def test_an_empty_page_with_a_token_is_not_the_end(board: Board) -> None:
    new = board.fill(10)

    def empty_once(exchange: Any, reply: Reply) -> None:
        exchange.send(Reply(b'{"posts": [], "next": 1000, "capped": false}'))

    board.server.faults[1] = empty_once
    batches, _ = fetch(toy(board))
    assert ids(batches) == new[::-1]
    assert gaps(batches) == []


def test_the_same_page_again_and_again_leaves_a_gap(board: Board) -> None:
    new = board.fill(12)
    page = json.dumps({"posts": board.shown["a"][4:8], "next": 5, "capped": False}).encode()
    board.server.faults = dict.fromkeys((2, 3, 4), faults.answers(200, page))
    batches, error = fetch(toy(board))
    assert error is None
    assert len(board.server.requests) == 3
    (gap,) = gaps(batches)
    assert "same page" in gap.reason
    assert gap.until is not None
    assert read_time(board.shown["a"][8]["at"]) <= gap.until  # the first that was not read
    assert ids(batches) == new[:3:-1]


def test_pages_without_end_leave_a_gap(board: Board) -> None:
    board.fill(4)

    def endless(exchange: Any, reply: Reply) -> None:
        n = len(board.server.requests)
        exchange.send(Reply(json.dumps({"posts": board.shown["a"], "next": 1000 - n, "capped": False}).encode()))

    board.server.every = endless
    batches, _ = fetch(toy(board))
    assert len(board.server.requests) == 4
    (gap,) = gaps(batches)
    assert "nothing new" in gap.reason
    assert len(ids(batches)) == 4


def test_the_end_of_what_a_platform_shows_leaves_a_gap(board: Board) -> None:
    board.add("a", *(3 * HOUR - n * MINUTE for n in range(20)))
    board.depth = 8
    source = toy(board)
    batches, _ = fetch(source)
    (gap,) = gaps(batches)
    assert "no more than its newest" in gap.reason
    assert gap.since == source.since
    assert batches[-1].complete  # more cannot be had
    last = batches[-1].cursor_after
    board.now += HOUR
    board.fill(4)
    assert gaps(fetch(source, last)[0]) == []  # the end of the window comes before that of what is shown


def test_a_gap_reaches_up_to_where_all_was_read(board: Board) -> None:
    board.fill(8)
    board.shown["a"].insert(3, {"id": 6, "at": (board.now - 9 * HOUR).isoformat(), "text": "late"})
    for number, post in enumerate(reversed(board.shown["a"]), 1):
        post["id"] = number
    batches, _ = fetch(toy(board), budget=Budget(requests=1))
    (gap,) = gaps(batches)
    assert gap.until is not None
    assert gap.until >= read_time(board.shown["a"][4]["at"])


def test_a_budget_that_is_spent_leaves_a_gap_where_tokens_do_not_last(board: Board) -> None:
    board.fill(10)
    source = toy(board)
    batches, error = fetch(source, budget=Budget(requests=2))
    assert error is None
    assert len(board.server.requests) == 2
    (gap,) = gaps(batches)
    assert "budget" in gap.reason
    assert "budget" in notes(batches)
    assert not batches[-1].complete
    assert batches[-1].cursor_after["streams"]["a"]["high"] == board.now.isoformat()


def test_a_budget_that_is_spent_is_no_gap_where_tokens_last(board: Board) -> None:
    new = board.fill(10)
    source = toy(board, ToyOfLastingTokens)
    landed: list[str] = []
    cursor: Any = None
    for _ in range(3):
        batches, _ = fetch(source, cursor, Budget(requests=1))
        assert gaps(batches) == []
        landed += ids(batches)
        cursor = batches[-1].cursor_after
    assert landed == new[::-1]
    assert batches[-1].complete


def test_a_budget_that_is_spent_before_the_first_answer_is_no_gap(board: Board) -> None:
    board.fill(10)
    batches, _ = fetch(toy(board), budget=Budget(requests=0))
    assert gaps(batches) == []
    assert len(ids(fetch(toy(board), batches[-1].cursor_after)[0])) == 10


def test_a_budget_of_posts(board: Board) -> None:
    board.fill(10)
    batches, _ = fetch(toy(board), budget=Budget(posts=5))
    assert len(ids(batches)) == 8  # the page it is reached on is landed whole
    assert "budget of 5 posts" in notes(batches)


def test_a_budget_of_money_is_never_overspent(board: Board) -> None:
    new = board.fill(10)
    source = toy(board, CostlyToy)
    batches, _ = fetch(source, budget=Budget(money=5.0))
    assert len(ids(batches)) == 8
    assert sum(batch.money for batch in batches) == 4.0
    assert "budget of 5.00" in notes(batches)
    rest, _ = fetch(source, batches[-1].cursor_after, Budget(money=2.0))
    assert ids(batches) + ids(rest) == new[::-1]
    assert sum(batch.money for batch in rest) == 1.0
    assert rest[-1].complete


def test_asked_to_stop_it_ends_without_a_gap(board: Board) -> None:
    new = board.fill(10)
    stop = Event()

    def stop_now(exchange: Any, reply: Reply) -> None:
        stop.set()
        exchange.send(reply)

    board.server.faults[2] = stop_now
    batches, error = fetch(toy(board), stop=stop)
    assert error is None
    assert gaps(batches) == []
    assert "stop" in notes(batches)
    assert not batches[-1].complete
    assert ids(fetch(toy(board), batches[-1].cursor_after)[0]) == new[::-1]


def test_a_window_that_the_platform_shows_no_more_leaves_a_gap(board: Board) -> None:
    source = toy(board, ForgetfulToy)
    high = datetime.now(UTC) - timedelta(days=10)
    batches, _ = fetch(source, {"v": 1, "streams": {"a": {"high": high.isoformat(), "pending": None}}})
    (gap,) = gaps(batches)
    assert gap.since == high
    assert gap.until == source.since
    assert timedelta(days=6.9) < datetime.now(UTC) - source.since < timedelta(days=7)


def test_a_cursor_from_the_future_is_not_believed(board: Board) -> None:
    new = board.add("a", 40 * HOUR, MINUTE)
    source = toy(board)
    ahead = {"v": 1, "streams": {"a": {"high": (datetime.now(UTC) + timedelta(days=9)).isoformat(), "pending": None}}}
    board.now += 20 * HOUR
    batches, _ = fetch(source, ahead)
    assert set(ids(batches)) == set(new)
    assert "a clock was wrong" in notes(batches)
    assert batches[-1].cursor_after["streams"]["a"]["high"] == board.now.isoformat()


def test_a_post_of_two_streams_is_landed_once(board: Board) -> None:
    board.fill(3, "a")
    board.fill(3, "b")
    board.shown["b"].insert(1, board.shown["a"][0])
    assert sorted(ids(fetch(toy(board, Toy, "a", "b"))[0])) == ["1", "2", "3", "4", "5", "6"]


def test_a_page_that_may_be_the_last_by_mistake_is_read_again(board: Board) -> None:
    new = board.fill(6)
    source = toy(board)
    page = source.page
    source.page = lambda *of: replace(page(*of), token=None, is_doubtful=True)  # type: ignore[method-assign]
    batches, _ = fetch(source)
    assert len(ids(batches)) == 4
    assert set(ids(fetch(toy(board), batches[-1].cursor_after)[0])) == set(new)


def test_a_stream_that_fails_does_not_keep_the_others(board: Board) -> None:
    for name in "abc":
        board.fill(5, name)
    source = toy(board, Toy, "a", "b", "c")
    board.server.at = {("/b", nth): faults.answers(429, Retry_After="7000") for nth in (1, 2)}
    batches, error = fetch(source)
    assert isinstance(error, RateLimited)
    assert error.until is not None
    assert str(error).startswith("1 of 3: ")
    assert len(ids(batches)) == 10
    assert not batches[-1].complete
    states = batches[-1].cursor_after["streams"]
    assert [states[name]["high"] is not None for name in "abc"] == [True, False, True]


def test_a_quota_that_is_spent_ends_the_run(board: Board) -> None:
    board.fill(5)
    board.server.at[("/b", 1)] = faults.answers(402)
    batches, error = fetch(toy(board, Toy, "a", "b", "c"))
    assert isinstance(error, QuotaExhausted)
    assert len(ids(batches)) == 5
    assert [request.path for request in board.server.requests] == ["/a", "/a", "/b"]


def test_one_stream_fails_by_its_own_name(board: Board) -> None:
    board.server.every = faults.answers(401)
    batches, error = fetch(toy(board))
    assert isinstance(error, Auth)
    assert not str(error).startswith("1 of")
    assert batches[-1].cursor_after["streams"]["a"]["high"] is None


def test_the_cursor_forgets_a_stream_that_is_read_no_more(board: Board) -> None:
    batches, _ = fetch(toy(board, Toy, "a", "b"))
    batches, _ = fetch(toy(board, Toy, "b", "c"), batches[-1].cursor_after)
    assert sorted(batches[-1].cursor_after["streams"]) == ["b", "c"]


def test_one_bad_item_costs_no_other(board: Board) -> None:
    board.fill(5)
    board.shown["a"][2] = {"id": 3, "at": board.now.isoformat(), "text": None}
    batches, _ = fetch(toy(board))
    assert ids(batches) == ["5", "4", "2", "1"]
    (reject,) = (reject for batch in batches for reject in batch.rejected)
    assert (reject.reason, reject.where) == ("no text", "a item 3")
    assert json.loads(reject.payload)["id"] == 3


def test_a_post_that_is_gone_is_told_once_and_is_no_post(board: Board) -> None:
    board.fill(8)
    board.shown["a"][3] = board.shown["a"][4] = {"id": 5, "at": board.now.isoformat(), "gone": True}
    batches, _ = fetch(toy(board))
    assert [(gone.native_id, gone.state) for batch in batches for gone in batch.deletes] == [("5", "removed_by_mod")]
    assert ids(batches) == ["8", "7", "6", "3", "2", "1"]


def test_a_bad_time_costs_no_other(board: Board) -> None:
    board.fill(5)
    board.shown["a"][2]["at"] = "yesterday"
    board.shown["a"][3]["at"] = 10**30
    batches, _ = fetch(toy(board))
    assert len(ids(batches)) == 3


def test_a_page_of_nothing_but_bad_items_is_not_the_end(board: Board) -> None:
    board.fill(10)
    for post in board.shown["a"][:4]:
        post["text"] = None
    assert len(ids(fetch(toy(board))[0])) == 6


def test_batches_are_landed_as_they_fill(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paged, "_ITEMS_A_BATCH", 6)
    new = board.fill(20)
    batches, _ = fetch(toy(board))
    assert [len(batch.posts) for batch in batches] == [8, 8, 4, 0]
    assert [batch.complete for batch in batches] == [False, False, False, True]
    for n_landed in range(1, len(batches) + 1):
        rest, _ = fetch(toy(board), batches[n_landed - 1].cursor_after)
        assert {*ids(batches[:n_landed]), *ids(rest)} == set(new)


def test_what_was_seen_is_bounded(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "_MOST_SEEN", 10)
    source, window = toy(board), Window(board.now)
    for n in range(0, 100, 4):
        items = [{"id": n + i, "at": board.now.isoformat(), "text": "x"} for i in range(4)]
        assert window.take(Page(items, token=n), source.post, "a") is None
        assert len(window.seen) <= 14
    assert len(window.held.posts) == 100


def test_a_shape_that_is_unknown_lands_what_came_before_it(board: Board) -> None:
    board.fill(10)
    board.server.faults[2] = faults.answers(200, b"[]")
    batches, error = fetch(toy(board))
    assert isinstance(error, Protocol)
    assert len(ids(batches)) == 4
    assert batches[-1].cursor_after["streams"]["a"]["high"] is None
