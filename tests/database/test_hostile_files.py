"""Files that are broken, huge, or meant to do harm: an error or a repair, and a database that is whole afterwards."""

import json
import zipfile
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

from tests.database.conftest import scene, squares
from tests.database.test_building import add, table
from tests.made_vectors import bad_features, curves, vector_file
from tsmu import database as db
from tsmu.database import event_table as event
from tsmu.database import mapped_area_table as mapped_area
from tsmu.database import observation_table as observation
from tsmu.database import scene_table as scene_table
from tsmu.errors import TsmuError
from tsmu.issues import IssueLog

EVIL = "geometry; DROP TABLE landslide"
TURNS = np.linspace(0, 2 * np.pi, 200_000, endpoint=False)
HOSTILE: dict[str, Any] = {
    "bow tie": shapely.Polygon([(7, 46), (7.01, 46.01), (7.01, 46), (7, 46.01)]),
    "empty": shapely.Polygon(),
    "nothing": None,
    "3D": shapely.Polygon([(8, 46, 1), (8.01, 46, 2), (8.01, 46.01, 3)]),
    "across the 180th meridian": shapely.Polygon([(179.9, -17), (-179.9, -17), (-179.9, -16.9), (179.9, -16.9)]),
    "many corners": shapely.Polygon(np.column_stack([9 + 0.1 * np.cos(TURNS), 46 + 0.1 * np.sin(TURNS)])),
    "1e-9 m2": shapely.box(10, 46, 10 + 4e-10, 46 + 3e-10),
    "a line": shapely.LineString([(7, 46), (8, 47)]),
    "flat": shapely.Polygon([(7, 46), (8, 47), (7, 46)]),
    "off the Earth": shapely.box(7, 146, 8, 147),
    "good": shapely.box(11, 46, 11.01, 46.01),
    "good again": shapely.box(11, 46, 11.01, 46.01),
}
TAKEN_OF_OTHERS = ["bow tie", "3D", "across the 180th meridian", "many corners", "good"]
TAKEN = [*TAKEN_OF_OTHERS, "1e-9 m2"]  # of a file of ours, whose landslides are taken as they were


@pytest.fixture
def database(tmp_path: Path) -> Any:
    with db.open_database(tmp_path / "landslides.gpkg", create=True) as opened:
        yield opened


def take(database: db.Database, path: Path) -> tuple[db.ImportResult, list[str]]:
    log = IssueLog(path)
    taken = db.import_file(database, path, log)
    return taken, [str(issue) for issue in log]


def test_hostile_outlines_of_others_are_repaired_or_left_out(database: db.Database, tmp_path: Path) -> None:
    frame = geopandas.GeoDataFrame({EVIL: list(HOSTILE)}, geometry=list(HOSTILE.values()), crs=4326)
    path = tmp_path / "hostile.gpkg"
    pyogrio.write_dataframe(frame, path, geometry_type="Unknown")
    log = IssueLog(path)
    taken = db.import_file(database, path, log)
    assert taken.added == {"scene": 1, "landslide": len(TAKEN_OF_OTHERS), "observation": len(TAKEN_OF_OTHERS)}
    rows = dict(enumerate(HOSTILE, start=2))
    assert {rows[issue.row] for issue in log.errors} == set(HOSTILE) - set(TAKEN_OF_OTHERS)  # type: ignore[index]
    warned = {rows.get(issue.row or 0) for issue in log if issue.severity == "warning"}
    assert warned >= {"bow tie", "across the 180th meridian"}
    found = db.query(database)
    assert found.geometry.is_valid.all()
    assert not found.has_z.any()
    assert shapely.get_num_coordinates(found.geometry.array).max() > 199_999
    crossing = found[found.geometry.bounds["minx"] == -180]
    assert shapely.get_num_geometries(crossing.geometry.array).tolist() == [2]
    assert crossing.area.item() == pytest.approx(0.2 * 0.1)
    assert db.check(database).empty
    assert sum(take(database, path)[0].added.values()) == 0
    for name in ("out.fgb", "out.geojson", "out.parquet", "out.gpkg"):  # and out again, and in
        db.export(database, tmp_path / name, IssueLog(name))
        taken, issues = take(database, tmp_path / name)
        assert (sum(taken.added.values()), taken.unchanged, issues) == (0, len(TAKEN_OF_OTHERS), [])


