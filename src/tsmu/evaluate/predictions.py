"""Predictions of one region's decoder on chips, and the pixel counts that all scores come from."""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import geopandas
import numpy as np
import numpy.typing as npt
import torch
from scipy.special import expit
from torch.utils.data import Dataset

from tsmu.chips import ChipDataset, Sample
from tsmu.evaluate.metrics.pixel_counts import PixelCounts
from tsmu.model import RegionNet, device_in_use

# A batch has at most so many chips, and at most so many pixels: scoring takes some 0.5 kB of memory for each pixel.
BATCH_CHIPS = 16
BATCH_PIXELS = 1 << 20

Chips: TypeAlias = "geopandas.GeoDataFrame | Dataset[Sample] | Sequence[Sample]"  # rows of the chips index, or samples
Prediction = tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]


def predict_chips(network: RegionNet, decoder: str, chips: Chips) -> Iterator[Prediction]:
    """Yield the landslide probability and the mask of each chip, in order, computed on a GPU where there is one.

    Args:
        network: is set to evaluation mode, and moved to a GPU until all chips are predicted.
        decoder: name of the decoder that predicts.
        chips: rows of the chips index, or a dataset with TorchGeo's sample dict.

    Yields:
        (probability, mask) of each chip, both (H, W): float32 from 0 to 1, and 0, 1 or 255 (unknown).

    Example:
        >>> probability, mask = next(predict_chips(network, "alps", chips))
        >>> probability.shape == mask.shape == (32, 32)
        True
    """
    for logits, mask in predict_logits(network, decoder, chips):
        yield expit(logits), mask


def predict_logits(network: RegionNet, decoder: str, chips: Chips) -> Iterator[Prediction]:
    """Yield (logits, mask), both (H, W), of each chip in order; see `predict_chips`.

    Example:
        >>> logits, mask = next(predict_logits(network, "alps", chips))
        >>> logits.dtype
        dtype('float32')
    """
    network.eval()
    dataset = ChipDataset(chips, cache_bytes=0) if isinstance(chips, geopandas.GeoDataFrame) else chips
    device_before = network.mean.device
    network.to(device_in_use())
    try:
        for images, masks in _batches(dataset):
            yield from zip(_compute_logits(network, decoder, images), masks.numpy(), strict=True)
    finally:
        network.to(device_before)


@torch.inference_mode()
def _compute_logits(network: RegionNet, decoder: str, images: torch.Tensor) -> npt.NDArray[np.float32]:
    """The logits (N, H, W) of raw images (N, C, H, W), computed on the network's device."""
    logits = network(images.to(network.mean.device), [decoder])[decoder]
    return np.asarray(logits.float().cpu().numpy())


def count_pixels(network: RegionNet, decoder: str, chips: Chips) -> PixelCounts:
    """Pooled pixel counts of a decoder's predictions on chips.

    Example:
        >>> count_pixels(network, "alps", chips).pixels
        4096
    """
    return PixelCounts.pooled(iterate_pixel_counts(network, decoder, chips))


def count_pixels_by_chip(network: RegionNet, decoder: str, chips: Chips) -> list[PixelCounts]:
    """Pixel counts of a decoder's predictions, one for each chip.

    Example:
        >>> [counts.pixels for counts in count_pixels_by_chip(network, "alps", chips)]
        [1024, 1024, 1024, 1024]
    """
    return list(iterate_pixel_counts(network, decoder, chips))


def iterate_pixel_counts(network: RegionNet, decoder: str, chips: Chips) -> Iterator[PixelCounts]:
    """Yield the pixel counts of each chip in order; only one batch of predictions is in memory at a time.

    Example:
        >>> next(iterate_pixel_counts(network, "alps", chips)).pixels
        1024
    """
    for probability, mask in predict_chips(network, decoder, chips):
        yield PixelCounts.from_probability(probability, mask)


def _batches(dataset: "Dataset[Sample] | Sequence[Sample]") -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Stack consecutive chips of one size, as many as memory has room for; the order is kept."""
    batch: list[Sample] = []
    for position in range(len(dataset)):  # type: ignore[arg-type]  # torch's base class has no length
        sample = dataset[position]
        shape = sample["mask"].shape
        full = len(batch) == BATCH_CHIPS or (len(batch) + 1) * shape.numel() > BATCH_PIXELS
        if batch and (full or batch[0]["mask"].shape != shape):
            yield _stack(batch)
            batch = []
        batch.append(sample)
    if batch:
        yield _stack(batch)


def _stack(batch: list[Sample]) -> tuple[torch.Tensor, torch.Tensor]:
    """Images (N, C, H, W) and masks (N, H, W)."""
    return torch.stack([sample["image"] for sample in batch]), torch.stack([sample["mask"] for sample in batch])
