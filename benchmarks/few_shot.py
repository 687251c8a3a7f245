"""A learning curve: a new region is learned from few to all of its chips, with and without the regions before it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import geopandas
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tsmu.benchmark import (
    SHARED_SETTINGS,
    ContinualSettings,
    RegionSequence,
    check_order,
    mean_and_error,
    read_regions,
    split_chips,
    stored_cells,
)
from tsmu.chips import select_chips
from tsmu.evaluate import BLUE, NEUTRAL_PERCENT, ORANGE, count_pixels, figure_svg
from tsmu.files import write_json, write_text
from tsmu.update import ProgressCallback, TrainingSettings, derive_seed, strategy_named, train_region

RESULTS = "few_shot.json"


def run_few_shot(
    settings: ContinualSettings,
    sizes: Sequence[int],
    out: Path,
    announce: Callable[[str], None],
    report: ProgressCallback | None,
) -> dict[str, Any]:
    """Learn the last region of the order from some of its chips, and write `few_shot.json` and its figure.

    With a start, the region is learned by the first strategy after the regions before it, whose stored networks are
    shared with a continual benchmark in the same folder. Without a start, a new network learns it in as many steps. A
    larger number of chips contains the chips of all smaller numbers.

    Args:
        settings: settings of the continual benchmark; only the first of their strategies is used.
        sizes: numbers of training chips; the number of all chips of the region is added.
        out: folder of the results; cells that it holds from a run with equal settings are kept.
        announce: called with one line before each training.
        report: called after each optimisation step.

    Returns:
        The content of few_shot.json: `settings`, `region`, and `cells` with `seed`, number of `chips`, `start` (whether
        there was one) and `iou` at 50 %.

    Raises:
        BenchmarkError: there are fewer than two regions, or the folder holds another run's results.
    """
    check_order(settings.regions)
    chips = read_regions(Path(settings.data), settings.regions)
    file = out / RESULTS
    cells = stored_cells(settings, file, (*SHARED_SETTINGS, "strategies"))
    existing = {(cell["seed"], cell["chips"], cell["start"]) for cell in cells}
    region = settings.regions[-1]
    results = {"settings": asdict(settings), "region": region, "cells": cells}
    strategy = strategy_named(settings.strategies[0])
    for seed in range(settings.seeds):
        split = split_chips(chips, settings.split, seed)
        sequence = RegionSequence(settings, strategy, seed, split, out / "states")
        train = select_chips(split[region], region, "train")
        for size in sorted({size for size in sizes if size < len(train)} | {len(train)}):
            for start in (True, False):
                if (seed, size, start) in existing:
                    continue
                announce(f"{size} chips of {region}, {'with' if start else 'without'} a start, seed {seed}")
                iou = _learn_last(sequence, _sample(train, size, seed), start, report)
                cell = {"seed": seed, "chips": size, "start": start, "iou": iou}
                cells.append(cell | {"weights_digest": settings.weights_digest})
                write_json(file, results)
    write_text(out / "few_shot.svg", _figure(results))
    return results


def _sample(chips: geopandas.GeoDataFrame, size: int, seed: int) -> geopandas.GeoDataFrame:
    """Choose so many chips at random; their order is kept."""
    order = torch.randperm(len(chips), generator=torch.Generator().manual_seed(derive_seed(seed, -7)))
    return chips.iloc[sorted(order[:size].tolist())]


def _learn_last(
    sequence: RegionSequence, train: geopandas.GeoDataFrame, start: bool, report: ProgressCallback | None
) -> float:
    """Learn the last region from these chips, and return the IoU on its test chips at 50 %."""
    settings = sequence.settings
    *old, region = settings.regions
    steps = sequence.learn(len(old), report) if start else []
    network, known = sequence.network_after(steps), sequence.knowledge_after(steps)
    training = TrainingSettings(settings.steps, settings.batch_size, sequence.seed)
    learned = train_region(network, region, train, sequence.strategy, training, prior=known, progress=report)
    # At 50 %, because a user with five chips has none to choose another threshold on.
    return count_pixels(network, learned.decoder, select_chips(sequence.chips[region], region, "test")).iou(
        NEUTRAL_PERCENT
    )


def learning_curve(results: Mapping[str, Any], start: bool) -> dict[int, tuple[float, float]]:
    """For each number of chips the mean IoU over seeds and its standard error, with or without a start."""
    cells = [cell for cell in results["cells"] if cell["start"] == start]
    sizes = sorted({cell["chips"] for cell in cells})
    return {size: mean_and_error(cell["iou"] for cell in cells if cell["chips"] == size) for size in sizes}


def few_shot_table(results: Mapping[str, Any]) -> str:
    """Write the results as Markdown."""
    with_start, without = learning_curve(results, True), learning_curve(results, False)
    lines = [f"| chips of {results['region']} | on top of the other regions | alone |", "|---|---|---|"]
    for size in with_start:
        scores = (f"{mean:.3f} +- {error:.3f}" for mean, error in (with_start[size], without[size]))
        lines.append(f"| {size} | {' | '.join(scores)} |")
    return "\n".join([*lines, ""])


def _figure(results: Mapping[str, Any]) -> str:
    """Draw both learning curves as SVG."""
    figure = Figure(figsize=(5, 3.4), layout="constrained")
    axes: Axes = figure.subplots()
    for start, colour, label in ((True, BLUE, "on top of the other regions"), (False, ORANGE, "alone")):
        points = learning_curve(results, start)
        means, errors = zip(*points.values(), strict=True)
        axes.errorbar(list(points), means, yerr=errors, marker="o", color=colour, label=label)
    axes.set(xscale="log", xlabel=f"training chips of {results['region']}", ylabel="IoU on its test chips, 50 %")
    axes.set_xticks(list(points), [str(size) for size in points], minor=False)
    axes.legend(frameon=False)
    return figure_svg(figure)
