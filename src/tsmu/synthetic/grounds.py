"""The ground of the four regions: forest, grassland, desert and mountains, each painted its own way."""

from dataclasses import dataclass

import numpy as np

from tsmu.synthetic.noise import Floats
from tsmu.synthetic.scars import Colour
from tsmu.synthetic.terrain import Terrain


@dataclass(frozen=True)
class Fields:
    """What the ground is painted from; every array is float32 (height, width)."""

    terrain: Terrain
    slope: Floats
    """Steepness: the norm of the terrain's rise."""
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


class Paint:
    """An image of the ground, painted layer by layer."""

    def __init__(self, shape: tuple[int, int], colour: Colour) -> None:
        """Begin with one colour (red, green, blue, 0-255)."""
        self.image = np.empty((3, *shape), np.float32)
        self.image[:] = np.array(colour, np.float32)[:, None, None]

    def over(self, cover: Floats, colour: Colour) -> None:
        """Lay a colour over the image where `cover` (0-1) says."""
        for band, value in zip(self.image, colour, strict=True):
            band += (np.float32(value) - band) * cover

    def texture(self, field: Floats, strength: float) -> None:
        """Brighten and darken by a noise field."""
        self.image *= np.float32(1) + np.float32(strength) * field


def step(field: Floats, at: float, width: float) -> Floats:
    """0 below `at`, 1 above, with a linear rise over `width`."""
    ramp: Floats = (field - np.float32(at)) * np.float32(1 / width) + np.float32(0.5)
    return ramp.clip(0, 1)


def near(field: Floats, at: float, width: float) -> Floats:
    """1 where the field is nearer than `width` to `at`, softly 0 elsewhere."""
    return step(np.abs(field - np.float32(at)), width, -0.6 * width)


def eastern_forests(f: Fields) -> Paint:
    """Broad-leaved forest with farmed clearings, dirt roads and small rivers with gravel bars."""
    paint = Paint(f.patch.shape, (58, 92, 46))
    paint.over(step(f.patch, 0.4, 1.2), (82, 116, 58))
    paint.texture(f.texture, 0.15)
    farmed = step(f.wide, 0.75, 0.06)
    paint.over(farmed, (112, 138, 78))
    paint.over(farmed * (f.parcel < 0.4), (156, 150, 96))
    paint.over(farmed * (f.parcel < 0.16), (120, 92, 66))
    paint.over(farmed * f.hedge, (60, 88, 48))
    paint.over(near(f.wide, 0.0, 0.02), (182, 160, 122))
    paint.over(step(f.terrain.valley, 0.07, -0.03) * step(f.patch, 0.3, 0.3), (176, 164, 136))
    paint.over(step(f.terrain.valley, 0.035, -0.02), (52, 72, 78))
    return paint


def marine_coast(f: Fields) -> Paint:
    """Pastures between hedges, some ploughed, with copses and wide rivers."""
    paint = Paint(f.patch.shape, (132, 164, 88))
    paint.over(step(f.patch, 0.0, 1.5), (116, 150, 76))
    paint.over((f.parcel < 0.35).astype(np.float32), (150, 176, 104))
    ploughed = step(f.wide, -0.2, 0.1) * (f.parcel > 0.82)
    paint.over(ploughed, (110, 84, 60))
    paint.over(f.hedge * step(f.patch, 0.8, -0.1), (76, 108, 58))
    paint.over(step(f.patch, 1.3, 0.4), (78, 110, 62))
    paint.texture(f.texture, 0.06)
    paint.over(near(f.wide, -0.5, 0.018), (168, 158, 140))
    paint.over(step(f.terrain.valley, 0.14, -0.04), (172, 160, 128))
    paint.over(step(f.terrain.valley, 0.09, -0.03), (62, 98, 116))
    return paint


def north_deserts(f: Fields) -> Paint:
    """Tan, banded rock with scattered shrubs, dark crusts and dry washes."""
    paint = Paint(f.patch.shape, (196, 164, 122))
    paint.over(step(f.patch, 0.2, 1.4), (182, 146, 106))
    strata = f.terrain.height * np.float32(7)
    strata = np.abs(strata - np.floor(strata) - np.float32(0.5)) * np.float32(2)
    paint.over(step(strata, 0.7, 0.4) * step(f.slope, 0.08, 0.05), (168, 126, 92))
    paint.over(step(f.texture, 1.2, 0.6) * step(f.patch, 0.0, 0.8), (122, 116, 82))
    paint.over(step(f.patch, 1.6, 0.3), (128, 84, 66))
    paint.over(step(f.terrain.valley, 0.1, -0.05), (218, 198, 164))
    paint.over(near(f.wide, 0.3, 0.015), (222, 200, 168))
    paint.texture(f.texture, 0.05)
    return paint


def northwest_mountains(f: Fields) -> Paint:
    """Conifers below grey rock and talus, with gravelly rivers."""
    paint = Paint(f.patch.shape, (38, 62, 48))
    paint.over(step(f.patch, 0.8, 0.8), (52, 78, 56))
    paint.texture(f.texture, 0.2)
    bare = step(f.terrain.height + np.float32(0.12) * f.patch, 1.15, 0.12)
    paint.over(bare, (116, 114, 110))
    paint.over(bare * step(f.patch, 0.6, 0.4), (146, 144, 140))
    paint.over(step(f.slope + np.float32(0.03) * f.patch, 0.27, 0.05), (128, 126, 122))
    paint.texture(f.texture, 0.05)
    paint.over(near(f.wide, 0.0, 0.012), (148, 132, 108))
    paint.over(step(f.terrain.valley, 0.06, -0.03), (158, 156, 152))
    paint.over(step(f.terrain.valley, 0.03, -0.02), (70, 96, 108))
    return paint
