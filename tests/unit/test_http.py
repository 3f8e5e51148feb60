"""The one retry policy: what is tried again, after how long, how often, and what is said when it fails."""

import re
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from threading import Event

import pytest

from cxlisten.collect import Budget
from cxlisten.collect import http as policy
from cxlisten.collect.http import Http, Stopped
from cxlisten.errors import Auth, BadQuery, NotFound, Protocol, QuotaExhausted, RateLimited, SourceError, Transient
from tests.faults import faults
from tests.faults.clock import Clock
from tests.faults.server import FakeServer, Fault, Reply

SECRET = "".join(("s3", "cret"))  # so that no line of a traceback spells it
ROOMY = Budget(requests=50, seconds=7_200)


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer(lambda request: Reply(b'{"ok": true}')) as fake:
        yield fake


@pytest.fixture
def clock() -> Clock:
    return Clock()


def ask(server: FakeServer, clock: Event, budget: Budget = ROOMY) -> dict[str, object]:
    with Http(budget, clock) as http:
        return http.get_json(f"{server.url}/search", {"key": SECRET, "q": "x"})


def server_time(offset: timedelta = timedelta()) -> str:
    return format_datetime(datetime.now(UTC) + offset, usegmt=True)


def test_asks_once_and_says_who_it_is(server: FakeServer, clock: Clock) -> None:
    assert ask(server, clock) == {"ok": True}
    (request,) = server.requests
    assert re.match(r"cxlisten/\d", request.headers["User-Agent"])
    assert request.params == {"key": SECRET, "q": "x"}
    assert clock.waits == []


OFF = timedelta(minutes=10)  # by which the server's clock is off


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(lambda: {"Retry-After": "30"}, id="seconds"),
        pytest.param(lambda: {"Retry-After": server_time(OFF + timedelta(seconds=30))}, id="HTTP date"),
        pytest.param(lambda: {"X-Rate-Limit-Reset": str(int((datetime.now(UTC) + OFF).timestamp()) + 30)}, id="epoch"),
        pytest.param(lambda: {"X-RateLimit-Reset": "29.7"}, id="seconds to reset, fractional"),
        pytest.param(
            lambda: {"X-RateLimit-Reset": (datetime.now(UTC) + OFF + timedelta(seconds=30)).isoformat()}, id="ISO 8601"
        ),
        pytest.param(lambda: {"RateLimit-Reset": "30"}, id="RateLimit-Reset"),
    ],
)
def test_waits_as_long_as_the_platform_asks_by_its_clock(server: FakeServer, clock: Clock, header: object) -> None:
    assert callable(header)
    server.faults[1] = faults.answers(429, Date=server_time(OFF), **header())
    assert ask(server, clock) == {"ok": True}
    (waited,) = clock.waits
    assert 28 <= waited <= 33


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Rate-Limit-Reset": "1000000001"},
        {"X-RateLimit-Reset": "-5"},
        {"Retry-After": "soon"},
        {"Retry-After": "nan"},
        {"Retry-After": "Wed, 99 Foo 2020 00:00:00 GMT", "Date": "no date"},
    ],
)
def test_a_limit_without_a_usable_time_is_bounded(server: FakeServer, clock: Clock, headers: dict[str, str]) -> None:
    server.every = faults.answers(429, b"<html>whoa there, pardner</html>", **headers)
    with pytest.raises(RateLimited) as caught:
        ask(server, clock)
    assert caught.value.until is None
    assert len(server.requests) == policy.ATTEMPTS
    assert all(0 < wait <= 60 for wait in clock.waits)


def test_three_limits_then_an_answer(server: FakeServer, clock: Clock) -> None:
    server.faults = dict.fromkeys((1, 2, 3), faults.answers(429))
    assert ask(server, clock) == {"ok": True}
    assert len(server.requests) == 4


def test_a_reset_far_ahead_parks_the_source(server: FakeServer, clock: Clock) -> None:
    server.every = faults.answers(429, Retry_After="86000")
    with pytest.raises(RateLimited) as caught:
        ask(server, clock)
    assert len(server.requests) == 1
    assert clock.waits == []
    assert caught.value.until is not None
    assert timedelta(hours=23) < caught.value.until - datetime.now(UTC) < timedelta(hours=25)


