"""The faults of platforms by group (section 10 of the reference), each as data: what goes wrong, and what is expected.

A fault is armed on a `Stage`, a run is made, the fault is taken away, and clean runs follow. After those nothing may
be missing, whatever the fault; `ends` says how the run with the fault ends.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from enum import StrEnum
from functools import partial
from typing import Any

import pytest

from cxlisten.collect import Budget
from cxlisten.collect import http as policy
from cxlisten.collect.http import Http
from cxlisten.errors import (
    Auth,
    BadQuery,
    NotFound,
    Protocol,
    QuotaExhausted,
    RateLimited,
    SourceError,
    Transient,
)
from tests.faults import faults
from tests.faults.clock import Clock
from tests.faults.faults import items_of, rewrites, rewrites_text
from tests.faults.listener import Listener, has_rest
from tests.faults.platforms import Identity, Platform
from tests.faults.profile import Profile, detour
from tests.faults.server import Exchange, FakeServer, Reply, Request
from tests.faults.server import Fault as Breakage
from tests.faults.small import MOST, PAGE
from tests.faults.timeline import Item

GROUPS = {
    1: "Rate: a limit, in each dialect",
    2: "Rate: a limit that says nothing, or again and again",
    3: "Rate: absurd resets, clocks that are off",
    4: "Rate: told before it is hit",
    5: "Quota",
    6: "Auth",
    7: "Server errors, redirects",
    8: "Transport",
    9: "JSON",
    10: "Shape",
    11: "Paging",
    12: "Paging while the platform moves",
    13: "Cursor",
    14: "Time",
    15: "Edits",
    16: "Deletes",
    17: "Content",
    18: "Volume",
    19: "Stream",
    20: "Crash",
    21: "Cost",
    22: "Manners",
}

WAIT = 30.0  # seconds that a limit asks for


class Ends(StrEnum):
    """How a run with a fault may end; after each, the clean runs that follow must leave nothing missing."""

    RECOVERS = "recovers in the same run"
    STOPS = "ends early, with a note"
    DOUBTS = "notes that the platform may be wrong; the next run reads all of it again"
    FAILS = "fails"
    GAP = "lands what it can, and tells the gap"


class Size(StrEnum):
    """How many requests a run with a fault may make."""

    RETRIES = "as many as a clean run, and the retries of one request"
    WINDOW = "as many as two clean runs, and the retries of one request"
    EACH = "each request of a clean run as often as a request is ever tried"
    HOPS = "each request of a clean run, and five redirects of it"
    NONE = "no more than a clean run"


BOUNDS: Mapping[Size, Callable[[int], int]] = {
    Size.RETRIES: lambda n: n + policy.ATTEMPTS,
    Size.WINDOW: lambda n: 2 * n + policy.ATTEMPTS,
    Size.EACH: lambda n: n * policy.ATTEMPTS,
    Size.HOPS: lambda n: n * 6,
    Size.NONE: lambda n: n,
}


@dataclass
class Stage:
    """A source and its platform, on which a fault is armed."""

    platform: Platform
    profile: Profile
    listener: Listener
    monkeypatch: pytest.MonkeyPatch
    clock: Clock = field(default_factory=Clock)
    budget: Budget | None = None
    elsewhere: FakeServer | None = None
    odd: list[Item] = field(default_factory=list)
    """Posts that the fault is about."""
    due: set[Identity] = field(default_factory=set)
    """What is there when the run with the fault begins."""
    read_at: datetime | None = None
    """The platform's time of the run before the one with the fault."""
    undo: list[Callable[[], None]] = field(default_factory=list)
    """What takes the fault away, beyond what a server is told."""

    @property
    def server(self) -> FakeServer:
        return self.platform.server

    def another_host(self) -> str:
        """The address of a server of another name, which answers as the platform does."""
        self.elsewhere = FakeServer(self.server.answer, clock=lambda: self.platform.timeline.now)
        return f"http://localhost:{self.elsewhere.port}"


Arm = Callable[[Stage], None]


@dataclass(frozen=True)
class Fault:
    """What goes wrong and what is expected; `only` names the one kind of source that it is about.

    `ends` are the ways in which its run may end, `fails` the errors that it may end with; `waits` are the least and
    the most seconds of the longest wait. `needs` says for which sources it can happen at all. With `late`, a clean run
    and new posts come before. With `alters`, posts are no longer what the platform has of them. `check` is asked after
    the run with the fault, `finally_` after all.
    """

    group: int
    name: str
    arm: Arm
    ends: tuple[Ends, ...] = (Ends.RECOVERS,)
    fails: tuple[type[SourceError], ...] = ()
    needs: Callable[[Profile], bool] = lambda profile: True
    waits: tuple[float, float] | None = None
    size: Size = Size.RETRIES
    late: bool = False
    alters: bool = False
    only: str = ""
    check: Callable[[Stage], None] | None = None
    finally_: Callable[[Stage], None] | None = None


# --- where a fault sits


def first(breakage: Breakage) -> Arm:
    """The first request, a log-in where there is one."""
    return lambda stage: stage.server.faults.update({1: breakage})


def later(breakage: Breakage) -> Arm:
    """A request after the first page."""
    return lambda stage: stage.server.faults.update({stage.profile.later_page: breakage})


def page(breakage: Breakage) -> Arm:
    """The first request that is answered with items."""
    return lambda stage: stage.server.faults.update({stage.profile.first_page: breakage})


def always(breakage: Breakage) -> Arm:
    return lambda stage: setattr(stage.server, "every", breakage)


def from_second_page(breakage: Breakage) -> Arm:
    """All requests after the first page."""

    def arm(stage: Stage) -> None:
        stage.server.faults.update(dict.fromkeys(range(stage.profile.first_page + 1, 1_000), breakage))

    return arm


def times(n: int, breakage: Breakage) -> Arm:
    """The first request and its retries."""
    return lambda stage: stage.server.faults.update(dict.fromkeys(range(1, n + 1), breakage))


def each(breakage: Callable[[], Breakage], arm: Callable[[Breakage], Arm] = always) -> Arm:
    """A breakage that remembers something, made anew for each test."""
    return lambda stage: arm(breakage())(stage)


# --- which sources it can happen to


def has_pages(profile: Profile) -> bool:
    return profile.last_page > profile.first_page


def is_json(profile: Profile) -> bool:
    return profile.is_json


def has_token(profile: Profile) -> bool:
    return profile.token is not None


def has_secrets(profile: Profile) -> bool:
    return bool(profile.secrets)


def logs_in(profile: Profile) -> bool:
    return profile.logs_in


def is_paged(profile: Profile) -> bool:
    return profile.has_streams


# --- limits

