"""Measure on the ellipsoid WGS84 (pixels on that of their CRS): areas and lengths of polygons, and pixel sizes."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyproj

GEOD = pyproj.Geod(ellps="WGS84")
SHORT_EDGE = np.radians(0.01)  # about 1 km; rings with longer edges are measured by the slower, exact method
NEAR_POLE = np.radians(85)  # latitude beyond which the exact method is used
METRES_PER_DEGREE = 111_195.0  # of latitude, on a sphere with the mean radius of 6,371 km
MAX_SCALE_ERROR = 0.01  # share by which lengths in a projected CRS may differ from those on the ground

_Numbers = npt.NDArray[np.float64]
_Indices = npt.NDArray[np.int64]
_Offsets = Sequence[npt.NDArray[np.int32] | npt.NDArray[np.int64]]


class PixelVectors(NamedTuple):
    """How far one step leads on the ground from N pixels of a raster, east and north: metres, each (N,).

    Attributes:
        column_east: metres to the east for a step to the next column.
        column_north: metres to the north for a step to the next column.
        row_east: metres to the east for a step to the next row.
        row_north: metres to the north for a step to the next row.
    """

    column_east: _Numbers
    column_north: _Numbers
    row_east: _Numbers
    row_north: _Numbers


def pixel_vectors(crs: Any, transform: Any, columns: _Numbers, rows: _Numbers) -> PixelVectors:
    """Measure a raster's pixels on the ellipsoid, whatever the CRS and its units.

    Args:
        crs: CRS of the raster, as rasterio gives it.
        transform: the affine transform from (column, row) to coordinates in the CRS.
        columns: columns of the pixels to measure, (N,).
        rows: rows of the same pixels, (N,).

    Returns:
        The ground distances of one step from each pixel, in metres.

    Example:
        >>> from rasterio.transform import from_origin
        >>> pixels = pixel_vectors(pyproj.CRS(4326), from_origin(7, 46, 0.001, 0.001), np.array([0.0]), np.array([0.0]))
        >>> [round(float(metres[0])) for metres in pixels]
        [77, 0, 0, -111]
    """
    project, geod = _on_ellipsoid(crs.to_wkt())
    start, *ends = (
        project.transform(*(transform @ (columns + right, rows + down))) for right, down in ((0, 0), (1, 0), (0, 1))
    )
    parts = []
    for end in ends:
        azimuth, _, metres = geod.inv(*start, *end)
        angle = np.radians(azimuth)
        parts += [np.sin(angle) * metres, np.cos(angle) * metres]
    return PixelVectors(*parts)


def ground_matrix(crs: Any, transform: Any, width: int, height: int) -> _Numbers:
    """Find the matrix (2, 2) from pixels (right, down) at a raster's centre to metres (east, north) on the ground.

    Of a projected CRS whose lengths at the raster's centre are true to 1 %, such as UTM, the matrix is that of the
    transform, in metres; likewise of a local grid, of which nothing else is known. Otherwise it is measured on the
    ellipsoid.

    Example:
        >>> from rasterio.transform import from_origin
        >>> from rasterio.crs import CRS
        >>> ground_matrix(CRS.from_epsg(32632), from_origin(500_000, 5_000_000, 10, 10), 100, 100).tolist()
        [[10.0, 0.0], [0.0, -10.0]]
    """
    centre = np.array([width / 2]), np.array([height / 2])
    stated = np.array([[transform.a, transform.b], [transform.d, transform.e]])
    if not (crs.is_geographic or crs.is_projected):  # a local grid: its place on the Earth is not known
        return stated * float(crs.linear_units_factor[1])
    (column_east,), (column_north,), (row_east,), (row_north,) = pixel_vectors(crs, transform, *centre)
    measured = np.array([[column_east, row_east], [column_north, row_north]])
    if crs.is_geographic:
        return measured
    stated *= float(crs.linear_units_factor[1])
    on_ground, on_map = np.hypot(*measured), np.hypot(*stated)
    return stated if (np.abs(on_ground - on_map) <= MAX_SCALE_ERROR * on_map).all() else measured


def pixel_size(crs: Any, transform: Any, width: int, height: int) -> float:
    """Find the side in metres of a square of the same area as the pixel at a raster's centre.

    Example:
        >>> from rasterio.crs import CRS
        >>> from rasterio.transform import from_origin
        >>> pixel_size(CRS.from_epsg(32645), from_origin(600_000, 3_100_000, 10, 10), 100, 100)
        10.0
    """
    (a, b), (d, e) = ground_matrix(crs, transform, width, height).tolist()
    return float(abs(a * e - b * d) ** 0.5)


@lru_cache(64)
def _on_ellipsoid(crs: str) -> tuple[pyproj.Transformer, pyproj.Geod]:
    """The transformer from a CRS (WKT) to degrees on the CRS's own ellipsoid, and that ellipsoid."""
    geod = pyproj.CRS.from_wkt(crs).get_geod() or GEOD
    degrees = pyproj.CRS.from_proj4(f"+proj=longlat +a={geod.a!r} +b={geod.b!r} +no_defs")
    return pyproj.Transformer.from_crs(crs, degrees, always_xy=True), geod


