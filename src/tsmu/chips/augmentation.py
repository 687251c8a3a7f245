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

DEGREES = 20.0
SCALES = (0.8, 1.25)
TURNED = 0.5  # share of the samples that are rotated and scaled
JITTER = 0.2  # largest change of gain (relative) and offset (in standard deviations)
SIGMAS = (0.1, 1.0)  # pixels
BLURRED = 0.2


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
    """Change brightness and contrast in units of each band's spread; torchvision's takes RGB only."""

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
    """Flips, turns, scale, brightness, contrast and blur, and a cut or pad to one size.

    Quarter turns, flips and rotations by up to 20 degrees and the blur are those of Nagendra et al.
    (2022). What a rotation turns in from outside has no data and no label: NaN in the image,
    unknown in the mask.

    Terrain bands are turned and scaled with the image, and stay as they are in light and focus: they are
    slopes and heights, the same from whichever side one looks, and not brightnesses.

    Args:
        size: side of the square that comes out, pixels; smaller chips are padded with no data.
        mean: per band, raw units, as in the bundle's normalisation.
        std: likewise.
        channels: positions of the bands that are brightnesses; by default all.
    """

    def __init__(
        self, size: int, mean: Sequence[float], std: Sequence[float], channels: Sequence[int] | None = None
    ) -> None:
        self.size = size
        self.channels = list(range(len(mean)) if channels is None else channels)
        self.mean = torch.tensor(mean, dtype=torch.float32).view(-1, 1, 1)
        turn = v2.RandomAffine(
            DEGREES,
            scale=SCALES,
            interpolation=v2.InterpolationMode.BILINEAR,
            fill={tv_tensors.Mask: UNKNOWN, "others": 0},
        )
        self.turns = v2.Compose(
            [
                v2.RandomHorizontalFlip(),
                v2.RandomVerticalFlip(),
                QuarterTurn(),
                v2.RandomApply([turn], TURNED),
            ]
        )
        self.light = v2.Compose(
            [
                BandJitter([mean[i] for i in self.channels], [std[i] for i in self.channels], JITTER),
                v2.RandomApply([v2.GaussianBlur(5, SIGMAS)], BLURRED),
            ]
        )

    def __call__(self, sample: Sample) -> Sample:
        """Augment one sample; the torch generator decides the draws."""
        image, mask = self._to_size(sample["image"], sample["mask"])
        known = torch.isfinite(image).all(0).to(torch.uint8)
        # No data becomes the mean on the way, or interpolation and blur would spread it.
        parts = (
            tv_tensors.Image(torch.where(known == 1, image, self.mean)),
            tv_tensors.Mask(mask),
            tv_tensors.Mask(known),
        )
        image, mask, known = (part.as_subclass(Tensor) for part in self.turns(*parts))
        seen = self.light(tv_tensors.Image(image[self.channels])).as_subclass(Tensor)
        image[self.channels] = seen
        image[:, known != 1] = torch.nan
        mask[known != 1] = UNKNOWN
        return cast(Sample, sample | {"image": image, "mask": mask})

    def _to_size(self, image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        height, width = mask.shape
        padding = (0, max(0, self.size - width), 0, max(0, self.size - height))
        if any(padding):
            image = functional.pad(image, padding, value=torch.nan)
            mask = functional.pad(mask, padding, value=UNKNOWN)
        row = int(torch.randint(mask.shape[0] - self.size + 1, ()))
        column = int(torch.randint(mask.shape[1] - self.size + 1, ()))
        cut = (slice(row, row + self.size), slice(column, column + self.size))
        return image[(..., *cut)], mask[cut]
