"""Paged sources: platforms that list the newest first, page by page; here is what sees to it that none is lost.

A run has a window: from the last run's end, less an overlap for what arrives late, to now. It is read page by page,
newest first, and only when all of it is read does the next run begin where this one ended. A run that breaks off
leaves in its cursor the page to go on from.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any, ClassVar

from cxlisten.collect import Budget, Cursor, Source
from cxlisten.collect.http import BudgetSpent, Http, Stopped
from cxlisten.collect.window import Held, Page, Window
from cxlisten.errors import BadQuery, NotFound, Protocol, QuotaExhausted, SourceError
from cxlisten.models import Batch, Gap, Post, Query, StateChange

__all__ = ["Page", "Paged", "Stream"]

_ITEMS_A_BATCH = 1_000
_AHEAD = timedelta(hours=1)  # a cursor may be ahead of our clock by so much


@dataclass(frozen=True, slots=True)
class Stream:
    """One listing of a platform, such as an instance's timeline of a tag; `key` names it in the cursor."""

    key: str
    of: Any = None


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
    def post(self, item: Any, fetched_at: datetime) -> Post | StateChange:
        """Give an item as a post, or say that it is gone; raises ValueError with the reason where it is neither."""

    @property
    def first_days(self) -> float:
        """How many days back the first fetch goes."""
        return float(self.options.days)

    def fetch(self, query: Query, cursor: Cursor | None, budget: Budget, stop: Event) -> Iterator[Batch]:
        states: dict[str, Any] = dict(cursor["streams"]) if cursor else {}
        failures: list[SourceError] = []
        notes: list[str] = []
        given: set[int] = set()
        with self.open(budget, stop) as http:
            ledger = _Ledger(http, self.caps.unit_cost, budget)
            try:
                streams = self.streams(http, query)
                for stream in streams:
                    try:
                        for state, batch in self._read(http, ledger, query, stream, states.get(stream.key, {})):
                            states = {**states, stream.key: state}
                            # A post may be in several streams, as one with two hashtags is.
                            new = {hash((post.native_id, post.version or post.text)): post for post in batch["posts"]}
                            batch["posts"] = [post for key, post in new.items() if key not in given]
                            given |= new.keys()
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
            first = failures[0]
            if len(streams) > 1:
                first.args = (f"{len(failures)} of {len(streams)}: {first}",)
            raise first

    def _read(
        self, http: Http, ledger: "_Ledger", query: Query, stream: Stream, state: Mapping[str, Any]
    ) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Read a stream's window; yields what to remember, and what the batch holds, whenever it is worth landing."""
        high, notes = _moment(state.get("high")), []
        if high and high > datetime.now(UTC) + _AHEAD:
            notes.append(f"{self.name} was last read at {high:%Y-%m-%d %H:%M} UTC, says the cursor: a clock was wrong")
            high = None
        window = self._window(http, high, state.get("pending"))
        window.held.notes += notes
        is_resumed = window.token is not None

        def landed() -> tuple[dict[str, Any], dict[str, Any]]:
            batch, window.held, pending = vars(window.held), Held(), None
            if self.tokens_last and window.token is not None and window.top:
                pending = {"since": window.since.isoformat(), "top": window.top.isoformat(), "token": window.token}
            return {"high": high.isoformat() if high else None, "pending": pending}, {**batch, "complete": False}

        while True:
            try:
                ledger.afford(self.caps.max_page or 100)
                page = self.page(http, query, stream, window.since, window.token)
            except SourceError as error:
                if is_resumed and isinstance(error, BadQuery | NotFound | Protocol):
                    # A page of the last run that the platform no longer knows: the window is read from its top again.
                    window.held.notes.append(f"{error}: what was being read is read again from its newest post")
                    window, is_resumed = Window(window.since, held=window.held), False
                    continue
                if isinstance(error, BudgetSpent) and not self.tokens_last and window.top:
                    window.held.gaps.append(self._gap(str(error), window))
                    high = window.top
                yield landed()
                raise
            is_resumed = False
            window.top = window.top or http.now()
            ledger.n_items += len(page.items) + page.n_extra
            window.held.notes += page.notes
            end = window.take(page, self.post, stream.key)
            if end is not None:
                # Where it shows no more, but all since the last run, nothing is lost.
                if end and not (page.is_capped and high and window.reached and window.reached <= high):
                    window.held.gaps.append(self._gap(end, window))
                window.token = None
                if not page.is_doubtful:
                    high = window.top
                yield landed()
                return
            if len(window.held.posts) + len(window.held.rejected) >= _ITEMS_A_BATCH:
                yield landed()

    def _window(self, http: Http, high: datetime | None, pending: Any) -> Window:
        """Say what is to be read, and what cannot be read any more."""
        now, top, token = http.now(), None, None
        since = min(high, now) - self.overlap if high else now - timedelta(days=self.first_days)
        if pending:
            since = high = datetime.fromisoformat(pending["since"])
            top, token = _moment(pending["top"]), pending["token"]
        if self.caps.window_days:
            # A margin, for the platform's window moves on while we read; what was begun may use it up.
            earliest = now - timedelta(days=self.caps.window_days) + timedelta(minutes=10)
            if since < earliest - timedelta(minutes=10 if pending else 0):
                lost = high is not None and high < earliest
                reason = f"{self.name} was last read longer ago than the {self.caps.window_days:g} days it shows"
                return Window(earliest, top, token, held=Held(gaps=[Gap(reason, high, earliest)] if lost else []))
        return Window(since, top, token)

    def _gap(self, reason: str, window: Window) -> Gap:
        until = window.reached or window.top
        return Gap(f"{self.name}: {reason}", min(window.since, until) if until else window.since, until)


class _Ledger:
    """Counts what a fetch asks for and spends."""

    def __init__(self, http: Http, unit_cost: float, budget: Budget) -> None:
        self._http, self._unit_cost, self._budget = http, unit_cost, budget
        self._n_told, self.n_items, self._money_told = 0, 0, 0.0

    def afford(self, n_items: int) -> None:
        """Raise BudgetSpent where so many items more could cost more than is left, or are more than wanted."""
        if self.n_items >= self._budget.posts:
            raise BudgetSpent(f"the budget of {self._budget.posts} posts is spent")
        money = self._budget.money
        if money is not None and (self.n_items + n_items) * self._unit_cost > money:
            raise BudgetSpent(f"the budget of {money:.2f} is spent")

    def batch(self, cursor: Cursor, **of: Any) -> Batch:
        n_asked, money = self._http.n_requests - self._n_told, self.n_items * self._unit_cost - self._money_told
        self._n_told, self._money_told = self._http.n_requests, self.n_items * self._unit_cost
        return Batch(cursor, n_asked=n_asked, money=money, **of)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
