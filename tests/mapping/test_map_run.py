import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.special import expit

from tests.mapping.conftest import GRID, blur, content, engine, ground
from tsmu.errors import ImageError, MapError
from tsmu.mapping.arrays import to_percent
from tsmu.mapping.map_run import map_scene
from tsmu.mapping.scene.raster import Scene
from tsmu.mapping.vectorize.polygons import PolygonOptions

SceneFile = Callable[..., Path]


def read(path: Path) -> np.ndarray:
    with rasterio.open(path) as dataset:
        return dataset.read(1)


def expected(pixels: np.ndarray) -> np.ndarray:
    """What the network says about the whole scene at once, padded as the network wants it."""
    height, width = pixels.shape[1:]
    padded = np.pad(pixels.astype(np.float32), ((0, 0), (0, -height % 32), (0, -width % 32)), mode="edge")
    return expit(blur(padded[None]))[0, :height, :width]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 400), st.integers(1, 400), st.sampled_from([(64, 32), (96, 40), (160, 64)]), st.integers(1, 5))
def test_a_map_is_what_the_network_says_about_the_whole_scene(
    scene_file: SceneFile, tmp_path: Path, height: int, width: int, tiling: tuple[int, int], batch: int
) -> None:
    pixels = ground(height, width)
    with Scene(scene_file(pixels)) as scene:
        result = map_scene(
            scene,
            engine(blur),
            tmp_path / "out",
            polygons=PolygonOptions(50),
            tile=tiling[0],
            overlap=tiling[1],
            batch=batch,
        )
    exact = expected(pixels) * 100
    percent = read(result.probability)
    assert np.abs(percent - exact).max() <= 0.5 + 1e-3
    assert result.pixels == (percent >= 50).sum() == geopandas.read_parquet(result.polygons)["pixels"].sum()
    assert result.counts.valid_pixels == height * width


def test_no_data_stays_no_data_and_out_of_the_polygons(scene_file: SceneFile, tmp_path: Path) -> None:
    pixels = ground(300, 500).astype(np.float32)
    gap = np.zeros((300, 500), bool)
    gap[50:120, 100:300] = True
    gap[::7, ::5] = True
    pixels[:, gap] = np.nan
    with Scene(scene_file(pixels)) as scene:
        result = map_scene(
            scene, engine(lambda v: np.full_like(v[:, 0], 9)), tmp_path / "out", polygons=PolygonOptions(1)
        )
    percent = read(result.probability)
    np.testing.assert_array_equal(percent == 255, gap)
    assert (percent[~gap] == 100).all()
    polygons = geopandas.read_parquet(result.polygons)
    assert polygons["pixels"].sum() == (~gap).sum() == result.counts.valid_pixels


def test_the_map_lies_where_the_scene_lies(scene_file: SceneFile, tmp_path: Path) -> None:
    with Scene(scene_file(ground(100, 90))) as scene:
        result = map_scene(
            scene, engine(blur), tmp_path / "out", polygons=PolygonOptions(60), tags={"tsmu_bundle": "v001 0123abcd"}
        )
    with rasterio.open(result.probability) as dataset:
        assert (dataset.crs, dataset.transform, dataset.shape) == (GRID["crs"], GRID["transform"], (100, 90))
        tags = dataset.tags()
    assert tags["tsmu_bundle"] == "v001 0123abcd"
    assert (tags["tsmu_threshold_percent"], tags["tsmu_tile"], tags["tsmu_overlap"]) == ("60", "512", "128")
    polygons = geopandas.read_parquet(result.polygons)
    assert polygons.crs == GRID["crs"]
    assert len(polygons) == result.count > 0
    assert result.area_m2 == pytest.approx(polygons.area.sum(), rel=0.002)
    assert shown(tmp_path / "out") == ["polygons.parquet", "probability.tif"]


@pytest.mark.parametrize("shape", [(1, 1), (100_000, 3), (3, 40_000), (31, 33)])
def test_odd_shapes(scene_file: SceneFile, tmp_path: Path, shape: tuple[int, int]) -> None:
    sides = set()

    def level(values: np.ndarray) -> np.ndarray:
        sides.update(values.shape[2:])
        return (values[:, 0] - 128) / 20

    pixels = ground(*shape, bands=1)
    with Scene(scene_file(pixels)) as scene:
        result = map_scene(scene, engine(level), tmp_path / "out", polygons=PolygonOptions(90))
    logits = (pixels[0].astype(np.float32) - 128) / 20
    np.testing.assert_array_equal(read(result.probability), to_percent(expit(logits), np.ones(shape, bool)))
    assert sides <= {32, 64, 512}


def test_tiles_without_data_are_not_computed(scene_file: SceneFile, tmp_path: Path) -> None:
    pixels = ground(64 * 4, 64 * 8)
    pixels[:, :, 64 * 2 :] = 0
    batches, seen = [], []

    def count(values: np.ndarray) -> np.ndarray:
        batches.append(len(values))
        return values[:, 0]

    with Scene(scene_file(pixels, nodata=0)) as scene:
        result = map_scene(
            scene,
            engine(count),
            tmp_path / "out",
            polygons=PolygonOptions(50),
            tile=64,
            overlap=0,
            batch=3,
            progress=lambda *step: seen.append(step),
        )
    assert (result.counts.tiles, result.counts.tiles_skipped) == (32, 24)
    assert sum(batches) == 8
    assert max(batches) <= 3
    assert seen == sorted(seen)
    assert seen[-1] == (32, 32)


