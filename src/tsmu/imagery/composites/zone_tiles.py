"""The tiles of a zone's grid: which of them meet the area, how large they are, and which of their pixels lie in it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from rasterio.features import geometry_mask
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from tsmu.imagery.composites.area_of_interest import ZoneArea
from tsmu.imagery.composites.event_scenes import EventScene
from tsmu.imagery.rasters import Grid, Valid

TILE_SIDES = (1024, 512, 256)  # px; the largest whose stack of scenes fits
MAX_STACK_BYTES = 256 << 20  # of the observations of one window of days in one tile


@dataclass(frozen=True)
class ZoneGrid:
    """A zone's part of the area and the grid over it.

    Attributes:
        zone: the part.
        grid: the pixels, on which the composites of both sides lie.
    """

    zone: ZoneArea
    grid: Grid

    @cached_property
    def shape(self) -> BaseGeometry:
        """The part in metres of the zone."""
        return self.zone.shape

    def windows(self, side: int) -> Iterator[Window]:
        """The windows of tiles, row by row, that meet the part."""
        shapely.prepare(self.shape)
        for row in range(0, self.grid.height, side):
            for column in range(0, self.grid.width, side):
                size = min(side, self.grid.width - column), min(side, self.grid.height - row)
                window = Window(column, row, *size)
                if self.shape.intersects(shapely.box(*self.grid.of_window(window).bounds)):
                    yield window

    def inside(self, window: Window) -> Valid:
        """Tell which pixels of a window (H, W) have their middle in the zone's part of the area."""
        grid = self.grid.of_window(window)
        around = shapely.box(*grid.bounds).buffer(grid.transform.a, join_style="mitre")
        part = shapely.intersection(self.shape, around)
        if part.is_empty:
            return np.zeros((grid.height, grid.width), bool)
        return np.asarray(geometry_mask([part], (grid.height, grid.width), grid.transform, invert=True))


def choose_tile_side(zone: ZoneGrid, scenes: Sequence[EventScene], bytes_per_pixel: int) -> int:
    """The side in pixels of the tiles of a zone, so that all observations of a window fit into memory at once.

    Args:
        zone: the zone.
        scenes: of one side of the event.
        bytes_per_pixel: of all bands of an observation.
    """
    largest = TILE_SIDES[0]
    scene_count = max((_most_in_one_window(zone, scenes, window) for window in zone.windows(largest)), default=0)
    fitting = (side for side in TILE_SIDES if side**2 * bytes_per_pixel * scene_count <= MAX_STACK_BYTES)
    return next(fitting, TILE_SIDES[-1])


def scenes_of_tile(zone: ZoneGrid, scenes: Sequence[EventScene], window: Window) -> list[list[EventScene]]:
    """The scenes that meet a tile, by window of days, narrowest first; each in its order."""
    outline = zone.grid.of_window(window).footprint
    meets = shapely.intersects(np.array([scene.footprint for scene in scenes], dtype=object), outline)
    by_days: dict[int, list[EventScene]] = {}
    for scene, meeting in zip(scenes, meets.tolist(), strict=True):
        if meeting:
            by_days.setdefault(scene.window, []).append(scene)
    return [sorted(by_days[number], key=lambda scene: scene.order) for number in sorted(by_days)]


def _most_in_one_window(zone: ZoneGrid, scenes: Sequence[EventScene], window: Window) -> int:
    return max(map(len, scenes_of_tile(zone, scenes, window)), default=0)
