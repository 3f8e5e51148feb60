"""Hacker News: stories and comments, through Algolia's search. No key needed."""

import json
import math
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from threading import Event
from typing import Annotated, Any

import pydantic

from cxlisten.collect import Budget, Caps, Cursor, Estimate, Health, Options, Source
from cxlisten.collect.http import Http, Stopped
from cxlisten.collect.text import clean, html_to_text, join_title
from cxlisten.collect.times import read_time
from cxlisten.errors import Protocol, SourceError
from cxlisten.models import Batch, Gap, Post, Query, Reject
from cxlisten.query.pushdown import searches

_PAGE = 1_000  # also the most that one search gives, on however many pages
_OVERLAP = 2 * 3600  # the index lags behind the site


class HackerNewsOptions(Options):
    """`days` is how far back the first fetch goes."""

    base_url: str = "https://hn.algolia.com/api/v1"
    days: Annotated[float, pydantic.Field(gt=0)] = 7


class HackerNews(Source):
    """Reads forward in slices of time, each small enough for the search's cap; the cursor is the end of the last."""

    Options = HackerNewsOptions
    caps = Caps(max_page=_PAGE, max_items=_PAGE)
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

    def fetch(self, query: Query, cursor: Cursor | None, budget: Budget, stop: Event) -> Iterator[Batch]:
        now = int(time.time())
        high = min(cursor["high"], now) if cursor else 0
        since = high - _OVERLAP if cursor else self._first(now)
        texts = searches(query.terms)
        notes = [] if texts != [""] else ["no word of the query must be there: all of Hacker News is read"]
        width, n_counted = now - since, 0
        with Http(budget, stop) as http:
            while since < now:
                until = min(since + width, now)
                try:
                    hits, is_capped = self._slice(http, texts, since, until)
                except Stopped as why:
                    notes.append(
                        f"{why}: read up to {_time(since):%Y-%m-%d %H:%M} UTC, the next run goes on from there"
                    )
                    n_asked = http.n_requests - n_counted
                    yield Batch({"v": 1, "high": max(since, high)}, notes=notes, n_asked=n_asked, complete=False)
                    return
                if is_capped and until - since > 1:
                    width = (until - since) // 2
                    continue
                posts, rejected = _mapped(hits, f"created_at_i {since}..{until}")
                gap = Gap(f"more than {_PAGE} hits in one second", _time(since), _time(until))
                yield Batch(
                    cursor_after={"v": 1, "high": max(until, high)},
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
            if len(hits) >= _PAGE or page.get("nbPages", 1) > 1:
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


def _mapped(hits: list[Any], place: str) -> tuple[list[Post], list[Reject]]:
    fetched_at = datetime.now(UTC)
    posts: list[Post] = []
    rejected: list[Reject] = []
    for number, hit in enumerate(hits, start=1):
        try:
            posts.append(_post(hit, fetched_at))
        except ValueError as error:
            rejected.append(Reject(str(error), json.dumps(hit), f"{place}, hit {number}"))
    return posts, rejected


def _post(hit: Any, fetched_at: datetime) -> Post:
    if not isinstance(hit, Mapping):
        raise ValueError("the hit is not an object")
    native_id = str(hit.get("objectID") or "")
    if not native_id.isdigit():
        raise ValueError("objectID is missing or not a number")
    comment, title = _string(hit, "comment_text"), clean(_string(hit, "title"))
    text = join_title(title, html_to_text(comment or _string(hit, "story_text")))
    if not text:
        raise ValueError("neither a title nor a text")
    counts = {"likes": hit.get("points"), "replies": hit.get("num_comments")}
    parent = hit.get("parent_id")
    return Post(
        platform="hackernews",
        native_id=native_id,
        text=text,
        posted_at=read_time(hit.get("created_at_i") or hit.get("created_at")),
        fetched_at=fetched_at,
        raw=hit,
        kind="comment" if comment else "post",
        author=_string(hit, "author") or None,
        title=title or None,
        url=f"https://news.ycombinator.com/item?id={native_id}",
        thread_id=str(hit.get("story_id") or native_id),
        parent_key=f"hackernews:{parent}" if parent else None,
        relation="reply" if comment else "original",
        metrics={name: n for name, n in counts.items() if isinstance(n, int)},
        terms="hackernews",
    )


def _time(epoch: int) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)


def _string(hit: Mapping[str, Any], name: str) -> str:
    value = hit.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{name} is a {type(value).__name__} where a text was expected")
    return value or ""


SOURCE = HackerNews
