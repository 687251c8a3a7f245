"""Coordinates as inventories write them, and what is wrong with them."""

import re

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.spatial import cKDTree

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.A)
DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d)", re.A)
SEXAGESIMAL = re.compile(
    r"(\d{1,3})[°d:\s]+(\d{1,2}(?:\.\d+)?)(?:['\u2032m:\s]+(\d{1,2}(?:\.\d+)?))?[\"\u2033s'\u2032m\s]*", re.A
)
HEMISPHERES = {"N": 1, "E": 1, "S": -1, "W": -1}
FEWEST_OTHERS = 4  # points that show where exchanged ones belong
NEAR = (1.0, 5.0)  # degrees within which a point joins others, by how far these lie apart
FAR = 3  # times this distance, from which a point does not belong to them as it is
DISTANCE = re.compile(r"(\d+(?:\.\d+)?)\s*(k?m)?", re.A | re.I)

# West, south, east, north: the contiguous states, Alaska, Hawaii, Puerto Rico and the Virgin Islands.
# Territories east of the date line are not here, because a missing sign is what the boxes are for.
UNITED_STATES = ((-125.5, 24, -66, 50), (-180, 51, -129, 72), (-161, 18.5, -154, 23), (-68, 17, -64, 19))


def parse_degrees(texts: pd.Series) -> Floats:
    """Read decimal degrees, with decimal comma or hemisphere letter too, and degrees, minutes, seconds.

    NaN where a text is none of these.
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
    """Read a distance such as `5km`, `250 m` or `exact` (0); NaN for anything else."""
    text = text.strip().casefold()
    if text == "exact":
        return 0.0
    match = DISTANCE.fullmatch(text)
    if not match:
        return float("nan")
    return float(match[1]) * (1000 if (match[2] or "").casefold() == "km" else 1)


def in_united_states(lon: Floats, lat: Floats) -> Mask:
    """Whether points (N,) lie in the boxes round the United States."""
    inside = np.zeros(len(lon), bool)
    for west, south, east, north in UNITED_STATES:
        inside |= (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    return inside


def lost_signs(lon: Floats, lat: Floats) -> Mask:
    """Whether a point (N,) lies in the United States only when its longitude is taken as west.

    The Aleutian islands lie on both sides of the date line, so an eastern longitude may be right there.
    """
    return (lon > 0) & (lon < 172) & in_united_states(-lon, lat)


def swapped(lon: Floats, lat: Floats) -> Mask:
    """Whether latitude and longitude of a point (N,) make sense only the other way round."""
    return (np.abs(lat) > 90) & (np.abs(lat) <= 180) & (np.abs(lon) <= 90)


def swapped_in_united_states(lon: Floats, lat: Floats) -> Mask:
    """Whether a point (N,) lies in the United States only when latitude and longitude are exchanged."""
    as_it_is = in_united_states(lon, lat) | lost_signs(lon, lat)
    return ~as_it_is & (in_united_states(lat, lon) | lost_signs(lat, lon))


def swapped_among_others(lon: Floats, lat: Floats) -> Mask:
    """Whether a point (N,) joins the others only when its longitude and latitude are exchanged.

    Such a point lies outside the box of the others, and exchanged it is about as near to one of them as
    they are to each other. Nothing is said where the others are few, or fewer than two of three points.
    """
    none = np.zeros(len(lon), bool)
    good = np.isfinite(lon) & np.isfinite(lat) & (np.abs(lat) <= 180) & (np.abs(lon) <= 180)
    here = np.column_stack([lon, lat])
    if good.sum() <= FEWEST_OTHERS:
        return none
    centre = np.median(here[good], axis=0)
    turned = here[:, ::-1]
    doubtful = good & (np.abs(turned - centre).max(axis=1) < np.abs(here - centre).max(axis=1))
    doubtful |= good & swapped(lon, lat)
    doubtful &= np.abs(lon) <= 90
    others = good & ~doubtful & (np.abs(lat) <= 90)
    if others.sum() < max(FEWEST_OTHERS, 2 * doubtful.sum()) or not doubtful.any():
        return none
    tree = cKDTree(here[others])
    spacing = np.percentile(tree.query(here[others], k=2)[0][:, 1], 90)
    near = float(np.clip(2 * spacing, *NEAR))
    low, high = here[others].min(axis=0) - near, here[others].max(axis=0) + near
    outside = doubtful & ((here < low) | (here > high)).any(axis=1)
    result = none.copy()
    if outside.any():
        joins = tree.query(turned[outside])[0] <= near
        result[outside] = joins & (tree.query(here[outside])[0] > FAR * near)
    return result


def unusual_signs(lon: Floats, lat: Floats) -> Mask:
    """Whether a point (N,) joins nearly all others only when its longitude changes sign."""
    west = lon < 0
    if len(lon) < 20 or 0.05 < west.mean() < 0.95:
        return np.zeros(len(lon), bool)
    usual = west if west.mean() > 0.5 else ~west
    margin = 1.0
    box = [np.min(lon[usual]), np.min(lat[usual]), np.max(lon[usual]), np.max(lat[usual])]
    joins = (-lon >= box[0] - margin) & (-lon <= box[2] + margin) & (lat >= box[1] - margin) & (lat <= box[3] + margin)
    return ~usual & joins
