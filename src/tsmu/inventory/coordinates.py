"""Read coordinates as inventories write them, and find those that are exchanged or have a wrong sign."""

import re

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.A)
DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d)", re.A)
SEXAGESIMAL = re.compile(
    r"(\d{1,3})[°d:\s]+(\d{1,2}(?:\.\d+)?)(?:['\u2032m:\s]+(\d{1,2}(?:\.\d+)?))?[\"\u2033s'\u2032m\s]*", re.A
)
HEMISPHERES = {"N": 1, "E": 1, "S": -1, "W": -1}
MIN_OTHERS = 4  # least number of points that are needed to show where exchanged points belong
NEAR_RANGE = (1.0, 5.0)  # least and largest distance (degrees) that counts as near, depending on the points' spacing
FAR_FACTOR = 3  # a point farther from all others than this many times the distance that counts as near is suspicious
DISTANCE = re.compile(r"(\d+(?:\.\d+)?)\s*(k?m)?", re.A | re.I)

# Boxes (west, south, east, north), degrees: the contiguous states, Alaska, Hawaii, Puerto Rico and the Virgin Islands.
# Territories with eastern longitudes are left out, because the boxes serve to find western longitudes without a sign.
UNITED_STATES = ((-125.5, 24, -66, 50), (-180, 51, -129, 72), (-161, 18.5, -154, 23), (-68, 17, -64, 19))


def parse_degrees(texts: pd.Series) -> Floats:
    r"""Read decimal degrees, also with a decimal comma or a hemisphere letter, and degrees, minutes, seconds.

    Args:
        texts: the coordinates as text, (N,).

    Returns:
        Degrees, (N,), float64; NaN where a text is written in none of these ways.

    Example:
        >>> parse_degrees(pd.Series(["46,5", "8.25 W", "46°30'36\"N", "north"])).tolist()
        [46.5, -8.25, 46.51, nan]
    """
    known = {text: _degrees(text) for text in texts.unique()}
    return texts.map(known).to_numpy(float)


def _degrees(text: str) -> float:
    text = text.strip().replace("\u2212", "-")
    if NUMBER.fullmatch(text):
        return float(text)
    if "." not in text and len(DECIMAL_COMMA.findall(text)) == 1:
        return _degrees(DECIMAL_COMMA.sub(".", text))
    sign = 1
    for letter, direction in HEMISPHERES.items():
        if text.startswith(letter) or text.endswith(letter):  # a small s is for seconds
            text, sign = text.strip(letter + " "), direction
            break
    if text.startswith("-") and sign == 1:
        text, sign = text[1:].strip(), -1
    text = text.rstrip("° ")
    if NUMBER.fullmatch(text) and not text.startswith(("-", "+")):
        return sign * float(text)
    if match := SEXAGESIMAL.fullmatch(text):
        degrees, minutes, seconds = (float(part or 0) for part in match.groups())
        if minutes < 60 and seconds < 60:
            return sign * (degrees + minutes / 60 + seconds / 3600)
    return float("nan")


def parse_metres(text: str) -> float:
    """Read a distance in metres; NaN for anything else.

    Example:
        >>> parse_metres("5km"), parse_metres("250 m"), parse_metres("exact"), parse_metres("far")
        (5000.0, 250.0, 0.0, nan)
    """
    text = text.strip().casefold()
    if text == "exact":
        return 0.0
    match = DISTANCE.fullmatch(text)
    if not match:
        return float("nan")
    return float(match[1]) * (1000 if (match[2] or "").casefold() == "km" else 1)


def in_united_states(lon: Floats, lat: Floats) -> Mask:
    """Tell which points (N,) lie in the boxes around the United States."""
    inside = np.zeros(len(lon), bool)
    for west, south, east, north in UNITED_STATES:
        inside |= (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    return inside


def lost_signs(lon: Floats, lat: Floats) -> Mask:
    """Tell which points (N,) lie in the United States only if their longitude gets a minus sign.

    The Aleutian islands lie on both sides of the date line, so an eastern longitude may be right there.
    """
    return (lon > 0) & (lon < 172) & in_united_states(-lon, lat)


def swapped(lon: Floats, lat: Floats) -> Mask:
    """Tell for which points (N,) latitude and longitude make sense only the other way round."""
    return (np.abs(lat) > 90) & (np.abs(lat) <= 180) & (np.abs(lon) <= 90)


def swapped_in_united_states(lon: Floats, lat: Floats) -> Mask:
    """Tell which points (N,) lie in the United States only when latitude and longitude are exchanged."""
    as_it_is = in_united_states(lon, lat) | lost_signs(lon, lat)
    return ~as_it_is & (in_united_states(lat, lon) | lost_signs(lat, lon))


def swapped_among_others(lon: Floats, lat: Floats) -> Mask:
    """Tell which points (N,) are near the others only when their longitude and latitude are exchanged.

    Such a point lies outside the box around the other points; with its coordinates exchanged, it is about as near to
    one of them as they are to each other. No point is reported where the other points are fewer than `MIN_OTHERS`, or
    fewer than two thirds of all.

    Args:
        lon: longitudes, degrees; NaN where unknown.
        lat: latitudes, degrees; NaN where unknown.

    Returns:
        (N,), bool.

    Example:
        >>> lon, lat = np.array([8.0, 8.1, 8.2, 8.3, 8.4, 46.5]), np.array([46.0, 46.1, 46.2, 46.3, 46.4, 8.5])
        >>> swapped_among_others(lon, lat).tolist()
        [False, False, False, False, False, True]
    """
    from scipy.spatial import cKDTree

    none = np.zeros(len(lon), bool)
    known = np.isfinite(lon) & np.isfinite(lat) & (np.abs(lat) <= 180) & (np.abs(lon) <= 180)
    points = np.column_stack([lon, lat])
    if known.sum() <= MIN_OTHERS:
        return none
    centre = np.median(points[known], axis=0)
    exchanged = points[:, ::-1]
    doubtful = known & (np.abs(exchanged - centre).max(axis=1) < np.abs(points - centre).max(axis=1))
    doubtful |= known & swapped(lon, lat)
    doubtful &= np.abs(lon) <= 90
    others = known & ~doubtful & (np.abs(lat) <= 90)
    if others.sum() < max(MIN_OTHERS, 2 * doubtful.sum()) or not doubtful.any():
        return none
    tree = cKDTree(points[others])
    spacing = np.percentile(tree.query(points[others], k=2)[0][:, 1], 90)
    near = float(np.clip(2 * spacing, *NEAR_RANGE))
    low, high = points[others].min(axis=0) - near, points[others].max(axis=0) + near
    outside = doubtful & ((points < low) | (points > high)).any(axis=1)
    result = none.copy()
    if outside.any():
        close = tree.query(exchanged[outside])[0] <= near
        result[outside] = close & (tree.query(points[outside])[0] > FAR_FACTOR * near)
    return result


def unusual_signs(lon: Floats, lat: Floats) -> Mask:
    """Tell which points (N,) are near nearly all others only when their longitude changes sign."""
    west = lon < 0
    if len(lon) < 20 or 0.05 < west.mean() < 0.95:
        return np.zeros(len(lon), bool)
    usual = west if west.mean() > 0.5 else ~west
    margin = 1.0  # degrees
    box = [np.min(lon[usual]), np.min(lat[usual]), np.max(lon[usual]), np.max(lat[usual])]
    close = (-lon >= box[0] - margin) & (-lon <= box[2] + margin) & (lat >= box[1] - margin) & (lat <= box[3] + margin)
    return ~usual & close
