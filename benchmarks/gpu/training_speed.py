"""Steps per second of a whole training, and of its network alone on one batch that stays on the device.

The difference between the two is the cost of loading, augmenting and copying chips, of reading losses and of reporting.
Both have the same network, losses, optimiser and precision. They run on the device in use, so that the code can be
tried on a CPU; but the figures are meaningful on a GPU only, where loading chips does not take cores from the network.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import geopandas
import torch

from tsmu.chips import ChipDataset, band_statistics, chips_from_folder
from tsmu.issues import IssueLog
from tsmu.model import RegionNet, device_in_use, precision_in_use
from tsmu.synthetic import World, write_chips
from tsmu.update import (
    TrainingProgress,
    TrainingSettings,
    UpdateContext,
    seeded_draws,
    strategy_named,
    train_region,
)

REGION = "eastern_forests"
STRATEGY = strategy_named("isolate")  # the default; the first region is learned in the same way by all
CHIPS = 128
# The number of first steps of the training whose time is not counted, because processes that load chips are started and
# memory is allocated. It is a multiple of ten, because a training on a GPU reads the losses of ten steps together.
WARM_UP = 20
MAX_STEPS = 600  # largest number of steps that are counted
TOGETHER = 10  # steps of the network alone between two readings of the clock

Results = dict[str, Any]


@dataclass(frozen=True)
class TrainingCase:
    """A training that is measured.

    Attributes:
        encoder: name of the encoder; it starts from random weights, which take as much time as pretrained ones.
        batch_size: chips per step.
        side: side of the chips in pixels; they are pre- and post-event images of three bands each.
    """

    encoder: str
    batch_size: int
    side: int

    def __str__(self) -> str:
        """Name the case in a few words."""
        return f"{self.encoder}, {self.batch_size} chips of {self.side} px"


def measure_training(case: TrainingCase, folder: Path, seconds: float) -> Results:
    """Measure one training, after measuring its network alone.

    Args:
        case: the training.
        folder: folder for the chips, which are drawn once for each size.
        seconds: about how long the training shall run after warming up; the network alone runs for a quarter of it.

    Returns:
        The case; `loop_steps_per_s` (of the training), `bare_steps_per_s` (of the network alone) and their `ratio`;
        `waiting_share`, the share of the training's time in which it waited for chips; `steps`, the number of counted
        steps; on a GPU also `bare_cudnn_benchmark_steps_per_s`, where cuDNN chose the convolutions by trying them, and
        `peak_gpu_mb`, the peak GPU memory of the training.
    """
    chips = _synthetic_chips(folder, case.side)
    bare = _bare_steps_per_second(_new_network(case, chips), chips, case.batch_size, seconds / 4)
    results = asdict(case) | {"bare_steps_per_s": bare}
    if device_in_use() == "cuda":
        with _cudnn_benchmark():
            tried = _bare_steps_per_second(_new_network(case, chips), chips, case.batch_size, seconds / 4)
        results["bare_cudnn_benchmark_steps_per_s"] = tried
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    steps = min(max(round(seconds * bare / 10), 1) * 10, MAX_STEPS)
    results |= _measure_loop(_new_network(case, chips), chips, TrainingSettings(WARM_UP + steps, case.batch_size, 0))
    if device_in_use() == "cuda":
        results["peak_gpu_mb"] = torch.cuda.max_memory_allocated() / 2**20
    return results | {"ratio": results["loop_steps_per_s"] / bare}


def _synthetic_chips(folder: Path, side: int) -> geopandas.GeoDataFrame:
    """Chips of the synthetic world with this side in pixels; they are drawn if the folder lacks them."""
    chips = folder / f"chips-{side}"
    if not chips.exists():
        write_chips(World(0), chips, REGION, CHIPS, side)
    return chips_from_folder(chips, REGION, IssueLog(chips))


def _new_network(case: TrainingCase, chips: geopandas.GeoDataFrame) -> RegionNet:
    """Make a network with the case's encoder and without decoders."""
    with seeded_draws(0):
        return RegionNet(case.encoder, *band_statistics(chips))


def _measure_loop(network: RegionNet, chips: geopandas.GeoDataFrame, settings: TrainingSettings) -> Results:
    """Train as `tsmu update` does, and measure the steps after the first `WARM_UP`."""
    ends, waiting = dict[int, float](), 0.0

    def note(now: TrainingProgress) -> None:
        nonlocal waiting
        ends[now.step], waiting = time.perf_counter(), now.data_wait

    train_region(network, REGION, chips, STRATEGY, settings, progress=note)
    counted = settings.steps - WARM_UP
    speed = counted / (ends[settings.steps] - ends[WARM_UP])
    return {"loop_steps_per_s": speed, "waiting_share": waiting, "steps": counted}


def _bare_steps_per_second(network: RegionNet, chips: geopandas.GeoDataFrame, batch_size: int, seconds: float) -> float:
    """Measure the network alone: the forward pass, losses, backward pass and optimiser, repeated on one batch."""
    step = _bare_step(network, chips, batch_size)
    for _ in range(TOGETHER):
        step()
    _wait_for_device()
    started, count = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - started) < seconds or not count:
        for _ in range(TOGETHER):
            step()
        _wait_for_device()
        count += TOGETHER
    return count / elapsed


def _bare_step(network: RegionNet, chips: geopandas.GeoDataFrame, batch_size: int) -> Callable[[], None]:
    """Make a function that takes one training step on a batch that is on the device already."""
    network.add_decoder(REGION)
    network.train().to(device_in_use(), memory_format=torch.channels_last)  # type: ignore[call-overload]
    context = UpdateContext(network, None, REGION, {REGION: REGION})
    (stage,) = STRATEGY.stages(context, 1)
    network.set_trainable(stage.rates.keys(), stage.training_norms)
    dataset = ChipDataset(chips)
    samples = [dataset[number % len(dataset)] for number in range(batch_size)]
    image = torch.stack([sample["image"] for sample in samples]).to(device_in_use())
    mask = torch.stack([sample["mask"] for sample in samples]).to(device_in_use())
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4, fused=True)
    is_mixed = precision_in_use() == "bfloat16"

    def learn() -> None:
        with torch.autocast(device_in_use(), torch.bfloat16, enabled=is_mixed):
            losses = STRATEGY.losses(
                context, stage, {"image": image, "mask": mask, "region": [REGION], "seed": torch.zeros(1)}, 0
            )
        torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()

    return learn


def _wait_for_device() -> None:
    if device_in_use() == "cuda":
        torch.cuda.synchronize()


@contextmanager
def _cudnn_benchmark() -> Iterator[None]:
    """Let cuDNN choose the kernels of convolutions by trying them instead of by rules."""
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = True
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before
