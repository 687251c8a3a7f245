"""Augmentation on the fly: image and mask together, any number of bands."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor
from torch.nn.functional import pad
from torchvision.transforms.v2 import InterpolationMode, functional

from tsmu.chips.dataset import Sample
from tsmu.labels import UNKNOWN

MAX_ROTATION = 20.0  # degrees
SCALES = (0.8, 1.25)
ROTATED_SHARE = 0.5  # share of the samples that are rotated and scaled
MAX_JITTER = 0.2  # largest change of gain (relative) and offset (in standard deviations)
BLUR_SIZE = 5  # side of the filter that blurs, pixels
BLUR_SIGMAS = (0.1, 1.0)  # pixels
BLURRED_SHARE = 0.2  # share of the samples that are blurred


class Augment:
    """Flips, rotations, scale, brightness, contrast and blur, and a crop or padding to one size.

    Quarter turns, flips and rotations by up to 20 degrees and the blur are those of Nagendra et al. (2022). What a
    rotation brings in from outside has no data and no label: NaN in the image, unknown in the mask.

    Terrain bands are rotated and scaled with the image, but keep their values: they are slopes and heights, not
    brightnesses, and do not change with light or focus.

    Args:
        size: side of the square that is returned, pixels; smaller chips are padded with no data.
        mean: mean of each band, raw units, as in the bundle's normalisation.
        std: standard deviation of each band, likewise.
        channels: positions of the bands that are brightnesses, not terrain; by default all.

    Example:
        >>> augment = Augment(24, *band_statistics(chips))
        >>> augment(ChipDataset(chips)[0])["image"].shape
        torch.Size([3, 24, 24])
    """

    def __init__(
        self, size: int, mean: Sequence[float], std: Sequence[float], channels: Sequence[int] | None = None
    ) -> None:
        self.size = size
        self.channels = list(range(len(mean)) if channels is None else channels)
        self.mean = torch.tensor(mean, dtype=torch.float32).view(-1, 1, 1)
        self.std = torch.tensor(std, dtype=torch.float32).view(-1, 1, 1)

    def __call__(self, sample: Sample) -> Sample:
        """Augment one sample.

        All random draws follow from the sample's seed, so that threads and processes draw the same; for a sample
        without a seed they come from torch's global generator.
        """
        draws = _Draws(sample.get("seed"))
        image, mask = self._crop_or_pad(sample["image"], sample["mask"], draws)
        known = torch.isfinite(image).all(0).to(torch.uint8)
        # Pixels without data have the mean value until the end, since interpolation and blur would spread their NaN.
        image = torch.where(known == 1, image, self.mean)
        image, mask, known = _move_in_plane(image, mask, known, draws)
        image[self.channels] = self._change_light(image[self.channels], draws)
        image[:, known != 1] = torch.nan
        mask[known != 1] = UNKNOWN
        return sample | {"image": image, "mask": mask}

    def _crop_or_pad(self, image: Tensor, mask: Tensor, draws: "_Draws") -> tuple[Tensor, Tensor]:
        """Pad an image (C, H, W) and its mask (H, W) with no data where they are too small, and crop them at random."""
        height, width = mask.shape
        padding = (0, max(0, self.size - width), 0, max(0, self.size - height))
        if any(padding):
            image = pad(image, padding, value=torch.nan)
            mask = pad(mask, padding, value=UNKNOWN)
        row = draws.integer(mask.shape[0] - self.size + 1)
        column = draws.integer(mask.shape[1] - self.size + 1)
        window = (slice(row, row + self.size), slice(column, column + self.size))
        return image[(..., *window)], mask[window]

    def _change_light(self, image: Tensor, draws: "_Draws") -> Tensor:
        """Change brightness and contrast in units of each band's standard deviation, and blur some images."""
        mean, std = self.mean[self.channels], self.std[self.channels]
        gain, offset = 1 + draws.within(-MAX_JITTER, MAX_JITTER), draws.within(-MAX_JITTER, MAX_JITTER)
        image = (image - mean) * gain + mean + std * offset
        if draws.happens(BLURRED_SHARE):
            image = functional.gaussian_blur(image, [BLUR_SIZE, BLUR_SIZE], [draws.within(*BLUR_SIGMAS)])
        return image


class _Draws:
    """The random draws of one sample.

    Args:
        seed: from which they follow; None for torch's global generator.
    """

    def __init__(self, seed: int | None) -> None:
        self._generator = torch.default_generator if seed is None else torch.Generator().manual_seed(seed)

    def happens(self, share: float) -> bool:
        """Draw whether a change is made to this sample, if it is made to this share of all samples (0 to 1)."""
        return bool(torch.rand((), generator=self._generator) < share)

    def integer(self, end: int) -> int:
        """Draw a whole number from 0 to `end` - 1."""
        return int(torch.randint(end, (), generator=self._generator))

    def within(self, lowest: float, highest: float) -> float:
        """Draw a number between two others, uniformly."""
        return float(torch.empty(()).uniform_(lowest, highest, generator=self._generator))


def _move_in_plane(image: Tensor, mask: Tensor, known: Tensor, draws: _Draws) -> tuple[Tensor, Tensor, Tensor]:
    """Flip and turn an image (C, H, W), its mask and its known pixels (H, W) alike; rotate and scale some of them.

    What comes in from outside is 0 in the image, unknown in the mask, and 0 (not known) in `known`.
    """
    axes = [axis for axis in (-1, -2) if draws.happens(0.5)]
    turns = draws.integer(4)  # quarter turns leave no empty corners, unlike other angles
    # `flip` copies even where there is no axis to flip along, so the caller may write into the result.
    parts = [torch.rot90(part.flip(axes), turns, (-2, -1)) for part in (image, mask, known)]
    if not draws.happens(ROTATED_SHARE):
        return parts[0], parts[1], parts[2]
    angle, scale = draws.within(-MAX_ROTATION, MAX_ROTATION), draws.within(*SCALES)

    def rotated(part: Tensor, interpolation: InterpolationMode, fill: float) -> Tensor:
        return cast(Tensor, functional.affine(part, angle, [0, 0], scale, [0.0, 0.0], interpolation, [fill]))

    return (
        rotated(parts[0], InterpolationMode.BILINEAR, 0.0),
        rotated(parts[1][None], InterpolationMode.NEAREST, UNKNOWN)[0],
        rotated(parts[2][None], InterpolationMode.NEAREST, 0)[0],
    )
