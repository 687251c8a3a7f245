"""Terrain bands: slopes that are known, from elevation models of any grid, under images of another."""

import math
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
import rasterio.warp
from rasterio.enums import Resampling
from rasterio.transform import Affine
from rasterio.windows import Window

from tests.conftest import write_raster
from tsmu.errors import ImageError
from tsmu.imagery import (
    Grid,
    coarse_cells,
    derive_terrain,
    describe_raster,
    image_channels,
    terrain_bands,
    write_terrain,
)
from tsmu.imagery.terrain.bands import parse_terrain_bands
from tsmu.imagery.terrain.slopes import CellVectors, height_above_surroundings, slope_angle
from tsmu.mapping import Scene

UTM = rasterio.CRS.from_epsg(32654)
CORNER = Affine(10, 0, 580_000, 0, -10, 4_730_000)  # Hokkaido, 42.7 N
IMAGE = Grid(60, 50, UTM, CORNER)
LOCAL = "+proj=aeqd +lat_0={} +lon_0={} +datum=WGS84"  # metres from a place, the same in all directions

Surface = Callable[[np.ndarray, np.ndarray], np.ndarray]


def plane(east: float, north: float) -> Surface:
    """Ground that rises by so much per metre eastwards and northwards."""
    return lambda x, y: 400 + east * x + north * y


def heights_on(grid: Grid, surface: Surface, place: tuple[float, float]) -> np.ndarray:
    """Elevations at the cells of a grid of a surface over metres from a place (latitude, longitude)."""
    columns, rows = np.meshgrid(np.arange(grid.width) + 0.5, np.arange(grid.height) + 0.5)
    x, y = grid.transform @ (columns.ravel(), rows.ravel())
    x, y = rasterio.warp.transform(grid.crs, rasterio.CRS.from_string(LOCAL.format(*place)), x, y)
    return np.reshape(surface(np.array(x), np.array(y)), columns.shape)


def around(grid: Grid, crs: str, size: float, share: float = 1.0, margin: int = 12) -> Grid:
    """A north-up grid in a CRS that covers an image, or the western share of it, with a margin of some cells."""
    west, south, east, north = rasterio.warp.transform_bounds(
        grid.crs, crs, *rasterio.transform.array_bounds(grid.height, grid.width, grid.transform)
    )
    width, height = (math.ceil(side / size) + 2 * margin for side in (share * (east - west), north - south))
    corner = Affine(size, 0, west - margin * size, 0, -size, north + margin * size)
    return Grid(width, height, rasterio.CRS.from_user_input(crs), corner)


def dem_file(path: Path, grid: Grid, surface: Surface, dtype: str = "float32", **profile: object) -> Path:
    heights = heights_on(grid, surface, middle_of(IMAGE)).astype(dtype)
    return write_raster(path, heights, crs=grid.crs, transform=grid.transform, **profile)


def middle_of(grid: Grid) -> tuple[float, float]:
    place = grid.footprint.centroid
    return place.y, place.x


def on_image(dem: Path | str, folder: Path, *bands: str, grid: Grid = IMAGE) -> np.ndarray:
    with rasterio.open(write_terrain(dem, grid, bands, folder).path) as dataset:
        assert dataset.descriptions == bands
        assert Grid.from_raster(describe_raster(dataset.name)).same_as(grid)
        return dataset.read()


GRIDS = {
    "UTM": (UTM, CORNER),
    "UTM of the next zone": (rasterio.CRS.from_epsg(32653), Affine(30, 0, 1_070_000, 0, -30, 4_740_000)),
    "degrees": (rasterio.CRS.from_epsg(4326), Affine(1 / 3600, 0, 141.98, 0, -1 / 3600, 42.72)),
    "degrees far north": (rasterio.CRS.from_epsg(4326), Affine(1 / 1800, 0, 25.0, 0, -1 / 3600, 70.0)),
    "degrees, south up": (rasterio.CRS.from_epsg(4326), Affine(1 / 3600, 0, -70.0, 0, 1 / 3600, -33.0)),
    "web mercator": (rasterio.CRS.from_epsg(3857), Affine(50, 0, 1_100_000, 0, -50, 9_000_000)),
    "turned": (UTM, CORNER @ Affine.rotation(25) @ Affine.scale(2, 3)),
    "feet": (rasterio.CRS.from_epsg(2229), Affine(30, 0, 6_400_000, 0, -30, 1_900_000)),
}


