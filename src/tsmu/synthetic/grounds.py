"""Draw the ground of the four synthetic regions as images: forest, grassland, desert and mountains."""

from dataclasses import dataclass

import numpy as np

from tsmu.synthetic.noise import Floats
from tsmu.synthetic.scars import Colour
from tsmu.synthetic.terrain import TerrainShape


@dataclass(frozen=True)
class GroundFields:
    """The fields from which the ground of a window is painted; every array is float32 (height, width)."""

    terrain: TerrainShape
    slope: Floats
    """Slope: the norm of the terrain's rise per 8 px."""
    patch: Floats
    """Noise with features of 8 to 64 px."""
    wide: Floats
    """Smooth noise with features of 64 to 128 px; its zero line is a road."""
    texture: Floats
    """Noise with features of 1 to 4 px."""
    parcel: Floats
    """A random number in [0, 1) for each field of a patchwork of fields."""
    hedge: Floats
    """1 on the margins between fields, else 0."""


class GroundImage:
    """An image of the ground, painted layer by layer: `pixels` is float32 (3, height, width), 0-255."""

    def __init__(self, shape: tuple[int, int], colour: Colour) -> None:
        """Fill the image with one colour (red, green, blue, 0-255)."""
        self.pixels = np.empty((3, *shape), np.float32)
        self.pixels[:] = np.array(colour, np.float32)[:, None, None]

    def cover(self, weight: Floats, colour: Colour) -> None:
        """Lay a colour over the image with a weight (0-1) per pixel."""
        for band, value in zip(self.pixels, colour, strict=True):
            band += (np.float32(value) - band) * weight

    def shade(self, field: Floats, strength: float) -> None:
        """Brighten and darken the image by a noise field, in proportion to its strength."""
        self.pixels *= np.float32(1) + np.float32(strength) * field


def ramp(field: Floats, at: float, width: float) -> Floats:
    """Map a field to 0 below `at` and 1 above, with a linear rise over `width` around it.

    With a negative width the result is 1 below `at` and 0 above.
    """
    rise: Floats = (field - np.float32(at)) * np.float32(1 / width) + np.float32(0.5)
    return rise.clip(0, 1)


def stripe(field: Floats, at: float, width: float) -> Floats:
    """Map a field to 1 where it differs from `at` by less than `width`, falling softly to 0 elsewhere."""
    return ramp(np.abs(field - np.float32(at)), width, -0.6 * width)


def eastern_forests(fields: GroundFields) -> GroundImage:
    """Broad-leaved forest with farmed clearings, dirt roads and small rivers with gravel bars."""
    image = GroundImage(fields.patch.shape, (58, 92, 46))
    image.cover(ramp(fields.patch, 0.4, 1.2), (82, 116, 58))
    image.shade(fields.texture, 0.15)
    farmed = ramp(fields.wide, 0.75, 0.06)
    image.cover(farmed, (112, 138, 78))
    image.cover(farmed * (fields.parcel < 0.4), (156, 150, 96))
    image.cover(farmed * (fields.parcel < 0.16), (120, 92, 66))
    image.cover(farmed * fields.hedge, (60, 88, 48))
    image.cover(stripe(fields.wide, 0.0, 0.02), (182, 160, 122))
    image.cover(ramp(fields.terrain.valley, 0.07, -0.03) * ramp(fields.patch, 0.3, 0.3), (176, 164, 136))
    image.cover(ramp(fields.terrain.valley, 0.035, -0.02), (52, 72, 78))
    return image


def marine_coast(fields: GroundFields) -> GroundImage:
    """Pastures between hedges, some ploughed, with copses and wide rivers."""
    image = GroundImage(fields.patch.shape, (132, 164, 88))
    image.cover(ramp(fields.patch, 0.0, 1.5), (116, 150, 76))
    image.cover((fields.parcel < 0.35).astype(np.float32), (150, 176, 104))
    ploughed = ramp(fields.wide, -0.2, 0.1) * (fields.parcel > 0.82)
    image.cover(ploughed, (110, 84, 60))
    image.cover(fields.hedge * ramp(fields.patch, 0.8, -0.1), (76, 108, 58))
    image.cover(ramp(fields.patch, 1.3, 0.4), (78, 110, 62))
    image.shade(fields.texture, 0.06)
    image.cover(stripe(fields.wide, -0.5, 0.018), (168, 158, 140))
    image.cover(ramp(fields.terrain.valley, 0.14, -0.04), (172, 160, 128))
    image.cover(ramp(fields.terrain.valley, 0.09, -0.03), (62, 98, 116))
    return image


def north_deserts(fields: GroundFields) -> GroundImage:
    """Tan, banded rock with scattered shrubs, dark crusts and dry washes."""
    image = GroundImage(fields.patch.shape, (196, 164, 122))
    image.cover(ramp(fields.patch, 0.2, 1.4), (182, 146, 106))
    strata = fields.terrain.height * np.float32(7)
    strata = np.abs(strata - np.floor(strata) - np.float32(0.5)) * np.float32(2)
    image.cover(ramp(strata, 0.7, 0.4) * ramp(fields.slope, 0.08, 0.05), (168, 126, 92))
    image.cover(ramp(fields.texture, 1.2, 0.6) * ramp(fields.patch, 0.0, 0.8), (122, 116, 82))
    image.cover(ramp(fields.patch, 1.6, 0.3), (128, 84, 66))
    image.cover(ramp(fields.terrain.valley, 0.1, -0.05), (218, 198, 164))
    image.cover(stripe(fields.wide, 0.3, 0.015), (222, 200, 168))
    image.shade(fields.texture, 0.05)
    return image


def northwest_mountains(fields: GroundFields) -> GroundImage:
    """Conifers below grey rock and talus, with gravelly rivers."""
    image = GroundImage(fields.patch.shape, (38, 62, 48))
    image.cover(ramp(fields.patch, 0.8, 0.8), (52, 78, 56))
    image.shade(fields.texture, 0.2)
    bare = ramp(fields.terrain.height + np.float32(0.12) * fields.patch, 1.15, 0.12)
    image.cover(bare, (116, 114, 110))
    image.cover(bare * ramp(fields.patch, 0.6, 0.4), (146, 144, 140))
    image.cover(ramp(fields.slope + np.float32(0.03) * fields.patch, 0.27, 0.05), (128, 126, 122))
    image.shade(fields.texture, 0.05)
    image.cover(stripe(fields.wide, 0.0, 0.012), (148, 132, 108))
    image.cover(ramp(fields.terrain.valley, 0.06, -0.03), (158, 156, 152))
    image.cover(ramp(fields.terrain.valley, 0.03, -0.02), (70, 96, 108))
    return image
