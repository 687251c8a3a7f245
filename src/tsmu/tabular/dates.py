"""Dates as people write them, each text read as an interval of days.

    parse_date("5-8 July 2018")

What a single text leaves open is settled for its column by `tsmu.tabular.date_columns`.
"""

import calendar
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import chain
from typing import Literal

Order = Literal["M/D/Y", "D/M/Y"]
ShortOrder = Literal["M/D/Y", "D/M/Y", "Y/M/D"]  # of dates with a year of two digits

# Full names of the months in English, French, Spanish, Italian, German, Portuguese; other spellings follow below.
MONTH_NAMES = (
    "january february march april may june july august september october november december",
    "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "januar februar marz april mai juni juli august september oktober november dezember",
    "janeiro fevereiro marco abril maio junho julho agosto setembro outubro novembro dezembro",
)
OTHER_MONTHS = {"jaenner": 1, "janner": 1, "feber": 2, "maerz": 3, "setiembre": 9, "sept": 9}
WEEKDAYS = (
    "monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs fri sat sun "
    "lundi mardi mercredi jeudi vendredi samedi dimanche lunes martes miercoles jueves viernes sabado domingo "
    "lunedi martedi mercoledi giovedi venerdi domenica montag dienstag mittwoch donnerstag freitag samstag sonntag"
)
# Texts that stand for no date at all, without accents and in small letters.
NO_DATE = (
    "|n/a|#n/a|na|nan|nat|none|null|<null>|-|--|---|?|??|???|.|x|xx|unknown|unknown date|date unknown|unk|unkn|n.a.|"
    "n.d.|nd|n.d|no date|no data|nodata|undated|not known|not available|undetermined|tbd|inconnu|inconnue|"
    "date inconnue|desconocido|desconocida|fecha desconocida|sin fecha|s/f|s.f.|s.d.|sans date|sconosciuto|"
    "sconosciuta|data sconosciuta|non noto|unbekannt|datum unbekannt|ohne datum|k.a.|0|-1|-99|-999|-9999|9999|99999|"
    "0000|0000-00-00|0000/00/00|00/00/0000|00.00.0000|00000000|xxxx|xxxx-xx-xx|0000-00-00 00:00:00|1900-01-00"
)
UNKNOWN_WORDS = frozenset(NO_DATE.split("|"))
EPOCH = date(1970, 1, 1)
SERIAL_ZERO = date(1899, 12, 30)  # from which Excel counts days
OLDEST_YEAR = 1000
LONGEST = 100  # characters
OLDEST_SERIAL = 10_000  # 1927; smaller numbers are more often something else

