"""Augmentation on the fly: image and mask together, any number of bands."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional
from torchvision import tv_tensors
from torchvision.transforms import v2

from tsmu.chips.dataset import Sample
from tsmu.labels import UNKNOWN

MAX_ROTATION = 20.0  # degrees
SCALES = (0.8, 1.25)
ROTATED_SHARE = 0.5  # of the samples, which are rotated and scaled
MAX_JITTER = 0.2  # largest change of gain (relative) and offset (in standard deviations)
BLUR_SIGMAS = (0.1, 1.0)  # pixels
BLURRED_SHARE = 0.2  # of the samples


class QuarterTurn(v2.Transform):
    """Rotate by 0, 90, 180 or 270 degrees; unlike other angles this leaves no empty corners."""

    def make_params(self, flat_inputs: list[object]) -> dict[str, int]:
        """Draw the number of quarter turns."""
        del flat_inputs
        return {"turns": int(torch.randint(4, ()))}

    def transform(self, inpt: Tensor, params: dict[str, int]) -> Tensor:
        """Turn one image or mask."""
        return cast(Tensor, tv_tensors.wrap(torch.rot90(inpt, params["turns"], (-2, -1)), like=inpt))


class BandJitter(v2.Transform):
    """Change brightness and contrast in units of each band's standard deviation; torchvision's takes RGB only.

    Args:
        mean: per band, raw units.
        std: likewise.
        strength: largest change of gain (relative) and offset (in standard deviations).
    """

    _transformed_types = (tv_tensors.Image,)

    def __init__(self, mean: Sequence[float], std: Sequence[float], strength: float) -> None:
        super().__init__()
        self.mean = torch.tensor(mean, dtype=torch.float32).view(-1, 1, 1)
        self.std = torch.tensor(std, dtype=torch.float32).view(-1, 1, 1)
        self.strength = strength

    def make_params(self, flat_inputs: list[object]) -> dict[str, float]:
        """Draw a gain and an offset."""
        del flat_inputs
        gain, offset = (torch.rand(2) * 2 - 1) * self.strength
        return {"gain": float(1 + gain), "offset": float(offset)}

    def transform(self, inpt: Tensor, params: dict[str, float]) -> Tensor:
        """Apply them to all bands of one image."""
        changed = (inpt - self.mean) * params["gain"] + self.mean + self.std * params["offset"]
        return cast(Tensor, tv_tensors.wrap(changed, like=inpt))


class Augment:
    """Flips, rotations, scale, brightness, contrast and blur, and a crop or padding to one size.

    Quarter turns, flips and rotations by up to 20 degrees and the blur are those of Nagendra et al. (2022). What a
    rotation brings in from outside has no data and no label: NaN in the image, unknown in the mask.

    Terrain bands are rotated and scaled with the image, but keep their values: they are slopes and heights, not
    brightnesses, and do not change with light or focus.

    Args:
        size: side of the square that is returned, pixels; smaller chips are padded with no data.
        mean: per band, raw units, as in the bundle's normalisation.
        std: likewise.
        channels: positions of the bands that are brightnesses; by default all.

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
        rotation = v2.RandomAffine(
            MAX_ROTATION,
            scale=SCALES,
            interpolation=v2.InterpolationMode.BILINEAR,
            fill={tv_tensors.Mask: UNKNOWN, "others": 0},
        )
        self._geometric = v2.Compose(
            [
                v2.RandomHorizontalFlip(),
                v2.RandomVerticalFlip(),
                QuarterTurn(),
                v2.RandomApply([rotation], ROTATED_SHARE),
            ]
        )
        self._radiometric = v2.Compose(
            [
                BandJitter([mean[i] for i in self.channels], [std[i] for i in self.channels], MAX_JITTER),
                v2.RandomApply([v2.GaussianBlur(5, BLUR_SIGMAS)], BLURRED_SHARE),
            ]
        )

    def __call__(self, sample: Sample) -> Sample:
        """Augment one sample; the random draws come from torch's global generator."""
        image, mask = self._crop_or_pad(sample["image"], sample["mask"])
        known = torch.isfinite(image).all(0).to(torch.uint8)
        # No data becomes the mean on the way, or interpolation and blur would spread it.
        parts = (
            tv_tensors.Image(torch.where(known == 1, image, self.mean)),
            tv_tensors.Mask(mask),
            tv_tensors.Mask(known),
        )
        image, mask, known = (part.as_subclass(Tensor) for part in self._geometric(*parts))
        image[self.channels] = self._radiometric(tv_tensors.Image(image[self.channels])).as_subclass(Tensor)
        image[:, known != 1] = torch.nan
        mask[known != 1] = UNKNOWN
        return cast(Sample, sample | {"image": image, "mask": mask})

    def _crop_or_pad(self, image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Pad an image (C, H, W) and its mask (H, W) with no data where they are too small, and crop them at random."""
        height, width = mask.shape
        padding = (0, max(0, self.size - width), 0, max(0, self.size - height))
        if any(padding):
            image = functional.pad(image, padding, value=torch.nan)
            mask = functional.pad(mask, padding, value=UNKNOWN)
        row = int(torch.randint(mask.shape[0] - self.size + 1, ()))
        column = int(torch.randint(mask.shape[1] - self.size + 1, ()))
        window = (slice(row, row + self.size), slice(column, column + self.size))
        return image[(..., *window)], mask[window]
