"""Reddit's API over a timeline: two subreddits, their posts and comments, a search, and a log-in."""

import base64
import html
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from tests.faults.platforms import Identity
from tests.faults.server import FakeServer, Reply, Request
from tests.faults.timeline import Item, Timeline

SUBREDDITS = ("Kettles", "teapots")
ID, SECRET = "id-of-the-tests", "secret-of-the-tests"
_CAP, _SEARCH_CAP = 1_000, 250
_BAD: list[dict[str, Any]] = [
    {"kind": "t3", "data": {"id": "bad", "name": None, "title": "without a name"}},
    {"kind": "more", "data": {"name": "t1_abc", "children": []}},
    {"kind": "t3", "data": {"id": "bad2", "name": "t3_bad2", "title": "of no time", "created_utc": None}},
]
_GONE = [
    {"kind": "t3", "data": {
        "name": "t3_gone1", "title": "Taken back", "author": "[deleted]", "selftext": "[deleted]", "created_utc": 1.7e9,
        "removed_by_category": "deleted",
    }},
    {"kind": "t1", "data": {
        "name": "t1_gone2", "body": "[removed]", "body_html": '<div class="md"><p>[removed]</p></div>',
        "author": "[deleted]", "created_utc": 1.7e9,
    }},
]  # fmt: skip


def base36(number: int) -> str:
    """A number as Reddit writes it."""
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits


def markdown(text: str) -> str:
    """A text as Reddit shows it."""
    return f'<!-- SC_OFF --><div class="md"><p>{html.escape(text)}</p>\n</div><!-- SC_ON -->'


def failure(status: int, reason: str = "", **headers: str) -> Reply:
    """An error as Reddit words it."""
    words = {401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 429: "Too Many Requests"}
    body = {"message": words.get(status, "Internal Server Error"), "error": status}
    return _json({**body, "reason": reason} if reason else body, status, **headers)


def _json(body: Any, status: int = 200, **headers: str) -> Reply:
    return Reply(json.dumps(body).encode(), status, {"Content-Type": "application/json; charset=UTF-8", **headers})