_TIME = re.compile(
    r"(?:(?<=\d)t|[\s,]*\bat\s+|[\s,]+|^)\d{1,2}(?:\s?[ap]\.?m\.?(?![a-z])|(?::|h)\d{2}(?::\d{2}(?:[.,]\d+)?)?"
    r"\s*(?:[ap]\.?m\.?(?![a-z]))?(?:h|hrs|\s*uhr)?)"
    r"\s*(?:local(?:\s+time)?|\(local(?:\s+time)?\)|z(?![a-z])|(?:utc|gmt)?[+-]\d{1,2}(?::?\d{2})?(?![\d./-])|"
    r"(?:utc|gmt|cet|cest|bst|ist|jst|npt|pst|pdt|est|edt|mst|mdt|akst|akdt|hst|cst|cdt|nzst|nzdt|aest)(?![a-z]))?"
    r"(?:\[[\w/]+\])?",
    re.A,
)
_BASIC_TIME = re.compile(r"(?<=\d{8})t\d{2,6}(?:\.\d+)?(?:z|[+-]\d{2}:?\d{2})?$", re.A)
_PLAIN_HOUR = re.compile(r"(?<=\d-\d{2})t\d{2}(?:z|[+-]\d{2}(?::?\d{2})?)?$", re.A)
_COLON_DATE = re.compile(r"^(\d{4}):(\d{2}):(\d{2})(?=\s|$)", re.A)
_WEEKDAY = re.compile(rf"\b(?:{WEEKDAYS.replace(' ', '|')})\b\.?,?\s*")
_ORDINAL = re.compile(r"\b(\d{1,2})(?:st|nd|rd|th|er|º|ª|°|\.(?=\s*[a-z]))(?![a-z])", re.A)
_FILLER = re.compile(r"\b(?:the|of|de|del|di|der|den|dem|le|el|il|du|on|dia|do|da)\b\s*")
_UNSURE = re.compile(
    r"^(?:ca\.?|c\.|circa|about|approx(?:\.|imately)?|around|probably|prob\.|possibly|vers|env\.?|environ|hacia|etwa|"
    r"um|verso|~|≈)\s*|\s*(?:\(\?+\)|\?+|\((?:approx|estimated|est|uncertain|probable)\.?\)|\bapprox\.?|\best\.?)$"
)
_PART = re.compile(
    r"^(?:early|mid|middle|late|beginning|begin|start|end|evening|morning|afternoon|during|first half|second half|"
    r"debut|mi|fin|anfang|mitte|ende|"
    r"principios|mediados|finales|inizio|meta|fine)\b[\s-]*(?=\S)"
)
_BEFORE = re.compile(r"^(?:before|prior to|earlier than|pre-?|<|avant|antes|vor|prima)\s*(?=[\da-z])")
_UNTIL = re.compile(
    r"^(?:until|till|up to|to|by|no later than|not later than|at the latest|<=|≤|\.\.\.?/?|/|"
    r"jusqu'?a|jusqu'?en|hasta|bis|fino)\s*(?=[\da-z])"
)
_AFTER = re.compile(r"^(?:after|later than|post-?|>|apres|despues|nach|dopo)\s*(?=[\da-z])")
_SINCE = re.compile(r"^(?:since|from|starting|>=|≥|depuis|desde|seit|ab|dal|da)\s*(?=[\da-z])")
_ONWARDS = re.compile(r"\s*(?:/\.\.|\.\.\.?|/|\bonwards?|\bor later|\band later|\+|-)$")
_OR_EARLIER = re.compile(r"\s*\b(?:or earlier|or before|and earlier|and before)$")
_BETWEEN = re.compile(r"^(?:between|from|entre|zwischen|tra|vom|von|du|del|dal|de|desde|da)\s+")
_TO = re.compile(
    r"\s*(?:/|\.\.\.?|~|_|;|&|--|\bto\b|\bthrough\b|\bthru\b|\buntil\b|\btill\b|\band\b|\bbis\b|\bund\b|\bau\b|"
    r"\bet\b|\bal\b|\ba\b|\be\b|\by\b|\bhasta\b|\bor\b)\s*|\s+-\s+|(?<=[^\s-])-(?=[^\s-])"
)

