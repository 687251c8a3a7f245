import time
from collections.abc import Callable, Iterable
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pyproj
import pytest
import rasterio
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from rasterio.features import rasterize, shapes
from rasterio.transform import Affine
from scipy import ndimage

from tests.mapping.conftest import GRID, ground
from tsmu.imagery import Grid, describe_raster
from tsmu.mapping.outputs.cog import in_strips, read_strips
from tsmu.mapping.vectorize import polygons as room
from tsmu.mapping.vectorize.outlines import LandslideOutlines, outline_landslides
from tsmu.mapping.vectorize.polygons import ONE_REGION, PolygonOptions, write_polygons

SceneFile = Callable[..., Path]
TRANSFORMS = [
    GRID["transform"],
    Affine(10, 0, 500_000, 0, 10, 2_500_000),  # south up
    GRID["transform"] @ Affine.rotation(30),
]


def polygonise(raster: Path, threshold: int, **how: float) -> geopandas.GeoDataFrame:
    path = raster.with_suffix(".parquet")
    bands = ((row, percent[None]) for row, percent in read_strips(raster))
    write_polygons(
        bands, Grid.from_raster(describe_raster(raster)), PolygonOptions(threshold, **how), path, {"region": "alps"}
    )
    return geopandas.read_parquet(path)


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
        assert row.std_probability == pytest.approx(percent[inside].std() / 100, abs=1e-9)


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


def test_the_deviation_of_the_views_is_averaged_inside(scene_file: SceneFile) -> None:
    random = np.random.default_rng(0)
    percent = (ground(1300, 300, bands=1)[0] / 2.55).astype(np.uint8)
    percent[:, 150:153] = 90  # one region through all bands
    spread = random.integers(0, 50, percent.shape).astype(np.uint8)
    raster = scene_file(percent, nodata=255)
    path = raster.with_suffix(".parquet")
    bands = in_strips(np.array_split(np.stack([percent, spread]), 7, axis=1), 256)
    write_polygons(bands, Grid.from_raster(describe_raster(raster)), PolygonOptions(60), path, deviation=True)
    polygons = geopandas.read_parquet(path)
    label, count = ndimage.label(percent >= 60)
    expected = ndimage.mean(spread, label, range(1, count + 1)) / 100
    np.testing.assert_allclose(sorted(polygons["mean_deviation"]), sorted(expected))
    assert "mean_deviation" not in polygonise(raster, 60)


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


def test_no_landslide_is_an_empty_table_with_its_columns(scene_file: SceneFile) -> None:
    polygons = polygonise(scene_file(np.zeros((5, 5), np.uint8), nodata=255), 50)
    assert len(polygons) == 0
    full = polygonise(scene_file(np.full((5, 5), 60, np.uint8), nodata=255), 50)
    assert list(polygons) == list(full)
    assert (polygons.dtypes == full.dtypes).all()
    assert polygons.crs == full.crs


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


def whole(percent: np.ndarray, threshold: int) -> list[shapely.Polygon]:
    """What GDAL makes of the whole mask at once."""
    above = ((percent >= threshold) & (percent != 255)).astype(np.uint8)
    found = shapes(above, mask=above > 0, connectivity=4)
    return [shapely.Polygon(shape["coordinates"][0], shape["coordinates"][1:]) for shape, _ in found]


def as_set(polygons: Iterable[shapely.Polygon]) -> list[str]:
    """Polygons vertex by vertex, whatever their order and where their rings begin."""
    return sorted(shapely.to_wkb(polygon.normalize(), hex=True) for polygon in polygons)


@settings(max_examples=300)
@given(
    hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=30), elements=st.sampled_from([0, 80])),
    st.integers(1, 31),
    st.floats(0, 1),
    st.integers(0, 2**32 - 1),
)
def test_bands_of_any_height_give_what_the_whole_mask_gives_at_once(
    percent: np.ndarray, height: int, share: float, seed: int
) -> None:
    random = np.random.default_rng(seed)
    percent = np.where(random.random(percent.shape) < share, random.choice([10, 60, 90, 255], percent.shape), percent)
    percent = percent.astype(np.uint8)
    expected = whole(percent, 60)
    bands = [(row, percent[None, row : row + height]) for row in range(0, len(percent), height)]
    found = list(outline_landslides(bands, [60], ONE_REGION))
    assert as_set(polygon for part in found for polygon in part.polygons) == as_set(expected)
    for part in found:
        np.testing.assert_array_equal(part.pixels, shapely.area(part.polygons))
    inside = percent[(percent >= 60) & (percent != 255)].astype(int)
    assert sum(part.total.sum() for part in found) == inside.sum()
    assert sum(part.squares.sum() for part in found) == (inside**2).sum()


def test_a_spiral_through_all_bands_is_one_polygon() -> None:
    rows, columns = np.mgrid[-60:60, -60:60]
    turns = np.hypot(rows, columns) / 8 - np.arctan2(rows, columns) / (2 * np.pi)
    percent = np.where(turns % 1 < 0.5, 90, 0).astype(np.uint8)
    for height in (1, 7, 50):
        bands = [(row, percent[None, row : row + height]) for row in range(0, len(percent), height)]
        found = LandslideOutlines.concatenate(outline_landslides(bands, [50], ONE_REGION))
        assert as_set(found.polygons) == as_set(whole(percent, 50))


