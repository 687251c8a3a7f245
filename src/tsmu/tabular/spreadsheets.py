"""Read CSV and XLSX tables written by users, with every cell as text; ragged rows are reported.

Encodings, separators and Excel's `sep=` line are handled in this module only.
"""

import csv
import io
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from pathlib import Path
from xml.etree.ElementTree import ParseError

import pandas as pd

from tsmu.errors import TableError
from tsmu.issues import IssueLog, reject_rows, warn_rows
from tsmu.tabular.columns import unique_column_names
from tsmu.wording import counted

WORKBOOK_SUFFIXES = (".xlsx", ".xlsm")
TABLE_SUFFIXES = (".csv", ".tsv", ".tab", ".txt", *WORKBOOK_SUFFIXES)
DELIMITERS = "\t;|,"  # of those that fit equally well the first is used, as commas also occur in texts and numbers
SAMPLED_ROWS = 20  # number of the first rows by which the delimiter is found
SAMPLED_CHARACTERS = 1_000_000  # these rows are searched within so many characters
MAX_COLUMNS = 500  # SQLite, which stores the events, allows 2000 columns in all
MAX_CELL_LENGTH = 10_000_000  # characters; a longer one means that a quote is missing
ROWS_PER_BLOCK = 50_000  # rows kept as Python lists before they become columns
BYTE_ORDER_MARKS = {
    b"\xff\xfe\0\0": "utf-32",
    b"\0\0\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}

# The errors that reading a damaged XLSX file (damaged XML in a damaged archive) can raise.
DAMAGE_ERRORS = (
    zipfile.BadZipFile, zlib.error, ParseError, OSError, EOFError, KeyError, ValueError, TypeError, AttributeError,
    IndexError, NotImplementedError, RuntimeError, OverflowError, struct.error,
)  # fmt: skip

Cells = list[str]


def read_table_file(path: Path, log: IssueLog) -> pd.DataFrame:
    """Read a CSV or XLSX file as text, as `read_table` does; rows with only empty cells are left out.

    Raises:
        TableError: the file cannot be read.

    Example:
        >>> read_table_file(Path("pairs.csv"), log).to_dict("records")
        [{'pre': 'a.tif', 'post': 'b.tif'}]
    """
    table, _ = read_table(path.name, path.suffix, _read_bytes(path), log)
    filled = pd.Series(False, index=table.index)
    for column in table.columns:
        filled |= table[column].str.strip() != ""
    return table.loc[filled]


def read_rows_file(path: Path, log: IssueLog) -> list[Cells]:
    """Read all rows of a CSV or XLSX file unchanged, for tables whose header may not be in the first row.

    Raises:
        TableError: the file cannot be read.

    Example:
        >>> read_rows_file(Path("pairs.csv"), log)
        [['pre', 'post'], ['a.tif', 'b.tif']]
    """
    return list(_rows(str(path), path.suffix, _read_bytes(path), log))


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TableError(f"{path}: cannot be read as a table ({(error.strerror or str(error)).lower()})") from None


def read_table(file: str, suffix: str, content: bytes, log: IssueLog) -> tuple[pd.DataFrame, int]:
    """Read a table as text.

    Args:
        file: the file's name in messages.
        suffix: the file's ending, one of `TABLE_SUFFIXES`.
        content: the bytes of the file.
        log: receives damaged text and ragged rows.

    Returns:
        The cells under unique column names, indexed by spreadsheet row (the header is row 1; a line `sep=;` above it
        does not count), without the rows that have more cells than the header; and the number of all rows below the
        header.

    Raises:
        TableError: the table is damaged, empty, or has no header.

    Example:
        >>> table, count = read_table("pairs.csv", ".csv", Path("pairs.csv").read_bytes(), log)
        >>> table.index.tolist(), count
        ([2], 1)
    """
    return _build_frame(file, _rows(file, suffix, content, log), log)


def _rows(file: str, suffix: str, content: bytes, log: IssueLog) -> Iterable[Cells]:
    """The rows of a table, which may have different numbers of cells."""
    if suffix.lower() in WORKBOOK_SUFFIXES:
        return _read_sheet(file, content, log)
    delimiter, text = _find_delimiter(_decode(file, content, log))
    return _split_cells(file, text, delimiter)


def _split_cells(file: str, text: str, delimiter: str) -> Iterator[Cells]:
    previous = csv.field_size_limit(MAX_CELL_LENGTH)
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        if '="' in text:  # cells such as ="007", a form that keeps Excel from reading a number
            yield from ([re.sub(r'^="(.*)"$', r"\1", cell, flags=re.S) for cell in row] for row in rows)
        else:
            yield from rows
    except csv.Error as error:
        raise TableError(f"{file}: cannot be read as a table ({error}); is a quote missing?") from None
    finally:
        csv.field_size_limit(previous)


def _find_delimiter(text: str) -> tuple[str, str]:
    """Find the character that separates the cells, and remove the line `sep=;` that declares it to Excel.

    Without such a line, the character is chosen with which the most rows have as many cells as the header, and with
    which the header has the most cells.

    Returns:
        The character, and the text without the declaring line.
    """
    first, _, rest = text.lstrip("\ufeff").partition("\n")
    declaration = first.strip("\r").strip('"').lower()
    if declaration.startswith("sep="):
        mark = first.strip("\r").strip('"')[4:5]
        if mark:
            return mark, rest
    lines = [line for line in text[:SAMPLED_CHARACTERS].splitlines()[:SAMPLED_ROWS] if line.strip()]

    def fit(mark: str) -> tuple[float, int]:
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=mark)]
        except csv.Error:
            return 0.0, 0
        # If a title stands above the header, the most common number of cells counts instead of the first row's.
        several = [width for width in widths if width > 1]
        header = widths[0] if several and widths[0] > 1 else max(several, key=several.count, default=1)
        return (widths.count(header) / len(widths) if header > 1 else 0.0), header

    fits = {mark: fit(mark) for mark in DELIMITERS}
    widest = max(width for _, width in fits.values())
    # A character that gives the header many more cells than others is chosen even where rows are ragged; otherwise
    # the share of rows that fit decides.
    return max(DELIMITERS, key=lambda mark: (2 * fits[mark][1] > widest, fits[mark])), text


