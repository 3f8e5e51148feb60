"""A Mastodon instance: a hashtag's and the public timeline, what it tells of itself, and posts at their own address."""

import json
from datetime import datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote

from tests.faults.platforms import Identity
from tests.faults.server import FakeServer, Reply, Request
from tests.faults.timeline import Item, Timeline

TAG = "kettle"
TOKEN = "token-of-the-tests"


def snowflake(at: datetime, number: int) -> str:
    """An id as Mastodon makes them: milliseconds, then a number."""
    return str((int(at.timestamp() * 1000) << 16) + number)


def iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"


class Mastodon:
    """Newest id first, 40 a page at most. What arrives late stands where its time puts it.

    `access` is who may read timelines, null on an instance that does not tell; `extra` are statuses beside those of
    the timeline; `link` makes a Link header of its own from the ids of a page.
    """

    n_bad = 1
    secrets: ClassVar[dict[str, str]] = {}

    def __init__(self, folder: Path, seed: int = 1) -> None:
        self.timeline = Timeline(seed, latest=timedelta(hours=6))
        self.timeline.advance(hours=24, n_posts=130)
        self.access: str | None = "public"
        self.server = FakeServer(self.answer, clock=lambda: self.timeline.now)
        self.link: Any = None
        self.extra: list[dict[str, Any]] = []
        for hours, change in enumerate(
            (
                {"uri": None},
                {"account": self._account() | {"noindex": True}},
                {"account": self._account() | {"discoverable": False}},
                {"account": self._account() | {"note": '<p><a href="/tags/NoBot">#<span>NoBot</span></a></p>'}},
            )
        ):
            self.add(self.timeline.now - timedelta(hours=hours + 1), **change)

    def _account(self, number: int = 0) -> dict[str, Any]:
        name = f"someone{number % 7}"
        return {
            "id": str(number % 7), "username": name, "acct": name, "display_name": "Someone 🫖", "locked": False,
            "bot": False, "discoverable": [True, None][number % 2], "indexable": False, "group": False,
            "note": "<p>likes tea</p>", "url": f"{self.server.url}/@{name}", "emojis": [], "fields": [],
        }  # fmt: skip

    def status(self, number: int, at: datetime, text: str) -> dict[str, Any]:
        """A status as it is on its own instance."""
        uri = f"{self.server.url}/users/someone/statuses/{number}"
        return {
            "id": snowflake(at, number), "created_at": iso(at), "in_reply_to_id": None,
            "in_reply_to_account_id": None, "sensitive": False, "spoiler_text": "", "visibility": "public",
            "language": ["en", None, "pt-BR"][number % 3], "uri": uri,
            "url": None if number % 10 == 0 else f"{self.server.url}/@someone/{number}",
            "replies_count": 1, "reblogs_count": 2, "favourites_count": 3, "quotes_count": None, "edited_at": None,
            "content": f'<p>{escape(text)}<br><a href="{self.server.url}/tags/{TAG}" class="mention hashtag" rel="tag">'
                       f"#<span>{TAG}</span></a></p>",
            "reblog": None, "application": None, "account": self._account(number), "media_attachments": [],
            "mentions": [], "tags": [{"name": TAG, "url": f"{self.server.url}/tags/{TAG}"}], "emojis": [],
            "card": None, "poll": None, "quote": None,
        }  # fmt: skip

    def add(self, at: datetime, text: str = "more", **change: Any) -> str:
        """Add a status beside the timeline and give its uri."""
        number = 5_000 + len(self.extra)
        self.extra.append({**self.status(number, at, text), **change})
        return str(self.extra[-1]["uri"])

    def _of(self, item: Item) -> dict[str, Any]:
        status = self.status(item.number, item.posted_at, self.timeline.text(item))
        if version := self.timeline.version(item):
            status["edited_at"] = iso(item.texts[version][0])
        if item.number % 9 == 0:
            status |= {
                "in_reply_to_id": "1",
                "in_reply_to_account_id": "1",
                "spoiler_text": "spoilt",
                "sensitive": True,
            }
        return status

    def statuses(self) -> list[dict[str, Any]]:
        """All that a timeline shows now, newest first."""
        all_ = [*map(self._of, self.timeline.shown()), *self.extra]
        return sorted(all_, key=lambda status: int(status["id"]), reverse=True)

    def answer(self, request: Request) -> Reply:
        if request.path == "/api/v2/instance":
            feeds = {feed: {"local": self.access, "remote": self.access} for feed in ("live_feeds", "hashtag_feeds")}
            access = {"timelines_access": feeds} if self.access else {}
            return self._json({"domain": "kettles.example", "version": "4.5.0", "configuration": {"urls": {}} | access})
        if request.path.startswith("/api/v1/timelines/"):
            return self._timeline(request)
        if request.path == f"/api/v1/tags/{TAG}":
            days = [{"day": "1", "accounts": "3", "uses": str(uses)} for uses in (20, 100, 0, 0, 20, 0, 0)]
            return self._json({"name": TAG, "history": days})
        _, _, number = request.path.partition("/users/someone/statuses/")
        if any(self.identity(item)[1].endswith(f"/{number}") for item in self.timeline.shown()):
            return self._json({"type": "Note", "id": f"{self.server.url}{request.path}"})
        return self._json({"error": "Record not found"}, 404)

    def _timeline(self, request: Request) -> Reply:
        if self.access == "authenticated" and request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._json({"error": "This method requires an authenticated user"}, 422)
        kind, _, tag = unquote(request.path.removeprefix("/api/v1/timelines/")).partition("/")
        if kind not in {"tag", "public"}:
            return Reply(b"<h1>Not here</h1>", 404)
        asked = request.params
        low, high = int(asked.get("min_id") or asked.get("since_id") or 0), int(asked.get("max_id") or 1 << 90)
        found = [
            status
            for status in self.statuses()
            if low < int(status["id"]) < high and (not tag or tag in [each["name"] for each in status["tags"]])
        ]
        limit = min(int(asked.get("limit", 20)), 40)
        page = found[-limit:] if "min_id" in asked else found[:limit]
        links = []
        here = f"{self.server.url}{request.path}?limit={limit}"
        if len(page) == limit:
            links.append(f'<{here}&max_id={page[-1]["id"]}>; rel="next"')
        if page:
            links.append(f'<{here}&min_id={page[0]["id"]}>; rel="prev"')
        link = self.link([status["id"] for status in page]) if self.link else ", ".join(links)
        headers = {"X-RateLimit-Limit": "300", "X-RateLimit-Remaining": "299", **({"Link": link} if link else {})}
        return self._json(page, headers=headers)

    def _json(self, body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
        named = {"Content-Type": "application/json; charset=utf-8", **(headers or {})}
        return Reply(json.dumps(body).encode(), status, named)

    def options(self) -> dict[str, Any]:
        return {"instances": [self.server.url], "tags": [TAG]}

    def identity(self, item: Item) -> Identity:
        return ("mastodon", f"{self.server.url}/users/someone/statuses/{item.number}")

    def posts(self) -> set[Identity]:
        return set(map(self.identity, self.timeline.shown()))

    def advance(self) -> None:
        self.timeline.advance(hours=2, n_posts=12)

    def rate_headers(self, seconds: float) -> dict[str, str]:
        until = self.timeline.now + timedelta(seconds=seconds)
        return {
            "X-RateLimit-Limit": "300", "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": until.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }  # fmt: skip

    def close(self) -> None:
        self.server.__exit__()


PLATFORM = Mastodon