_YEAR_FIRST = re.compile(r"(\d{4})(\s?[-/.\s])(\d{1,2})\2(\d{1,2})", re.A)
_YEAR_LAST = re.compile(r"(\d{1,2})\s?([-/.\s])\s?(\d{1,2})\s?\2\s?(\d{4})", re.A)
_SHORT = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2'?(\d{2})", re.A)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})", re.A)
_COMPACT_TIME = re.compile(r"(\d{4})(\d{2})(\d{2})(\d{2})(?:(\d{2})(?:(\d{2})(?:\.?\d{1,6})?)?)?", re.A)
_DAY_OF_YEAR = re.compile(r"(\d{4})-?(\d{3})", re.A)
_DAY_NAMED = re.compile(r"(\d{1,2})[-./\s]*([a-z]{3,10})\.?,?[-./\s]*('?\d{2}|\d{4})", re.A)
_NAMED_DAY = re.compile(r"([a-z]{3,10})\.?[-\s]*(\d{1,2})\.?,?[-\s]+('\d{2}|\d{4})", re.A)
_YEAR_NAMED_DAY = re.compile(r"(\d{4})[-,./\s]*([a-z]{3,10})\.?[-./\s]*(\d{1,2})", re.A)
_YEAR = re.compile(r"(\d{4})", re.A)
_YEAR_MONTH = re.compile(r"(\d{4})\s?[-/.]\s?(\d{1,2})", re.A)
_YEAR_MONTH_COMPACT = re.compile(r"(\d{4})(0[1-9]|1[0-2])", re.A)
_MONTH_YEAR = re.compile(r"(\d{1,2})\s?[-/.]\s?(\d{4})", re.A)
_NAMED_MONTH = re.compile(r"([a-z]{3,10})\.?,?[-/\s]*('\d{2}|\d{4})", re.A)
_NAMED_MONTH_SHORT = re.compile(r"([a-z]{3,10})\.?[-/](\d{2})", re.A)
_YEAR_NAMED_MONTH = re.compile(r"(\d{4})[-,/.\s]*([a-z]{3,10})\.?", re.A)
_WINTER = re.compile(r"(\d{4})[-/](\d{2})", re.A)
_WEEK = re.compile(r"(\d{4})\s?-?\s?(?:w|week|wk|kw|semaine|semana|settimana)\s?\.?(\d{1,2})(?:-?([1-7]))?", re.A)
_WEEK_FIRST = re.compile(r"(?:w|week|wk|kw|semaine|semana|settimana)\s?\.?(\d{1,2})[\s,/-]+(\d{4})", re.A)
_QUARTER = re.compile(r"(\d{4})\s?-?\s?q([1-4])|q([1-4])[\s,/-]*(\d{4})", re.A)
_DECADE = re.compile(r"(\d{3})(?:0s|[xu?])", re.A)
_NO_DAY = re.compile(
    r"(\d{4})([-/.]?)(\d{2})\2(?:xx|uu|\?\?|00|--|__)|(?:xx|uu|\?\?|00)[-/.](\d{1,2})[-/.](\d{4})", re.A
)
_NO_MONTH = re.compile(
    r"(\d{4})(?:([-/.]?)(?:xx|uu|\?\?|00|--|__)\2(?:xx|uu|\?\?|00|--|__)|[-/.](?:xx|uu|\?\?|00))"
    r"|(?:(?:xx|uu|\?\?|00)[-/.]){1,2}(\d{4})",
    re.A,
)
_SINCE_1970 = re.compile(r"-?\d{9,13}|-?\d{16}|-?\d{19}", re.A)
_SERIAL = re.compile(r"(\d{5})(?:[.,]\d+)?", re.A)


def _month_prefixes() -> dict[str, int]:
    """Every beginning of a month's name, of three letters or more, that names one month only in all languages."""
    meant: dict[str, set[int]] = {}
    named = chain.from_iterable(enumerate(names.split(), start=1) for names in MONTH_NAMES)
    for number, name in chain(named, ((number, name) for name, number in OTHER_MONTHS.items())):
        for length in range(3, len(name) + 1):
            meant.setdefault(name[:length], set()).add(number)
    return {name: numbers.pop() for name, numbers in meant.items() if len(numbers) == 1}


MONTHS = _month_prefixes()


@dataclass(frozen=True)
class DateInterval:
    """The days in which an event lies, both included, and how the text wrote them.

    `first` is None where only an end is known ("before 2010"), `last` where only a beginning is.
    `precision` is day, month, year, interval or open. `other` is the day that the text would mean with day and
    month exchanged, where that is another day that exists. `unsure` is set where the text marks itself as
    uncertain ("2018?", "ca. 2018"); the interval is then the one that it writes.
    """

    first: date | None
    last: date | None
    precision: str
    layout: str
    other: date | None = None
    unsure: bool = False


