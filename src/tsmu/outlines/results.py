"""The types of what this room receives (the rasters of a scene) and returns (nested outlines)."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import shapely


class OutlineSource(StrEnum):
    """The kind of raster from which outlines are made: the map's probability, or the images."""

    PROBABILITY = "probability"
    IMAGE = "image"


@dataclass(frozen=True)
class SceneFiles:
    """The rasters of a scene; each may be missing.

    Attributes:
        probability: the map's probability, whole percents, 255 = no data.
        post: the image after the event.
        pre: the image before the event, on any grid.
        pre_shift_m: metres by which `pre` must be moved east and north to lie on `post`.
    """

    probability: Path | None = None
    post: Path | None = None
    pre: Path | None = None
    pre_shift_m: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Outline:
    """One of several nested outlines.

    Attributes:
        level: the probability (0 to 1) that all pixels within the outline reach, except those of filled holes; None
            for an outline made from images.
        area_m2: the area within the outline on the ellipsoid.
        polygon: in degrees (EPSG:4326), along the edges of pixels, without holes.
    """

    level: float | None
    area_m2: float
    polygon: shapely.Polygon


@dataclass(frozen=True)
class NestedOutlines:
    """Outlines that each lie within the next one.

    Attributes:
        source: the kind of raster from which they are made.
        outlines: the outlines from small to large.
        start: the position in `outlines` of the one that is shown first.
    """

    source: OutlineSource
    outlines: tuple[Outline, ...]
    start: int
