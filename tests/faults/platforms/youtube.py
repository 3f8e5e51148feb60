"""YouTube's Data API over a timeline: a video, a channel's other videos, and a video with its comments off."""

import base64
import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from tests.faults.platforms import Identity
from tests.faults.server import FakeServer, Reply, Request
from tests.faults.timeline import Item, Timeline

VIDEO, QUIET, OTHER = "kettle-0001", "kettle-0002", "kettle-0003"
CHANNEL = "UCkettlekettlekettlekett"
KEY = "AIza-key-of-the-tests"
_INLINE = 5
_BAD = {"kind": "youtube#commentThread", "etag": "x", "id": "UgBad", "snippet": None}


def failure(status: int, reason: str, message: str, detail: str = "") -> Reply:
    """An error as Google words it."""
    error: dict[str, Any] = {
        "code": status, "message": message,
        "errors": [{"message": message, "domain": "youtube.api", "reason": reason}],
    }  # fmt: skip
    if detail:
        error["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": detail}]
    return _json({"error": error}, status)


def _json(body: Any, status: int = 200) -> Reply:
    return Reply(json.dumps(body).encode(), status, {"Content-Type": "application/json; charset=UTF-8"})


def _fields(tokens: Iterator[str]) -> dict[str, Any]:
    """A partial response as it is asked for, such as `items(id,snippet/title)`, as names within names."""
    found: dict[str, Any] = {}
    here, name = found, ""
    for token in tokens:
        if token == ")":
            break
        if token == "(":
            here[name] = _fields(tokens)
        elif token == "/":
            here = here.setdefault(name, {})
        elif token == ",":
            here = found
        else:
            name = token
            here.setdefault(name, {})
    return found


