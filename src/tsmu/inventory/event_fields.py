"""The fields of an event, read from the text of their columns; what is wrong is told by row."""

import re
from collections import Counter
from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd

from tsmu.date_columns import read_dates
from tsmu.dates import DateInterval, from_parts, interval_precision, is_no_date, parse_date
from tsmu.errors import RegionError
from tsmu.inventory.column_roles import DATE_ROLES, PART_ROLES
from tsmu.inventory.coordinates import parse_metres
from tsmu.inventory.inventory_layers import InventoryLayer
from tsmu.inventory.known_sources import InventorySource
from tsmu.issues import IssueLog
from tsmu.regions import clean_region_name, region_key
from tsmu.rowlog import FEW, ranges, warn_rows

MISSING = {"", "n/a", "#n/a", "na", "nan", "nat", "none", "null", "<null>", "-", "--", "unknown"}
CONTROL = r"[\x01-\x09\x0b\x0c\x0e-\x1f\x7f]"
MANY_FIRSTS = 0.2  # share of dates on the first of a month; by chance it is 0.03
PLACEHOLDERS = {date(1899, 12, 30), date(1899, 12, 31), date(1900, 1, 1), date(9999, 12, 31)}
Text = Mapping[str, pd.Series]
Dates = list[DateInterval | None]  # one per row


def warn_control_characters(cells: pd.DataFrame, file: str, log: IssueLog) -> None:
    """Tell the cells with tabs and other characters that do not print; line breaks are text."""
    for column in cells.columns:
        rough = cells.index[cells[column].str.contains(CONTROL, regex=True)]
        problems = [f"control characters in {cells.loc[row, column][:60]!r}" for row in rough]
        warn_rows(log, file, column, rough.tolist(), problems, "taken as blanks")


def clean_text(texts: pd.Series) -> pd.Series:
    """Texts without control characters and blanks round them."""
    return texts.str.replace(f"{CONTROL}+", " ", regex=True).str.strip()


def date_fields(
    text: Text,
    columns: Mapping[str, str],
    source: InventorySource,
    layer: InventoryLayer,
    index: pd.Index,
    log: IssueLog,
) -> pd.DataFrame:
    """Columns date_min, date_max (days) and date_precision under the rows `index` of a layer."""
    file = layer.file
    given = [role for role in DATE_ROLES if role in text]
    dates = {}
    for role in given:
        beside = [cell for other in given if other != role for cell in text[other].unique()]
        dates[role] = _dates(text[role], columns[role], source, beside, file, log)
    for role, parts in PART_ROLES.items():
        if parts[0] in text:
            dates[role] = _with_parts(role, dates.get(role), text, columns, index, file, log)
    if not dates and layer.name and (year := re.fullmatch(r"\d{4}", layer.name, re.A)):
        dates["date"] = [parse_date(year[0])] * len(index)
        if len(index):
            log.warning(file, f"no date; the layer is called {year[0]}", "every event dated to that year")
    nothing: Dates = [None] * len(index)
    single = dates.get("date", nothing)
    early = [a or b for a, b in zip(dates.get("date_min", nothing), single, strict=True)]
    late = [a or b for a, b in zip(dates.get("date_max", nothing), single, strict=True)]
    return _intervals(early, late, index, columns.get("date_max"), file, log)