@dataclass(frozen=True)
class DateStyle:
    """What a single text leaves open, settled for its column.

    Attributes:
        order: of day and month where the year stands last, in four digits.
        short_order: where the year stands in dates with a two-digit year; None leaves these unread.
        serials: whether five digits are days as Excel counts them, from 1899-12-30 on.
        today: no two-digit year and no Excel day is later.
    """

    order: Order = "M/D/Y"
    short_order: ShortOrder | None = None
    serials: bool = False
    today: date = field(default_factory=date.today)


def is_no_date(text: str) -> bool:
    """Whether a text says that there is no date: an empty one, `unknown`, `n/a`, `?`, `0000-00-00`."""
    return plain_text(text) in UNKNOWN_WORDS


def read_day(text: str, style: DateStyle | None = None) -> date | None:
    """Read a single day; None for everything that is none, months and intervals included."""
    interval = parse_date(text, style)
    return interval.first if interval and interval.first == interval.last else None


def short_day(order: ShortOrder, a: int, b: int, c: int, today: date) -> date | None:
    """The day that three numbers of two digits mean in an order; None where there is no such day."""
    year, month, day = {"M/D/Y": (c, a, b), "D/M/Y": (c, b, a), "Y/M/D": (a, b, c)}[order]
    return _valid(_full_year(year, today), month, day)


def _full_year(year: int, today: date) -> int:
    """The latest year with these two last digits that is not in the future."""
    century = today.year // 100 * 100
    return century + year if century + year <= today.year else century - 100 + year


def parse_date(text: str, style: DateStyle | Order | None = None) -> DateInterval | None:
    """Read a date or an interval of dates; None where it cannot be read without guessing.

    Four digits first mean year, month, day; with dots the day comes first; otherwise `style.order` decides,
    and the other order is taken where that gives no day that exists. A time of day is dropped, and the day
    is the one written, whatever the time zone. "Before 2010" ends with 2009, "since 2010" begins with 2010.
    """
    if len(text) > LONGEST or not re.search(r"\d\d", text, re.A):  # a remark, which would only take time
        return None
    style = DateStyle(order=style) if isinstance(style, str) else style or DateStyle()
    try:
        interval = _interval(plain_text(text), style)
    except (ValueError, OverflowError):  # a month 13, a 30 February, a year 0
        return None
    if interval is None or not all(_usable(day) for day in (interval.first, interval.last) if day):
        return None
    return interval


def _usable(day: date) -> bool:
    return day.year >= OLDEST_YEAR


def plain_text(text: str) -> str:
    """A text in small letters, without accents, with single blanks."""
    decomposed = unicodedata.normalize("NFKD", text.replace("º", "°").replace("ª", "°").replace("…", "...").casefold())
    bare = "".join(c for c in decomposed if not unicodedata.combining(c) and unicodedata.category(c) != "Cf")
    bare = (
        bare.replace("\u2019", "'")
        .replace("\u2212", "-")
        .replace("\u2010", "-")
        .replace("\u2011", "-")
        .replace("\u2013", "-")
        .replace("\u2014", "-")
    )
    return " ".join(bare.split()).strip("\"'").strip()


def _interval(text: str, style: DateStyle) -> DateInterval | None:
    """An interval of any kind: one date, two, or an open end."""
    text = re.sub(r"^(\d+)[.,]0+$", r"\1", without_time(text))
    if not text or text in UNKNOWN_WORDS:
        return None
    if (interval := _numbers(text, style)) is not None:
        return interval
    if (bare := _UNSURE.sub("", text)) != text and (interval := _interval(bare, style)) is not None:
        return replace(interval, unsure=True)
    if (interval := _single(text, style)) is not None:
        return interval
    if (interval := _range(_FILLER.sub("", _BETWEEN.sub("", text)), style)) is not None:
        return interval
    if (interval := _open(text, style)) is not None:
        return interval
    bare = _PART.sub("", text)
    return _interval(bare, style) if bare != text else None


def without_time(text: str) -> str:
    """A text without times of day, weekdays and what only joins words."""
    text = _COLON_DATE.sub(r"\1-\2-\3", text)
    text = _BASIC_TIME.sub("", text)
    text = _PLAIN_HOUR.sub("", text)
    text = _TIME.sub(" ", text)
    text = _WEEKDAY.sub("", text)
    text = _ORDINAL.sub(r"\1 ", text)
    return " ".join(text.split()).strip(", ")


