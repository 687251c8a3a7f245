"""The batches of a training: chips are read, augmented to one size, and stacked."""

import math
import shutil
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, cast

import geopandas
import pandas as pd
import torch
from torch.utils.data import ConcatDataset, DataLoader, Dataset

from tsmu.chips import Augment, ChipDataset, Sample, shared_bands
from tsmu.errors import TsmuError, UpdateError
from tsmu.imagery import image_channels
from tsmu.labels import BACKGROUND, LANDSLIDE, UNKNOWN
from tsmu.model import SIDE_MULTIPLE, RegionNet, cores_per_process, device_in_use
from tsmu.update.seeds import derive_seed
from tsmu.update.strategies import Batch, Strategy
from tsmu.update.training.sampler import StepSampler
from tsmu.update.training.settings import WHOLE, Chips, ProcessShare, TrainingSettings

MAX_CROP = 512  # side of the square that chips are cut to, pixels, at most
# Worker processes that read and augment chips while a network trains on a GPU, at most. On one core of an AMD EPYC a
# worker prepares 470 chips of 128 px per second, or 140 of 256 px, and fewer while the chips are not cached yet.
MAX_WORKERS = 16
WORKER_TIMEOUT = 900.0  # seconds without a batch after which a worker counts as hanging; network disks can be slow
PREFETCHED = 4  # batches that each worker prepares ahead, or the thread that does their work beside a CPU
SHARED_MEMORY = Path("/dev/shm")  # where workers put their batches; small in some containers


class TrainingBatches:
    """Reads, augments and batches the chips of a training.

    Args:
        network: whose band statistics augmentation uses.
        chips: by region; the region that is learned comes first.
        strategy: decides which region's chips a step learns from.
        settings: batch size and seed.
        share: which part of each batch this process trains on, where several train together.

    Attributes:
        channels: positions of the bands that are images, not terrain.

    Raises:
        UpdateError: samples do not fit the network or each other.
    """

    def __init__(
        self,
        network: RegionNet,
        chips: Mapping[str, Chips],
        strategy: Strategy,
        settings: TrainingSettings,
        share: ProcessShare = WHOLE,
    ) -> None:
        self._strategy, self._settings, self._share = strategy, settings, share
        mean, std = network.mean.flatten().tolist(), network.std.flatten().tolist()
        tables = [table for table in chips.values() if isinstance(table, geopandas.GeoDataFrame)]
        self._dataset: Dataset[Sample]
        if len(tables) == len(chips):
            table = pd.concat(tables)
            self._has_landslide = [list(part["landslide_pixels"] > 0) for part in tables]
            side = crop_side(int(max(table["width"].max(), table["height"].max())))
            augment = Augment(side, mean, std, image_channels(shared_bands(table)))
            self._dataset = ChipDataset(table, augment)
        else:
            datasets = [_as_dataset(part) for part in chips.values()]
            contents = [_inspect(dataset, region, len(mean)) for dataset, region in zip(datasets, chips, strict=True)]
            self._has_landslide = [has_landslide for has_landslide, _ in contents]
            side = crop_side(max(largest for _, largest in contents))
            augment = Augment(side, mean, std, image_channels(network.bands) if network.bands else None)
            self._dataset = _AugmentedSamples(datasets, list(chips), augment)
        self.channels = augment.channels
        self._batch_size = settings.batch_size // share.count
        # A pixel has 4 bytes for each band (float32) and 8 for its label (int64).
        self._batch_bytes = 4 * self._batch_size * (len(mean) + 2) * side**2

    @contextmanager
    def from_step(self, start: int) -> Iterator[Iterator[Batch]]:
        """Open an endless iterator over the batches of a step and those after it, prepared while the network computes.

        Where the network trains on a GPU, several worker processes prepare them. Where it trains on the CPU, a thread
        does: it is fast enough for any CPU, and a process that is forked while other threads run can hang for ever on
        a lock that one of those threads held.
        """
        workers = _worker_count(self._batch_bytes, self._share.local_count)
        batches = DataLoader(
            self._dataset,
            batch_size=self._batch_size,
            sampler=self._sampler(start),
            pin_memory=device_in_use() == "cuda",
            num_workers=workers,
            prefetch_factor=PREFETCHED if workers else None,
            timeout=WORKER_TIMEOUT if workers else 0,
        )
        if workers:
            yield iter(batches)
            return
        with _thread_on_one_core() as thread:
            yield _prepared_ahead(iter(batches), thread)

    def first_samples(self, count: int) -> list[Sample]:
        """The first chips of the first batch, augmented, at most so many."""
        return [self._dataset[key] for key in islice(self._sampler(0), min(count, self._batch_size))]

    def _sampler(self, start: int) -> StepSampler:
        """Which chips the steps learn from, from a step on."""
        settings, region_of_step = self._settings, self._strategy.region_of_step
        return StepSampler(self._has_landslide, settings.batch_size, settings.seed, start, region_of_step, self._share)

    def region_once(self) -> "DataLoader[Any]":
        """The chips of the region that is learned, once, augmented like in training, so that they have one size."""
        seed, positions = self._settings.seed, range(len(self._has_landslide[0]))
        sampler = [(position, derive_seed(seed, position)) for position in positions]
        return DataLoader(self._dataset, batch_size=self._settings.batch_size, sampler=sampler)


