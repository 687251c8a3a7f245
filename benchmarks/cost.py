"""The cost of an update when there are already n regions, compared with training all regions anew.

The time per step is measured. Every update has the same number of steps, and joint training of n regions gets n
times as many. Where more regions are asked for than there are data of, the same ones follow again under other names:
the time of a step does not depend on what the images show.
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
WARM_UP = 2  # steps of each stage that are not counted
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
        updates: how many regions each of them learns, one after the other; at least 4.
        steps: optimisation steps of each update, of which its stages have their usual shares.
        batch_size: chips per step.
        encoder: encoder name.
        announce: called with one line before each training.

    Returns:
        By strategy: `step_s`, the mean over an update's steps of the median time of a step in each
        stage, per update; `growth`, the largest of the updates after the second over the second;
        `ratio_vs_joint`, update 4 over joint training of 4 regions with 4 times the steps, `joint_step_s`
        measured right after that update.

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
    """What all measurements share: the chips of the regions in order, the training settings and the encoder."""

    train: Chips
    settings: TrainingSettings
    encoder: str

    def network(self) -> RegionNet:
        """A network with its first weights."""
        mean, std = band_statistics(next(iter(self.train.values())))
        with seeded_draws(derive_seed(0, -1)):
            return RegionNet(self.encoder, mean, std)


def _time_strategy(name: str, setup: _Setup, announce: Announce) -> dict[str, Any]:
    """Let a strategy learn all regions, and time its updates and one joint training."""
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
    """Seconds per step of joint training on the first four regions."""
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
    """Median time of a step in each stage, averaged over the stages by their steps; and what was learned."""
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
