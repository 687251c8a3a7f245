"""What images look like, in a few numbers; their statistics over a region; and other images in a region's colours."""

from collections.abc import Iterable

import geopandas
import torch
from torch import Tensor
from torch.nn import functional

from tsmu.chips.dataset import ChipDataset
from tsmu.chips.image_statistics import ImageStatistics
from tsmu.chips.index import shared_bands
from tsmu.imagery import image_channels

# Smaller standard deviations and gradients of a band within an image count as this one, raw units, so that every
# logarithm is finite.
MIN_SPREAD = 1e-3
TEXTURE_SCALES = 4  # at which texture is measured: 1, 2, 4 and 8 pixels


def measure_image_statistics(chips: geopandas.GeoDataFrame) -> ImageStatistics:
    """Measure the statistics of a region's chips, in the bands that are no terrain.

    Example:
        >>> measure_image_statistics(chips).count
        10
    """
    dataset, bands = ChipDataset(chips, cache_bytes=0), shared_bands(chips)
    channels = image_channels(bands)
    features = torch.cat([image_features(dataset[i]["image"][None, channels]) for i in range(len(dataset))])
    side = int(chips[["width", "height"]].max(axis=1).median())
    return summarise_features(features, side, channels if len(channels) < len(bands) else None)


def summarise_features(features: Tensor, side: int, channels: list[int] | None = None) -> ImageStatistics:
    """Summarise the features (N, F) of images as their mean and covariance.

    Args:
        features: as `image_features` gives them.
        side: of the images, pixels.
        channels: positions of the bands that were measured; None for all.

    Example:
        >>> summarise_features(image_features(torch.rand(5, 3, 32, 32)), side=32).count
        5
    """
    mean = features.mean(0)
    deviations = features - mean
    covariance = deviations.T @ deviations / max(len(features) - 1, 1)
    return ImageStatistics(mean.tolist(), covariance.tolist(), len(features), side, channels)


def image_features(images: Tensor) -> Tensor:
    """Describe images by their features.

    The features are, in this order: the mean of each band in raw units; the logarithm of each band's standard
    deviation; for each of the `TEXTURE_SCALES`, the logarithm of each band's mean gradient, which is the mean absolute
    difference of neighbouring pixels across plus that down; and the correlation of each pair of bands.

    Args:
        images: (N, C, H, W), NaN where there is no data.

    Returns:
        (N, F), float64.

    Example:
        >>> image_features(torch.rand(2, 3, 32, 32)).shape  # 3 means, 3 deviations, 12 gradients, 3 correlations
        torch.Size([2, 21])
    """
    mean, log_std = _moments(images)
    deviations = torch.nan_to_num(images - mean[..., None, None])  # pixels without data have no deviation
    features = [mean, log_std]
    reduced = deviations  # halved in size from scale to scale
    for _ in range(TEXTURE_SCALES):
        across, down = (reduced.diff(dim=dim).abs().mean((-2, -1)) for dim in (-1, -2))
        features.append((across + down).clamp(min=MIN_SPREAD).log())
        reduced = functional.avg_pool2d(reduced, 2, ceil_mode=True)
    unit_vectors = functional.normalize(deviations.flatten(2), dim=2, eps=MIN_SPREAD)  # (N, C, H x W)
    first, second = torch.triu_indices(images.shape[1], images.shape[1], 1)
    features.append((unit_vectors @ unit_vectors.transpose(1, 2))[:, first, second])
    return torch.cat(features, dim=1).double()


def transfer_colours(images: Tensor, statistics: ImageStatistics, generators: Iterable[torch.Generator]) -> Tensor:
    """Recolour images, each to band means and standard deviations drawn from a region's statistics.

    Args:
        images: (N, C, H, W), NaN where there is no data; it stays NaN.
        statistics: of the region. Bands that were not measured, which are terrain, stay as they are.
        generators: give the random draws of one image each.

    Returns:
        (N, C, H, W).

    Example:
        >>> images = torch.rand(2, 3, 32, 32)
        >>> recoloured = transfer_colours(images, measure_image_statistics(chips), [torch.Generator()] * 2)
        >>> bool(recoloured.mean() > 100)  # as bright as the chips
        True
    """
    if statistics.channels is not None:
        channels = torch.tensor(statistics.channels).to(images.device, non_blocking=True)
        return images.index_copy(1, channels, _recolour(images.index_select(1, channels), statistics, generators))
    return _recolour(images, statistics, generators)


def _recolour(images: Tensor, statistics: ImageStatistics, generators: Iterable[torch.Generator]) -> Tensor:
    """Recolour images in all their bands.

    The means and log standard deviations that an image gets are drawn from the normal distribution that the region's
    statistics describe. They are drawn on the CPU, so that they are the same on every device, and copied without
    waiting for a GPU.
    """
    mean, log_std = _moments(images)
    colours = 2 * images.shape[1]  # number of means and log standard deviations, which come first among the features
    covariance = torch.tensor(statistics.covariance, dtype=torch.float64)[:colours, :colours]
    values, vectors = torch.linalg.eigh(covariance)
    draws = torch.stack(
        [
            torch.randn(len(values), generator=generator, dtype=torch.float64)
            for _, generator in zip(images, generators, strict=False)
        ]
    )
    deviations = draws * values.clamp(min=0).sqrt() @ vectors.T
    drawn = torch.tensor(statistics.mean, dtype=torch.float64)[:colours] + deviations
    new_mean, new_log_std = (part.to(images, non_blocking=True) for part in drawn.chunk(2, dim=1))
    shape = (*mean.shape, 1, 1)
    normalised = (images - mean.view(shape)) / log_std.exp().view(shape)
    recoloured: Tensor = normalised * new_log_std.exp().view(shape) + new_mean.view(shape)
    return recoloured


def _moments(images: Tensor) -> tuple[Tensor, Tensor]:
    """Measure mean and log standard deviation per image and band, (N, C) each, over the valid pixels."""
    known = images.isfinite()
    count = known.sum((-2, -1)).clamp(min=1)
    filled = images.nan_to_num()
    mean = filled.sum((-2, -1)) / count
    square = ((filled - mean[..., None, None]) * known).square().sum((-2, -1)) / count
    return mean, square.sqrt().clamp(min=MIN_SPREAD).log()
