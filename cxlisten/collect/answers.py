"""Answers: what a platform answered, what kind of failure that is, and the JSON in it."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import httpx

from cxlisten.errors import (
    Auth,
    BadQuery,
    NotFound,
    Protocol,
    QuotaExhausted,
    RateLimited,
    SourceError,
    Transient,
)

_Json = TypeVar("_Json", dict[str, Any], list[Any])
_TRANSIENT = frozenset((408, 425))
_FATAL: dict[int, type[SourceError]] = {
    400: BadQuery, 401: Auth, 402: QuotaExhausted, 403: Auth, 404: NotFound, 410: NotFound, 414: BadQuery,
    422: BadQuery,
}  # fmt: skip


class Garbled(Protocol):
    """An answer that was cut or mangled on its way; a second try may bring it whole."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a platform answered; `url` is where redirects led."""

    status: int
    reason: str
    headers: httpx.Headers
    body: bytes
    url: str

    def json(self) -> dict[str, Any]:
        """Read the body as a JSON object; raises Garbled where a second try may bring a whole one, else Protocol."""
        return _parsed(self, dict, "object")

    def json_list(self) -> list[Any]:
        """Read the body as a JSON list; raises as `json` does."""
        return _parsed(self, list, "list")


def place_of(url: str) -> str:
    """Host and path: the query of an address may hold a secret."""
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL:
        return "the address"
    return f"{parts.host}{parts.path}" or "the address"


def host_of(url: str) -> str:
    """Host and port, or nothing where an address names none."""
    try:
        return httpx.URL(url).netloc.decode()
    except httpx.InvalidURL:
        return ""


def error_of(answer: Answer, wait: float | None, now: datetime) -> SourceError:
    """Say what kind of failure an answer is; `wait` is how many seconds the platform asks for."""
    place = place_of(answer.url)
    status = answer.status
    until = now + timedelta(seconds=wait) if wait else None
    if status == 429 or (status == 503 and until):
        when = f" until {until:%Y-%m-%d %H:%M} UTC" if until else ""
        return RateLimited(f"{place} asks us to slow down{when}", until)
    if 300 <= status < 400:
        where = host_of(answer.headers.get("location", "")) or "another address"
        return Protocol(f"{place} sends us on to {where}, which must not see the credential: check base_url")
    what = f"{place} answered {status} {answer.reason}{_detail(answer.body)}"
    if status >= 500 or status in _TRANSIENT:
        return Transient(what)
    return _FATAL.get(status, Protocol)(what)


def _detail(body: bytes) -> str:
    """What the platform says of the failure, where it says so in JSON."""
    try:
        answer = json.loads(body)
    except ValueError:
        return ""
    texts = [answer.get(key) for key in ("detail", "message", "error", "title")] if isinstance(answer, dict) else []
    return next((f": {text[:200]}" for text in texts if isinstance(text, str)), "")


def _parsed(answer: Answer, kind: type[_Json], name: str) -> _Json:
    place = place_of(answer.url)
    if answer.body.lstrip()[:1] == b"<":
        raise Protocol(f"{place} answered with a web page where JSON was expected: it may block us")
    try:
        page = json.loads(answer.body, parse_constant=lambda name: None)  # NaN is no JSON
    except (ValueError, RecursionError):
        raise Garbled(f"{place} answered with broken JSON ({len(answer.body)} bytes)") from None
    if not isinstance(page, kind):
        raise Protocol(f"{place} answered with a JSON {type(page).__name__} where a JSON {name} was expected")
    return page
