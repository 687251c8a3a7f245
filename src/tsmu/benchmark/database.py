"""Writing into and asking the landslide database, beside bare pyogrio in the same run.

pyogrio's side runs in a process of its own: two copies of SQLite must not share one. Both write the
same polygons, of which ours keeps an observation and a candidate landslide each, with their checks,
indexes and history, a run of at most 100,000 at a time; both read the same boxes, of about 1,000 records.
"""

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import shapely

from tsmu.database import Filters, RunRecord, SceneRecord, add_run, open_database, query
from tsmu.errors import BenchmarkError
from tsmu.issues import IssueLog

VERTICES = 40
WANTED = 1000  # records in a box
QUERIES = 100
PART = 100_000  # polygons of one run, in a band of latitudes of their own
_GAP = 0.002  # degrees between the bands, so that no polygon is another run's too
_EAST, _NORTH = (0.0, 10.0), (40.0, 50.0)  # degrees
_BARE = """
import json, sys, time
import geopandas, pyogrio
source, target, boxes = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
polygons = geopandas.read_parquet(source)
started = time.perf_counter()
pyogrio.write_dataframe(
    polygons, target, driver="GPKG", layer="polygons", geometry_type="MultiPolygon", promote_to_multi=True
)
insert_s = time.perf_counter() - started
times, records = [], 0
for box in boxes:
    started = time.perf_counter()
    records += len(pyogrio.read_dataframe(target, layer="polygons", bbox=tuple(box)))
    times.append(time.perf_counter() - started)
print(json.dumps({"insert_s": insert_s, "query_s": times, "records": records}))
"""


def benchmark_database(rows: int, seed: int = 0) -> dict[str, Any]:
    """Measure both sides; the keys are those of `tsmu benchmark database --json`.

    Args:
        rows: polygons of 40 vertices.
        seed: decides where they lie.

    Returns:
        `insert_s` and `query_ms` (median; ours), the same with `pyogrio_` before, their ratios
        `insert_ratio_vs_pyogrio` and `query_ratio_vs_pyogrio`, `peak_rss_mb` of this process, and
        the settings.

    Raises:
        BenchmarkError: pyogrio's side fails, or the two give different numbers of records.
    """
    polygons, boxes = make_polygons(rows, seed), _boxes(rows, seed)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "polygons.parquet"
        polygons.to_parquet(source)
        bare = _bare(source, Path(folder) / "bare.gpkg", boxes)
        ours = _ours(polygons, Path(folder) / "landslides.gpkg", boxes)
    if ours["records"] != bare["records"]:
        raise BenchmarkError(f"{ours['records']} records found by tsmu, {bare['records']} by pyogrio; one is wrong")
    ours_ms, bare_ms = (1000 * statistics.median(side["query_s"]) for side in (ours, bare))
    return {
        "insert_s": ours["insert_s"],
        "pyogrio_insert_s": bare["insert_s"],
        "insert_ratio_vs_pyogrio": ours["insert_s"] / bare["insert_s"],
        "query_ms": ours_ms,
        "pyogrio_query_ms": bare_ms,
        "query_ratio_vs_pyogrio": ours_ms / bare_ms,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "records_per_query": ours["records"] / len(boxes),
        "rows": rows,
        "layers_written": {"tsmu": ["observation", "landslide"], "pyogrio": ["polygons"]},
        "vertices": VERTICES,
        "queries": len(boxes),
        "seed": seed,
        "cpus": os.cpu_count(),
        "machine": platform.machine(),
    }


def make_polygons(rows: int, seed: int) -> geopandas.GeoDataFrame:
    """Star-shaped polygons some 50 m wide, at random places; each `PART` in a band of its own."""
    chance = np.random.default_rng(seed)
    turns = np.linspace(0, 2 * np.pi, VERTICES - 1, endpoint=False)  # the last vertex is the first again
    height = (_NORTH[1] - _NORTH[0]) / -(-rows // PART)
    x, y = chance.uniform(*_EAST, (rows, 1)), chance.uniform(0, height - _GAP, (rows, 1))
    y += _NORTH[0] + height * (np.arange(rows) // PART)[:, None]
    radius = chance.uniform(0.5, 1, (rows, len(turns))) * 0.0005
    rings = np.stack([x + radius * np.cos(turns), y + radius * np.sin(turns)], axis=-1)
    values = {"area_m2": 4000.0, "max_probability": 0.9, "mean_probability": chance.uniform(0.5, 0.9, rows)}
    return geopandas.GeoDataFrame(values, geometry=shapely.polygons(rings), crs=4326)


def _boxes(rows: int, seed: int) -> list[tuple[float, float, float, float]]:
    side = 10 * min(1.0, (WANTED / rows) ** 0.5)
    chance = np.random.default_rng(seed + 1)
    west, south = chance.uniform(0, 10 - side, QUERIES), chance.uniform(40, 50 - side, QUERIES)
    return [(float(w), float(s), float(w + side), float(s + side)) for w, s in zip(west, south, strict=True)]


def _bare(source: Path, target: Path, boxes: list[tuple[float, float, float, float]]) -> dict[str, Any]:
    command = [sys.executable, "-c", _BARE, str(source), str(target), json.dumps(boxes)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchmarkError(f"pyogrio's side fails ({(done.stderr.strip().splitlines() or ['no word'])[-1]})")
    return dict(json.loads(done.stdout))


def _ours(
    polygons: geopandas.GeoDataFrame, target: Path, boxes: list[tuple[float, float, float, float]]
) -> dict[str, Any]:
    ground, run = shapely.box(_EAST[0], _NORTH[0], _EAST[1], _NORTH[1]), RunRecord("v001", "benchmark", "r", "r", 50)
    with open_database(target, create=True) as database:
        started = time.perf_counter()
        for start in range(0, len(polygons), PART):
            seen = SceneRecord(f"benchmark {start}", ground)
            add_run(database, polygons.iloc[start : start + PART], seen, run, IssueLog("benchmark"))
        insert_s = time.perf_counter() - started
        times, records = [], 0
        for box in boxes:
            started = time.perf_counter()
            records += len(query(database, Filters(bbox=box, status=["candidate"])))
            times.append(time.perf_counter() - started)
    return {"insert_s": insert_s, "query_s": times, "records": records}
