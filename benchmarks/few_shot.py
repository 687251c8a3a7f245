"""A learning curve: a new region from 5, 10, 20 and all of its chips, with and without old regions."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import geopandas
import torch
from matplotlib.figure import Figure

from tsmu.benchmark.chip_folders import check_order, read_regions
from tsmu.benchmark.continual.sequence import (
    SETTLED,
    ContinualSettings,
    known_after,
    learn_in_order,
    network_after,
    split_chips,
    stored_cells,
)
from tsmu.benchmark.continual.tables import mean_and_error
from tsmu.chips.index import select
from tsmu.evaluate.figures import BLUE, ORANGE, svg_of
from tsmu.evaluate.predict import count_pixels
from tsmu.evaluate.threshold import NEUTRAL
from tsmu.files import write_json, write_text
from tsmu.model.network import RegionNet
from tsmu.update.sampling import mix
from tsmu.update.strategies import strategy_named
from tsmu.update.training import Known, Report, TrainingSettings, learn_region

RESULTS = "few_shot.json"


def run_few_shot(
    settings: ContinualSettings, sizes: Sequence[int], out: Path, say: Callable[[str], None], report: Report | None
) -> dict[str, Any]:
    """Learn the last region of the order from some of its chips, and write `few_shot.json` and its figure.

    With a start, it is learned by the first strategy on top of the regions before, whose states are
    shared with the continual benchmark in the same folder; without one, by a network of its own with
    as many steps. The chips of a size are among those of the next larger one.

    Args:
        settings: as of the continual benchmark.
        sizes: numbers of training chips; all of them are added.
        out: folder; cells that it holds are kept.
        say: told what is learned next.
        report: called after each training step.

    Returns:
        The content of few_shot.json: `cells` with seed, chips, start (or not) and IoU at 50 %.

    Raises:
        BenchmarkError: the folder holds another run's results.
    """
    check_order(settings.regions)
    chips = read_regions(Path(settings.data), settings.regions)
    file = out / RESULTS
    cells = stored_cells(settings, file, (*SETTLED, "strategies"))
    there = {(cell["seed"], cell["chips"], cell["start"]) for cell in cells}
    region = settings.regions[-1]
    results = {"settings": asdict(settings), "region": region, "cells": cells}
    for seed in range(settings.seeds):
        split = split_chips(chips, settings.split, seed)
        train = select(split[region], region, "train")
        for size in sorted({size for size in sizes if size < len(train)} | {len(train)}):
            for start in (True, False):
                if (seed, size, start) in there:
                    continue
                say(f"{size} chips of {region}, {'with' if start else 'without'} a start, seed {seed}")
                score = _learn(settings, seed, split, _some(train, size, seed), start, out, report)
                cell = {"seed": seed, "chips": size, "start": start, "iou": score}
                cells.append(cell | {"weights_digest": settings.weights_digest})
                write_json(file, results)
    write_text(out / "few_shot.svg", _figure(results))
    return results


def _some(chips: geopandas.GeoDataFrame, size: int, seed: int) -> geopandas.GeoDataFrame:
    order = torch.randperm(len(chips), generator=torch.Generator().manual_seed(mix(seed, -7)))
    return chips.iloc[sorted(order[:size].tolist())]


def _learn(
    settings: ContinualSettings,
    seed: int,
    chips: dict[str, geopandas.GeoDataFrame],
    some: geopandas.GeoDataFrame,
    start: bool,
    out: Path,
    report: Report | None,
) -> float:
    *old, region = settings.regions
    strategy = strategy_named(settings.strategies[0])
    steps = learn_in_order(settings, strategy, seed, chips, len(old), out, report) if start else []
    train = {name: select(chips[name], name, "train") for name in old}
    network: RegionNet = network_after(settings, seed, train, steps, out / "states")
    known = known_after(strategy, train, steps, out / "states") if start else Known()
    training = TrainingSettings(settings.steps, settings.batch_size, seed)
    learned = learn_region(network, region, some, strategy, training, known=known, report=report)
    # Who has five chips has none to choose another threshold on.
    return count_pixels(network, learned.decoder, select(chips[region], region, "test")).iou(NEUTRAL)


def curve(results: dict[str, Any], start: bool) -> dict[int, tuple[float, float]]:
    """Mean IoU and standard error by number of chips."""
    cells = [cell for cell in results["cells"] if cell["start"] == start]
    sizes = sorted({cell["chips"] for cell in cells})
    return {size: mean_and_error(cell["iou"] for cell in cells if cell["chips"] == size) for size in sizes}


def few_shot_table(results: dict[str, Any]) -> str:
    """Write the results as Markdown."""
    with_start, without = curve(results, True), curve(results, False)
    lines = [f"| chips of {results['region']} | on top of the other regions | alone |", "|---|---|---|"]
    for size in with_start:
        shown = (f"{mean:.3f} +- {error:.3f}" for mean, error in (with_start[size], without[size]))
        lines.append(f"| {size} | {' | '.join(shown)} |")
    return "\n".join([*lines, ""])


def _figure(results: dict[str, Any]) -> str:
    figure = Figure(figsize=(5, 3.4), layout="constrained")
    axes = figure.subplots()
    for start, colour, label in ((True, BLUE, "on top of the other regions"), (False, ORANGE, "alone")):
        points = curve(results, start)
        means, errors = zip(*points.values(), strict=True)
        axes.errorbar(list(points), means, yerr=errors, marker="o", color=colour, label=label)
    axes.set(xscale="log", xlabel=f"training chips of {results['region']}", ylabel="IoU on its test chips, 50 %")
    axes.set_xticks(list(points), [str(size) for size in points], minor=False)
    axes.legend(frameon=False)
    return svg_of(figure)
