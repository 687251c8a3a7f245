"""What images look like, in a few numbers; a region's style; and other images in its colours."""

import geopandas
import torch
from torch import Tensor
from torch.nn import functional

from tsmu.chips.dataset import ChipDataset
from tsmu.chips.image_statistics import ImageStatistics
from tsmu.chips.index import shared_bands
from tsmu.imagery.terrain import image_channels

FLAT = 1e-3  # smallest spread and gradient of a band within an image, raw units
SCALES = 4  # at which texture is measured: 1, 2, 4 and 8 pixels


def measure_image_statistics(chips: geopandas.GeoDataFrame) -> ImageStatistics:
    """Measure the style of a region's chips, in the bands that are images."""
    dataset, bands = ChipDataset(chips, cache_bytes=0), shared_bands(chips)
    channels = image_channels(bands)
    rows = torch.cat([image_features(dataset[i]["image"][None, channels]) for i in range(len(dataset))])
    side = int(chips[["width", "height"]].max(axis=1).median())
    return summarise_features(rows, side, channels if len(channels) < len(bands) else None)


def summarise_features(rows: Tensor, side: int, channels: list[int] | None = None) -> ImageStatistics:
    """Sum up what images of a side, pixels, look like (N, F) in some of their bands, or in all."""
    mean = rows.mean(0)
    off = rows - mean
    covariance = off.T @ off / max(len(rows) - 1, 1)
    return ImageStatistics(mean.tolist(), covariance.tolist(), len(rows), side, channels)


def image_features(images: Tensor) -> Tensor:
    """Describe images (N, C, H, W), NaN where there is no data, by (N, F) numbers in float64.

    In this order, per band: the mean in raw units; the logarithm of the standard deviation; the
    logarithm of the mean gradient at each scale; and per pair of bands their correlation.
    """
    mean, spread = _moments(images)
    off = torch.nan_to_num(images - mean[..., None, None])  # no data lies at the mean
    parts = [mean, spread]
    level = off
    for _ in range(SCALES):
        across, down = (level.diff(dim=dim).abs().mean((-2, -1)) for dim in (-1, -2))
        parts.append((across + down).clamp(min=FLAT).log())
        level = functional.avg_pool2d(level, 2, ceil_mode=True)
    flat = functional.normalize(off.flatten(2), dim=2, eps=FLAT)
    first, second = torch.triu_indices(images.shape[1], images.shape[1], 1)
    parts.append((flat @ flat.transpose(1, 2))[:, first, second])
    return torch.cat(parts, dim=1).double()


def transfer_colours(images: Tensor, style: ImageStatistics, generator: torch.Generator) -> Tensor:
    """Recolour images (N, C, H, W), each to band means and spreads drawn from a style; NaN stays NaN.

    Bands that the style is not of, which are terrain, stay as they are.
    """
    if style.channels is not None:
        restyled = images.clone()
        restyled[:, style.channels] = _restyle(images[:, style.channels], style, generator)
        return restyled
    return _restyle(images, style, generator)


def _restyle(images: Tensor, style: ImageStatistics, generator: torch.Generator) -> Tensor:
    mean, spread = _moments(images)
    colours = 2 * images.shape[1]  # means and spreads come first
    covariance = torch.tensor(style.covariance, dtype=torch.float64)[:colours, :colours]
    values, vectors = torch.linalg.eigh(covariance)
    draws = torch.randn(len(images), len(values), generator=generator, dtype=torch.float64)
    drawn = torch.tensor(style.mean, dtype=torch.float64)[:colours] + draws * values.clamp(min=0).sqrt() @ vectors.T
    wanted_mean, wanted_spread = (part.to(images) for part in drawn.chunk(2, dim=1))
    shape = (*mean.shape, 1, 1)
    normalised = (images - mean.view(shape)) / spread.exp().view(shape)
    restyled: Tensor = normalised * wanted_spread.exp().view(shape) + wanted_mean.view(shape)
    return restyled


def _moments(images: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and log standard deviation per image and band, (N, C) each, over the valid pixels."""
    known = images.isfinite()
    count = known.sum((-2, -1)).clamp(min=1)
    filled = images.nan_to_num()
    mean = filled.sum((-2, -1)) / count
    square = ((filled - mean[..., None, None]) * known).square().sum((-2, -1)) / count
    return mean, square.sqrt().clamp(min=FLAT).log()
