"""What change is usual in a scene: medians and spreads over a sample of it, mostly unchanged ground.

Landslides and clouds are the smaller part of a scene, and medians do not mind them. A change is then counted from the
scene's median in robust standard deviations (1.4826 times the median absolute deviation), so that what changed
everywhere, such as season, sun and haze, cancels, and a noisy pair needs a larger change.
"""

import math
from dataclasses import asdict, dataclass, replace

import numpy as np
import numpy.typing as npt

from tsmu.errors import MapError
from tsmu.imagery import NEAR_INFRARED
from tsmu.mapping.change.change_indices import Change, Levels, compute_change, smooth_tiles
from tsmu.mapping.change.pair_bands import PairBands
from tsmu.mapping.scene.raster import Scene

WINDOWS, SIDE = 16, 64  # windows along each axis of the scene that are sampled at most, and their side in px
STEP = 2  # px between the pixels of a window that are used
LEAST_PIXELS = 400  # of the sample
# Robust standard deviations of brightness by which a pixel must have become brighter to count as having become white;
# smaller rises occur everywhere in a scene.
WHITE_FROM = 3.0
TO_DEVIATION = 1.4826  # from the median absolute deviation to the standard deviation of a normal distribution

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class SceneStatistics:
    """What is usual in a scene.

    Attributes:
        levels: values that the indices of a pixel depend on.
        median: by index.
        deviation: by index, robust.
        whitened_share: of the sample's pixels: became white, as clouds, haze and snow do.
        dark_share: of the sample's pixels: was water or shadow before.
    """

    levels: Levels
    median: dict[str, float]
    deviation: dict[str, float]
    whitened_share: float = 0.0
    dark_share: float = 0.0

    def deviations(self, index: str, values: Floats) -> Floats:
        """Give changes in robust standard deviations from the scene's median."""
        return (values - np.float32(self.median[index])) / np.float32(self.deviation[index])

    def whitened(self, change: Change) -> Bools:
        """Tell which pixels became white, as clouds, haze and snow do."""
        if "brightness" not in change.indices:
            return change.no_redder
        return change.no_redder & (self.deviations("brightness", change.indices["brightness"]) > WHITE_FROM)

    @property
    def identity(self) -> dict[str, object]:
        """What distinguishes it from those of other scenes."""
        return asdict(self)


def measure_scene(scene: Scene, bands: PairBands) -> SceneStatistics:
    """Measure what change is usual in a scene, on windows spread over it.

    Args:
        scene: open, with the pair's bands.
        bands: the pair's bands.

    Raises:
        MapError: the two images have too little in common, or one of them has the same value everywhere.
        ImageError: the scene is damaged.
    """
    before, after = _sample(scene, bands)
    if before.shape[-1] < LEAST_PIXELS:
        raise MapError(
            f"{scene.name}: only {before.shape[-1]} pixels of a sample have data before and after; change needs images "
            "that overlap and are not all cloud"
        )
    levels = _levels(scene.name, before, after, bands)
    change = compute_change(before, after, bands, levels)
    median = {name: float(np.median(values)) for name, values in change.indices.items()}
    deviation = {
        name: TO_DEVIATION * float(np.median(np.abs(values - median[name]))) for name, values in change.indices.items()
    }
    if flat := [name for name, value in deviation.items() if not value > 0]:
        raise MapError(
            f"{scene.name}: more than half of its pixels have the very same change of {flat[0]}; are both images the "
            "same, or one of them empty? give one from before and one from after the event"
        )
    usual = SceneStatistics(levels, median, deviation)
    return replace(
        usual, whitened_share=float(np.mean(usual.whitened(change))), dark_share=float(np.mean(change.was_dark))
    )


def _sample(scene: Scene, bands: PairBands) -> tuple[Floats, Floats]:
    """Smoothed values of a sample's pixels before and after: (1, channels, 1, pixels) each."""
    parts: tuple[list[Floats], list[Floats]] = [], []
    windows = min(WINDOWS, math.ceil(max(scene.height, scene.width) / SIDE))
    for window in scene.samples(windows, SIDE):
        for image, part in zip(smooth_tiles(window[None], bands), parts, strict=True):
            part.append(image[0, :, ::STEP, ::STEP].reshape(len(bands.channels), -1))
    before, after = (np.concatenate(part, axis=1) for part in parts)
    known = np.isfinite(before).all(axis=0) & np.isfinite(after).all(axis=0)
    return before[None, :, None, known], after[None, :, None, known]


def _levels(name: str, before: Floats, after: Floats, bands: PairBands) -> Levels:
    """The values of the scene that the indices of a pixel depend on."""
    if bands.is_radar:
        return Levels(decibels=bool(min(np.median(before), np.median(after)) < 0))  # power is never negative
    brightness = [float(np.median(image[:, :3].mean(axis=1))) for image in (before, after)]
    if min(brightness) <= 0:
        raise MapError(
            f"{name}: half of the pixels of it or of its pre image are 0 or less, and change needs values above; scale "
            "them, or declare what means no data"
        )
    infrared = float(np.median(before[:, bands.index(NEAR_INFRARED)])) if NEAR_INFRARED in bands.channels else 0.0
    return Levels(brightness[1] / brightness[0], infrared)
