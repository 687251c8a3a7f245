"""Read the rasters of all zones onto the one grid of the map picture, no finer than the picture shows them."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rasterio.enums import Resampling

from tsmu.imagery import Grid, open_raster, open_resampled
from tsmu.situation.inputs import Observed, Situation, ZoneRasters

Floats = npt.NDArray[np.float32]
STRETCH = (2, 98)  # percentiles of an image that become black and white
LIGHT_AZIMUTH, LIGHT_ALTITUDE = 315.0, 45.0  # degrees; from the north-west
STEEP = 0.35  # slopes are exaggerated until their 90th percentile (rise per metre) reaches this value
MOST_EXAGGERATION = 6.0  # the largest factor by which slopes are exaggerated
DECIBEL_FLOOR = 1e-5  # linear power; radar echoes below it are drawn as if they had this power


def read_observed(situation: Situation, grid: Grid) -> npt.NDArray[np.uint8]:
    """The classes of `Observed` on the map's grid (H, W); a cell has the class that most of its pixels have."""
    classes = np.zeros((grid.height, grid.width), np.uint8)
    for zone in situation.zones:
        with open_raster(zone.observed) as reader, ExitStack() as stack:
            finer = Grid.from_raster(reader.info).relative_pixel_size(grid) < 1
            resampling = Resampling.mode if finer else Resampling.nearest
            warped = stack.enter_context(open_resampled(reader, grid, resampling=resampling, keep_palette_indices=True))
            values, valid = warped.read_first_band()
        values = np.where(valid & (values <= max(Observed)), values, 0).astype(np.uint8)
        classes = np.where(classes == Observed.OUTSIDE, values, classes)
    return classes


def read_relief(situation: Situation, grid: Grid) -> Floats | None:
    """Light and shadow of the ground (H, W), 0 to 1, NaN where no elevation is known; None without any elevation."""
    if not any(zone.dem for zone in situation.zones):
        return None
    elevations = _mosaic(situation.zones, grid, lambda zone: zone.dem, 1)
    if elevations is None or not np.isfinite(elevations).any():
        return None
    return hillshade(elevations[0], abs(grid.transform.a))


def read_grey(situation: Situation, grid: Grid) -> Floats:
    """The image after the event in grey (H, W), 0 to 1, or the image before it where it has no data; else NaN."""
    grey = np.full((grid.height, grid.width), np.nan, np.float32)
    for side in ("post", "pre"):
        image = _mosaic(situation.zones, grid, lambda zone: getattr(zone, side), None)  # noqa: B023 - used at once
        if image is not None:
            single = decibels(image[0]) if situation.is_radar else image[:3].mean(axis=0)
            grey = np.where(np.isnan(grey), stretch(single), grey)
    return grey


def hillshade(elevations: Floats, pixel: float) -> Floats:
    """Light on the ground from the north-west (Horn 1981, doi 10.1109/PROC.1981.11918).

    Args:
        elevations: (H, W), metres, NaN where not known.
        pixel: the side of a cell, metres.

    Returns:
        (H, W), 0 (dark) to 1 (light), about 0.7 for flat ground; NaN where no elevation is known.
    """
    if min(elevations.shape) < 2:
        return np.full_like(elevations, 0.7)
    down, across = np.gradient(elevations, pixel)
    steepness = np.hypot(down, across)
    if not np.isfinite(steepness).any():
        return np.full_like(elevations, np.nan)
    steep = float(np.nanpercentile(steepness, 90))
    factor = min(max(STEEP / max(steep, 1e-6), 1.0), MOST_EXAGGERATION)
    azimuth, altitude = np.radians(LIGHT_AZIMUTH), np.radians(LIGHT_ALTITUDE)
    slope, aspect = np.arctan(factor * steepness), np.arctan2(-across, down)
    light = np.sin(altitude) * np.cos(slope) + np.cos(altitude) * np.sin(slope) * np.cos(azimuth - aspect)
    return np.asarray(np.clip(light, 0, 1), np.float32)


def stretch(values: Floats, percentiles: tuple[float, float] = STRETCH) -> Floats:
    """Scale values so that two of their percentiles become 0 and 1, and clip what lies beyond; NaN stays NaN."""
    known = values[np.isfinite(values)]
    if not len(known):
        return values
    low, high = np.percentile(known, percentiles)
    return np.asarray(np.clip((values - low) / max(high - low, 1e-9), 0, 1), np.float32)


def decibels(power: Floats) -> Floats:
    """Convert radar backscatter from linear power to decibels."""
    return np.asarray(10 * np.log10(np.maximum(power, DECIBEL_FLOOR)), np.float32)


def _mosaic(
    zones: Sequence[ZoneRasters], grid: Grid, path_of: Callable[[ZoneRasters], Path | str | None], bands: int | None
) -> Floats | None:
    """Read one raster of each zone onto the map's grid; where rasters overlap, the first zone's counts.

    Args:
        zones: the zones.
        grid: the map's grid.
        path_of: gives the raster of a zone, None if the zone has none.
        bands: how many bands to read; None reads all bands of images, in which 0 is no data.

    Returns:
        (C, H, W), NaN without data; None if no zone has the raster. If the numbers of bands differ between zones,
        only the first band.
    """
    mosaic: Floats | None = None
    for path in dict.fromkeys(path_of(zone) for zone in zones):
        if path is None:
            continue
        nodata = 0 if bands is None else None  # 0 is no data in images, but a valid elevation
        with open_raster(path, assumed_nodata=nodata) as reader, open_resampled(reader, grid) as warped:
            values, valid = warped.read()
        known = np.where(valid, values[:bands].astype(np.float32), np.nan)
        if mosaic is None:
            mosaic = known
        elif len(known) != len(mosaic):
            mosaic = np.where(np.isnan(mosaic[:1]), known[:1], mosaic[:1])
        else:
            mosaic = np.where(np.isnan(mosaic), known, mosaic)
    return mosaic
