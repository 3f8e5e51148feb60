"""A platform on loopback: it answers as it is told, breaks the nth answer as it is told, and logs what was asked."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Request:
    """What was asked."""

    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    method: str = "GET"
    body: bytes = b""
    query: str = ""


@dataclass
class Reply:
    """What is to be answered; `Content-Length` is added unless it is given."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


class Exchange(BaseHTTPRequestHandler):
    """One request and its answer, with the means to answer badly."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "_Server"
    asked: Request

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        params = dict(parse_qsl(url.query, keep_blank_values=True))
        self.asked = Request(url.path, params, dict(self.headers), self.command, body, url.query)
        fault = self.server.fake.note(self.asked)
        reply = self.server.fake.answer(self.asked)
        try:
            if fault:
                fault(self, reply)
            else:
                self.send(reply)
        except OSError:
            self.close_connection = True  # the client had enough

    do_POST = do_GET

    def send(self, reply: Reply) -> None:
        self.send_head(reply)
        self.wfile.write(reply.body)

    def send_head(self, reply: Reply) -> None:
        self.send_response(reply.status)
        clock = self.server.fake.clock
        date = {"Date": format_datetime(clock(), usegmt=True)} if clock else {}
        for name, value in {"Content-Length": str(len(reply.body)), **date, **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def send_response(self, code: int, message: str | None = None) -> None:
        """Without the Date of the base class, which a fault may want to set itself."""
        self.send_response_only(code, message)

    def log_message(self, format: str, *args: Any) -> None:
        pass


Fault = Callable[[Exchange, Reply], None]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    fake: "FakeServer"

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exception()
        if error and not isinstance(error, OSError):
            self.fake.mistakes.append(error)


class FakeServer:
    """`faults` breaks the nth request, from 1; `at` the nth request of a path that ends so; `every` all the others.

    `clock` is the time by which its answers are dated, where they are. `mistakes` are those of the platform's own
    code, which a client takes for a broken connection.
    """

    def __init__(self, answer: Callable[[Request], Reply], clock: Callable[[], datetime] | None = None) -> None:
        self.answer = answer
        self.clock = clock
        self.requests: list[Request] = []
        self.mistakes: list[BaseException] = []
        self.faults: dict[int, Fault] = {}
        self.at: dict[tuple[str, int], Fault] = {}
        self.every: Fault | None = None
        self.closing = Event()
        self._lock = Lock()
        self._http = _Server(("127.0.0.1", 0), Exchange)
        self._http.fake = self
        self._thread = Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        self.port = self._http.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def note(self, request: Request) -> Fault | None:
        with self._lock:
            self.requests.append(request)
            for (end, nth), fault in self.at.items():
                if request.path.endswith(end) and nth == sum(r.path.endswith(end) for r in self.requests):
                    return fault
            return self.faults.get(len(self.requests), self.every)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
