"""Dates: every layout is read as it says, what could only be guessed is not."""

import calendar
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsmu.tabular import date_from_parts, interval_precision, means_no_date, parse_date, read_dates, read_day
from tsmu.tabular.date_columns import column_order
from tsmu.tabular.date_text import MONTH_NAMES
from tsmu.tabular.single_dates import SERIAL_ZERO

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


@pytest.mark.parametrize(
    ("text", "first", "last", "precision"),
    [
        # A clock is no number of milliseconds.
        ("201807051230", "2018-07-05", "2018-07-05", "day"),
        ("20180705123000", "2018-07-05", "2018-07-05", "day"),
        ("20180705T123000Z", "2018-07-05", "2018-07-05", "day"),
        ("1530748800", "2018-07-05", "2018-07-05", "day"),
        ("1530748800000", "2018-07-05", "2018-07-05", "day"),
        ("20180705.0", "2018-07-05", "2018-07-05", "day"),
        # Zones: the day that is written.
        ("2018-07-05T03:00:00+09:00", "2018-07-05", "2018-07-05", "day"),
        ("2018-07-05 14:30 JST", "2018-07-05", "2018-07-05", "day"),
        ("Thu, 05 Jul 2018 12:30:00 GMT", "2018-07-05", "2018-07-05", "day"),
        ("2018:07:05 12:30:00", "2018-07-05", "2018-07-05", "day"),
        # Ranges.
        ("2018-07-05/2018-07-08", "2018-07-05", "2018-07-08", "interval"),
        ("2018-07-05/08", "2018-07-05", "2018-07-08", "interval"),
        ("2018-07-05T00:00Z/2018-07-08T00:00Z", "2018-07-05", "2018-07-08", "interval"),
        ("5-8 July 2018", "2018-07-05", "2018-07-08", "interval"),
        ("5\u20138 July 2018", "2018-07-05", "2018-07-08", "interval"),
        ("July 5-8, 2018", "2018-07-05", "2018-07-08", "interval"),
        ("28 Dec 2017 - 3 Jan 2018", "2017-12-28", "2018-01-03", "interval"),
        ("5.-8.7.2018", "2018-07-05", "2018-07-08", "interval"),
        ("20180705-20180708", "2018-07-05", "2018-07-08", "interval"),
        ("between 5 July and 8 July 2018", "2018-07-05", "2018-07-08", "interval"),
        ("July-August 2018", "2018-07-01", "2018-08-31", "interval"),
        ("2018/2019", "2018-01-01", "2019-12-31", "interval"),
        # Months, weeks, quarters.
        ("Sept 2018", "2018-09-01", "2018-09-30", "month"),
        ("2018-07-xx", "2018-07-01", "2018-07-31", "month"),
        ("2018-07-00", "2018-07-01", "2018-07-31", "month"),
        ("2018-xx-xx", "2018-01-01", "2018-12-31", "year"),
        ("early July 2018", "2018-07-01", "2018-07-31", "month"),
        ("2018-W27", "2018-07-02", "2018-07-08", "interval"),
        ("2018-W27-4", "2018-07-05", "2018-07-05", "day"),
        ("week 27, 2018", "2018-07-02", "2018-07-08", "interval"),
        ("Q3 2018", "2018-07-01", "2018-09-30", "interval"),
        ("2018-186", "2018-07-05", "2018-07-05", "day"),
        # Other languages.
        ("1er juillet 2018", "2018-07-01", "2018-07-01", "day"),
        ("du 5 au 8 juillet 2018", "2018-07-05", "2018-07-08", "interval"),
        ("ao\u00fbt 2018", "2018-08-01", "2018-08-31", "month"),
        ("5 de julio de 2018", "2018-07-05", "2018-07-05", "day"),
        ("del 5 al 8 de julio de 2018", "2018-07-05", "2018-07-08", "interval"),
        ("5 luglio 2018", "2018-07-05", "2018-07-05", "day"),
        ("5. M\u00e4rz 2018", "2018-03-05", "2018-03-05", "day"),
        ("5. Ma\u0308rz 2018", "2018-03-05", "2018-03-05", "day"),
        ("5-Jul-18", "2018-07-05", "2018-07-05", "day"),
        ("5-Jul-98", "1998-07-05", "1998-07-05", "day"),
    ],
)
def test_what_inventories_hold_is_read(text: str, first: str, last: str, precision: str) -> None:
    interval = parse_date(text)
    assert interval is not None
    assert (str(interval.first), str(interval.last), interval.precision) == (first, last, precision)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("before 2010", None, date(2009, 12, 31)), ("< 2010", None, date(2009, 12, 31)),
        ("until 2010-05-03", None, date(2010, 5, 3)), ("../2018-07-08", None, date(2018, 7, 8)),
        ("after 2010", date(2011, 1, 1), None), ("since 2015", date(2015, 1, 1), None),
        ("2018-07-05/..", date(2018, 7, 5), None), ("avant 2010", None, date(2009, 12, 31)),
    ],
)  # fmt: skip
def test_one_end_may_be_open(text: str, first: date | None, last: date | None) -> None:
    interval = parse_date(text)
    assert interval is not None
    assert (interval.first, interval.last, interval.precision) == (first, last, "open")


