"""A threshold on the change between two images, fitted in the west and measured in the east."""

from pathlib import Path

import numpy as np
import pytest
from rasterio.transform import from_origin

from benchmarks.peers.change_threshold import change_thresholds, slope_in_degrees, west_and_east
from tests.conftest import write_raster
from tsmu.errors import BenchmarkError


def write_pair(folder: Path, size: int = 200) -> Path:
    """Write a pair with a landslide in the west and in the east: 90 to 109 brighter, other ground 0 to 19."""
    random = np.random.default_rng(0)
    grid = {"crs": "EPSG:32632", "transform": from_origin(500_000, 5_100_000, 10, 10)}
    pre = random.integers(100, 120, (3, size, size))
    slides = np.zeros((size, size), np.uint8)
    slides[20:60, 20:50] = slides[100:140, 160:180] = 1
    write_raster(folder / "pre.tif", pre.astype(np.uint16), **grid)
    write_raster(folder / "post.tif", (pre + random.integers(0, 20, pre.shape) + 90 * slides).astype(np.uint16), **grid)
    write_raster(folder / "mask.tif", slides, **grid)
    return folder


def test_on_the_real_pair_it_finds_what_was_measured(shared_data: Path) -> None:
    found = {one["contestant"]: one for one in change_thresholds(shared_data / "iburi_pair")}
    assert list(found) == [
        "change of red", "change of red on slopes", "change of brightness", "change of brightness on slopes",
    ]  # fmt: skip
    for one in found.values():
        assert 0.35 < one["iou"] < 0.39
        assert (one["pixels_west"], one["pixels"]) == (264_970, 203_421)
        assert one["landslide_share_west"] == pytest.approx(0.0891, abs=1e-4)
        assert one["landslide_share"] == pytest.approx(0.0266, abs=1e-4)
    for name in ("change of red", "change of brightness"):
        assert found[f"{name} on slopes"]["slope"] > 0 == found[name]["slope"]
        # 0.54 with slopes of elevations that were brought onto the image's grid first
        assert found[f"{name} on slopes"]["iou_west"] > max(found[name]["iou_west"], 0.555)


def test_a_clear_change_is_found_whole(tmp_path: Path) -> None:
    for one in change_thresholds(write_pair(tmp_path)):
        assert one["iou"] == one["iou_west"] == 1
        assert 19 < one["threshold"] <= 90


def test_west_ends_where_55_percent_are_known_and_a_gap_follows() -> None:
    image, mask = np.ones((3, 10, 200)), np.zeros((10, 200))
    mask[:, :100] = 255
    west, east = west_and_east(image, image, mask)
    assert np.flatnonzero(west.any(0))[[0, -1]].tolist() == [100, 153]
    assert np.flatnonzero(east.any(0))[[0, -1]].tolist() == [194, 199]
    image[:, :, 120] = 0  # no data
    assert not west_and_east(image, np.ones((3, 10, 200)), mask)[0][:, 120].any()


def test_slopes_are_metres_by_metres_on_a_grid_in_degrees(tmp_path: Path) -> None:
    """A plane that rises by 5 m a pixel to the east, at 60 degrees north, where a pixel is half as wide as high."""
    transform = from_origin(10, 60.01, 0.0001, 0.0001)
    write_raster(tmp_path / "post.tif", np.ones((3, 100, 100), np.uint8), crs="EPSG:4326", transform=transform)
    heights = np.tile(np.arange(120, dtype=np.float32) * 5, (120, 1))
    outside = from_origin(10 - 0.001, 60.01 + 0.001, 0.0001, 0.0001)
    write_raster(tmp_path / "dem.tif", heights, crs="EPSG:4326", transform=outside)
    slope = slope_in_degrees(tmp_path / "dem.tif", tmp_path / "post.tif")
    assert slope.shape == (100, 100)
    np.testing.assert_allclose(slope, np.degrees(np.arctan(5 / 5.58)), atol=0.1)  # 5.58 m, by the WGS 84 ellipsoid


def test_errors_say_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match=r"no pre\.tif"):
        change_thresholds(tmp_path)
    pair = write_pair(tmp_path / "pair")
    write_raster(pair / "mask.tif", np.zeros((200, 200), np.uint8), crs="EPSG:32632",
                 transform=from_origin(500_000, 5_100_000, 10, 10))  # fmt: skip
    with pytest.raises(BenchmarkError, match="west and east need landslides"):
        change_thresholds(pair)
    write_raster(pair / "mask.tif", np.ones((100, 100), np.uint8), crs="EPSG:32632",
                 transform=from_origin(500_000, 5_100_000, 20, 20))  # fmt: skip
    with pytest.raises(BenchmarkError, match=r"mask\.tif: another grid"):
        change_thresholds(pair)
