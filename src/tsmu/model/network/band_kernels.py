"""Which colour a band is by its name, and how kernels for red, green and blue are spread over any bands."""

import re
from collections.abc import Sequence

import torch
from torch import Tensor

from tsmu.errors import BundleError
from tsmu.imagery import RGB, band_colour, name_words

UNNAMED = re.compile(r"band_\d+")


def band_colours(bands: Sequence[str]) -> list[tuple[str, str | None]]:
    """Tell which colour each band is by its name.

    A band with a name has the colour that the name tells, or none. Of an image (the bands of one role) with bands
    without names, three such bands and no others are taken for red, green and blue in that order. A single band
    without a name has no colour; nor has one beside bands whose names are red, green and blue.

    Args:
        bands: `ROLE:NAME` for each band, such as `post:red`; a band without a name is `ROLE:band_N`.

    Returns:
        For each band its name, and `red`, `green`, `blue`, or None for anything else.

    Raises:
        BundleError: an image has bands without names in any other case.

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
    return [f"{band} as {colour}" for band, colour in band_colours(bands) if colour and colour not in name_words(band)]


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
    # As many whole kernels are summed over the bands; the factor scales them to three, as in the pretrained network.
    whole_kernels = len(set(colours) - {None}) + colours.count(None)
    return spread * (len(RGB) / whole_kernels)


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
        return _rgb_colour(name)
    image = [other for other in bands if other.rpartition(":")[0] == role]
    names = [other.rpartition(":")[2] for other in image]
    if len(image) == len(RGB) and all(UNNAMED.fullmatch(other) for other in names):
        return RGB[image.index(band)]
    if len(image) > 1 and not {*RGB} <= {_rgb_colour(other) for other in names}:
        raise BundleError(
            f"bands {', '.join(image)}: without names nothing says which of them is red, green or blue, "
            "which pretrained weights need; name them (rio edit-info --bidx N --description red FILE) and "
            "import them again, or start from random weights: --weights none"
        )
    return None


def _rgb_colour(name: str) -> str | None:
    """Red, green or blue by a band's name, such as `red`, `b4_red` or `sr_b4`; pretrained weights know no other."""
    colour = band_colour(name)
    return colour if colour in RGB else None
