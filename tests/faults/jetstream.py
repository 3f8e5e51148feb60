"""Jetstream of version 2 on loopback: it replays events from a time on, and breaks off as it is told."""

import json
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache
from http import HTTPStatus
from threading import Event, Lock, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import zstandard
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

NSID = "network.bsky.jetstream.subscribeEvents"
_PATH = f"/xrpc/{NSID}"
_DICTIONARY_PATH = "/xrpc/network.bsky.jetstream.getZstdDictionary"


@cache
def dictionary() -> zstandard.ZstdCompressionDict:
    """What client and server know of frames before the first."""
    samples = [json.dumps({"$type": "message", "n": n, "text": "kettle " * (n % 7)}).encode() for n in range(2_000)]
    return zstandard.train_dictionary(4096, samples)


def when(at: datetime) -> str:
    """A time as Jetstream writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def message(kind: str, **content: Any) -> str:
    """A message frame."""
    return json.dumps({"$type": "message", "payload": {"$type": f"{NSID}#{kind}", **content}})


def error(name: str, text: str) -> str:
    """An error frame, after which a server closes."""
    return json.dumps({"$type": "error", "error": name, "message": text})


@dataclass(frozen=True)
class Dial:
    """A connection as it was asked for."""

    params: dict[str, list[str]]
    headers: Headers
    subprotocol: str | None


Trouble = Callable[["FakeJetstream", ServerConnection], bool | None]
"""What happens before a frame is sent; true ends the connection."""


def cut(fake: "FakeJetstream", connection: ServerConnection) -> bool:
    """The connection torn down without a goodbye, which a client sees as 1006."""
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.socket.shutdown(socket.SHUT_RDWR)
    return True


def goes_away(fake: "FakeJetstream", connection: ServerConnection) -> bool:
    """Closed in good order, as by a server that is restarted."""
    connection.close(1001, "going away")
    return True


def too_slow(fake: "FakeJetstream", connection: ServerConnection) -> bool:
    """The last message to a reader who is too far behind."""
    fake.send(connection, error("ConsumerTooSlow", "reader below floor rate"))
    connection.close(1008)
    return True


def says(frame: str | bytes) -> Trouble:
    """A frame of another kind than the right one, which follows it."""

    def trouble(fake: "FakeJetstream", connection: ServerConnection) -> None:
        connection.send(frame)

    return trouble


def falls_silent(fake: "FakeJetstream", connection: ServerConnection) -> bool:
    """Nothing more, on a connection that stays open."""
    fake.closing.wait(20)
    return True


class FakeJetstream:
    """`events` gives all events that there are: when each was seen, and its content without seq and times.

    `troubles` come before the nth frame of the nth connection, both from 1; `refusals` are the answers to dials.
    `keeps` is the time before which it has forgotten all. Once caught up it tells the time, by an account event.
    """

    def __init__(
        self, events: Callable[[], list[tuple[datetime, str, dict[str, Any]]]], clock: Callable[[], datetime]
    ) -> None:
        self.events, self.clock = events, clock
        self.keeps = datetime(2022, 1, 1, tzinfo=UTC)
        self.troubles: dict[tuple[int, int], Trouble] = {}
        self.refusals: dict[int, tuple[int, bytes, dict[str, str]]] = {}
        self.has_dictionary = False
        self.dials: list[Dial] = []
        self.n_frames = 0
        self.closing = Event()
        self._lock = Lock()
        self._server = serve(
            self._handle, "127.0.0.1", 0, subprotocols=["xrpc.v1.json"],  # type: ignore[list-item]
            process_request=self._asked, process_response=self._dated, compression=None,
        )  # fmt: skip
        self.port = self._server.socket.getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}"
        self._thread = Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()

    def _asked(self, connection: ServerConnection, request: Request) -> Response | None:
        url = urlsplit(request.path)
        if url.path == _DICTIONARY_PATH:
            body = dictionary().as_bytes() if self.has_dictionary else b'{"error": "NotFound"}'
            return self._answer(200 if self.has_dictionary else 404, body, {})
        if url.path != _PATH:
            return self._answer(404, b"404 page not found\n", {})
        offered = request.headers.get("Sec-WebSocket-Protocol")
        with self._lock:
            self.dials.append(Dial(parse_qs(url.query), request.headers, offered))
            refusal = self.refusals.get(len(self.dials))
        return self._answer(*refusal) if refusal else None

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> Response:
        all_headers = {"Content-Length": str(len(body)), "Connection": "close", **headers}
        return Response(status, HTTPStatus(status).phrase, Headers(all_headers), body)

    def _dated(self, connection: ServerConnection, request: Request, response: Response) -> None:
        response.headers.pop("Date", None)
        response.headers["Date"] = format_datetime(self.clock(), usegmt=True)

    def _handle(self, connection: ServerConnection) -> None:
        n = len(self.dials)
        try:
            for i, frame in enumerate(self._frames(self.dials[n - 1]), 1):
                if (trouble := self.troubles.get((n, i))) and trouble(self, connection):
                    return
                self.send(connection, frame)
            self.closing.wait(20)
        except (ConnectionClosed, OSError):
            pass

    def send(self, connection: ServerConnection, frame: str) -> None:
        self.n_frames += 1
        if "zstdDictionary" in self.dials[-1].params:
            connection.send(zstandard.ZstdCompressor(dict_data=dictionary()).compress(frame.encode()))
        else:
            connection.send(frame)

    def _frames(self, dial: Dial) -> list[str]:
        """The cursor is inclusive; one from before what is kept is brought forward, and that is said."""
        asked = datetime.fromtimestamp(int(dial.params["cursor"][0]) / 1e6, UTC)
        frames = []
        if asked < self.keeps:
            frames.append(message("info", name="OutdatedCursor", message="requested timestamp cursor below floor"))
        events = sorted(self.events(), key=lambda event: event[0])
        account = {"did": "did:plc:anybody", "active": True, "seq": 1, "time": when(self.clock())}
        events.append((self.clock(), "account", {"did": "did:plc:anybody", "account": account}))
        for seq, (at, kind, content) in enumerate(events, 24_000_000_000):
            if max(asked, self.keeps) <= at:
                frames.append(message(kind, seq=seq, time=when(at), witnessedAt=when(at), **content))
        return frames
