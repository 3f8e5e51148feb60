"""Jetstream: Bluesky's stream of all that is public, read by a client on a thread of its own."""

import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from datetime import datetime
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Any

from cxlisten.collect.answers import place_of
from cxlisten.collect.http import ATTEMPTS, Stopped
from cxlisten.errors import MissingExtra, Protocol, SourceError, Transient

SILENT_SECONDS = 30.0  # on the whole network something happens many times a second
_TICK = 0.25
_QUEUE = 10_000


@dataclass(frozen=True, slots=True)
class Heard:
    """A message of the stream: what kind it is, its content, and when the server saw it happen."""

    kind: str
    content: Mapping[str, Any]
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Garble:
    """A message that cannot be read."""

    reason: str
    text: str


class Jetstream:
    """The stream from shortly before `since` on, and again so after each reconnection; it ends only by an error.

    `opened_at` is the server's time at the first connection, null before it. A time is the one position that holds
    on every server: a sequence number means something only where it was given.
    """

    def __init__(
        self, url: str, since: datetime, stop: Event, *, attempts: int = ATTEMPTS, most_connections: int = 1_000
    ) -> None:
        try:
            # Half a second or more, which only a run that listens has to spend.
            from cxlisten.collect.bluesky.client import Client
        except ModuleNotFoundError as error:
            raise MissingExtra(str(error.name), "sources") from None
        self._place, self._stop = place_of(url), stop
        self._queue: Queue[Heard | Garble | Exception] = Queue(_QUEUE)
        self._client = Client(url, since, stop, attempts, most_connections)

    @property
    def opened_at(self) -> datetime | None:
        return self._client.opened_at

    @property
    def n_connections(self) -> int:
        return self._client.n_connections

    def listen(self) -> Generator[Heard | Garble | None, None, None]:
        """Yield what is heard, and null whenever nothing was for a moment.

        Raises Stopped when asked to stop, and a SourceError when the stream cannot be had, or falls silent.
        """
        thread = Thread(target=self._run, name="jetstream", daemon=True)
        try:
            while True:
                if self._stop.is_set():
                    raise Stopped("asked to stop")
                if thread.ident is None:
                    thread.start()
                try:
                    item = self._queue.get(timeout=_TICK)
                except Empty:
                    if time.monotonic() - self._client.heard_at > SILENT_SECONDS:
                        raise Transient(f"{self._place} has sent nothing for {SILENT_SECONDS:.0f} s") from None
                    yield None
                    continue
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            self._client.stop()
            if thread.ident is not None:
                thread.join(timeout=1)

    def _run(self) -> None:
        try:
            self._client.start(self._put)
        except SourceError as error:
            self._put(error)
        except Exception as error:  # the client's own
            self._put(Protocol(f"{self._place} could not be read: {type(error).__name__}"))

    def _put(self, item: Heard | Garble | Exception) -> None:
        """Wait until there is room: the server is then read more slowly, and keeps what is to come."""
        while not self._client.is_stopped:
            try:
                return self._queue.put(item, timeout=_TICK)
            except Full:
                continue
