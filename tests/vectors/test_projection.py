"""Edges bend, what is far away has no say, and the 180th meridian cuts nothing wrong."""

import numpy as np
import pyproj
import pytest
import shapely

from tsmu.vectors import (
    crosses_antimeridian,
    join_at_antimeridian,
    reproject,
    reproject_into_frame,
    split_at_antimeridian,
)

UTM = "EPSG:32632"


def one(shape: shapely.Geometry) -> np.ndarray:
    return np.array([shape], dtype=object)


def laid(shape: shapely.Geometry, source: object, target: object, frame: shapely.Polygon) -> float:
    """The share of a rectangle that a polygon covers."""
    (placed,) = reproject_into_frame(one(shape), source, target, frame.bounds, frame.length / 4e4)
    return float(shapely.area(shapely.intersection(placed, frame)) / frame.area)


@pytest.mark.parametrize(
    ("shape", "crs"),
    [
        (shapely.box(-180, -90, 180, 90), 4326),
        (shapely.box(-179, -89, 179, 89), 4326),
        (shapely.box(0, -90, 360, 90), 4326),
        (shapely.box(-20_037_508, -20_037_508, 20_037_508, 20_037_508), 3857),
        (shapely.box(-3e7, -1e7, 3e7, 1.9e7), 32633),
        (shapely.box(-1.8e7, -7e6, 1.8e7, 7e6), 6933),
    ],
)
def test_a_polygon_of_the_world_covers_every_place(shape: shapely.Polygon, crs: int) -> None:
    assert laid(shape, crs, UTM, shapely.box(5e5, 5e6, 5.1e5, 5.01e6)) == pytest.approx(1)
    assert laid(shape, crs, 4326, shapely.box(9, 46, 9.1, 46.1)) == pytest.approx(1)


@pytest.mark.parametrize("width", [1, 20, 100])
def test_a_parallel_is_a_parallel_however_far_its_ends_are(width: float) -> None:
    """The lower edge of a box in degrees: its ends alone, reprojected, would pass hundreds of metres away."""
    lat = pyproj.Transformer.from_crs(UTM, 4326, always_xy=True).transform(500_000, 5_100_000)[1]
    box = shapely.box(9 - width / 2, lat, 9 + width / 2, 60)
    assert laid(box, 4326, UTM, shapely.box(499_500, 5_099_500, 500_500, 5_100_500)) == pytest.approx(0.5, abs=1e-4)


def test_polygons_across_180_meet_scenes_on_either_side() -> None:
    fiji = shapely.box(177, -19, 182, -16)  # 2 degrees beyond
    for west in (178, -179.5):
        assert laid(fiji, 4326, 4326, shapely.box(west, -18, west + 0.1, -17.9)) == pytest.approx(1)
    east = pyproj.Transformer.from_crs(4326, 32701, always_xy=True).transform(-179, -18)
    frame = shapely.box(east[0], east[1], east[0] + 1e4, east[1] + 1e4)
    assert laid(fiji, 4326, 32701, frame) == pytest.approx(1)
    assert laid(shapely.box(177, -19, 179, -16), 4326, 32701, frame) == 0


def test_which_polygons_lie_across_180() -> None:
    ring = [(179.9, -17), (-179.9, -17), (-179.9, -16.9), (179.9, -16.9)]
    shapes = np.array(
        [
            shapely.Polygon(ring),
            shapely.box(-180, -90, 180, 90),
            shapely.box(-180, 0, 180, 10),
            shapely.box(-179, -89, 179, 89),
            shapely.box(-90, 0, 89, 1),
            shapely.segmentize(shapely.box(-170, 60, 170, 70), 5),
        ],
        dtype=object,
    )
    assert crosses_antimeridian(shapes).tolist() == [True, False, False, False, False, False]
    whole = join_at_antimeridian(shapes[:1])
    assert whole[0].bounds == pytest.approx((179.9, -17, 180.1, -16.9))
    cut = split_at_antimeridian(whole)[0]
    assert cut.area == pytest.approx(0.02) and cut.bounds == pytest.approx((-180, -17, 180, -16.9))


def test_long_edges_bend_and_short_ones_keep_their_corners() -> None:
    small = shapely.box(500_000, 5_000_000, 500_100, 5_000_100)
    assert len(reproject(one(small), UTM, 4326)[0].exterior.coords) == 5
    large = shapely.box(300_000, 5_000_000, 700_000, 5_400_000)
    placed = reproject(one(large), UTM, 4326)[0]
    back = reproject(one(placed), 4326, UTM, 1.0)[0]
    assert shapely.area(shapely.symmetric_difference(back, large)) < 4 * 400_000 * 3  # some 3 m along the outline
    assert len(placed.exterior.coords) < 2000