@pytest.mark.parametrize("name", GRIDS)
def test_a_plane_has_its_slope_on_any_grid_up_to_the_edge(name: str) -> None:
    crs, transform = GRIDS[name]
    grid = Grid(40, 30, crs, transform)
    heights = heights_on(grid, plane(0.3, -0.4), middle_of(grid))
    heights[10, 12] = heights[20:23, 25] = np.nan
    found = slope_angle(heights, CellVectors.from_grid(grid, np.arange(30)))
    unknown = np.isnan(heights)
    assert np.isnan(found[unknown]).all()
    np.testing.assert_allclose(found[~unknown], np.degrees(np.arctan(0.5)), atol=0.02)


def test_height_above_the_surroundings() -> None:
    vectors = CellVectors.from_grid(IMAGE, np.arange(50))
    level = heights_on(IMAGE, plane(0.2, 0.1), middle_of(IMAGE))
    np.testing.assert_allclose(height_above_surroundings(level, 100, vectors)[10:-10, 10:-10], 0, atol=0.01)
    mound = np.zeros((50, 60))
    mound[25, 30] = 30
    above = height_above_surroundings(mound, 35, vectors)  # 37 cells lie within 35 m of one
    assert above[25, 30] == pytest.approx(30 - 30 / 37)
    assert above[25, 33] == pytest.approx(-30 / 37)
    assert above[25, 34] == pytest.approx(0, abs=1e-9)
    mound[24, 30] = np.nan
    assert height_above_surroundings(mound, 35, vectors)[25, 30] == pytest.approx(30 - 30 / 36)
    assert np.isnan(height_above_surroundings(mound, 35, vectors)[24, 30])


@pytest.mark.parametrize(("crs", "size"), [("EPSG:32654", 30), ("EPSG:4326", 1 / 3600), ("EPSG:3857", 4)])
def test_terrain_of_a_plane_on_the_images_grid(tmp_path: Path, crs: str, size: float) -> None:
    """From coarser cells, and from cells of 3 m, which are averaged first."""
    dem = dem_file(tmp_path / "dem.tif", around(IMAGE, crs, size, margin=60), plane(0.3, 0.4))
    found, above = on_image(dem, tmp_path / "out", "slope", "height_100m")
    np.testing.assert_allclose(found, np.degrees(np.arctan(0.5)), atol=0.05)
    np.testing.assert_allclose(above, 0, atol=0.5)
    derived = derive_terrain(dem, IMAGE, ("slope",), tmp_path / "cache")
    assert derived.unknown == 0
    assert describe_raster(derived.path).pixel_size > 6  # metres


def test_slopes_do_not_come_in_steps(tmp_path: Path) -> None:
    """A bowl whose slope grows evenly, in whole metres on 30 m, under pixels of 10 m."""
    bowl = lambda x, y: 0.001 * (x**2 + y**2)  # noqa: E731
    dem = dem_file(tmp_path / "dem.tif", around(IMAGE, "EPSG:32654", 30), bowl)
    columns, rows = np.meshgrid(np.arange(60) - 29.5, np.arange(50) - 24.5)
    truth = np.degrees(np.arctan(0.002 * 10 * np.hypot(columns, rows)))
    away = np.hypot(columns, rows) > 10
    (ours,) = on_image(dem, tmp_path / "out", "slope")
    with rasterio.open(dem) as dataset:
        options = {"transform": CORNER, "width": 60, "height": 50, "crs": UTM, "resampling": Resampling.bilinear}
        with rasterio.vrt.WarpedVRT(dataset, **options) as warped:
            first = slope_angle(warped.read(1).astype(np.float64), CellVectors.from_grid(IMAGE, np.arange(50)))
    assert np.abs(ours - truth)[away].max() < 0.15
    assert np.abs(first - truth)[away].max() > 0.5


