"""What is exported and imported again is the same, in every format; bad rows are told, never stored."""

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import pystac
import pytest
import shapely
import sqlalchemy as sa
from typer.testing import CliRunner

from tests.database.conftest import scene, squares
from tests.database.test_building import NEWER, add, table
from tsmu import database as db
from tsmu.cli import app
from tsmu.database import TABLES, has_shape
from tsmu.database import event_table as event
from tsmu.database import landslide_table as landslide
from tsmu.database.files import SHORT_NAMES
from tsmu.database.storage import as_multipolygons
from tsmu.errors import DatabaseError
from tsmu.issues import IssueLog

DAYS = {"date_pre": date(2024, 4, 1), "date_post": date(2024, 5, 1)}
FLAT = ["a.parquet", "a.geojson", "a.fgb", "a.shp"]
STAMP = ["version", "author", "changed_by", "changed_at", "change_reason"]


@pytest.fixture
def filled(database: db.Database) -> db.Database:
    """Twelve landslides: one reviewed, one across two continents of digits, one with all that can be said."""
    polygons = squares(12)
    polygons.loc[3, "geometry"] = shapely.MultiPolygon(
        [shapely.box(-1e-5, -1e-5, 1 / 3, 1 / 7), shapely.box(1, 1, 2, 2)]
    )
    polygons.loc[4, "geometry"] = shapely.box(8, 46, 8.1, 46.1) - shapely.box(8.02, 46.02, 8.05, 46.05)
    polygons.loc[5, "geometry"] = shapely.box(179.9, -17, 180, -16.9)
    add(database, polygons, seen=scene(**DAYS))
    ids = db.query(database)["id"].tolist()
    db.review(database, ids[0], status="confirmed", by="=cmd|' /C calc'!A0", why='said "éàü", 漢字;\nnew line')
    db.review(database, ids[1], status="rejected", by="eva", why="a quarry")
    said = {"movement_type": "debris flow", "material": "debris", "trigger": "rainfall", "confidence": "likely"}
    stamp = {"version": 2, "author": "person", "changed_by": "-jo", "change_reason": "@noon"}
    with database.write() as connection:
        connection.execute(sa.insert(event), [{"id": "e1", "name": "Gaya", "trigger": "tropical cyclone"}])
        change = sa.update(landslide).where(landslide.c.id == ids[2])
        connection.execute(change.values(**said, **stamp, region=None, date_min=None))
    return database


def other(tmp_path: Path) -> db.Database:
    return db.open_database(tmp_path / "other.gpkg", create=True)


def take(database: db.Database, path: Path) -> tuple[db.ImportResult, IssueLog]:
    log = IssueLog(path)
    return db.import_file(database, path, log), log


def assert_same(found: geopandas.GeoDataFrame, wanted: geopandas.GeoDataFrame, columns: list[str]) -> None:
    found, wanted = (frame.sort_values("id").reset_index(drop=True) for frame in (found, wanted))
    pd.testing.assert_frame_equal(
        pd.DataFrame(found[columns]), pd.DataFrame(wanted[columns]), check_dtype=False, rtol=1e-12
    )
    there, here = (shapely.normalize(as_multipolygons(np.array(frame.geometry.array))) for frame in (found, wanted))
    assert shapely.equals_exact(there, here, 1e-12).all()


def test_flat_files_come_back_the_same(filled: db.Database, tmp_path: Path) -> None:
    wanted = db.query(filled)
    log = IssueLog("export")
    for name in FLAT:
        assert db.export(filled, tmp_path / name, log) == 12
        assert not len(log)
        comes_back(filled, wanted, tmp_path / name)
    assert db.check(filled).empty


def comes_back(filled: db.Database, wanted: geopandas.GeoDataFrame, path: Path) -> None:
    with db.open_database(path.with_suffix(f"{path.suffix}.gpkg"), create=True) as back:
        taken, issues = take(back, path)
        assert (taken.added, list(map(str, issues))) == ({"landslide": 12}, [])
        assert_same(db.query(back), wanted, [c for c in wanted.columns if c not in ("version", "geometry")])
        assert set(db.query(back)["version"]) == {1}
        before = db.query(back)
        again, issues = take(back, path)
        assert (sum(again.added.values()), again.unchanged, list(map(str, issues))) == (0, 12, [])
        assert_same(db.query(back), before, list(before.columns.drop("geometry")))
        assert db.check(back).empty
    home, issues = take(filled, path)  # into the database that it came from
    assert (sum(home.added.values()), home.unchanged, list(map(str, issues))) == (0, 12, [])


