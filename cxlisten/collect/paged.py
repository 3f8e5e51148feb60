"""Paged sources: platforms that list the newest first, page by page; here is what sees to it that none is lost.

A run has a window: from the last run's end, less an overlap for what arrives late, to now. It is read page by page,
newest first, and only when all of it is read does the next run begin where this one ended. A run that breaks off
leaves in its cursor the page to go on from.
"""

import json
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any, ClassVar

from cxlisten.collect import Budget, Cursor, Source
from cxlisten.collect.http import BudgetSpent, Http, Stopped
from cxlisten.errors import BadQuery, NotFound, Protocol, QuotaExhausted, SourceError
from cxlisten.models import Batch, Gap, Post, Query, Reject

_ITEMS_A_BATCH = 1_000
_MOST_SEEN = 10_000  # the store knows the others
_STALE_PAGES = 3  # so many pages in a row with nothing new are an endless listing


@dataclass(frozen=True, slots=True)
class Stream:
    """One listing of a platform, such as an instance's timeline of a tag; `key` names it in the cursor."""

    key: str
    of: Any = None


@dataclass(frozen=True, slots=True)
class Page:
    """What a platform showed: its items as it gave them, and the token of the next page, null on the last.

    `is_capped` says that the last page is not the end, but all that the platform shows.
    """

    items: Sequence[Any]
    token: Any = None
    is_capped: bool = False
    notes: Sequence[str] = ()


@dataclass(slots=True)
class Window:
    """What is to be read of a stream: since when; `token` is the page to go on from, `top` where the next run begins.

    It is null until the first answer has told the platform's time. `seen` are the posts of the last pages.
    """

    since: datetime
    top: datetime | None = None
    token: Any = None
    seen_tokens: set[str] = field(default_factory=set)
    seen: set[tuple[str, str]] = field(default_factory=set)
    reached: datetime | None = None
    n_items: int = 0
    n_stale: int = 0


