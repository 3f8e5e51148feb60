"""Bluesky over a timeline: the server of an account with its search, the public one, and the stream of all events."""

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs

from cxlisten.collect.bluesky.search import BlueskySearch
from tests.faults.jetstream import FakeJetstream
from tests.faults.platforms import Identity
from tests.faults.server import FakeServer, Reply, Request
from tests.faults.timeline import Item, Timeline

HANDLE, PASSWORD = "listener.bsky.social", "abcd-efgh-ijkl-mnop"
COLLECTION = "app.bsky.feed.post"
_MOST_SHOWN = 10_000
_BAD = {"uri": "at://did:plc:someone/app.bsky.feed.post/3bad", "cid": "bafybad", "record": None}


def failure(status: int, name: str, message: str) -> Reply:
    """An error as XRPC words it."""
    return _json({"error": name, "message": message}, status)


def _json(body: Any, status: int = 200) -> Reply:
    return Reply(json.dumps(body).encode(), status, {"Content-Type": "application/json; charset=utf-8"})


class Bluesky:
    """`tokens` are those that are taken; `hidden` are posts that are out of sight, `closed` accounts that are gone."""

    n_bad = 1
    secrets: ClassVar[dict[str, str]] = {"BLUESKY_HANDLE": HANDLE, "BLUESKY_APP_PASSWORD": PASSWORD}

    def __init__(self, folder: Path, seed: int = 1) -> None:
        BlueskySearch.sessions.clear()  # another test's server may have had the same port
        self.timeline = Timeline(seed)
        self.timeline.advance(hours=24, n_posts=600)
        self._bad_at = self.timeline.now - timedelta(hours=20)
        self.tokens: list[str] = []
        self.hidden: set[str] = set()
        self.closed: set[str] = set()
        self.most_shown = _MOST_SHOWN
        self.server = FakeServer(self.answer, clock=lambda: self.timeline.now)

    @cached_property
    def stream(self) -> FakeJetstream:
        return FakeJetstream(self.events, clock=lambda: self.timeline.now)

    def options(self) -> dict[str, Any]:
        return {"mode": "search", "base_url": self.server.url, "public_url": self.server.url}

    def streamed(self) -> dict[str, Any]:
        """The options that point a source at the stream."""
        return {
            "mode": "jetstream", "jetstream_url": self.stream.url, "base_url": self.server.url,
            "public_url": self.server.url, "minutes": 7 * 24 * 60,
        }  # fmt: skip

    def uri(self, item: Item) -> str:
        return f"at://did:plc:someone{item.number % 7}/{COLLECTION}/3l{item.number:011}"

    def identity(self, item: Item) -> Identity:
        return ("bluesky", self.uri(item))

    def posts(self) -> set[Identity]:
        return set(map(self.identity, self.timeline.shown()))

    def advance(self) -> None:
        self.timeline.advance(hours=2, n_posts=20)

    def rate_headers(self, seconds: float) -> dict[str, str]:
        reset = round(self.timeline.now.timestamp() + seconds)
        return {
            "ratelimit-limit": "3000", "ratelimit-remaining": "0", "ratelimit-reset": str(reset),
            "ratelimit-policy": "3000;w=300",
        }  # fmt: skip

    def close(self) -> None:
        self.server.__exit__()
        if "stream" in self.__dict__:
            self.stream.close()

    def answer(self, request: Request) -> Reply:
        method = request.path.removeprefix("/xrpc/")
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if method == "com.atproto.server.createSession":
            asked = json.loads(request.body)
            if (asked["identifier"], asked["password"]) != (HANDLE, PASSWORD):
                return failure(401, "AuthenticationRequired", "Invalid identifier or password")
            return self._tokens()
        if method == "com.atproto.server.refreshSession":
            return self._tokens() if token in self.tokens else failure(400, "ExpiredToken", "Token has been revoked")
        if method == "app.bsky.feed.searchPosts":
            if not token:
                return Reply(b"<html><h1>403 Forbidden</h1></html>", 403, {"Content-Type": "text/html"})
            if token not in self.tokens:
                return failure(400, "ExpiredToken", "Token has expired")
            return self._search(request)
        if method == "app.bsky.feed.getPosts":
            asked_for = parse_qs(request.query)["uris"]
            if len(asked_for) > 25:
                return failure(400, "InvalidRequest", "Error: uris must not have more than 25 elements")
            there = [item for item in self.timeline.shown() if self._is_seen(item) and self.uri(item) in asked_for]
            return _json({"posts": [self.view(item) for item in there]})
        if method == "com.atproto.repo.getRecord":
            return self._record(request)
        if method == "app.bsky.actor.getProfile":
            did = request.params["actor"]
            if did in self.closed:
                return failure(400, "AccountDeactivated", "Account is deactivated")
            return _json({"did": did, "handle": "someone.bsky.social", "postsCount": 3})
        return failure(501, "MethodNotImplemented", "Method Not Implemented")

    def _tokens(self) -> Reply:
        access, refresh = (f"{kind}-{len(self.tokens)}" for kind in ("access", "refresh"))
        self.tokens += [access, refresh]
        return _json({
            "did": "did:plc:listener", "handle": HANDLE, "active": True, "accessJwt": access, "refreshJwt": refresh,
        })  # fmt: skip

    def _search(self, request: Request) -> Reply:
        asked = request.params
        limit, offset = int(asked.get("limit", 25)), int(asked.get("cursor", 0))
        if not asked["q"] or not 1 <= limit <= 100:
            return failure(400, "InvalidRequest", 'Error: Params must have the property "q"')
        if offset + limit > self.most_shown:
            return failure(502, "UpstreamFailure", "Upstream Failure")
        since = datetime.fromisoformat(asked.get("since", "2000-01-01T00:00:00Z"))
        until = datetime.fromisoformat(asked.get("until", "2100-01-01T00:00:00Z"))
        words = re.findall(r'"[^"]+"|\S+', asked["q"].lower())
        found = [
            item
            for item in self.timeline.shown()
            if since <= self.sorted_by(item) < until and self._is_seen(item)
            and all(word == "*" or word.strip('"') in self.timeline.text(item).lower() for word in words)
        ]  # fmt: skip
        found.sort(key=lambda item: (self.sorted_by(item), item.number), reverse=True)
        page: list[Any] = [self.view(item) for item in found[offset : offset + limit]]
        more = {"cursor": str(offset + limit)} if page and offset + limit < self.most_shown else {}
        if not offset and "until" not in asked and limit > 1:
            page.append(_BAD)
        return _json({"hitsTotal": len(found), "posts": page, **more})

    def _is_seen(self, item: Item) -> bool:
        uri = self.uri(item)
        return uri not in self.hidden and uri.split("/")[2] not in self.closed

    def _record(self, request: Request) -> Reply:
        did, rkey = request.params["repo"], request.params["rkey"]
        if did in self.closed:
            return failure(400, "InvalidRequest", f"Could not find repo: {did}")
        uri = f"at://{did}/{request.params['collection']}/{rkey}"
        for item in self.timeline.shown():
            if self.uri(item) == uri:
                return _json({"uri": uri, "cid": self.cid(item), "value": self.record(item)})
        return failure(400, "RecordNotFound", f"Could not locate record: {uri}")

    def cid(self, item: Item) -> str:
        """Of the record as it is now."""
        return f"bafyrei{hashlib.sha256(f'{item.number} {self.timeline.text(item)}'.encode()).hexdigest()[:52]}"

    def sorted_by(self, item: Item) -> datetime:
        return min(item.posted_at, item.arrives_at)

    def record(self, item: Item, text: str | None = None) -> dict[str, Any]:
        """The record, with what authors' programs put in it."""
        n = item.number
        record: dict[str, Any] = {
            "$type": COLLECTION, "text": text or self.timeline.text(item), "createdAt": _when(item.posted_at),
            "langs": [["en"], ["en", "ja"], []][n % 3],
        }  # fmt: skip
        if n % 9 == 0:
            record["createdAt"] = ["2199-01-01T00:00:00Z", "soon", "2199-12-31T23:59:59.999999999Z"][n % 27 // 9]
        if n % 4 == 0:
            link = "https://example.org/a/long/address/of/a/page"
            start = len((record["text"] + " ").encode())
            record["text"] += " example.org/a/long/a..."
            record["facets"] = [
                {"index": {"byteStart": start, "byteEnd": len(record["text"].encode())},
                 "features": [{"$type": "app.bsky.richtext.facet#link", "uri": link}]},
            ]  # fmt: skip
        if n % 5 == 0:
            root = {"uri": f"at://did:plc:someone1/{COLLECTION}/3lroot", "cid": "bafyroot"}
            record["reply"] = {"root": root, "parent": {**root, "uri": f"at://did:plc:someone2/{COLLECTION}/3lparent"}}
        if n % 6 == 0:
            quoted = {"uri": f"at://did:plc:someone3/{COLLECTION}/3lquoted", "cid": "bafyquoted"}
            record["embed"] = {"$type": "app.bsky.embed.record", "record": quoted}
        return record

    def view(self, item: Item) -> dict[str, Any]:
        """The post as the search and getPosts show it."""
        number = item.number % 7
        return {
            "uri": self.uri(item), "cid": self.cid(item), "record": self.record(item),
            "author": {"did": f"did:plc:someone{number}", "handle": f"someone{number}.bsky.social", "labels": []},
            "replyCount": item.number % 2, "repostCount": 0, "likeCount": item.number % 11, "quoteCount": 0,
            "bookmarkCount": 1, "indexedAt": _when(item.arrives_at), "labels": [],
        }  # fmt: skip

    def events(self) -> list[tuple[datetime, str, dict[str, Any]]]:
        """What the stream has seen by now, and one commit that is none."""
        now, found = self.timeline.now, []
        for item in self.timeline.items:
            did, _, rkey = self.uri(item).split("/")[2:]
            of = {"did": did, "rev": rkey, "collection": COLLECTION, "rkey": rkey}
            for n, (since, text) in enumerate(item.texts):
                at = max(since, item.arrives_at) + timedelta(microseconds=item.number)
                digest = hashlib.sha256(f"{item.number} {text}".encode()).hexdigest()[:52]
                record = self.record(item, text)
                commit = {**of, "operation": "update" if n else "create", "cid": f"bafyrei{digest}", "record": record}
                found.append((at, "commit", commit))
            if item.deleted_at:
                at = item.deleted_at + timedelta(microseconds=item.number)
                found.append((at, "commit", {**of, "operation": "delete"}))
        bad = {"did": "did:plc:someone", "rev": "1", "collection": COLLECTION, "rkey": "3bad", "operation": "create"}
        found.append((self._bad_at, "commit", bad))
        return [event for event in found if event[0] <= now]


def _when(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


PLATFORM = Bluesky
