"""A Lemmy instance of 0.19 and its API v3: listings, search, and posts at their own address."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from tests.faults.platforms import Identity
from tests.faults.server import FakeServer, Reply, Request
from tests.faults.timeline import Item, Timeline

COMMUNITY = "kettles"


def iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Lemmy:
    """Odd items are comments, even ones posts; newest first, 50 a page at most, pages by number.

    Listings of posts name a cursor too, unless `has_cursors` is off, as before 0.19. A deleted comment stays in its
    listing as an empty one. `extra` are views beside those of the timeline.
    """

    n_bad = 1
    secrets: ClassVar[dict[str, str]] = {}

    def __init__(self, folder: Path, seed: int = 1) -> None:
        self.timeline = Timeline(seed)
        self.timeline.advance(hours=24, n_posts=240)
        self.has_cursors = True
        self.server = FakeServer(self.answer, clock=lambda: self.timeline.now)
        self.extra: dict[str, list[dict[str, Any]]] = {"posts": [], "comments": []}
        self.add("posts", self.timeline.now - timedelta(hours=3), ap_id=None)

    def _creator(self, number: int) -> dict[str, Any]:
        name = f"someone{number % 7}"
        return {
            "id": number % 7, "name": name, "display_name": None, "banned": False, "local": True, "deleted": False,
            "published": "2023-06-12T20:20:20.123456Z", "actor_id": f"{self.server.url}/u/{name}", "bot_account": False,
            "instance_id": 1,
        }  # fmt: skip

    def view(self, kind: str, number: int, at: datetime, text: str, **change: Any) -> dict[str, Any]:
        """A post or comment as a listing shows it; `change` is of the post or comment itself."""
        url, is_post = self.server.url, kind == "posts"
        post: dict[str, Any] = {
            "id": number if is_post else 7, "name": f"Kettle number {number}", "creator_id": 1, "community_id": 2,
            "removed": False, "locked": False, "published": iso(at), "deleted": False, "nsfw": number % 11 == 0,
            "ap_id": f"{url}/post/{number if is_post else 7}", "local": True, "language_id": 0,
            "featured_community": False, "featured_local": False,
        }  # fmt: skip
        counts: dict[str, Any] = {"score": 4, "upvotes": 5, "downvotes": 1, "published": iso(at)}
        own: dict[str, Any] = {}
        if is_post:
            post |= {"body": text, **change}
            counts |= {"post_id": number, "comments": 2}
        else:
            own = {
                "id": number, "creator_id": 1, "post_id": 7, "content": text, "removed": False, "published": iso(at),
                "deleted": False, "ap_id": f"{url}/comment/{number}", "local": True, "path": f"0.{number}",
                "distinguished": False, "language_id": 37, **change,
            }  # fmt: skip
            counts |= {"comment_id": number, "child_count": 0}
        return {
            **({"comment": own} if own else {}), "post": post, "creator": self._creator(number),
            "community": {"id": 2, "name": COMMUNITY, "title": "Kettles", "actor_id": f"{url}/c/{COMMUNITY}"},
            "counts": counts, "creator_banned_from_community": False, "subscribed": "NotSubscribed", "saved": False,
        }  # fmt: skip

    def add(self, kind: str, at: datetime, text: str = "more", **change: Any) -> dict[str, Any]:
        """Add a post or comment beside the timeline and give its view."""
        number = 5_000 + len(self.extra[kind])
        self.extra[kind].append(self.view(kind, number, at, text, **change))
        return self.extra[kind][-1]

    def _is_deleted(self, item: Item) -> bool:
        return bool(item.deleted_at and item.arrives_at <= item.deleted_at <= self.timeline.now)

    def _shown(self, kind: str) -> list[dict[str, Any]]:
        found = list(self.extra[kind])
        for item in self.timeline.items:
            if item.number % 2 != (kind == "comments") or item.arrives_at > self.timeline.now:
                continue
            if self._is_deleted(item) and kind == "posts":
                continue
            text, version = self.timeline.text(item), self.timeline.version(item)
            change: dict[str, Any] = {"updated": iso(item.texts[version][0])} if version else {}
            if self._is_deleted(item):
                text, change = "*Permananently Deleted*", {"deleted": True}
            found.append(self.view(kind, item.number, item.posted_at, text, **change))
        single = kind.removesuffix("s")
        return sorted(found, key=lambda view: (view[single]["published"], view[single]["id"]), reverse=True)

    def answer(self, request: Request) -> Reply:
        asked, path = request.params, request.path
        if path == "/api/v3/search":
            words, kind = asked["q"].lower().split(), asked["type_"].lower()
            views = [view for view in self._shown(kind) if all(word in json.dumps(view).lower() for word in words)]
            return self._listed(views, asked, {"type_": asked["type_"], "communities": [], "users": []}, kind)
        if path in {"/api/v3/post/list", "/api/v3/comment/list"}:
            if asked.get("community_name", COMMUNITY).partition("@")[0] != COMMUNITY:
                return self._json({"error": "couldnt_find_community"}, 404)
            kind = path.split("/")[3] + "s"
            return self._listed(self._shown(kind), asked, {}, kind)
        for item in self.timeline.items:
            if self.identity(item)[1] == f"{self.server.url}{path}" and item.arrives_at <= self.timeline.now:
                tombstone = self._is_deleted(item)
                return self._json({"type": "Tombstone" if tombstone else "Note"}, 410 if tombstone else 200)
        return self._json({"error": "not_found"}, 404)

    def _listed(self, views: list[dict[str, Any]], asked: Any, more: dict[str, Any], kind: str) -> Reply:
        limit = int(asked.get("limit", 10))
        if limit > 50:
            return self._json({"error": "couldnt_get_posts"}, 400)
        start = (int(asked.get("page", 1)) - 1) * limit
        if cursor := asked.get("page_cursor"):
            ids = [f"P{view['post']['id']:x}" for view in views]
            if cursor not in ids:
                return self._json({"error": "couldnt_get_posts"}, 400)
            start = ids.index(cursor) + 1
        page = views[start : start + limit]
        if kind == "posts" and "q" not in asked and self.has_cursors and page:
            more = more | {"next_page": f"P{page[-1]['post']['id']:x}"}
        other = {"posts": [], "comments": []} if "q" in asked else {}
        return self._json({**other, kind: page, **more})

    def _json(self, body: Any, status: int = 200) -> Reply:
        return Reply(json.dumps(body).encode(), status, {"Content-Type": "application/json"})

    def options(self) -> dict[str, Any]:
        return {"instances": [self.server.url]}

    def identity(self, item: Item) -> Identity:
        kind = "comment" if item.number % 2 else "post"
        return ("lemmy", f"{self.server.url}/{kind}/{item.number}")

    def posts(self) -> set[Identity]:
        return set(map(self.identity, self.timeline.shown()))

    def advance(self) -> None:
        self.timeline.advance(hours=2, n_posts=12)

    def rate_headers(self, seconds: float) -> dict[str, str]:
        # Of the proxy in front: Lemmy itself says no more than 429.
        return {"Retry-After": str(round(seconds))}

    def close(self) -> None:
        self.server.__exit__()


PLATFORM = Lemmy
