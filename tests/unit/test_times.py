"""Times as people and programs write them; what could mean two moments is refused."""

from contextlib import suppress
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxlisten.collect.times import DayOrder, day_order, read_time

NOON = datetime(2024, 3, 5, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-05T12:00:00Z", "2024-03-05T12:00:00.000Z", "2024-03-05 12:00", "2024-03-05 12:00:00 UTC",
        "2024-03-05T13:00:00+01:00", "2024-03-05T13:00:00+0100", "2024-03-05 07:00:00-05:00", "20240305120000",
        "20240305T120000Z", "2024/03/05 12:00", "1709640000", 1709640000, 1709640000.0, "1709640000000",
        1709640000000000, "1709640000000000000", "Tue Mar 05 12:00:00 +0000 2024", "Tue, 05 Mar 2024 12:00:00 GMT",
        "Tue, 5 Mar 2024 07:00:00 -0500", "March 5, 2024 12:00 PM", "Mar 5, 2024, 12:00:00 PM",
        "5 March 2024 at 12:00", "3/5/2024 12:00", "03/05/24 12:00 PM", "  2024-03-05T12:00:00Z  ",
    ],
)  # fmt: skip
def test_reads(text: str | float) -> None:
    assert read_time(text) == NOON
    assert read_time(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "", "yesterday", "3 days ago", "Monday", "12:00", "March 2024", "2024", "5", "45356.5", "1.7E+09", "17e8",
        "2024-13-05", "31/31/2024", "2024-03-05T25:00:00", "March 5 2024 3pm XYZ", "nan", "inf", "9" * 30, "-5",
        None, True, [], {}, float("nan"), "9999-12-31T23:59:59-10:00",
    ],
)  # fmt: skip
def test_refuses(text: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_time(text)


def test_a_bare_time_is_local_in_its_zone() -> None:
    london = ZoneInfo("Europe/London")
    assert read_time("2024-07-01 12:00", london) == datetime(2024, 7, 1, 11, tzinfo=UTC)
    assert read_time("2024-07-01 12:00+00:00", london) == datetime(2024, 7, 1, 12, tzinfo=UTC)
    assert read_time("1709640000", london) == NOON


def test_a_leap_second_is_the_second_before() -> None:
    assert read_time("2016-12-31T23:59:60Z") == datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "order"),
    [
        (["2024-03-05", "March 5"], None),
        ([None, 7, "3/4/2024"], DayOrder.UNKNOWN),
        (["3/4/2024", "13/4/2024"], DayOrder.DAY_FIRST),
        (["3-4-2024", "3-14-2024"], DayOrder.MONTH_FIRST),
        (["3.4.24"], DayOrder.DAY_FIRST),
        (["13/4/2024", "3/14/2024"], DayOrder.MIXED),
    ],
)
def test_a_column_shows_its_order(values: list[object], order: DayOrder | None) -> None:
    assert day_order(values) is order


@pytest.mark.parametrize(
    ("order", "month"), [(DayOrder.DAY_FIRST, 4), (DayOrder.MONTH_FIRST, 3), (DayOrder.UNKNOWN, 3), (None, 3)]
)
def test_the_order_decides_what_a_date_means(order: DayOrder | None, month: int) -> None:
    assert read_time("3/4/2024", order=order).month == month


def test_a_mixed_column_gives_only_what_is_certain() -> None:
    assert read_time("13/4/2024", order=DayOrder.MIXED) == datetime(2024, 4, 13, tzinfo=UTC)
    assert read_time("4/4/2024", order=DayOrder.MIXED) == datetime(2024, 4, 4, tzinfo=UTC)
    with pytest.raises(ValueError, match="two days"):
        read_time("3/4/2024", order=DayOrder.MIXED)


@given(st.datetimes(datetime(1975, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_reads_back_what_it_is_written_as(moment: datetime) -> None:
    assert read_time(moment.isoformat()) == moment
    whole = moment.replace(microsecond=0)
    assert read_time(int(whole.timestamp())) == whole
    assert read_time(whole.strftime("%d/%m/%Y %H:%M:%S"), order=DayOrder.DAY_FIRST) == whole
    assert read_time(whole.strftime("%m/%d/%Y %I:%M:%S %p"), order=DayOrder.MONTH_FIRST) == whole


@given(st.text())
def test_any_text_is_a_time_or_refused(text: str) -> None:
    with suppress(ValueError):
        assert read_time(text).tzinfo is UTC
