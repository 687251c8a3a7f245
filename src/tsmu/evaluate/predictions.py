"""What a decoder says about chips."""

from collections.abc import Iterator

import geopandas
import numpy as np
import numpy.typing as npt
import torch
from scipy.special import expit

from tsmu.chips.dataset import ChipDataset, Sample
from tsmu.evaluate.metrics.pixel_counts import PixelCounts
from tsmu.model.network.region_net import RegionNet

BATCH = 16  # chips at once, and fewer where they are large: scoring takes some 0.5 kB of memory for each pixel
BATCH_PIXELS = 1 << 20

Answer = tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]


def predict_chips(network: RegionNet, decoder: str, chips: geopandas.GeoDataFrame) -> Iterator[Answer]:
    """Yield (probability, mask), both (H, W), for each chip in order, by one region's decoder."""
    for logits, mask in logits_of_chips(network, decoder, chips):
        yield expit(logits), mask


@torch.inference_mode()
def logits_of_chips(network: RegionNet, decoder: str, chips: geopandas.GeoDataFrame) -> Iterator[Answer]:
    """Yield (logit, mask), both (H, W), for each chip in order, by one region's decoder."""
    network.eval()
    for images, masks in _batches(ChipDataset(chips, cache_bytes=0)):
        logits = network(images.to(network.mean.device), [decoder])[decoder]
        yield from zip(logits.float().cpu().numpy(), masks.numpy(), strict=True)


def count_chips(network: RegionNet, decoder: str, chips: geopandas.GeoDataFrame) -> list[PixelCounts]:
    """Counts of a decoder's answers, one for each chip."""
    return list(counts_of_chips(network, decoder, chips))


def counts_of_chips(network: RegionNet, decoder: str, chips: geopandas.GeoDataFrame) -> Iterator[PixelCounts]:
    """Yield counts of a decoder's answers for each chip in order; nothing is kept."""
    for probability, mask in predict_chips(network, decoder, chips):
        yield PixelCounts.of(probability, mask)


def count_pixels(network: RegionNet, decoder: str, chips: geopandas.GeoDataFrame) -> PixelCounts:
    """Pooled counts of a decoder's answers over chips."""
    return PixelCounts.pooled(counts_of_chips(network, decoder, chips))


def _batches(dataset: ChipDataset) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Batch neighbouring chips of one size, as many as memory has room for; order is kept."""
    batch: list[Sample] = []
    for position in range(len(dataset)):
        sample = dataset[position]
        shape = sample["mask"].shape
        full = len(batch) == BATCH or (len(batch) + 1) * shape.numel() > BATCH_PIXELS
        if batch and (full or batch[0]["mask"].shape != shape):
            yield _stack(batch)
            batch = []
        batch.append(sample)
    if batch:
        yield _stack(batch)


def _stack(batch: list[Sample]) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.stack([s["image"] for s in batch]), torch.stack([s["mask"] for s in batch])
