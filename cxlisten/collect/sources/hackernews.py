"""Hacker News: stories and comments, through Algolia's search; its own API tells what is gone. No key needed."""

import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from threading import Event
from typing import Annotated, Any

import pydantic

from cxlisten.collect import Budget, Caps, Cursor, Estimate, Health, Options, PushDown, Source
from cxlisten.collect.http import Http, Stopped
from cxlisten.collect.text import clean, html_to_text, join_title, text_of
from cxlisten.collect.times import read_time
from cxlisten.errors import Protocol, SourceError
from cxlisten.models import Batch, Gap, Post, Query, Reject, State, StateChange
from cxlisten.query.pushdown import searches

_PAGE = 1_000  # also the most that one search gives, on however many pages
_OVERLAP = 2 * 3600  # the index lags behind the site, and a comment can be edited for as long
_AHEAD = 3600  # by which the platform's clock may be ahead of ours
_ALL = "no word of the query must be there: all of Hacker News is read"


class HackerNewsOptions(Options):
    """`days` is how far back the first fetch goes. `firebase_url` is the site's own API, `base_url` the search's."""

    base_url: str = "https://hn.algolia.com/api/v1"
    firebase_url: str = "https://hacker-news.firebaseio.com/v0"
    days: Annotated[float, pydantic.Field(gt=0)] = 7


