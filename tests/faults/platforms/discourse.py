"""A Discourse forum: its newest posts page by page, single posts, and what it says of itself."""

import json
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any, ClassVar, Literal

from tests.faults.platforms import Identity
from tests.faults.server import FakeServer, Reply, Request
from tests.faults.timeline import Item, Timeline

KEY, USER = "key-of-the-tests", "listener"
_FIRST = 1_000
_NOT_FOUND = {"errors": ["The requested URL or resource could not be found."], "error_type": "not_found"}
_NOT_YOURS = {"errors": ["You are not permitted to view the requested resource."], "error_type": "invalid_access"}


def iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"


class Discourse:
    """Posts by id, `per_page` a page. `paging` is how a forum of its day pages: by now, before 2025, before 2024.

    `access` says who may read: everybody, who is logged in, who has the key; `extra` are posts beside the timeline.
    """

    n_bad = 2
    secrets: ClassVar[dict[str, str]] = {}

    def __init__(self, folder: Path, seed: int = 1) -> None:
        self.timeline = Timeline(seed)
        self.timeline.advance(hours=24, n_posts=170)
        self.access: Literal["public", "login"] = "public"
        self.paging: Literal["now", "inclusive", "bracket"] = "now"
        self.per_page = 50
        self.hidden: set[int] = set()  # ids in a category that not everybody may read
        self.server = FakeServer(self.answer, clock=lambda: self.timeline.now)
        self.extra: list[dict[str, Any]] = []
        self.add(1, self.timeline.now, "", topic_title=None)
        self.add(2, self.timeline.now, created_at=None)

    def of(self, number: int, at: datetime, text: str, place: int = 1, **change: Any) -> dict[str, Any]:
        """A post as the forum shows it, with `change`."""
        name = f"someone{number % 7}"
        post = {
            "id": number, "name": "Some One", "username": name, "avatar_template": "/a.png", "created_at": iso(at),
            "cooked": f"<p>{escape(text[:32_000])}</p>", "post_number": place, "post_type": 1, "updated_at": iso(at),
            "reply_count": 1, "reply_to_post_number": None if place < 3 else 1, "quote_count": 0,
            "incoming_link_count": 3, "reads": 40, "readers_count": 39, "score": 12.4, "yours": False,
            "topic_id": 77, "topic_slug": "kettles", "topic_title": "Kettles & lids",
            "topic_html_title": "Kettles &amp; lids", "category_id": 4, "display_username": "Some One", "version": 1,
            "can_edit": False, "raw": text, "actions_summary": [{"id": 2, "count": 5}], "moderator": False,
            "staff": False, "user_id": number % 7, "hidden": False, "trust_level": 2, "deleted_at": None,
            "user_deleted": False, "wiki": False, "excerpt": text[:40],
        }  # fmt: skip
        return post | change

    def add(self, number: int, at: datetime, text: str = "more", **change: Any) -> dict[str, Any]:
        """Add a post beside the timeline and give it."""
        self.extra.append(self.of(number, at, text, **change))
        return self.extra[-1]

    def _of(self, item: Item) -> dict[str, Any]:
        version = self.timeline.version(item)
        change = {"version": version + 1, "updated_at": iso(item.texts[version][0])} if version else {}
        return self.of(
            _FIRST + item.number, item.posted_at, self.timeline.text(item), place=1 + item.number % 4, **change
        )

    def _there(self) -> list[dict[str, Any]]:
        posts = [*map(self._of, self.timeline.shown()), *self.extra]
        return sorted(posts, key=lambda post: int(post["id"]), reverse=True)

    def answer(self, request: Request) -> Reply:
        headers = {name.lower(): value for name, value in request.headers.items()}
        key = headers.get("api-key")
        if key is not None and (key, headers.get("api-username")) != (KEY, USER):
            words = f"{_NOT_YOURS['errors'][0]} The API username or key is invalid."
            return self._json({**_NOT_YOURS, "errors": [words]}, 403)
        if self.access == "login" and key is None:
            return self._json({"errors": ["You need to be logged in to do that."], "error_type": "not_logged_in"}, 403)
        if request.path == "/posts.json":
            return self._json({"latest_posts": self._page(int(request.params.get("before", 0)))})
        if request.path == "/about.json":
            return self._json({"about": {"stats": {"posts_count": 9_000, "posts_7_days": 700, "posts_last_day": 90}}})
        number = request.path.removeprefix("/posts/").removesuffix(".json")
        if number.isdigit() and int(number) in self.hidden:
            return self._json(_NOT_YOURS, 403)
        for post in self._there():
            if str(post["id"]) == number:
                return self._json(post)
        return self._json(_NOT_FOUND, 404)

    def _page(self, before: int) -> list[dict[str, Any]]:
        posts = [post for post in self._there() if int(post["id"]) not in self.hidden]
        if self.paging == "bracket":
            top = before or max((int(post["id"]) for post in self._there()), default=0)
            return [post for post in posts if top - self.per_page < int(post["id"]) <= top]
        limit = before + (self.paging == "inclusive") if before else 1 << 60
        return [post for post in posts if int(post["id"]) < limit][: self.per_page]

    def _json(self, body: Any, status: int = 200) -> Reply:
        return Reply(json.dumps(body).encode(), status, {"Content-Type": "application/json; charset=utf-8"})

    def options(self) -> dict[str, Any]:
        return {"base_url": self.server.url}

    def identity(self, item: Item) -> Identity:
        return ("discourse", f"127.0.0.1:{self.server.port}/{_FIRST + item.number}")

    def posts(self) -> set[Identity]:
        return set(map(self.identity, self.timeline.shown()))

    def advance(self) -> None:
        self.timeline.advance(hours=2, n_posts=12)

    def rate_headers(self, seconds: float) -> dict[str, str]:
        return {"Retry-After": str(round(seconds)), "Discourse-Rate-Limit-Error-Code": "ip_10_secs_limit"}

    def close(self) -> None:
        self.server.__exit__()


PLATFORM = Discourse
