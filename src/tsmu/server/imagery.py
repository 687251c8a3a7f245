"""A scene's rasters: where they lie, by what the database and the workspace say of it and nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rio_tiler.colormap import cmap
from rio_tiler.io import Reader
from rio_tiler.models import ImageData

from tsmu.errors import ImageError
from tsmu.imagery.raster import describe, is_remote, open_raster
from tsmu.imagery.resampling import warpable
from tsmu.mapping import DEVIATION_FILE, PROBABILITY_FILE, check_scene_name
from tsmu.server.desk import Desk

STRETCH = (2, 98)  # percentiles of a band that become black and white
PREVIEW = 512  # pixels that they are taken from, a side
MERCATOR = rasterio.CRS.from_epsg(3857)

Range = tuple[float, float]


class Layer(StrEnum):
    """What can be shown of a scene."""

    PRE = "pre"
    POST = "post"
    PROBABILITY = "probability"
    UNCERTAINTY = "uncertainty"
    HILLSHADE = "hillshade"


@dataclass(frozen=True)
class Raster:
    """A raster on this machine, as it was when looked at."""

    path: Path
    changed: int

    @property
    def bands(self) -> tuple[int, ...]:
        """The bands that are shown: red, green and blue where there are, else the first."""
        names = [name.lower() for name in describe(self.path).bands]
        if {"red", "green", "blue"} <= set(names):
            return tuple(names.index(name) + 1 for name in ("red", "green", "blue"))
        return (1, 2, 3) if len(names) >= 3 else (1,)


def raster_of(desk: Desk, scene: dict[str, Any], layer: Layer) -> Raster | None:
    """The raster of a scene's layer; None where there is none, or it is not on this machine."""
    if layer == Layer.HILLSHADE:
        path = desk.dem
    elif layer in (Layer.PRE, Layer.POST):
        stored = scene[layer]
        path = None if not stored or is_remote(stored) else desk.space.root / stored
    else:
        path = (
            desk.space.maps
            / check_scene_name(scene["name"])
            / (PROBABILITY_FILE if layer == Layer.PROBABILITY else DEVIATION_FILE)
        )
    return Raster(path, path.stat().st_mtime_ns) if path and path.is_file() else None


def draw(
    raster: Raster, layer: Layer, box: tuple[float, float, float, float], side: int, ranges: list[Range]
) -> ImageData:
    """Read a box of web mercator into a picture of 8-bit bands with a mask.

    Args:
        raster: where.
        layer: as what.
        box: west, south, east, north, m.
        side: pixels.
        ranges: what becomes black and white, one for all bands or one each; empty: by percentiles.
    """
    if layer == Layer.HILLSHADE:
        return _shaded(raster, box, side)
    single = layer in (Layer.PROBABILITY, Layer.UNCERTAINTY)
    bands = (1,) if single else raster.bands
    with _open(raster) as reader:
        part = reader.part(box, dst_crs=MERCATOR, bounds_crs=MERCATOR, indexes=bands, width=side, height=side)
    image = _masked(part)
    if single:
        return image
    image.rescale(ranges or stretch(raster))
    return image


@contextmanager
def _open(raster: Raster) -> Iterator[Reader]:
    with (
        open_raster(raster.path) as opened,
        warpable(opened) as dataset,
        Reader(str(raster.path), dataset=dataset) as reader,
    ):
        yield reader


def _masked(image: ImageData) -> ImageData:
    """Mask by alpha of any type of values: rio-tiler itself takes only the largest value of a type for opaque."""
    if image.alpha_mask is not None:
        image.array.mask = np.repeat(~(image.alpha_mask > 0)[None], len(image.array), axis=0)
        image.alpha_mask = None
    return image


@lru_cache(maxsize=1024)
def stretch(raster: Raster) -> tuple[Range, ...]:
    """What becomes black and white in each shown band; 8-bit images are shown as they are.

    Raises:
        ImageError: the raster cannot be read.
    """
    if describe(raster.path).dtype == "uint8":
        return ((0.0, 255.0),)
    with _open(raster) as reader:
        values = _masked(reader.preview(indexes=raster.bands, max_size=PREVIEW)).array
    found = []
    for band in values:
        there = band.compressed().astype(np.float64)
        there = there[np.isfinite(there)]
        low, high = np.percentile(there, STRETCH) if len(there) else (0.0, 1.0)
        found.append((float(low), float(max(high, low + 1e-9))))
    return tuple(found)


def colours(layer: Layer) -> dict[int, tuple[int, int, int, int]] | None:
    """Whole percents as colours that also the colour-blind tell apart; the lower, the more transparent."""
    if layer not in (Layer.PROBABILITY, Layer.UNCERTAINTY):
        return None
    table = cmap.get("inferno" if layer == Layer.PROBABILITY else "viridis")
    return {
        percent: (*table[min(round(percent * 2.55), 255)][:3], min(round(percent * 5.1), 255)) for percent in range(256)
    }


def _shaded(raster: Raster, box: tuple[float, float, float, float], side: int) -> ImageData:
    """Light from the north-west at 45 degrees (Horn 1981, doi 10.1109/PROC.1981.11918)."""
    step = (box[2] - box[0]) / side
    wide = (box[0] - step, box[1] - step, box[2] + step, box[3] + step)
    with _open(raster) as reader:
        read = reader.part(
            wide, dst_crs=MERCATOR, bounds_crs=MERCATOR, indexes=(1,), width=side + 2, height=side + 2,
            resampling_method="bilinear",
        )  # fmt: skip
    read = _masked(read)
    height, known = read.array.data[0].astype(np.float64), ~np.ma.getmaskarray(read.array[0])
    latitude = 2 * np.arctan(np.exp((box[1] + box[3]) / 2 / 6_378_137.0)) - np.pi / 2
    down, across = np.gradient(height, step * np.cos(latitude))  # metres on the ground
    azimuth, altitude = np.radians(315.0), np.radians(45.0)
    slope, aspect = np.arctan(np.hypot(across, down)), np.arctan2(-across, down)
    light = np.sin(altitude) * np.cos(slope) + np.cos(altitude) * np.sin(slope) * np.cos(azimuth - aspect)
    grey = np.clip(light * 255, 0, 255).astype(np.uint8)[1:-1, 1:-1]
    return ImageData(np.ma.masked_array(grey[None], ~known[None, 1:-1, 1:-1]))


def check_shown(raster: Raster | None, layer: Layer) -> Raster:
    """The raster that is there.

    Raises:
        ImageError: there is none.
    """
    if raster is None:
        raise ImageError(f"{layer}: this scene has none on this machine")
    return raster
