"""CSV and XLSX as text: what is damaged is told, what is typed keeps its value."""

import io
from datetime import date, datetime

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsmu.errors import TableError
from tsmu.issues import IssueLog
from tsmu.spreadsheets import cell_text, column_names, read_table


def table(content: bytes | str, suffix: str = ".csv", log: IssueLog | None = None) -> tuple[list[list[str]], int]:
    data = content.encode() if isinstance(content, str) else content
    frame, rows = read_table("f", suffix, data, IssueLog("f") if log is None else log)
    return [list(frame.columns), *frame.to_numpy().tolist()], rows


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiter_and_line_end_are_found(delimiter: str, end: str) -> None:
    text = end.join(delimiter.join(cells) for cells in (["a", "b", "c"], ["1", "x y", "007"], ["", "NA", "2.0E+5"]))
    assert table(text)[0] == [["a", "b", "c"], ["1", "x y", "007"], ["", "NA", "2.0E+5"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_marked_encodings_are_silent(encoding: str) -> None:
    log = IssueLog("f")
    assert table("name,b\nZürich 山,1".encode(encoding), log=log)[0] == [["name", "b"], ["Zürich 山", "1"]]
    assert len(log) == 0


def test_another_encoding_is_told_with_its_line() -> None:
    log = IssueLog("f")
    assert table("a,b\n1,2\nZürich \u2013 x,3".encode("cp1252"), log=log)[0][2] == ["Zürich \u2013 x", "3"]
    assert "line 3" in log.issues[0].problem
    assert "Windows-1252" in log.issues[0].action


def test_ragged_rows_and_nul_are_told_with_their_rows() -> None:
    log = IssueLog("f")
    cells, rows = table('a,b,c\n1,2\n1,2,3,\n1,2,3,4\n"x\ny",2,3\n\0p,q,r\n', log=log)
    assert cells == [["a", "b", "c"], ["1", "2", ""], ["1", "2", "3"], ["x\ny", "2", "3"], ["p", "q", "r"]]
    assert rows == 5
    assert {(issue.row, issue.severity) for issue in log} == {(None, "warning"), (2, "warning"), (4, "error")}


@pytest.mark.parametrize("content", [b"", b"\n", b",,\n1,2,3", b"\xef\xbb\xbf", b"\0\0"])
def test_a_table_without_header_is_refused(content: bytes) -> None:
    with pytest.raises(TableError, match="no header"):
        table(content)


def test_too_many_columns_are_refused() -> None:
    with pytest.raises(TableError, match="501 columns"):
        table(",".join(f"c{i}" for i in range(501)))


def test_column_names_are_made_unique_whatever_their_case() -> None:
    assert column_names(["Date", "date", "", " a  b ", "DATE_2"]) == ["Date", "date_2", "column_3", "a b", "DATE_2_2"]


@given(st.lists(st.text(max_size=5), max_size=12))
def test_column_names_are_always_unique(header: list[str]) -> None:
    assert len({name.casefold() for name in column_names(header)}) == len(header)


def workbook(rows: list[list[object]], more: str | None = None) -> bytes:
    book = openpyxl.Workbook()
    for cells in rows:
        book.active.append(cells)
    if more:
        book.create_sheet(more).append(["x"])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_typed_cells_of_a_sheet_become_text() -> None:
    day, moment = datetime(2013, 9, 9), datetime(2013, 9, 9, 7, 5)
    content = workbook([["a", "b", "c"], [day, 201001211002, 40.21861899], [], [moment, None, True]])
    cells, rows = table(content, ".xlsx")
    assert cells[1:] == [
        ["2013-09-09", "201001211002", "40.21861899"],
        ["", "", ""],
        ["2013-09-09 07:05:00", "", "True"],
    ]
    assert rows == 3


def test_a_further_sheet_is_told() -> None:
    log = IssueLog("f")
    table(workbook([["a"], [1]], more="rest"), ".xlsx", log)
    assert "rest" in log.issues[0].problem


@given(st.integers(0, 10**6), st.binary(min_size=1, max_size=8))
def test_a_damaged_workbook_is_read_or_refused(place: int, damage: bytes) -> None:
    content = bytearray(WORKBOOK)
    place %= len(content)
    content[place : place + len(damage)] = damage
    try:
        table(bytes(content), ".xlsx")
    except TableError as error:
        assert "\n" not in str(error)


WORKBOOK = workbook([["lat", "lon", "date"], [1.5, 2.5, date(2014, 1, 2)], [3, 4, "2014"]])


@given(st.one_of(st.none(), st.integers(), st.floats(), st.text(), st.datetimes(), st.dates(), st.booleans()))
def test_any_cell_becomes_text(value: object) -> None:
    assert isinstance(cell_text(value), str)
