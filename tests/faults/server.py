"""A platform on loopback: it answers as it is told, breaks the nth answer as it is told, and logs what was asked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        request = Request(url.path, dict(parse_qsl(url.query, keep_blank_values=True)), dict(self.headers))
        fault = self.server.fake.note(request)
        reply = self.server.fake.answer(request)
        try:
            if fault:
                fault(self, reply)
            else:
                self.send(reply)
        except OSError:
            self.close_connection = True  # the client had enough

    def send(self, reply: Reply) -> None:
        self.send_head(reply)
        self.wfile.write(reply.body)

    def send_head(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
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
        pass


class FakeServer:
    """`faults` breaks the nth request, from 1; `every` breaks all that `faults` does not name."""

    def __init__(self, answer: Callable[[Request], Reply]) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self.faults: dict[int, Fault] = {}
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
            return self.faults.get(len(self.requests), self.every)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