@pytest.mark.parametrize("text", ["2018?", "ca. 2018", "~2018", "2018 (?)", "about 2018"])
def test_a_mark_of_doubt_is_kept(text: str) -> None:
    interval = parse_date(text)
    assert interval is not None
    assert (interval.first, interval.unsure) == (date(2018, 1, 1), True)


@pytest.mark.parametrize("text", ["unknown", "", " ", "n.d.", "?", "UNKNOWN", "inconnue", "sin fecha", "0000-00-00"])
def test_a_text_may_say_that_there_is_no_date(text: str) -> None:
    assert means_no_date(text) and parse_date(text) is None


def test_the_order_of_day_and_month_is_that_of_the_whole_table_and_told() -> None:
    column = read_dates(["03/04/2018", "05/07/2018 - 08/07/2018"], other_columns=["25/12/2017"])
    assert [one and (one.first, one.last) for one in column.intervals] == [
        (date(2018, 4, 3), date(2018, 4, 3)), (date(2018, 7, 5), date(2018, 7, 8)),
    ]  # fmt: skip
    ((places, problem, action),) = column.notes
    assert (places, action) == ([0, 1], "read as D/M/Y") and "as others" in problem
    alone = read_dates(["03/04/2018"])
    assert alone.days == [date(2018, 3, 4)] and "nothing in the column says which" in alone.notes[0][1]
    assert read_dates(["03/04/2018", "25/04/2018"], order="M/D/Y").days[0] == date(2018, 4, 3), "the column goes first"


def test_two_digit_years_are_placed_by_the_column_or_not_read() -> None:
    assert read_dates(["05/07/18", "25/07/18", "1/12/99"]).days == [
        date(2018, 7, 5), date(2018, 7, 25), date(1999, 12, 1),
    ]  # fmt: skip
    assert read_dates(["18-07-05", "18-08-21", "18-11-30"]).days[0] == date(2018, 7, 5)
    assert read_dates(["05-07-18", "25-08-18", "13-11-18"]).days[0] == date(2018, 7, 5)
    assert read_dates(["18-07-05"]).unread == [0], "the year may stand first or last"
    assert any("two digits" in problem for _, problem, _ in read_dates(["25/07/18"]).notes)


def test_numbers_of_a_column_of_dates_count_days_and_seconds() -> None:
    column = read_dates(["43286", "43286.5", "1530748800", "2018-07-05", "99"])
    assert column.days[:4] == [date(2018, 7, 5)] * 4 and column.unread == [4]
    assert {problem for _, problem, _ in column.notes} == {
        "written as a number of five digits",
        "written as a plain number",
    }


