"""How long a platform asks us to wait, in whichever of the five dialects it says so, by its own clock."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol

# The surest first: Retry-After is meant for us now, a reset header may describe another window.
_HEADERS = ("retry-after", "x-rate-limit-reset", "x-ratelimit-reset", "ratelimit-reset")
_REMAINING = ("x-rate-limit-remaining", "x-ratelimit-remaining", "ratelimit-remaining")
_EPOCH_FROM = 1e9  # a smaller number is seconds from now
_LONGEST = 86_400.0


class Headers(Protocol):
    """What is asked of a response's headers: all values of one name, in any case, as they came."""

    def get_list(self, key: str) -> Sequence[str]: ...


def asked_wait(headers: Headers, now: datetime) -> float | None:
    """Seconds to wait, at most a day; None where the answer says nothing, a moment gone by, or nonsense.

    A moment is measured against the answer's own Date, so that a clock that is off, ours or theirs, does no harm.
    """
    server_now = server_time(headers) or now
    for name in _HEADERS:
        for value in headers.get_list(name):
            seconds = _seconds(value.strip(), server_now)
            if seconds is not None and seconds > 0:
                return min(seconds, _LONGEST)
    return None


def server_time(headers: Headers) -> datetime | None:
    """The moment of the answer by the platform's own clock."""
    return next(filter(None, map(_http_date, headers.get_list("date"))), None)


def is_spent(headers: Headers) -> bool:
    """Whether the answer says that nothing more may be asked for before the limit is renewed."""
    values = [value for name in _REMAINING for value in headers.get_list(name)]
    try:
        return bool(values) and min(map(float, values)) < 1
    except ValueError:
        return False


def _seconds(value: str, server_now: datetime) -> float | None:
    try:
        number = float(value)
    except ValueError:
        moment = _http_date(value) or _iso_date(value)
        return (moment - server_now).total_seconds() if moment else None
    if not math.isfinite(number):
        return None
    return number - server_now.timestamp() if number > _EPOCH_FROM else number


def _http_date(value: str) -> datetime | None:
    try:
        return _aware(parsedate_to_datetime(value))
    except (ValueError, TypeError, IndexError):
        return None


def _iso_date(value: str) -> datetime | None:
    try:
        return _aware(datetime.fromisoformat(value))
    except ValueError:
        return None


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
