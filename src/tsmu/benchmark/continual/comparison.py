"""The comparison of strategies: each learns the same regions in the same order, with the same seeds."""

import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import torch

from tsmu.benchmark.chip_folders import check_order, read_regions
from tsmu.benchmark.continual.figures import draw_course, draw_matrices
from tsmu.benchmark.continual.sequence import RegionSequence, Step
from tsmu.benchmark.continual.settings import SHARED_SETTINGS, ContinualSettings, stored_cells
from tsmu.benchmark.continual.tables import continual_tables
from tsmu.chips import fold_split, landslide_free_series, shared_bands, split_parts
from tsmu.evaluate import ContinualScores
from tsmu.files import write_json, write_text
from tsmu.model import device_in_use, precision_in_use, weights_record
from tsmu.update import ProgressCallback, strategy_named

RESULTS = "results.json"


def run_continual(
    settings: ContinualSettings, out: Path, announce: Callable[[str], None], report: ProgressCallback | None = None
) -> dict[str, Any]:
    """Let every strategy learn the regions with every seed, and write results, tables and figures.

    A cell is the result of one strategy with one seed. Cells that `out/results.json` holds from a run with equal
    settings are not computed again. The network after each region is stored in `out/states`, so that an interrupted run
    continues at the region where it stopped.

    Args:
        settings: the settings of the benchmark.
        out: folder for `results.json`, `tables.md`, `course.svg`, `matrices.svg` and `states/`.
        announce: called with one line before each cell that is computed.
        report: called after each optimisation step.

    Returns:
        The content of `results.json`: `settings`, `versions`, `device`, `written` and `cells`. A cell has the
        matrices `R` and `R_at_half` ([i][j]: IoU on the test chips of region j after learning region i, at the chosen
        threshold and at 50 %), thresholds, seconds, bytes, and `summaries` with WA, WF and others after each region.

    Raises:
        BenchmarkError: there are fewer than two regions, chips cannot be read, or the folder holds another run.
        UpdateError: a strategy does not exist.

    Example:
        >>> run_continual(settings, Path("out"), print)["cells"][0]["R"]  # doctest: +SKIP
        [[0.476, 0.112], [0.476, 0.562]]
    """
    check_order(settings.regions)
    chips = read_regions(Path(settings.data), settings.regions)
    strategies = [strategy_named(name) for name in settings.strategies]
    cells = stored_cells(settings, out / RESULTS, SHARED_SETTINGS)
    existing = {(cell["strategy"], cell["seed"]) for cell in cells}
    for seed in range(settings.seeds):
        for strategy in strategies:
            if (strategy.name, seed) in existing:
                continue
            announce(f"{strategy.name}, seed {seed}")
            split = split_chips(chips, settings.split, seed)
            sequence = RegionSequence(settings, strategy, seed, split, out / "states")
            cells.append(_cell(sequence, sequence.learn(len(settings.regions), report)))
            write_json(out / RESULTS, _results(settings, cells))
    results = _results(settings, cells)
    write_text(out / "tables.md", continual_tables(results))
    write_text(out / "course.svg", draw_course(results))
    write_text(out / "matrices.svg", draw_matrices(results))
    return results


def split_chips(chips: dict[str, geopandas.GeoDataFrame], split: str, seed: int) -> dict[str, geopandas.GeoDataFrame]:
    """Divide the chips of every region into training, validation and test chips.

    Args:
        chips: for each region its chips as rows of a chips index.
        split: `fixed` keeps the column `split` of the rows; `folds` makes it anew.
        seed: for `folds`, the number of the fold that becomes the test chips.

    Example:
        >>> chips = read_regions(Path("data"), ["hills"])
        >>> split_chips(chips, "folds", seed=0)["hills"]["split"].value_counts().sort_index().to_dict()
        {'test': 2, 'train': 6, 'val': 2}
    """
    if split == "fixed":
        return chips
    result = {}
    for region, rows in chips.items():
        series = landslide_free_series([Path(post).stem for post in rows["post"]], list(rows["landslide_pixels"] > 0))
        splits = split_parts(series, list(rows["group"]), lambda groups: fold_split(groups, seed))
        result[region] = rows.assign(split=splits)
    return result


def _cell(sequence: RegionSequence, steps: Sequence[Step]) -> dict[str, Any]:
    """The cell of a strategy and seed, made from the records of its steps."""
    settings, order = sequence.settings, sequence.settings.regions
    scores = ContinualScores(
        np.array([step["R"] for step in steps], float),  # undefined scores are stored as null
        pixels=steps[-1]["pixels"],
        baseline=np.array(steps[-1]["baseline"], float).tolist(),
        learned_at=range(len(order)),
    )
    return {
        "strategy": sequence.strategy.name,
        "order": list(order),
        "seed": sequence.seed,
        "split": settings.split,
        "encoder": settings.encoder,
        **weights_record(settings.pretrained(), shared_bands(sequence.chips[order[0]])),
        "R": [step["R"] for step in steps],
        "R_at_half": [step["R_at_half"] for step in steps],
        "threshold": [[serving["threshold"] / 100 for serving in step["serving"].values()] for step in steps],
        "seconds": [step["seconds"] for step in steps],
        "bytes": [step["bytes"] for step in steps],
        "pixels": list(scores.pixels),
        "baseline": list(scores.baseline),
        "summaries": scores.summaries(),
        "device": _device(),
    }


def _results(settings: ContinualSettings, cells: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "settings": asdict(settings)
        | {
            "strategies": list(dict.fromkeys(cell["strategy"] for cell in cells)),
            "seeds": 1 + max(cell["seed"] for cell in cells),
        },
        "versions": {name: version(name) for name in ("tsmu", "torch", "segmentation-models-pytorch")},
        "device": _device(),
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "cells": cells,
    }


def _device() -> dict[str, Any]:
    return {
        "kind": device_in_use(),
        "name": _device_name(),
        "threads": torch.get_num_threads(),
        "precision": precision_in_use(),
    }


def _device_name() -> str:
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return str(torch.cpu.get_capabilities().get("cpu_name", platform.machine()))
