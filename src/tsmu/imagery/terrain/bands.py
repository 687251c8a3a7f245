"""The names of terrain bands, and the terrain bands in a model's band list.

A model's band list names them after the image's bands and with a role, such as `terrain:slope`:

    slope          degrees, 0 to 90
    height_500m    metres above the mean of the ground within 500 m; any whole number of metres

Both are the same from whichever side one looks. That is why hillshade is not among them: training turns and
mirrors chips, and a turned hillshade is one under a sun from another side, which no map shows. Averaged over all
sides of the sun it is a function of the slope alone.
"""

import re
from collections.abc import Sequence

from tsmu.errors import ImageError

TERRAIN_ROLE = "terrain"
SLOPE_BAND = "slope"
DEFAULT_TERRAIN_BANDS = (SLOPE_BAND,)
_HEIGHT_BAND = re.compile(r"height_([1-9]\d{0,4})m")


def parse_terrain_bands(text: str) -> tuple[str, ...]:
    """Parse a list of terrain bands.

    Raises:
        ImageError: one of them is unknown or named twice.

    Example:
        >>> parse_terrain_bands("slope, height_500m")
        ('slope', 'height_500m')
    """
    names = tuple(name.strip().lower() for name in text.split(","))
    for name in names:
        if name == "hillshade":
            raise ImageError(
                "terrain band hillshade: is not offered, because training turns chips and the sun with them; take slope"
            )
        if name != SLOPE_BAND and not _HEIGHT_BAND.fullmatch(name):
            raise ImageError(f"terrain band {name!r}: must be {SLOPE_BAND} or height_METRESm, such as height_500m")
    if len(set(names)) < len(names):
        raise ImageError(f"terrain bands {text}: one is named twice; name each once")
    return names


def terrain_bands(bands: Sequence[str]) -> tuple[str, ...]:
    """List the terrain bands in a band list, without their role.

    Example:
        >>> terrain_bands(["post:red", "post:green", "terrain:slope"])
        ('slope',)
    """
    return tuple(band.removeprefix(f"{TERRAIN_ROLE}:") for band in bands if band.startswith(f"{TERRAIN_ROLE}:"))


def image_channels(bands: Sequence[str]) -> list[int]:
    """List the positions in a band list of the bands of images, whose values are brightnesses.

    Example:
        >>> image_channels(["post:red", "post:green", "terrain:slope"])
        [0, 1]
    """
    return [position for position, band in enumerate(bands) if not band.startswith(f"{TERRAIN_ROLE}:")]


def band_radius(band: str) -> float:
    """The radius in metres of the ground around a cell that a band is computed from; 0 for the slope."""
    match = _HEIGHT_BAND.fullmatch(band)
    return float(match[1]) if match else 0.0
