"""How much each region's decoder counts at each pixel of a scene that lies in several regions.

Inside a region its own decoder counts alone. Within `BLEND_M` on either side of a border its weight passes
smoothly to the neighbouring region's decoder, by the distance on the ground, whatever the tiles and the
pixel size: ecoregions pass into each other over kilometres, and their maps are drawn no more precisely.

Weights are whole percents that add up to 100 at each pixel. They are computed in fixed blocks of the
scene, so that every window, tile and strip of rows gets the same ones.
"""

import functools
import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import shapely
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from tsmu.geodesy import ground_matrix
from tsmu.imagery import Grid
from tsmu.mapping.arrays import NO_DATA, Percent, Valid
from tsmu.regions import BorderIndex
from tsmu.vectors import LONGITUDE_LATITUDE, transformer, wrap_longitudes

BLEND_M = 500.0  # on each side of a border
BLOCK = 256  # px
CACHED_BLOCKS = 256  # for two regions some 30 MB
WIDEST_STEP = 16  # px between the points at which distances are measured; linear in between
STEPS_IN_BLEND = 4  # steps between those points that fit into `BLEND_M` at least, so that the blend is smooth

Distances = npt.NDArray[np.float64]


class BlendedRegionWeights:
    """The weights of a scene's regions, of which there are at least two.

    Args:
        areas: the area of each region, polygons in EPSG:4326, the region with the largest part of the scene
            first; together they cover the scene and its `surroundings`.
        grid: the grid of the scene.
    """

    def __init__(self, areas: Mapping[str, BaseGeometry], grid: Grid) -> None:
        self.names = tuple(areas)
        self._grid = grid
        self._areas = [shapely.get_parts(area) for area in areas.values()]
        self._borders = [BorderIndex(parts) for parts in self._areas]
        self._block = functools.lru_cache(CACHED_BLOCKS)(self._compute_block)
        self._to_degrees = transformer(grid.crs, LONGITUDE_LATITUDE)
        widest = BLEND_M / (STEPS_IN_BLEND * _pixel_metres(grid))
        self._step = 1 << int(np.log2(np.clip(widest, 1, WIDEST_STEP)))  # divides a block

    @property
    def identity(self) -> object:
        """What distinguishes these weights from all others; JSON of it is hashed into the identity of a map."""
        shapes = b"".join(shapely.to_wkb(part) for parts in self._areas for part in parts)
        return [self.names, BLEND_M, hashlib.sha256(shapes).hexdigest()]

    def percent(self, window: Window) -> Percent:
        """Give the weights (regions, height, width) of a window, which may reach beyond the scene."""
        top, left, height, width = (int(v) for v in (window.row_off, window.col_off, window.height, window.width))
        weights = np.empty((len(self.names), height, width), np.uint8)
        for row in range(top // BLOCK, math.ceil((top + height) / BLOCK)):
            for column in range(left // BLOCK, math.ceil((left + width) / BLOCK)):
                rows, block_rows = _overlap(row, top, height)
                columns, block_columns = _overlap(column, left, width)
                weights[:, rows, columns] = self._block(row, column)[:, block_rows, block_columns]
        return weights

    def _compute_block(self, row: int, column: int) -> Percent:
        """Compute the weights of a block from distances at a lattice of points."""
        points = BLOCK // self._step + 1
        rows, columns = ((index * BLOCK + np.arange(points) * self._step).astype(np.float64) for index in (row, column))
        depths = [_interpolate(distance, self._step) for distance in self._border_distances(rows, columns)]
        # Half a period of a cosine: 0 at `BLEND_M` outside the border, 1/2 on it, 1 at `BLEND_M` inside.
        raw = np.stack([(1 - np.cos(np.pi * np.clip(d / (2 * BLEND_M) + 0.5, 0, 1))) / 2 for d in depths])
        # The cumulative sums over the regions are rounded, and the weights are their differences. Weights that were
        # rounded one by one would not always add up to 100.
        sums = np.cumsum(raw, axis=0)
        sums = np.floor(sums / sums[-1] * 100 + 0.5)
        return np.asarray(np.diff(sums, axis=0, prepend=0), np.uint8)

    def _border_distances(self, rows: Distances, columns: Distances) -> Iterator[Distances]:
        """Yield for each region the metres from a lattice of points to its border, at most `BLEND_M`.

        Distances are positive inside the region and negative outside.
        """
        row, column = np.meshgrid(rows, columns, indexing="ij")
        longitude, latitude = self._to_degrees.transform(*(self._grid.transform @ (column.ravel(), row.ravel())))
        longitude = wrap_longitudes(longitude)
        points = np.asarray(shapely.points(longitude, latitude))
        uncovered = np.ones(len(points), bool)
        distances = []
        for parts, borders in zip(self._areas, self._borders, strict=True):
            inside = np.zeros(len(points), bool)
            inside[shapely.STRtree(points).query(parts, "intersects")[1]] = True
            metres = np.minimum(borders.nearest(longitude, latitude, BLEND_M)[1], BLEND_M)
            distances.append(np.where(inside, metres, -metres))
            uncovered[inside] = False
        # Blocks may reach beyond the scene and its surroundings. No region covers these points and no map shows them;
        # they count as inside the first region, so that the weights can be divided by their sum.
        distances[0][uncovered] = BLEND_M
        yield from (distance.reshape(row.shape) for distance in distances)


class SingleRegionWeights:
    """The weights of a scene that lies in one region: 100 percent everywhere."""

    def __init__(self, name: str = "") -> None:
        self.names: tuple[str, ...] = (name,)
        self.identity: object = name

    def percent(self, window: Window) -> Percent:
        """Give the weights (1, height, width) of a window."""
        return np.broadcast_to(np.uint8(100), (1, int(window.height), int(window.width)))


RegionWeights = BlendedRegionWeights | SingleRegionWeights


def blended_threshold(weights: Percent, thresholds: Sequence[int]) -> Percent | int:
    """Blend the regions' thresholds as their predictions are blended.

    Args:
        weights: of the regions, (regions, H, W).
        thresholds: of the regions, whole percents.

    Returns:
        The threshold of each pixel, whole percents, halves rounded up; one number if there is one region.
    """
    if len(thresholds) == 1:
        return thresholds[0]
    total = sum(weight.astype(np.uint16) * percent for weight, percent in zip(weights, thresholds, strict=True))
    return np.asarray((total + 50) // 100, np.uint8)


def dominant_region(weights: Percent, valid: Valid) -> Percent:
    """Give the number of the region that counts most at each pixel, (H, W); 255 where a pixel has no data."""
    return np.where(valid, weights.argmax(axis=0), NO_DATA).astype(np.uint8)


def surroundings(footprint: shapely.Polygon) -> shapely.Polygon:
    """Give the box in EPSG:4326 around a scene's footprint beyond which no border changes the scene's weights."""
    west, south, east, north = footprint.bounds
    margin = 3 * BLEND_M / 111_000  # degrees of latitude, which are some 111 km long
    # Length of a degree of longitude as a share of one of latitude, at the side of the box that is nearest to a pole.
    shrink = max(math.cos(math.radians(min(max(abs(south), abs(north)) + margin, 89.9))), 1e-3)
    return shapely.box(west - margin / shrink, south - margin, east + margin / shrink, north + margin)


def _overlap(block: int, start: int, length: int) -> tuple[slice, slice]:
    """Give where a block lies in a window, and which part of the block that is; along one axis."""
    first, last = max(block * BLOCK, start), min((block + 1) * BLOCK, start + length)
    return slice(first - start, last - start), slice(first - block * BLOCK, last - block * BLOCK)


def _interpolate(distance: Distances, step: int) -> Distances:
    """Interpolate from points `step` px apart to the centres of the pixels, linearly along both axes."""
    for axis in (0, 1):
        centre = (np.arange(BLOCK) + 0.5) / step
        before = np.minimum(centre.astype(int), distance.shape[axis] - 2)
        part = (centre - before).reshape((-1, 1) if axis == 0 else (1, -1))
        distance = np.take(distance, before, axis) * (1 - part) + np.take(distance, before + 1, axis) * part
    return distance


def _pixel_metres(grid: Grid) -> float:
    """Give the longer side of a pixel in the middle of the scene, metres."""
    return float(np.hypot(*ground_matrix(grid.crs, grid.transform, grid.width, grid.height)).max())
