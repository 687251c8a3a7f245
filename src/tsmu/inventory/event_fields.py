"""The fields of events other than their dates, read from the text of their columns; defects are logged by row."""

import numpy as np
import pandas as pd

from tsmu.errors import RegionError
from tsmu.inventory.coordinates import parse_metres
from tsmu.inventory.known_sources import InventorySource
from tsmu.issues import IssueLog, warn_rows
from tsmu.regions import clean_region_name, region_key

MISSING = {"", "n/a", "#n/a", "na", "nan", "nat", "none", "null", "<null>", "-", "--", "unknown"}
CONTROL_CHARACTER = r"[\x01-\x09\x0b\x0c\x0e-\x1f\x7f]"


def warn_control_characters(cells: pd.DataFrame, file: str, log: IssueLog) -> None:
    """Log the cells with tabs and other characters that do not print; line breaks are allowed."""
    for column in cells.columns:
        rows = cells.index[cells[column].str.contains(CONTROL_CHARACTER, regex=True)]
        problems = [f"control characters in {cells.loc[row, column][:60]!r}" for row in rows]
        warn_rows(log, file, column, rows.tolist(), problems, "treated as blanks")


def clean_text(texts: pd.Series) -> pd.Series:
    """Replace control characters in texts by blanks, and remove blanks at both ends."""
    return texts.str.replace(f"{CONTROL_CHARACTER}+", " ", regex=True).str.strip()


def accuracy_metres(texts: pd.Series, column: str | None, file: str, log: IssueLog) -> np.ndarray:
    """Read positional accuracies (N,) in metres; NaN where a text is empty or no distance, which is logged.

    Args:
        texts: the cells, indexed by spreadsheet row.
        column: the name of their column.
        file: name of the file, for the log.
        log: receives the rows whose text is no distance.
    """
    values = np.array([parse_metres(text) for text in texts], float)
    unread = [i for i, text in enumerate(texts) if text.casefold() not in MISSING and np.isnan(values[i])]
    problems = [f"{texts.iloc[i]!r} is no distance" for i in unread]
    warn_rows(log, file, column, texts.index[unread].tolist(), problems, "treated as unknown")
    return values


def confidence_fields(
    texts: pd.Series, column: str | None, source: InventorySource, file: str, log: IssueLog
) -> tuple[pd.Series, pd.Series]:
    """Read the confidences of events.

    Args:
        texts: the cells, indexed by spreadsheet row.
        column: the name of their column.
        source: the kind of the inventory, which may have a named class for each number.
        file: name of the file, for the log.
        log: receives the rows whose number has no class.

    Returns:
        The named class of each event (the cell's own text if the source has no classes), and its number, missing
        where the cell is no number.
    """
    code = pd.to_numeric(texts.where(texts.str.fullmatch(r"\d{1,3}(\.0*)?"), "")).round().astype("Int64")
    if not source.confidence:
        return texts, code
    named = code.map(source.confidence).astype("str").fillna("")
    unread = texts.index[(named == "") & ~texts.str.casefold().isin(MISSING)]
    problems = [f"confidence {texts[row]!r} is none of {', '.join(map(str, source.confidence))}" for row in unread]
    warn_rows(log, file, column, unread.tolist(), problems, "imported without a class")
    return named, code


def region_field(texts: pd.Series, column: str | None, file: str, log: IssueLog) -> pd.Series:
    """Return region names from which file names can be made; different spellings of a region become the most frequent.

    Args:
        texts: the cells, indexed by spreadsheet row.
        column: the name of their column.
        file: name of the file, for the log.
        log: receives the names that cannot be used, and the spellings that were changed.
    """
    names: dict[str, str] = {"": ""}
    for text, count in texts[texts != ""].value_counts().items():
        try:
            names[str(text)] = clean_region_name(str(text))
        except RegionError as error:
            names[str(text)] = ""
            rows = texts.index[texts == text].tolist()
            warn_rows(log, file, column, rows[:count], str(error), "imported without a region")
    usual: dict[str, str] = {}
    for name in names.values():  # the most frequent comes first
        usual.setdefault(region_key(name), name)
    for text, name in names.items():
        spelling = usual[region_key(name)]
        if name and spelling != text:
            rows = texts.index[texts == text].tolist()
            warn_rows(log, file, column, rows, f"region {text!r} is another spelling of {spelling!r}", "read as one")
    return texts.map({text: usual[region_key(name)] for text, name in names.items()}).astype("str")
