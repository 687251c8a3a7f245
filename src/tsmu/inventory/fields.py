"""The fields of an event, read from the text of their columns; what is wrong is told by row."""

from collections import Counter
from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd

from tsmu.errors import RegionError
from tsmu.inventory.coordinates import parse_metres
from tsmu.inventory.dates import YEAR, Order, Span, column_order, interval_precision, parse_date
from tsmu.inventory.layers import Layer
from tsmu.inventory.rowlog import FEW, ranges, warn_rows
from tsmu.inventory.sources import Source
from tsmu.issues import IssueLog
from tsmu.regions import clean_region_name, region_key

MISSING = {"", "n/a", "#n/a", "na", "nan", "nat", "none", "null", "<null>", "-", "--", "unknown"}
CONTROL = r"[\x01-\x09\x0b\x0c\x0e-\x1f\x7f]"
MANY_FIRSTS = 0.2  # share of dates on the first of a month; by chance it is 0.03
PLACEHOLDERS = {date(1899, 12, 30), date(1899, 12, 31), date(1900, 1, 1), date(9999, 12, 31)}
Text = Mapping[str, pd.Series]


def tell_control_characters(cells: pd.DataFrame, file: str, log: IssueLog) -> None:
    """Tell the cells with tabs and other characters that do not print; line breaks are text."""
    for column in cells.columns:
        rough = cells.index[cells[column].str.contains(CONTROL, regex=True)]
        said = [f"control characters in {cells.loc[row, column][:60]!r}" for row in rough]
        warn_rows(log, file, column, rough.tolist(), said, "taken as blanks")


def clean_text(texts: pd.Series) -> pd.Series:
    """Texts without control characters and blanks round them."""
    return texts.str.replace(f"{CONTROL}+", " ", regex=True).str.strip()


def date_fields(
    text: Text, columns: Mapping[str, str], source: Source, layer: Layer, index: pd.Index, log: IssueLog
) -> pd.DataFrame:
    """Columns date_min, date_max (days) and date_precision under the rows `index` of a layer."""
    file = layer.file
    spans = {
        role: _spans(text[role], columns[role], source, file, log)
        for role in ("date", "date_min", "date_max")
        if role in text
    }
    if not spans and layer.name and (year := YEAR.fullmatch(layer.name)):
        span = parse_date(year[0])
        spans["date"] = [span] * len(index)
        if len(index):
            log.warning(file, f"no date; the layer is called {year[0]}", "every event dated to that year")
    nothing: list[Span | None] = [None] * len(index)
    single = spans.get("date", nothing)
    early = [a or b for a, b in zip(spans.get("date_min", nothing), single, strict=True)]
    late = [a or b for a, b in zip(spans.get("date_max", nothing), single, strict=True)]
    return _intervals(early, late, index, columns.get("date_max"), file, log)


def _intervals(
    early: list[Span | None], late: list[Span | None], index: pd.Index, column: str | None, file: str, log: IssueLog
) -> pd.DataFrame:
    first = [span.first if span else None for span in early]
    last = [span.last if span else None for span in late]
    turned = [i for i, (a, b) in enumerate(zip(first, last, strict=True)) if a and b and a > b]
    said = [f"the latest day {last[i]} is before the earliest {first[i]}" for i in turned]
    warn_rows(log, file, column, index[turned].tolist(), said, "exchanged")
    for i in turned:
        first[i], last[i] = late[i].first, early[i].last  # type: ignore[union-attr]
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


