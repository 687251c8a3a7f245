"""The cost of an update when there are already n regions, compared with training all regions anew.

The time per step is measured. Every update has the same number of steps, and joint training of n regions gets n times
as many. If there are fewer regions with data than updates, the regions are repeated under other names, because the time
of a step does not depend on the content of the images.
"""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas
import torch

from tsmu.benchmark import read_regions
from tsmu.chips import band_statistics, measure_image_statistics, select_chips
from tsmu.errors import BenchmarkError
from tsmu.model import RegionNet, device_in_use, precision_in_use
from tsmu.update import (
    PriorKnowledge,
    Strategy,
    TrainingProgress,
    TrainingResult,
    TrainingSettings,
    derive_seed,
    seeded_draws,
    strategy_named,
    train_region,
)

COMPARED_UPDATE = 4  # the update that is compared with joint training
WARM_UP = 2  # number of first steps of each stage that are not counted
JOINT = "joint"

Announce = Callable[[str], None]
Chips = Mapping[str, geopandas.GeoDataFrame]  # training chips by region


def benchmark_cost(
    data: Path,
    regions: Sequence[str],
    strategies: Sequence[str],
    updates: int,
    steps: int,
    batch_size: int,
    encoder: str,
    announce: Announce,
) -> dict[str, Any]:
    """Time all updates of each strategy; the keys are those of `python -m benchmarks cost --json`.

    Args:
        data: folder with one chips folder per region.
        regions: names of the regions; they are repeated in turn.
        strategies: names of the strategies.
        updates: how many regions each strategy learns, one after the other; at least 4.
        steps: optimisation steps of each update, which are divided between its stages as usual.
        batch_size: chips per step.
        encoder: name of the encoder.
        announce: called with one line before each training.

    Returns:
        The settings, and `strategies`, which has for each strategy: `step_s`, for each update the mean of the median
        time of a step in each stage, weighted by the stages' steps; `growth`, the largest time after the second update
        divided by the time of the second; `joint_step_s`, the time of a step of joint training of 4 regions, measured
        right after update 4; and `ratio_vs_joint`, the time of update 4 divided by that of joint training with 4 times
        the steps.

    Raises:
        BenchmarkError: this machine trains on a GPU.
    """
    if device_in_use() == "cuda":
        raise BenchmarkError(
            "cost: times single steps, and a training on a GPU reports ten together; set CUDA_VISIBLE_DEVICES= "
            "to measure the CPU, or run: python -m benchmarks gpu"
        )
    chips = read_regions(data, regions)
    train = {}
    for number in range(updates):
        region = regions[number % len(regions)]
        name = f"{number + 1} {region}"
        train[name] = select_chips(chips[region], region, "train").assign(region=name)
    setup = _Setup(train, TrainingSettings(steps, batch_size, 0), encoder)
    return {
        "strategies": {name: _time_strategy(name, setup, announce) for name in strategies},
        "regions": list(regions),
        "updates": updates,
        "steps": steps,
        "batch_size": batch_size,
        "encoder": encoder,
        "device": device_in_use(),
        "precision": precision_in_use(),
        "threads": torch.get_num_threads(),
    }


@dataclass(frozen=True)
class _Setup:
    """The settings of all measurements: the regions' training chips in order, the training settings, the encoder."""

    train: Chips
    settings: TrainingSettings
    encoder: str

    def network(self) -> RegionNet:
        """A network with its first weights."""
        mean, std = band_statistics(next(iter(self.train.values())))
        with seeded_draws(derive_seed(0, -1)):
            return RegionNet(self.encoder, mean, std)


def _time_strategy(name: str, setup: _Setup, announce: Announce) -> dict[str, Any]:
    """Let a strategy learn all regions, and measure the time of its updates and of one joint training."""
    strategy, network, known = strategy_named(name), setup.network(), PriorKnowledge()
    times, joint = [], float("nan")
    for number, (region, rows) in enumerate(setup.train.items(), start=1):
        announce(f"{name}, region {number} of {len(setup.train)}")
        seconds, learned = _seconds_per_step(network, region, rows, strategy, setup.settings, known)
        times.append(seconds)
        styles = {**known.image_statistics, learned.decoder: measure_image_statistics(rows)}
        old_chips = dict(list(setup.train.items())[:number]) if strategy.needs_old_chips else {}
        known = PriorKnowledge(old_chips, styles, learned.memory)
        if number == COMPARED_UPDATE:
            announce(f"joint training of {COMPARED_UPDATE} regions")
            joint = _time_joint_training(setup)
    return {
        "step_s": times,
        "growth": max(times[2:]) / times[1],
        "joint_step_s": joint,
        "ratio_vs_joint": times[COMPARED_UPDATE - 1] / (COMPARED_UPDATE * joint),
    }


def _time_joint_training(setup: _Setup) -> float:
    """Measure the seconds per step of joint training on the first four regions."""
    first = dict(list(setup.train.items())[:COMPARED_UPDATE])
    *old, last = first
    known = PriorKnowledge({name: first[name] for name in old})
    strategy = strategy_named(JOINT)
    return _seconds_per_step(setup.network(), last, first[last], strategy, setup.settings, known)[0]


def _seconds_per_step(
    network: RegionNet,
    region: str,
    chips: geopandas.GeoDataFrame,
    strategy: Strategy,
    settings: TrainingSettings,
    known: PriorKnowledge,
) -> tuple[float, TrainingResult]:
    """Train a region; returns the seconds per step, and the result of the training.

    The former are the median time of a step in each stage, averaged over the stages weighted by their steps.
    """
    ends: dict[str, list[float]] = {}

    def note_time(now: TrainingProgress) -> None:
        ends.setdefault(now.stage, []).append(time.perf_counter())

    learned = train_region(network, region, chips, strategy, settings, prior=known, progress=note_time)
    medians = {
        stage: statistics.median(b - a for a, b in zip(times[WARM_UP - 1 :], times[WARM_UP:], strict=False))
        for stage, times in ends.items()
    }
    return sum(medians[stage] * len(times) for stage, times in ends.items()) / settings.steps, learned


def cost_table(results: Mapping[str, Any]) -> str:
    """Write the results as Markdown."""
    numbers = range(1, results["updates"] + 1)
    lines = [
        "| strategy | " + " | ".join(f"s/step, region {n}" for n in numbers) + " | growth | region 4 vs joint |",
        "|---" * (3 + len(numbers)) + "|",
    ]
    for name, measured in results["strategies"].items():
        times = " | ".join(f"{seconds:.3f}" for seconds in measured["step_s"])
        lines.append(f"| {name} | {times} | {measured['growth']:.2f} | {measured['ratio_vs_joint']:.2f} |")
    return "\n".join([*lines, ""])
