"""Areas and lengths on the ellipsoid, beside Karney's algorithm."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from tsmu.geodesy import GEOD, areas_and_lengths


def star(longitude: float, latitude: float, size: float, corners: int, seed: int) -> shapely.Polygon:
    """A ragged polygon of about so many degrees around a place."""
    random = np.random.default_rng(seed)
    turn = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    radius = size * random.uniform(0.5, 1, corners)
    east = longitude + radius * np.cos(turn) / np.cos(np.radians(latitude))
    return shapely.Polygon(np.column_stack([(east + 180) % 360 - 180, latitude + radius * np.sin(turn)]))


@given(
    st.floats(-180, 180),
    st.floats(-88, 88),
    st.sampled_from([1e-4, 1e-3, 1e-2, 0.1, 1.0]),
    st.integers(3, 60),
    st.integers(0, 999),
)
def test_they_are_those_of_geodesic_polygons(lon: float, lat: float, size: float, corners: int, seed: int) -> None:
    shape = star(lon, lat, size, corners, seed)
    (area,), (length,) = found([shape])
    expected = GEOD.geometry_area_perimeter(shape)
    assert area == pytest.approx(abs(expected[0]), rel=1e-6, abs=1e-3)  # m2: what Karney's algorithm itself is good for
    assert length == pytest.approx(expected[1], rel=1e-6)


def test_holes_are_taken_off_and_parts_added() -> None:
    outer, hole, other = (shapely.Point(8, 46).buffer(size) for size in (0.02, 0.01, 0.005))
    holed = outer.difference(hole)
    several = shapely.MultiPolygon([holed, other])
    areas, lengths = found([holed, outer.reverse(), shapely.Polygon()])
    parts = [np.abs(GEOD.geometry_area_perimeter(shape)) for shape in (outer, hole, other)]
    np.testing.assert_allclose(areas, [parts[0][0] - parts[1][0], parts[0][0], 0], rtol=1e-6)
    np.testing.assert_allclose(lengths, [parts[0][1] + parts[1][1], parts[0][1], 0], rtol=1e-6)
    areas, lengths = found([several])
    assert areas[0] == pytest.approx(parts[0][0] - parts[1][0] + parts[2][0], rel=1e-6)
    assert lengths[0] == pytest.approx(sum(part[1] for part in parts), rel=1e-6)


def test_round_a_pole_and_beside_what_is_no_place() -> None:
    circle = np.column_stack([np.arange(0, 360.01, 0.02) - 180, np.full(18_001, -70.0)])
    (area,), _ = found([shapely.Polygon(circle)])
    assert area == pytest.approx(abs(GEOD.polygon_area_perimeter(*circle.T)[0]), rel=1e-6)
    box = shapely.box(8, 46, 8.01, 46.01)
    nowhere = shapely.Polygon([(8, 46), (np.nan, 46), (8, 47), (8, 46)])
    areas, _ = found([box, nowhere, box])
    assert np.isfinite(areas).tolist() == [True, False, True]


def test_nothing_has_none() -> None:
    areas, lengths = found([shapely.Polygon()])
    assert areas.tolist() == lengths.tolist() == [0]


def found(shapes: list[shapely.Geometry]) -> tuple[np.ndarray, np.ndarray]:
    _, points, offsets = shapely.to_ragged_array(np.array(shapes, dtype=object))
    return areas_and_lengths(points, offsets)
