"""What outlines are asked of, and what is answered."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import shapely


class OutlineSource(StrEnum):
    """What outlines are taken from."""

    PROBABILITY = "probability"
    IMAGE = "image"


@dataclass(frozen=True)
class SceneFiles:
    """The rasters of a scene, as far as there are any.

    Attributes:
        probability: whole percents, 255 = no data.
        post: the image after the event.
        pre: the image before it, on any grid.
        pre_shift_m: by how much the image before is to be moved east and north so that it lies on the one after.
    """

    probability: Path | None = None
    post: Path | None = None
    pre: Path | None = None
    pre_shift_m: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Outline:
    """One of several nested outlines.

    Attributes:
        level: the probability of 0 to 1 that all its pixels reach; None where images gave it.
        area_m2: on the ellipsoid.
        polygon: in degrees (EPSG:4326), along the edges of pixels, without holes.
    """

    level: float | None
    area_m2: float
    polygon: shapely.Polygon


@dataclass(frozen=True)
class NestedOutlines:
    """Outlines, each within the next one.

    Attributes:
        source: what they are taken from.
        outlines: from small to large.
        start: the position of the one to show first.
    """

    source: OutlineSource
    outlines: tuple[Outline, ...]
    start: int
