"""Bluesky by its stream: all posts as they are made, of which those are kept that may be what a query asks for."""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

from cxlisten.collect import Budget, Cursor, Estimate, Health, PushDown, Source
from cxlisten.collect.bluesky.jetstream import Garble, Heard, Jetstream
from cxlisten.collect.bluesky.posts import Textless, read_event, shown_text
from cxlisten.collect.http import BudgetSpent, Stopped
from cxlisten.errors import SourceError
from cxlisten.models import Batch, Gap, Post, Query, Reject, StateChange
from cxlisten.query import compile
from cxlisten.query.words import fold

_ITEMS_A_BATCH, _HEARD_A_BATCH, _SECONDS_A_BATCH = 1_000, 50_000, 30.0
_MOST_REMEMBERED = 2_000
_CLOSED = frozenset(("deleted", "takendown", "suspended", "deactivated"))


class BlueskyStream(Source):
    """Listens from where the last run ended to the moment at which this one began.

    The cursor holds when the server saw the last event, and digests of the posts last given: the stream tells of
    every post that anybody deletes, and of those only ours are passed on.
    """

    def check(self) -> Health:
        stream = Jetstream(self._url, datetime.now(UTC), Event(), attempts=1)
        try:
            with closing(stream.listen()) as events:
                for _ in events:
                    if stream.opened_at:
                        break
        except SourceError as error:
            return Health(False, str(error))
        return Health(True, "Bluesky's stream can be read")

    @property
    def _url(self) -> str:
        return f"{self.options.jetstream_url.rstrip('/')}/xrpc"

    def estimate(self, query: Query) -> Estimate:
        """One connection; how many posts it brings nobody can say."""
        return Estimate(requests=1)

    def push_down(self, query: Query) -> PushDown:
        return PushDown(warnings=("all of Bluesky's posts are read, and sifted here",))

    def resumed(self, cursor: Cursor | None, query: Query) -> Cursor | None:
        """The cursor as one of the stream, if it was left by the search: from the end that it had read to."""
        if cursor is None or "heard_at" in cursor:
            return cursor
        ends = [
            state.get("high") or state["pending"]["since"]
            for state in cursor["streams"].values()
            if state.get("high") or state.get("pending")
        ]
        return {"v": 1, "heard_at": min(ends, key=datetime.fromisoformat), "posts": []} if ends else None

    def fetch(self, query: Query, cursor: Cursor | None, budget: Budget, stop: Event) -> Iterator[Batch]:
        seconds = min(budget.seconds, self.options.seconds)
        ends_at, is_complete, failure = time.monotonic() + seconds, False, None
        desk = _Desk(query, cursor, datetime.now(UTC) - timedelta(minutes=self.options.minutes))
        stream = Jetstream(self._url, desk.reached, stop, most_connections=budget.requests)
        try:
            with closing(stream.listen()) as events:
                for event in events:
                    if event is not None:
                        desk.take(event)
                    if stream.opened_at and desk.reached >= stream.opened_at:
                        is_complete = True
                        break
                    if desk.n_given >= budget.posts:
                        raise BudgetSpent(f"the budget of {budget.posts} posts is spent")
                    if time.monotonic() > ends_at:
                        raise BudgetSpent(f"{seconds:.0f} s of listening are over")
                    if desk.is_full:
                        yield desk.batch(stream.n_connections)
        except Stopped as why:
            desk.notes.append(f"{why}: read up to {desk.reached:%Y-%m-%d %H:%M} UTC, the next run goes on from there")
        except SourceError as error:
            failure = error
        desk.notes.append(f"{desk.n_heard:,} events of Bluesky's stream were heard")
        yield desk.batch(stream.n_connections, is_complete)
        if failure:
            # What was heard is landed by now; the run fails for what was not.
            raise failure