def _with_parts(
    role: str, dates: Dates | None, text: Text, columns: Mapping[str, str], index: pd.Index, file: str, log: IssueLog
) -> Dates:
    """Dates of which year, month and day stand in columns of their own, and how they go with one column of dates."""
    empty = pd.Series("", index=index, dtype="str")
    roles = PART_ROLES[role]
    year = columns[roles[0]]
    cells = [(y, m, d) for y, m, d in zip(*(text.get(part, empty) for part in roles), strict=True)]
    known = {parts: from_parts(*parts) for parts in dict.fromkeys(cells)}
    parts_of = [known[parts] for parts in cells]
    blank = [at for at, parts in enumerate(cells) if all(map(is_no_date, parts))]
    unread = sorted({at for at, date_of in enumerate(parts_of) if date_of is None} - set(blank))
    names = [columns[part] for part in roles if part in text]
    shown = [", ".join(f"{columns[part]} {text[part].iloc[at]!r}" for part in roles if part in text) for at in unread]
    warn_rows(
        log, file, year, index[unread].tolist(), [f"{parts} are no date" for parts in shown],
        "taken without a date" if dates is None else "not used",
    )  # fmt: skip
    if dates is None:
        if len(blank) < len(cells):
            warn_rows(log, file, year, index[blank].tolist(), "no date", "taken without a date")
        _tell_future(parts_of, [" ".join(parts) for parts in cells], year, index, file, log)
        return parts_of
    differ = [at for at, (one, other) in enumerate(zip(dates, parts_of, strict=True)) if _apart(one, other)]
    problems = [f"{' and '.join(names)} say {parts_of[at].first}, not {text[role].iloc[at]!r}" for at in differ]  # type: ignore[union-attr]
    warn_rows(log, file, year, index[differ].tolist(), problems, "the column of dates is taken")
    return [_narrower(one, other) for one, other in zip(dates, parts_of, strict=True)]


def _apart(one: DateInterval | None, other: DateInterval | None) -> bool:
    """Whether two readings of one date share no day."""
    if not one or not other:
        return False
    before = one.last and other.first and one.last < other.first
    return bool(before or (other.last and one.first and other.last < one.first))


def _narrower(one: DateInterval | None, other: DateInterval | None) -> DateInterval | None:
    """Of a date and its parts the one that says more; the date itself where they differ."""
    if not one or not other or _apart(one, other):
        return one or other
    if one.first and one.last and other.first and other.last and (other.last - other.first) < (one.last - one.first):
        return other
    return one


def _intervals(
    early: Dates, late: Dates, index: pd.Index, column: str | None, file: str, log: IssueLog
) -> pd.DataFrame:
    first = [one.first if one else None for one in early]
    last = [one.last if one else None for one in late]
    turned = [i for i, (a, b) in enumerate(zip(first, last, strict=True)) if a and b and a > b]
    problems = [f"the latest day {last[i]} is before the earliest {first[i]}" for i in turned]
    warn_rows(log, file, column, index[turned].tolist(), problems, "exchanged")
    for i in turned:
        first[i], last[i] = late[i].first or last[i], early[i].last or first[i]  # type: ignore[union-attr]
    precision = []
    for a, b, one, other in zip(first, last, early, late, strict=True):
        if a and b:
            precision.append(one.precision if one is other and one else interval_precision(a, b))
        else:
            precision.append("open" if a or b else "unknown")
    days = {"date_min": first, "date_max": last}
    table = pd.DataFrame({name: np.array(values, "datetime64[s]") for name, values in days.items()}, index=index)
    table["date_precision"] = pd.Series(precision, index=index, dtype="str")
    return table


def _dates(
    texts: pd.Series, column: str, source: InventorySource, beside: list[str], file: str, log: IssueLog
) -> Dates:
    """Read one column of dates, and tell what cannot be read and what was taken for granted."""
    read = read_dates(texts.tolist(), source.order, beside)
    dates, index = list(read.intervals), texts.index
    problems = [f"date {texts.iloc[i]!r} cannot be read" for i in read.unread]
    warn_rows(log, file, column, index[read.unread].tolist(), problems, "taken without a date")
    if len(read.blank) < len(texts):
        warn_rows(log, file, column, index[read.blank].tolist(), "no date", "taken without a date")
    empty = [i for i, one in enumerate(dates) if one and PLACEHOLDERS & {one.first, one.last}]
    problems = [f"date {texts.iloc[i]!r} stands for unknown" for i in empty]
    warn_rows(log, file, column, index[empty].tolist(), problems, "taken without a date")
    for i in empty:
        dates[i] = None
    _tell_future(dates, texts.tolist(), column, index, file, log)
    _tell_firsts(dates, texts, column, file, log)
    _tell_layouts(dates, texts, column, file, log)
    for places, problem, action in read.notes:
        rows = index[places].tolist()
        log.warning(file, f"{len(rows)} dates {problem}: rows {ranges(rows)}", action, row=rows[0], column=column)
    return dates


