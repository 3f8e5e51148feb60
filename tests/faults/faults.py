"""The ways in which a platform fails; each is given to `FakeServer.faults`, `at` or `every`."""

import gzip
import json
import re
import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from tests.faults.server import Exchange, Fault, Reply, Request

DRIP_SECONDS = 0.02


def answers(status: int, body: bytes = b"", **headers: str) -> Fault:
    """Another answer than the right one; in header names _ stands for -."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda exchange, reply: exchange.send(Reply(body, status, named))


def answers_at(headers: Callable[[datetime], Mapping[str, str]], status: int = 429, body: bytes = b"") -> Fault:
    """Another answer, whose headers depend on the server's time."""

    def fault(exchange: Exchange, reply: Reply) -> None:
        exchange.send(Reply(body, status, dict(headers(_now(exchange)))))

    return fault


def heads(headers: Callable[[datetime], Mapping[str, str]]) -> Fault:
    """The right answer with other headers."""

    def fault(exchange: Exchange, reply: Reply) -> None:
        exchange.send(replace(reply, headers={**reply.headers, **headers(_now(exchange))}))

    return fault


def _now(exchange: Exchange) -> datetime:
    clock = exchange.server.fake.clock
    assert clock
    return clock()


def dated_twice(status: int | None = None, seconds: float = 30) -> Fault:
    """An answer with two Dates that differ, the second nonsense; with a `status`, a limit as well."""

    def fault(exchange: Exchange, reply: Reply) -> None:
        body, now = (b"", _now(exchange)) if status else (reply.body, _now(exchange))
        exchange.send_response(status or reply.status)
        headers = reply.headers if status is None else {"X-Rate-Limit-Reset": str(int(now.timestamp() + seconds))}
        for name, value in (*headers.items(), ("Date", format_datetime(now, usegmt=True)), ("Date", "no date at all")):
            exchange.send_header(name, value)
        exchange.send_header("Content-Length", str(len(body)))
        exchange.end_headers()
        exchange.wfile.write(body)

    return fault


def cut_json(exchange: Exchange, reply: Reply) -> None:
    """Half of the body, as if it were all of it."""
    exchange.send(replace(reply, body=reply.body[: len(reply.body) // 2]))


def short_body(exchange: Exchange, reply: Reply) -> None:
    """Less than Content-Length promised."""
    exchange.send_head(reply)
    exchange.wfile.write(reply.body[: len(reply.body) // 2])
    exchange.close_connection = True


def cut_chunks(exchange: Exchange, reply: Reply) -> None:
    """Chunks without the last one."""
    exchange.send_response(200)
    exchange.send_header("Transfer-Encoding", "chunked")
    exchange.end_headers()
    exchange.wfile.write(b"5\r\nhello\r\n")
    exchange.close_connection = True


def cut_gzip(exchange: Exchange, reply: Reply) -> None:
    """A compressed body that is none."""
    exchange.send(Reply(gzip.compress(reply.body)[:5] + b"broken", 200, {"Content-Encoding": "gzip"}))


def gzip_bomb(n_bytes: int) -> Fault:
    """A small body that becomes a large one."""
    return lambda exchange, reply: exchange.send(
        Reply(gzip.compress(bytes(n_bytes)), 200, {"Content-Encoding": "gzip"})
    )


def reset(exchange: Exchange, reply: Reply) -> None:
    """The connection torn down before an answer."""
    _tear(exchange)


def reset_after_headers(exchange: Exchange, reply: Reply) -> None:
    """The connection torn down within the body."""
    exchange.send_head(reply)
    exchange.wfile.write(reply.body[: len(reply.body) // 2])
    exchange.wfile.flush()
    _tear(exchange)


def _tear(exchange: Exchange) -> None:
    exchange.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    exchange.connection.close()
    exchange.close_connection = True


def hang(exchange: Exchange, reply: Reply) -> None:
    """No answer at all."""
    exchange.server.fake.closing.wait(10)
    exchange.close_connection = True


def hang_in_body(exchange: Exchange, reply: Reply) -> None:
    """Half of an answer, and then nothing."""
    exchange.send_head(reply)
    exchange.wfile.write(reply.body[: len(reply.body) // 2])
    hang(exchange, reply)


def drip(exchange: Exchange, reply: Reply) -> None:
    """A byte now and then: no single read ever times out."""
    exchange.send_head(reply)
    for byte in reply.body:
        exchange.wfile.write(bytes([byte]))
        if exchange.server.fake.closing.wait(DRIP_SECONDS):
            break
    exchange.close_connection = True


def in_turn(*several: Fault) -> Fault:
    """One after the other, the last from then on."""
    left = list(several)

    def fault(exchange: Exchange, reply: Reply) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(exchange, reply)

    return fault


def replays(exchange: Exchange, reply: Reply) -> None:
    """What was answered to the request before this one, as a cache in between may do."""
    fake = exchange.server.fake
    before = [request for request in fake.requests[:-1] if is_next(request, exchange.asked)]
    exchange.send(fake.answer(before[-1]) if before else reply)


def is_next(before: Request, asked: Request) -> bool:
    """Whether a request can be for the page after another's: no more than a token tells them apart."""
    changed = {name for name, _ in before.params.items() ^ asked.params.items()}
    return before.path == asked.path and len(changed) <= 1


def meanwhile(change: Callable[[], None]) -> Fault:
    """Something happens on the platform just before it answers."""

    def fault(exchange: Exchange, reply: Reply) -> None:
        change()
        exchange.send(exchange.server.fake.answer(exchange.asked))

    return fault


def rewrites(change: Callable[[Any, list[Any]], Any]) -> Fault:
    """The right answer with its JSON changed: `change` gets the document and the items in it, and gives it back."""

    def fault(exchange: Exchange, reply: Reply) -> None:
        document = read_json(reply)
        items = items_of(document)
        if reply.status == 200 and items:
            reply = replace(reply, body=json.dumps(change(document, items)).encode())
        exchange.send(reply)

    return fault


def rewrites_text(change: Callable[[str], str]) -> Fault:
    """The right answer with its JSON changed as text."""

    def fault(exchange: Exchange, reply: Reply) -> None:
        if reply.status == 200 and items_of(read_json(reply)):
            reply = replace(reply, body=change(reply.body.decode()).encode("utf-8", "surrogatepass"))
        exchange.send(reply)

    return fault


def read_json(reply: Reply) -> Any:
    """The document of an answer, null where it is no JSON."""
    try:
        return json.loads(reply.body)
    except ValueError:
        return None


def items_of(document: Any) -> list[Any]:
    """The items of a page: the longest list of objects in it that lies in no other."""
    level, lists = [document], []
    while level and not lists:
        lists = [each for each in level if isinstance(each, list) and any(isinstance(item, dict) for item in each)]
        level = [inner for each in level if isinstance(each, dict) for inner in each.values()]
    return max(lists, key=len, default=[])


def duplicate_keys(text: str) -> str:
    """Each object of a JSON text with a key that it has twice."""
    return re.sub(r'\{(?=")', '{"twice": 1, "twice": [2], ', text)
