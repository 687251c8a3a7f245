import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS

from tests.conftest import require
from tests.mapping.conftest import GRID, ground
from tsmu.errors import MapError
from tsmu.imagery import Grid
from tsmu.mapping.outputs.cog import CogWriter


def grid_of(height: int, width: int) -> Grid:
    return Grid(width, height, CRS.from_user_input(GRID["crs"]), GRID["transform"])


def percents(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 101, (height, width), np.uint8)


def write(path: Path, rows: np.ndarray, band: int = 100) -> None:
    with CogWriter(path, grid_of(*rows.shape), {}) as sink:
        for start in range(0, len(rows), band):
            sink.write(rows[start : start + band])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 1100), st.integers(1, 600), st.integers(1, 700))
def test_what_went_in_is_what_is_read(tmp_path: Path, height: int, width: int, band: int) -> None:
    rows = percents(height, width)
    rows[:, 0] = 255
    write(tmp_path / "map.tif", rows, band)
    with rasterio.open(tmp_path / "map.tif") as dataset:
        np.testing.assert_array_equal(dataset.read(1), rows)
    assert [path.name for path in tmp_path.iterdir()] == ["map.tif"]


def test_the_raster_is_a_cog_on_the_scenes_grid_with_its_settings(tmp_path: Path) -> None:
    rows = percents(1200, 1100)
    with CogWriter(tmp_path / "map.tif", grid_of(*rows.shape), {"bundle": "v003", "tile": 512}) as sink:
        sink.write(rows)
    with rasterio.open(tmp_path / "map.tif") as dataset:
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert dataset.profile["compress"] == "deflate"
        assert dataset.overviews(1) == [2, 4]
        assert (dataset.crs, dataset.transform) == (GRID["crs"], GRID["transform"])
        assert (dataset.dtypes, dataset.nodata) == (("uint8",), 255)
        assert dataset.tags().items() >= {"bundle": "v003", "tile": "512"}.items()
        assert dataset.descriptions == ("landslide_probability",)


def test_overviews_do_not_mix_with_no_data(tmp_path: Path) -> None:
    rows = np.full((1024, 1024), 40, np.uint8)
    rows[::2, ::2] = 255
    rows[512:, :] = 255
    write(tmp_path / "map.tif", rows)
    with rasterio.open(tmp_path / "map.tif", overview_level=0) as dataset:
        overview = dataset.read(1)
    assert np.unique(overview[:256]).tolist() == [40]
    assert np.unique(overview[256:]).tolist() == [255]


def test_an_error_of_the_caller_passes_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(KeyError), CogWriter(tmp_path / "map.tif", grid_of(600, 100), {}) as sink:
        sink.write(percents(600, 100))
        raise KeyError
    assert not list(tmp_path.iterdir())


def test_a_raster_that_is_not_what_was_written_is_found_out(tmp_path: Path) -> None:
    """Here rows are missing; a disk may lose blocks."""
    with (
        pytest.raises(MapError, match="not what was written"),
        CogWriter(tmp_path / "map.tif", grid_of(100, 40), {}) as sink,
    ):
        sink.write(percents(90, 40))


def test_a_missing_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(MapError, match=r"gone: cannot be written \(.*MB are free"):
        CogWriter(tmp_path / "gone" / "map.tif", grid_of(10, 10), {})


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond `size` bytes: writes fail as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_no_failed_write_goes_unnoticed(tmp_path: Path) -> None:
    """From the first byte to the last: GDAL reports some when writing, some when copying, some never."""
    rows = ground(700, 700, bands=1)[0] // 3
    write(tmp_path / "whole.tif", rows)
    needed = (tmp_path / "whole.tif").stat().st_size
    limits = [100, needed // 4, needed // 2, needed - 2000, needed - 200, needed - 16, needed - 1]
    for limit in limits:
        with largest_file(limit), pytest.raises(MapError, match="cannot be written") as caught:
            write(tmp_path / "cut.tif", rows)
        assert "\n" not in str(caught.value)
        assert not list(tmp_path.glob("*.rows.tif"))
    with largest_file(needed):
        write(tmp_path / "fits.tif", rows)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 600 kB; only root may mount one, the limit above stands in for it elsewhere."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    require(mounted, "permission to mount a small tmpfs")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("size", [500, 800, 2000])
def test_a_full_disk_is_one_line(small_disk: Path, size: int) -> None:
    """500 px: the plain file fits and the COG does not; 2000 px: not even the plain one."""
    with pytest.raises(MapError, match=r"disk: cannot be written \(.*MB are free there\)"):
        write(small_disk / "map.tif", percents(size, size + 100))