def _tell_future(dates: Dates, texts: list[str], column: str, index: pd.Index, file: str, log: IssueLog) -> None:
    today = date.today()
    future = [i for i, one in enumerate(dates) if one and one.first and one.first > today]
    problems = [f"date {texts[i]!r} is in the future" for i in future]
    warn_rows(log, file, column, index[future].tolist(), problems, "kept; check it")


def _tell_firsts(dates: Dates, texts: pd.Series, column: str, file: str, log: IssueLog) -> None:
    """Tell dates on the first of a month where they are too many to be days."""
    days = [(row, one) for row, one in zip(texts.index, dates, strict=True) if one and one.precision == "day"]
    firsts = [row for row, one in days if one.first and one.first.day == 1]
    # A single event on a first of a month can fill a whole inventory, so the dates must differ.
    if len(firsts) > max(MANY_FIRSTS * len(days), 10) and len({texts[row] for row in firsts}) > 1:
        problem = f"{len(firsts)} of {len(days)} dates are the first of a month and may mean all of it"
        log.warning(file, f"{problem}: rows {ranges(firsts)}", "kept as days", row=firsts[0], column=column)


def _tell_layouts(dates: Dates, texts: pd.Series, column: str, file: str, log: IssueLog) -> None:
    """Tell the rows whose layout is not that of most rows."""
    layouts = Counter(one.layout for one in dates if one)
    usual = layouts.most_common(1)[0][0] if layouts else None
    for layout, count in layouts.items():
        if layout == usual:
            continue
        rows = [row for row, one in zip(texts.index, dates, strict=True) if one and one.layout == layout]
        if count > FEW:
            log.warning(
                file, f"{count} dates are written {layout}, most others {usual}: rows {ranges(rows)}",
                f"read as {layout}", row=rows[0], column=column,
            )  # fmt: skip
        else:
            problems = [f"date {texts[row]!r} is written {layout}, most others {usual}" for row in rows]
            warn_rows(log, file, column, rows, problems, f"read as {layout}")


def accuracy_metres(texts: pd.Series, column: str | None, file: str, log: IssueLog) -> np.ndarray:
    """Positional accuracies in metres, NaN where there is none."""
    values = np.array([parse_metres(text) for text in texts], float)
    bad = [i for i, text in enumerate(texts) if text.casefold() not in MISSING and np.isnan(values[i])]
    problems = [f"{texts.iloc[i]!r} is no distance" for i in bad]
    warn_rows(log, file, column, texts.index[bad].tolist(), problems, "taken as unknown")
    return values


def confidence_fields(
    texts: pd.Series, column: str | None, source: InventorySource, file: str, log: IssueLog
) -> tuple[pd.Series, pd.Series]:
    """The named class of each confidence, and its number where it is one."""
    code = pd.to_numeric(texts.where(texts.str.fullmatch(r"\d{1,3}(\.0*)?"), "")).round().astype("Int64")
    if not source.confidence:
        return texts, code
    named = code.map(source.confidence).astype("str").fillna("")
    bad = texts.index[(named == "") & ~texts.str.casefold().isin(MISSING)]
    problems = [f"confidence {texts[row]!r} is none of {', '.join(map(str, source.confidence))}" for row in bad]
    warn_rows(log, file, column, bad.tolist(), problems, "taken without a class")
    return named, code


def region_field(texts: pd.Series, column: str | None, file: str, log: IssueLog) -> pd.Series:
    """Region names as they can be used; of several spellings of one region the commonest stands."""
    names: dict[str, str] = {"": ""}
    for text, count in texts[texts != ""].value_counts().items():
        try:
            names[str(text)] = clean_region_name(str(text))
        except RegionError as error:
            names[str(text)] = ""
            rows = texts.index[texts == text].tolist()
            warn_rows(log, file, column, rows[:count], str(error), "taken without a region")
    usual: dict[str, str] = {}
    for name in names.values():  # commonest first
        usual.setdefault(region_key(name), name)
    for text, name in names.items():
        stands = usual[region_key(name)]
        if name and stands != text:
            rows = texts.index[texts == text].tolist()
            warn_rows(log, file, column, rows, f"region {text!r} is another spelling of {stands!r}", "read as one")
    return texts.map({text: usual[region_key(name)] for text, name in names.items()}).astype("str")
