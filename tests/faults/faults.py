"""The ways in which a platform fails; each is given to `FakeServer.faults` or `every`."""

import gzip
import socket
import struct

from tests.faults.server import Exchange, Fault, Reply


def answers(status: int, body: bytes = b"", **headers: str) -> Fault:
    """Another answer than the right one; in header names _ stands for -."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda exchange, reply: exchange.send(Reply(body, status, named))


def cut_json(exchange: Exchange, reply: Reply) -> None:
    """Half of the body, as if it were all of it."""
    exchange.send(Reply(reply.body[: len(reply.body) // 2], reply.status, reply.headers))


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
    exchange.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    exchange.connection.close()
    exchange.close_connection = True


def hang(exchange: Exchange, reply: Reply) -> None:
    """No answer at all."""
    exchange.server.fake.closing.wait(10)
    exchange.close_connection = True


def drip(exchange: Exchange, reply: Reply) -> None:
    """A byte now and then: no single read ever times out."""
    exchange.send_head(reply)
    for byte in reply.body:
        exchange.wfile.write(bytes([byte]))
        if exchange.server.fake.closing.wait(0.02):
            break
    exchange.close_connection = True
