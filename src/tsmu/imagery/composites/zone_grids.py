"""The grids of an event's composites: one for each UTM zone, on the pixels of the scenes that lie in it."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
from rasterio.crs import CRS
from rasterio.transform import Affine

from tsmu.errors import FetchError, SceneError
from tsmu.imagery.composites.area_of_interest import ZoneArea
from tsmu.imagery.composites.event_scenes import EventScene
from tsmu.imagery.composites.observations import ObservationReader
from tsmu.imagery.composites.zone_tiles import ZoneGrid
from tsmu.imagery.rasters import Grid
from tsmu.imagery.stac import SceneBand

MAX_HEADERS = 12  # scenes of a zone whose headers are read to find one that lies in it


def find_zone_grids(
    zones: Sequence[ZoneArea],
    scenes: Sequence[EventScene],
    day: date,
    reader: ObservationReader,
    resolution: float | None,
) -> list[ZoneGrid]:
    """Lay a grid over each zone's part of the area.

    Args:
        zones: the parts.
        scenes: those before the event; the nearest in time that lies in a zone gives the corner of its pixels.
        day: of the event.
        reader: reads headers of scenes.
        resolution: metres; None takes that of the finest band.

    Raises:
        FetchError: no scene can be read, or the scenes have degrees and no resolution is given.
    """
    nearest = sorted(scenes, key=lambda scene: (abs((scene.day - day).days), scene.item.id))
    found = {zone.name: _headers(zone, nearest, reader) for zone in zones}
    headers = [header for of_zone in found.values() for header in of_zone]
    size = resolution or _pixel_size(headers)
    grids = []
    for zone in zones:
        own = next((header for header in found[zone.name] if header.crs == zone.crs.to_string()), None)
        grids.append(ZoneGrid(zone, zone.grid(size, own.origin if own else (0.0, 0.0))))
    return grids


def grid_to_json(grid: Grid) -> dict[str, Any]:
    """Write a grid as JSON."""
    return {
        "crs": grid.crs.to_string(),
        "width": grid.width,
        "height": grid.height,
        "transform": list(grid.transform)[:6],
    }


def grid_from_json(about: dict[str, Any]) -> Grid:
    """Read a grid that `grid_to_json` wrote."""
    return Grid(about["width"], about["height"], CRS.from_string(about["crs"]), Affine(*about["transform"]))


def _headers(zone: ZoneArea, scenes: Sequence[EventScene], reader: ObservationReader) -> list[SceneBand]:
    """The finest band of scenes that meet a zone, until one lies in the zone.

    Raises:
        FetchError: none can be read.
    """
    meeting = [scene for scene in scenes if zone.geometry.intersects(scene.footprint)][:MAX_HEADERS]
    headers, failure = [], None
    for scene in meeting:
        try:
            finest = min(reader.bands(scene), key=lambda band: band.pixel_size or np.inf)
        except SceneError as error:
            failure = error
            continue
        headers.append(finest)
        if finest.crs == zone.crs.to_string():
            break
    if failure and not headers:
        raise FetchError(f"{failure}, nor {len(meeting) - 1} more; run it again later, and it goes on where it stopped")
    return headers


def _pixel_size(headers: Sequence[SceneBand]) -> float:
    sizes = [header.pixel_size for header in headers if header.pixel_size is not None]
    if not sizes:
        raise FetchError("the CRS of the scenes has degrees; give --resolution in metres")
    return float(f"{min(sizes):.4g}")  # of scenes in another projection it is measured on the ground
