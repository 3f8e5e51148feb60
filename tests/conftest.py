"""What every test gets: no way out to the network, and no limit that another test ran into."""

import socket
from collections.abc import Callable
from typing import Any

import pytest

LOOPBACK = {"localhost", "127.0.0.1", "::1", "0.0.0.0", "::", "", None}


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only this machine can be connected to or looked up."""

    def guard(call: Callable[..., Any], host_of: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*args: Any, **kwargs: Any) -> Any:
            host = host_of(*args, **kwargs)
            if host not in LOOPBACK:
                raise AssertionError(f"a test reached for the network: {host}")
            return call(*args, **kwargs)

        return guarded

    def peer(sock: socket.socket, address: Any) -> Any:
        return None if sock.family == socket.AF_UNIX else address[0]

    monkeypatch.setattr(socket.socket, "connect", guard(socket.socket.connect, peer))
    monkeypatch.setattr(socket.socket, "connect_ex", guard(socket.socket.connect_ex, peer))
    monkeypatch.setattr(socket, "getaddrinfo", guard(socket.getaddrinfo, lambda host, *_, **__: host))


@pytest.fixture(autouse=True)
def no_limit_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a host allows is remembered per process, and ports are given out again."""
    from cxlisten.collect.http import Http

    monkeypatch.setattr(Http, "_renewed_at", {})
