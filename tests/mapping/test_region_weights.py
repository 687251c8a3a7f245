"""Scenes in several regions: who counts where, and what the map, its layers and polygons make of it."""

import json
from collections.abc import Callable
from pathlib import Path

import geopandas
import numpy as np
import pyproj
import pytest
import rasterio
import shapely
from hypothesis import given
from hypothesis import strategies as st
from rasterio.windows import Window
from scipy.special import expit, logit
from shapely.geometry.base import BaseGeometry

from tests.mapping.conftest import GRID, blur, content, engine, ground
from tsmu.imagery import Grid
from tsmu.mapping.inference.engine import Engine
from tsmu.mapping.map_run import map_scene
from tsmu.mapping.outputs.map_files import MapResult
from tsmu.mapping.scene.raster import Scene
from tsmu.mapping.scene.region_weights import BLEND_M, BlendedRegionWeights, surroundings
from tsmu.mapping.vectorize.polygons import PolygonOptions

HEIGHT, WIDTH, BORDER = 300, 420, 200  # px; the border runs down a column
SIZE = 10  # m
GRID_OF = Grid(WIDTH, HEIGHT, rasterio.crs.CRS.from_string(str(GRID["crs"])), GRID["transform"])
SceneFile = Callable[..., Path]


def areas(grid: Grid, column: float) -> dict[str, BaseGeometry]:
    """West and east of a column of the grid, the larger part of the scene first."""
    x, y = grid.transform @ (column, 0)
    far = 1e5
    around = surroundings(grid.footprint)
    halves = [shapely.box(x - far, y - far, x, y + far), shapely.box(x, y - far, x + far, y + far)]
    west, east = geopandas.GeoSeries([half.segmentize(500) for half in halves], crs=grid.crs).to_crs(4326)
    found = {
        "west": shapely.MultiPolygon([west.intersection(around)]),
        "east": shapely.MultiPolygon([east.intersection(around)]),
    }
    return found if column > grid.width / 2 else dict(reversed(found.items()))


SHARES = BlendedRegionWeights(areas(GRID_OF, BORDER), GRID_OF)


def test_one_region_hands_over_to_the_other_by_metres_from_the_border() -> None:
    east, west = SHARES.percent(Window(0, 0, WIDTH, HEIGHT)).astype(int)
    assert SHARES.names == ("east", "west")
    assert (east + west == 100).all()
    metres = (np.arange(WIDTH) + 0.5 - BORDER) * SIZE
    assert (east[:, metres < -BLEND_M - SIZE] == 0).all()
    assert (east[:, metres > BLEND_M + SIZE] == 100).all()
    expected = (1 - np.cos(np.pi * np.clip(metres / (2 * BLEND_M) + 0.5, 0, 1))) * 50
    assert np.abs(east - expected).max() <= 1.5


