"""GDAL reads what is written; hostile outlines and failed writes do no harm."""

import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import geopandas
import numpy as np
import pyogrio
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point, box
from sqlalchemy import update

from tests.conftest import require
from tests.database.conftest import RUN, scene, squares
from tests.database.test_building import add
from tsmu import database as db
from tsmu.database import landslide_table as landslide
from tsmu.database.storage import decode, encode, envelope, geodesic_areas
from tsmu.errors import DatabaseError
from tsmu.issues import IssueLog

CHECKOUT = Path(__file__).parents[2]


def one(shape: object) -> np.ndarray:
    return np.array([shape], dtype=object)


def test_gdal_reads_layers_index_and_style(tmp_path: Path) -> None:
    path = tmp_path / "landslides.gpkg"
    with db.open_database(path, create=True) as database:
        add(database, squares(1200))
    assert not list(tmp_path.glob("*-wal"))
    stored = pyogrio.read_dataframe(path, layer="landslide")
    assert stored["id"].is_unique
    info = pyogrio.read_info(path, layer="landslide")
    assert (info["geometry_type"], info["features"]) == ("MultiPolygon", 1200)
    assert info["total_bounds"] == pytest.approx(tuple(squares(1200).total_bounds))
    window = (7.1, 46.0, 7.1249, 46.01)
    assert len(pyogrio.read_dataframe(path, layer="observation", bbox=window)) == 3
    style = pyogrio.read_dataframe(path, layer="layer_styles")
    assert style["f_table_name"].item() == "landslide"
    assert "categorizedSymbol" in style["styleQML"].item()


EDIT = """
import sys
from osgeo import gdal
gdal.UseExceptions()
dataset = gdal.OpenEx(sys.argv[1], gdal.OF_UPDATE | gdal.OF_VECTOR)
layer = dataset.GetLayerByName("landslide")
feature = layer.GetFeature(2)
feature["material"] = "rock"
layer.SetFeature(feature)
del feature, layer, dataset
"""


def test_what_gdal_edits_is_a_version_too(tmp_path: Path) -> None:
    path = tmp_path / "landslides.gpkg"
    with db.open_database(path, create=True) as database:
        add(database, squares(3))
    done = subprocess.run(["/usr/bin/python3", "-c", EDIT, str(path)], capture_output=True, text=True, check=False)
    require("No module named 'osgeo'" not in done.stderr, "GDAL's own Python (Debian: python3-gdal)")
    assert done.returncode == 0, done.stderr
    with db.open_database(path) as database:
        changed = db.query(database, db.Filters(where="material = 'rock'"))
        assert changed["version"].item() == 2
        assert len(db.history(database, changed["id"].item())) == 2


@given(st.floats(-180, 180), st.floats(-90, 90), st.floats(0, 1))
def test_envelopes_are_read_back(x: float, y: float, size: float) -> None:
    shape = box(x, y, x + size, y + size)
    blob = encode(one(shape), "sqlite")[0]
    assert envelope(blob) == (x, x + size, y, y + size)  # type: ignore[arg-type]
    for backend in ("sqlite", "postgresql"):
        assert decode(encode(one(shape), backend))[0].equals_exact(shape, 0)  # type: ignore[arg-type]


def test_blobs_of_other_writers_and_damaged_ones() -> None:
    wkb = shapely.to_wkb(box(1, 2, 3, 4))
    plain = b"GP\0\x01\xe6\x10\0\0" + wkb
    assert envelope(plain) == (1, 3, 2, 4)
    assert envelope(encode(one(Point()), "sqlite")[0]) is None  # type: ignore[arg-type]
    assert envelope(None) is None
    assert decode([plain, None])[1] is None
    with pytest.raises(ValueError, match="damaged"):
        decode([plain[:30]])
    with pytest.raises(ValueError, match="damaged"):
        decode([b"GP"])


def test_outlines_of_other_kinds_that_other_programs_left_are_measured_and_told(tmp_path: Path) -> None:
    """A GeoPackage's own triggers refuse none of them."""
    path = tmp_path / "landslides.gpkg"
    with db.open_database(path, create=True) as database:
        add(database, squares(5))
        rows = db.query(database)
        high, several = shapely.force_3d(rows.geometry[0]), shapely.GeometryCollection([rows.geometry[1], Point(7, 46)])
        others = [high, several, Point(7, 46), shapely.MultiLineString([[(7, 46), (8, 47)]])]
        with database.write() as connection:
            for landslide_id, shape in zip(rows["id"], others, strict=False):
                blob = b"GP\0\x01\xe6\x10\0\0" + shapely.to_wkb(shape)
                connection.execute(update(landslide).where(landslide.c.id == landslide_id).values(geom=blob))
        found = db.check(database)
        assert set(found["row"]) == set(rows["id"][2:4])
        assert found["problem"].str.contains("its outline has 0").all()
    np.testing.assert_allclose(geodesic_areas(np.array(others, dtype=object)), [*rows["area_m2"][:2], 0, 0])


