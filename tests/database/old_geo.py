"""The GeoPackage: GDAL reads what is written, triggers work, runs replace themselves, kills do no harm."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import geopandas
import pyogrio
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point, box

from tsmu.database.geopackage import connect, encode, envelope
from tsmu.database.landslides import COLUMNS, LAYER, MappedBy, add_candidates
from tsmu.errors import DatabaseError

RUN = MappedBy("scene", "v001-abc", "alps", 50, date_post="2024-05-01")


def squares(count: int, offset: float = 0.0) -> geopandas.GeoDataFrame:
    shapes = [box(7 + 0.01 * i + offset, 46, 7.005 + 0.01 * i + offset, 46.005) for i in range(count)]
    values = {"area_m2": 100.0, "max_probability": 0.9, "mean_probability": 0.7}
    return geopandas.GeoDataFrame(values, index=range(count), geometry=shapes, crs=4326)


def test_gdal_reads_back_what_was_added(tmp_path: Path) -> None:
    path = tmp_path / "landslides.gpkg"
    assert add_candidates(path, squares(5), RUN) == 5
    stored = pyogrio.read_dataframe(path)
    assert list(stored.columns) == [*COLUMNS, "geometry"]
    assert stored["id"].is_unique
    assert set(stored["date_post"]) == {"2024-05-01"}
    assert stored.geometry.iloc[0].equals(squares(1).geometry.iloc[0])
    info = pyogrio.read_info(path, layer=LAYER)
    assert info["geometry_type"] == "MultiPolygon"
    assert info["features"] == 5
    assert info["total_bounds"] == pytest.approx(tuple(squares(5).total_bounds), abs=1e-4)  # an R-tree holds float32


def test_the_spatial_index_follows(tmp_path: Path) -> None:
    path = tmp_path / "landslides.gpkg"
    add_candidates(path, squares(50), RUN)
    window = (7.1, 46.0, 7.1249, 46.01)
    expected = squares(50).cx[window[0] : window[2], window[1] : window[3]]
    assert len(pyogrio.read_dataframe(path, bbox=window)) == len(expected) == 3


def test_mapping_again_replaces_and_another_scene_adds(tmp_path: Path) -> None:
    path = tmp_path / "landslides.gpkg"
    add_candidates(path, squares(5), RUN)
    add_candidates(path, squares(3), RUN)
    add_candidates(path, squares(2, 1.0), MappedBy("other", "v001-abc", "alps", 50))
    assert pyogrio.read_dataframe(path)["scene"].value_counts().to_dict() == {"scene": 3, "other": 2}
    add_candidates(path, squares(0), RUN)
    assert set(pyogrio.read_dataframe(path)["scene"]) == {"other"}


def test_what_somebody_decided_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "landslides.gpkg"
    add_candidates(path, squares(2), RUN)
    with connect(path) as connection:
        connection.exec_driver_sql(f"UPDATE {LAYER} SET status = 'confirmed' WHERE fid = 1")
    add_candidates(path, squares(2), RUN)
    assert sorted(pyogrio.read_dataframe(path)["status"]) == ["candidate", "candidate", "confirmed"]


def test_other_crs_are_turned_into_degrees(tmp_path: Path) -> None:
    path = tmp_path / "landslides.gpkg"
    add_candidates(path, squares(1).to_crs(32632), RUN)
    assert pyogrio.read_dataframe(path).total_bounds == pytest.approx(tuple(squares(1).total_bounds), abs=1e-9)


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "landslides.gpkg"
    path.write_text("not a database " * 100)
    with pytest.raises(DatabaseError, match=r"landslides\.gpkg"):
        add_candidates(path, squares(1), RUN)


@given(st.floats(-180, 180), st.floats(-90, 90), st.floats(0, 1))
def test_envelopes_are_read_back(x: float, y: float, size: float) -> None:
    shape = box(x, y, x + size, y + size)
    assert envelope(encode(shape)) == (x, x + size, y, y + size)


def test_envelopes_of_other_writers() -> None:
    wkb = shapely.to_wkb(box(1, 2, 3, 4))
    assert envelope(b"GP\0\x01\xe6\x10\0\0" + wkb) == (1, 3, 2, 4)
    assert envelope(encode(Point())) is None
    assert envelope(None) is None


ADD = """
import sys
from pathlib import Path
from tests.database.test_geopackage import *
path = Path(sys.argv[1])
print("ready", flush=True)
for number in range(10_000):
    add_candidates(path, squares(200), MappedBy(f"scene {number}", "v1", "alps", 50))
    print(number, flush=True)
"""


def test_killed_while_adding_scenes_are_there_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "landslides.gpkg"
    arguments = [sys.executable, "-c", ADD, str(path)]
    for delay in (6, 9, 13):
        process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
        assert process.stdout is not None
        acknowledged = [process.stdout.readline() for _ in range(delay)][-1]
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        with sqlite3.connect(path) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
        counts = pyogrio.read_dataframe(path)["scene"].value_counts()
        assert set(counts) == {200}
        assert f"scene {int(acknowledged)}" in counts.index
