"""The one HTTP client of all sources, and the one policy of what is tried again, after how long and how often."""

import json
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event
from types import TracebackType
from typing import Any, Self

import httpx
import tenacity

from cxlisten import __version__
from cxlisten.collect import Budget
from cxlisten.collect.waiting import asked_wait
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

CONNECT_SECONDS, READ_SECONDS, ANSWER_SECONDS = 5.0, 20.0, 90.0
MAX_BYTES = 32 * 2**20
ATTEMPTS = 5
LONGEST_WAIT = 3600.0  # a platform that asks for more is left until the next run
USER_AGENT = f"cxlisten/{__version__} (social-media listening)"

_TRANSIENT = frozenset((408, 425))
_FATAL: dict[int, type[SourceError]] = {
    400: BadQuery, 401: Auth, 402: QuotaExhausted, 403: Auth, 404: NotFound, 410: NotFound, 414: BadQuery,
    422: BadQuery,
}  # fmt: skip


class Stopped(SourceError):
    """The fetch ends before its end: it was asked to, or its budget is spent. The next one goes on from there."""

    retryable = True


class Garbled(Protocol):
    """An answer that was cut or mangled on its way; a second try may bring it whole."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a platform answered: 200 to 299 or 304; `url` is where redirects led."""

    status: int
    headers: httpx.Headers
    body: bytes
    url: str


class Http:
    """A client for one fetch: it retries within the fetch's budget, and waits so that `stop` interrupts it."""

    def __init__(self, budget: Budget, stop: Event) -> None:
        self.n_requests = 0
        self._budget, self._stop = budget, stop
        self._deadline = time.monotonic() + budget.seconds
        # On a redirect to another host httpx drops the Authorization header.
        self._client = httpx.Client(
            headers={"User-Agent": USER_AGENT},
            timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
            follow_redirects=True,
            max_redirects=5,
        )
        self._retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_may_pass),
            wait=_wait,
            stop=self._gives_up,
            sleep=self._pause,
            reraise=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def get(
        self, url: str, params: Mapping[str, str | int] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask for a page; raises a SourceError that says what kind of failure it was, or Stopped."""
        return self._retrying(self._try, url, params, headers)

    def get_json(self, url: str, params: Mapping[str, str | int] | None = None) -> dict[str, Any]:
        """Ask for a JSON object; raises as `get` does."""
        return self._retrying(lambda: _json_object(self._try(url, params, None)))

    def _try(self, url: str, params: Mapping[str, str | int] | None, headers: Mapping[str, str] | None) -> Answer:
        if self._stop.is_set():
            raise Stopped("asked to stop")
        if self.n_requests >= self._budget.requests or time.monotonic() > self._deadline:
            raise Stopped(f"the budget of {self._budget.requests} requests in {self._budget.seconds:.0f} s is spent")
        self.n_requests += 1
        place = place_of(url)
        try:
            with self._client.stream("GET", url, params=params, headers=headers) as response:
                body = self._read(response, place)
        except httpx.TimeoutException:
            raise Transient(f"{place} did not answer in time") from None
        except httpx.TooManyRedirects:
            raise Protocol(f"{place} sends us from one address to the next without end") from None
        except httpx.DecodingError:
            raise Garbled(f"{place} answered with a compressed body that cannot be unpacked") from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol):
            raise BadQuery(f"{place} is not an address that can be asked for: check the url in the config") from None
        except httpx.RequestError as error:
            raise Transient(f"{place} could not be reached or broke off: {type(error).__name__}") from None
        if response.is_success or response.status_code == httpx.codes.NOT_MODIFIED:
            return Answer(response.status_code, response.headers, body, str(response.url))
        raise _error(response, body, place)

    def _read(self, response: httpx.Response, place: str) -> bytes:
        """Read a body with a bound on its size and, for one that drips, on its time."""
        deadline, body = time.monotonic() + ANSWER_SECONDS, bytearray()
        for piece in response.iter_bytes():
            body += piece
            if len(body) > MAX_BYTES:
                raise Protocol(f"{place} answered with more than {MAX_BYTES >> 20} MiB")
            if time.monotonic() > deadline:
                raise Transient(f"{place} took more than {ANSWER_SECONDS:.0f} s to answer")
            if self._stop.is_set():
                raise Stopped("asked to stop")
        return bytes(body)

    def _gives_up(self, state: tenacity.RetryCallState) -> bool:
        time_left = self._deadline - time.monotonic()
        return state.attempt_number >= ATTEMPTS or state.upcoming_sleep > min(LONGEST_WAIT, time_left)

    def _pause(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise Stopped("asked to stop")


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, Transient | RateLimited | Garbled)


def _wait(state: tenacity.RetryCallState) -> float:
    """As long as the platform asks, else a random time under a limit that doubles with every try."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, RateLimited) and error.until:
        return (error.until - datetime.now(UTC)).total_seconds() + random.uniform(0.1, 1.0)
    return random.uniform(0, min(60.0, 2.0**state.attempt_number))


def _error(response: httpx.Response, body: bytes, place: str) -> SourceError:
    status = response.status_code
    now = datetime.now(UTC)
    wait = asked_wait(response.headers, now)
    until = now + timedelta(seconds=wait) if wait else None
    if status == 429 or (status == 503 and until):
        when = f" until {until:%Y-%m-%d %H:%M} UTC" if until else ""
        return RateLimited(f"{place} asks us to slow down{when}", until)
    what = f"{place} answered {status} {response.reason_phrase}{_detail(body)}"
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


def _json_object(answer: Answer) -> dict[str, Any]:
    place = place_of(answer.url)
    if answer.body.lstrip()[:1] == b"<":
        raise Protocol(f"{place} answered with a web page where JSON was expected: it may block us")
    try:
        page = json.loads(answer.body, parse_constant=lambda name: None)  # NaN is no JSON
    except (ValueError, RecursionError):
        raise Garbled(f"{place} answered with broken JSON ({len(answer.body)} bytes)") from None
    if not isinstance(page, dict):
        raise Protocol(f"{place} answered with a JSON {type(page).__name__} where an object was expected")
    return page


def place_of(url: str) -> str:
    """Host and path: the query of an address may hold a secret."""
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL:
        return "the address"
    return f"{parts.host}{parts.path}" or "the address"