class HackerNews(Source):
    """Reads forward in slices of time, each small enough for the search's cap; the cursor is the end of the last."""

    Options = HackerNewsOptions
    caps = Caps(max_page=_PAGE, max_items=_PAGE, can_verify=True)
    options: HackerNewsOptions

    def check(self) -> Health:
        try:
            with Http(Budget(requests=2, seconds=30), Event()) as http:
                self._search(http, "", 0, int(time.time()), n_hits=0)
        except SourceError as error:
            return Health(False, str(error))
        return Health(True, "Hacker News answers")

    def estimate(self, query: Query) -> Estimate:
        now = int(time.time())
        with Http(Budget(), Event()) as http:
            pages = [self._search(http, text, self._first(now), now, 0) for text in searches(query.terms)]
        counts = [int(page.get("nbHits") or 0) for page in pages]
        return Estimate(requests=sum(max(1, math.ceil(n / _PAGE)) for n in counts), posts=sum(counts))

    def push_down(self, query: Query) -> PushDown:
        texts = searches(query.terms)
        return PushDown(tuple(texts), warnings=(_ALL,) if texts == [""] else ())

    def fetch(self, query: Query, cursor: Cursor | None, budget: Budget, stop: Event) -> Iterator[Batch]:
        now = int(time.time())
        # A cursor from further ahead was written by a clock that was wrong: all is read again.
        high = cursor["high"] if cursor and cursor["high"] < now + _AHEAD else 0
        since, now = high - _OVERLAP if high else self._first(now), now + _AHEAD
        texts = searches(query.terms)
        notes = [] if texts != [""] else [_ALL]
        width, n_counted = now - since, 0
        with Http(budget, stop) as http:

            def read_to(moment: int) -> dict[str, int]:
                """Never beyond the platform's own time, for what lies between it and ours is still to come."""
                return {"v": 1, "high": max(min(moment, int(http.now().timestamp())), high)}

            while since < now:
                until = min(since + width, now)
                try:
                    hits, is_capped = self._slice(http, texts, since, until)
                except Stopped as why:
                    notes.append(
                        f"{why}: read up to {_time(since):%Y-%m-%d %H:%M} UTC, the next run goes on from there"
                    )
                    n_asked = http.n_requests - n_counted
                    yield Batch(read_to(since), notes=notes, n_asked=n_asked, complete=False)
                    return
                if is_capped and until - since > 1:
                    width = (until - since) // 2
                    continue
                posts, rejected = self._mapped(hits, f"created_at_i {since}..{until}")
                gap = Gap(f"more than {_PAGE} hits in one second", _time(since), _time(until))
                yield Batch(
                    cursor_after=read_to(until),
                    posts=posts,
                    rejected=rejected,
                    gaps=[gap] if is_capped else [],
                    notes=notes,
                    n_asked=http.n_requests - n_counted,
                    complete=until == now,
                )
                n_counted, notes = http.n_requests, []
                width = (until - since) * (2 if len(hits) < _PAGE // 2 else 1)
                since = until

    def _first(self, now: int) -> int:
        return now - round(self.options.days * 86_400)

    def _slice(self, http: Http, texts: list[str], since: int, until: int) -> tuple[list[Any], bool]:
        """All hits of a slice of time, each once, and whether the search may have held some back."""
        found: dict[Any, Any] = {}
        for text in texts:
            page = self._search(http, text, since, until)
            hits = page.get("hits")
            if not isinstance(hits, list):
                raise Protocol("Hacker News answered without a list of hits: its search may have changed")
            for hit in hits:
                key = hit.get("objectID") if isinstance(hit, dict) else None
                found.setdefault(str(key) if key else len(found), hit)
            n_pages = page.get("nbPages")
            if len(hits) >= _PAGE or (isinstance(n_pages, int) and n_pages > 1):
                return list(found.values()), True
        return list(found.values()), False

    def _search(self, http: Http, text: str, since: int, until: int, n_hits: int = _PAGE) -> dict[str, Any]:
        return http.get_json(
            f"{self.options.base_url.rstrip('/')}/search_by_date",
            {
                "query": text,
                "tags": "(story,comment)",
                "numericFilters": f"created_at_i>={since},created_at_i<{until}",
                "hitsPerPage": n_hits,
                "advancedSyntax": "true",  # quotes mean a phrase
            },
        )

    def _mapped(self, hits: list[Any], place: str) -> tuple[list[Post], list[Reject]]:
        fetched_at = datetime.now(UTC)
        posts: list[Post] = []
        rejected: list[Reject] = []
        for number, hit in enumerate(hits, start=1):
            try:
                posts.append(self.post(hit, fetched_at))
            except (ValueError, OverflowError, RecursionError) as error:
                rejected.append(Reject(str(error), json.dumps(hit), f"{place}, hit {number}"))
        return posts, rejected

    def post(self, item: Any, fetched_at: datetime) -> Post:
        if not isinstance(item, Mapping):
            raise ValueError("the hit is not an object")
        native_id = str(item.get("objectID") or "")
        if not native_id.isdecimal():
            raise ValueError("objectID is missing or not a number")
        comment, title = text_of(item, "comment_text"), clean(text_of(item, "title"))
        text = join_title(title, html_to_text(comment or text_of(item, "story_text")))
        if not text:
            raise ValueError("neither a title nor a text")
        counts = {"likes": item.get("points"), "replies": item.get("num_comments")}
        parent = item.get("parent_id")
        return Post(
            platform="hackernews",
            native_id=native_id,
            text=text,
            posted_at=read_time(item.get("created_at_i") or item.get("created_at")),
            fetched_at=fetched_at,
            raw=item,
            kind="comment" if comment else "post",
            author=text_of(item, "author") or None,
            title=title or None,
            url=f"https://news.ycombinator.com/item?id={native_id}",
            thread_id=str(item.get("story_id") or native_id),
            parent_key=f"hackernews:{parent}" if parent else None,
            relation="reply" if comment else "original",
            metrics={name: n for name, n in counts.items() if isinstance(n, int) and not isinstance(n, bool)},
            terms="hackernews",
        )

    def verify(self, native_ids: Sequence[str]) -> Iterator[StateChange]:
        with Http(Budget(), Event()) as http:
            for native_id in native_ids:
                if state := self._state(http, native_id):
                    yield StateChange("hackernews", native_id, state, datetime.now(UTC))

    def _state(self, http: Http, native_id: str) -> State | None:
        """What the site says of an item; null is said of what it does not know, or not yet."""
        url = f"{self.options.firebase_url.rstrip('/')}/item/{native_id}.json"

        def ask() -> Mapping[str, Any] | None:
            answer = http.attempt("GET", url)
            return None if answer.body.strip() == b"null" else answer.json()

        item = http.retry(ask)
        if item is None:
            return "unknown_gone"
        if str(item.get("id")) != native_id:
            raise Protocol(f"Hacker News answered with another item than {native_id}: its API may have changed")
        return "deleted_by_author" if item.get("deleted") else "removed_by_mod" if item.get("dead") else None


def _time(epoch: int) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)


SOURCE = HackerNews
