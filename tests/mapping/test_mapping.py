"""Mapping: no seams, no-data respected, georeference kept, nothing half-written."""

import resource
import subprocess
import sys
from pathlib import Path

import geopandas
import numpy as np
import pyproj
import pytest
import rasterio
import rasterio.features
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.transform import from_origin
from scipy.ndimage import gaussian_filter, label

from tests.conftest import write_raster
from tsmu.errors import ImageError, MapError
from tsmu.mapping.mapper import NO_DATA, Tiling
from tsmu.mapping.polygons import polygonise
from tsmu.mapping.scene import SceneMap, map_scene
from tsmu.mapping.source import check_resolution, open_scene
from tsmu.mapping.tiles import Axis

BANDS = ["post:red", "post:green", "post:blue"]
UTM = {"crs": "EPSG:32610", "transform": from_origin(500_000, 5_000_000, 10, 10)}
SMALL = Tiling(tile=128, overlap=64, batch=2)  # throws away 16 px at tile edges, more than the blur sees


def blur(tiles: np.ndarray) -> np.ndarray:
    """A network with a receptive field of 25 pixels: what it says depends on the neighbourhood."""
    filled = np.nan_to_num(tiles[:, 0], nan=128) / 255
    return np.stack([gaussian_filter(image, 3, radius=12, mode="mirror") for image in filled])


def ground(height: int, width: int, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(3, height, width))
    smooth = gaussian_filter(noise, (0, 4, 4))
    return (128 + 60 * smooth / smooth.std()).clip(1, 255).astype(np.uint8)


def run(path: Path, out: Path, tiling: Tiling = SMALL, threshold: int = 60) -> SceneMap:
    with open_scene(path, None, BANDS) as scene:
        return map_scene(scene, blur, out, threshold, tiling, {"by": "test"})


def values(result: SceneMap) -> np.ndarray:
    with rasterio.open(result.probability) as dataset:
        return dataset.read(1)


@given(st.integers(1, 900), st.sampled_from([64, 96, 128, 256]), st.sampled_from([0, 32, 64, 128]))
def test_every_pixel_is_covered_and_weighted(length: int, tile: int, overlap: int) -> None:
    if overlap > tile // 2:
        return
    axis = Axis.fitted(length, tile, overlap)
    assert axis.total_weight().min() > 0
    inner = slice(axis.starts[0] + axis.overlap, axis.starts[-1] + axis.tile - axis.overlap)
    np.testing.assert_allclose(axis.total_weight()[max(inner.start, 0) : inner.stop], 1, atol=1e-5)
    assert all(start % 32 == 0 for start in axis.starts)


@settings(max_examples=12, deadline=None)
@given(st.integers(129, 400), st.integers(129, 400))
def test_tiles_say_what_the_whole_image_says(tmp_path_factory: pytest.TempPathFactory, height: int, width: int) -> None:
    folder = tmp_path_factory.mktemp("scene")
    image = ground(height, width)
    result = values(run(write_raster(folder / "post.tif", image, **UTM), folder / "map"))
    whole = np.floor(100 * blur(image[None].astype(np.float32))[0] + 0.5)
    assert result.shape == (height, width)
    assert np.abs(result - whole).max() <= 1


def test_tile_borders_show_no_step(tmp_path: Path) -> None:
    image = ground(400, 400)
    result = values(run(write_raster(tmp_path / "post.tif", image, **UTM), tmp_path / "map")).astype(float)
    whole = 100 * blur(image[None].astype(np.float32))[0]
    assert np.abs(result - whole).max() <= 0.51  # rounding alone


def test_crs_transform_tags_and_overviews_are_there(tmp_path: Path) -> None:
    result = run(write_raster(tmp_path / "post.tif", ground(700, 600), **UTM), tmp_path / "map")
    with rasterio.open(result.probability) as dataset:
        assert dataset.crs == UTM["crs"]
        assert dataset.transform == UTM["transform"]
        assert dataset.nodata == NO_DATA
        assert dataset.tags()["by"] == "test"
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert dataset.overviews(1)
    assert sorted(path.name for path in (tmp_path / "map").iterdir()) == ["polygons.parquet", "probability.tif"]


def test_no_data_is_no_data_and_never_a_landslide(tmp_path: Path) -> None:
    image = ground(300, 300).astype(np.float32)
    image[:, :150] = -9999
    image[1, 200:210, 200:210] = np.nan
    result = run(write_raster(tmp_path / "post.tif", image, nodata=-9999, **UTM), tmp_path / "map", threshold=1)
    missing = values(result) == NO_DATA
    expected = np.zeros((300, 300), bool)
    expected[:150] = expected[200:210, 200:210] = True
    np.testing.assert_array_equal(missing, expected)
    burned = rasterio.features.rasterize(result.landslides.geometry, (300, 300), transform=UTM["transform"])
    assert not (burned.astype(bool) & expected).any()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 100), st.integers(1, 40), st.integers(1, 40))
