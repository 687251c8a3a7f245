"""Inserts into the landslide database and queries of it, compared with those of pyogrio alone in the same run.

Pyogrio runs in a process of its own, because two copies of SQLite must not be used in one process. Both sides write the
same polygons. For each polygon the database stores an observation and a candidate landslide, with checks, indexes and
history, in runs of at most 100,000 polygons. Both sides answer the same box queries, of about 1,000 records each.
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

VERTICES = 40  # of each polygon; the last vertex repeats the first
RECORDS_PER_BOX = 1000
BOXES = 100  # number of box queries
ROWS_PER_RUN = 100_000  # largest number of polygons in a run; each run lies in its own band of latitudes
_GAP = 0.002  # degrees between the bands, so that polygons of different runs do not touch
_EAST, _NORTH = (0.0, 10.0), (40.0, 50.0)  # longitudes and latitudes in which all polygons lie, degrees
_PYOGRIO_SCRIPT = """
import json, sys, time
import geopandas, pyogrio
source, target, boxes = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
polygons = geopandas.read_parquet(source)
started, cpu = time.perf_counter(), time.process_time()
pyogrio.write_dataframe(
    polygons, target, driver="GPKG", layer="polygons", geometry_type="MultiPolygon", promote_to_multi=True
)
insert_s, insert_cpu_s = time.perf_counter() - started, time.process_time() - cpu
times, records = [], 0
for box in boxes:
    started = time.perf_counter()
    records += len(pyogrio.read_dataframe(target, layer="polygons", bbox=tuple(box)))
    times.append(time.perf_counter() - started)