def test_batches_of_polygons_are_one_table(scene_file: SceneFile, monkeypatch: pytest.MonkeyPatch) -> None:
    raster = scene_file((ground(1300, 300, bands=1)[0] / 2.55).astype(np.uint8), nodata=255)
    together = polygonise(raster, 60)
    monkeypatch.setattr(room, "BATCH", 20)
    pd.testing.assert_frame_equal(polygonise(raster, 60), together)
    assert len(together) > 60
    assert (together["region"] == "alps").all()


def test_length_and_width_are_those_of_the_rotated_rectangle(scene_file: SceneFile) -> None:
    """A bar of 40 x 10 pixels of 10 m, the raster turned by 30 degrees and at UTM's scale of 0.9996."""
    percent = np.zeros((60, 60), np.uint8)
    percent[20:30, 10:50] = 70
    for transform in TRANSFORMS:
        (row,) = polygonise(scene_file(percent, nodata=255, transform=transform), 50).itertuples()
        assert (row.length_m, row.width_m) == pytest.approx((400 / 0.9996, 100 / 0.9996), rel=1e-4)
        assert row.perimeter_m == pytest.approx(1000 / 0.9996, rel=1e-4)


def test_lengths_in_degrees_and_across_the_antimeridian(scene_file: SceneFile) -> None:
    percent = np.full((10, 40), 70, np.uint8)
    grid = {"crs": "EPSG:4326", "transform": Affine(0.001, 0, 179.98, 0, -0.001, 60)}
    (row,) = polygonise(scene_file(percent, nodata=255, **grid), 50).itertuples()
    geod = pyproj.Geod(ellps="WGS84")
    length, width = geod.inv(0, 59.995, 0.04, 59.995)[2], geod.inv(0, 59.99, 0, 60)[2]
    assert (row.length_m, row.width_m) == pytest.approx((length, width), rel=1e-3)


def test_small_landslides_are_left_out(scene_file: SceneFile) -> None:
    percent = np.zeros((9, 30), np.uint8)
    percent[2:4, 2:4] = percent[2:5, 10:20] = 70
    raster = scene_file(percent, nodata=255)
    assert polygonise(raster, 50)["pixels"].tolist() == [4, 30]
    assert polygonise(raster, 50, min_area_m2=1000)["pixels"].tolist() == [30]


def test_unsure_landslides_are_left_out(scene_file: SceneFile) -> None:
    percent = np.zeros((9, 30), np.uint8)
    percent[2:4, 2:4], percent[2:5, 10:20], percent[2:4, 25:27] = 70, 90, [[89, 90], [90, 91]]
    raster = scene_file(percent, nodata=255)
    assert polygonise(raster, 50, min_mean_percent=90)["pixels"].tolist() == [30, 4]
    assert polygonise(raster, 50, min_mean_percent=90.5)["pixels"].tolist() == []


def test_simplified_outlines_have_fewer_points_and_do_not_overlap(scene_file: SceneFile) -> None:
    percent = (ground(300, 300, bands=1)[0] / 2.55).astype(np.uint8)
    raster = scene_file(percent, nodata=255)
    exact, simple = polygonise(raster, 50), polygonise(raster, 50, simplify_px=1.5)
    assert len(exact) == len(simple)
    assert simple.is_valid.all()
    assert shapely.get_num_coordinates(simple.geometry).sum() < 0.7 * shapely.get_num_coordinates(exact.geometry).sum()
    assert (
        simple.geometry.apply(lambda p: len(p.interiors)).tolist()
        == exact.geometry.apply(lambda p: len(p.interiors)).tolist()
    )
    assert simple.area.sum() == pytest.approx(shapely.union_all(simple.geometry).area)
    np.testing.assert_allclose(simple.area, exact.area, rtol=0.5, atol=600)


@pytest.mark.soak
def test_a_hundred_thousand_landslides_are_outlined_at_ten_million_pixels_a_second(tmp_path: Path) -> None:
    """400 Mpx made of one patch, whose one-shot outlines they are compared with."""
    patch, times = (ground(2000, 2000, bands=1)[0] / 2.55).astype(np.uint8), 10
    patch[:1] = patch[-1:] = patch[:, :1] = patch[:, -1:] = 0
    threshold = 96  # reached by nearly one percent of the pixels, in more than a thousand places
    once, count = ndimage.label(patch >= threshold)
    raster = tmp_path / "probability.tif"
    profile = {"driver": "GTiff", "count": 1, "dtype": "uint8", "nodata": 255, "compress": "deflate", "tiled": True}
    side = times * len(patch)
    with rasterio.open(raster, "w", width=side, height=side, blockxsize=512, blockysize=512, **profile, **GRID) as to:
        for row in range(times):
            window = rasterio.windows.Window(0, row * len(patch), side, len(patch))
            to.write(np.tile(patch, (1, times)), 1, window=window)
    started = time.perf_counter()
    polygons = polygonise(raster, threshold)
    seconds = time.perf_counter() - started
    print(f"{len(polygons)} polygons of {side} x {side} px: {side**2 / seconds / 1e6:.1f} Mpx/s")
    assert len(polygons) == count * times**2
    sizes = np.bincount(once.ravel())[1:]
    np.testing.assert_array_equal(np.sort(polygons["pixels"]), np.sort(np.tile(sizes, times**2)))
    assert side**2 / seconds > 10e6
