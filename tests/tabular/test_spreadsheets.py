"""CSV and XLSX as text: what is damaged is told, what is typed keeps its value."""

import io
from datetime import date, datetime

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsmu.errors import TableError
from tsmu.issues import IssueLog
from tsmu.tabular import cell_text, find_columns, read_table, unique_column_names


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
    assert unique_column_names(["Date", "date", "", " a  b ", "DATE_2"]) == [
        "Date",
        "date_2",
        "column_3",
        "a b",
        "DATE_2_2",
    ]


@given(st.lists(st.text(max_size=5), max_size=12))
def test_column_names_are_always_unique(header: list[str]) -> None:
    assert len({name.casefold() for name in unique_column_names(header)}) == len(header)


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


@pytest.mark.parametrize("first", ["sep=;", "SEP=;", '"sep=;"', "sep=;;;;"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_the_line_that_tells_excel_the_separator_is_no_header(first: str, encoding: str) -> None:
    frame, rows = read_table("f", ".csv", f"{first}\r\nNäme;b,c\r\nx;1,5\r\n".encode(encoding), IssueLog("f"))
    assert (list(frame.columns), frame.to_numpy().tolist(), rows) == (["Näme", "b,c"], [["x", "1,5"]], 1)
    assert frame.index.tolist() == [2], "a spreadsheet hides that line"


def test_any_mark_may_separate_where_the_file_says_so() -> None:
    assert table("sep=:\na:b\n1:2\n")[0] == [["a", "b"], ["1", "2"]]
    assert table("sep=\t\na\tb\n1\t2\n")[0] == [["a", "b"], ["1", "2"]]


def test_commas_within_the_names_of_a_table_with_semicolons_do_not_separate() -> None:
    text = "Name, of the slide;lat, N;lon\nx;46,5;7,5\ny;46,6;7,6\n"
    assert table(text)[0] == [["Name, of the slide", "lat, N", "lon"], ["x", "46,5", "7,5"], ["y", "46,6", "7,6"]]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_its_mark_is_told(encoding: str) -> None:
    log = IssueLog("f")
    assert table("name,b\nZürich,1".encode(encoding), log=log)[0] == [["name", "b"], ["Zürich", "1"]]
    assert [issue.action for issue in log] == ["read so"]


def test_names_of_columns_are_composed_and_found_in_any_spelling() -> None:
    frame, _ = read_table("f", ".csv", "An\u0303o,Date Pre\n2018,x".encode(), IssueLog("f"))
    assert list(frame.columns) == ["A\u00f1o", "Date Pre"]
    assert find_columns(frame, {"year": ("jahr", "an\u0303o"), "date_pre": ("date_pre",), "post": ("post",)}) == {
        "year": "A\u00f1o", "date_pre": "Date Pre",
    }  # fmt: skip


def test_a_sheet_that_counts_days_from_1904_is_told() -> None:
    book = openpyxl.Workbook()
    book.epoch = datetime(1904, 1, 1)
    for cells in (["day"], [datetime(2018, 7, 5)]):
        book.active.append(cells)
    out = io.BytesIO()
    book.save(out)
    log = IssueLog("f")
    assert table(out.getvalue(), ".xlsx", log)[0][1] == ["2018-07-05"]
    assert "1904" in log.issues[0].problem


def test_a_text_that_excel_was_kept_from_reading_is_that_text() -> None:
    assert table('a,b\n"=""007""",1\n')[0][1] == ["007", "1"]
