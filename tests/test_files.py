"""Writing beside and renaming; issue logs."""

from pathlib import Path

import pytest

from tsmu.errors import TsmuError
from tsmu.files import atomic_write, listed_file, without_nan
from tsmu.issue_file import read_issues, save_issues
from tsmu.issues import IssueLog


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(ValueError, match="stop"), atomic_write(target) as temporary:
        temporary.write_text("half")
        assert temporary.suffix == ".txt"
        raise ValueError("stop")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_that_is_not_to_be_replaced_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(source: Path, name: Path) -> None:
        raise PermissionError(1, "Operation not permitted", str(source), None, str(name))

    for links in (True, False):  # file systems such as FAT have none
        if not links:
            monkeypatch.setattr("os.link", link)
        target = tmp_path / f"{links}.txt"
        with atomic_write(target, replace=False) as temporary:
            temporary.write_text("first")
        with pytest.raises(FileExistsError), atomic_write(target, replace=False) as temporary:
            temporary.write_text("second")
        assert target.read_text() == "first"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["False.txt", "True.txt"]


def test_a_folder_is_renamed_whole(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "v001") as temporary:
        temporary.mkdir()
        (temporary / "x").write_text("1")
        assert not (tmp_path / "v001").exists()
    assert (tmp_path / "v001" / "x").read_text() == "1"


def test_json_gets_null_for_nan() -> None:
    assert without_nan({"a": [float("nan"), 1.0], "b": float("inf")}) == {"a": [None, 1.0], "b": None}


def test_a_log_replaces_what_its_source_said_before_and_keeps_the_others(tmp_path: Path) -> None:
    path = tmp_path / "issues.csv"
    first, second = IssueLog(tmp_path / "a"), IssueLog(tmp_path / "b")
    first.error("a/1.png", "truncated")
    second.warning("b/2.png", "odd", "kept", row=3, column="date")
    save_issues(first, path)
    save_issues(second, path)
    save_issues(IssueLog(tmp_path / "a"), path)
    (row,) = read_issues(path)
    assert (row["file"], row["row"], row["column"], row["severity"]) == ("b/2.png", "3", "date", "warning")


@pytest.mark.parametrize("severity", ["warning", "error"])
def test_strict_raises_the_first_issue_whoever_catches_it(tmp_path: Path, severity: str) -> None:
    log = IssueLog(tmp_path, strict=True)
    with pytest.raises(TsmuError, match=r"^b\.png: odd; stopped by `strict` \(otherwise: kept\)$") as first:
        getattr(log, severity)("b.png", "odd", "kept")
    with pytest.raises(TsmuError) as again:
        log.error("b.png", str(first.value))
    assert again.value is first.value
    assert [issue.severity for issue in log] == [severity]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-8-sig"])
def test_a_log_edited_by_hand_is_kept_with_its_new_column(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "issues.csv"
    log = IssueLog(tmp_path / "a")
    log.error("a/1.png", "truncated")
    path.write_bytes("Row;File;Problem;Gepr\u00fcft;Source\n3;x.csv;M\u00fcll;ja;/elsewhere\n".encode(encoding))
    save_issues(log, path)
    save_issues(log, path)
    kept, new = read_issues(path)
    assert (kept["file"], kept["row"], kept["problem"], kept["Gepr\u00fcft"]) == ("x.csv", "3", "M\u00fcll", "ja")
    assert (new["file"], new["problem"], new["Gepr\u00fcft"]) == ("a/1.png", "truncated", "")


@pytest.mark.parametrize("content", [b"\n\n", b'"', b"\x00\x01\x02", b"PK\x03\x04", b",,,\n1,2"])
def test_a_log_that_is_none_any_more_is_moved_aside_and_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "issues.csv"
    path.write_bytes(content)
    log = IssueLog(tmp_path / "a")
    log.error("a/1.png", "truncated")
    save_issues(log, path)
    assert "truncated" in [row["problem"] for row in read_issues(path)]
    aside = tmp_path / "issues-unreadable.csv"
    assert not aside.exists() or aside.read_bytes() == content


@pytest.mark.parametrize("cell", ["été\\a.tif", "e\u0301te\u0301/a.tif", ' "été/a.tif" ', ".\\été\\a.tif"])
def test_a_listed_file_is_found_in_any_spelling(tmp_path: Path, cell: str) -> None:
    for folder in ("\u00e9t\u00e9", "e\u0301te\u0301"):
        table = tmp_path / folder
        (table / folder).mkdir(parents=True)
        (table / folder / "a.tif").write_text("x")
        assert listed_file(table, cell).read_text() == "x"
    assert not listed_file(tmp_path, "gone\\b.tif").exists()
    assert listed_file(tmp_path, "x" * 300).name == "x" * 300 and listed_file(tmp_path, str(tmp_path)) == tmp_path
