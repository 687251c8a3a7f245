"""Which colour a band shows, by its name."""

import re

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


def name_words(name: str) -> list[str]:
    """Divide a band's name into its words.

    Example:
        >>> name_words("B4 red")
        ['b4', 'red']
    """
    return re.split(r"[^a-z0-9]+", name.lower())
