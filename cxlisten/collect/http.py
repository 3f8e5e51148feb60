"""The one HTTP client of all sources, and the one policy of what is tried again, after how long and how often."""

import ipaddress
import random
import ssl
import time
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from threading import Event
from types import TracebackType
from typing import Any, ClassVar, Self, TypeVar

import httpx
import tenacity

from cxlisten import __version__
from cxlisten.collect import Budget
from cxlisten.collect.answers import Answer, Garbled, error_of, host_of, place_of
from cxlisten.collect.waiting import asked_wait, is_spent, server_time
from cxlisten.errors import Auth, BadQuery, Protocol, RateLimited, SourceError, Transient

CONNECT_SECONDS, READ_SECONDS, ANSWER_SECONDS = 5.0, 20.0, 90.0
MAX_BYTES = 32 * 2**20
ATTEMPTS = 5
LONGEST_WAIT = 3600.0  # a platform that asks for more is left until the next run
USER_AGENT = f"cxlisten/{__version__} (social-media listening)"

_Result = TypeVar("_Result")


class Stopped(SourceError):
    """The fetch ends before its end, as it was asked to. The next one goes on from there."""

    retryable = True


class BudgetSpent(Stopped):
    """The fetch ends before its end, since its budget is spent."""


Explain = Callable[[Answer], SourceError | None]


class Http:
    """A client for one fetch: it retries within the fetch's budget, and waits so that `stop` interrupts it.

    `explain` says what a platform means by an answer that is no success, where the status alone does not tell.
    A request with an Authorization header, or with any of `secrets`, which are headers that only the host of
    `base_url` is sent, follows no redirect and never goes over plain http, but to this machine.
    """

    clock_ahead: ClassVar[timedelta | None] = None
    """How far this machine's clock was ahead of that of the last platform that named its time."""

    # Per host, when its limit is renewed: all fetches of a process share what a host allows.
    _renewed_at: ClassVar[dict[str, float]] = {}

    def __init__(
        self,
        budget: Budget,
        stop: Event,
        *,
        base_url: str = "",
        secrets: Mapping[str, str] | None = None,
        explain: Explain | None = None,
    ) -> None:
        self.n_requests = 0
        self._budget, self._stop = budget, stop
        self._host, self._secrets, self._explain = host_of(base_url), secrets or {}, explain
        self._server_now: datetime | None = None
        self._failure: BaseException | None = None  # what is being tried again
        self._deadline = time.monotonic() + budget.seconds
        self._client = httpx.Client(
            headers={"User-Agent": USER_AGENT},
            timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
            max_redirects=5,
            trust_env=False,
            verify=_trusted(),
        )
        self._retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_may_pass),
            wait=_wait,
            stop=self._gives_up,
            sleep=self._pause,
            before_sleep=self._note_failure,
            reraise=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def now(self) -> datetime:
        """The time of the platform's last answer, by its clock; by ours where that is earlier, or it named none."""
        now = datetime.now(UTC)
        return min(now, self._server_now or now)

    def get(
        self, url: str, params: Mapping[str, str | int] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask for a page; raises a SourceError that says what kind of failure it was, or Stopped."""
        return self.retry(lambda: self.attempt("GET", url, params=params, headers=headers))

    def get_json(self, url: str, params: Mapping[str, str | int] | None = None) -> dict[str, Any]:
        """Ask for a JSON object; raises as `get` does."""
        return self.retry(lambda: self.attempt("GET", url, params=params).json())

    def retry(self, action: Callable[[], _Result]) -> _Result:
        """Do `action`, made of attempts, again for as long as that may help and the budget allows."""
        self._failure = None
        return self._retrying(action)

    def attempt(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | str | None = None,
        accept: Collection[int] = (),
        is_secret: bool = False,
    ) -> Answer:
        """Ask once; an answer with a status of `accept` is given back as if it were a success.

        `is_secret` says that `content` holds a credential.
        """
        place, host = place_of(url), host_of(url)
        sent = {**(self._secrets if host == self._host else {}), **(headers or {})}
        is_secret |= bool(self._secrets and host == self._host) or "authorization" in map(str.lower, sent)
        if is_secret and not _is_private(url):
            raise Auth(f"{place} would get the credential over plain http: write https:// in base_url")
        self._before_asking(host)
        self.n_requests += 1
        try:
            with self._client.stream(
                method, url, params=params, headers=sent, content=content, follow_redirects=not is_secret
            ) as response:
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
        answer = Answer(response.status_code, response.reason_phrase, response.headers, body, str(response.url))
        return self._judged(answer, accept)

    def _before_asking(self, host: str) -> None:
        if self._stop.is_set():
            raise Stopped("asked to stop")
        time_left = self._deadline - time.monotonic()
        if self.n_requests >= self._budget.requests or time_left < 0:
            spent = f"{self._budget.requests} requests in {self._budget.seconds:.0f} s"
            raise BudgetSpent(f"the budget of {spent} is spent" + (f", as {self._failure}" if self._failure else ""))
        wait = self._renewed_at.get(host, 0.0) - time.monotonic()
        if wait > min(LONGEST_WAIT, time_left):
            until = datetime.now(UTC) + timedelta(seconds=wait)
            raise RateLimited(f"{host} allows no more before {until:%Y-%m-%d %H:%M} UTC", until)
        if wait > 0:
            self._pause(wait)
        self._renewed_at.pop(host, None)

    def _judged(self, answer: Answer, accept: Collection[int]) -> Answer:
        """Give a good answer back, and raise for any other; remember what it says of time and of limits."""
        now = datetime.now(UTC)
        if server_now := server_time(answer.headers):
            self._server_now, Http.clock_ahead = server_now, now - server_now
        wait = asked_wait(answer.headers, now)
        if wait and is_spent(answer.headers):
            self._renewed_at[host_of(answer.url)] = time.monotonic() + wait
        if 200 <= answer.status < 300 or answer.status == httpx.codes.NOT_MODIFIED or answer.status in accept:
            return answer
        raise (self._explain and self._explain(answer)) or error_of(answer, wait, now)

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

    def _note_failure(self, state: tenacity.RetryCallState) -> None:
        self._failure = state.outcome.exception() if state.outcome else None

    def _pause(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise Stopped("asked to stop")


@cache
def _trusted() -> ssl.SSLContext:
    """Whose certificates we trust; read once, for that takes longer than many a request."""
    return httpx.create_ssl_context(trust_env=False)


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, Transient | RateLimited | Garbled)


def _wait(state: tenacity.RetryCallState) -> float:
    """As long as the platform asks, else a random time under a limit that doubles with every try."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, RateLimited) and error.until:
        return (error.until - datetime.now(UTC)).total_seconds() + random.uniform(0.1, 1.0)
    return random.uniform(0, min(60.0, 2.0**state.attempt_number))


def _is_private(url: str) -> bool:
    """Whether nobody on the way can read along: encrypted, or never leaving this machine."""
    parts = httpx.URL(url)
    if parts.scheme == "https" or parts.host == "localhost":
        return True
    try:
        return ipaddress.ip_address(parts.host).is_loopback
    except ValueError:
        return False