def _open(text: str, style: DateStyle) -> DateInterval | None:
    """A date of which only one end is known."""
    one = timedelta(1)
    ends: tuple[tuple[re.Pattern[str], Callable[[DateInterval], tuple[date | None, date | None]]], ...] = (
        (_BEFORE, lambda it: (None, it.first and it.first - one)),
        (_UNTIL, lambda it: (None, it.last)),
        (_AFTER, lambda it: (it.last and it.last + one, None)),
        (_SINCE, lambda it: (it.first, None)),
        (_OR_EARLIER, lambda it: (None, it.last)),
        (_ONWARDS, lambda it: (it.first, None)),
    )
    for pattern, days in ends:
        bare = pattern.sub("", text)
        if bare != text:
            inner = _interval(bare, style)
            if inner is None or inner.first is None or inner.last is None:
                return None
            first, last = days(inner)
            return DateInterval(first, last, "open", "one end only", inner.other, inner.unsure)
    return None


def _range(text: str, style: DateStyle) -> DateInterval | None:
    """Two dates with something between them; what the first lacks is taken from the second, and the reverse."""
    for match in _TO.finditer(text):
        left, right = text[: match.start()].strip(" ,"), text[match.end() :].strip(" ,")
        if not left or not right:
            continue
        for start, end in _completed(left, right, style):
            if start.first and end.last and start.first <= end.last and start.last and end.first:
                precision = interval_precision(start.first, end.last)
                other, unsure = start.other or end.other, start.unsure or end.unsure
                return DateInterval(start.first, end.last, precision, "first and last day", other, unsure)
    return None


def _completed(left: str, right: str, style: DateStyle) -> Iterable[tuple[DateInterval, DateInterval]]:
    """The two ends of a range, as far as they can be read."""
    for first, last in _shared(left, right):
        if (begins := _single(first, style)) and (ends := _single(last, style)):
            yield begins, ends
            return
    start, end = _end(left, style), _end(right, style)
    if start and end:
        yield start, end
    elif end:
        for whole in _borrowed(left, right):
            if begins := _single(whole, style):
                yield begins, end
    elif start:
        for whole in _borrowed_end(left, right):
            if ends := _single(whole, style):
                yield start, ends


def _end(text: str, style: DateStyle) -> DateInterval | None:
    bare = _UNSURE.sub("", text)
    interval = _numbers(bare, style) or _single(bare, style) or _single(_PART.sub("", bare), style)
    return replace(interval, unsure=True) if interval and bare != text else interval


def _shared(left: str, right: str) -> Iterable[tuple[str, str]]:
    """Two days that share their month and year, each written in full: `5-8.7.2018`, `July 5-8, 2018`."""
    if (number := re.fullmatch(r"(\d{1,2})\.?", left)) and (match := _YEAR_LAST.fullmatch(right)):
        # Only days can be two, so the day comes first.
        yield f"{number[1]}.{match[3]}.{match[4]}", f"{match[1]}.{match[3]}.{match[4]}"
    named = re.fullmatch(r"([a-z]{3,10})\.?\s*(\d{1,2})", left)
    if (match := named) and (later := re.fullmatch(r"(\d{1,2}),?\s*('\d{2}|\d{4})", right)):
        yield f"{match[2]} {match[1]} {later[2]}", f"{later[1]} {match[1]} {later[2]}"