def test_windows_of_a_scene_have_the_terrain_of_the_whole(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "iburi_pair"
    bands = ("slope", "height_300m")
    post, dem = folder / "post.tif", folder / "dem_alos30m.tif"
    grid = Grid.from_raster(describe_raster(post))
    whole = on_image(dem, tmp_path / "pair", *bands, grid=grid)
    assert 10 < np.median(whole[0]) < 20  # degrees: low mountains
    assert np.isfinite(whole).all()
    derived = derive_terrain(dem, grid, bands, tmp_path / "cache")
    with Scene(post, terrain=derived.path) as scene:
        assert scene.bands[3:] == ["terrain:slope", "terrain:height_300m"]
        for window in (Window(0, 0, 64, 64), Window(700, 300, 512, 300), Window(1469, 906, 64, 64)):
            values, _ = scene.read(window.row_off, window.col_off, window.height, window.width)
            np.testing.assert_allclose(values[3:], whole[:, *window.toslices()], atol=1e-4)
        small = grid.of_window(Window(600, 500, 200, 100))  # a scene of its own, from the same elevations
    again = on_image(dem, tmp_path / "small", "slope", grid=small)
    np.testing.assert_allclose(again[0], whole[0, 500:600, 600:800], atol=1e-3)


def test_ground_that_is_not_covered_is_unknown(tmp_path: Path) -> None:
    dem = dem_file(tmp_path / "part.tif", around(IMAGE, "EPSG:32654", 30, 0.7, 0), plane(0.3, 0.4))
    made = write_terrain(dem, IMAGE, ("slope",), tmp_path / "out")
    with rasterio.open(made.path) as dataset:
        unknown = np.isnan(dataset.read(1))
    assert made.unknown == pytest.approx(unknown.mean(), abs=0.01)
    assert unknown[:, 45:].all()
    assert not unknown[:, :35].any()


def test_the_elevation_model_of_the_earth(tmp_path: Path) -> None:
    """A global raster, here in cells of 0.1 degrees, as a VRT."""
    globe = Grid(3600, 1800, rasterio.CRS.from_epsg(4326), Affine(0.1, 0, -180, 0, -0.1, 90))
    heights = np.zeros((1800, 3600), np.int16)
    heights[470:475, 3210:3225] = np.arange(5)[:, None] * 100
    write_raster(tmp_path / "globe.tif", heights, crs=globe.crs, transform=globe.transform)
    with rasterio.open(tmp_path / "globe.tif") as dataset:
        rasterio.shutil.copy(dataset, tmp_path / "globe.vrt", driver="VRT")
    (found,) = on_image(tmp_path / "globe.vrt", tmp_path / "out", "slope")
    assert np.isfinite(found).all()
    assert found.max() == pytest.approx(np.degrees(np.arctan(100 / 11_100)), rel=0.1)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    running = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path)))
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()


def test_an_elevation_model_on_a_server(server: str, tmp_path: Path) -> None:
    dem = dem_file(tmp_path / "dem.tif", around(IMAGE, "EPSG:32654", 30), plane(0.3, 0.4))
    (there,) = on_image(f"{server}/dem.tif", tmp_path / "there", "slope")
    (here,) = on_image(dem, tmp_path / "here", "slope")
    np.testing.assert_array_equal(there, here)
    with pytest.raises(ImageError, match=r"gone\.tif: cannot be read as an image"):
        on_image(f"{server}/gone.tif", tmp_path / "out", "slope")