def test_year_month_and_day_apart() -> None:
    assert date_from_parts("2018", "7", "5") == date_from_parts("2018.0", "July", "05")
    read = date_from_parts("2018", "7", ""), date_from_parts("2018", "", "0")
    assert [(one.first, one.last) for one in read if one] == [
        (date(2018, 7, 1), date(2018, 7, 31)), (date(2018, 1, 1), date(2018, 12, 31)),
    ]  # fmt: skip
    for parts in (("2018", "13", "1"), ("2018", "2", "30"), ("2018", "", "5"), ("", "7", "5"), ("2018", "x y", "5")):
        assert date_from_parts(*parts) is None


MODERN = st.dates(date(1971, 1, 1), date(2025, 12, 31))
MONTH_OF = {
    language: names.split() for language, names in zip(("en", "fr", "es", "it", "de", "pt"), MONTH_NAMES, strict=True)
}


@given(MODERN, st.sampled_from(sorted(MONTH_OF)), st.integers(3, 10))
def test_a_day_in_any_form_is_that_day(day: date, language: str, letters: int) -> None:
    name = MONTH_OF[language][day.month - 1]
    year, week, weekday = day.isocalendar()
    seconds = calendar.timegm(day.timetuple()) + 3600
    texts = [
        f"{day:%Y%m%d}1230", f"{day:%Y%m%d}123059", f"{day.day} {name} {day.year}", f"{name} {day.day}, {day.year}",
        f"{day.day}. {name} {day.year}", f"{day}T12:30:00+05:45", f"{day} 23:59 UTC", f"{year}-W{week:02}-{weekday}",
        f"{day.year}-{day.timetuple().tm_yday:03}", f"{seconds * 1000}", f"{day:%A}, {name} {day.day} {day.year}",
        f"{day.day}-{name[:max(letters, 4)].title()}-{day.year}", f"{day}?", f"{day}/{day}",
    ]  # fmt: skip
    for text in texts:
        interval = parse_date(text)
        assert interval and (interval.first, interval.last) == (day, day), text
    if seconds >= 10**8:
        assert read_day(str(seconds)) == day
    assert read_dates([str((day - SERIAL_ZERO).days)]).days == [day]


@given(MODERN, st.integers(1, 400), st.sampled_from(["/", " - ", " to ", "..", " \u2013 ", " and ", " bis "]))
def test_a_range_in_any_form_is_its_days(first: date, days: int, mark: str) -> None:
    last = first + timedelta(days)
    for form in ("%Y-%m-%d", "%d.%m.%Y", "%Y%m%d", "%d %B %Y", "%b %d, %Y", "%Y-%m-%dT%H:%MZ"):
        interval = parse_date(f"{first:{form}}{mark}{last:{form}}")
        assert interval and (interval.first, interval.last) == (first, last), f"{first:{form}}{mark}{last:{form}}"
    if (first.year, first.month) == (last.year, last.month):
        for text in (
            f"{first.day}-{last.day} {last:%B %Y}", f"{last:%B} {first.day}-{last.day}, {last.year}",
            f"{first.day}.-{last.day}.{last.month}.{last.year}", f"{first}/{last:%d}",
        ):  # fmt: skip
            interval = parse_date(text)
            assert interval and (interval.first, interval.last) == (first, last), text


@given(st.lists(st.text(max_size=20) | MODERN.map(str) | st.integers().map(str), max_size=6))
def test_any_column_is_read_or_told(texts: list[str]) -> None:
    column = read_dates(texts)
    assert len(column.intervals) == len(texts)
    for at, interval in enumerate(column.intervals):
        assert (interval is None) == (at in {*column.unread, *column.blank})


def test_days_that_a_spreadsheet_may_have_exchanged_are_told() -> None:
    typed = ["2018-03-04", "2018-05-06", "2018-12-01", "2018-02-12", "2018-01-09"]
    (note,) = read_dates([*typed, "25/07/2018", "13/02/2018"]).notes
    assert note[0] == [0, 1, 2, 3, 4] and "exchanged day and month" in note[1]
    assert not read_dates([*typed, "2018-03-14", "25/07/2018", "13/02/2018"]).notes
    assert not read_dates(typed).notes