def test_a_geopackage_carries_everything(filled: db.Database, tmp_path: Path) -> None:
    add(filled, squares(12, 0.001), NEWER, scene(**DAYS))
    path = tmp_path / "all.gpkg"
    assert db.export(filled, path, IssueLog("export")) == len(db.query(filled))
    with other(tmp_path) as back:
        _, issues = take(back, path)
        assert list(map(str, issues)) == []
        for of in TABLES:
            there, here = (table(one, of).drop(columns="fid") for one in (back, filled))
            if has_shape(of) and len(here):
                shapes = [shapely.normalize(one.geometry.array) for one in (there, here)]
                assert np.equal(shapely.to_wkb(shapes[0]), shapely.to_wkb(shapes[1])).all()
            pd.testing.assert_frame_equal(
                pd.DataFrame(there.drop(columns="geometry", errors="ignore")),
                pd.DataFrame(here.drop(columns="geometry", errors="ignore")),
            )
        again, issues = take(back, path)
        assert sum(again.added.values()) == 0
        assert list(map(str, issues)) == []
        assert db.check(back).empty
    assert sorted(p.name for p in tmp_path.glob("all.gpkg*")) == ["all.gpkg"]
    assert len(pyogrio.read_dataframe(path, layer="landslide")) == len(db.query(filled))  # GDAL reads it


def test_a_filtered_geopackage_has_what_belongs_and_no_more(filled: db.Database, tmp_path: Path) -> None:
    bbox = (179.0, -18.0, 7.0149, 47.0)
    add(filled, squares(12, 0.001), NEWER, scene("elsewhere", **DAYS))
    wanted = db.query(filled, db.Filters(bbox=bbox))
    assert db.export(filled, tmp_path / "some.gpkg", IssueLog("export"), db.Filters(bbox=bbox)) == len(wanted)
    with db.open_database(tmp_path / "some.gpkg") as some:
        assert_same(db.query(some), wanted, ["id", "version", "status", "changed_by"])
        seen = table(filled, TABLES[6])
        assert len(table(some, TABLES[6])) == seen["landslide_id"].isin(wanted["id"]).sum()
        assert db.check(some).empty
        for one in wanted["id"]:
            assert db.history(some, one)["version"].tolist() == db.history(filled, one)["version"].tolist()


def test_gdal_and_geopandas_read_what_was_written(filled: db.Database, tmp_path: Path) -> None:
    wanted = db.query(filled)
    comment = db.DecisionRequest("a comment", db.Action.COMMENT, "jo", why="ask Ann", landslides={wanted["id"][1]: 2})
    db.decide(filled, comment)
    for name in FLAT:
        db.export(filled, tmp_path / name, IssueLog("export"))
        read = geopandas.read_parquet if name.endswith("parquet") else pyogrio.read_dataframe
        found = read(tmp_path / name).rename(columns={long: name for name, long in SHORT_NAMES.items()})
        assert found.crs.to_epsg() == 4326
        assert_same(found, wanted, ["id", "area_m2", "status", "change_reason"])
        said = ["review_state", "opinions", "comments"]
        assert list(found.columns.drop("geometry")) == [*wanted.columns.drop("geometry"), *said]
        states = found.set_index("id")["review_state"]
        assert states[wanted["id"]].tolist() == ["accepted", "rejected", *["open"] * 10]
        rejected = found.set_index("id").loc[wanted["id"][1]]
        assert rejected["opinions"] == "eva: reject"
        assert rejected["comments"].startswith("jo 2") and rejected["comments"].endswith(": ask Ann")
    meta = json.loads(pq.read_metadata(tmp_path / "a.parquet").metadata[b"geo"])
    assert meta["version"] == "1.1.0"
    assert meta["columns"]["geometry"]["bbox"] == pytest.approx(wanted.total_bounds.tolist())
    near = geopandas.read_parquet(tmp_path / "a.parquet", bbox=(8, 46, 8.2, 46.2))  # by the bbox column
    assert len(near) == 1
    assert json.loads((tmp_path / "a.geojson").read_text())["features"][0]["geometry"]["type"] == "MultiPolygon"


