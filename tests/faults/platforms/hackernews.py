"""Algolia's search of Hacker News, over a timeline with a burst that one search cannot show; and the site's own API."""

import json
import re
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any, ClassVar

from tests.faults.platforms import Identity
from tests.faults.server import FakeServer, Reply, Request
from tests.faults.timeline import Item, Timeline

_FIRST = 40_000_000


class HackerNews:
    """Newest first, `cap` hits at most per search, on as many pages as asked for."""

    n_bad = 1
    secrets: ClassVar[dict[str, str]] = {}

    def __init__(self, folder: Path, seed: int = 1) -> None:
        self.timeline = Timeline(seed)
        self.cap = 1_000
        self.hits: list[dict[str, Any]] = []  # beside those of the timeline
        self._n = 0
        since, day = self.timeline.now, timedelta(days=1)
        for n in range(40):
            self.timeline.add(since - 3.5 * day + timedelta(hours=2 * n))
        for n in range(1_300):
            self.timeline.add(since - 2 * day + timedelta(seconds=n // 2))  # a burst
        self.bad = {"objectID": None, "created_at_i": self.now - 5_000, "comment_text": "no id", "_tags": ["comment"]}
        self.server = FakeServer(self.answer, clock=lambda: self.timeline.now)

    @property
    def now(self) -> int:
        return int(self.timeline.now.timestamp())

    def add(self, at: int, kind: str = "story", text: str = "something &amp; more") -> str:
        """Add an item beside the timeline and give its id."""
        self._n += 1
        self.hits.append(self._hit(str(_FIRST // 2 + self._n), at, kind, f"<p>{text}"))
        return str(self.hits[-1]["objectID"])

    def _hit(self, native_id: str, at: int, kind: str, html: str) -> dict[str, Any]:
        hit: dict[str, Any] = {
            "objectID": native_id, "created_at_i": at, "author": "someone", "points": 3,
            "created_at": datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "num_comments": 1, "_tags": [kind, "author_someone"],
        }  # fmt: skip
        if kind == "story":
            return hit | {"title": f"Story {native_id}", "story_text": html, "url": "https://example.org/a"}
        return hit | {"comment_text": html, "story_id": 39_000_000, "parent_id": 39_000_001, "title": None}

    def _of(self, item: Item) -> dict[str, Any]:
        at, kind = int(item.posted_at.timestamp()), "comment" if item.number % 3 else "story"
        return self._hit(self.identity(item)[1], at, kind, f"<p>{escape(self.timeline.text(item))}")

    def answer(self, request: Request) -> Reply:
        if request.path.startswith("/v0/item/"):
            return self._item(request.path.removeprefix("/v0/item/").removesuffix(".json"))
        if request.path != "/api/v1/search_by_date":
            return Reply(b'{"message": "not found"}', 404)
        since, until = map(int, re.findall(r"\d+", request.params["numericFilters"].replace("_i", "")))
        words = request.params["query"].strip('"').lower()
        there = [item for item in self.timeline.shown() if since <= item.posted_at.timestamp() < until]
        found = [
            hit
            for hit in [*map(self._of, there), *self.hits, self.bad]
            if since <= hit["created_at_i"] < until and (not words or words in json.dumps(hit).lower())
        ]
        found.sort(key=lambda hit: -hit["created_at_i"])
        per_page = int(request.params["hitsPerPage"])
        page = {
            "hits": found[: min(per_page, self.cap)], "nbHits": len(found), "page": 0, "hitsPerPage": per_page,
            "nbPages": -(-min(len(found), self.cap) // per_page) if per_page else 0,
        }  # fmt: skip
        return Reply(json.dumps(page).encode(), 200, {"Content-Type": "application/json"})

    def _item(self, native_id: str) -> Reply:
        """What the site's own API says of an item."""
        items = {self.identity(item)[1]: item for item in self.timeline.items}
        known: dict[str, Any] | None = None
        if native_id in items or ("hackernews", native_id) in self.posts():
            item = items.get(native_id)
            is_gone = item and item.deleted_at and item.deleted_at <= self.timeline.now
            known = {"id": int(native_id), "type": "story", "by": "someone", "time": self.now}
            known |= {"deleted": True} if is_gone else {}
        return Reply(json.dumps(known).encode(), 200, {"Content-Type": "application/json; charset=utf-8"})

    def options(self) -> dict[str, Any]:
        return {"base_url": f"{self.server.url}/api/v1", "firebase_url": f"{self.server.url}/v0"}

    def identity(self, item: Item) -> Identity:
        return ("hackernews", str(_FIRST + item.number))

    def posts(self) -> set[Identity]:
        return {
            *map(self.identity, self.timeline.shown()),
            *(("hackernews", hit["objectID"]) for hit in self.hits),
        }

    def advance(self) -> None:
        self.timeline.advance(hours=2, n_posts=12)

    def rate_headers(self, seconds: float) -> dict[str, str]:
        return {"Retry-After": str(round(seconds))}

    def close(self) -> None:
        self.server.__exit__()


PLATFORM = HackerNews
