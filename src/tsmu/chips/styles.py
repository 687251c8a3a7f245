"""The colours of a region in a few numbers, and other images in these colours.

A bundle's record holds styles, and is read where torch shall not be loaded: it is imported late.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import geopandas
    import torch
    from torch import Tensor

FLAT = 1e-3  # smallest spread of a band within an image, raw units


@dataclass(frozen=True)
class Style:
    """Mean and covariance, over a region's images, of each image's band means and log spreads.

    Attributes:
        mean: (2 C,), first the means in raw units, then the logarithms of the standard deviations.
        covariance: (2 C, 2 C).
    """

    mean: list[float]
    covariance: list[list[float]]

    @classmethod
    def of(cls, chips: "geopandas.GeoDataFrame") -> Self:
        """Measure the style of a region's chips."""
        import torch

        from tsmu.chips.dataset import ChipDataset

        dataset = ChipDataset(chips, cache_bytes=0)
        rows = torch.stack([torch.cat(_moments(dataset[i]["image"][None])).flatten() for i in range(len(dataset))])
        mean = rows.mean(0)
        off = rows - mean
        return cls(mean.tolist(), (off.T @ off / max(len(rows) - 1, 1)).tolist())


def restyle(images: "Tensor", style: Style, generator: "torch.Generator") -> "Tensor":
    """Recolour images (N, C, H, W), each to band means and spreads drawn from a style; NaN stays NaN."""
    import torch

    mean, spread = _moments(images)
    values, vectors = torch.linalg.eigh(torch.tensor(style.covariance, dtype=torch.float64))
    draws = torch.randn(len(images), len(values), generator=generator, dtype=torch.float64)
    drawn = torch.tensor(style.mean, dtype=torch.float64) + draws * values.clamp(min=0).sqrt() @ vectors.T
    wanted_mean, wanted_spread = (part.to(images) for part in drawn.chunk(2, dim=1))
    shape = (*mean.shape, 1, 1)
    normalised = (images - mean.view(shape)) / spread.exp().view(shape)
    restyled: Tensor = normalised * wanted_spread.exp().view(shape) + wanted_mean.view(shape)
    return restyled


def _moments(images: "Tensor") -> "tuple[Tensor, Tensor]":
    """Mean and log standard deviation per image and band, (N, C) each, over the valid pixels."""
    known = images.isfinite()
    count = known.sum((-2, -1)).clamp(min=1)
    filled = images.nan_to_num()
    mean = filled.sum((-2, -1)) / count
    square = ((filled - mean[..., None, None]) * known).square().sum((-2, -1)) / count
    return mean, square.sqrt().clamp(min=FLAT).log()