def test_an_absurd_reset_is_clamped_to_a_day(server: FakeServer, clock: Clock) -> None:
    server.every = faults.answers(429, X_Rate_Limit_Reset="99999999999")
    with pytest.raises(RateLimited) as caught:
        ask(server, clock)
    assert caught.value.until is not None
    assert caught.value.until - datetime.now(UTC) < timedelta(hours=25)


def test_does_not_wait_past_its_budget_of_time(server: FakeServer, clock: Clock) -> None:
    server.every = faults.answers(429, Retry_After="30")
    with pytest.raises(RateLimited):
        ask(server, clock, Budget(seconds=20))
    assert clock.waits == []


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 408])
def test_a_server_error_is_tried_again(server: FakeServer, clock: Clock, status: int) -> None:
    server.faults[1] = faults.answers(status, b"<html>oops")
    assert ask(server, clock) == {"ok": True}
    assert len(server.requests) == 2
    (waited,) = clock.waits
    assert 0 <= waited <= 2


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadQuery), (401, Auth), (402, QuotaExhausted), (403, Auth), (404, NotFound), (410, NotFound),
        (418, Protocol), (422, BadQuery),
    ],
)  # fmt: skip
def test_what_cannot_succeed_is_asked_once(
    server: FakeServer, clock: Clock, status: int, kind: type[SourceError]
) -> None:
    server.every = faults.answers(status, b'{"message": "because of this"}')
    with pytest.raises(kind, match="because of this") as caught:
        ask(server, clock)
    assert not caught.value.retryable
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "fault",
    [faults.short_body, faults.cut_chunks, faults.cut_gzip, faults.reset, faults.cut_json, faults.hang, faults.drip],
)
def test_a_broken_answer_is_tried_again_and_then_given_up(
    server: FakeServer, clock: Clock, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    if fault in {faults.hang, faults.drip}:
        monkeypatch.setattr(policy, "READ_SECONDS", 0.2)
        monkeypatch.setattr(policy, "ANSWER_SECONDS", 0.2)
    server.faults[1] = fault
    assert ask(server, clock) == {"ok": True}
    n_before = len(server.requests)
    server.every = fault
    with pytest.raises((Transient, Protocol)):
        ask(server, clock)
    assert len(server.requests) - n_before == policy.ATTEMPTS


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>whoa there, pardner</html>", "web page"),
        (b"[]", "JSON list"),
        (b"null", "JSON NoneType"),
    ],
)
def test_an_answer_of_another_shape_is_not_tried_again(
    server: FakeServer, clock: Clock, body: bytes, words: str
) -> None:
    server.every = faults.answers(200, body)
    with pytest.raises(Protocol, match=words):
        ask(server, clock)
    assert len(server.requests) == 1


@pytest.mark.parametrize("body", [b"", b'{"a": ', b"\xff\xfe\xfa", b"[" * 100_000])
def test_broken_json_is_tried_again(server: FakeServer, clock: Clock, body: bytes) -> None:
    server.faults[1] = faults.answers(200, body)
    assert ask(server, clock) == {"ok": True}


def test_reads_json_with_a_byte_order_mark(server: FakeServer, clock: Clock) -> None:
    server.every = faults.answers(200, b'\xef\xbb\xbf{"ok": 1}')
    assert ask(server, clock) == {"ok": 1}


@pytest.mark.parametrize("fault", [faults.answers(200, b" " * 3_000_000), faults.gzip_bomb(3_000_000)])
def test_a_body_has_a_bound(server: FakeServer, clock: Clock, fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "MAX_BYTES", 1_000_000)
    server.every = fault
    with pytest.raises(Protocol, match="more than"):
        ask(server, clock)
    assert len(server.requests) == 1


def test_a_refused_connection_is_transient(clock: Clock) -> None:
    with FakeServer(lambda request: Reply()) as gone:
        pass
    with pytest.raises(Transient, match="could not be reached"):
        ask(gone, clock)
    assert len(clock.waits) == policy.ATTEMPTS - 1