def _pick(value: Any, fields: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [_pick(one, fields) for one in value]
    if not fields or not isinstance(value, dict):
        return value
    return {name: _pick(value[name], within) for name, within in fields.items() if name in value}


class YouTube:
    """Threads newest first; every fourth comment is a reply to the one before it, as long as that is there.

    Odd and even threads are those of VIDEO and of OTHER, which is the channel's; `parents` makes other replies.
    """

    n_bad = 1
    secrets: ClassVar[dict[str, str]] = {"YOUTUBE_API_KEY": KEY}

    def __init__(self, folder: Path, seed: int = 1) -> None:
        self.timeline = Timeline(seed)
        self.timeline.advance(hours=24, n_posts=600)
        self.parents = dict.fromkeys(range(300, 441), 299)  # more than a page of replies
        self.server = FakeServer(self.answer, clock=lambda: self.timeline.now)

    def options(self) -> dict[str, Any]:
        return {
            "base_url": f"{self.server.url}/youtube/v3", "videos": [VIDEO, QUIET], "channels": [CHANNEL],
        }  # fmt: skip

    def identity(self, item: Item) -> Identity:
        return ("youtube", f"Ug{item.number:06}")

    def posts(self) -> set[Identity]:
        return set(map(self.identity, self.timeline.shown()))

    def advance(self) -> None:
        self.timeline.advance(hours=2, n_posts=20)

    def rate_headers(self, seconds: float) -> dict[str, str]:
        return {"Retry-After": str(round(seconds))}

    def close(self) -> None:
        self.server.__exit__()

    def answer(self, request: Request) -> Reply:
        key = request.headers.get("x-goog-api-key")
        if key is None:
            return failure(403, "forbidden", "Method doesn't allow unregistered callers.")
        if key != KEY:
            words = "API key not valid. Please pass a valid API key."
            return failure(400, "badRequest", words, "API_KEY_INVALID")
        resource, asked = request.path.removeprefix("/youtube/v3/"), request.params
        if resource == "commentThreads":
            return self._threads(asked)
        if resource == "comments" and "parentId" in asked:
            top = next((item for item in self.timeline.shown() if self.identity(item)[1] == asked["parentId"]), None)
            if top is None:
                return failure(404, "commentNotFound", "One or more of the specified comments cannot be found.")
            replies = self._by_thread().get(top.number, [])
            return self._paged([self._comment(reply, top, video=False) for reply in replies], asked)
        there = {
            "comments": {native_id for _, native_id in self.posts()},
            "videos": {VIDEO, QUIET, OTHER},
            "channels": {CHANNEL},
        }.get(resource)
        if there is None:
            return Reply(b"", 404)
        return _json({"kind": "x", "items": [{"id": one} for one in asked["id"].split(",") if one in there]})

    def _threads(self, asked: Any) -> Reply:
        video = asked.get("videoId")
        if video == QUIET:
            words = (
                'The video identified by the <code><a href="/youtube/v3/docs/commentThreads/list#videoId">videoId'
                "</a></code> parameter has disabled comments."
            )
            return failure(403, "commentsDisabled", words)
        if video not in (None, VIDEO, OTHER) or asked.get("allThreadsRelatedToChannelId") not in (None, CHANNEL):
            return failure(404, "videoNotFound", "The video identified by the videoId parameter could not be found.")
        replies = self._by_thread()
        threads = [
            self._thread(item, replies.get(item.number, []))
            for item in replies[0]
            if self._video(item) == (video or OTHER)
        ]
        return self._paged([*threads[:1], *([_BAD] if video == VIDEO else []), *threads[1:]], asked)

    def _paged(self, items: list[Any], asked: Any) -> Reply:
        try:
            start = int(base64.b64decode(asked["pageToken"], validate=True)) if "pageToken" in asked else 0
        except ValueError:
            return failure(400, "invalidPageToken", "The request specifies an invalid page token.")
        end = start + int(asked.get("maxResults", 20))
        page = {"kind": "x", "pageInfo": {"totalResults": len(items[start:end])}, "items": items[start:end]}
        more = {"nextPageToken": base64.b64encode(b"%d" % end).decode()} if end < len(items) else {}
        return _json(_pick(page | more, _fields(iter(re.findall(r"[(),/]|\w+", asked["fields"])))))

    def _by_thread(self) -> dict[int, list[Item]]:
        """The replies by the number of what they reply to; under 0 what stands for itself."""
        there = {item.number: item for item in self.timeline.shown()}
        found: dict[int, list[Item]] = {0: []}
        for item in there.values():
            parent = self.parents.get(item.number, 0 if item.number % 4 else item.number - 1)
            found.setdefault(parent if parent in there else 0, []).append(item)
        return found

    def _video(self, item: Item) -> str:
        return VIDEO if item.number % 2 else OTHER

    def _thread(self, item: Item, replies: list[Item]) -> dict[str, Any]:
        thread: dict[str, Any] = {
            "kind": "youtube#commentThread", "etag": "e", "id": self.identity(item)[1],
            "snippet": {
                "channelId": CHANNEL, "videoId": self._video(item), "topLevelComment": self._comment(item),
                "canReply": True, "totalReplyCount": len(replies), "isPublic": True,
            },
        }  # fmt: skip
        if replies:
            thread["replies"] = {"comments": [self._comment(reply, item) for reply in replies[:_INLINE]]}
        return thread

    def _comment(self, item: Item, parent: Item | None = None, video: bool = True) -> dict[str, Any]:
        text, since = self.timeline.text(item), item.texts[self.timeline.version(item)][0]
        snippet: dict[str, Any] = {
            "channelId": CHANNEL, "textDisplay": text, "textOriginal": text, "canRate": True, "viewerRating": "none",
            "authorDisplayName": f"@someone{item.number % 7}", "authorProfileImageUrl": "https://yt3.example/a.jpg",
            "authorChannelUrl": "http://www.youtube.com/@someone", "authorChannelId": {"value": f"UCone{item.number}"},
            "likeCount": item.number % 3, "publishedAt": _when(item.posted_at), "updatedAt": _when(since),
        }  # fmt: skip
        if item.number % 11 == 0:
            snippet |= {"textOriginal": None, "authorDisplayName": "someone old"}
            del snippet["authorChannelId"]
        if parent:
            snippet["parentId"] = self.identity(parent)[1]
        if video:
            snippet["videoId"] = self._video(parent or item)
        return {"kind": "youtube#comment", "etag": "e", "id": self.identity(item)[1], "snippet": snippet}


def _when(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


PLATFORM = YouTube
