"""Writing beside and renaming; issue logs."""

from pathlib import Path

import pytest

from tsmu.errors import TsmuError
from tsmu.files import without_nan, written_whole
from tsmu.issue_file import read_issues, save_issues
from tsmu.issues import IssueLog


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(ValueError, match="stop"), written_whole(target) as temporary:
        temporary.write_text("half")
        assert temporary.suffix == ".txt"
        raise ValueError("stop")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_is_renamed_whole(tmp_path: Path) -> None:
    with written_whole(tmp_path / "v001") as temporary:
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


def test_strict_turns_a_warning_into_an_error(tmp_path: Path) -> None:
    with pytest.raises(TsmuError, match=r"b\.png: odd"):
        IssueLog(tmp_path, strict=True).warning("b.png", "odd", "kept")
