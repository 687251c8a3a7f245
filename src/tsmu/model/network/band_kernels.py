"""Which colour a band is by its name, and how kernels for red, green and blue are spread over any bands."""

import re
from collections.abc import Sequence

import torch
from torch import Tensor

from tsmu.errors import BundleError

RGB = ("red", "green", "blue")  # the order of the bands in pretrained weights
# Names that mean a colour as a whole. B02 to B04 are Sentinel-2's, B2 to B4 those of Sentinel-2 and Landsat 8 and 9.
COLOUR_CODES = {
    **dict.fromkeys(("r", "b4", "b04"), "red"),
    **dict.fromkeys(("g", "b3", "b03"), "green"),
    **dict.fromkeys(("b", "b2", "b02"), "blue"),
}
OTHER_BAND_WORDS = {"edge", "coastal"}  # red edge and coastal blue are other bands
UNNAMED = re.compile(r"band_\d+")


def band_colours(bands: Sequence[str]) -> list[tuple[str, str | None]]:
    """Tell which colour each band is by its name.

    An image's only band is no colour, and neither is a band without a name beside red, green and blue. Three
    bands without names are taken for red, green and blue in that order.

    Args:
        bands: `ROLE:NAME` for each band, such as `post:red`; a band without a name is `ROLE:band_N`.

    Returns:
        For each band its name, and `red`, `green`, `blue`, or None for anything else.

    Raises:
        BundleError: an image has another number of bands without names.

    Example:
        >>> band_colours(["post:b04", "post:nir"])
        [('post:b04', 'red'), ('post:nir', None)]
    """
    return [(band, _colour_of_band(band, bands)) for band in bands]


def guessed_colours(bands: Sequence[str]) -> list[str]:
    """List the bands that were taken for a colour that their name does not spell, for people.

    Example:
        >>> guessed_colours(["post:band_1", "post:band_2", "post:band_3"])
        ['post:band_1 as red', 'post:band_2 as green', 'post:band_3 as blue']
    """
    return [f"{band} as {colour}" for band, colour in band_colours(bands) if colour and colour not in _words(band)]


def spread_kernels(kernels: Tensor, bands: Sequence[str]) -> Tensor:
    """Spread the kernels of red, green and blue (out, 3, h, w) over a band list: (out, bands, h, w).

    `load_weights` describes the rule.
    """
    colours = [colour for _, colour in band_colours(bands)]
    spread = torch.empty(len(kernels), len(bands), *kernels.shape[2:], dtype=kernels.dtype)
    for position, colour in enumerate(colours):
        if colour is None:
            spread[:, position] = kernels.mean(dim=1)
        else:
            spread[:, position] = kernels[:, RGB.index(colour)] / colours.count(colour)
    inputs = len(set(colours) - {None}) + colours.count(None)  # so many kernels would be summed instead of three
    return spread * (len(RGB) / inputs)


def is_rgb(bands: Sequence[str]) -> bool:
    """Whether bands are red, green and blue, in any order.

    Example:
        >>> is_rgb(["post:blue", "post:green", "post:red"]), is_rgb(["post:nir", "post:red", "post:green"])
        (True, False)
    """
    return sorted(str(colour) for _, colour in band_colours(bands)) == sorted(RGB)


def _colour_of_band(band: str, bands: Sequence[str]) -> str | None:
    """The colour of one band of a band list; `band_colours` describes the rule."""
    role, _, name = band.rpartition(":")
    if not UNNAMED.fullmatch(name):
        return _colour_of_name(name)
    image = [other for other in bands if other.rpartition(":")[0] == role]
    names = [other.rpartition(":")[2] for other in image]
    if len(image) == len(RGB) and all(UNNAMED.fullmatch(other) for other in names):
        return RGB[image.index(band)]
    if len(image) > 1 and not {*RGB} <= {_colour_of_name(other) for other in names}:
        raise BundleError(
            f"bands {', '.join(image)}: without names nothing says which of them is red, green or blue, "
            "which pretrained weights need; name them (rio edit-info --bidx N --description red FILE) and "
            "import them again, or start from random weights: --weights none"
        )
    return None


def _colour_of_name(name: str) -> str | None:
    """The colour that a band's name tells, such as red of `red`, `b4_red` or `sr_b4`; none of `red_edge`."""
    words = _words(name)
    colours = [colour for colour in RGB if colour in words]
    if colours:
        return colours[0] if len(colours) == 1 and not {*words} & OTHER_BAND_WORDS else None
    codes = words if len(words) == 1 else [word for word in words if len(word) > 1]
    return next((COLOUR_CODES[code] for code in codes if code in COLOUR_CODES), None)


def _words(name: str) -> list[str]:
    return re.split(r"[^a-z0-9]+", name.lower())
