"""CSV and XLSX tables with every cell as text: nothing is guessed, ragged rows are told."""

import csv
import io
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterable
from datetime import date, datetime, time
from xml.etree.ElementTree import ParseError

import pandas as pd

from tsmu.errors import InventoryError
from tsmu.inventory.rowlog import reject_rows, warn_rows
from tsmu.issues import IssueLog

TABLES = (".csv", ".tsv", ".txt", ".xlsx")
DELIMITERS = ",;\t|"
MAX_COLUMNS = 500  # SQLite, which stores the events, takes 2000 in all
LONG_CELL = 10_000_000  # characters; a longer one means that a quote is missing
ROWS_AT_ONCE = 50_000  # rows kept as Python lists before they become columns

# What reading damaged XML in a damaged archive can end in.
DAMAGE = (
    zipfile.BadZipFile, zlib.error, ParseError, OSError, EOFError, KeyError, ValueError, TypeError, AttributeError,
    IndexError, NotImplementedError, RuntimeError, OverflowError, struct.error,
)  # fmt: skip

Cells = list[str]


def read_table(file: str, suffix: str, content: bytes, log: IssueLog) -> tuple[pd.DataFrame, int]:
    """Read a table as text.

    Args:
        file: How the file is called in messages.
        suffix: `.xlsx`, or one of the text kinds.
        content: The bytes of the file.
        log: Takes damaged text and ragged rows.

    Returns:
        The cells under unique column names, indexed by spreadsheet row (the header is row 1), without
        the rows that have more cells than the header; and how many rows there were below the header.

    Raises:
        InventoryError: it is damaged, empty, or has no header.
    """
    if suffix == ".xlsx":
        return _frame(file, _sheet(file, content, log), log)
    text = _decode(file, content, log)
    first = next(iter(text.splitlines()), "")
    delimiter = max(DELIMITERS, key=lambda mark: len(next(csv.reader([first], delimiter=mark), [])))
    previous = csv.field_size_limit(LONG_CELL)
    try:
        return _frame(file, csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), log)
    except csv.Error as error:
        raise InventoryError(f"{file}: cannot be read as a table ({error}); is a quote missing?") from None
    finally:
        csv.field_size_limit(previous)


def _decode(file: str, content: bytes, log: IssueLog) -> str:
    """Decode UTF-8 or UTF-16 with their marks, UTF-8 without, else Windows-1252, which is said."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", "replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            log.warning(file, f"the text is not UTF-8 (first on line {line})", "read as Windows-1252")
            text = content.decode("cp1252", "replace")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        log.warning(file, f"NUL characters (first on line {line})", "removed")
        text = text.replace("\0", "")
    return text


def _frame(file: str, rows: Iterable[Cells], log: IssueLog) -> tuple[pd.DataFrame, int]:
    iterator = iter(rows)
    header = next(iterator, None)
    if header is None or not any(name.strip() for name in header):
        raise InventoryError(f"{file}: has no header in its first row; put the column names there")
    names = column_names(header)
    if len(names) > MAX_COLUMNS:
        raise InventoryError(f"{file}: has {len(names)} columns, more than {MAX_COLUMNS}; is it an inventory?")
    short: dict[int, str] = {}
    long: dict[int, str] = {}
    frames: list[pd.DataFrame] = []
    block: list[Cells] = []
    row = 1
    for row, cells in enumerate(iterator, start=2):
        block.append(cells if len(cells) == len(names) else _fitted(cells, len(names), row, short, long))
        if len(block) == ROWS_AT_ONCE:
            frames.append(pd.DataFrame(block, columns=names, dtype="str"))
            block = []
    frames.append(pd.DataFrame(block, columns=names, dtype="str"))
    warn_rows(log, file, None, list(short), list(short.values()), "took the missing cells as empty")
    reject_rows(log, file, None, list(long), list(long.values()))
    frame = pd.concat(frames).set_axis(range(2, row + 1))
    return frame.drop(index=list(long)), len(frame)


def _fitted(cells: Cells, width: int, row: int, short: dict[int, str], long: dict[int, str]) -> Cells:
    extra = cells[width:]
    if any(cell.strip() for cell in extra):
        long[row] = f"{len(cells)} cells where the header has {width}; is a text with a comma not quoted?"
        return [""] * width
    if len(cells) < width and any(cell.strip() for cell in cells):
        short[row] = f"{len(cells)} cells where the header has {width}"
    return cells[:width] + [""] * (width - len(cells))


def column_names(header: list[str]) -> list[str]:
    """Make column names unique whatever their case, and name those without a name by their place."""
    names: list[str] = []
    taken: set[str] = set()
    for place, given in enumerate(header, start=1):
        base = name = " ".join(given.split()) or f"column_{place}"
        count = 1
        while name.casefold() in taken:
            count += 1
            name = f"{base}_{count}"
        taken.add(name.casefold())
        names.append(name)
    return names


def _sheet(file: str, content: bytes, log: IssueLog) -> list[Cells]:
    """The rows of the first sheet that is not empty; others that are not empty are told."""
    import openpyxl  # only XLSX files need it
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and validation rules, which no table needs
            book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            sheets = [(sheet.title, _rows(sheet.iter_rows(values_only=True))) for sheet in book.worksheets]
    except (*DAMAGE, InvalidFileException) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise InventoryError(f"{file}: is damaged or no XLSX file ({reason}); save it again as XLSX") from None
    filled = [(title, rows) for title, rows in sheets if any(any(cells) for cells in rows)]
    if not filled:
        raise InventoryError(f"{file}: is empty; give an inventory")
    for title, _ in filled[1:]:
        log.warning(file, f"a further sheet {title!r}", "not read; save it as a file of its own")
    return filled[0][1]


def _rows(values: Iterable[tuple[object, ...]]) -> list[Cells]:
    return [[cell_text(value) for value in row] for row in values]


def cell_text(value: object) -> str:
    """Write a typed cell as a person would: days in ISO form, whole numbers without a point."""
    if value is None or value != value:  # NaN is not equal to itself
        return ""
    if isinstance(value, datetime):
        return value.isoformat(" ") if value.time() != time() else value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
