"""Coordinates as inventories write them, and what is wrong with them."""

import re

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.A)
DECIMAL_COMMA = re.compile(r"[+-]?\d{1,3},\d+", re.A)
SEXAGESIMAL = re.compile(
    r"(\d{1,3})[°d:\s]+(\d{1,2}(?:\.\d+)?)(?:['\u2032m:\s]+(\d{1,2}(?:\.\d+)?))?[\"\u2033s'\u2032m\s]*", re.A
)
HEMISPHERES = {"N": 1, "E": 1, "S": -1, "W": -1}
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
    if DECIMAL_COMMA.fullmatch(text):
        return float(text.replace(",", "."))
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