def test_the_same_ground_gets_the_same_shares_on_coarser_pixels() -> None:
    coarse = Grid(WIDTH // 4, HEIGHT // 4, GRID_OF.crs, GRID_OF.transform @ rasterio.Affine.scale(4))
    fine = SHARES.percent(Window(0, 0, WIDTH, HEIGHT))[0].astype(float).reshape(HEIGHT // 4, 4, WIDTH // 4, 4)
    found = BlendedRegionWeights(areas(GRID_OF, BORDER), coarse).percent(Window(0, 0, WIDTH // 4, HEIGHT // 4))[0]
    assert np.abs(fine.mean(axis=(1, 3)) - found).max() <= 2


@given(st.integers(0, 400), st.integers(0, 290), st.integers(1, 300), st.integers(1, 300))
def test_every_window_finds_the_same_shares(left: int, top: int, width: int, height: int) -> None:
    whole = SHARES.percent(Window(0, 0, 800, 800))
    np.testing.assert_array_equal(
        SHARES.percent(Window(left, top, width, height)), whole[:, top : top + height, left : left + width]
    )


@pytest.mark.parametrize("crs", [4326, 3857, 32651])
def test_metres_are_those_of_the_ground_in_any_crs(crs: int) -> None:
    """Around 60 degrees north a metre of Web Mercator is half a metre."""
    to = pyproj.Transformer.from_crs(4326, crs, always_xy=True)
    (x, y), (right, down) = to.transform(123.0, 60.0), to.transform(123.02, 59.99)
    grid = Grid(
        200, 100, rasterio.crs.CRS.from_epsg(crs), rasterio.Affine((right - x) / 200, 0, x, 0, (down - y) / 100, y)
    )
    west, east = (shapely.MultiPolygon([shapely.box(*box)]) for box in ((122, 59, 123.01, 61), (123.01, 59, 124, 61)))
    east_share = (
        BlendedRegionWeights({"west": west, "east": east}, grid).percent(Window(0, 0, 200, 100))[1, 50].astype(float)
    )
    place = [grid.transform @ (column + 0.5, 50.5) for column in range(200)]
    back = pyproj.Transformer.from_crs(crs, 4326, always_xy=True)
    geod = pyproj.Geod(ellps="WGS84")
    longitudes = np.array([back.transform(*point) for point in place])
    metres = np.array([geod.inv(123.01, lat, lon, lat)[2] * np.sign(lon - 123.01) for lon, lat in longitudes])
    expected = (1 - np.cos(np.pi * np.clip(metres / (2 * BLEND_M) + 0.5, 0, 1))) * 50
    assert np.abs(east_share - expected).max() <= 2


def says(percent: float, name: str, asked: list[str]) -> Engine:
    """A network that says one probability everywhere."""

    def predict(values: np.ndarray) -> np.ndarray:
        asked.extend([name] * len(values))
        return np.full_like(values[:, 0], logit(percent / 100))

    predict.__qualname__ = name
    return engine(predict)


def mapped(scene_file: Path, out: Path, engines: list[Engine], **how: object) -> MapResult:
    settings = {"polygons": PolygonOptions([50, 70]), "tile": 128, "overlap": 32, "notes": {"region": SHARES.names}}
    with Scene(scene_file) as scene:
        return map_scene(scene, (engines, SHARES), out, **settings | how)


def test_tiles_go_to_the_networks_of_their_regions_and_are_blended(scene_file: SceneFile, tmp_path: Path) -> None:
    asked: list[str] = []
    engines = [says(20, "east", asked), says(80, "west", asked)]
    result = mapped(scene_file(ground(HEIGHT, WIDTH)), tmp_path / "out", engines, region_layer=True)
    with rasterio.open(result.probability) as dataset:
        percent, tags = dataset.read(1), dataset.tags()
    east = SHARES.percent(Window(0, 0, WIDTH, HEIGHT))[0]
    np.testing.assert_allclose(percent, 80 - 0.6 * east, atol=0.51)
    assert {"east", "west"} == set(asked)
    assert result.counts.tiles < len(asked) < 2 * result.counts.tiles  # both only where both count
    assert json.loads(tags["tsmu_regions"]) == ["east", "west"]
    assert tags["tsmu_threshold_percent"] == "50, 70"
    with rasterio.open(result.layers["regions"]) as dataset:
        np.testing.assert_array_equal(dataset.read(1)[:, 100:300], (east < 50)[:, 100:300])
    polygons = geopandas.read_parquet(result.polygons)
    threshold = (east.astype(int) * 50 + (100 - east.astype(int)) * 70 + 50) // 100
    assert polygons["pixels"].sum() == (percent >= threshold).sum() > 0
    (landslide,) = polygons.to_dict("records")
    assert landslide["region"] == "west"
    assert json.loads(landslide["region_shares"])["west"] == pytest.approx(
        1 - east[percent >= threshold].mean() / 100, abs=1e-3
    )


def test_regions_of_one_decoder_are_computed_once(scene_file: SceneFile, tmp_path: Path) -> None:
    asked: list[str] = []
    result = mapped(scene_file(ground(HEIGHT, WIDTH)), tmp_path / "out", [says(60, "both", asked)] * 2)
    assert len(asked) == result.counts.tiles


def test_tiles_of_another_size_give_the_same_map(scene_file: SceneFile, tmp_path: Path) -> None:
    scene = scene_file(ground(HEIGHT, WIDTH))
    other = engine(lambda values: -blur(values))
    maps = []
    for tile in (96, 160, 512):
        result = mapped(scene, tmp_path / str(tile), [engine(blur), other], tile=tile, overlap=48)
        with rasterio.open(result.probability) as dataset:
            maps.append(dataset.read(1).astype(int))
    east = SHARES.percent(Window(0, 0, WIDTH, HEIGHT))[0] / 100
    whole = expit(
        blur(np.pad(ground(HEIGHT, WIDTH)[None].astype(np.float32), ((0, 0), (0, 0), (0, 20), (0, 28)), mode="edge"))
    )
    exact = whole[0, :HEIGHT, :WIDTH]
    for found in maps:
        np.testing.assert_allclose(found, 100 * (east * exact + (1 - east) * (1 - exact)), atol=0.51)


def tilted(values: np.ndarray) -> np.ndarray:
    """A network that answers otherwise when the image is turned."""
    down, across = np.mgrid[: values.shape[2], : values.shape[3]]
    return (blur(values) + np.sin(down / 5) + across / 200).astype(np.float32)


@pytest.mark.parametrize("shape", [(HEIGHT, WIDTH), (40, 200)])
def test_eight_views_give_mean_and_deviation(scene_file: SceneFile, tmp_path: Path, shape: tuple[int, int]) -> None:
    pixels = ground(*shape)
    pixels[:, 10:20, 30:60] = 0
    path, settings = scene_file(pixels, nodata=0), {"polygons": PolygonOptions(50), "tile": 512, "overlap": 0}
    with Scene(path) as scene:
        even = map_scene(scene, engine(blur), tmp_path / "even", tta=True, **settings)
        plain = map_scene(scene, engine(blur), tmp_path / "plain", **settings)
        uneven = map_scene(scene, engine(tilted), tmp_path / "uneven", tta=True, **settings)
    same, once, mean = (rasterio.open(result.probability).read(1).astype(int) for result in (even, plain, uneven))
    np.testing.assert_allclose(same, once, atol=1)
    nothing, deviation = (rasterio.open(result.layers["deviation"]).read(1) for result in (even, uneven))
    assert nothing[once != 255].max() <= 1  # rounding
    np.testing.assert_array_equal(deviation == 255, once == 255)
    padded = np.pad(
        np.where(pixels == 0, np.nan, pixels), ((0, 0), (0, -shape[0] % 32), (0, -shape[1] % 32)), mode="edge"
    )
    views = []
    for quarters in range(4):
        for image in (padded, padded[:, ::-1]):
            answer = expit(tilted(np.rot90(image, quarters, (1, 2))[None].astype(np.float32)))[0]
            upright = np.rot90(answer, -quarters)
            views.append(upright if image is padded else upright[::-1])
    expected = np.stack(views)[:, : shape[0], : shape[1]] * 100
    known = once != 255
    np.testing.assert_allclose(mean[known], expected.mean(0)[known], atol=0.51)
    np.testing.assert_allclose(deviation[known], expected.std(0)[known], atol=0.51)
    assert "deviation" not in plain.layers


def test_a_run_that_breaks_off_goes_on_to_the_same_bytes_in_all_layers(scene_file: SceneFile, tmp_path: Path) -> None:
    scene, how = scene_file(ground(HEIGHT, WIDTH)), {"tta": True, "region_layer": True}
    left = 60

    def breaks(values: np.ndarray) -> np.ndarray:
        nonlocal left
        left -= len(values)
        if left < 0:
            raise KeyboardInterrupt
        return tilted(values)

    breaks.__qualname__ = tilted.__qualname__
    with pytest.raises(KeyboardInterrupt):
        mapped(scene, tmp_path / "broken", [engine(blur), engine(breaks)], **how)
    resumed = mapped(scene, tmp_path / "broken", [engine(blur), engine(tilted)], **how)
    whole = mapped(scene, tmp_path / "whole", [engine(blur), engine(tilted)], **how)
    assert 0 < resumed.bands_computed < whole.bands_computed
    assert content(tmp_path / "broken") == content(tmp_path / "whole")
    assert {"deviation.tif", "regions.tif"} < set(content(tmp_path / "whole"))
    again = mapped(scene, tmp_path / "whole", [engine(blur), engine(tilted)], polygons=PolygonOptions([40, 40]))
    assert again.bands_computed == whole.counts.bands  # without views it is another map
    assert not again.layers
