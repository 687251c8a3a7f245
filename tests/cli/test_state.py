"""What commands say of a workspace that is damaged, of options without sense, and of a reader that has gone."""

import json
import os
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import pytest
import rasterio
from rasterio.control import GroundControlPoint

from tests.commands import COMMANDS, takes
from tests.conftest import Tsmu, write_chips, write_raster
from tsmu.cli.command import finite
from tsmu.workspace_folder import WorkspaceFolder

GRID: dict[str, Any] = {"crs": "EPSG:32651", "transform": rasterio.Affine(10, 0, 500_000, 0, -10, 2_600_000)}
NO_LOWER_END: set[tuple[str, str]] = set()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_number_has_a_least_value_and_must_be_finite(name: str) -> None:
    for parameter in COMMANDS[name].params:
        if takes(float, parameter) or takes(int, parameter):
            assert parameter.min is not None, f"{name} {parameter.opts[0]}"
        if takes(float, parameter):
            assert parameter.callback is not None, f"{name} {parameter.opts[0]}"
    assert finite(None) is None


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "-inf", "1e30", "one"])
def test_a_scale_without_sense_is_refused(tmp_path: Path, tsmu: Tsmu, value: str) -> None:
    done = tsmu("map", "post.tif", "--scale", value, "--workspace", tmp_path)
    assert done.returncode == 2
    assert "--scale" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("update", "andes", "--seed", -1),
        ("update", "andes", "--batch-size", 10**9),
        ("update", "andes", "--steps", -3),
        ("map", "post.tif", "--slope-below", "nan", "--dem", "dem.tif"),
        ("map", "post.tif", "--min-probability", "nan"),
        ("map", "post.tif", "--overlap", -5),
        ("chips", "build", "--gap", "nan"),
        ("import", "labels", ".", "--line-width", 1e300),
        ("db", "query", "--min-area", "nan"),
        ("db", "density", "out.tif", "--cell", 0),
        ("db", "merge", "--by", "eva", "--near", "inf"),
        ("fetch", "pairs", "--stac", "http://localhost", "--collection", "a", "--pre-days", 10**9),
        ("demo", "out", "--seed", -1),
    ],
)
def test_numbers_without_sense_are_refused(tmp_path: Path, tsmu: Tsmu, words: tuple[object, ...]) -> None:
    WorkspaceFolder.create(tmp_path)
    done = tsmu(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith(".")) == ["tsmu.toml"]


@pytest.fixture
def pairs(tmp_path: Path, tsmu: Tsmu) -> Path:
    """A workspace with one labelled pair that lies in no region."""
    random = np.random.default_rng(0)
    for side in ("pre", "post"):
        pixels = random.integers(1, 255, (3, 64, 64)).astype(np.uint8)
        write_raster(tmp_path / "pairs" / f"a_{side}.tif", pixels, photometric="rgb", **GRID)
    mask = np.zeros((64, 64), np.uint8)
    mask[20:40, 20:40] = 1
    write_raster(tmp_path / "labels" / "a_post.tif", mask, **GRID)
    space = tmp_path / "survey"
    WorkspaceFolder.create(space)
    done = tsmu("import", "pairs", tmp_path / "pairs", "--workspace", space)
    assert done.returncode == 0, done.stderr
    assert "no region" in done.stdout
    assert f"tsmu import pairs {tmp_path / 'pairs'} --region NAME" in done.stdout
    assert "tsmu regions use" in done.stdout
    done = tsmu("import", "labels", tmp_path / "labels", "--workspace", space)
    assert done.returncode == 0, done.stderr
    return space


def test_pairs_without_a_region_are_told_what_gives_them_one(pairs: Path, tmp_path: Path, tsmu: Tsmu) -> None:
    done = tsmu("chips", "build", "--size", 32, "--workspace", pairs)
    assert done.returncode == 2
    assert "its only labelled pair does not have a region" in done.stderr
    assert "--region NAME" in done.stderr and "tsmu regions use" in done.stderr
    assert "issue log" not in done.stderr
    named = tsmu("import", "pairs", tmp_path / "pairs", "--region", "andes", "--workspace", pairs)
    assert named.returncode == 0, named.stderr
    built = tsmu("chips", "build", "--size", 32, "--workspace", pairs)
    assert built.returncode == 0, built.stderr