def test_what_is_no_elevation_model_is_refused_and_nothing_written(tmp_path: Path) -> None:
    under, ground = around(IMAGE, "EPSG:32654", 30), plane(0.1, 0)
    place = {"crs": under.crs, "transform": under.transform}
    heights = heights_on(under, ground, middle_of(IMAGE)).astype(np.float32)
    hole = heights.copy()
    hole[20, 20] = 99_999
    (tmp_path / "text.tif").write_text("no raster")
    write_raster(tmp_path / "rgb.tif", np.stack([heights] * 3), **place)
    write_raster(tmp_path / "placeless.tif", heights)
    write_raster(tmp_path / "hole.tif", hole, **place)
    feet = write_raster(tmp_path / "feet.tif", heights, **place)
    with rasterio.open(feet, "r+") as dataset:
        dataset.units = ("ft",)
    write_raster(tmp_path / "far.tif", heights, **place | {"transform": Affine(30, 0, 300_000, 0, -30, 500_000)})
    write_raster(tmp_path / "other_zone.tif", heights, crs="EPSG:32610", transform=under.transform)
    dem_file(tmp_path / "part.tif", around(IMAGE, "EPSG:32654", 30, 0.3, 0), ground)
    write_raster(tmp_path / "void.tif", np.full_like(heights, -1), **place, nodata=-1)
    problems = {
        "gone": "no such image file",
        "text": "cannot be read as an image",
        "rgb": "has 3 bands; an elevation model has one",
        "placeless": "has no CRS and no place",
        "hole": "its values reach from .* to 99999.* declare its no-data value",
        "feet": "says that its elevations are in ft; convert them",
        "far": "does not cover the image, which lies at 141.9",
        "other_zone": "does not cover the image",
        "part": r"covers only \d+% of the image, at least 50% are needed",
        "void": "covers only 0% of the image",
    }
    for name, problem in problems.items():
        with pytest.raises(ImageError, match=rf"{name}\.tif: {problem}") as caught:
            write_terrain(tmp_path / f"{name}.tif", IMAGE, ("slope",), tmp_path / "out")
        assert "\n" not in str(caught.value)
        with pytest.raises(ImageError, match=name):
            derive_terrain(tmp_path / f"{name}.tif", IMAGE, ("slope",), tmp_path / "out")
    assert not list((tmp_path / "out").glob("**/*.tif"))
    assert derive_terrain(tmp_path / "part.tif", IMAGE, ("slope",), tmp_path / "out", least=0).unknown > 0.6
    with pytest.raises(ImageError, match="covers only"):  # not either where it has been derived already
        derive_terrain(tmp_path / "part.tif", IMAGE, ("slope",), tmp_path / "out")
    with pytest.raises(ImageError, match="height_40m: its circle holds less than 9 cells of 30 m"):
        write_terrain(write_raster(tmp_path / "dem.tif", heights, **place), IMAGE, ("height_40m",), tmp_path / "out")


def test_offsets_and_scales_of_an_elevation_model_count(tmp_path: Path) -> None:
    dem = dem_file(tmp_path / "dem.tif", around(IMAGE, "EPSG:32654", 30), lambda x, y: 10 * plane(0.5, 0)(x, y))
    with rasterio.open(dem, "r+") as dataset:
        dataset.scales, dataset.offsets = (0.1,), (100.0,)
    np.testing.assert_allclose(on_image(dem, tmp_path / "out", "slope"), np.degrees(np.arctan(0.5)), atol=0.05)


def test_names_of_bands() -> None:
    assert parse_terrain_bands(" slope, height_500m") == ("slope", "height_500m")
    for text, problem in {
        "hillshade": "training turns chips and the sun",
        "aspect": "must be slope or height_METRESm",
        "slope,slope": "named twice",
        "": "must be slope",
        "height_0m": "must be slope",
    }.items():
        with pytest.raises(ImageError, match=problem):
            parse_terrain_bands(text)
    bands = ["pre:red", "post:red", "terrain:slope"]
    assert terrain_bands(bands) == ("slope",)
    assert image_channels(bands) == [0, 1]


@pytest.mark.parametrize(
    ("surface", "problem"),
    [
        (lambda x, _y: 0 * x, "is 0 m everywhere under the image"),
        (lambda x, _y: 0 * x + 312, "is 312 m everywhere under the image"),
        (lambda x, y: np.where(np.hypot(x, y) < 90, 0, 900 + x / 10), "cells are 0 m and all others above"),
    ],
)
def test_elevations_that_show_no_relief_or_holes_of_zero_are_refused(
    tmp_path: Path, surface: Surface, problem: str
) -> None:
    dem = dem_file(tmp_path / "dem.tif", around(IMAGE, "EPSG:32654", 20), surface)
    with pytest.raises(ImageError, match=problem):
        derive_terrain(dem, IMAGE, ["slope"], tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("*")), "nothing is left behind"


def test_the_sea_is_no_hole(tmp_path: Path) -> None:
    dem = dem_file(tmp_path / "dem.tif", around(IMAGE, "EPSG:32654", 20), lambda x, _y: np.maximum(x / 3, 0))
    assert derive_terrain(dem, IMAGE, ["slope"], tmp_path / "cache").unknown == 0


def test_large_cells_are_said(tmp_path: Path) -> None:
    for side, told in ((30, False), (900, True)):
        dem = dem_file(tmp_path / f"{side}.tif", around(IMAGE, "EPSG:32654", side), plane(0.1, 0))
        assert bool(coarse_cells(dem)) == told
