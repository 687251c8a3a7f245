"""How much each region's decoder counts at each pixel of a scene that lies in several regions.

Within a region its own decoder counts alone; from `BLEND_M` before a border to `BLEND_M` behind it one
hands over to the other. What counts is the distance on the ground, whatever the tiles and pixels:
ecoregions pass into each other over kilometres, and their maps are drawn no more precisely.

Shares are whole percents and add up to 100. They are worked out in fixed blocks of the scene, so that
every window, tile and band of rows finds the same ones.
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
from tsmu.imagery.grids import Grid
from tsmu.mapping.outputs.cog import NO_DATA
from tsmu.projecting import DEGREES, transformer, within_180
from tsmu.regions.borders import Borders

BLEND_M = 500.0  # on each side of a border
BLOCK = 256  # px
KEPT = 256  # blocks; at two regions some 30 MB
WIDEST_STEP = 16  # px between the places where distances are measured; linear in between
STEPS_IN_BLEND = 4

Shares = npt.NDArray[np.uint8]
Distances = npt.NDArray[np.float64]


class RegionShares:
    """Shares of regions, the largest region of the scene first.

    Args:
        areas: what lies in each region, polygons in EPSG:4326; together they cover the scene and its
            surroundings up to `surroundings(footprint)`. At least two.
        grid: the scene's grid.
    """

    def __init__(self, areas: Mapping[str, BaseGeometry], grid: Grid) -> None:
        self.names = tuple(areas)
        self._grid = grid
        self._areas = [shapely.get_parts(area) for area in areas.values()]
        self._borders = [Borders(parts) for parts in self._areas]
        self._block = functools.lru_cache(KEPT)(self._made_block)
        self._to_degrees = transformer(grid.crs, DEGREES)
        widest = BLEND_M / (STEPS_IN_BLEND * _pixel_metres(grid))
        self._step = 1 << int(np.log2(np.clip(widest, 1, WIDEST_STEP)))  # divides a block

    @property
    def identity(self) -> object:
        """Tell these shares from all others."""
        shapes = b"".join(shapely.to_wkb(part) for parts in self._areas for part in parts)
        return [self.names, BLEND_M, hashlib.sha256(shapes).hexdigest()]

    def percent(self, window: Window) -> Shares:
        """Give the shares (regions, height, width) of a window, which may reach beyond the scene."""
        top, left, height, width = (int(v) for v in (window.row_off, window.col_off, window.height, window.width))
        found = np.empty((len(self.names), height, width), np.uint8)
        for row in range(top // BLOCK, math.ceil((top + height) / BLOCK)):
            for column in range(left // BLOCK, math.ceil((left + width) / BLOCK)):
                rows, from_rows = _overlap(row, top, height)
                columns, from_columns = _overlap(column, left, width)
                found[:, rows, columns] = self._block(row, column)[:, from_rows, from_columns]
        return found

    def _made_block(self, row: int, column: int) -> Shares:
        """Work out the shares of a block, from distances on a grid of places."""
        places = BLOCK // self._step + 1
        rows, columns = ((index * BLOCK + np.arange(places) * self._step).astype(np.float64) for index in (row, column))
        inside = [_between(distance, self._step) for distance in self._distances(rows, columns)]
        raw = np.stack([(1 - np.cos(np.pi * np.clip(d / (2 * BLEND_M) + 0.5, 0, 1))) / 2 for d in inside])
        # Differences of rounded sums, so that the shares add up to 100.
        upto = np.cumsum(raw, axis=0)
        upto = np.floor(upto / upto[-1] * 100 + 0.5)
        return np.asarray(np.diff(upto, axis=0, prepend=0), np.uint8)

    def _distances(self, rows: Distances, columns: Distances) -> Iterator[Distances]:
        """Metres to each region's border on a grid of places, positive inside, no more than the blend is wide."""
        row, column = np.meshgrid(rows, columns, indexing="ij")
        longitude, latitude = self._to_degrees.transform(*(self._grid.transform @ (column.ravel(), row.ravel())))
        longitude = within_180(longitude)
        points = np.asarray(shapely.points(longitude, latitude))
        nowhere = np.ones(len(points), bool)
        found = []
        for parts, borders in zip(self._areas, self._borders, strict=True):
            inside = np.zeros(len(points), bool)
            inside[shapely.STRtree(points).query(parts, "intersects")[1]] = True
            metres = np.minimum(borders.within(longitude, latitude, BLEND_M)[1], BLEND_M)
            found.append(np.where(inside, metres, -metres))
            nowhere[inside] = False
        found[0][nowhere] = BLEND_M  # beyond the surroundings, where blocks reach but no scene does
        yield from (distance.reshape(row.shape) for distance in found)


class WholeShares:
    """The shares in a scene that lies in one region."""

    def __init__(self, name: str = "") -> None:
        self.names: tuple[str, ...] = (name,)
        self.identity: object = name

    def percent(self, window: Window) -> Shares:
        """Give the shares (1, height, width): 100 everywhere."""
        return np.broadcast_to(np.uint8(100), (1, int(window.height), int(window.width)))


AnyShares = RegionShares | WholeShares


def thresholds(shares: Shares, percents: Sequence[int]) -> Shares | int:
    """Blend the regions' thresholds, whole percents, as their answers are blended; halves up."""
    if len(percents) == 1:
        return percents[0]
    total = sum(share.astype(np.uint16) * percent for share, percent in zip(shares, percents, strict=True))
    return np.asarray((total + 50) // 100, np.uint8)


def strongest(shares: Shares, valid: npt.NDArray[np.bool_]) -> Shares:
    """Which region counts most at each pixel, by its number; 255 where nothing is valid."""
    return np.where(valid, shares.argmax(axis=0), NO_DATA).astype(np.uint8)


def surroundings(footprint: shapely.Polygon) -> shapely.Polygon:
    """The box in degrees around a scene beyond which no border matters to it."""
    west, south, east, north = footprint.bounds
    margin = 3 * BLEND_M / 111_000
    shrink = max(math.cos(math.radians(min(max(abs(south), abs(north)) + margin, 89.9))), 1e-3)
    return shapely.box(west - margin / shrink, south - margin, east + margin / shrink, north + margin)


def _overlap(block: int, start: int, length: int) -> tuple[slice, slice]:
    """Where a block lies in a window, and which part of the block that is; one axis."""
    first, last = max(block * BLOCK, start), min((block + 1) * BLOCK, start + length)
    return slice(first - start, last - start), slice(first - block * BLOCK, last - block * BLOCK)


def _between(distance: Distances, step: int) -> Distances:
    """Interpolate from places `step` px apart to the pixels' centres, linearly along both axes."""
    for axis in (0, 1):
        centre = (np.arange(BLOCK) + 0.5) / step
        before = np.minimum(centre.astype(int), distance.shape[axis] - 2)
        share = (centre - before).reshape((-1, 1) if axis == 0 else (1, -1))
        distance = np.take(distance, before, axis) * (1 - share) + np.take(distance, before + 1, axis) * share
    return distance


def _pixel_metres(grid: Grid) -> float:
    """The longer side of a pixel in the middle of the scene, metres."""
    return float(np.hypot(*ground_matrix(grid.crs, grid.transform, grid.width, grid.height)).max())