def test_pairs_outside_the_region_map_are_not_sent_to_it_again(pairs: Path, tmp_path: Path, tsmu: Tsmu) -> None:
    ring = [[-70, -30], [-69, -30], [-69, -29], [-70, -30]]
    feature = {"type": "Feature", "properties": {"n": "x"}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    (tmp_path / "map.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    done = tsmu("regions", "use", tmp_path / "map.geojson", "--name-field", "n", "--workspace", pairs)
    assert done.returncode == 0, done.stderr
    done = tsmu("chips", "build", "--size", 32, "--workspace", pairs)
    assert "none of the region map's" in done.stderr
    assert "tsmu regions" not in done.stderr


@pytest.mark.parametrize(
    ("table", "damage"),
    [
        *(("labels", damage) for damage in ("cut", "empty", "text", "other")),
        *((table, damage) for table in ("pairs", "chips", "sides", "blocks") for damage in ("cut", "other")),
    ],
)
def test_a_damaged_table_of_a_workspace_is_one_line(
    tmp_path: Path, tsmu: Tsmu, bright_chips: Path, table: str, damage: str
) -> None:
    space = tmp_path / "survey"
    WorkspaceFolder.create(space)
    file = space / f"{table}.parquet"
    frame = geopandas.GeoDataFrame({"n": [1]}, geometry=geopandas.points_from_xy([1], [1]), crs=4326)
    if damage == "other":
        (pd.DataFrame({"n": [1]}) if table == "labels" else frame).to_parquet(file)
    else:
        frame.to_parquet(file)
        content = file.read_bytes()
        file.write_bytes({"cut": content[: len(content) // 2], "empty": b"", "text": b"id,mask\n1,2\n"}[damage])
    if table == "labels":
        images = np.full((3, 64, 64), 9, np.uint8)
        write_raster(tmp_path / "pairs" / "a_post.tif", images, photometric="rgb", **GRID)
        tsmu("import", "pairs", tmp_path / "pairs", "--region", "andes", "--workspace", space)
    for words in (
        ("import", "pairs", tmp_path, "--region", "andes"),
        ("import", "labels", tmp_path),
        ("import", "chips", bright_chips, "--region", "bright"),
        ("chips", "build"),
        ("regions", "assign"),
    ):
        done = tsmu(*words, "--workspace", space)
        assert "Traceback" not in done.stderr, words
        assert done.returncode in (0, 2), done.stderr
    told = {"pairs": "import labels", "labels": "chips build", "chips": "update bright", "sides": "import chips"}
    if table in told:
        words = told[table].split()
        more = {"labels": [tmp_path], "chips": [bright_chips, "--region", "bright"]}.get(words[1], [])
        done = tsmu(*words, *(more if words[0] == "import" else []), "--workspace", space)
        assert done.returncode == 2
        assert str(file) in done.stderr
        assert len([line for line in done.stderr.splitlines() if line.startswith("tsmu: ")]) == 1


def test_a_scene_with_ground_control_points_is_told_what_helps(tmp_path: Path) -> None:
    from tsmu.errors import MapError
    from tsmu.mapping import Scene

    path, pixels = tmp_path / "gcps.tif", np.full((3, 64, 64), 100, np.uint8)
    points = [GroundControlPoint(r, c, 500_000 + 10 * c, 2_600_000 - 10 * r) for r in (0, 64) for c in (0, 64)]
    shape = {"driver": "GTiff", "width": 64, "height": 64, "count": 3, "dtype": "uint8"}
    with rasterio.open(path, "w", **shape, gcps=points, crs="EPSG:32651") as dataset:
        dataset.write(pixels)
    with pytest.raises(MapError, match=r"ground control points .*gdalwarp -tps"):
        Scene(path)
    with pytest.raises(MapError, match=r"no CRS and no place; .*-a_ullr"):
        Scene(write_raster(tmp_path / "bare.tif", pixels))
    with pytest.raises(MapError, match=r"a place but no CRS; .*-a_srs"):
        Scene(write_raster(tmp_path / "placed.tif", pixels, transform=GRID["transform"]))


def test_a_reader_that_goes_leaves_the_work_done(tmp_path: Path) -> None:
    folder = write_chips(tmp_path / "chips", 20)
    space = tmp_path / "survey"
    WorkspaceFolder.create(space)
    words = ["import", "chips", str(folder), "--region", "andes", "--workspace", str(space)]
    process = subprocess.Popen(
        [sys.executable, "-m", "tsmu", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()  # before anything is said
    said = process.stderr.read()
    assert process.wait(120) == 0, said
    assert "Traceback" not in said and "BrokenPipe" not in said
    assert (space / "chips.parquet").exists()


def test_a_demo_that_is_interrupted_says_so_as_json(tmp_path: Path) -> None:
    words = ["demo", str(tmp_path / "demo"), "--steps", "2000", "--json"]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run behind a shell
    process = subprocess.Popen(
        [sys.executable, "-m", "tsmu", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    signal.signal(signal.SIGINT, before)
    until = time.monotonic() + 240
    while not list(tmp_path.glob("demo/**/*.tif")) and time.monotonic() < until:
        assert process.poll() is None
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 2
    answer = json.loads(out)
    assert (answer["command"], answer["status"]) == ("demo", "failed")
    assert answer["error"].startswith("interrupted; ") and "demo again" in answer["error"]
    assert "Traceback" not in err


def test_a_demo_whose_command_fails_says_which_as_json(
    tmp_path: Path, tsmu: Tsmu, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("tsmu.cli.demo"), "ORDER", ("nowhere",))
    monkeypatch.setattr("tsmu.synthetic.write_world", lambda folder, _: write_chips(folder / "chips" / "other"))
    done = tsmu("demo", tmp_path / "demo", "--json")
    assert done.returncode == 2
    answer = json.loads(done.stdout)
    assert answer["status"] == "failed"
    assert "(at: tsmu " in answer["error"]


@pytest.mark.parametrize("regions", ["a", "a,a", "a,,b", ""])
def test_an_order_of_one_region_is_refused_before_anything_is_learned(tmp_path: Path, tsmu: Tsmu, regions: str) -> None:
    done = tsmu("benchmark", "continual", "--data", tmp_path, "--regions", regions, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "at least two regions" in done.stderr
    assert not (tmp_path / "out").exists()