def shift_in_degrees(east_m: float, north_m: float, latitude: float) -> tuple[float, float]:
    """Convert a short distance on the ground, in metres east and north, to degrees of longitude and latitude.

    It is computed on a sphere, with an error of up to 0.6 %. Close to the poles the longitude is meaningless.

    Example:
        >>> shift_in_degrees(0.0, 111.195, 46.0)
        (0.0, 0.001)
    """
    along_parallel = METRES_PER_DEGREE * max(float(np.cos(np.radians(latitude))), 1e-6)
    return east_m / along_parallel, north_m / METRES_PER_DEGREE


def areas_and_lengths(points: _Numbers, offsets: _Offsets) -> tuple[_Numbers, _Numbers]:
    """Measure areas (m2, without the holes) and lengths of outlines (m, with those of the holes) of M polygons.

    Edges are geodesics on WGS84.

    Args:
        points: longitude and latitude in degrees (N, 2), finite, all rings one after the other; the last point of
            a ring is its first one.
        offsets: as `shapely.to_ragged_array` gives them: where each ring begins in `points`, where each polygon
            begins in the rings, and for multipolygons where each of them begins in the polygons. A polygon's first
            ring is its shell.

    Returns:
        Areas and lengths, (M,) each, for M polygons or multipolygons.

    Example:
        >>> _, points, offsets = shapely.to_ragged_array([shapely.box(0, 0, 0.001, 0.001)])
        >>> areas, lengths = areas_and_lengths(points, offsets)
        >>> areas.round(), lengths.round()
        (array([12309.]), array([444.]))
    """
    rings, polygons, *multipolygons = (np.asarray(one, np.int64) for one in offsets)
    area, length = _ring_areas_and_lengths(points, rings)
    sign = np.full(len(area), -1)
    sign[polygons[:-1][np.diff(polygons) > 0]] = 1
    sums = [np.abs(area) * sign, length]
    for level in (polygons, *multipolygons):
        owner = np.repeat(np.arange(len(level) - 1), np.diff(level))
        sums = [np.bincount(owner, values, len(level) - 1).astype(np.float64) for values in sums]
    return sums[0], sums[1]


def _ring_areas_and_lengths(points: _Numbers, offsets: _Indices) -> tuple[_Numbers, _Numbers]:
    """Measure rings: areas (m2), whose sign says which way round a ring is drawn, and lengths (m).

    Rings with edges of up to 1 km are integrated by numpy, all at once. This is faster than Karney's algorithm, which
    takes one ring at a time, and differs from it by less than one part in a million. Rings with a longer edge, or
    close to a pole, are measured by Karney's algorithm.
    """
    begins, ends = offsets[:-1], offsets[1:]
    if not len(begins):
        return np.zeros(0), np.zeros(0)
    east, north = np.radians(points).T
    d_east, d_north = (np.diff(values, append=values[-1:]) for values in (east, north))
    d_east -= 2 * np.pi * np.round(d_east / (2 * np.pi))  # an edge takes the shorter way around the Earth
    d_east[ends - 1] = d_north[ends - 1] = 0  # no edge leads from the last point of a ring to the next ring
    middle = north + d_north / 2
    sine, cosine = np.sin(middle), np.cos(middle)
    # At its middle, a geodesic lies closer to the pole than the straight line in degrees does, by `bulge`.
    bulge = (d_east**2 * sine * cosine + 2 * d_north**2 * sine / cosine) / 8
    zone = _area_to_equator(np.sin(north))
    # Areas are measured from the latitude of a ring's first point instead of the equator: rounding errors are smaller.
    first = np.repeat(zone[begins], ends - begins)
    weighted_sum = zone + 4 * _area_to_equator(sine + cosine * bulge) + np.append(zone[1:], zone[-1:]) - 6 * first
    area = d_east * weighted_sum / 6  # Simpson's rule
    area[ends - 1] = 0  # also where it is NaN because the next ring is degenerate
    flat = 1 - GEOD.es * sine**2
    across = GEOD.a / np.sqrt(flat)  # radii of curvature, m: across the meridian here, and along it in the next line
    along = across * (1 - GEOD.es) / flat
    length = np.hypot(along * d_north, across * cosine * d_east)
    areas, lengths = np.add.reduceat(area, begins), np.add.reduceat(length, begins)
    exact = (np.maximum(np.abs(d_east) * cosine, np.abs(d_north)) > SHORT_EDGE) | (np.abs(north) > NEAR_POLE)
    exact[begins] |= np.abs(np.add.reduceat(d_east, begins)) > 1  # the ring goes around a pole
    for ring in np.flatnonzero(np.logical_or.reduceat(exact, begins)):
        longitude, latitude = np.ascontiguousarray(points[begins[ring] : ends[ring]].T)
        areas[ring], lengths[ring] = GEOD.polygon_area_perimeter(longitude, latitude)
    return areas, lengths


def _area_to_equator(sine: _Numbers) -> _Numbers:
    """The area between the equator and the latitude with the given sine, m2 per radian of longitude."""
    e = np.sqrt(GEOD.es)
    return np.asarray(GEOD.b**2 / 2 * (sine / (1 - GEOD.es * sine**2) + np.arctanh(e * sine) / e))