LIMITS: dict[str, Callable[[datetime], dict[str, str]]] = {
    "retry-after": lambda now: {"Retry-After": f"{WAIT:.0f}"},
    "http-date": lambda now: {"Retry-After": _http_date(now + timedelta(seconds=WAIT))},
    "epoch": lambda now: {"X-Rate-Limit-Reset": f"{now.timestamp() + WAIT:.0f}", "X-Rate-Limit-Remaining": "0"},
    "seconds": lambda now: {"X-RateLimit-Reset": f"{WAIT:.0f}", "X-RateLimit-Remaining": "0.0"},
    "iso": lambda now: {"X-RateLimit-Reset": (now + timedelta(seconds=WAIT)).strftime("%Y-%m-%dT%H:%M:%S.000000Z")},
    "ratelimit-epoch": lambda now: {"RateLimit-Reset": f"{now.timestamp() + WAIT:.0f}", "RateLimit-Remaining": "0"},
}
AS_ASKED = (WAIT - 2, WAIT + 3)
BACKOFF = (0.0, 60.0)

ABSURD: dict[str, Callable[[datetime], dict[str, str]]] = {
    "past": lambda now: {"X-Rate-Limit-Reset": f"{now.timestamp() - 600:.0f}"},
    "negative": lambda now: {"X-RateLimit-Reset": "-5"},
    "zero": lambda now: {"Retry-After": "0"},
    "garbage": lambda now: {"Retry-After": "soon", "X-RateLimit-Reset": "\xff\xfe", "RateLimit-Reset": "1e999"},
    "nan": lambda now: {"X-RateLimit-Reset": "nan"},
}


