"""Where a map has data, in degrees."""

from pathlib import Path

import numpy as np
import pytest
import shapely
from rasterio.transform import Affine
from rasterio.warp import transform

from tests.conftest import write_raster
from tsmu.mapping.outputs.valid_area import valid_area
from tsmu.mapping.scene.raster import Scene


def probability(path: Path, crs: str, grid: Affine, data: tuple[slice, slice]) -> Path:
    pixels = np.full((300, 300), 255, np.uint8)
    pixels[data] = 40
    return write_raster(path, pixels, crs=crs, transform=grid, nodata=255)


def test_the_edges_of_a_wide_scene_bend(tmp_path: Path) -> None:
    """600 km: straight lines between the corners would pass more than 10 km away from the upper edge."""
    grid = Affine(2000, 0, 200_000, 0, -2000, 7_000_000)
    area = valid_area(probability(tmp_path / "p.tif", "EPSG:32632", grid, (slice(None), slice(None))))
    x, y = np.linspace(200_000, 800_000, 301), np.full(301, 7_000_000.0)
    lon, lat = transform("EPSG:32632", "EPSG:4326", x, y)
    off = shapely.distance(area.boundary, shapely.points(lon, lat))
    assert off.max() < 3e-5  # degrees, 3 m
    straight = shapely.LineString([(lon[0], lat[0]), (lon[-1], lat[-1])])
    assert shapely.distance(straight, shapely.Point(lon[150], lat[150])) > 0.1


def test_longitudes_beyond_180_are_brought_back(tmp_path: Path) -> None:
    grid = Affine(0.001, 0, 204, 0, -0.001, 20)
    path = probability(tmp_path / "p.tif", "EPSG:4326", grid, (slice(0, 100), slice(0, 50)))
    area = valid_area(path)
    assert area.bounds == pytest.approx((-156, 19.9, -155.95, 20))
    with Scene(path) as scene:
        assert scene.footprint.bounds == pytest.approx((-156, 19.7, -155.7, 20))


def test_the_place_of_a_scene_may_stand_in_an_aux_xml(tmp_path: Path) -> None:
    """Files beside an image are looked for, though not beside those on a server."""
    grid = Affine(10, 0, 5e5, 0, -10, 3e6)
    path = write_raster(tmp_path / "a.png", np.ones((3, 40, 40), np.uint8), crs="EPSG:32645", transform=grid)
    with Scene(path) as scene:
        assert scene.grid.transform == grid and scene.info.pixel_size == 10