def test_halves_are_rounded_up_as_the_thresholds_of_the_evaluation_assume() -> None:
    probability = np.array([[0, 0.125, 0.375, 0.994, 1.0000001, np.nan]], np.float32)
    valid = np.array([[True, True, True, True, True, False]])
    assert to_percent(probability, valid).tolist() == [[0, 13, 38, 99, 100, 255]]


@pytest.mark.parametrize("threshold", [0, 101])
def test_an_impossible_threshold_is_refused(scene_file: SceneFile, tmp_path: Path, threshold: int) -> None:
    with Scene(scene_file(ground(5, 5))) as scene, pytest.raises(MapError, match="whole percent"):
        map_scene(scene, engine(blur), tmp_path / "out", polygons=PolygonOptions(threshold))


def shown(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_a_scene_without_any_data_is_an_error_and_leaves_nothing(scene_file: SceneFile, tmp_path: Path) -> None:
    path = scene_file(np.zeros((3, 70, 70), np.uint8), nodata=0)
    with Scene(path) as scene, pytest.raises(MapError, match=r"post\.tif: has no valid pixel"):
        map_scene(scene, engine(blur), tmp_path / "out", polygons=PolygonOptions(50))
    assert not (tmp_path / "out").exists()


def test_a_network_that_answers_nan_is_found_out(scene_file: SceneFile, tmp_path: Path) -> None:
    def broken(values: np.ndarray) -> np.ndarray:
        return np.full_like(values[:, 0], np.nan)

    with Scene(scene_file(ground(70, 70))) as scene, pytest.raises(MapError, match="predicts NaN near row 0, column 0"):
        map_scene(scene, engine(broken), tmp_path / "out", polygons=PolygonOptions(50))
    assert not (tmp_path / "out").exists()


def test_a_scene_that_breaks_off_leaves_the_older_map_alone(scene_file: SceneFile, tmp_path: Path) -> None:
    out = tmp_path / "out"
    path = scene_file(ground(500, 300), tiled=True, blockxsize=128, blockysize=128)
    with Scene(path) as scene:
        map_scene(scene, engine(blur), out, polygons=PolygonOptions(50), tile=128, overlap=32)
    before = content(out)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with Scene(path) as scene, pytest.raises(ImageError, match=r"post\.tif: damaged near row \d+"):
        map_scene(scene, engine(blur), out, polygons=PolygonOptions(50), tile=128, overlap=32)
    after = content(out)
    assert after.items() >= before.items()
    assert all(name in before or name.startswith(".tsmu-map/") for name in after)


def test_a_file_in_the_way_is_one_line(scene_file: SceneFile, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("in the way")
    with Scene(scene_file(ground(70, 70))) as scene, pytest.raises(MapError, match="out: cannot be written"):
        map_scene(scene, engine(blur), tmp_path / "out", polygons=PolygonOptions(50))


def test_arrays_do_not_grow_with_the_height_of_the_scene(scene_file: SceneFile, tmp_path: Path) -> None:
    peaks = []
    for height in (3000, 24_000):
        with Scene(scene_file(np.full((3, height, 200), 100, np.uint8), f"scene_{height}")) as scene:
            tracemalloc.start()
            map_scene(
                scene,
                engine(lambda v: v[:, 0] - 200),
                tmp_path / f"out_{height}",
                polygons=PolygonOptions(50),
                tile=128,
                overlap=32,
            )
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0]  # a tile more or less may wait between the threads


MEASURED = """
import resource, sys
import numpy as np
from pathlib import Path
from tsmu.imagery import GDAL_OPTIONS
from tsmu.mapping.inference.engine import Engine, synchronous
from tsmu.mapping.map_run import map_scene
from tsmu.mapping.vectorize.polygons import PolygonOptions
from tsmu.mapping.scene.raster import Scene
GDAL_OPTIONS["GDAL_CACHEMAX"] = 8 << 20  # bytes
engine = Engine(synchronous(lambda v: v[:, 0] - 128), "level", "numpy", "cpu", "float32", "a test")
with Scene(Path(sys.argv[1])) as scene:
    map_scene(scene, engine, Path(sys.argv[2]), polygons=PolygonOptions(90), tile=256, overlap=64)
assert "torch" not in sys.modules
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_the_process_does_not_grow_with_the_scene_and_needs_no_torch(scene_file: SceneFile, tmp_path: Path) -> None:
    """GDAL's memory counts here too; 12 megapixels more would show."""
    peaks = []
    for height in (2_000, 14_000):
        pixels = np.zeros((1, height, 1000), np.uint8)
        pixels[:, 20:1020:50, 20:1000:40] = 255
        path = scene_file(pixels, f"scene_{height}", compress="deflate", zlevel=1, tiled=True)
        command = [sys.executable, "-c", MEASURED, str(path), str(tmp_path / "out")]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout))
    assert peaks[1] < peaks[0] + 8, peaks