def _http_date(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def _limits() -> Iterable[Fault]:
    for name, headers in LIMITS.items():
        yield Fault(1, f"429-{name}", first(faults.answers_at(headers)), waits=AS_ASKED)
    yield Fault(1, "429-own", _own_limit(first), waits=AS_ASKED)
    yield Fault(1, "429-own-later", _own_limit(later), needs=has_pages, waits=AS_ASKED)
    yield Fault(1, "503-retry-after", later(faults.answers_at(LIMITS["retry-after"], 503)), waits=AS_ASKED)

    whoa = b"<html><body>whoa there, pardner</body></html>"
    yield Fault(2, "429-bare", first(faults.answers(429)), waits=BACKOFF)
    yield Fault(2, "429-bare-later", later(faults.answers(429)), needs=has_pages, waits=BACKOFF)
    yield Fault(2, "429-html", first(faults.answers(429, whoa, Content_Type="text/html")), waits=BACKOFF)
    yield Fault(2, "429-thrice", times(3, faults.answers(429)), waits=BACKOFF)
    yield Fault(2, "429-for-ever", always(faults.answers(429)), (Ends.FAILS,), (RateLimited,), size=Size.EACH)

    for name, headers in ABSURD.items():
        yield Fault(3, f"reset-{name}", first(faults.answers_at(headers)), waits=BACKOFF)
    fractional = faults.answers(429, X_RateLimit_Reset="299.7")
    yield Fault(3, "reset-fractional", first(fractional), waits=(299, 302))
    yield Fault(
        3, "reset-in-a-day", always(faults.answers_at(lambda now: {"Retry-After": "86400"})), (Ends.FAILS,),
        (RateLimited,), size=Size.NONE, check=_is_parked,
    )  # fmt: skip
    yield Fault(
        3, "reset-in-the-year-5138", always(faults.answers(429, X_Rate_Limit_Reset="99999999999")), (Ends.FAILS,),
        (RateLimited,), size=Size.NONE, check=_is_parked,
    )  # fmt: skip
    yield Fault(3, "date-twice", always(faults.dated_twice()))
    yield Fault(3, "429-date-twice", first(faults.dated_twice(429)), waits=AS_ASKED)
    yield Fault(3, "date-garbage", always(faults.heads(lambda now: {"Date": "yesterday, or so"})))
    for minutes in (10, -10):
        yield Fault(3, f"clock-{minutes:+}min", _clock_off(minutes), late=True, size=Size.WINDOW)

    yield Fault(
        4, "remaining-0", first(faults.heads(LIMITS["seconds"])), needs=lambda p: p.n_requests > 1, waits=AS_ASKED
    )
    yield Fault(4, "remaining-0-own", _own_limit(first, status=200), needs=lambda p: p.n_requests > 1, waits=AS_ASKED)
    yield Fault(4, "remaining-0-at-the-end", always(faults.heads(LIMITS["seconds"])), finally_=_next_run_waits)
    yield Fault(
        4, "remaining-0-for-hours", _none_for_hours, (Ends.FAILS,), (RateLimited,),
        needs=lambda p: p.n_requests > 1, size=Size.NONE, check=_is_parked,
    )  # fmt: skip


def _none_for_hours(stage: Stage) -> None:
    first(faults.heads(lambda now: {"X-RateLimit-Reset": "7200", "X-RateLimit-Remaining": "0"}))(stage)
    stage.undo.append(Http._renewed_at.clear)  # the hours go by


def _own_limit(where: Callable[[Breakage], Arm], status: int = 429) -> Arm:
    """As this platform says it."""

    def arm(stage: Stage) -> None:
        def headers(now: datetime) -> Mapping[str, str]:
            return stage.platform.rate_headers(WAIT)

        spent = {"X-RateLimit-Remaining": "0"}
        breakage = (
            faults.answers_at(headers) if status == 429 else faults.heads(lambda now: {**spent, **headers(now)})
        )  # fmt: skip
        where(breakage)(stage)

    return arm


def _is_parked(stage: Stage) -> None:
    """It did not wait, and says until when."""
    run = stage.listener.runs[-1]
    assert max(run.waits, default=0) < 60
    assert isinstance(run.error, RateLimited)
    assert run.error.until is not None
    assert datetime.now(UTC) < run.error.until < datetime.now(UTC) + timedelta(hours=25)


def _next_run_waits(stage: Stage) -> None:
    """Another fetch of the same host waits before its first request."""
    following = stage.listener.runs[1]
    assert AS_ASKED[0] <= max(following.waits, default=0) <= AS_ASKED[1]


def _clock_off(minutes: float) -> Arm:
    """The platform's clock against ours: time on the platform goes on from there."""

    def arm(stage: Stage) -> None:
        timeline = stage.platform.timeline
        ahead = datetime.now(UTC) + timedelta(minutes=minutes) - timeline.now
        timeline.advance(hours=ahead.total_seconds() / 3600, n_posts=8)
        stage.listener.run()
        timeline.advance(hours=0.2, n_posts=4)

    return arm


# --- who may ask, and how much


def _refusals() -> Iterable[Fault]:
    no = b'{"error": "no", "message": "no", "detail": "no"}'
    yield Fault(
        5, "402", always(faults.answers(402, no)), (Ends.FAILS,), (QuotaExhausted,), size=Size.NONE
    )  # fmt: skip

    yield Fault(6, "401", always(faults.answers(401, no)), (Ends.FAILS,), (Auth,), size=Size.NONE)
    yield Fault(
        6, "401-midway", from_second_page(faults.answers(401, no)), (Ends.FAILS,), (Auth,), has_pages, size=Size.WINDOW
    )  # fmt: skip
    yield Fault(6, "401-once", later(faults.answers(401, no)), (Ends.FAILS, Ends.RECOVERS), (Auth,), has_pages)
    yield Fault(6, "403", always(faults.answers(403, no)), (Ends.FAILS,), (Auth,), size=Size.NONE)
    yield Fault(6, "403-html", always(faults.answers(403, b"<html>Forbidden")), (Ends.FAILS,), (Auth,), size=Size.NONE)
    yield Fault(
        6, "no-credential", _forget_secrets, (Ends.FAILS,), (Auth,), has_secrets, size=Size.NONE, check=_names_variable
    )
    yield Fault(6, "blank-credential", _blank_secrets, (Ends.FAILS,), (Auth,), has_secrets, size=Size.NONE)
    yield Fault(6, "log-in-500", _log_in(faults.answers(500)), needs=logs_in)
    yield Fault(6, "log-in-401", _log_in(faults.answers(401, no), 9), (Ends.FAILS,), (Auth,), needs=logs_in)
    yield Fault(6, "log-in-expires", _log_in(_expires), needs=logs_in, size=Size.WINDOW)


def _forget_secrets(stage: Stage) -> None:
    for name, value in stage.profile.secrets.items():
        stage.monkeypatch.delenv(name)
        stage.undo.append(partial(stage.monkeypatch.setenv, name, value))


def _blank_secrets(stage: Stage) -> None:
    for name, value in stage.profile.secrets.items():
        stage.monkeypatch.setenv(name, "  ")
        stage.undo.append(partial(stage.monkeypatch.setenv, name, value))


def _names_variable(stage: Stage) -> None:
    health = stage.listener.source().check()
    for text in (str(stage.listener.runs[-1].error), health.message):
        assert any(name in text for name in stage.profile.secrets), text
    assert not health.ok
    assert stage.listener.runs[-1].n_requests == 0


def _log_in(breakage: Breakage, n: int = 1) -> Arm:
    """The first requests for a token."""

    def arm(stage: Stage) -> None:
        left = [None] * n

        def at_log_in(exchange: Exchange, reply: Reply) -> None:
            if exchange.asked.method == "POST" and left:
                left.pop()
                breakage(exchange, reply)
            else:
                exchange.send(reply)

        stage.server.every = at_log_in

    return arm


def _expires(exchange: Exchange, reply: Reply) -> None:
    """A token for a second."""
    exchange.send(replace(reply, body=re.sub(rb'("expires_in": *)\d+', rb"\g<1>1", reply.body)))


# --- servers and the way to them


def _servers() -> Iterable[Fault]:
    bodies = {500: b'{"error": "oops"}', 502: b"<html>Bad Gateway</html>", 503: b"", 504: b"<html>", 520: b"\xff\xfe"}
    for status, body in bodies.items():
        yield Fault(7, f"{status}", first(faults.answers(status, body)), waits=BACKOFF)
        yield Fault(7, f"{status}-later", later(faults.answers(status, body)), needs=has_pages, waits=BACKOFF)
    yield Fault(7, "408", first(faults.answers(408)), waits=BACKOFF)
    yield Fault(7, "500-for-ever", always(faults.answers(500)), (Ends.FAILS,), (Transient,), size=Size.EACH)
    yield Fault(
        7, "503-midway", from_second_page(faults.answers(503)), (Ends.FAILS,), (Transient,), has_pages, size=Size.EACH
    )  # fmt: skip
    yield Fault(7, "404-empty", always(faults.answers(404)), (Ends.FAILS,), (NotFound, Auth, BadQuery), size=Size.NONE)
    yield Fault(7, "404-once", later(faults.answers(404)), (Ends.FAILS,), (NotFound,), has_pages)
    yield Fault(7, "410", always(faults.answers(410)), (Ends.FAILS,), (NotFound, Protocol, Auth), size=Size.NONE)
    yield Fault(7, "418", always(faults.answers(418)), (Ends.FAILS,), (Protocol, Auth), size=Size.NONE)
    yield Fault(7, "302-elsewhere", _moved(first), (Ends.FAILS, Ends.RECOVERS), (Protocol, Auth))
    yield Fault(7, "302-elsewhere-later", _moved(later), (Ends.FAILS, Ends.RECOVERS), (Protocol,), has_pages)
    yield Fault(
        7, "302-for-ever", always(faults.answers(302, Location="/again")), (Ends.FAILS,),
        (Protocol, Auth, NotFound), size=Size.HOPS,
    )  # fmt: skip

    breakages: dict[str, Breakage] = {
        "reset": faults.reset, "reset-after-headers": faults.reset_after_headers, "short-read": faults.short_body,
        "chunk-cut": faults.cut_chunks, "drip": faults.drip, "hang": faults.hang, "hang-in-body": faults.hang_in_body,
        "empty-200": faults.answers(200), "gzip-cut": faults.cut_gzip,
    }  # fmt: skip
    for name, breakage in breakages.items():
        yield Fault(8, name, _in_haste(first(breakage)))
        yield Fault(8, f"{name}-later", _in_haste(later(breakage)), needs=has_pages)
    yield Fault(8, "reset-for-ever", always(faults.reset), (Ends.FAILS,), (Transient,), size=Size.EACH)
    yield Fault(8, "hang-for-ever", _in_haste(always(faults.hang), 0.05), (Ends.FAILS,), (Transient,), size=Size.EACH)
    yield Fault(8, "refused", _refused, (Ends.FAILS,), (Transient,), size=Size.NONE)
    yield Fault(8, "wrong-charset", always(faults.heads(lambda now: {"Content-Type": "text/plain; charset=utf-16"})))
    yield Fault(8, "huge-body", _small_cap(first(faults.answers(200, b" " * 4_000_000))), (Ends.FAILS,), (Protocol,))
    yield Fault(8, "gzip-bomb", _small_cap(first(faults.gzip_bomb(4_000_000))), (Ends.FAILS,), (Protocol,))


def _moved(where: Callable[[Breakage], Arm]) -> Arm:
    """Sent on to another host, which answers as the platform does."""

    def arm(stage: Stage) -> None:
        host = stage.another_host()

        def sends_on(exchange: Exchange, reply: Reply) -> None:
            exchange.send(Reply(b"", 302, {"Location": f"{host}{exchange.path}"}))

        where(sends_on)(stage)

    return arm


def _in_haste(arm: Arm, seconds: float = 0.15) -> Arm:
    """With less patience, so that a test need not wait."""

    def hasty(stage: Stage) -> None:
        stage.monkeypatch.setattr(policy, "READ_SECONDS", seconds)
        stage.monkeypatch.setattr(policy, "ANSWER_SECONDS", seconds)
        arm(stage)

    return hasty


def _small_cap(arm: Arm) -> Arm:
    def small(stage: Stage) -> None:
        stage.monkeypatch.setattr(policy, "MAX_BYTES", 2_000_000)
        arm(stage)

    return small


def _refused(stage: Stage) -> None:
    """Nobody listens where the platform was."""
    with FakeServer(lambda request: Reply()) as gone:
        pass
    options = stage.listener.options
    stage.listener.options = json.loads(json.dumps(options).replace(stage.server.url, gone.url))
    stage.undo.append(lambda: setattr(stage.listener, "options", options))


# --- what is in an answer


def _documents() -> Iterable[Fault]:
    yield Fault(9, "cut-json", first(faults.cut_json), needs=is_json)
    yield Fault(9, "cut-json-later", later(faults.cut_json), needs=lambda p: is_json(p) and has_pages(p))
    yield Fault(9, "cut-json-for-ever", always(faults.cut_json), (Ends.FAILS,), (Protocol,), is_json, size=Size.EACH)
    yield Fault(9, "other-top", page(_other_top), (Ends.FAILS,), (Protocol,), is_json)
    yield Fault(9, "null", page(faults.answers(200, b"null")), (Ends.FAILS,), (Protocol,), is_json)
    yield Fault(9, "a-string", page(faults.answers(200, b'"ok"')), (Ends.FAILS,), (Protocol,), is_json)
    yield Fault(9, "items-null", page(rewrites(_items_as(None))), (Ends.FAILS,), (Protocol,), is_json)
    yield Fault(9, "items-object", page(rewrites(_items_as({}))), (Ends.FAILS,), (Protocol,), is_json)
    yield Fault(9, "items-text", page(rewrites(_items_as("none"))), (Ends.FAILS,), (Protocol,), is_json)
    whoa = faults.answers(200, b"<!doctype html><title>whoa there, pardner</title>", Content_Type="text/html")
    yield Fault(9, "html-200", first(whoa), (Ends.FAILS,), (Protocol, Auth))
    yield Fault(9, "html-200-later", later(whoa), (Ends.FAILS,), (Protocol,), has_pages)
    yield Fault(9, "html-200-for-ever", always(whoa), (Ends.FAILS,), (Protocol, Auth), size=Size.NONE)
    yield Fault(
        9, "nan", page(rewrites_text(lambda text: re.sub(r": \d+([,}])", r": NaN\1", text, count=1))),
        needs=is_json, finally_=_one_is_lost,
    )  # fmt: skip
    yield Fault(9, "duplicate-keys", always(rewrites_text(faults.duplicate_keys)), needs=is_json)
    yield Fault(9, "bom", always(rewrites_text(lambda text: f"\N{ZERO WIDTH NO-BREAK SPACE}{text}")), needs=is_json)
    yield Fault(
        9, "lone-surrogate", always(rewrites_text(_lone_surrogates)), needs=is_json, alters=True,
        check=_no_surrogates,
    )  # fmt: skip
    yield Fault(9, "deep-nest", page(faults.answers(200, b"[" * 200_000)), (Ends.RECOVERS,), needs=is_json)

    for name, value in {"null": None, "object": {}, "text": "x", "number": 1, "list": []}.items():
        yield Fault(
            10, f"bad-item-{name}", each(partial(_bad_item, value)), needs=is_json, finally_=_one_is_lost
        )  # fmt: skip
    yield Fault(10, "extra-field", always(rewrites(_with_more)), needs=is_json)
    for name, value in SHAPES.items():
        yield Fault(
            10, f"fields-{name}", always(rewrites(partial(_damaged, value))), needs=is_json, alters=True,
            size=Size.WINDOW, check=_all_are_told,
        )  # fmt: skip


def _other_top(exchange: Exchange, reply: Reply) -> None:
    """A list for an object, an object for a list."""
    other = b"{}" if isinstance(faults.read_json(reply), list) else b"[]"
    exchange.send(replace(reply, body=other))


def _items_as(value: Any) -> Callable[[Any, list[Any]], Any]:
    """Something else where the items were."""

    def change(document: Any, items: list[Any]) -> Any:
        if document is items:
            return value
        level = [document]
        while level:
            for inner in level:
                for key in inner:
                    if inner[key] is items:
                        inner[key] = value
                        return document
            level = [each for inner in level for each in inner.values() if isinstance(each, dict)]
        return document

    return change


def _lone_surrogates(text: str) -> str:
    """Half of an emoji at the end of each text: as an escape, as JSON may have it."""
    return re.sub(r"(?<=[a-z] no )(\d+)", r"\1 \\ud83d", text)


def _no_surrogates(stage: Stage) -> None:
    for text in stage.listener.texts.values():
        text.encode()


def _bad_item(value: Any) -> Breakage:
    return rewrites(_Victim(value))


class _Victim:
    """One item, the same wherever it turns up, with something else in its place."""

    def __init__(self, value: Any) -> None:
        self.value, self.key = value, ""

    def __call__(self, document: Any, items: list[Any]) -> Any:
        self.key = self.key or min(map(_key, items), key=len)  # a longer one may hold others
        items[:] = [self.value if _key(item) == self.key else item for item in items]
        return document


def _key(item: Any) -> str:
    return json.dumps(item, sort_keys=True)


def _one_is_lost(stage: Stage) -> None:
    """The bad item costs itself only, and is among the rejects."""
    listener = stage.listener
    lost = listener.promised - listener.landed
    assert len(lost) <= 1
    assert not lost or len(listener.runs[0].rejected) > stage.platform.n_bad
    listener.promised -= lost


def _with_more(document: Any, items: list[Any]) -> Any:
    for item in items:
        if isinstance(item, dict):
            item["a_new_field"] = {"deep": [1, None, {"x": "y"}]}
    if isinstance(document, dict):
        document["another_new_field"] = [1, 2]
    return document


_GONE = object()
SHAPES: dict[str, Any] = {
    "missing": _GONE, "null": None, "text": "0012345", "number": 2**60, "float": 1.5, "list": ["x"], "object": {"x": 1},
    "true": True, "empty": "",
}  # fmt: skip


def _damaged(value: Any, document: Any, items: list[Any]) -> Any:
    """Each field of an item damaged, in an item of its own; nothing else of the page."""
    sample = next(item for item in items if isinstance(item, dict))
    for path, item in zip(_paths(sample), items[1:-2], strict=False):
        _damage(item, path, value)
    return document


def _paths(item: Mapping[str, Any], depth: int = 2) -> Iterable[tuple[str, ...]]:
    for key, value in item.items():
        yield (key,)
        if isinstance(value, dict) and depth > 1:
            yield from ((key, *inner) for inner in _paths(value, depth - 1))


def _damage(item: Any, path: tuple[str, ...], value: Any) -> None:
    for key in path[:-1]:
        item = item.get(key) if isinstance(item, dict) else None
    if isinstance(item, dict) and path[-1] in item:
        if value is _GONE:
            del item[path[-1]]
        else:
            item[path[-1]] = value


def _all_are_told(stage: Stage) -> None:
    """An item lands or is rejected; its neighbours land."""
    run = stage.listener.runs[-1]
    n_told = len(run.posts) + len(run.rejected) + sum(len(batch.deletes) for batch in run.batches)
    # An item may hold others, and one may have become the same as another.
    assert n_told >= len(stage.due) - 3, (len(run.posts), len(run.rejected))
    assert all(reject.reason and reject.payload for reject in run.rejected)


# --- paging


def _paging() -> Iterable[Fault]:
    yield Fault(
        11, "same-page-again", later(faults.replays), (Ends.GAP, Ends.RECOVERS, Ends.FAILS), (Protocol,),
        has_token, size=Size.WINDOW,
    )  # fmt: skip
    yield Fault(
        11, "same-page-for-ever", from_second_page(faults.replays), (Ends.GAP, Ends.RECOVERS, Ends.FAILS),
        (Protocol,), has_token, size=Size.WINDOW,
    )  # fmt: skip
    yield Fault(11, "empty-pages", _detour(lambda items: ([], items)), needs=has_token, size=Size.WINDOW)
    yield Fault(
        11, "short-pages", _detour(lambda items: (items[: len(items) // 2], items[len(items) // 2 :])),
        needs=has_token, size=Size.WINDOW,
    )  # fmt: skip
    yield Fault(
        11, "token-expired", _resumed(faults.answers(400, b'{"message": "no such page", "error": "no such page"}')),
        needs=lambda p: is_paged(p) and has_token(p), late=True, size=Size.WINDOW,
    )  # fmt: skip
    yield Fault(
        11, "token-refused", from_second_page(faults.answers(400)), (Ends.FAILS,), (BadQuery,), has_pages,
        size=Size.WINDOW,
    )  # fmt: skip
    yield Fault(
        11, "next-page-elsewhere", _next_elsewhere, (Ends.RECOVERS, Ends.FAILS, Ends.GAP), (Protocol,),
        lambda p: p.has_links,
    )  # fmt: skip
    for name, header in {
        "garbage": "<<<", "empty": "", "no-rel": "<http://x/?max_id=1>", "rel-only": 'rel="next"', "relative": None,
    }.items():  # fmt: skip
        yield Fault(
            11, f"link-{name}", _link(header), (Ends.RECOVERS, Ends.FAILS, Ends.GAP), (Protocol, NotFound),
            lambda p: p.has_links, size=Size.WINDOW,
        )  # fmt: skip
    yield Fault(
        11, "past-the-cap", _past_the_cap, (Ends.GAP, Ends.RECOVERS), late=True, size=Size.EACH,
        needs=lambda p: p.source.caps.max_items is not None,
    )  # fmt: skip

    yield Fault(12, "same-id-on-two-pages", each(_Repeats), needs=lambda p: has_token(p) and is_json(p))
    yield Fault(12, "posts-between-pages", _meanwhile(_some_posts), needs=has_pages, size=Size.WINDOW)
    yield Fault(12, "edits-between-pages", _meanwhile(_edit), needs=has_pages, size=Size.WINDOW)
    yield Fault(12, "shuffled-pages", always(rewrites(_shuffled)), needs=is_json, size=Size.WINDOW)


def _detour(halves: Callable[[list[Any]], tuple[list[Any], list[Any]]]) -> Arm:
    def arm(stage: Stage) -> None:
        assert stage.profile.token
        right = stage.server.answer
        stage.server.answer = detour(stage.profile.token, halves, right)
        stage.undo.append(lambda: setattr(stage.server, "answer", right))

    return arm


def _resumed(breakage: Breakage) -> Arm:
    """A run that its budget cut short goes on with a token that the platform knows no longer."""

    def arm(stage: Stage) -> None:
        timeline = stage.platform.timeline
        timeline.advance(hours=1, n_posts=3 * PAGE)
        stage.listener.run(Budget(requests=1))
        if not has_rest(stage.listener.cursor):
            pytest.skip("its tokens do not last from one run to the next")
        stage.server.requests.clear()
        stage.server.faults[1] = breakage

    return arm


def _next_elsewhere(stage: Stage) -> None:
    """The link to the next page names another host."""
    host = stage.another_host()

    def sends_on(exchange: Exchange, reply: Reply) -> None:
        link = reply.headers.get("Link", "").replace(stage.server.url, host)
        exchange.send(replace(reply, headers={**reply.headers, "Link": link}))

    stage.server.every = sends_on


def _link(header: str | None) -> Arm:
    """Another Link header; null takes the host out of the right one."""

    def arm(stage: Stage) -> None:
        def linked(exchange: Exchange, reply: Reply) -> None:
            right = reply.headers.get("Link")
            if right:
                link = right.replace(stage.server.url, "") if header is None else header
                reply = replace(reply, headers={**reply.headers, "Link": link})
            exchange.send(reply)

        stage.server.every = linked

    return arm


def _past_the_cap(stage: Stage) -> None:
    """More in each listing than the platform shows."""
    n_listings = len(stage.profile.cursor.get("streams", "1"))
    stage.platform.timeline.advance(hours=2, n_posts=MOST * 6 // 5 * n_listings, lateness=0)


class _Repeats:
    """Each page begins with the last items of the page before."""

    def __init__(self) -> None:
        self.last: tuple[Request, list[Any]] | None = None

    def __call__(self, exchange: Exchange, reply: Reply) -> None:
        document = faults.read_json(reply)
        items = items_of(document)
        if items:
            before, self.last = self.last, (exchange.asked, items[-3:])
            items[:0] = before[1] if before and faults.is_next(before[0], exchange.asked) else []
            reply = replace(reply, body=json.dumps(document).encode())
        exchange.send(reply)


def _meanwhile(change: Callable[[Stage], None]) -> Arm:
    """Something happens between the first page and the second."""

    def arm(stage: Stage) -> None:
        n = stage.profile.first_page + 1
        stage.server.faults[n] = faults.meanwhile(lambda: change(stage))

    return arm


def _some_posts(stage: Stage) -> None:
    stage.platform.timeline.advance(hours=0.2, n_posts=6, lateness=0)


def _edit(stage: Stage) -> None:
    """Three of the newest posts are edited."""
    timeline = stage.platform.timeline
    for item in timeline.shown()[:3]:
        item.texts.append((timeline.now, f"{item.texts[-1][1]}, edited"))


def _shuffled(document: Any, items: list[Any]) -> Any:
    items[:] = items[::2] + items[1::2]
    return document


# --- cursors, time, edits, deletes


def _time() -> Iterable[Fault]:
    yield Fault(13, "cursor-from-long-ago", _turn_back(timedelta(days=20)), (Ends.GAP, Ends.RECOVERS), late=True,
                needs=is_paged, size=Size.EACH, check=_tells_the_gap)  # fmt: skip
    yield Fault(
        13, "cursor-from-the-future", _turn_back(-timedelta(days=20)), (Ends.RECOVERS, Ends.GAP), late=True,
        needs=is_paged, size=Size.EACH,
    )  # fmt: skip
    yield Fault(13, "newest-deleted", _delete_newest, late=True, size=Size.WINDOW)
    yield Fault(13, "all-deleted", _delete_all, late=True, size=Size.WINDOW)

    yield Fault(14, "late-arrivals", _late_arrivals, late=True, size=Size.WINDOW)
    yield Fault(14, "posts-from-the-future", _dated(timedelta(hours=3)), late=True, size=Size.WINDOW)
    yield Fault(14, "posts-from-next-year", _dated(timedelta(days=400)), late=True, size=Size.WINDOW,
                finally_=_drop_odd)  # fmt: skip
    yield Fault(14, "posts-of-the-year-1", _year_1, late=True, size=Size.WINDOW, finally_=_drop_odd)
    yield Fault(14, "zone-with-an-offset", always(_with_offset), needs=lambda p: p.has_times, finally_=_same_times)
    yield Fault(14, "same-second", _same_second, late=True, size=Size.WINDOW)

    yield Fault(15, "edited", _edited, late=True, size=Size.WINDOW, check=_edits_land)
    yield Fault(15, "edited-then-deleted", _edited_then_deleted, late=True, size=Size.WINDOW)
    yield Fault(15, "metrics-only", _metrics, late=True, needs=is_json, size=Size.WINDOW)

    yield Fault(16, "deleted", _delete_some, late=True, size=Size.WINDOW, finally_=_verifies)
    yield Fault(16, "undeleted", _undelete, late=True, size=Size.WINDOW)
    for status in (500, 401, 403, 429):
        yield Fault(16, f"verify-{status}", lambda stage: None, finally_=_verify_fails(status),
                    needs=lambda p: p.source.caps.can_verify)  # fmt: skip


def _turn_back(by: timedelta) -> Arm:
    """As if the last run was so much earlier."""

    def arm(stage: Stage) -> None:
        for state in stage.listener.cursor["streams"].values():
            if state["high"]:  # null where a stream may have been empty by mistake
                state["high"] = (datetime.fromisoformat(state["high"]) - by).isoformat()

    return arm


def _tells_the_gap(stage: Stage) -> None:
    window_days = stage.profile.source.caps.window_days
    if window_days and window_days < 20:
        assert any("days" in gap.reason for gap in stage.listener.runs[-1].gaps)


def _delete_newest(stage: Stage) -> None:
    """The post that the last run saw first is gone."""
    timeline = stage.platform.timeline
    old = [item for item in timeline.shown() if stage.platform.identity(item) in stage.listener.landed]
    for item in old[:1]:
        item.deleted_at = timeline.now


def _delete_all(stage: Stage) -> None:
    """All that the last run saw is gone."""
    timeline = stage.platform.timeline
    for item in timeline.shown():
        if stage.platform.identity(item) in stage.listener.landed:
            item.deleted_at = timeline.now


def _late_arrivals(stage: Stage) -> None:
    """Posts from before the last run's end, as late as this platform's posts are."""
    timeline = stage.platform.timeline
    began = stage.read_at
    for share in (0.1, 0.5, 0.9):
        timeline.add(began - timeline.latest * share, timeline.now)


def _dated(ahead: timedelta) -> Arm:
    """Posts that claim to be from the future."""

    def arm(stage: Stage) -> None:
        timeline = stage.platform.timeline
        stage.odd = [timeline.add(timeline.now + ahead, timeline.now) for _ in range(2)]

    return arm


def _year_1(stage: Stage) -> None:
    timeline = stage.platform.timeline
    item = timeline.add(timeline.now - timedelta(minutes=5))
    item.posted_at = datetime(1, 1, 1, tzinfo=UTC)
    stage.odd = [item]


def _same_second(stage: Stage) -> None:
    """Posts of the very second in which the last run read, and of the one before."""
    timeline, began = stage.platform.timeline, stage.read_at
    for at in (began, began, began - timedelta(seconds=1)):
        timeline.add(at, began + timedelta(seconds=1))


_ISO = re.compile(r'"(\d\d\d\d-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|\+00:00)"')


def _with_offset(exchange: Exchange, reply: Reply) -> None:
    """All times of the items as they are said two hours east of Greenwich."""

    def moved(match: re.Match[str]) -> str:
        try:
            moment = datetime.fromisoformat(f"{match[1]}+00:00").astimezone(timezone(timedelta(hours=2)))
        except (ValueError, OverflowError):
            return match[0]
        return f'"{moment:%Y-%m-%dT%H:%M:%S}{match[2] or ""}+02:00"'

    rewrites_text(lambda text: _ISO.sub(moved, text))(exchange, reply)


def _same_times(stage: Stage) -> None:
    """The moments are the same however they were said."""
    times: dict[Any, set[datetime]] = {}
    for run in stage.listener.runs:
        for post in run.posts:
            times.setdefault((post.platform, post.native_id), set()).add(post.posted_at)
    assert all(len(moments) == 1 for moments in times.values())


def _edited(stage: Stage) -> None:
    stage.odd = stage.platform.timeline.shown()[:3]
    _edit(stage)


def _edits_land(stage: Stage) -> None:
    """Where the platform shows the new text, it is landed, as one version more."""
    for item in stage.odd:
        identity = stage.platform.identity(item)
        assert len(stage.listener.versions[identity]) <= 2


def _edited_then_deleted(stage: Stage) -> None:
    _edit(stage)
    _delete_newest(stage)


def _metrics(stage: Stage) -> None:
    """All counts are others; no text is."""

    def counted(document: Any, items: list[Any]) -> Any:
        for item in items:
            _count(item)
        return document

    stage.server.every = rewrites(counted)


_COUNT = re.compile(r"count|likes|points|score|replies|favourites|reblogs|upvotes|downvotes|comments|num_", re.I)


def _count(item: Any) -> None:
    for key, value in item.items() if isinstance(item, dict) else ():
        if isinstance(value, dict):
            _count(value)
        elif _COUNT.search(key) and isinstance(value, int) and not isinstance(value, bool) and "total" not in key:
            item[key] = value + 7


def _delete_some(stage: Stage) -> None:
    timeline = stage.platform.timeline
    landed = [item for item in timeline.shown() if stage.platform.identity(item) in stage.listener.landed]
    stage.odd = landed[2:8:2]
    for item in stage.odd:
        item.deleted_at = timeline.now


def _verifies(stage: Stage) -> None:
    """What is gone is told, each once, and nothing else."""
    source = stage.profile.source
    if not source.caps.can_verify:
        return
    shown = stage.platform.timeline.shown()
    gone = {stage.platform.identity(item)[1] for item in stage.odd}
    there = [stage.platform.identity(item)[1] for item in shown][:120]
    changes = list(stage.listener.source().verify([*gone, *there]))
    assert sorted(change.native_id for change in changes) == sorted(gone)


def _verify_fails(status: int) -> Callable[[Stage], None]:
    """No answer is no proof."""

    def check(stage: Stage) -> None:
        shown = [stage.platform.identity(item)[1] for item in stage.platform.timeline.shown()][:20]
        stage.monkeypatch.setattr(policy, "ATTEMPTS", 1)
        stage.server.every = faults.answers(status)
        changes = []
        with pytest.raises(SourceError) as caught:
            changes += stage.listener.source().verify(shown)
        assert changes == []
        assert not isinstance(caught.value, NotFound)

    return check


def _undelete(stage: Stage) -> None:
    """Gone when the last run looked for it again, and there again now."""
    timeline = stage.platform.timeline
    items = [item for item in timeline.shown() if stage.platform.identity(item) in stage.listener.landed][:2]
    for item in items:
        item.deleted_at = timeline.now
    stage.listener.run()
    for item in items:
        item.deleted_at = None


# --- texts and volumes

TEXTS = {
    "long": "word " * 900,
    "40k": "0123456789" * 4_000,
    "cut-repost": "RT @someone_else: as they said, the kettle le…",
    "html": "<b>bold</b> <script>alert(1)</script> <img src=x onerror=alert(1)>",
    "escaped-twice": "fish &amp;amp; chips &amp;lt;3",
    "markdown": "**bold** [link](https://example.org) `code`",
    "emoji": "family \N{MAN}\u200d\N{WOMAN}\u200d\N{GIRL} flag \U0001f1f5\U0001f1f1 skin \U0001f44d\U0001f3fd",
    "rtl": "\u202eabc\u202c مرحبا \u200f(kettle)\u200e",
    "zero-width": "ket\u200btle\u200d \ufeffleaks",
    "nul": "ket\0tle leaks",
    "controls": "bell \x07 esc \x1b[31m tab\tend",
    "combining": "z" + "\u0300" * 1_000,
    "formula": '=cmd|"/c calc"!A1',
    "quotes": '"it\'s" \\ /slash/ {json: [1]}',
    "lines": "one\r\ntwo\rthree\u2028four",
    "astral": "\U0001d518\U0001d52b\U0001d526 \U0010ffff",
}


def _contents() -> Iterable[Fault]:
    for name, text in TEXTS.items():
        yield Fault(17, f"text-{name}", _with_text(text), late=True, size=Size.WINDOW, finally_=_reads_safe)
    yield Fault(17, "text-of-10-MB", _with_text("kettle " * 1_500_000), late=True, size=Size.WINDOW,
                finally_=_drop_odd)  # fmt: skip

    yield Fault(18, "burst", _posts(150, hours=1), (Ends.RECOVERS, Ends.GAP), late=True, size=Size.EACH)
    yield Fault(18, "burst-in-a-second", _burst_in_a_second, (Ends.RECOVERS, Ends.GAP), late=True, size=Size.EACH)
    yield Fault(18, "quiet-for-days-then-a-burst", _quiet_then_burst, (Ends.RECOVERS, Ends.GAP), late=True,
                size=Size.EACH)  # fmt: skip
    yield Fault(18, "nothing-new", lambda stage: None, late=True, size=Size.WINDOW)

    yield Fault(21, "budget-of-money", _money, (Ends.STOPS,), late=False,
                needs=lambda p: p.source.caps.unit_cost > 0, check=_within_money)  # fmt: skip
    yield Fault(22, "user-agent", lambda stage: None, check=_says_who)
    yield Fault(22, "budget-of-requests", _few_requests, (Ends.STOPS, Ends.GAP), needs=lambda p: p.n_requests > 2,
                check=_within_requests)  # fmt: skip
    yield Fault(22, "budget-of-posts", _few_posts, (Ends.STOPS, Ends.GAP, Ends.RECOVERS))
    yield Fault(22, "stopped", _stop_midway, (Ends.STOPS,), needs=lambda p: p.n_requests > 1)


def _with_text(text: str) -> Arm:
    def arm(stage: Stage) -> None:
        timeline = stage.platform.timeline
        stage.odd = [timeline.add(timeline.now - timedelta(minutes=2), text=text)]

    return arm


def _reads_safe(stage: Stage) -> None:
    for item in stage.odd:
        text = stage.listener.texts[stage.platform.identity(item)]
        assert "\0" not in text
        assert text.strip()
        text.encode()


def _drop_odd(stage: Stage) -> None:
    """Such posts may be refused, but cost no other: they are not promised."""
    stage.listener.promised -= set(map(stage.platform.identity, stage.odd))


def _posts(n: int, hours: float) -> Arm:
    return lambda stage: stage.platform.timeline.advance(hours=hours, n_posts=n, lateness=0)


def _burst_in_a_second(stage: Stage) -> None:
    timeline = stage.platform.timeline
    at = timeline.now
    timeline.now += timedelta(minutes=1)
    for _ in range(4 * PAGE):
        timeline.add(at)


def _quiet_then_burst(stage: Stage) -> None:
    timeline = stage.platform.timeline
    for _ in range(4):
        timeline.advance(hours=5, n_posts=0)
        stage.listener.run()
    timeline.advance(hours=0.5, n_posts=10 * PAGE, lateness=0)


def _money(stage: Stage) -> None:
    caps = stage.profile.source.caps
    stage.budget = Budget(money=caps.unit_cost * ((caps.max_page or 100) + 2 * PAGE))


def _within_money(stage: Stage) -> None:
    run = stage.listener.runs[-1]
    assert stage.budget
    assert stage.budget.money
    assert 0 < run.money <= stage.budget.money


def _says_who(stage: Stage) -> None:
    agents = {request.headers.get("User-Agent", "") for request in stage.server.requests}
    assert all("cxlisten" in agent for agent in agents), agents


def _few_requests(stage: Stage) -> None:
    stage.budget = Budget(requests=stage.profile.n_requests // 2)


def _within_requests(stage: Stage) -> None:
    assert stage.budget
    assert stage.listener.runs[-1].n_requests <= stage.budget.requests


def _few_posts(stage: Stage) -> None:
    stage.budget = Budget(posts=max(1, stage.profile.n_posts // 3))


def _stop_midway(stage: Stage) -> None:
    def stop(exchange: Exchange, reply: Reply) -> None:
        stage.clock.set()
        exchange.send(reply)

    later(stop)(stage)


# --- what only one platform says


def _sayings() -> Iterable[Fault]:
    def problem(kind: str, status: int) -> Breakage:
        body = {"type": f"https://api.twitter.com/2/problems/{kind}", "title": "No", "detail": "No.", "status": status}
        return faults.answers(status, json.dumps(body).encode(), Content_Type="application/problem+json")

    quota = (Ends.FAILS,), (QuotaExhausted,)
    yield Fault(5, "usage-capped", always(problem("usage-capped", 429)), *quota, size=Size.NONE, only="x")
    yield Fault(5, "credits-depleted", always(problem("credits-depleted", 402)), *quota, size=Size.NONE, only="x")
    yield Fault(
        6, "not-enrolled", always(problem("client-forbidden", 403)), (Ends.FAILS,), (Auth,), size=Size.NONE, only="x"
    )
    yield Fault(5, "quota-exceeded", always(_google(403, "quotaExceeded")), *quota, size=Size.NONE, only="youtube")
    yield Fault(
        5, "quota-exceeded-midway", from_second_page(_google(403, "quotaExceeded")), *quota, size=Size.NONE,
        only="youtube",
    )  # fmt: skip
    yield Fault(1, "rate-limit-exceeded", first(_google(403, "rateLimitExceeded")), waits=BACKOFF, only="youtube")
    yield Fault(
        6, "key-invalid", always(_google(400, "badRequest", "API key not valid.")), (Ends.FAILS,), (Auth,),
        size=Size.NONE, only="youtube",
    )  # fmt: skip
    yield Fault(
        6, "private-subreddits", from_second_page(faults.answers(403, b'{"reason": "private", "error": 403}')),
        (Ends.FAILS,), (Auth,), size=Size.WINDOW, only="reddit",
    )  # fmt: skip
    yield Fault(
        7, "no-such-subreddit", from_second_page(faults.answers(302, Location="/subreddits/search?q=x")),
        (Ends.FAILS,), (NotFound,), size=Size.WINDOW, only="reddit",
    )  # fmt: skip
    yield Fault(6, "token-revoked-once", later(faults.answers(401)), only="reddit")
    yield Fault(
        6, "wants-a-login", always(faults.answers(422, b'{"error": "This method requires an authenticated user"}')),
        (Ends.FAILS,), (Auth,), size=Size.NONE, only="mastodon",
    )  # fmt: skip
    yield Fault(1, "rate-limit-400", first(faults.answers(400, b'{"error": "rate_limit_error"}')), waits=BACKOFF,
                only="lemmy")  # fmt: skip
    yield Fault(
        6, "instance-is-private", always(faults.answers(400, b'{"error": "instance_is_private"}')), (Ends.FAILS,),
        (Auth,), size=Size.NONE, only="lemmy",
    )  # fmt: skip
    yield Fault(
        6, "token-expired-midway", later(faults.answers(400, b'{"error": "ExpiredToken", "message": "expired"}')),
        only="bluesky",
    )  # fmt: skip
    yield Fault(
        6, "wants-a-member", always(faults.answers(403, b'{"errors": ["log in"], "error_type": "not_logged_in"}')),
        (Ends.FAILS,), (Auth,), size=Size.NONE, only="discourse",
    )  # fmt: skip
    empty = b'{"feed": {"updated": {"label": "x"}}}'
    yield Fault(11, "empty-at-random", first(faults.answers(200, empty)), (Ends.DOUBTS,), only="appstore")
    yield Fault(11, "empty-later-at-random", later(faults.answers(200, empty)), (Ends.DOUBTS,), only="appstore")
    yield Fault(8, "cut-feed", first(faults.cut_json), (Ends.DOUBTS,), only="rss")
    yield Fault(8, "cut-feed-later", later(faults.cut_json), (Ends.DOUBTS,), only="rss")
    yield Fault(8, "feed-for-text", always(faults.heads(lambda now: {"Content-Type": "text/html"})), only="rss")
    yield Fault(
        13, "same-tag-whatever-comes", always(_frozen_tag), (Ends.RECOVERS,), late=True, only="rss",
    )  # fmt: skip


def _google(status: int, reason: str, words: str = "No.") -> Breakage:
    error = {"code": status, "message": words, "errors": [{"message": words, "domain": "x", "reason": reason}]}
    return faults.answers(status, json.dumps({"error": error}).encode())


def _frozen_tag(exchange: Exchange, reply: Reply) -> None:
    """A validator that was never given before: the feed is sent whole all the same."""
    exchange.send(replace(reply, headers={**reply.headers, "ETag": '"always"', "Last-Modified": "long ago"}))


FAULTS: tuple[Fault, ...] = (
    *_limits(), *_refusals(), *_servers(), *_documents(), *_paging(), *_time(), *_contents(), *_sayings(),
)  # fmt: skip

# --- where a source differs, and why

_LATER: Mapping[str, Any] = {"ends": (Ends.FAILS,), "fails": (Protocol,)}
EXCEPTIONS: Mapping[tuple[str, str], tuple[Mapping[str, Any], str]] = {
    ("rss", "empty-200"): (_LATER, "a feed is judged once its answer is there: the next run reads it again"),
    ("rss", "empty-200-later"): (_LATER, "a feed is judged once its answer is there: the next run reads it again"),
    ("rss", "all-deleted"): ({"ends": (Ends.GAP,)}, "that all is deleted looks like a feed that has rolled over"),
}


def expected(kind: str, fault: Fault) -> Fault:
    """What is expected of a kind of source."""
    changes, _ = EXCEPTIONS.get((kind, fault.name), ({}, ""))
    return replace(fault, **changes)
