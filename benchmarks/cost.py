"""What an update costs when there are already n regions, beside training all regions anew.

Time per step is what is measured; every update has the same number of steps, and joint training of
n regions gets n times as many. Regions beyond those that there are data of are the same again under
other names: what a step costs does not depend on what is in the images.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import geopandas
import torch

from tsmu.benchmark.chip_folders import read_regions
from tsmu.chips.index import select
from tsmu.chips.looks import style_of
from tsmu.chips.statistics import band_statistics
from tsmu.model.device import device_in_use, precision_in_use
from tsmu.model.network import RegionNet
from tsmu.update.sampling import mix
from tsmu.update.strategies import strategy_named
from tsmu.update.strategy import Strategy
from tsmu.update.training import Known, Learned, TrainingProgress, TrainingSettings, learn_region

COMPARED = 4  # the region at which an update is compared with joint training
WARM_UP = 2  # steps of each stage that are not counted
JOINT = "joint"

Say = Callable[[str], None]


def benchmark_cost(
    data: Path,
    regions: Sequence[str],
    strategies: Sequence[str],
    updates: int,
    steps: int,
    batch_size: int,
    encoder: str,
    say: Say,
) -> dict[str, Any]:
    """Measure; the keys are those of `tsmu benchmark cost --json`.

    Args:
        data: folder with one chips folder per region.
        regions: by name; repeated in turn.
        strategies: to be measured.
        updates: regions that each of them learns, one after the other; at least 4.
        steps: of each update, in which its stages have their usual shares.
        batch_size: chips per step.
        encoder: encoder name.
        say: told what is measured next.

    Returns:
        By strategy: `step_s`, the mean over an update's steps of the median time of a step in each
        stage, per update; `growth`, the largest of the updates after the second over the second;
        `ratio_vs_joint`, update 4 over joint training of 4 regions with 4 times the steps, `joint_step_s`
        measured right after that update.
    """
    there = read_regions(data, regions)
    train = {}
    for number in range(updates):
        region = regions[number % len(regions)]
        train[f"{number + 1} {region}"] = select(there[region], region, "train").assign(region=f"{number + 1} {region}")
    settings = TrainingSettings(steps, batch_size, 0)
    measured = {}
    for name in strategies:
        strategy, network, known = strategy_named(name), _network(train, encoder), Known()
        times, joint = [], float("nan")
        for number, (region, rows) in enumerate(train.items(), start=1):
            say(f"{name}, region {number} of {updates}")
            seconds, learned = _seconds_per_step(network, region, rows, strategy, settings, known)
            times.append(seconds)
            styles = {**known.styles, learned.decoder: style_of(rows)}
            shown = dict(list(train.items())[:number]) if strategy.sees_old_chips else {}
            known = Known(shown, styles, learned.memory)
            if number == COMPARED:
                say(f"joint training of {COMPARED} regions")
                first = dict(list(train.items())[:COMPARED])
                joint = _joint(first, encoder, settings)
        measured[name] = {
            "step_s": times,
            "growth": max(times[2:]) / times[1],
            "joint_step_s": joint,
            "ratio_vs_joint": times[COMPARED - 1] / (COMPARED * joint),
        }
    return {
        "strategies": measured,
        "regions": list(regions),
        "updates": updates,
        "steps": steps,
        "batch_size": batch_size,
        "encoder": encoder,
        "device": device_in_use(),
        "precision": precision_in_use(),
        "threads": torch.get_num_threads(),
    }


def _joint(train: dict[str, geopandas.GeoDataFrame], encoder: str, settings: TrainingSettings) -> float:
    *old, last = train
    known = Known({name: train[name] for name in old})
    return _seconds_per_step(_network(train, encoder), last, train[last], strategy_named(JOINT), settings, known)[0]


def _seconds_per_step(
    network: RegionNet,
    region: str,
    chips: geopandas.GeoDataFrame,
    strategy: Strategy,
    settings: TrainingSettings,
    known: Known,
) -> tuple[float, Learned]:
    """Median time of a step in each stage, averaged over the stages by their steps; and what was learned."""
    ends: dict[str, list[float]] = {}

    def note(now: TrainingProgress) -> None:
        ends.setdefault(now.stage, []).append(time.perf_counter())

    learned = learn_region(network, region, chips, strategy, settings, known=known, report=note)
    medians = {
        stage: statistics.median(b - a for a, b in zip(times[WARM_UP - 1 :], times[WARM_UP:], strict=False))
        for stage, times in ends.items()
    }
    return sum(medians[stage] * len(times) for stage, times in ends.items()) / settings.steps, learned


def _network(train: dict[str, geopandas.GeoDataFrame], encoder: str) -> RegionNet:
    mean, std = band_statistics(next(iter(train.values())))
    with torch.random.fork_rng():
        torch.manual_seed(mix(0, -1))
        return RegionNet(encoder, mean, std)


def cost_table(results: dict[str, Any]) -> str:
    """Write the results as Markdown."""
    numbers = range(1, results["updates"] + 1)
    lines = [
        "| strategy | " + " | ".join(f"s/step, region {n}" for n in numbers) + " | growth | region 4 vs joint |",
        "|---" * (3 + len(numbers)) + "|",
    ]
    for name, found in results["strategies"].items():
        times = " | ".join(f"{seconds:.3f}" for seconds in found["step_s"])
        lines.append(f"| {name} | {times} | {found['growth']:.2f} | {found['ratio_vs_joint']:.2f} |")
    return "\n".join([*lines, ""])