@pytest.mark.parametrize("layout", ["usgs", "coolr"])
def test_csv_layouts_carry_what_they_can_and_no_formula(filled: db.Database, tmp_path: Path, layout: str) -> None:
    path = tmp_path / "a.csv"
    wanted = db.query(filled, db.Filters(status=["candidate", "confirmed"]))  # the layouts know no status
    assert db.export(filled, path, IssueLog("export"), layout=layout) == len(wanted) == 11
    plain = pd.read_csv(path, dtype=str, keep_default_na=False)
    texts = plain.drop(columns=["Lat_N", "Lon_W", "latitude", "longitude"], errors="ignore").to_numpy().ravel()
    assert not [text for text in texts if text.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert [text for text in texts if text.startswith("'=cmd|")]
    with other(tmp_path) as back:
        taken, issues = take(back, path)
        assert (taken.added, list(map(str, issues))) == ({"landslide": 11}, [])
        assert_same(
            db.query(back), wanted, ["id", "date_min", "movement_type", *{"usgs": ["date_max"]}.get(layout, [])]
        )
        again, _ = take(back, path)
        assert (sum(again.added.values()), again.unchanged) == (0, 11)
        assert db.check(back).empty
    home, issues = take(filled, path)
    assert (sum(home.added.values()), home.unchanged, list(map(str, issues))) == (0, 11, [])


def test_stac_items_of_scenes_and_runs_come_back(filled: db.Database, tmp_path: Path) -> None:
    add(filled, squares(2, 0.3), NEWER, scene("undated", gsd_m=3.0))
    path = tmp_path / "items.json"
    assert db.export(filled, path, IssueLog("export")) == 4
    for item in pystac.ItemCollection.from_file(str(path)):
        assert item.datetime is not None
        assert shapely.geometry.shape(item.geometry).is_valid
    with other(tmp_path) as back:
        taken, issues = take(back, path)
        assert (taken.added, list(map(str, issues))) == ({"scene": 2, "run": 2, "mapped_area": 2}, [])
        for of in TABLES[1:4]:
            there, here = (table(one, of).drop(columns="fid").sort_values("id") for one in (back, filled))
            pd.testing.assert_frame_equal(pd.DataFrame(there), pd.DataFrame(here), check_like=True)
        again, _ = take(back, path)
        assert sum(again.added.values()) == 0
        assert db.check(back).empty


def test_filters_are_those_of_query(filled: db.Database, tmp_path: Path) -> None:
    wanted = db.Filters(status=["confirmed"], where="version = 2", bbox=(7, 46, 7.001, 46.001))
    assert db.export(filled, tmp_path / "a.fgb", IssueLog("e"), wanted) == len(db.query(filled, wanted)) == 1
    assert db.export(filled, tmp_path / "none.parquet", IssueLog("e"), db.Filters(region="nowhere")) == 0
    assert len(geopandas.read_parquet(tmp_path / "none.parquet")) == 0


def test_a_place_that_is_taken_and_an_unknown_ending_are_refused(filled: db.Database, tmp_path: Path) -> None:
    (tmp_path / "a.fgb").write_text("mine")
    (tmp_path / "b.dbf").write_text("mine")
    for name, layout, told in [
        ("a.fgb", None, "already"), ("b.shp", None, "already"), ("a.dxf", None, "ending"),
        ("a.csv", None, "layout"), ("c.fgb", "usgs", "layout"), ("a.csv", "nasa", "layout"),
    ]:  # fmt: skip
        with pytest.raises(DatabaseError, match=told):
            db.export(filled, tmp_path / name, IssueLog("e"), layout=layout)
    assert (tmp_path / "a.fgb").read_text() == (tmp_path / "b.dbf").read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} - {
        "landslides.gpkg",
        "landslides.gpkg-wal",
        "landslides.gpkg-shm",
    } == {
        "a.fgb",
        "b.dbf",
    }


def test_long_texts_are_cut_and_told_in_a_shapefile_only(filled: db.Database, tmp_path: Path) -> None:
    first = db.query(filled)["id"].iloc[6]
    db.review(filled, first, status="confirmed", by="eva", why="ü" * 200)
    log = IssueLog("export")
    db.export(filled, tmp_path / "a.shp", log)
    assert [(issue.column, issue.action) for issue in log] == [("chg_reason", "cut")]
    db.export(filled, tmp_path / "a.fgb", log)
    assert len(log) == 1


def test_the_texts_of_an_exported_shapefile_outlast_the_loss_of_its_encoding(
    filled: db.Database, tmp_path: Path
) -> None:
    db.export(filled, tmp_path / "a.shp", IssueLog("export"))
    (tmp_path / "a.cpg").unlink()  # as where only .shp, .shx, .dbf and .prj are sent by mail
    log = IssueLog("import")
    with db.open_database(tmp_path / "other.gpkg", create=True) as other:
        db.import_file(other, tmp_path / "a.shp", log)
        reasons = set(db.query(other)["change_reason"])
    assert reasons == set(db.query(filled)["change_reason"])
    assert any("漢字" in reason for reason in reasons)
    assert not log.errors


def edited(path: Path, change: dict[int, dict[str, object]]) -> None:
    told = json.loads(path.read_text())
    for row, values in change.items():
        told["features"][row]["properties"] |= values
    path.write_text(json.dumps(told))


def test_bad_rows_are_told_with_their_numbers_and_good_ones_taken(filled: db.Database, tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    db.export(filled, path, IssueLog("export"))
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


def test_what_is_there_and_says_something_else_is_left_as_it_is(filled: db.Database, tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    db.export(filled, path, IssueLog("export"))
    before = db.query(filled)
    edited(path, {4: {"trigger": "earthquake"}})
    taken, issues = take(filled, path)
    assert (sum(taken.added.values()), taken.unchanged) == (0, 11)
    assert [(issue.row, "trigger" in issue.problem) for issue in issues.errors] == [(6, True)]
    assert_same(db.query(filled), before, list(before.columns.drop("geometry")))


@pytest.mark.usefixtures("filled")
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
def test_no_database_is_made_for_a_file_that_cannot_be_read(filled: db.Database, tmp_path: Path, suffix: str) -> None:
    whole = tmp_path / f"whole{'.fgb' if suffix == '.zip' else suffix}"
    db.export(filled, whole, IssueLog("export"), layout="usgs" if suffix == ".csv" else None)
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