def _spans(texts: pd.Series, column: str, source: Source, file: str, log: IssueLog) -> list[Span | None]:
    """Read one column of dates; each distinct text is read once."""
    distinct = [text for text in texts.unique() if text.casefold() not in MISSING]
    found = source.order or column_order(distinct)
    order: Order = found or "M/D/Y"
    known = {text: parse_date(text, order) for text in distinct}
    spans = [known.get(text) for text in texts]
    index = texts.index
    unread = [i for i, text in enumerate(texts) if text in known and known[text] is None]
    said = [f"date {texts.iloc[i]!r} cannot be read" for i in unread]
    warn_rows(log, file, column, index[unread].tolist(), said, "taken without a date")
    blank = [i for i, text in enumerate(texts) if text not in known]
    if column and len(blank) < len(texts):
        warn_rows(log, file, column, index[blank].tolist(), "no date", "taken without a date")
    empty = [i for i, span in enumerate(spans) if span and PLACEHOLDERS & {span.first, span.last}]
    said = [f"date {texts.iloc[i]!r} stands for unknown" for i in empty]
    warn_rows(log, file, column, index[empty].tolist(), said, "taken without a date")
    for i in empty:
        spans[i] = None
    today = date.today()
    future = [i for i, span in enumerate(spans) if span and span.first > today]
    said = [f"date {texts.iloc[i]!r} is in the future" for i in future]
    warn_rows(log, file, column, index[future].tolist(), said, "kept; check it")
    _tell_firsts(spans, texts, column, file, log)
    _tell_layouts(spans, texts, column, found is not None, file, log)
    return spans


def _tell_firsts(spans: list[Span | None], texts: pd.Series, column: str, file: str, log: IssueLog) -> None:
    """Tell dates on the first of a month where they are too many to be days."""
    days = [(row, span) for row, span in zip(texts.index, spans, strict=True) if span and span.precision == "day"]
    firsts = [row for row, span in days if span.first.day == 1]
    # A single event on a first of a month can fill a whole inventory, so the dates must differ.
    if len(firsts) > max(MANY_FIRSTS * len(days), 10) and len({texts[row] for row in firsts}) > 1:
        problem = f"{len(firsts)} of {len(days)} dates are the first of a month and may mean all of it"
        log.warning(file, f"{problem}: rows {ranges(firsts)}", "kept as days", row=firsts[0], column=column)


def _tell_layouts(
    spans: list[Span | None], texts: pd.Series, column: str, order_known: bool, file: str, log: IssueLog
) -> None:
    """Tell the rows whose layout is not that of most rows, and days that may be months."""
    layouts = Counter(span.layout for span in spans if span)
    usual = layouts.most_common(1)[0][0] if layouts else None
    for layout, count in layouts.items():
        if layout == usual:
            continue
        rows = [row for row, span in zip(texts.index, spans, strict=True) if span and span.layout == layout]
        if count > FEW:
            log.warning(
                file, f"{count} dates are written {layout}, most others {usual}: rows {ranges(rows)}",
                f"read as {layout}", row=rows[0], column=column,
            )  # fmt: skip
        else:
            said = [f"date {texts[row]!r} is written {layout}, most others {usual}" for row in rows]
            warn_rows(log, file, column, rows, said, f"read as {layout}")
    unsure = [row for row, span in zip(texts.index, spans, strict=True) if span and span.other]
    if unsure:
        by = "as this source writes" if order_known else "nothing in the column says which"
        read = next(span.layout for span in spans if span and span.other)
        log.warning(
            file, f"{len(unsure)} dates could be M/D/Y or D/M/Y ({by}): rows {ranges(unsure)}",
            f"read as {read}", row=unsure[0], column=column,
        )  # fmt: skip


def metres(texts: pd.Series, column: str | None, file: str, log: IssueLog) -> np.ndarray:
    """Positional accuracies in metres, NaN where there is none."""
    values = np.array([parse_metres(text) for text in texts], float)
    bad = [i for i, text in enumerate(texts) if text.casefold() not in MISSING and np.isnan(values[i])]
    said = [f"{texts.iloc[i]!r} is no distance" for i in bad]
    warn_rows(log, file, column, texts.index[bad].tolist(), said, "taken as unknown")
    return values


def confidence_fields(
    texts: pd.Series, column: str | None, source: Source, file: str, log: IssueLog
) -> tuple[pd.Series, pd.Series]:
    """The named class of each confidence, and its number where it is one."""
    code = pd.to_numeric(texts.where(texts.str.fullmatch(r"\d{1,3}(\.0*)?"), "")).round().astype("Int64")
    if not source.confidence:
        return texts, code
    named = code.map(source.confidence).astype("str").fillna("")
    bad = texts.index[(named == "") & ~texts.str.casefold().isin(MISSING)]
    said = [f"confidence {texts[row]!r} is none of {', '.join(map(str, source.confidence))}" for row in bad]
    warn_rows(log, file, column, bad.tolist(), said, "taken without a class")
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
