"""A million landslides: memory stays flat while they are exported, and their density takes half a minute at most."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
import shapely

from tests.database.conftest import RUN, scene
from tsmu import database as db
from tsmu.benchmark import make_polygons
from tsmu.database.files import FORMATS
from tsmu.issues import IssueLog

MANY, FEW = 1_000_000, 50_000
PART = 100_000
_EXPORT = """
import resource, sys
from pathlib import Path
from tsmu import database as db
from tsmu.issues import IssueLog
with db.open_database(Path(sys.argv[1])) as records:
    assert db.export(records, Path(sys.argv[2]), IssueLog("soak"), layout=sys.argv[3] or None) == int(sys.argv[4])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def filled(path: Path, count: int) -> Path:
    ground = shapely.box(0, 40, 10, 50)
    with db.open_database(path, create=True) as records:
        for part in range(0, count, PART):
            polygons = make_polygons(min(PART, count - part), part)
            polygons.geometry = shapely.normalize(polygons.geometry.array)
            seen = scene(f"scene {part}")
            log = IssueLog("soak")
            db.add_run(records, polygons, seen, RUN, log, area=shapely.MultiPolygon([ground]))
        return path


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_a_million_are_exported_in_flat_memory_and_counted_in_half_a_minute(tmp_path: Path) -> None:
    many, few = filled(tmp_path / "many.gpkg", MANY), filled(tmp_path / "few.gpkg", FEW)
    with db.open_database(many) as records:
        started = time.monotonic()
        found = db.density(records)
        seconds = time.monotonic() - started
        landslides = db.info(records)["rows"]["landslide"]
    assert found.counted + found.outside == landslides
    assert seconds < 30
    with db.open_database(few) as records:
        some = db.info(records)["rows"]["landslide"]
    for known in (known for known in FORMATS if known.suffix != ".json"):  # which holds no landslides
        peaks = []
        for source, rows in ((few, some), (many, landslides)):
            out = tmp_path / f"out{known.suffix}"
            command = [sys.executable, "-c", _EXPORT, str(source), str(out), known.layout or "", str(rows)]
            peaks.append(float(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
            for part in tmp_path.glob("out.*"):
                part.unlink()
        print(f"{known.name}: {peaks[0]:.0f} MB for {some}, {peaks[1]:.0f} MB for {landslides}")
        index = 150e-6 * landslides if known.driver == "FlatGeobuf" else 0  # MB; its index is made in memory
        assert peaks[1] < peaks[0] * 1.15 + 30 + index, known.name
