"""Which colour a band shows, by its name."""

import re
from collections.abc import Sequence

RGB = ("red", "green", "blue")
NEAR_INFRARED = "nir"
# Names that mean a colour as a whole. B02 to B04 are Sentinel-2's, B2 to B4 those of Sentinel-2 and Landsat 8 and 9.
# B8 is left out: it is near infrared of Sentinel-2, and panchromatic of Landsat.
COLOUR_CODES = {
    **dict.fromkeys(("r", "b4", "b04"), "red"),
    **dict.fromkeys(("g", "b3", "b03"), "green"),
    **dict.fromkeys(("b", "b2", "b02"), "blue"),
    **dict.fromkeys(("n", "nir08", "b08", "b8a"), NEAR_INFRARED),
}
NUMBERED = re.compile(r"b\d+")
OTHER_BAND_WORDS = {"edge", "coastal"}  # red edge and coastal blue are other bands


def band_colour(name: str) -> str | None:
    """Tell the colour of a band by its name.

    Args:
        name: of the band, in lower case.

    Returns:
        `red`, `green`, `blue` or `nir`; None for a band that is none of them, such as red edge, and for a name that
        tells nothing.

    Example:
        >>> [band_colour(name) for name in ("red", "b4_red", "sr_b3", "b08", "red_edge", "band_1")]
        ['red', 'red', 'green', 'nir', None, None]
    """
    words = name_words(name)
    colours = [colour for colour in (*RGB, NEAR_INFRARED) if colour in words]
    if colours:
        return colours[0] if len(colours) == 1 and not {*words} & OTHER_BAND_WORDS else None
    codes = words if len(words) == 1 else [word for word in words if len(word) > 1]
    return next((COLOUR_CODES[code] for code in codes if code in COLOUR_CODES), None)


def assumed_colours(names: Sequence[str]) -> list[str]:
    """Warn where band numbers are read as colours that may be wrong, because satellites number their bands differently.

    B1 to B4 are blue, green, red and near infrared of Landsat 4 to 7, and coastal blue, blue, green and red of
    Sentinel-2 and Landsat 8 and 9. Those have a band B6 as well, which files of Landsat 4 to 7 mostly leave out.

    Args:
        names: of all bands of a file, in lower case.

    Returns:
        One sentence, or none where nothing is assumed.

    Example:
        >>> assumed_colours(["sr_b1", "sr_b2", "sr_b3", "sr_b4"])[0].partition(":")[0]
        'its bands have the numbers 1 to 4 and no 6, as those of Landsat 4 to 7'
        >>> assumed_colours(["b2", "b3", "b4"])
        []
    """
    numbers = {word[1:].lstrip("0") for name in names for word in name_words(name) if NUMBERED.fullmatch(word)}
    named = any({*name_words(name)} & {*RGB, NEAR_INFRARED} for name in names)
    if named or not {"1", "2", "3", "4"} <= numbers or "6" in numbers:
        return []
    return [
        "its bands have the numbers 1 to 4 and no 6, as those of Landsat 4 to 7: 2 read as blue, 3 as green and 4 as "
        "red all the same, as of Sentinel-2 and Landsat 8 and 9; if that is wrong, name the bands by their colours"
    ]


def name_words(name: str) -> list[str]:
    """Divide a band's name into its words.

    Example:
        >>> name_words("B4 red")
        ['b4', 'red']
    """
    return re.split(r"[^a-z0-9]+", name.lower())
