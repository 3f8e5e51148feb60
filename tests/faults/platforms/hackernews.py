"""Algolia's search of Hacker News, over a timeline with a burst that one search cannot show."""

import json
import re
import time
from pathlib import Path
from typing import Any

from tests.faults.platforms import Identity
from tests.faults.server import FakeServer, Reply, Request

_CAP = 1_000


class HackerNews:
    """Newest first, 1,000 hits at most per search, on as many pages as asked for."""

    n_bad = 1

    def __init__(self, folder: Path) -> None:
        self.now = int(time.time())
        self.hits: list[dict[str, Any]] = []
        self._n = 0
        day = 86_400
        for n in range(60):
            self.add(self.now - 6 * day + n * 7_500)
        for n in range(1_300):
            self.add(self.now - 3 * day + n // 2, kind="comment")  # a burst
        self.bad = {"objectID": None, "created_at_i": self.now - 5_000, "comment_text": "no id", "_tags": ["comment"]}
        self.server = FakeServer(self.answer)

    def add(self, at: int, kind: str = "story", text: str = "something &amp; more") -> str:
        """Add an item and give its id."""
        self._n += 1
        hit: dict[str, Any] = {
            "objectID": str(40_000_000 + self._n), "created_at_i": at, "author": "someone", "points": 3,
            "num_comments": 1, "_tags": [kind, "author_someone"],
        }  # fmt: skip
        if kind == "story":
            hit |= {"title": f"Story {self._n}", "story_text": f"<p>{text}", "url": "https://example.org/a"}
        else:
            hit |= {"comment_text": f"<p>{text}", "story_id": 39_000_000, "parent_id": 39_000_001, "title": None}
        self.hits.append(hit)
        return hit["objectID"]

    def answer(self, request: Request) -> Reply:
        if request.path != "/api/v1/search_by_date":
            return Reply(b'{"message": "not found"}', 404)
        since, until = map(int, re.findall(r"\d+", request.params["numericFilters"].replace("_i", "")))
        words = request.params["query"].strip('"').lower()
        found = [
            hit
            for hit in [*self.hits, self.bad]
            if since <= hit["created_at_i"] < until and (not words or words in json.dumps(hit).lower())
        ]
        found.sort(key=lambda hit: -hit["created_at_i"])
        per_page = int(request.params["hitsPerPage"])
        page = {
            "hits": found[: min(per_page, _CAP)], "nbHits": len(found), "page": 0, "hitsPerPage": per_page,
            "nbPages": -(-min(len(found), _CAP) // per_page) if per_page else 0,
        }  # fmt: skip
        return Reply(json.dumps(page).encode(), 200, {"Content-Type": "application/json"})

    def options(self) -> dict[str, Any]:
        return {"base_url": f"{self.server.url}/api/v1"}

    def posts(self) -> set[Identity]:
        return {("hackernews", hit["objectID"]) for hit in self.hits}

    def advance(self) -> None:
        self.add(self.now - 3_600, kind="comment")  # indexed an hour late
        for n in range(5):
            self.add(self.now - 5 + n)

    def close(self) -> None:
        self.server.__exit__()


PLATFORM = HackerNews