def test_hostile_outlines_are_repaired_or_left_out_and_told(database: db.Database) -> None:
    turns = np.linspace(0, 2 * np.pi, 200_000)
    shapes = [
        shapely.Polygon([(7, 46), (7.01, 46.01), (7.01, 46), (7, 46.01)]),  # a bow tie
        shapely.Polygon(),
        None,
        shapely.Polygon([(8, 46, 5), (8.01, 46, 5), (8.01, 46.01, 5)]),
        box(-179.99, 10, 179.99, 10.01),  # 0.02 degrees wide, across the 180th meridian
        shapely.Polygon(np.column_stack([9 + 0.01 * np.cos(turns), 46 + 0.01 * np.sin(turns)])),
        box(10, 46, 10 + 1e-9, 46 + 1e-9),
        shapely.Point(7, 46),
        shapely.Polygon([(7, 46), (np.inf, 46), (7, 47)]),
        shapely.Polygon([(7, 46), (7.1, 46.1), (7, 46)]),
        box(7, 91, 8, 92),
        shapely.GeometryCollection([box(11, 46, 11.01, 46.01), Point(0, 0)]),
    ]
    given = geopandas.GeoDataFrame(
        {"max_probability": 0.5, "mean_probability": 0.5}, geometry=shapes, crs=4326, index=range(12)
    )
    given["geometry; DROP TABLE landslide"] = "x"
    log = IssueLog("hostile")
    added = db.add_run(database, given, scene(), RUN, log)
    assert added.observations == 6
    assert [issue.row for issue in log.errors] == [2, 3, 8, 9, 11, 10]
    assert {issue.row for issue in log if issue.severity == "warning"} >= {1, 5}
    stored = db.query(database)
    assert stored.geometry.is_valid.all()
    assert not stored.geometry.has_z.any()
    np.testing.assert_allclose(stored["area_m2"], geodesic_areas(np.array(stored.geometry)))
    across = stored[stored.total_bounds[0] >= stored.geometry.bounds["minx"]].geometry.item()
    assert shapely.get_num_geometries(across) == 2
    assert stored["area_m2"].max() < 1e7
    assert db.check(database).empty


def test_a_full_write_is_refused_whole(tmp_path: Path) -> None:
    path = tmp_path / "landslides.gpkg"
    with db.open_database(path, create=True) as database:
        add(database, squares(3))
        with pytest.raises(ZeroDivisionError), database.write() as connection:
            connection.execute(landslide.update().values(region="jura"))
            raise ZeroDivisionError
        assert set(db.query(database)["region"]) == {"alps"}


@pytest.fixture
def read_only_disk(tmp_path: Path) -> Iterator[Path]:
    """A database on a disk that is mounted read-only, and one beside whose file a log lies."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", disk], capture_output=True, check=False
    )
    require(mounted.returncode == 0, "permission to mount a small tmpfs")
    try:
        with db.open_database(tmp_path / "landslides.gpkg", create=True) as database:
            add(database, squares(3))
        shutil.copy(tmp_path / "landslides.gpkg", disk)
        with closing(sqlite3.connect(tmp_path / "landslides.gpkg")) as connection:
            connection.execute("UPDATE gpkg_contents SET description = 'newer'")
            connection.commit()
            for ending in ("", "-wal"):
                shutil.copy(tmp_path / f"landslides.gpkg{ending}", disk / f"logged.gpkg{ending}")
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        yield disk
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_database_on_a_read_only_disk_is_read(read_only_disk: Path, tmp_path: Path) -> None:
    path = read_only_disk / "landslides.gpkg"
    with db.open_database(path) as database, db.open_database(tmp_path / "new.gpkg", create=True) as new:
        ids = db.query(database)["id"].tolist()
        assert len(ids) == 3
        assert db.import_file(new, path, IssueLog("disk")).added["landslide"] == 3
        assert db.copy(database, tmp_path / "copy.gpkg")["landslide"] == 3
        assert db.export(database, tmp_path / "out.gpkg", IssueLog("out")) == 3
        assert db.check(database).empty
        with db.open_database(db.backup(database, to=tmp_path / "backup.gpkg")) as saved:
            assert db.query(saved)["id"].tolist() == ids
        with pytest.raises(DatabaseError, match="cannot be written, as the file or its folder is read-only"):
            db.review(database, ids[0], status="confirmed", by="eva", why="seen")
        with pytest.raises(DatabaseError, match="disk: this folder cannot be written; name another place"):
            db.backup(database)


def test_a_log_on_a_read_only_disk_is_not_passed_over(read_only_disk: Path, tmp_path: Path) -> None:
    path = read_only_disk / "logged.gpkg"
    problem = "logged.gpkg: its newest changes lie in logged.gpkg-wal"
    with pytest.raises(DatabaseError, match=problem):
        db.open_database(path)
    with (
        db.open_database(tmp_path / "new.gpkg", create=True) as new,
        pytest.raises(DatabaseError, match=problem),
    ):
        db.import_file(new, path, IssueLog("disk"))