def test_the_budget_of_requests_holds_over_retries(server: FakeServer, clock: Clock) -> None:
    server.every = faults.answers(500)
    with pytest.raises(Stopped, match="budget"):
        ask(server, clock, Budget(requests=3))
    assert len(server.requests) == 3


def test_stop_interrupts_a_wait(server: FakeServer) -> None:
    stop = Event()
    server.every = lambda exchange, reply: (stop.set(), faults.answers(429, Retry_After="600")(exchange, reply))[1]
    with pytest.raises(Stopped, match="asked to stop"):
        ask(server, stop)
    assert len(server.requests) == 1


def test_a_budget_spent_on_failures_tells_the_last_of_them(server: FakeServer, clock: Clock) -> None:
    server.faults = {1: faults.answers(503), 2: faults.answers(502)}
    with Http(Budget(requests=2), clock) as http:
        with pytest.raises(Stopped, match=r"2 requests in \d+ s is spent, as .* answered 502"):
            http.get_json(f"{server.url}/a")
        with pytest.raises(Stopped, match=r"spent$"):
            http.get_json(f"{server.url}/b")


def test_credentials_do_not_follow_a_redirect_to_another_host(server: FakeServer, clock: Clock) -> None:
    server.faults[1] = faults.answers(302, Location=f"http://localhost:{server.port}/elsewhere")
    with Http(ROOMY, clock) as http, pytest.raises(Protocol, match="localhost"):
        http.get(f"{server.url}/feed", headers={"Authorization": f"Bearer {SECRET}"})
    (request,) = server.requests
    assert "Authorization" in request.headers


def test_credentials_do_not_go_over_plain_http(clock: Clock) -> None:
    with Http(ROOMY, clock, base_url="http://platform.example/api", secrets={"X-Key": SECRET}) as http:
        with pytest.raises(Auth, match="https"):
            http.get("http://platform.example/api/posts")
        assert http.n_requests == 0


def test_secrets_go_to_their_own_host_only(server: FakeServer, clock: Clock) -> None:
    with Http(ROOMY, clock, base_url=server.url, secrets={"X-Key": SECRET}) as http:
        http.get(f"{server.url}/a")
        http.get(f"http://localhost:{server.port}/b")
    assert ["X-Key" in request.headers for request in server.requests] == [True, False]


def test_waits_before_a_limit_is_hit(server: FakeServer, clock: Clock) -> None:
    server.faults[1] = faults.answers(200, b"{}", X_RateLimit_Remaining="0", X_RateLimit_Reset="30")
    ask(server, clock)
    assert clock.waits == []
    ask(server, clock)  # another fetch of the same host
    assert [round(wait) for wait in clock.waits] == [30]
    ask(server, clock)
    assert len(clock.waits) == 1


def test_a_redirect_without_end(server: FakeServer, clock: Clock) -> None:
    server.every = faults.answers(302, Location="/again")
    with pytest.raises(Protocol):
        ask(server, clock)
    assert clock.waits == []


def test_not_modified_is_an_answer(server: FakeServer, clock: Clock) -> None:
    server.every = faults.answers(304, ETag='"a"')
    with Http(ROOMY, clock) as http:
        assert http.get(server.url, headers={"If-None-Match": '"a"'}).status == 304
    assert server.requests[0].headers["If-None-Match"] == '"a"'


@pytest.mark.parametrize(
    "fault", [faults.answers(403), faults.answers(500), faults.answers(429), faults.reset, faults.cut_json]
)
def test_no_error_shows_the_query_of_an_address(server: FakeServer, clock: Clock, fault: Fault) -> None:
    server.every = fault
    with pytest.raises(SourceError) as caught:
        ask(server, clock)
    assert "127.0.0.1/search" in str(caught.value)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("url", ["http://", "ftp://example.org/a", "nonsense", "http://[::1"])
def test_an_address_that_cannot_be_asked_for(clock: Clock, url: str) -> None:
    with Http(ROOMY, clock) as http, pytest.raises(SourceError):
        http.get(url)
    assert clock.waits == []
