"""The client of Jetstream: atproto's, with rules of our own for resuming, for odd messages and for giving up."""

import json
import random
import time
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import httpx
from atproto_jetstream import JetstreamClient
from atproto_jetstream.exceptions import JetstreamDecodingError, JetstreamError

from cxlisten.collect.answers import Answer, error_of, place_of
from cxlisten.collect.bluesky.jetstream import Garble, Heard
from cxlisten.collect.bluesky.posts import COLLECTION
from cxlisten.collect.http import USER_AGENT, BudgetSpent, Stopped
from cxlisten.collect.times import read_time
from cxlisten.collect.waiting import asked_wait, server_time
from cxlisten.errors import NotFound, Protocol, RateLimited, SourceError, Transient

_REWIND = timedelta(seconds=5)  # behind one address may stand several servers, each with a clock of its own
_MAX_AHEAD = timedelta(hours=1)
_LONGEST_WAIT = 60.0


class Client(JetstreamClient):  # type: ignore[misc]  # atproto has no types
    """atproto's client dials, unpacks and reconnects.

    By itself it resumes by sequence number, ends at what does not fit its models, and never gives up a dead server.
    """

    def __init__(self, url: str, since: datetime, stop: Event, attempts: int, most_connections: int) -> None:
        # Accounts too, so that there is something to hear where few people post.
        super().__init__({"collections": [COLLECTION], "kinds": ["commit", "account"]}, url, recv_timeout=None)
        self.n_connections, self.heard_at = 0, time.monotonic()
        self.opened_at: datetime | None = None
        self._place, self._stop, self._attempts, self._most = place_of(url), stop, attempts, most_connections
        self._reached, self._n_in_vain = since, 0

    @property
    def is_stopped(self) -> bool:
        return bool(self._stopped)

    def _before_connect(self) -> None:
        if self.n_connections >= self._most:
            raise BudgetSpent(f"the budget of {self._most} requests is spent")
        self.n_connections += 1
        self.heard_at = time.monotonic()
        super()._before_connect()
        self._set_param("cursor", round((self._reached - _REWIND).timestamp() * 1e6))

    def _get_connect_kwargs(self) -> dict[str, Any]:
        # The certificates that all our requests trust; a small system has none of its own.
        trust = {"ssl": httpx.create_ssl_context(trust_env=False)} if self._base_uri.startswith("wss:") else {}
        return {**super()._get_connect_kwargs(), "user_agent_header": USER_AGENT, "proxy": None, **trust}

    def _get_client(self) -> Any:
        connection = super()._get_client()
        told = server_time(httpx.Headers(list(connection.response.headers.raw_items())))
        self.opened_at = self.opened_at or told or datetime.now(UTC)
        return connection

    def _get_reconnection_delay(self) -> float:
        return 0.0  # it has been waited already, in a way that can be interrupted

    def _decode_frame(self, raw_frame: str | bytes) -> Heard | Garble | None:
        self.heard_at = time.monotonic()
        try:
            if self._compression is not None and isinstance(raw_frame, bytes):
                raw_frame = self._compression.decompress(raw_frame)
            frame = json.loads(raw_frame, parse_constant=lambda name: None)  # NaN is no JSON
        except (JetstreamDecodingError, ValueError, RecursionError):
            text = raw_frame if isinstance(raw_frame, str) else raw_frame.decode("utf-8", "replace")
            return Garble("a message of the stream cannot be decoded", text[:10_000] or "(nothing)")
        kind, content = (frame.get("$type"), frame.get("payload")) if isinstance(frame, dict) else (None, None)
        if kind == "error":
            raise _Ended(f"{frame.get('error')}: {frame.get('message')}"[:200], frame.get("error"))
        if kind != "message" or not isinstance(content, dict):
            return None  # of a newer server
        at = self._seen_at(content)
        if at and at > self._reached:
            self._reached, self._n_in_vain = at, 0
        return Heard(str(content.get("$type")).partition("#")[2], content, at)

    def _seen_at(self, content: dict[str, Any]) -> datetime | None:
        """When the server saw an event; a time that is still to come would end this run and all that follow."""
        try:
            at = read_time(content.get("witnessedAt") or content.get("time"))
        except ValueError:
            return None
        return at if at < max(datetime.now(UTC), self.opened_at or at) + _MAX_AHEAD else None

    def _handle_frame_decoding_error(self, exception: Exception) -> None:
        raise exception

    def _handle_websocket_error_or_stop(self, exception: Exception) -> bool:
        """Say whether to end; else the client reconnects."""
        if self.is_stopped:
            return True
        error = self._error(exception)
        self._n_in_vain += 1
        if not error.retryable or isinstance(error, Stopped) or self._n_in_vain >= self._attempts:
            raise error
        until = error.until if isinstance(error, RateLimited) else None
        seconds = (until - datetime.now(UTC)).total_seconds() if until else random.uniform(0, 2.0**self._n_in_vain)
        if seconds > _LONGEST_WAIT:
            raise error
        self.heard_at = time.monotonic() + seconds  # before then there is nothing to be heard
        return self._stop.wait(max(0.0, seconds)) or self.is_stopped

    def _error(self, exception: Exception) -> SourceError:
        if isinstance(exception, SourceError):
            return exception
        broken = Transient(f"{self._place} could not be reached or broke off: {type(exception).__name__}")
        if isinstance(exception, _Ended):
            return broken if exception.is_passing else Protocol(f"{self._place} ended the stream: {exception}")
        try:
            super()._handle_websocket_error_or_stop(exception)
            may_pass = True
        except JetstreamError:
            may_pass = False
        response = getattr(exception, "response", None)
        if response is None:
            return broken if may_pass else Protocol(f"{self._place} could not be read: {type(exception).__name__}")
        now, headers = datetime.now(UTC), httpx.Headers(list(response.headers.raw_items()))
        answer = Answer(response.status_code, response.reason_phrase, headers, response.body or b"", self._base_uri)
        error = error_of(answer, asked_wait(headers, now), now)
        if isinstance(error, NotFound):
            return NotFound(f"{error}; it is no Jetstream of version 2: check jetstream_url")
        # An outdated dictionary is refused like a mistake of ours, and fetched anew.
        return broken if may_pass and 400 <= answer.status < 500 else error


class _Ended(Exception):
    """The server's last message on a connection; atproto's own error for it has no text."""

    def __init__(self, text: str, name: Any) -> None:
        self.is_passing = name == "ConsumerTooSlow"
        super().__init__(text)