class Paged(Source):
    """A source that says what its streams are, how a page is asked for, and what an item of it is as a post.

    `overlap` is how far back each window reads again, `tokens_last` says that a page's token still holds in the
    next run. Where it does not, a window that the budget cut short leaves a gap.
    """

    overlap: ClassVar[timedelta] = timedelta(hours=2)
    tokens_last: ClassVar[bool] = False

    @abstractmethod
    def open(self, budget: Budget, stop: Event) -> Http:
        """Give the client that `page` asks with."""

    @abstractmethod
    def streams(self, http: Http, query: Query) -> Sequence[Stream]:
        """Name what is to be read for a query."""

    @abstractmethod
    def page(self, http: Http, query: Query, stream: Stream, since: datetime, token: Any) -> Page:
        """Ask for a page, the first where `token` is null; of what is older than `since` nothing is needed."""

    @abstractmethod
    def post(self, item: Any, fetched_at: datetime) -> Post:
        """Give an item as a post; raises ValueError with the reason where it is none."""

    @property
    def first_days(self) -> float:
        """How many days back the first fetch goes."""
        return float(self.options.days)

    def fetch(self, query: Query, cursor: Cursor | None, budget: Budget, stop: Event) -> Iterator[Batch]:
        states: dict[str, Any] = dict(cursor["streams"]) if cursor else {}
        failures: list[SourceError] = []
        notes: list[str] = []
        with self.open(budget, stop) as http:
            ledger = _Ledger(http, self.caps.unit_cost, budget)
            try:
                streams = self.streams(http, query)
                for stream in streams:
                    try:
                        for state, batch in self._read(http, ledger, query, stream, states.get(stream.key, {})):
                            states = {**states, stream.key: state}
                            yield ledger.batch({"v": 1, "streams": states}, **batch)
                    except Stopped as why:
                        notes.append(f"{why}: the next run goes on from there")
                        break
                    except SourceError as error:
                        failures.append(error)
                        if isinstance(error, QuotaExhausted):
                            break
                states = {key: state for key, state in states.items() if key in {stream.key for stream in streams}}
            except Stopped as why:
                notes.append(str(why))
            yield ledger.batch({"v": 1, "streams": states}, notes=notes, complete=not (notes or failures))
        if failures:
            # What could be read is landed by now; the run fails for what could not.
            what = str(failures[0]) if len(streams) == 1 else f"{len(failures)} of {len(streams)}: {failures[0]}"
            raise type(failures[0])(what)

    def _read(
        self, http: Http, ledger: "_Ledger", query: Query, stream: Stream, state: Mapping[str, Any]
    ) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Read a stream's window; yields what to remember, and what the batch holds, whenever it is worth landing."""
        high = _moment(state.get("high"))
        window, gaps = self._window(http, high, state.get("pending"))
        is_resumed = window.token is not None
        posts: list[Post] = []
        rejected: list[Reject] = []
        notes: list[str] = []

        def remember() -> dict[str, Any]:
            pending = None
            if self.tokens_last and window.token is not None and window.top:
                pending = {"since": window.since.isoformat(), "top": window.top.isoformat(), "token": window.token}
            return {"high": high.isoformat() if high else None, "pending": pending}

        def landed(**more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
            batch = {"posts": list(posts), "rejected": list(rejected), "gaps": list(gaps), "notes": list(notes)}
            for held in (posts, rejected, gaps, notes):
                held.clear()
            return remember(), {**batch, "complete": False, **more}

        while True:
            try:
                ledger.afford(self.caps.max_page or 100, window.n_items)
                page = self.page(http, query, stream, window.since, window.token)
            except BudgetSpent as why:
                if not self.tokens_last and window.top:
                    gaps.append(self._gap(str(why), window))
                    high = window.top
                yield landed()
                raise
            except (BadQuery, NotFound, Protocol) as error:
                if not is_resumed:
                    yield landed()
                    raise
                # A page of the last run that the platform no longer knows: the window is read from its top again.
                notes.append(f"{error}: what was being read is read again from its newest post")
                window, is_resumed = Window(window.since), False
                continue
            except SourceError:
                yield landed()
                raise
            is_resumed = False
            window.top = window.top or http.now()
            ledger.spend(len(page.items))
            notes += page.notes
            end = self._take(page, window, stream, posts, rejected)
            if end is not None:
                if end:
                    gaps.append(self._gap(end, window))
                high, window.token = max(filter(None, (high, window.top))), None
                yield landed()
                return
            if len(posts) + len(rejected) >= _ITEMS_A_BATCH:
                yield landed()

    def _window(self, http: Http, high: datetime | None, pending: Any) -> tuple[Window, list[Gap]]:
        """Say what is to be read, and what cannot be read any more."""
        now = http.now()
        if pending:
            since, top = _moment(pending["since"]), _moment(pending["top"])
            assert since
            return Window(since, top, pending["token"]), []
        since = min(high, now) - self.overlap if high else now - timedelta(days=self.first_days)
        if self.caps.window_days:
            # A margin, for the platform's window moves on while we read.
            earliest = now - timedelta(days=self.caps.window_days) + timedelta(minutes=10)
            if since < earliest:
                lost = high is not None and high < earliest
                reason = f"{self.name} was last read longer ago than the {self.caps.window_days:g} days it shows"
                return Window(earliest), [Gap(reason, high, earliest)] if lost else []
        return Window(since), []

    def _take(
        self, page: Page, window: Window, stream: Stream, posts: list[Post], rejected: list[Reject]
    ) -> str | None:
        """Take in a page; gives null to go on, "" where the window is read to its end, else why it ends before."""
        if len(window.seen) > _MOST_SEEN:
            window.seen.clear()
        fetched_at, n_before = datetime.now(UTC), len(window.seen)
        newest: datetime | None = None
        for number, item in enumerate(page.items, 1):
            try:
                post = self.post(item, fetched_at)
            except (ValueError, OverflowError, RecursionError) as error:
                payload = json.dumps(item, default=str)
                rejected.append(Reject(str(error), payload, f"{stream.key} item {window.n_items + number}"))
                window.seen.add(("", payload))
                continue
            at = post.observed_at or post.posted_at
            newest = max(newest or at, at)
            window.reached = min(window.reached or at, at)
            if (post.native_id, post.version) not in window.seen:
                window.seen.add((post.native_id, post.version))
                posts.append(post)
        window.n_items += len(page.items)
        window.n_stale = window.n_stale + 1 if page.items and len(window.seen) == n_before else 0
        is_past = newest is not None and newest < window.since
        if page.token is None or is_past:
            return "it shows no more than its newest posts" if page.is_capped and not is_past else ""
        token = json.dumps(page.token, sort_keys=True)
        if token in window.seen_tokens:
            return "it names the same page as the next, again and again"
        if window.n_stale >= _STALE_PAGES:
            return f"{_STALE_PAGES} pages in a row held nothing new"
        window.seen_tokens.add(token)
        window.token = page.token
        return None

    def _gap(self, reason: str, window: Window) -> Gap:
        until = window.reached or window.top
        return Gap(f"{self.name}: {reason}", min(window.since, until) if until else window.since, until)


class _Ledger:
    """Counts what a fetch asks for and spends."""

    def __init__(self, http: Http, unit_cost: float, budget: Budget) -> None:
        self._http, self._unit_cost, self._budget = http, unit_cost, budget
        self._n_told, self._n_items, self._money_told = 0, 0, 0.0

    def spend(self, n_items: int) -> None:
        self._n_items += n_items

    def afford(self, n_items: int, n_read: int) -> None:
        """Raise BudgetSpent where so many items more could cost more than is left, or are more than wanted."""
        if self._n_items >= self._budget.posts:
            raise BudgetSpent(f"the budget of {self._budget.posts} posts is spent")
        money = self._budget.money
        if money is not None and (self._n_items + n_items) * self._unit_cost > money:
            raise BudgetSpent(f"the budget of {money:.2f} is spent")

    def batch(self, cursor: Cursor, **of: Any) -> Batch:
        n_asked, money = self._http.n_requests - self._n_told, self._n_items * self._unit_cost - self._money_told
        self._n_told, self._money_told = self._http.n_requests, self._n_items * self._unit_cost
        return Batch(cursor, n_asked=n_asked, money=money, **of)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
