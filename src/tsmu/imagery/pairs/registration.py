"""Estimate the residual shift between two images of one place, by phase correlation."""

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

MAX_SHIFT = 0.15  # largest shift looked for, as a share of the image's side
BLUR = 1.0  # px; the peak becomes a Gaussian of this width, whose logarithm is a parabola
MIN_PEAK = 10.0  # standard deviations of the correlation; unrelated images reach 6 to 9
MIN_SIDE = 16  # px; below, there is nothing to correlate

PARTS_PER_SIDE, MIN_PART_SIDE = 3, 64  # parts along each side that must show a shift by themselves; px of a part's side
MIN_PARTS = 0.6  # share of the parts that must show any shift; of unlike or blurred images fewer do
MIN_AGREEING = 0.75  # share of those whose shift must lie within `AGREEMENT` of the whole images'
AGREEMENT = 0.75  # px; on slopes a shift differs from part to part by as much
MIN_STANDARD_ERRORS = 3.0  # a shift must be larger than so many of its standard errors to count

Grey = npt.NDArray[np.float32]


class ImageShift(NamedTuple):
    """How far the content of the second image lies from that of the first.

    Attributes:
        x: px to the right.
        y: px down.
        peak: height of the correlation's peak in standard deviations.
    """

    x: float
    y: float
    peak: float


def estimate_shift(
    first: npt.NDArray[Any],
    second: npt.NDArray[Any],
    valid: npt.NDArray[np.bool_] | None = None,
) -> ImageShift | None:
    """Estimate the shift of `second` against `first` to a fraction of a pixel.

    Phase correlation (Kuglin & Hines 1975) of the gradients' strength, so that a change of light
    or season counts little, with a parabola through the logarithm of the peak.

    Args:
        first: (C, H, W), all bands together.
        second: (C, H, W), the same height and width.
        valid: (H, W), where both images have values.

    Returns:
        The shift; None where the images are too small, empty, or too different for an estimate.

    Example:
        >>> first = np.random.default_rng(0).normal(size=(1, 100, 150))
        >>> shift = estimate_shift(first, np.roll(first, 3, axis=2))
        >>> round(shift.x), round(shift.y)
        (3, 0)
    """
    from scipy import fft, ndimage  # takes longer to import than a table of pairs to read

    shape = first.shape[-2:]
    if min(shape) < MIN_SIDE:
        return None
    inside = np.ones(shape, bool) if valid is None else valid
    inside = ndimage.binary_erosion(inside, iterations=2, border_value=1)  # no edge where an image ends
    window = np.outer(np.hanning(shape[0]), np.hanning(shape[1])).astype(np.float32)
    spectra = [fft.rfft2(_gradient_strength(image, inside) * window) for image in (first, second)]
    cross = spectra[1] * np.conj(spectra[0])
    strength = np.abs(cross)
    if not strength.max() > 0:
        return None
    rows, columns = fft.fftfreq(shape[0])[:, None], fft.rfftfreq(shape[1])[None]
    smooth = np.exp(-2 * (np.pi * BLUR) ** 2 * (rows**2 + columns**2))
    surface = fft.irfft2(smooth * cross / np.maximum(strength, 1e-12 * strength.max()), s=shape)
    return _find_peak(surface)


def is_reliable(
    shift: ImageShift,
    first: npt.NDArray[Any],
    second: npt.NDArray[Any],
    valid: npt.NDArray[np.bool_] | None = None,
) -> bool:
    """Whether the parts of two images show the shift of the whole images, too, and it is larger than its error.

    A blurred image has a broad peak whose place is a matter of chance. Its parts then show no shift, or each
    another one. Measured on eight windows of 512 px of two Sentinel-2 images, against themselves blurred by up to
    6 px and with noise: none of 112 was reliable. Moved by 0.8 px and more, and blurred by up to 2 px on top: all 56
    were.

    Args:
        shift: as `estimate_shift` gives it.
        first: the image that it was estimated on (C, H, W).
        second: the other one, the same height and width.
        valid: (H, W), where both have values.
    """
    height, width = first.shape[-2:]
    parts = PARTS_PER_SIDE if min(height, width) >= PARTS_PER_SIDE * MIN_PART_SIDE else PARTS_PER_SIDE - 1
    shifts = []
    for top, bottom in pairwise(np.linspace(0, height, parts + 1).astype(int)):
        for left, right in pairwise(np.linspace(0, width, parts + 1).astype(int)):
            part = np.s_[..., top:bottom, left:right]
            inside = None if valid is None else valid[part]
            if (own := estimate_shift(first[part], second[part], inside)) is not None:
                shifts.append((own.x, own.y))
    if len(shifts) < MIN_PARTS * parts**2:
        return False
    deviations = np.array(shifts) - (shift.x, shift.y)
    agrees = np.hypot(*deviations.T) <= AGREEMENT
    if agrees.mean() < MIN_AGREEING:
        return False
    error = np.hypot(*deviations[agrees].std(axis=0)) / np.sqrt(agrees.sum())  # of the mean over the parts
    bias = np.hypot(*np.median(deviations[agrees], axis=0))  # of the whole images' shift against the parts'
    return bool(np.hypot(shift.x, shift.y) > MIN_STANDARD_ERRORS * np.hypot(error, bias))


def _gradient_strength(image: npt.NDArray[Any], inside: npt.NDArray[np.bool_]) -> Grey:
    """Strength of the gradient of an image's brightness (H, W), its mean taken away; 0 outside and at its edges."""
    from scipy import ndimage

    grey = np.where(inside, np.nan_to_num(image.astype(np.float32)).mean(axis=0), 0)
    strength = np.hypot(ndimage.sobel(grey, axis=0), ndimage.sobel(grey, axis=1))
    strength = np.where(ndimage.binary_erosion(inside, border_value=1), strength, np.nan)
    if not np.isfinite(strength).any():
        return np.zeros(grey.shape, np.float32)
    strength = np.nan_to_num(strength - np.nanmean(strength))
    return np.asarray(strength, np.float32)


def _find_peak(surface: npt.NDArray[np.float64]) -> ImageShift | None:
    """The shift at the highest place of a correlation surface (H, W); None where it does not stand out."""
    height, width = surface.shape
    reach_y, reach_x = max(2, int(MAX_SHIFT * height)), max(2, int(MAX_SHIFT * width))
    near = np.roll(surface, (reach_y, reach_x), axis=(0, 1))[: 2 * reach_y + 1, : 2 * reach_x + 1]
    y, x = (int(i) for i in np.unravel_index(near.argmax(), near.shape))
    peak = float((near[y, x] - surface.mean()) / surface.std())
    on_border = y in (0, 2 * reach_y) or x in (0, 2 * reach_x)
    if on_border or peak < MIN_PEAK:
        return None
    shift_x = x - reach_x + _vertex_offset(near[y, x - 1 : x + 2])
    return ImageShift(shift_x, y - reach_y + _vertex_offset(near[y - 1 : y + 2, x]), peak)


def _vertex_offset(three: npt.NDArray[np.float64]) -> float:
    """Offset of the top of a parabola through the logarithms of three values around a maximum."""
    left, middle, right = np.log(np.maximum(three, 1e-3 * three[1]))
    return float(0.5 * (left - right) / (left - 2 * middle + right))