class _Desk:
    """Takes in what is heard; what is worth landing lies here until it is fetched as a batch."""

    def __init__(self, query: Query, cursor: Cursor | None, first: datetime) -> None:
        self.reached = datetime.fromisoformat(cursor["heard_at"]) if cursor else first
        self.notes: list[str] = []
        self.n_heard = self.n_given = 0
        self._needles = compile(query.terms).needles
        if self._needles is None:
            self.notes.append("no word of the query must be there: all of Bluesky's posts are taken in")
        self._is_first, self._is_clamped = cursor is None, False
        self._remembered: dict[str, None] = dict.fromkeys(cursor["posts"]) if cursor else {}
        self._given: dict[str, str] = {}  # uri → version, of this run
        self._n_told = 0
        self._clear()

    def _clear(self) -> None:
        self._posts: dict[str, Post] = {}
        self._rejected: list[Reject] = []
        self._deletes: list[StateChange] = []
        self._gaps: list[Gap] = []
        self._since, self._n_before = time.monotonic(), self.n_heard

    @property
    def is_full(self) -> bool:
        n_heard, seconds = self.n_heard - self._n_before, time.monotonic() - self._since
        n_items = len(self._posts) + len(self._rejected)
        return n_items >= _ITEMS_A_BATCH or n_heard >= _HEARD_A_BATCH or (n_heard > 0 and seconds > _SECONDS_A_BATCH)

    def batch(self, n_connections: int, is_complete: bool = False) -> Batch:
        """Hand over what lies here."""
        cursor = {"v": 1, "heard_at": self.reached.isoformat(), "posts": [*self._remembered][-_MOST_REMEMBERED:]}
        batch = Batch(
            cursor_after=cursor,
            posts=list(self._posts.values()),
            rejected=self._rejected,
            deletes=self._deletes,
            gaps=self._gaps,
            notes=self.notes,
            n_asked=n_connections - self._n_told,
            complete=is_complete,
        )
        self.notes, self._n_told = [], n_connections
        self._clear()
        return batch

    def take(self, event: Heard | Garble) -> None:
        self.n_heard += 1
        if isinstance(event, Garble):
            self._reject(event.reason, event.text)
            return
        if event.kind == "info":
            self._is_clamped |= event.content.get("name") == "OutdatedCursor"
            return
        if event.at and self._is_clamped:
            self._note_gap(event.at)
        if event.kind == "commit":
            self._take_commit(event.content)
        elif event.kind == "account":
            self._take_account(event.content.get("account"), event.at)
        self.reached = max(self.reached, event.at or self.reached)
        self._is_first = False

    def _note_gap(self, until: datetime) -> None:
        self._is_clamped = False
        if self._is_first:
            self.notes.append(f"the stream goes back to {until:%Y-%m-%d %H:%M} UTC only")
        elif until > self.reached:
            self._gaps.append(Gap("Bluesky's stream goes back no further: listen more often", self.reached, until))

    def _take_commit(self, event: Mapping[str, Any]) -> None:
        try:
            # Of millions of posts a day most are passed over here, and made no post of.
            if event.get("operation") != "delete" and not self._may_match(shown_text(event)):
                return
            found = read_event(event, datetime.now(UTC))
        except Textless:
            return
        except (ValueError, OverflowError, RecursionError) as error:
            payload = json.dumps(event, ensure_ascii=False)
            if self._may_match(payload):
                self._reject(str(error), payload)
            return
        if isinstance(found, StateChange):
            self._drop(found)
        elif self._given.get(found.native_id) != (found.version or found.text):
            self._posts[found.native_id] = found
            self._given[found.native_id] = found.version or found.text
            self._remembered[_digest(found.native_id)] = None
            self.n_given += 1

    def _take_account(self, account: Any, at: datetime | None) -> None:
        """Of an account that closes, those posts go that this run gave; of others a check finds out."""
        if at and isinstance(account, dict) and account.get("active") is False and account.get("status") in _CLOSED:
            for uri in [uri for uri in self._given if uri.startswith(f"at://{account.get('did')}/")]:
                self._drop(StateChange("bluesky", uri, "account_gone", at))

    def _drop(self, change: StateChange) -> None:
        if _digest(change.native_id) in self._remembered:
            del self._remembered[_digest(change.native_id)]
            self._given.pop(change.native_id, None)
            self._posts.pop(change.native_id, None)
            self._deletes.append(change)

    def _may_match(self, text: str) -> bool:
        """Whether a text holds one of those strings one of which every match holds."""
        if self._needles is None:
            return True
        folded = fold(text)
        return any(needle in folded for needle in self._needles)

    def _reject(self, reason: str, payload: str) -> None:
        self._rejected.append(Reject(reason, payload, f"the stream after {self.reached:%Y-%m-%d %H:%M:%S} UTC"))


def _digest(uri: str) -> str:
    return hashlib.sha256(uri.encode("utf-8", "replace")).hexdigest()[:12]
