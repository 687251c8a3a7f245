"""How much each pixel changed between two images: indices in which landslides rise.

Optical images, with R, G, B and NIR of smoothed pixel values before (0) and after (1) the event:

    ratio       ln(R1 / G1) - ln(R0 / G0): soil is redder than what grew on it
    brightness  (R1 + G1 + B1) / 3 - k (R0 + G0 + B0) / 3, where k makes the scene's medians equal
    greenness   NDVI0 - NDVI1, with NDVI = (NIR - R) / (NIR + R)

Radar backscatter, in decibels: the change of vv and of vh, which a landslide may raise or lower.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tsmu.imagery import NEAR_INFRARED
from tsmu.mapping.arrays import Values
from tsmu.mapping.change.pair_bands import PairBands

# Standard deviation of the smoothing, pixels. Images of a pair are seldom registered to less than a pixel: on
# `iburi_pair` the best IoU of its western half was 0.51 without, 0.53 with 1, 0.51 with 1.5 and 0.50 with 2 pixels.
OPTICAL_SMOOTHING = 1.0
RADAR_SMOOTHING = 2.0  # speckle; not tuned, for want of labelled radar pairs
# Ratio of the rise of blue to the rise of red above which ground that became brighter is taken for a cloud, haze or
# snow: of landslides on `iburi_pair` 98 % have 0.25 to 0.56, and clouds, which are white, have about 1.
WHITENING = 0.75
# Ground whose near infrared before the event was below this share of the scene's median was water or deep shadow.
DARK_BEFORE = 0.3
SMALLEST = 1e-6  # smaller pixel values are raised to this, so that logarithms and quotients are finite

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]


class Levels(NamedTuple):
    """Values of the scene that the indices of a single pixel depend on.

    Attributes:
        gain: by which the image before is multiplied so that its median brightness is that of the image after.
        near_infrared: its median before; 0 where there is none.
        decibels: whether radar is given in decibels already.
    """

    gain: float = 1.0
    near_infrared: float = 0.0
    decibels: bool = False


class Change(NamedTuple):
    """The changes of some tiles.

    Attributes:
        indices: by name, each (N, H, W), NaN where there is no data.
        no_redder: pixels whose blue rose nearly as much as red: where the ground became much brighter, it is a cloud,
            haze or snow; (N, H, W).
        was_dark: pixels that were water or shadow before, (N, H, W).
    """

    indices: dict[str, Floats]
    no_redder: Bools
    was_dark: Bools


def smooth_tiles(tiles: Values, bands: PairBands) -> tuple[Values, Values]:
    """Smooth the images of tiles; pixels without data take no part.

    Args:
        tiles: raw values (N, C, H, W) in the order of the pair's bands, NaN = no data.
        bands: the pair's bands.

    Returns:
        The images before and after, (N, channels, H, W) each, NaN where there is no data.
    """
    count = len(bands.channels)
    sigma = RADAR_SMOOTHING if bands.is_radar else OPTICAL_SMOOTHING
    images = tiles[:, : 2 * count]
    known = np.isfinite(images).all(axis=1, keepdims=True)
    axes = (0, 0, sigma, sigma)
    if known.all():
        smoothed = ndimage.gaussian_filter(images, axes, mode="nearest")
    else:
        total = ndimage.gaussian_filter(np.where(known, images, np.float32(0)), axes, mode="nearest")
        share = ndimage.gaussian_filter(known.astype(np.float32), axes, mode="nearest")
        smoothed = np.where(known, total / np.maximum(share, SMALLEST), np.float32(np.nan))
    return smoothed[:, :count], smoothed[:, count:]


def compute_change(before: Values, after: Values, bands: PairBands, levels: Levels) -> Change:
    """Compute the indices of smoothed images.

    Args:
        before: (N, channels, H, W), NaN = no data.
        after: likewise.
        bands: the pair's bands.
        levels: of the scene.
    """
    nowhere = np.zeros(before[:, 0].shape, bool)
    if bands.is_radar:
        return Change(_radar_change(before, after, bands, levels), nowhere, nowhere)

    def channels(name: str) -> tuple[Values, Values]:
        position = bands.index(name)
        return np.maximum(before[:, position], SMALLEST), np.maximum(after[:, position], SMALLEST)

    (red0, red1), (green0, green1), (blue0, blue1) = (channels(name) for name in ("red", "green", "blue"))
    gain = np.float32(levels.gain)
    indices = {
        "ratio": np.log(red1 / green1) - np.log(red0 / green0),
        "brightness": (red1 + green1 + blue1 - gain * (red0 + green0 + blue0)) / 3,
    }
    red_rise = red1 - gain * red0
    no_redder = blue1 - gain * blue0 > WHITENING * red_rise
    if NEAR_INFRARED not in bands.channels:
        return Change(indices, no_redder, nowhere)
    infrared0, infrared1 = channels(NEAR_INFRARED)
    indices["greenness"] = _ndvi(infrared0, red0) - _ndvi(infrared1, red1)
    return Change(indices, no_redder, infrared0 < DARK_BEFORE * levels.near_infrared)


def _ndvi(infrared: Values, red: Values) -> Values:
    return (infrared - red) / (infrared + red)


def _radar_change(before: Values, after: Values, bands: PairBands, levels: Levels) -> dict[str, Floats]:
    """The change of backscatter, decibels."""
    if not levels.decibels:
        before, after = (10 * np.log10(np.maximum(image, SMALLEST)) for image in (before, after))
    return {name: after[:, i] - before[:, i] for i, name in enumerate(bands.channels)}
