"""Exports that somebody has changed, renamed or cut: bad rows are told and never stored, the good ones come in."""

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pyogrio
import pytest
from typer.testing import CliRunner

from tests.database.conftest import scene, squares
from tests.database.exports import DAYS, assert_same, other, take
from tests.database.test_building import add
from tsmu import database as db
from tsmu.cli import app
from tsmu.errors import DatabaseError
from tsmu.issues import IssueLog


def edited(path: Path, change: dict[int, dict[str, object]]) -> None:
    told = json.loads(path.read_text())
    for row, values in change.items():
        told["features"][row]["properties"] |= values
    path.write_text(json.dumps(told))


def test_bad_rows_are_told_with_their_numbers_and_good_ones_taken(described: db.Database, tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    db.export(described, path, IssueLog("export"))
    ids = [one["properties"]["id"] for one in json.loads(path.read_text())["features"]]
    edited(
        path,
        {
            0: {"status": "sure"},
            1: {"date_min": "2024-06-01", "date_max": "2024-05-01"},
            2: {"id": "7"},
            3: {"id": ids[4]},
            5: {"changed_at": "yesterday"},
            6: {"area_m2": 5},
            7: {"event_id": "unknown"},
            8: {"changed_by": None},
        },
    )
    with other(tmp_path) as back:
        taken, issues = take(back, path)
        told = {issue.row: issue.problem for issue in issues.errors}
        assert set(told) == {2, 3, 4, 6, 7, 10}
        assert "sure" in told[2] and "after" in told[3] and "UUID" in told[4] and "row 5" in told[6]
        assert "yesterday" in told[7] and "missing" in told[10]
        assert {issue.row for issue in issues if issue.severity == "warning"} == {8, 9}
        assert taken.added == {"landslide": 6}
        assert db.check(back).empty


def test_what_is_there_and_says_something_else_is_left_as_it_is(described: db.Database, tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    db.export(described, path, IssueLog("export"))
    before = db.query(described)
    edited(path, {4: {"trigger": "earthquake"}})
    taken, issues = take(described, path)
    assert (sum(taken.added.values()), taken.unchanged) == (0, 11)
    assert [(issue.row, "trigger" in issue.problem) for issue in issues.errors] == [(6, True)]
    assert_same(db.query(described), before, list(before.columns.drop("geometry")))


@pytest.mark.usefixtures("described")
def test_the_command_line(target: Path | str, tmp_path: Path) -> None:
    file, made = tmp_path / "a.geojson", tmp_path / "new.gpkg"
    run = CliRunner()
    command = ["db", "export", str(file), "--status", "candidate", "--database", str(target), "--json"]
    done = run.invoke(app, command)
    assert (done.exit_code, json.loads(done.stdout)["records"]) == (0, 10)
    edited(file, {1: {"status": "sure"}})
    done = run.invoke(app, ["db", "import", str(file), "--database", str(made), "--json"])
    told = json.loads(done.stdout)
    assert (done.exit_code, told["records"], told["left_out"], told["status"]) == (3, 9, 1, "partial")
    assert told["issues"][0]["row"] == 3
    for words in (["none.fgb"], ["a.geojson", "--mapped-area", "none.fgb"]):
        given = [str(tmp_path / word) if "." in word else word for word in words]
        done = run.invoke(app, ["db", "import", *given, "--database", str(tmp_path / "no.gpkg")])
        assert done.exit_code == 2
        assert "none.fgb: no such file; check the path" in done.stderr
        assert not (tmp_path / "no.gpkg").exists()


@pytest.mark.parametrize("suffix", [".geojson", ".gpkg", ".csv", ".zip", ".parquet"])
def test_no_database_is_made_for_a_file_that_cannot_be_read(
    described: db.Database, tmp_path: Path, suffix: str
) -> None:
    whole = tmp_path / f"whole{'.fgb' if suffix == '.zip' else suffix}"
    db.export(described, whole, IssueLog("export"), layout="usgs" if suffix == ".csv" else None)
    if suffix == ".zip":
        whole = _zipped(whole)
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes(whole.read_bytes()[: 70 if suffix == ".csv" else whole.stat().st_size // 2])
    new = tmp_path / "new" / "landslides.gpkg"
    new.parent.mkdir()
    done = CliRunner().invoke(app, ["db", "import", str(cut), "--database", str(new)])
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1 and cut.name in done.stderr
    assert not list(new.parent.iterdir())


def saved_by_a_spreadsheet(path: Path, column: str, days: list[str]) -> None:
    """Write days into a CSV file of ours, as a spreadsheet writes them in its country."""
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    rows.loc[range(len(days)), column] = days
    rows.to_csv(path, index=False)


@pytest.mark.parametrize(
    ("layout", "days", "expected"),
    [
        ("usgs", ["05/07/2018 00:00", "25/07/2018 00:00"], ["2018-07-05", "2018-07-25"]),
        ("usgs", ["7/5/2018 0:00", "7/25/2018 0:00"], ["2018-07-05", "2018-07-25"]),
        ("usgs", ["05/07/2018 00:00", "11/07/2018 00:00", "07/07/2018 00:00"], [None, None, "2018-07-07"]),
        ("usgs", ["05/07/2018 00:00", "25/07/2018 00:00", "07/25/2018 00:00"], [None, "2018-07-25", "2018-07-25"]),
        ("coolr", ["7/5/2018 0:00", "7/6/2018 0:00"], ["2018-07-05", "2018-07-06"]),
    ],
)
def test_days_that_a_spreadsheet_wrote_are_read_in_one_order_or_refused(
    tmp_path: Path, layout: str, days: list[str], expected: list[str | None]
) -> None:
    path = tmp_path / "a.csv"
    with other(tmp_path) as database:
        add(database, squares(len(days)), seen=scene())
        db.export(database, path, IssueLog("export"), layout=layout)
    column = {"usgs": "Date_Min", "coolr": "event_date"}[layout]
    saved_by_a_spreadsheet(path, column, days)
    ids = pd.read_csv(path)[{"usgs": "USGS_ID", "coolr": "event_id"}[layout]].tolist()
    with db.open_database(tmp_path / "back.gpkg", create=True) as back:
        _, issues = take(back, path)
        found = db.query(back).set_index("id")["date_min"].dt.strftime("%Y-%m-%d")
    assert [found.get(name) for name in ids] == expected
    assert [issue.row for issue in issues.errors] == [at + 2 for at, day in enumerate(expected) if day is None]
    guessed = [issue for issue in issues if issue.severity == "warning"]
    assert bool(guessed) == (None not in expected)


def _zipped(path: Path) -> Path:
    made = path.with_name(f"{path.stem}_{path.suffix[1:]}.zip")
    with zipfile.ZipFile(made, "w") as archive:
        for part in path.parent.glob(f"{path.stem}.*"):
            if part.suffix != ".zip" and (path.suffix == ".shp" or part == path):
                archive.write(part, f"sent/{part.name}")
    return made


def _renamed(path: Path, suffix: str) -> Path:
    return Path(shutil.copy(path, path.with_name(f"renamed{suffix}")))


def _by_qgis(path: Path) -> Path:
    made = path.with_name("by_qgis.gpkg")
    subprocess.run([sys.executable, "-c", _SAVED_AS_GEOPACKAGE, path, made], check=True)
    return made


_SAVED_AS_GEOPACKAGE = """
import sys, pyogrio
pyogrio.write_dataframe(pyogrio.read_dataframe(sys.argv[1]), sys.argv[2], layer="landslides", driver="GPKG")
"""


def _as_workbook(path: Path) -> Path:
    made = path.with_suffix(".xlsx")
    pd.read_csv(path, dtype=str, keep_default_na=False).to_excel(made, index=False)
    return made


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("a.geojson", _zipped),
        ("a.shp", _zipped),
        ("a.csv", _zipped),
        ("a.gpkg", _zipped),
        ("a.geojson", lambda path: _renamed(path, ".json")),
        ("a.parquet", lambda path: _renamed(path, ".geoparquet")),
        ("a.csv", lambda path: _renamed(path, ".txt")),
        ("a.geojson", _by_qgis),
        ("a.csv", _as_workbook),
    ],
)
def test_an_export_is_known_again_whatever_became_of_its_file(
    tmp_path: Path, name: str, change: Callable[[Path], Path]
) -> None:
    with other(tmp_path) as database:
        add(database, squares(3), seen=scene(**DAYS))
        db.review(database, db.query(database)["id"][0], status="confirmed", by="eva", why="seen")
        db.export(database, tmp_path / name, IssueLog("export"), layout="usgs" if name == "a.csv" else None)
        taken, issues = take(database, change(tmp_path / name))
        assert (sum(taken.added.values()), taken.unchanged, list(map(str, issues))) == (0, 3, [])


@pytest.mark.parametrize(("layout", "column"), [("usgs", "LS_Type"), ("usgs", "outline"), ("coolr", "event_id")])
def test_a_table_of_ours_that_lost_a_column_is_refused(tmp_path: Path, layout: str, column: str) -> None:
    with other(tmp_path) as database:
        add(database, squares(3), seen=scene())
        db.export(database, tmp_path / "a.csv", IssueLog("export"), layout=layout)
        pd.read_csv(tmp_path / "a.csv", dtype=str).drop(columns=column).to_csv(tmp_path / "b.csv", index=False)
        with pytest.raises(DatabaseError, match=f"b.csv: an export of tsmu without {column}; "):
            take(database, tmp_path / "b.csv")


def test_map_layers_of_ours_that_lost_a_column_or_lie_with_others_are_refused(tmp_path: Path) -> None:
    with other(tmp_path) as database:
        add(database, squares(3), seen=scene())
        db.export(database, tmp_path / "a.geojson", IssueLog("export"))
        rows = pyogrio.read_dataframe(tmp_path / "a.geojson")
        rows.drop(columns="id").to_file(tmp_path / "b.fgb")
        rows.drop(columns="geometry").to_csv(tmp_path / "b.csv", index=False)
        for layer in ("landslides", "roads"):
            part = rows if layer == "landslides" else rows[["id", "geometry"]]
            part.to_file(tmp_path / "c.gpkg", layer=layer)
        with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
            archive.write(tmp_path / "a.geojson", "a.geojson")
            archive.write(tmp_path / "b.csv", "other.txt")
        for name, problem in [
            ("b.fgb", "an export of tsmu without id; "),
            ("b.csv", "an export of tsmu without outlines; "),
            ("c.gpkg", "layer landslides is an export of tsmu, and there are others"),
            ("d.zip", "(tsmu wrote a.geojson, and there are other files|an export of tsmu without outlines)"),
        ]:
            with pytest.raises(DatabaseError, match=f"{name}(/other.txt)?: {problem}"):
                take(database, tmp_path / name)
        assert len(db.query(database)) == 3


def test_days_of_a_workbook_that_may_be_exchanged_are_left_out(tmp_path: Path) -> None:
    with other(tmp_path) as database:
        add(database, squares(2), seen=scene())
        db.export(database, tmp_path / "a.csv", IssueLog("export"), layout="coolr")
    rows = pd.read_csv(tmp_path / "a.csv", dtype=str, keep_default_na=False)
    rows["event_date"] = [date(2018, 5, 7), date(2018, 7, 7)]
    rows.to_excel(tmp_path / "a.xlsx", index=False)
    with db.open_database(tmp_path / "back.gpkg", create=True) as back:
        taken, issues = take(back, tmp_path / "a.xlsx")
    assert taken.added == {"landslide": 1}
    assert "2018-05-07 or 2018-07-05" in issues.errors[0].problem