def _borrowed(left: str, right: str) -> Iterable[str]:
    """The start of a range with what its end has and it lacks: `5` of `5-8 July 2018`, `July` of `July-August 2018`."""
    number = re.fullmatch(r"(\d{1,2})\.?", left)
    if number and (match := _DAY_NAMED.fullmatch(right)):
        yield f"{number[1]} {match[2]} {match[3]}"
    named = re.fullmatch(r"([a-z]{3,10})\.?\s*(\d{1,2})", left)  # July 5 - August 3, 2018
    if (match := named) and (later := _NAMED_DAY.fullmatch(right)):
        yield f"{match[2]} {match[1]} {later[3]}"
    if (match := re.fullmatch(r"(\d{1,2})\.?\s*([a-z]{3,10})\.?", left)) and (later := _DAY_NAMED.fullmatch(right)):
        yield f"{match[1]} {match[2]} {later[3]}"
    if re.fullmatch(r"[a-z]{3,10}\.?", left) and (later := _NAMED_MONTH.fullmatch(right)):
        yield f"{left} {later[2]}"
    if (match := re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.?", left)) and (later := _YEAR_LAST.fullmatch(right)):
        yield f"{match[1]}.{match[2]}.{later[4]}"
    if (match := re.fullmatch(r"(\d{1,2})/(\d{1,2})", left)) and (later := _YEAR_LAST.fullmatch(right)):
        yield f"{match[1]}/{match[2]}/{later[4]}"


def _borrowed_end(left: str, right: str) -> Iterable[str]:
    """The end of a range with what its start has and it lacks: `08` of `2018-07-05/08`."""
    if match := _YEAR_FIRST.fullmatch(left):
        if re.fullmatch(r"\d{1,2}", right):
            yield f"{match[1]}-{match[3]}-{right}"
        if part := re.fullmatch(r"(\d{1,2})[-/.](\d{1,2})", right):
            yield f"{match[1]}-{part[1]}-{part[2]}"
    if (match := _COMPACT.fullmatch(left)) and re.fullmatch(r"\d{2}", right):
        yield f"{match[1]}-{match[2]}-{right}"
    if (match := _YEAR_NAMED_DAY.fullmatch(left)) and re.fullmatch(r"\d{1,2}", right):
        yield f"{right} {match[2]} {match[1]}"
    if (match := _YEAR_MONTH.fullmatch(left)) and re.fullmatch(r"\d{1,2}", right):
        yield f"{match[1]}-{right}"


def _numbers(text: str, style: DateStyle) -> DateInterval | None:
    """Texts of digits only, longer than a date of eight: a date with its time, moments since 1970, days of Excel."""
    digits = text
    if match := _COMPACT_TIME.fullmatch(digits):
        year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
        whole = _valid(year, month, day)
        if whole and 1900 <= year <= 2100 and hour <= 24 and minute < 60 and second <= 60:
            return _one(whole, "YYYYMMDD with a time")
    if _SINCE_1970.fullmatch(digits):
        return _since_1970(digits, style)
    if style.serials and (match := _SERIAL.fullmatch(digits)) and int(match[1]) >= OLDEST_SERIAL:
        day_counted = SERIAL_ZERO + timedelta(int(match[1]))
        return _one(day_counted, EXCEL) if day_counted <= style.today else None
    return None


EXCEL = "Excel day number"


def _since_1970(digits: str, style: DateStyle) -> DateInterval | None:
    length = len(digits.lstrip("-"))
    unit, per_second = next(
        (name, factor)
        for most, name, factor in (
            (10, "seconds", 1), (13, "milliseconds", 1000), (16, "microseconds", 10**6), (19, "nanoseconds", 10**9)
        )
        if length <= most
    )  # fmt: skip
    day = EPOCH + timedelta(seconds=int(digits) // per_second)
    if unit != "milliseconds" and day > style.today:
        return None
    return _one(day, f"{unit} since 1970")


def _single(text: str, style: DateStyle) -> DateInterval | None:
    """One day, month, year, week, quarter or decade."""
    for candidate in dict.fromkeys((text, _FILLER.sub("", text).strip())):
        for read in (_day, _longer):
            try:
                if (interval := read(candidate, style)) is not None:
                    return interval
            except ValueError:  # a day that does not exist
                continue
    return None


def _day(text: str, style: DateStyle) -> DateInterval | None:
    if match := _WEEK.fullmatch(text):
        if match[3]:
            return _one(date.fromisocalendar(int(match[1]), int(match[2]), int(match[3])), "ISO week and day")
        return _week(int(match[1]), int(match[2]))
    if match := _WEEK_FIRST.fullmatch(text):
        return _week(int(match[2]), int(match[1]))
    if match := _YEAR_FIRST.fullmatch(text):
        return _one(date(int(match[1]), int(match[3]), int(match[4])), "Y/M/D")
    if match := _YEAR_LAST.fullmatch(text):
        return _year_last(int(match[1]), int(match[3]), int(match[4]), "D.M.Y" if match[2] == "." else style.order)
    if match := _COMPACT.fullmatch(text):
        return _one(date(int(match[1]), int(match[2]), int(match[3])), "YYYYMMDD")
    if match := _DAY_OF_YEAR.fullmatch(text):
        day = date(int(match[1]), 1, 1) + timedelta(int(match[2]) - 1)
        return _one(day, "year and day of the year") if int(match[2]) >= 1 and day.year == int(match[1]) else None
    if match := _DAY_NAMED.fullmatch(text):
        year, layout = _named_year(match[3], style)
        return _one(date(year, _month(match[2]), int(match[1])), f"day, month name, {layout}")
    if match := _NAMED_DAY.fullmatch(text):
        year, layout = _named_year(match[3], style)
        return _one(date(year, _month(match[1]), int(match[2])), f"month name, day, {layout}")
    if match := _YEAR_NAMED_DAY.fullmatch(text):
        return _one(date(int(match[1]), _month(match[2]), int(match[3])), "year, month name, day")
    if (match := _SHORT.fullmatch(text)) and style.short_order:
        return _short(int(match[1]), match[2], int(match[3]), int(match[4]), style)
    return None


def _longer(text: str, style: DateStyle) -> DateInterval | None:
    if match := _YEAR.fullmatch(text):
        return _years(int(match[1]), int(match[1]))
    if match := _NO_DAY.fullmatch(text):
        year, month = (match[1], match[3]) if match[1] else (match[5], match[4])
        if int(month):
            return _one_month(int(year), int(month))
    if match := _NO_MONTH.fullmatch(text):
        year = int(match[1] or match[3])
        return _years(year, year)
    if (match := _YEAR_MONTH.fullmatch(text)) and int(match[2]) <= 12:
        return _one_month(int(match[1]), int(match[2]))
    if (match := _WINTER.fullmatch(text)) and (int(match[1]) + 1) % 100 == int(match[2]):
        return _years(int(match[1]), int(match[1]) + 1)
    if match := _MONTH_YEAR.fullmatch(text):
        return _one_month(int(match[2]), int(match[1]))
    if match := _YEAR_MONTH_COMPACT.fullmatch(text):
        return replace(_one_month(int(match[1]), int(match[2])), layout="YYYYMM")
    if match := _NAMED_MONTH.fullmatch(text):
        year, layout = _named_year(match[2], style)
        return replace(_one_month(year, _month(match[1])), layout=f"month and {layout}")
    if match := _NAMED_MONTH_SHORT.fullmatch(text):
        year, layout = _named_year(match[2], style)
        return replace(_one_month(year, _month(match[1])), layout=f"month and {layout}")
    if match := _YEAR_NAMED_MONTH.fullmatch(text):
        return _one_month(int(match[1]), _month(match[2]))
    if match := _QUARTER.fullmatch(text):
        year, quarter = int(match[1] or match[4]), int(match[2] or match[3])
        first, last = _one_month(year, 3 * quarter - 2), _one_month(year, 3 * quarter)
        return DateInterval(first.first, last.last, "interval", "year and quarter")
    if match := _DECADE.fullmatch(text):
        return replace(_years(10 * int(match[1]), 10 * int(match[1]) + 9), layout="decade")
    return None


def _short(a: int, mark: str, b: int, c: int, style: DateStyle) -> DateInterval | None:
    """A date with a two-digit year; with dots the day comes first unless the year does."""
    order: ShortOrder = style.short_order or "M/D/Y"
    if mark == "." and order == "M/D/Y":
        order = "D/M/Y"
    layout = {"M/D/Y": "M/D/Y", "D/M/Y": "D/M/Y", "Y/M/D": "Y/M/D"}[order] + " with a two-digit year"
    day = short_day(order, a, b, c, style.today)
    if order == "Y/M/D" or mark == ".":
        return _one(day, layout) if day else None
    other = short_day("D/M/Y" if order == "M/D/Y" else "M/D/Y", a, b, c, style.today)
    if day is None:
        return _one(other, layout) if other else None
    return DateInterval(day, day, "day", layout, other if other != day else None)


def _named_year(digits: str, style: DateStyle) -> tuple[int, str]:
    """A year of four digits, or of two; and what it is called."""
    if len(digits) == 4:
        return int(digits), "year"
    return _full_year(int(digits.lstrip("'")), style.today), "two-digit year"


def _year_last(a: int, b: int, year: int, order: str) -> DateInterval | None:
    month_first, day_first = _valid(year, a, b), _valid(year, b, a)
    if order == "D.M.Y":
        return _one(day_first, order) if day_first else None
    readings = [(month_first, "M/D/Y"), (day_first, "D/M/Y")]
    if order == "D/M/Y":
        readings.reverse()
    (day, layout), (other, other_layout) = readings
    if day is None:
        return _one(other, other_layout) if other else None
    return DateInterval(day, day, "day", layout, other if other != day else None)


def _valid(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _one(day: date, layout: str) -> DateInterval:
    return DateInterval(day, day, "day", layout)


def _week(year: int, week: int) -> DateInterval:
    first = date.fromisocalendar(year, week, 1)
    return DateInterval(first, first + timedelta(6), "interval", "ISO week")


def _one_month(year: int, month: int) -> DateInterval:
    last = calendar.monthrange(year, month)[1] if 1 <= month <= 12 else 0
    return DateInterval(date(year, month, 1), date(year, month, last), "month", "month and year")


def _years(first: int, last: int) -> DateInterval:
    if last < first:
        raise ValueError("years in the wrong order")
    precision, layout = ("year", "year only") if first == last else ("interval", "two years")
    return DateInterval(date(first, 1, 1), date(last, 12, 31), precision, layout)


def _month(name: str) -> int:
    return MONTHS.get(name, 0)


def from_parts(year: str, month: str, day: str) -> DateInterval | None:
    """Read a date of which year, month and day stand in cells of their own; None where that is no date.

    A month may be a number or a name. Without a day it is the month, without a month too the year.
    """
    number = {"year": _whole(year), "month": _whole(month), "day": _whole(day)}
    named = MONTHS.get(plain_text(month).strip("."), 0)
    if number["year"] is None or not OLDEST_YEAR <= number["year"] <= 9999:
        return None
    month_number = named or number["month"]
    if month_number is None and not is_no_date(month):
        return None
    if number["day"] is None and not is_no_date(day):
        return None
    try:
        if not month_number:
            return None if number["day"] else _years(number["year"], number["year"])
        if not number["day"]:
            return _one_month(number["year"], month_number)
        return _one(date(number["year"], month_number, number["day"]), "year, month and day apart")
    except ValueError:
        return None


def _whole(text: str) -> int | None:
    match = re.fullmatch(r"(\d{1,4})(?:[.,]0*)?", text.strip(), re.A)
    return int(match[1]) if match else None


def interval_precision(first: date, last: date) -> str:
    """Name an interval: day, month, year where it is exactly one of these, else interval."""
    if first == last:
        return "day"
    if (first.month, first.day, last.month, last.day) == (1, 1, 12, 31) and first.year == last.year:
        return "year"
    month_end = calendar.monthrange(first.year, first.month)[1]
    if first.day == 1 and last == date(first.year, first.month, month_end):
        return "month"
    return "interval"
