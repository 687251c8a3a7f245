from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyproj
import pytest
import rasterio
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from rasterio.features import rasterize
from rasterio.transform import Affine
from scipy import ndimage

from tests.mapping.conftest import GRID, ground
from tsmu.mapping.polygons import polygonise

SceneFile = Callable[..., Path]
TRANSFORMS = [
    GRID["transform"],
    Affine(10, 0, 500_000, 0, 10, 2_500_000),  # south up
    GRID["transform"] @ Affine.rotation(30),
]


def check(percent: np.ndarray, raster: Path, threshold: int) -> None:
    """Compare with the thresholded raster and with scipy's regions and their statistics."""
    polygons = polygonise(raster, threshold)
    above = (percent >= threshold) & (percent != 255)
    label, count = ndimage.label(above)
    assert len(polygons) == count
    assert polygons.is_valid.all()
    with rasterio.open(raster) as dataset:
        numbered = [(polygon, number) for number, polygon in enumerate(polygons.geometry, start=1)]
        back = np.zeros(percent.shape, np.int32)
        if numbered:
            rasterize(numbered, out=back, transform=dataset.transform)
        assert polygons.crs == dataset.crs
    np.testing.assert_array_equal(back > 0, above)
    for number, row in enumerate(polygons.itertuples(), start=1):
        inside = back == number
        assert len(np.unique(label[inside])) == 1
        assert row.pixels == inside.sum()
        assert row.max_probability == percent[inside].max() / 100
        assert row.mean_probability == pytest.approx(percent[inside].mean() / 100)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=24), elements=st.sampled_from([0, 50, 100])),
    st.integers(1, 100),
    st.sampled_from(TRANSFORMS),
    st.integers(0, 2**32 - 1),
)
def test_polygons_are_exactly_the_pixels_at_or_above_the_threshold(
    scene_file: SceneFile, percent: np.ndarray, threshold: int, transform: Affine, seed: int
) -> None:
    random = np.random.default_rng(seed)
    percent = np.where(random.random(percent.shape) < 0.1, 255, percent).astype(np.uint8)
    percent = np.where(random.random(percent.shape) < 0.2, random.integers(0, 101, percent.shape), percent)
    percent = percent.astype(np.uint8)
    check(percent, scene_file(percent, nodata=255, transform=transform), threshold)


def test_polygons_across_bands_of_rows(scene_file: SceneFile) -> None:
    percent = (ground(1300, 300, bands=1)[0] / 2.55).astype(np.uint8)
    percent[:, 150:153] = 90  # one region through all bands
    check(percent, scene_file(percent, nodata=255, tiled=True, blockxsize=256, blockysize=256), 60)


def test_a_hole_stays_a_hole(scene_file: SceneFile) -> None:
    percent = np.zeros((9, 9), np.uint8)
    percent[1:8, 1:8] = 80
    percent[3:5, 3:5] = 255
    polygons = polygonise(scene_file(percent, nodata=255), 80)
    assert [len(polygon.interiors) for polygon in polygons.geometry] == [1]
    assert polygons["pixels"].tolist() == [45]


def test_the_threshold_itself_counts(scene_file: SceneFile) -> None:
    percent = np.array([[49, 50, 51]], np.uint8)
    assert polygonise(scene_file(percent, nodata=255), 50)["pixels"].tolist() == [2]
    assert polygonise(scene_file(percent, nodata=255), 51)["pixels"].tolist() == [1]


def test_no_landslide_is_an_empty_table_with_its_columns(scene_file: SceneFile, tmp_path: Path) -> None:
    polygons = polygonise(scene_file(np.zeros((5, 5), np.uint8), nodata=255), 50)
    assert len(polygons) == 0
    assert list(polygons) == ["area_m2", "max_probability", "mean_probability", "pixels", "geometry"]
    assert polygons.dtypes["pixels"] == np.int64
    polygons.to_parquet(tmp_path / "empty.parquet")


def test_areas_are_geodesic(scene_file: SceneFile) -> None:
    """UTM stretches areas by its scale squared: 0.9996^2 on the central meridian."""
    percent = np.zeros((50, 50), np.uint8)
    percent[10:20, 10:30] = 70
    percent[12:15, 12:15] = 0
    (area,) = polygonise(scene_file(percent, nodata=255), 50)["area_m2"]
    assert area == pytest.approx((200 - 9) * 100 / 0.9996**2, rel=1e-5)


def test_areas_of_large_pixels_in_degrees_follow_the_parallels(scene_file: SceneFile) -> None:
    """A quarter of the way round at 60 degrees north: the great circle would cut far off the parallel."""
    percent = np.full((1, 9000), 70, np.uint8)
    raster = scene_file(percent, nodata=255, crs="EPSG:4326", transform=Affine(0.01, 0, 0, 0, -0.01, 60))
    (area,) = polygonise(raster, 50)["area_m2"]
    geod = pyproj.Geod(ellps="WGS84")
    pixel = shapely.box(0, 59.99, 0.01, 60)
    assert area == pytest.approx(9000 * geod.geometry_area_perimeter(pixel)[0], rel=1e-3)


def test_areas_across_the_antimeridian(scene_file: SceneFile) -> None:
    percent = np.full((10, 10), 70, np.uint8)
    left = pyproj.Transformer.from_crs(4326, 32601, always_xy=True).transform(-180, -17)[0] - 50
    grid = {"crs": "EPSG:32601", "transform": Affine(10, 0, left, 0, -10, -1_880_000)}
    (area,) = polygonise(scene_file(percent, nodata=255, **grid), 50)["area_m2"]
    assert area == pytest.approx(10_000, rel=2e-3)


def test_no_temporary_file_stays(scene_file: SceneFile, tmp_path: Path) -> None:
    polygonise(scene_file(np.full((5, 5), 60, np.uint8), nodata=255), 50)
    assert [path.name for path in tmp_path.iterdir()] == ["post.tif"]