def test_polygons_are_the_rasters_pixels(
    tmp_path_factory: pytest.TempPathFactory, seed: int, threshold: int, height: int, width: int
) -> None:
    percent = np.random.default_rng(seed).integers(0, 102, (height, width), np.uint8)
    percent[percent == 101] = NO_DATA
    path = write_raster(tmp_path_factory.mktemp("p") / "p.tif", percent, nodata=NO_DATA, **UTM)
    polygons = polygonise(path, threshold)
    reached = (percent >= threshold) & (percent != NO_DATA)
    shapes = list(polygons.geometry)
    burned = rasterio.features.rasterize(shapes, reached.shape, transform=UTM["transform"]) if shapes else reached * 0
    np.testing.assert_array_equal(burned.astype(bool), reached)
    assert polygons["pixels"].sum() == reached.sum()
    assert len(polygons) == label(reached)[1]
    assert polygons.is_valid.all()


def test_areas_are_geodesic(tmp_path: Path) -> None:
    percent = np.zeros((50, 50), np.uint8)
    percent[10:30, 10:40] = 80
    percent[15:18, 15:18] = 90
    percent[20, 20] = 10
    (row,) = polygonise(write_raster(tmp_path / "p.tif", percent, **UTM), 50).itertuples()
    assert row.pixels == 599
    assert row.area_m2 == pytest.approx(599 * 100 / 0.9996**2, rel=2e-3)  # UTM's scale on the central meridian
    assert row.max_probability == pytest.approx(0.9)
    assert row.mean_probability == pytest.approx((590 * 0.8 + 9 * 0.9) / 599)
    assert len(row.geometry.interiors) == 1


def test_files_are_read_back_by_gdal(tmp_path: Path) -> None:
    result = run(write_raster(tmp_path / "post.tif", ground(200, 200), **UTM), tmp_path / "map")
    stored = geopandas.read_parquet(result.polygons)
    assert len(stored) == len(result.landslides) > 0
    assert pyproj.CRS(stored.crs) == pyproj.CRS(UTM["crs"])


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 20_000), (20_000, 3)])
def test_odd_shapes_are_mapped(tmp_path: Path, height: int, width: int) -> None:
    result = run(write_raster(tmp_path / "post.tif", ground(height, width), **UTM), tmp_path / "map")
    assert values(result).shape == (height, width)


def test_memory_does_not_grow_with_the_height(tmp_path: Path) -> None:
    code = (
        "import sys, resource\nfrom pathlib import Path\nfrom tests.mapping.test_mapping import *\n"
        "run(Path(sys.argv[1]), Path(sys.argv[2]), Tiling(512, 128, 2), threshold=100)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    peaks = []
    for height in (1000, 8000):
        path = write_raster(tmp_path / f"{height}.tif", np.full((3, height, 1500), 90, np.uint8), tiled=True, **UTM)
        arguments = [sys.executable, "-c", code, str(path), str(tmp_path / f"map{height}")]
        done = subprocess.run(arguments, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
        peaks.append(int(done.stdout) / 1024)
    assert peaks[1] < peaks[0] + 60, peaks  # MB; the larger scene's pixels alone are 36 MB


def test_wrong_scenes_are_refused_in_one_line(tmp_path: Path, shared_data: Path) -> None:
    plain = write_raster(tmp_path / "plain.tif", ground(50, 50))
    two = write_raster(tmp_path / "two.tif", ground(50, 50)[:2], **UTM)
    mars = next((shared_data / "mars_7band" / "images").glob("*.tif"))
    for path, told in [(plain, "no CRS"), (two, "lacks the bands"), (mars, "not on Earth")]:
        with pytest.raises(MapError, match=told) as caught:
            run(path, tmp_path / "map")
        assert "\n" not in str(caught.value)
    with pytest.raises(ImageError, match="no such image file"):
        run(tmp_path / "none.tif", tmp_path / "map")
    assert not (tmp_path / "map").exists()


def test_a_truncated_scene_leaves_nothing_behind(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "post.tif", ground(400, 400), **UTM)
    path.write_bytes(path.read_bytes()[:200_000])
    with pytest.raises(ImageError, match="cannot be read"):
        run(path, tmp_path / "map")
    assert list((tmp_path / "map").iterdir()) == []


def test_a_scene_of_another_resolution_is_refused(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "post.tif", ground(50, 50), **UTM)
    with open_scene(path, None, BANDS) as scene:
        check_resolution(scene, (6.0, 12.0))
        check_resolution(scene, None)
        with pytest.raises(MapError, match="--any-resolution"):
            check_resolution(scene, (0.5, 1.0))


def test_no_room_on_the_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "post.tif", ground(600, 600), **UTM)
    code = (
        "import sys, resource\nfrom pathlib import Path\nfrom tests.mapping.test_mapping import *\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "from tsmu.errors import TsmuError\n"
        "try:\n    run(Path(sys.argv[1]), Path(sys.argv[2]))\nexcept (TsmuError, OSError) as error:\n    print(error)\n"
    )
    arguments = [sys.executable, "-c", code, str(path), str(tmp_path / "map")]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert "could not be written" in done.stdout, done.stderr
    assert list((tmp_path / "map").iterdir()) == []


assert resource  # used by the child processes