@contextmanager
def one_line_loader_errors() -> Iterator[None]:
    """Raise an error of a process that loads chips as if it had happened in this one: in one line.

    PyTorch raises an error of the same class whose text is the whole traceback, the error's own line last.
    """
    try:
        yield
    except TsmuError as error:
        if not str(error).startswith("Caught "):
            raise
        own_line = str(error).strip().splitlines()[-1]
        raise type(error)(own_line.partition(f"{type(error).__name__}: ")[2] or own_line) from None
    except RuntimeError as error:
        if "DataLoader timed out" in str(error):
            raise UpdateError(
                f"chips did not arrive within {WORKER_TIMEOUT / 60:.0f} minutes; see that their files can be read, and "
                "run the same command again, which goes on from the last checkpoint"
            ) from None
        if "DataLoader worker" not in str(error):
            raise
        raise UpdateError(
            "a process that loads chips was ended, most often because memory ran out; give a smaller --batch-size, "
            "or make room and run the same command again, which goes on from the last checkpoint"
        ) from None


@contextmanager
def _thread_on_one_core() -> Iterator[Executor]:
    """A thread whose torch operations use one core, while those of this thread go on using all of theirs."""
    cores = torch.get_num_threads()
    with ThreadPoolExecutor(1, "tsmu-batches", initializer=torch.set_num_threads, initargs=(1,)) as thread:
        # What the new thread sets, torch also takes for threads that begin later: wait until it is set, then undo that.
        thread.submit(torch.get_num_threads).result()
        torch.set_num_threads(cores)
        try:
            yield thread
        finally:
            thread.shutdown(cancel_futures=True)


def _prepared_ahead(batches: Iterator[Batch], thread: Executor) -> Iterator[Batch]:
    """The same batches, the next few of which are being prepared in a thread."""
    coming = deque(thread.submit(next, batches) for _ in range(PREFETCHED))
    while True:
        batch = coming.popleft().result()
        coming.append(thread.submit(next, batches))
        yield batch


def crop_side(largest: int) -> int:
    """Side of the square that chips are cut or padded to in training, pixels.

    Args:
        largest: the longest side of any chip, pixels.

    Returns:
        A multiple of 32 that fits it, at most 512.

    Example:
        >>> crop_side(100), crop_side(4000)
        (128, 512)
    """
    return min(MAX_CROP, int(SIDE_MULTIPLE * math.ceil(largest / SIDE_MULTIPLE)))


def _worker_count(batch_bytes: int, processes: int) -> int:
    """The number of worker processes that load chips for each training process; 0 where it trains on the CPU.

    One core is left to each training process. The prefetched batches of all workers may fill half of the shared
    memory that is free.

    Args:
        batch_bytes: size of one batch.
        processes: number of training processes on this machine.
    """
    if device_in_use() == "cpu":
        return 0
    workers = max(min(MAX_WORKERS, cores_per_process(processes) - 1), 0)
    if SHARED_MEMORY.exists():
        workers_with_room = shutil.disk_usage(SHARED_MEMORY).free // (2 * processes * PREFETCHED * batch_bytes)
        workers = min(workers, workers_with_room)
    return workers


def _as_dataset(chips: Chips) -> Dataset[Sample]:
    """Chips as a dataset without augmentation."""
    if isinstance(chips, geopandas.GeoDataFrame):
        return ChipDataset(chips)
    return cast(Dataset[Sample], chips)  # a sequence has all that is used of a dataset


def _inspect(dataset: Dataset[Sample], region: str, bands: int) -> tuple[list[bool], int]:
    """Read every sample once: which have landslides, and the longest side in pixels.

    Raises:
        UpdateError: a sample is not what a training can learn from.
    """
    has_landslide, largest, is_empty = [], 0, True
    for position in range(len(dataset)):  # type: ignore[arg-type]  # torch's base class has no length
        sample = dataset[position]
        image, mask = sample.get("image"), sample.get("mask")
        if not (isinstance(image, torch.Tensor) and isinstance(mask, torch.Tensor)):
            raise UpdateError(f"{region}, sample {position}: give `image` and `mask` as torch tensors")
        if image.ndim != 3 or image.shape[0] != bands or image.shape[1:] != mask.shape:
            raise UpdateError(
                f"{region}, sample {position}: image {tuple(image.shape)} and mask {tuple(mask.shape)} do not fit; "
                f"give image ({bands}, height, width) and mask (height, width)"
            )
        values = set(torch.unique(mask).tolist())
        if not values <= {BACKGROUND, LANDSLIDE, UNKNOWN}:
            raise UpdateError(
                f"{region}, sample {position}: the mask has the values {', '.join(f'{v:g}' for v in sorted(values))}; "
                f"give {BACKGROUND} for background, {LANDSLIDE} for landslide and {UNKNOWN} for unknown"
            )
        has_landslide.append(LANDSLIDE in values)
        largest = max(largest, *mask.shape)
        is_empty = is_empty and not bool(torch.isfinite(image).any())
    if is_empty:
        raise UpdateError(f"{region}: no sample has a pixel with values, all are NaN or infinite; check what made them")
    if not any(has_landslide):
        raise UpdateError(
            f"{region}: no sample has a pixel of landslide, whose value is {LANDSLIDE}; {UNKNOWN} means unknown: where "
            "it is the landslides' value, divide the masks by it"
        )
    return has_landslide, largest


class _AugmentedSamples(Dataset[Sample]):
    """The samples of several regions end to end; a key is (position, seed), and the seed decides the augmentation."""

    def __init__(self, datasets: Sequence[Dataset[Sample]], regions: Sequence[str], augment: Augment) -> None:
        self._samples: ConcatDataset[Sample] = ConcatDataset(datasets)
        self._regions = regions
        self._augment = augment

    def __getitem__(self, key: tuple[int, int]) -> Sample:
        position, seed = key
        sample = self._samples[position]
        region = self._regions[bisect_right(self._samples.cumulative_sizes, position)]
        # Augmentation may write into its input, which belongs to the user.
        image, mask = sample["image"].float().clone(), sample["mask"].long().clone()
        return self._augment({"image": image, "mask": mask, "region": region, "seed": seed})