def test_hostile_outlines_in_a_file_of_ours(database: db.Database, tmp_path: Path) -> None:
    add(database, squares(len(HOSTILE)), seen=scene())
    path = tmp_path / "a.parquet"
    db.export(database, path, IssueLog("export"))
    frame = geopandas.read_parquet(path)
    frame.geometry = list(HOSTILE.values())
    frame[EVIL] = EVIL
    frame.to_parquet(path)
    log = IssueLog(path)
    with db.open_database(tmp_path / "other.gpkg", create=True) as other:
        taken = db.import_file(other, path, log)
        assert taken.added == {"landslide": len(TAKEN) + 1}  # "good again" has an id of its own
        assert len(log.errors) == len(HOSTILE) - len(TAKEN) - 1
        assert db.query(other).geometry.is_valid.all()
        assert db.check(other).empty


def test_a_zip_bomb_is_refused(database: db.Database, tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.csv", "w", force_zip64=True) as file,
    ):
        for _ in range(200):
            file.write(b"0" * 1_000_000)
    with pytest.raises(TsmuError, match="would expand"):
        take(database, path)
    assert db.query(database).empty


def test_formulas_in_a_table_stay_texts(database: db.Database, tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text(
        "event_id,latitude,longitude,notes,date\n=1+1,46,7,\"=cmd|' /C calc'!A0\",2024-05-01\n2,146,7,@x,\n"
    )
    taken, issues = take(database, path)
    assert taken.added == {"event": 1}
    assert any("row 3" in issue for issue in issues)
    found = table(database, event)
    assert found["notes"].tolist() == ["=cmd|' /C calc'!A0"]
    assert found["records"].tolist() == ['["=1+1"]']
    assert sum(take(database, path)[0].added.values()) == 0
    assert db.check(database).empty


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.geojson", b'{"type": "FeatureCollection", "features": ['),
        ("a.gpkg", b"SQLite format 3\0" + b"\xff" * 5000),
        ("a.fgb", b"fgb\x03fgb\x00" + b"\x01" * 100),
        ("a.parquet", b"PAR1" + b"\0" * 100 + b"PAR1"),
        ("a.shp", b"\0\0\x27\x0a" + b"\0" * 50),
        ("a.csv", b"\xff\xfe\x00"),
        ("a.json", b"[" * 100_000),
        ("a.json", b'{"type": "FeatureCollection", "features": [{"stac_version": "1.1.0", "properties": 3}, 4]}'),
        ("a.zip", b"PK\x03\x04nonsense"),
        ("a.xyz", b"?"),
        ("a.csv", b""),
    ],
)
def test_damaged_files_leave_nothing_behind(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with db.open_database(tmp_path / "landslides.gpkg", create=True) as database:
        try:
            taken, issues = take(database, path)
        except TsmuError as error:
            assert "\n" not in str(error) and name in str(error)
        else:
            assert not taken.added and issues
        assert sum(db.info(database)["rows"].values()) == 0
        assert db.check(database).empty


def test_a_foreign_inventory_with_its_area_becomes_observations(database: db.Database, tmp_path: Path) -> None:
    area = geopandas.GeoDataFrame(geometry=[shapely.box(6, 45, 8, 47)], crs=4326).to_crs(32632)
    area.to_file(tmp_path / "area.gpkg")
    said = {"type": ["debris flow", "Rockfall", "wobble"], "date_min": "2024-05-01", "date_max": "2024-05-03"}
    path = tmp_path / "ours.geojson"
    squares(3).assign(**said).to_crs(4326).to_file(path)
    log = IssueLog(path)
    taken = db.import_file(database, path, log, by="eva", mapped_area=tmp_path / "area.gpkg")
    assert taken.added == {"scene": 1, "mapped_area": 1, "landslide": 3, "observation": 3}
    assert [issue.column for issue in log] == ["movement_type"]
    assert db.query(database)["movement_type"].tolist() == ["debris flow", "fall", None]
    assert set(table(database, observation)["mapper"]) == {"eva"}
    assert set(table(database, observation)["landslide_id"]) == set(db.query(database)["id"])
    assert set(table(database, scene_table)["date_post"]) == {pd.Timestamp("2024-05-03")}
    assert table(database, mapped_area).area.sum() == pytest.approx(4, rel=0.01)
    assert db.check(database).empty


def test_real_inventories(database: db.Database, shared_data: Path) -> None:
    folder = shared_data / "inventories"
    taken, _ = take(database, folder / "brazil_relict_spamlab" / "relict_scars_epsg32723.geojson")
    assert taken.added["landslide"] + taken.unchanged == 276
    csv = next((folder / "usgs_events_deepldb").glob("Identified*.csv"))
    assert take(database, csv)[0].added["event"] == 1918
    taken, _ = take(database, folder / "bhuyan_multitemporal" / "Nepal.zip")
    assert taken.added["scene"] == 7
    assert {day.year for day in table(database, scene_table)["date_post"].dropna()} == set(range(2013, 2020))
    assert db.check(database).empty
    assert json.dumps(db.info(database))


@pytest.mark.parametrize("kind", ["bad", "curves", "layers.gpkg", "folders.kml", "world"])
def test_mapped_areas_of_all_layers_without_bad_features(database: db.Database, tmp_path: Path, kind: str) -> None:
    two = shapely.box(6, 45, 8, 46), shapely.box(6, 46, 8, 47)
    made = {"bad": bad_features, "curves": curves}.get(kind)
    if kind == "world":
        path = tmp_path / "world.geojson"
        geopandas.GeoDataFrame(geometry=[shapely.box(-180, -90, 180, 90)], crs=4326).to_file(path)
    else:
        path = made(tmp_path, two) if made else vector_file(tmp_path, kind, two)
    slides = tmp_path / "slides.gpkg"
    geopandas.GeoDataFrame({"id": [1]}, geometry=[shapely.box(7, 46, 7.01, 46.01)], crs=4326).to_file(slides)
    log = IssueLog(path)
    assert db.import_file(database, slides, log, mapped_area=path).added["mapped_area"] == 1
    whole = 360 * 180 if kind == "world" else 4
    assert shapely.area(table(database, mapped_area).geometry.array).sum() == pytest.approx(whole)
    assert [issue.row for issue in log.errors] == {"bad": [3, 5, 6, 7], "curves": [3, 4]}.get(kind, [])


def test_the_outline_of_an_area_is_no_landslide(database: db.Database, tmp_path: Path) -> None:
    slides = squares(24)
    west, south, east, north = slides.total_bounds
    slope = shapely.box(west, south, west + (east - west) / 3, north)  # a large landslide that holds some others
    area = shapely.box(west - 1, south - 1, east + 1, north + 1)
    outlines = geopandas.GeoDataFrame(geometry=[*slides.geometry, slope], crs=4326)
    path = tmp_path / "study.gpkg"
    outlines.to_file(path, layer="landslides")
    geopandas.GeoDataFrame(geometry=[area], crs=4326).to_file(path, layer="area")
    _, issues = take(database, path)
    assert len(table(database, observation)) == 25
    assert table(database, observation).total_bounds.tolist() == pytest.approx([west, south, east, north])
    (issue,) = issues
    assert "study.gpkg, area, row 2: holds most of the other polygons" in issue and "mapped_area" in issue
