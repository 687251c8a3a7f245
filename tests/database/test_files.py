"""What is exported and imported again is the same, in every format."""

import json
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import pystac
import pytest
import shapely

from tests.database.conftest import scene, squares
from tests.database.exports import DAYS, assert_same, other, take
from tests.database.test_building import NEWER, add, table
from tsmu import database as db
from tsmu.database import TABLES, has_shape
from tsmu.database.files import SHORT_NAMES
from tsmu.errors import DatabaseError
from tsmu.issues import IssueLog

FLAT = ["a.parquet", "a.geojson", "a.fgb", "a.shp"]
STAMP = ["version", "author", "changed_by", "changed_at", "change_reason"]


def test_flat_files_come_back_the_same(described: db.Database, tmp_path: Path) -> None:
    wanted = db.query(described)
    log = IssueLog("export")
    for name in FLAT:
        assert db.export(described, tmp_path / name, log) == 12
        assert not len(log)
        comes_back(described, wanted, tmp_path / name)
    assert db.check(described).empty


def comes_back(described: db.Database, wanted: geopandas.GeoDataFrame, path: Path) -> None:
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
    home, issues = take(described, path)  # into the database that it came from
    assert (sum(home.added.values()), home.unchanged, list(map(str, issues))) == (0, 12, [])


def test_a_geopackage_carries_everything(described: db.Database, tmp_path: Path) -> None:
    add(described, squares(12, 0.001), NEWER, scene(**DAYS))
    path = tmp_path / "all.gpkg"
    assert db.export(described, path, IssueLog("export")) == len(db.query(described))
    with other(tmp_path) as back:
        _, issues = take(back, path)
        assert list(map(str, issues)) == []
        for of in TABLES:
            there, here = (table(one, of).drop(columns="fid") for one in (back, described))
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
    assert len(pyogrio.read_dataframe(path, layer="landslide")) == len(db.query(described))  # GDAL reads it


def test_a_filtered_geopackage_has_what_belongs_and_no_more(described: db.Database, tmp_path: Path) -> None:
    bbox = (179.0, -18.0, 7.0149, 47.0)
    add(described, squares(12, 0.001), NEWER, scene("elsewhere", **DAYS))
    wanted = db.query(described, db.Filters(bbox=bbox))
    assert db.export(described, tmp_path / "some.gpkg", IssueLog("export"), db.Filters(bbox=bbox)) == len(wanted)
    with db.open_database(tmp_path / "some.gpkg") as some:
        assert_same(db.query(some), wanted, ["id", "version", "status", "changed_by"])
        seen = table(described, TABLES[6])
        assert len(table(some, TABLES[6])) == seen["landslide_id"].isin(wanted["id"]).sum()
        assert db.check(some).empty
        for one in wanted["id"]:
            assert db.history(some, one)["version"].tolist() == db.history(described, one)["version"].tolist()


def test_gdal_and_geopandas_read_what_was_written(described: db.Database, tmp_path: Path) -> None:
    wanted = db.query(described)
    comment = db.DecisionRequest("a comment", db.Action.COMMENT, "jo", why="ask Ann", landslides={wanted["id"][1]: 2})
    db.decide(described, comment)
    for name in FLAT:
        db.export(described, tmp_path / name, IssueLog("export"))
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
def test_csv_layouts_carry_what_they_can_and_no_formula(described: db.Database, tmp_path: Path, layout: str) -> None:
    path = tmp_path / "a.csv"
    wanted = db.query(described, db.Filters(status=["candidate", "confirmed"]))  # the layouts know no status
    assert db.export(described, path, IssueLog("export"), layout=layout) == len(wanted) == 11
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
    home, issues = take(described, path)
    assert (sum(home.added.values()), home.unchanged, list(map(str, issues))) == (0, 11, [])


def test_stac_items_of_scenes_and_runs_come_back(described: db.Database, tmp_path: Path) -> None:
    add(described, squares(2, 0.3), NEWER, scene("undated", gsd_m=3.0))
    path = tmp_path / "items.json"
    assert db.export(described, path, IssueLog("export")) == 4
    for item in pystac.ItemCollection.from_file(str(path)):
        assert item.datetime is not None
        assert shapely.geometry.shape(item.geometry).is_valid
    with other(tmp_path) as back:
        taken, issues = take(back, path)
        assert (taken.added, list(map(str, issues))) == ({"scene": 2, "run": 2, "mapped_area": 2}, [])
        for of in TABLES[1:4]:
            there, here = (table(one, of).drop(columns="fid").sort_values("id") for one in (back, described))
            pd.testing.assert_frame_equal(pd.DataFrame(there), pd.DataFrame(here), check_like=True)
        again, _ = take(back, path)
        assert sum(again.added.values()) == 0
        assert db.check(back).empty


def test_filters_are_those_of_query(described: db.Database, tmp_path: Path) -> None:
    wanted = db.Filters(status=["confirmed"], where="version = 2", bbox=(7, 46, 7.001, 46.001))
    assert db.export(described, tmp_path / "a.fgb", IssueLog("e"), wanted) == len(db.query(described, wanted)) == 1
    assert db.export(described, tmp_path / "none.parquet", IssueLog("e"), db.Filters(region="nowhere")) == 0
    assert len(geopandas.read_parquet(tmp_path / "none.parquet")) == 0


def test_a_place_that_is_taken_and_an_unknown_ending_are_refused(described: db.Database, tmp_path: Path) -> None:
    (tmp_path / "a.fgb").write_text("mine")
    (tmp_path / "b.dbf").write_text("mine")
    for name, layout, told in [
        ("a.fgb", None, "already"), ("b.shp", None, "already"), ("a.dxf", None, "ending"),
        ("a.csv", None, "layout"), ("c.fgb", "usgs", "layout"), ("a.csv", "nasa", "layout"),
    ]:  # fmt: skip
        with pytest.raises(DatabaseError, match=told):
            db.export(described, tmp_path / name, IssueLog("e"), layout=layout)
    assert (tmp_path / "a.fgb").read_text() == (tmp_path / "b.dbf").read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} - {
        "landslides.gpkg",
        "landslides.gpkg-wal",
        "landslides.gpkg-shm",
    } == {
        "a.fgb",
        "b.dbf",
    }


def test_long_texts_are_cut_and_told_in_a_shapefile_only(described: db.Database, tmp_path: Path) -> None:
    first = db.query(described)["id"].iloc[6]
    db.review(described, first, status="confirmed", by="eva", why="ü" * 200)
    log = IssueLog("export")
    db.export(described, tmp_path / "a.shp", log)
    assert [(issue.column, issue.action) for issue in log] == [("chg_reason", "cut")]
    db.export(described, tmp_path / "a.fgb", log)
    assert len(log) == 1


def test_the_texts_of_an_exported_shapefile_outlast_the_loss_of_its_encoding(
    described: db.Database, tmp_path: Path
) -> None:
    db.export(described, tmp_path / "a.shp", IssueLog("export"))
    (tmp_path / "a.cpg").unlink()  # as where only .shp, .shx, .dbf and .prj are sent by mail
    log = IssueLog("import")
    with db.open_database(tmp_path / "other.gpkg", create=True) as other:
        db.import_file(other, tmp_path / "a.shp", log)
        reasons = set(db.query(other)["change_reason"])
    assert reasons == set(db.query(described)["change_reason"])
    assert any("漢字" in reason for reason in reasons)
    assert not log.errors