def _decode(file: str, content: bytes, log: IssueLog) -> str:
    """Decode a text file.

    Texts with a byte order mark are UTF-8, UTF-16 or UTF-32. Texts without one are UTF-8, or else UTF-16 or
    Windows-1252, which is logged.
    """
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if content.startswith(mark):
            text = content.decode(encoding, "replace")
            break
    else:
        text = _decode_unmarked(file, content, log)
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        log.warning(file, f"NUL characters (first on line {line})", "removed")
        text = text.replace("\0", "")
    return text


def _decode_unmarked(file: str, content: bytes, log: IssueLog) -> str:
    start = content[:4000]
    for encoding, zeros in (("utf-16-le", start[1::2]), ("utf-16-be", start[::2])):
        if len(start) >= 8 and zeros.count(0) > 0.8 * len(zeros):
            log.warning(file, f"the text is {encoding.upper()} without a byte order mark", "read so")
            return content.decode(encoding, "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        log.warning(file, f"the text is not UTF-8 (first on line {line})", "read as Windows-1252")
        return content.removeprefix(b"\xef\xbb\xbf").decode("cp1252", "replace")


def _build_frame(file: str, rows: Iterable[Cells], log: IssueLog) -> tuple[pd.DataFrame, int]:
    iterator = iter(rows)
    header = next(iterator, None)
    if header is None or not any(name.strip() for name in header):
        raise TableError(f"{file}: has no header in its first row; put the column names there")
    names = unique_column_names(header)
    if len(names) > MAX_COLUMNS:
        raise TableError(f"{file}: has {len(names)} columns, more than {MAX_COLUMNS}; is it an inventory?")
    short: dict[int, str] = {}
    long: dict[int, str] = {}
    frames: list[pd.DataFrame] = []
    block: list[Cells] = []
    row = 1
    for row, cells in enumerate(iterator, start=2):
        block.append(cells if len(cells) == len(names) else _fit_to_header(cells, len(names), row, short, long))
        if len(block) == ROWS_PER_BLOCK:
            frames.append(pd.DataFrame(block, columns=names, dtype="str"))
            block = []
    frames.append(pd.DataFrame(block, columns=names, dtype="str"))
    warn_rows(log, file, None, list(short), list(short.values()), "missing cells read as empty")
    reject_rows(log, file, None, list(long), list(long.values()))
    frame = pd.concat(frames).set_axis(range(2, row + 1))
    return frame.drop(index=list(long)), len(frame)


def _fit_to_header(cells: Cells, width: int, row: int, short: dict[int, str], long: dict[int, str]) -> Cells:
    """Give a ragged row as many cells as the header.

    Args:
        cells: the cells of the row.
        width: the number of cells of the header.
        row: the row's number.
        short: receives the problem of a row with too few cells, which is filled up with empty ones.
        long: receives the problem of a row with too many cells, which becomes empty.
    """
    extra = cells[width:]
    if any(cell.strip() for cell in extra):
        long[row] = f"{counted(len(cells), 'cell')} where the header has {width}; is a text with a comma not quoted?"
        return [""] * width
    if len(cells) < width and any(cell.strip() for cell in cells):
        short[row] = f"{counted(len(cells), 'cell')} where the header has {width}"
    return cells[:width] + [""] * (width - len(cells))


def _read_sheet(file: str, content: bytes, log: IssueLog) -> list[Cells]:
    """The rows of a workbook's first sheet that is not empty; further sheets that are not empty are logged."""
    import openpyxl  # only XLSX files need it
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they concern styles and validation rules, which no table needs
            book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            sheets = [(sheet.title, _texts(sheet.iter_rows(values_only=True))) for sheet in book.worksheets]
    except (*DAMAGE_ERRORS, InvalidFileException) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise TableError(f"{file}: is damaged or no XLSX file ({reason}); save it again as XLSX") from None
    if book.epoch.year == 1904:
        problem = "counts days from 1904, as old Macintoshes did"
        log.warning(file, problem, "cells that are formatted as dates are right; a plain number of days is not")
    filled = [(title, rows) for title, rows in sheets if any(any(cells) for cells in rows)]
    if not filled:
        raise TableError(f"{file}: is empty; give a table with something in it")
    for title, _ in filled[1:]:
        log.warning(file, f"a further sheet {title!r}", "not read; save it as a file of its own")
    return filled[0][1]


def _texts(values: Iterable[tuple[object, ...]]) -> list[Cells]:
    return [[cell_text(value) for value in row] for row in values]


def cell_text(value: object) -> str:
    """Format the value of a cell as text: days in ISO form, whole numbers without a point, nothing for None and NaN.

    Example:
        >>> cell_text(3.0), cell_text(date(2018, 7, 5)), cell_text(None)
        ('3', '2018-07-05', '')
    """
    if value is None or value != value:  # NaN is not equal to itself
        return ""
    if isinstance(value, datetime):
        return value.isoformat(" ") if value.time() != time() else value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
