"""Times as people and programs write them → aware UTC; what could mean two moments is refused, not guessed."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_DAMAGED = re.compile(r"[+-]?\d+([.,]\d+)?[eE][+-]?\d+")
_COMPACT = re.compile(r"(19|20)\d\d[01]\d[0-3]\d(\d{6})?")
_THREE_NUMBERS = re.compile(r"\s*(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d\d)(?!\d)")
_ZONE_IN_WORDS = re.compile(r" (UTC|GMT)$")
_LEAP_SECOND = re.compile(r"(:\d\d):60(?!\d)")
# Seconds, milli-, micro- and nanoseconds since 1970 differ so much that the size of the number tells them apart.
_EPOCHS = ((1e11, 1), (1e14, 10**3), (1e17, 10**6), (1e20, 10**9))
_EPOCH_START = datetime(1970, 1, 1, tzinfo=UTC)


class DayOrder(StrEnum):
    """What a column of dates such as 3/4/2024 shows of its order."""

    DAY_FIRST = "day first"
    MONTH_FIRST = "month first"
    UNKNOWN = "unknown"
    MIXED = "mixed"


def day_order(values: Iterable[Any]) -> DayOrder | None:
    """Find out which of the first two numbers of 3/4/2024 is the day; None when no value is written so."""
    seen = dots = day_first = month_first = False
    for value in values:
        if isinstance(value, str) and (match := _THREE_NUMBERS.match(value)):
            seen, dots = True, dots or match[2] == "."
            day_first |= int(match[1]) > 12
            month_first |= int(match[3]) > 12
    if not seen:
        return None
    if day_first and month_first:
        return DayOrder.MIXED
    if month_first:
        return DayOrder.MONTH_FIRST
    # With dots the day comes first wherever such dates are written.
    return DayOrder.DAY_FIRST if day_first or dots else DayOrder.UNKNOWN


def read_time(value: Any, zone: tzinfo = UTC, order: DayOrder | None = None) -> datetime:
    """Read one time; `zone` is that of times which name none, `order` that of dates such as 3/4/2024.

    An undecided `order` is read as month first; a mixed one only where a number above 12 settles it.
    Raises ValueError with the reason.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"a time cannot be a {type(value).__name__}")
    text = _LEAP_SECOND.sub(r"\1:59", str(value).strip())
    try:
        moment = _parse(text, order)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:
        raise ValueError(f"the time {text[:40]!r} is out of range") from None


def _parse(text: str, order: DayOrder | None) -> datetime:
    if _COMPACT.fullmatch(text):
        return datetime.strptime(text, "%Y%m%d%H%M%S" if len(text) > 8 else "%Y%m%d")
    if _NUMBER.fullmatch(text):
        return _epoch(float(text), text)
    if _DAMAGED.fullmatch(text):
        raise ValueError(f"the time {text[:40]!r} was damaged by a spreadsheet")
    if text[:4].isdigit():
        try:
            return datetime.fromisoformat(_ZONE_IN_WORDS.sub("+00:00", text))
        except ValueError:
            pass
    if match := _THREE_NUMBERS.match(text):
        return _numbered(text, match, order)
    return _in_words(text)


def _epoch(number: float, text: str) -> datetime:
    for below, per_second in _EPOCHS:
        if 1e8 <= number < below:
            return _EPOCH_START + timedelta(seconds=number / per_second)
    raise ValueError(f"the number {text[:40]} is not a time")


def _numbered(text: str, match: re.Match[str], order: DayOrder | None) -> datetime:
    first, second = int(match[1]), int(match[3])
    if order is DayOrder.MIXED and first <= 12 and second <= 12 and first != second:
        raise ValueError(f"the date {match[0].strip()} can be two days, and the column has both orders")
    day, month = (first, second) if second <= 12 and (order is DayOrder.DAY_FIRST or first > 12) else (second, first)
    year = int(match[4]) + (2000 if len(match[4]) == 2 else 0)
    return _in_words(f"{year:04}-{month:02}-{day:02}{text[match.end() :]}")


def _in_words(text: str) -> datetime:
    """RFC 2822, then whatever dateutil reads, but only if it had to fill in no part of the date."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        moment = None
    if moment and moment.tzinfo:  # without a zone it may have overlooked a "PM"
        return moment

    from dateutil import parser

    try:
        one, other = (
            parser.parse(text, default=datetime(year, month, day), tzinfos=_zone)
            for year, month, day in ((2004, 1, 1), (2008, 2, 2))
        )
    except (ValueError, OverflowError, TypeError, AttributeError):
        raise ValueError(f"{text[:40]!r} is not a time") from None
    if one != other:
        raise ValueError(f"{text[:40]!r} is not a whole date")
    return one


def _zone(name: str | None, offset: int | None) -> tzinfo | None:
    """Left alone, dateutil drops a zone name that it does not know, with no more than a warning."""
    if name and offset is None:
        raise ValueError(f"unknown time zone {name}")
    return None if offset is None else timezone(timedelta(seconds=offset))
