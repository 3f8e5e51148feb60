"""What a source asks and a platform answers when nothing is wrong: from this it is known which faults can happen."""

import json
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from cxlisten.collect import Source
from tests.faults.faults import items_of, read_json
from tests.faults.listener import Listener
from tests.faults.server import Reply, Request
from tests.faults.small import start_small

_AGAIN = "0again"
_TIMES = re.compile(rb"\d\d\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")


@dataclass(frozen=True)
class Token:
    """Where the token of the next page is found: in a Link header, or by a path in the document; and as what it is
    sent."""

    param: str
    path: tuple[str, ...] | None

    def taken(self, reply: Reply, value: str) -> Reply:
        """The answer with another token."""
        if self.path is None:
            pattern = rf"([?&]{self.param}=)[^&>]*(?=[^>]*>; *rel=\"next\")"
            link = re.sub(pattern, rf"\g<1>{quote(value, safe='')}", reply.headers["Link"])
            return replace(reply, headers={**reply.headers, "Link": link})
        document = read_json(reply)
        inner = document
        for key in self.path[:-1]:
            inner = inner[key]
        inner[self.path[-1]] = value
        return replace(reply, body=_dump(document))


@dataclass(frozen=True)
class Profile:
    """A source and its platform in one clean run."""

    kind: str
    source: Source
    secrets: Mapping[str, str]
    requests: tuple[Request, ...]
    replies: tuple[Reply, ...]
    n_posts: int
    cursor: Mapping[str, Any]

    @property
    def title(self) -> str:
        """What the platform is called, as the source's own file begins."""
        return str(import_module(type(self.source).__module__).__doc__).partition(":")[0].partition(",")[0]

    @property
    def n_requests(self) -> int:
        return len(self.requests)

    @property
    def has_http(self) -> bool:
        return bool(self.requests)

    @property
    def is_json(self) -> bool:
        return any(items_of(read_json(reply)) for reply in self.replies)

    @property
    def is_list(self) -> bool:
        return any(isinstance(read_json(reply), list) for reply in self.replies)

    @property
    def has_times(self) -> bool:
        return self.is_json and any(_TIMES.search(reply.body) for reply in self.replies)

    @property
    def has_links(self) -> bool:
        return any("Link" in reply.headers for reply in self.replies)

    @property
    def logs_in(self) -> bool:
        return any(request.method == "POST" for request in self.requests)

    @property
    def _pages(self) -> list[int]:
        """The numbers of the requests that are answered with items, from 1."""
        return [n for n, reply in enumerate(self.replies, 1) if self._has_items(reply)] or [1]

    @property
    def first_page(self) -> int:
        """Before it a source logs in, or looks around."""
        return self._pages[0]

    @property
    def last_page(self) -> int:
        return self._pages[-1]

    @property
    def later_page(self) -> int:
        """One of the later ones; not the very last, for how many there are may depend on the time of day."""
        pages = self._pages
        return pages[max(1, len(pages) * 2 // 3)] if len(pages) > 1 else pages[0]

    def _has_items(self, reply: Reply) -> bool:
        return reply.status == 200 and (bool(items_of(read_json(reply))) if self.is_json else len(reply.body) > 0)

    @property
    def token(self) -> Token | None:
        """How this platform names its next page, where it does so beside the items."""
        pairs = zip(self.requests, self.replies, self.requests[1:], strict=False)
        for asked, reply, then in pairs:
            changed = [name for name in then.params if then.params[name] != asked.params.get(name)]
            if asked.path != then.path or len(changed) != 1:
                continue
            (param,) = changed
            if f"{param}={then.params[param]}" in reply.headers.get("Link", ""):
                return Token(param, None)
            path = _path_to(read_json(reply), then.params[param], items_of(read_json(reply)))
            if path:
                return Token(param, path)
        return None

    @property
    def has_streams(self) -> bool:
        """Whether its cursor is that of paged sources."""
        return "streams" in self.cursor


@cache
def profile_of(kind: str) -> Profile:
    """Let a source read its platform undisturbed."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        platform = start_small(kind, Path(folder), patch)
        replies: list[Reply] = []
        right = platform.server.answer

        def recorded(request: Request) -> Reply:
            replies.append(right(request))
            return replies[-1]

        platform.server.answer = recorded
        try:
            listener = Listener(kind, platform)
            run = listener.run()
            assert run.is_complete, f"{kind} fails with nothing wrong: {run.error or run.notes}"
            requests = tuple(platform.server.requests)
            return Profile(
                kind, listener.source(), platform.secrets, requests, tuple(replies), len(run.posts), listener.cursor
            )
        finally:
            platform.close()


Answer = Callable[[Request], Reply]


def detour(token: Token, halves: Callable[[list[Any]], tuple[list[Any], list[Any]]], answer: Answer) -> Answer:
    """Each page but the first as two, the second under a token of its own; `halves` says what each holds."""

    def detoured(asked: Request) -> Reply:
        value = asked.params.get(token.param, "")
        is_second = value.endswith(_AGAIN)
        reply = answer(
            replace(asked, params={**asked.params, **({token.param: value.removesuffix(_AGAIN)} if value else {})})
        )
        document = read_json(reply)
        items = items_of(document)
        if items and value and (is_second or _names_next(token, reply)):
            items[:] = halves(items)[is_second]
            reply = replace(reply, body=_dump(document))
            if not is_second:
                reply = token.taken(reply, f"{value}{_AGAIN}")
        return reply

    return detoured


def _names_next(token: Token, reply: Reply) -> bool:
    if token.path is None:
        return 'rel="next"' in reply.headers.get("Link", "")
    inner = read_json(reply)
    for key in token.path:
        inner = inner.get(key) if isinstance(inner, dict) else None
    return bool(inner)


def _path_to(document: Any, value: str, items: list[Any]) -> tuple[str, ...] | None:
    """The keys that lead to a text in a document, outside its items."""
    if not isinstance(document, dict):
        return None
    for key, inner in document.items():
        if isinstance(inner, str) and inner == value:
            return (key,)
        if inner is not items and (path := _path_to(inner, value, items)):
            return (key, *path)
    return None


def _dump(document: Any) -> bytes:
    return json.dumps(document).encode()
