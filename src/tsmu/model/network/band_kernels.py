"""Which colour a band is by its name, and how kernels for red, green and blue are spread over any bands."""

import re
from collections.abc import Sequence

import torch
from torch import Tensor

from tsmu.errors import BundleError

COLOURS = ("red", "green", "blue")  # the order of the bands in pretrained weights
# Names that mean a colour as a whole. B02 to B04 are Sentinel-2's, B2 to B4 those of Sentinel-2 and Landsat 8 and 9.
COLOUR_CODES = {
    **dict.fromkeys(("r", "b4", "b04"), "red"),
    **dict.fromkeys(("g", "b3", "b03"), "green"),
    **dict.fromkeys(("b", "b2", "b02"), "blue"),
}
OTHER_COLOURS = {"edge", "coastal"}  # red edge and coastal blue are other bands
UNNAMED = re.compile(r"band_\d+")


def band_colours(bands: Sequence[str]) -> list[tuple[str, str | None]]:
    """Say which colour each band is: (band, `red`, `green`, `blue` or None for any other).

    An image's only band is no colour, and neither is a band without a name beside red, green and blue; three
    bands without names are taken as red, green, blue.

    Raises:
        BundleError: an image has other bands without names.
    """
    found = []
    for band in bands:
        role, _, name = band.rpartition(":")
        colour = _colour_of(name)
        if UNNAMED.fullmatch(name):
            mates = [other for other in bands if other.rpartition(":")[0] == role]
            names = [other.rpartition(":")[2] for other in mates]
            if len(mates) == len(COLOURS) and all(UNNAMED.fullmatch(other) for other in names):
                colour = COLOURS[mates.index(band)]
            elif len(mates) > 1 and not {*COLOURS} <= {_colour_of(other) for other in names}:
                raise BundleError(
                    f"bands {', '.join(mates)}: without names nothing tells which of them is red, green or blue, "
                    "which pretrained weights need; name them (rio edit-info --bidx N --description red FILE) and "
                    "import them again, or start from random weights: --weights none"
                )
        found.append((band, colour))
    return found


def guessed_colours(bands: Sequence[str]) -> list[str]:
    """Say which bands were taken for a colour that their name does not spell, such as `post:band_1 as red`."""
    return [f"{band} as {colour}" for band, colour in band_colours(bands) if colour and colour not in _words(band)]


def kernels_for(kernels: Tensor, bands: Sequence[str]) -> Tensor:
    """Spread the kernels of red, green and blue (out, 3, h, w) over a band list: (out, bands, h, w).

    See `load_weights`.
    """
    colours = [colour for _, colour in band_colours(bands)]
    spread = torch.empty(len(kernels), len(bands), *kernels.shape[2:], dtype=kernels.dtype)
    for position, colour in enumerate(colours):
        if colour is None:
            spread[:, position] = kernels.mean(dim=1)
        else:
            spread[:, position] = kernels[:, COLOURS.index(colour)] / colours.count(colour)
    inputs = len(set(colours) - {None}) + colours.count(None)  # so many kernels would be summed instead of three
    return spread * (len(COLOURS) / inputs)


def are_the_colours(bands: Sequence[str]) -> bool:
    """Whether bands are red, green and blue, in any order."""
    return sorted(str(colour) for _, colour in band_colours(bands)) == sorted(COLOURS)


def _colour_of(name: str) -> str | None:
    """The colour that a band's name tells, such as red of `red`, `b4_red` or `sr_b4`; none of `red_edge`."""
    words = _words(name)
    named = [colour for colour in COLOURS if colour in words]
    if named:
        return named[0] if len(named) == 1 and not {*words} & OTHER_COLOURS else None
    codes = words if len(words) == 1 else [word for word in words if len(word) > 1]
    return next((COLOUR_CODES[code] for code in codes if code in COLOUR_CODES), None)


def _words(name: str) -> list[str]:
    return re.split(r"[^a-z0-9]+", name.lower())
