"""GDAL reads what is written; kills, other writers and hostile outlines do no harm."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
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

from tests.conftest import require
from tests.database.conftest import RUN, scene, squares
from tests.database.test_building import add
from tsmu import database as db
from tsmu.database.blobs import decode, encode, envelope
from tsmu.database.outlines import geodesic_areas
from tsmu.database.schema import landslide
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


WRITE = """
import sys
from pathlib import Path
from tests.database.conftest import *
from tests.database.test_building import add
from tsmu import database as db
target, name, rounds = sys.argv[1:]
with db.open_database(target if "://" in target else Path(target)) as database:
    for number in range(int(rounds)):
        added = add(database, squares(1100 if number % 2 else 20, 0.01 * number), seen=scene(f"{name} {number}"))
        print("run", added.run_id, flush=True)
        some = db.query(database, db.Filters(bbox=(7, 46, 7.02, 46.1)))["id"].iloc[0]
        version = db.review(database, some, status="confirmed", by=name, why="seen")
        print("version", some, version, flush=True)
"""


def writer(target: object, name: str, rounds: int) -> "subprocess.Popen[str]":
    arguments = [sys.executable, "-c", WRITE, str(target), name, str(rounds)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=CHECKOUT)


def acknowledged(database: db.Database, lines: list[str]) -> None:
    """Every write that a process told of is there."""
    with database.read() as connection:
        runs = set(connection.exec_driver_sql("SELECT id FROM run").scalars())
    for line in lines:
        kind, key, *version = line.split()
        if kind == "run":
            assert key in runs
        else:
            told = db.history(database, key)
            assert int(version[0]) in set(told["version"])


def killed_while_writing(path: Path, times: int, seed: int) -> None:
    chance = random.Random(seed)
    with db.open_database(path, create=True):
        pass
    for number in range(times):
        process = writer(path, f"killed {number}", 10_000)
        assert process.stdout is not None
        lines = [process.stdout.readline()]
        time.sleep(chance.uniform(0, 1.5))
        os.kill(process.pid, signal.SIGKILL)
        rest, _ = process.communicate()
        lines += [line for line in rest.splitlines(keepends=True) if line.endswith("\n")]
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        with db.open_database(path) as database:
            assert db.check(database).empty
            acknowledged(database, lines)


def test_killed_writers_leave_whole_runs_and_reviews(tmp_path: Path) -> None:
    killed_while_writing(tmp_path / "landslides.gpkg", 2, 0)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_killed_writers_fifty_times(tmp_path: Path) -> None:
    for part in range(10):  # afresh, so that the checks stay short
        killed_while_writing(tmp_path / f"{part}.gpkg", 5, part)


def several_writers(target: Path | str, writers: int, rounds: int, seconds: float) -> None:
    with db.open_database(target, create=True) as database:
        processes = [writer(target, f"writer {number}", rounds) for number in range(writers)]
        reads, until = 0, time.monotonic() + seconds
        while any(process.poll() is None for process in processes) and time.monotonic() < until:
            found = db.query(database, db.Filters(bbox=(7, 46, 7.02, 46.1)))
            assert found["id"].is_unique
            reads += 1
        told = [process.communicate(timeout=seconds) for process in processes]
        assert not any(error for _, error in told), told
        assert reads
        lines = [line for said, _ in told for line in said.splitlines()]
        assert len(lines) == 2 * writers * rounds
        acknowledged(database, lines)
        decided = [line for line in lines if line.startswith("version")]
        assert len(set(decided)) == len(decided)  # no two were given the same version
        with database.read() as connection:
            entries = connection.exec_driver_sql("SELECT count(*) FROM review WHERE decision = 'decided'").scalar()
        assert entries == len(decided)
        assert db.check(database).empty


def test_two_writing_processes_and_a_reader(target: Path | str) -> None:
    several_writers(target, 2, 3, 120)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_eight_writing_processes_and_a_reader(postgis: str) -> None:
    several_writers(postgis, 8, 20, 1800)


def test_a_full_write_is_refused_whole(tmp_path: Path) -> None:
    path = tmp_path / "landslides.gpkg"
    with db.open_database(path, create=True) as database:
        add(database, squares(3))
        with pytest.raises(ZeroDivisionError), database.write() as connection:
            connection.execute(landslide.update().values(region="jura"))
            raise ZeroDivisionError
        assert set(db.query(database)["region"]) == {"alps"}