print(json.dumps({"insert_s": insert_s, "insert_cpu_s": insert_cpu_s, "query_s": times, "records": records}))
"""

Box = tuple[float, float, float, float]  # west, south, east, north in degrees


def benchmark_database(rows: int, seed: int = 0) -> dict[str, Any]:
    """Measure inserts and box queries of both sides; the keys are those of `tsmu benchmark database --json`.

    Args:
        rows: number of polygons, of 40 vertices each.
        seed: seed of the places where the polygons and boxes lie.

    Returns:
        For the database `insert_s`, `insert_cpu_s` (processor seconds, which depend less on other work on the machine)
        and `query_ms` (median); for pyogrio the same values with `pyogrio_` before their names; the ratios of both,
        `insert_ratio_vs_pyogrio`, `insert_cpu_ratio_vs_pyogrio` and `query_ratio_vs_pyogrio`; `run_cpu_s`, the
        processor seconds of each run, of which later ones find more landslides in the database; `peak_rss_mb` of this
        process; and the settings.

    Raises:
        BenchmarkError: pyogrio fails, or the two sides answer with different numbers of records.

    Example:
        >>> results = benchmark_database(2000)  # doctest: +SKIP
        >>> results["insert_ratio_vs_pyogrio"]  # doctest: +SKIP
        6.0
    """
    polygons, boxes = make_polygons(rows, seed), _boxes(rows, seed)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "polygons.parquet"
        polygons.to_parquet(source)
        pyogrio = _measure_pyogrio(source, Path(folder) / "bare.gpkg", boxes)
        tsmu = _measure_tsmu(polygons, Path(folder) / "landslides.gpkg", boxes)
    if tsmu["records"] != pyogrio["records"]:
        raise BenchmarkError(
            f"{tsmu['records']} records found by tsmu, {pyogrio['records']} by pyogrio; one of them is wrong"
        )
    tsmu_ms, pyogrio_ms = (1000 * statistics.median(side["query_s"]) for side in (tsmu, pyogrio))
    return {
        "insert_s": tsmu["insert_s"],
        "pyogrio_insert_s": pyogrio["insert_s"],
        "insert_ratio_vs_pyogrio": tsmu["insert_s"] / pyogrio["insert_s"],
        "insert_cpu_s": sum(tsmu["run_cpu_s"]),
        "pyogrio_insert_cpu_s": pyogrio["insert_cpu_s"],
        "insert_cpu_ratio_vs_pyogrio": sum(tsmu["run_cpu_s"]) / pyogrio["insert_cpu_s"],
        "run_cpu_s": tsmu["run_cpu_s"],
        "query_ms": tsmu_ms,
        "pyogrio_query_ms": pyogrio_ms,
        "query_ratio_vs_pyogrio": tsmu_ms / pyogrio_ms,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "records_per_query": tsmu["records"] / len(boxes),
        **_settings(rows, seed, boxes),
    }


def _settings(rows: int, seed: int, boxes: list[Box]) -> dict[str, Any]:
    return {
        "rows": rows,
        "layers_written": {"tsmu": ["observation", "landslide"], "pyogrio": ["polygons"]},
        "vertices": VERTICES,
        "queries": len(boxes),
        "seed": seed,
        "cpus": os.cpu_count(),
        "machine": platform.machine(),
    }


def make_polygons(rows: int, seed: int) -> geopandas.GeoDataFrame:
    """Make irregular polygons some 80 m wide, in EPSG:4326, at random places; each run in its own band of latitudes.

    Example:
        >>> polygons = make_polygons(3, seed=0)
        >>> len(polygons), polygons.crs.to_epsg(), len(polygons.geometry[0].exterior.coords)
        (3, 4326, 40)
    """
    chance = np.random.default_rng(seed)
    angles = np.linspace(0, 2 * np.pi, VERTICES - 1, endpoint=False)  # the last vertex is the first again
    height = (_NORTH[1] - _NORTH[0]) / -(-rows // ROWS_PER_RUN)
    x, y = chance.uniform(*_EAST, (rows, 1)), chance.uniform(0, height - _GAP, (rows, 1))
    y += _NORTH[0] + height * (np.arange(rows) // ROWS_PER_RUN)[:, None]
    radius = chance.uniform(0.5, 1, (rows, len(angles))) * 0.0005
    rings = np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], axis=-1)
    values = {"area_m2": 4000.0, "max_probability": 0.9, "mean_probability": chance.uniform(0.5, 0.9, rows)}
    return geopandas.GeoDataFrame(values, geometry=shapely.polygons(rings), crs=4326)


def _boxes(rows: int, seed: int) -> list[Box]:
    """Random boxes that contain about `RECORDS_PER_BOX` of so many polygons each."""
    side = 10 * min(1.0, (RECORDS_PER_BOX / rows) ** 0.5)
    chance = np.random.default_rng(seed + 1)
    west, south = chance.uniform(0, 10 - side, BOXES), chance.uniform(40, 50 - side, BOXES)
    return [(float(w), float(s), float(w + side), float(s + side)) for w, s in zip(west, south, strict=True)]


def _measure_pyogrio(source: Path, target: Path, boxes: list[Box]) -> dict[str, Any]:
    """Measure pyogrio in a process of its own.

    Args:
        source: parquet file of the polygons.
        target: the GeoPackage to write.
        boxes: the boxes to query.

    Returns:
        Seconds of the insert (`insert_s`, `insert_cpu_s`) and of each query (`query_s`), and the number of records that
        all queries together found (`records`).
    """
    command = [sys.executable, "-c", _PYOGRIO_SCRIPT, str(source), str(target), json.dumps(boxes)]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    if process.returncode:
        reason = (process.stderr.strip().splitlines() or [f"exit code {process.returncode}"])[-1]
        raise BenchmarkError(f"pyogrio fails ({reason})")
    return dict(json.loads(process.stdout))


def _measure_tsmu(polygons: geopandas.GeoDataFrame, target: Path, boxes: list[Box]) -> dict[str, Any]:
    """Measure a new landslide database; returns the same values as `_measure_pyogrio`.

    Instead of `insert_cpu_s` there are the processor seconds of each run (`run_cpu_s`).
    """
    footprint = shapely.box(_EAST[0], _NORTH[0], _EAST[1], _NORTH[1])
    run = RunRecord("v001", "benchmark", "r", "r", 50)
    with open_database(target, create=True) as database:
        started, run_cpu_s = time.perf_counter(), []
        for start in range(0, len(polygons), ROWS_PER_RUN):
            cpu = time.process_time()
            scene = SceneRecord(f"benchmark {start}", footprint)
            add_run(database, polygons.iloc[start : start + ROWS_PER_RUN], scene, run, IssueLog("benchmark"))
            run_cpu_s.append(time.process_time() - cpu)
        insert_s = time.perf_counter() - started
        times, records = [], 0
        for box in boxes:
            started = time.perf_counter()
            records += len(query(database, Filters(bbox=box, status=["candidate"])))
            times.append(time.perf_counter() - started)
    return {"insert_s": insert_s, "run_cpu_s": run_cpu_s, "query_s": times, "records": records}