class Reddit:
    """Of three posts in a row the last is a comment on the one before; the next three are of the other subreddit.

    `closed` are subreddits that answer with a failure, `changes` are fields of items by their number, `tokens` are
    those that are taken.
    """

    n_bad = len(_BAD)
    secrets: ClassVar[dict[str, str]] = {"REDDIT_CLIENT_ID": ID, "REDDIT_CLIENT_SECRET": SECRET}

    def __init__(self, folder: Path, seed: int = 1) -> None:
        self.timeline = Timeline(seed)
        self.timeline.advance(hours=60, n_posts=700)
        self.closed: dict[str, Reply] = {}
        self.changes: dict[int, dict[str, Any]] = {}
        self.odd: list[Any] = [*_BAD, *_GONE]
        self.tokens: list[str] = []
        self.token: dict[str, Any] = {"token_type": "bearer", "expires_in": 86_400, "scope": "*"}
        self.server = FakeServer(self.answer, clock=lambda: self.timeline.now)

    def options(self) -> dict[str, Any]:
        return {"base_url": self.server.url, "username": "a_tester", "subreddits": list(SUBREDDITS)}

    def identity(self, item: Item) -> Identity:
        return ("reddit", f"{'t1' if item.number % 3 == 0 else 't3'}_{base36(10**9 + item.number)}")

    def posts(self) -> set[Identity]:
        return set(map(self.identity, self.timeline.shown()))

    def advance(self) -> None:
        self.timeline.advance(hours=6, n_posts=60)

    def rate_headers(self, seconds: float) -> dict[str, str]:
        return {
            "X-RateLimit-Remaining": "0.0", "X-RateLimit-Used": "996", "X-RateLimit-Reset": f"{seconds:.1f}",
        }  # fmt: skip

    def close(self) -> None:
        self.server.__exit__()

    def answer(self, request: Request) -> Reply:
        allowed = request.headers.get("Authorization", "")
        if request.path == "/api/v1/access_token":
            if allowed != f"Basic {base64.b64encode(f'{ID}:{SECRET}'.encode()).decode()}":
                return failure(401)
            self.tokens.append(f"token-{len(self.server.requests)}")
            return _json({"access_token": self.tokens[-1], **self.token})
        if allowed.removeprefix("bearer ") not in self.tokens:
            return failure(401, **{"www-authenticate": 'Bearer realm="reddit", error="invalid_token"'})
        reply = self._listing(request)
        rates = {"X-RateLimit-Remaining": "599.0", "X-RateLimit-Used": "1", "X-RateLimit-Reset": "299.7"}
        return Reply(reply.body, reply.status, {**rates, **reply.headers})

    def _listing(self, request: Request) -> Reply:
        path, asked = request.path.strip("/"), request.params
        if path == "api/info":
            there = {child["data"].get("name"): child for child in [*self.odd, *map(self.child, self.timeline.items)]}
            return _page([there[name] for name in asked["id"].split(",") if name in there], asked)
        within = re.fullmatch(r"(?:r/(\w+)/)?(new|comments|search)", path)
        if not within:
            return failure(404)
        name, listing = within.groups()
        if name in self.closed:
            return self.closed[name]
        if name and name.lower() not in map(str.lower, SUBREDDITS):
            return Reply(b"", 302, {"Location": f"https://www.reddit.com/subreddits/search?q={name}"})
        if listing == "search" and asked.get("restrict_sr") != "1":
            name = None
        children = [
            self.child(item)
            for item in self.timeline.shown()
            if (item.number % 3 == 0) == (listing == "comments")
            and (not name or self.subreddit(item).lower() == name.lower())
        ]
        if listing == "search":
            return _page([child for child in children if _matches(child, asked["q"])][:_SEARCH_CAP], asked)
        if listing == "new" and name == SUBREDDITS[0]:
            children[3:3] = self.odd
        return _page(children[:_CAP], asked)

    def subreddit(self, item: Item) -> str:
        """Where a post is."""
        return SUBREDDITS[(item.number - 1) // 3 % 2]

    def child(self, item: Item) -> dict[str, Any]:
        """A post as an item of a listing; of a deleted one only the remnant."""
        name, text, n = self.identity(item)[1], self.timeline.text(item), item.number
        n_edits = self.timeline.version(item)
        data: dict[str, Any] = {
            "id": name[3:], "name": name, "subreddit": self.subreddit(item), "author": f"someone{n % 50 or ''}",
            "author_fullname": f"t2_{base36(n)}", "created_utc": float(int(item.posted_at.timestamp())),
            "edited": item.texts[n_edits][0].timestamp() if n_edits else False, "score": n % 9 - 1,
            "score_hidden": n % 9 == 0, "removed_by_category": None, "over_18": n % 40 == 1, "upvote_ratio": 0.97,
        }  # fmt: skip
        if n % 50 == 7:
            data["author"] = None if n % 100 == 7 else "[deleted]"  # a closed account, whose posts stay
        where = f"/r/{data['subreddit']}/comments/"
        if n % 3 == 0:
            link = base36(10**9 + n - 1)
            data |= {
                "body": text, "body_html": markdown(text), "link_id": f"t3_{link}", "parent_id": f"t3_{link}",
                "permalink": f"{where}{link}/a_title/{name[3:]}/", "replies": "", "depth": None,
            }  # fmt: skip
        else:
            body = {0: "", 1: "&#x200B; **so** much", 2: "long " * 8_000 if n == 2 else "a body"}[n % 4 % 3]
            data |= {
                "title": text, "selftext": body, "selftext_html": markdown(html.unescape(body)) if body else None,
                "num_comments": n % 5, "permalink": f"{where}{name[3:]}/a_title/", "url": "https://i.example/a.jpg",
            }  # fmt: skip
        if item.deleted_at and item.deleted_at <= self.timeline.now:
            gone = {"body": "[deleted]", "body_html": markdown("[deleted]")} if n % 3 == 0 else {}
            data |= {"author": "[deleted]", "selftext": "[deleted]", "removed_by_category": "deleted", **gone}
        return {"kind": name[:2], "data": data | self.changes.get(n, {})}


def _matches(child: dict[str, Any], q: str) -> bool:
    words = q.lower().strip('"')
    pattern = re.escape(words.removesuffix("*")) + ("" if words.endswith("*") else r"\b")
    return bool(re.search(rf"\b{pattern}", f"{child['data']['title']} {child['data']['selftext']}".lower()))


def _page(children: list[Any], asked: Mapping[str, str]) -> Reply:
    """What comes after a post of the listing; after one that is not in it comes nothing."""
    start, size = 0, min(int(asked.get("limit", 25)), 100) if "id" not in asked else 100
    if "after" in asked:
        names = [child["data"].get("name") for child in children]
        start = names.index(asked["after"]) + 1 if asked["after"] in names else len(names)
    shown = children[start : start + size]
    after = (
        next(name for child in reversed(shown) if (name := child["data"].get("name")))
        if start + size < len(children)
        else None
    )
    return _json({"kind": "Listing", "data": {
        "after": after, "before": None, "dist": len(shown), "modhash": None, "geo_filter": "", "children": shown,
    }})  # fmt: skip


PLATFORM = Reddit
