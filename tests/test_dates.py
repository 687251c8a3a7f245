"""Dates: every layout is read as it says, what could only be guessed is not."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsmu.dates import column_order, interval_precision, parse_date

DAYS = st.dates(date(1000, 1, 1), date(9999, 12, 31))


@pytest.mark.parametrize(
    ("text", "first", "last", "precision"),
    [
        ("2013/9/9", "2013-09-09", "2013-09-09", "day"),
        ("9/8/2014", "2014-09-08", "2014-09-08", "day"),
        ("20110927", "2011-09-27", "2011-09-27", "day"),
        ("2014", "2014-01-01", "2014-12-31", "year"),
        ("2011-2013", "2011-01-01", "2013-12-31", "interval"),
        ("2012-02", "2012-02-01", "2012-02-29", "month"),
        ("02/2013", "2013-02-01", "2013-02-28", "month"),
        ("24.12.2014", "2014-12-24", "2014-12-24", "day"),
        ("24-Dec-2014", "2014-12-24", "2014-12-24", "day"),
        ("December 24, 2014", "2014-12-24", "2014-12-24", "day"),
        ("Dec 2014", "2014-12-01", "2014-12-31", "month"),
        ("08/01/2008 12:00:00 AM", "2008-08-01", "2008-08-01", "day"),
        ("2008/08/01 00:00:00+00", "2008-08-01", "2008-08-01", "day"),
        ("2014-08-02T03:04:05.678Z", "2014-08-02", "2014-08-02", "day"),
        ("1217548800000", "2008-08-01", "2008-08-01", "day"),
        ("13/2/2014", "2014-02-13", "2014-02-13", "day"),  # there is no month 13
    ],
)
def test_a_layout_is_read_as_it_says(text: str, first: str, last: str, precision: str) -> None:
    span = parse_date(text)
    assert span is not None
    assert (span.first.isoformat(), span.last.isoformat(), span.precision) == (first, last, precision)


@pytest.mark.parametrize(
    "text",
    ["", "9/8/14", "2014/13/45", "30/2/2014", "31.2.2014", "20141340", "0000", "2015-2011", "spring 2014", "41526",
     "2014/9-8", "13.13.2014", "Foo 3, 2014", "99999999999999", "\u0662\u0660\u0661\u0664/9/8", "=TODAY()"],
)  # fmt: skip
def test_what_could_only_be_guessed_is_not_read(text: str) -> None:
    assert parse_date(text) is None


@given(DAYS)
def test_every_layout_of_a_day_gives_that_day(day: date) -> None:
    texts = [
        day.isoformat(), f"{day.year}/{day.month}/{day.day}", f"{day.month}/{day.day}/{day.year}", f"{day:%Y%m%d}",
        f"{day.day}.{day.month}.{day.year}", f"{day.day} {day:%B} {day.year}", f"{day.isoformat()} 23:59:59",
    ]  # fmt: skip
    assert {(span.first, span.last) for text in texts if (span := parse_date(text))} == {(day, day)}
    assert all(parse_date(text) for text in texts)
    european = parse_date(f"{day.day}/{day.month}/{day.year}", "D/M/Y")
    assert european is not None and european.first == day


@given(DAYS)
def test_a_day_that_could_be_a_month_is_marked(day: date) -> None:
    span = parse_date(f"{day.month}/{day.day}/{day.year}")
    assert span is not None
    ambiguous = day.day <= 12 and day.day != day.month
    assert span.other == (date(day.year, day.day, day.month) if ambiguous else None)


@given(st.text(max_size=30))
def test_any_text_gives_a_span_or_nothing(text: str) -> None:
    span = parse_date(text)
    assert span is None or span.first <= span.last


def test_a_column_says_its_own_order() -> None:
    assert column_order(["1/2/2014", "25/2/2014", "2014/2/25"]) == "D/M/Y"
    assert column_order(["1/2/2014", "2/25/2014"]) == "M/D/Y"
    assert column_order(["1/2/2014", "24.12.2014"]) is None
    assert column_order(["2/25/2014", "25/2/2014"]) is None


@given(DAYS, st.integers(0, 1000))
def test_an_interval_is_called_what_it_is(first: date, days: int) -> None:
    last = min(first + timedelta(days), date(9999, 12, 31)) if first.year < 9990 else first
    name = interval_precision(first, last)
    assert (name == "day") == (first == last)
    if name in ("month", "year"):
        assert first.day == 1 and (last == date.max or (last + timedelta(1)).day == 1)
