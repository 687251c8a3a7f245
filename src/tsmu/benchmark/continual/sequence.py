"""The continual-learning benchmark: regions one after the other, every strategy on equal terms."""

import hashlib
import json
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import torch
from safetensors.torch import load_file, save_file

from tsmu.benchmark.chip_folders import check_order, read_regions
from tsmu.benchmark.continual.figures import course_of_learning, matrices
from tsmu.benchmark.continual.tables import tables
from tsmu.chips.index import bands_of, select
from tsmu.chips.looks import style_of
from tsmu.chips.splits import fold_split, series_apart, split_apart
from tsmu.chips.statistics import band_statistics
from tsmu.errors import BenchmarkError
from tsmu.evaluate.matrix import ContinualScores
from tsmu.evaluate.predict import count_chips, count_pixels
from tsmu.evaluate.threshold import choose_threshold
from tsmu.files import remove, write_json, write_text, written_whole
from tsmu.model.device import device_in_use, precision_in_use
from tsmu.model.network import RegionNet
from tsmu.model.weights import find_weights, weights_record
from tsmu.update.sampling import mix
from tsmu.update.strategies import strategy_named
from tsmu.update.strategy import Strategy
from tsmu.update.training import Known, Report, TrainingSettings, learn_region


@dataclass(frozen=True)
class ContinualSettings:
    """What a benchmark runs, and all that its figures depend on.

    Attributes:
        data: folder with one chips folder (`images/`, `masks/`) per region.
        regions: the order in which they are learned.
        strategies: by name.
        seeds: 0 to seeds - 1.
        steps: optimisation steps per region.
        batch_size: chips per step.
        encoder: encoder name.
        weights: what it starts from, the same for every strategy: `auto`, a name, a file or `none`.
        split: `fixed` (contiguous 64/16/20 %) or `folds` (seed s tests on the s-th of five blocks).
    """

    data: str
    regions: tuple[str, ...]
    strategies: tuple[str, ...]
    seeds: int
    steps: int
    batch_size: int
    encoder: str
    weights: str
    split: str

    @property
    def weights_digest(self) -> str | None:
        """SHA-256 of the weights that the encoder starts from on this machine; None of random ones."""
        pretrained = _find_weights_once(self.encoder, self.weights)
        return pretrained.digest if pretrained else None

    def key(self) -> str:
        """Name what the figures depend on, so that only equal runs are put together."""
        parts = [self.steps, self.batch_size, self.encoder, self.split, self.weights_digest]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:8]


_find_weights_once = cache(find_weights)  # every step of every cell starts from the same weights


RESULTS = "results.json"
SETTLED = ("regions", "steps", "batch_size", "encoder", "weights", "split")  # what all cells of a folder share
Say = Callable[[str], None]


def run_continual(settings: ContinualSettings, out: Path, say: Say, report: Report | None = None) -> dict[str, Any]:
    """Run every cell that is not in `out` yet and write `results.json`, tables and figures there.

    A cell is one strategy, order and seed; those that `out/results.json` holds from a run with equal
    settings are kept. What a network has learned after each region is kept in `out/states`, so an
    interrupted run goes on at the region where it stopped, and the first region, which all
    strategies learn alike, is trained once per seed.

    Returns:
        The content of results.json.
    """
    check_order(settings.regions)
    chips = read_regions(Path(settings.data), settings.regions)
    strategies = [strategy_named(name) for name in settings.strategies]
    cells = stored_cells(settings, out / RESULTS, SETTLED)
    there = {(cell["strategy"], cell["seed"]) for cell in cells}
    for seed in range(settings.seeds):
        for strategy in strategies:
            if (strategy.name, seed) in there:
                continue
            say(f"{strategy.name}, seed {seed}")
            cells.append(_run_cell(settings, strategy, seed, split_chips(chips, settings.split, seed), out, report))
            write_json(out / RESULTS, _results(settings, cells))
    results = _results(settings, cells)
    write_text(out / "tables.md", tables(results))
    write_text(out / "course.svg", course_of_learning(results))
    write_text(out / "matrices.svg", matrices(results))
    return results


def stored_cells(settings: ContinualSettings, file: Path, settled: Sequence[str]) -> list[dict[str, Any]]:
    """The cells of an earlier run with equal settings; one with others is an error, or its cells would be lost.

    Args:
        settings: of this run.
        file: what the earlier one wrote, if there was one.
        settled: the settings that have to be equal.

    Raises:
        BenchmarkError: the folder holds another run's results.
    """
    if not file.exists():
        return []
    stored = json.loads(file.read_text(encoding="utf-8"))
    for name in settled:
        given, there = (
            getattr(settings, name),
            stored["settings"].get(name, "none"),
        )  # the first results have no weights
        if (list(given) if isinstance(given, tuple) else given) != there:
            raise BenchmarkError(f"{file}: holds a run with {name} {there}, asked for {given}; name another folder")
    cells: list[dict[str, Any]] = stored["cells"]
    if others := [cell for cell in cells if cell.get("weights_digest") != settings.weights_digest]:
        raise BenchmarkError(
            f"{file}: its cells started from other weights ({others[0].get('weights_source')}); name another folder, "
            "or the same --weights"
        )
    return cells


def split_chips(chips: dict[str, geopandas.GeoDataFrame], split: str, seed: int) -> dict[str, geopandas.GeoDataFrame]:
    """Split the chips of every region as a seed has them."""
    if split == "fixed":
        return chips
    result = {}
    for region, rows in chips.items():
        parts = series_apart([Path(post).stem for post in rows["post"]], list(rows["landslide_pixels"] > 0))
        sides = split_apart(parts, list(rows["group"]), lambda groups: fold_split(groups, seed))
        result[region] = rows.assign(split=sides)
    return result


def _run_cell(
    settings: ContinualSettings,
    strategy: Strategy,
    seed: int,
    chips: dict[str, geopandas.GeoDataFrame],
    out: Path,
    report: Report | None,
) -> dict[str, Any]:
    """Learn the regions in order; after each, score all of them."""
    order = settings.regions
    steps = learn_in_order(settings, strategy, seed, chips, len(order), out, report)
    scores = ContinualScores(
        np.array([step["R"] for step in steps], float),  # what is not defined was written as null
        pixels=steps[-1]["pixels"],
        baseline=np.array(steps[-1]["baseline"], float).tolist(),
        learned_at=range(len(order)),
    )
    return {
        "strategy": strategy.name,
        "order": list(order),
        "seed": seed,
        "split": settings.split,
        "encoder": settings.encoder,
        **weights_record(_find_weights_once(settings.encoder, settings.weights), bands_of(chips[order[0]])),
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


def learn_in_order(
    settings: ContinualSettings,
    strategy: Strategy,
    seed: int,
    chips: dict[str, geopandas.GeoDataFrame],
    regions: int,
    out: Path,
    report: Report | None,
) -> list[dict[str, Any]]:
    """Learn the first regions of the order, and return what each step left in `out/states`."""
    steps: list[dict[str, Any]] = []
    for number in range(1, regions + 1):
        learner = strategy.name if number > 1 or strategy.remembers else "first"
        name = f"{learner}-{seed}-{settings.key()}-{'-'.join(settings.regions[:number])}"
        done = out / "states" / f"{name}.json"
        if not done.exists():
            _run_step(settings, strategy, seed, chips, steps, done, report)
        steps.append(json.loads(done.read_text()))
    return steps


def _run_step(
    settings: ContinualSettings,
    strategy: Strategy,
    seed: int,
    chips: dict[str, geopandas.GeoDataFrame],
    before: Sequence[dict[str, Any]],
    done: Path,
    report: Report | None,
) -> None:
    """Learn the next region on top of the steps before, and store network and scores beside `done`."""
    *old, region = settings.regions[: len(before) + 1]
    train = {name: select(chips[name], name, "train") for name in (*old, region)}
    network = network_after(settings, seed, train, [] if strategy.starts_fresh else before, done.parent)
    # Joint training gets the steps that the others got over all regions.
    rounds = len(before) + 1 if strategy.starts_fresh and strategy.sees_old_chips else 1
    training = TrainingSettings(rounds * settings.steps, settings.batch_size, seed)
    checkpoints = done.with_suffix(".run")
    started = time.monotonic()
    learned = learn_region(
        network,
        region,
        train[region],
        strategy,
        training,
        known=known_after(strategy, {name: train[name] for name in old}, before, done.parent),
        checkpoints=checkpoints,
        report=report,
    )
    seconds = time.monotonic() - started
    serving: dict[str, dict[str, Any]] = dict(before[-1]["serving"]) if before else {}
    for name in (*(old if strategy.sees_old_chips else ()), region):
        decoder = learned.decoder if name == region else strategy.decoder_for(network, name)
        threshold = choose_threshold(count_chips(network, decoder, select(chips[name], name, "val")))
        serving[name] = {"decoder": decoder, "threshold": threshold}
    scored = {name: before[-1]["scored"][name] for name in old} if strategy.keeps_old_models else {}
    for name in settings.regions:
        if name not in scored:
            # Where the region's decoder is not (yet, or any more) in the network, the newest one answers.
            served = serving.get(name, serving[region])
            served = served if served["decoder"] in network.decoder_names else serving[region]
            scored[name] = _score(network, served, chips[name], name)
    files = {"state": network.state_dict(), "memory": learned.memory}
    kept = sum(tensor.nbytes for tensors in files.values() for tensor in tensors.values())
    for kind, tensors in files.items():
        with written_whole(done.with_suffix(f".{kind}.safetensors")) as temporary:
            save_file({key: value.contiguous() for key, value in tensors.items()}, temporary)
    result = {
        "region": region,
        "serving": serving,
        "scored": scored,
        **{key: [scored[name][key] for name in settings.regions] for key in ("R", "R_at_half", "pixels", "baseline")},
        "seconds": seconds,
        "bytes": kept + (before[-1]["bytes"] if before and strategy.keeps_old_models else 0),
        "decoders": list(network.decoder_names),
        "name": done.stem,
    }
    write_json(done, result)
    remove(checkpoints)


def _score(network: RegionNet, serving: dict[str, Any], chips: geopandas.GeoDataFrame, region: str) -> dict[str, Any]:
    counts = count_pixels(network, serving["decoder"], select(chips, region, "test"))
    return {
        "R": counts.iou(serving["threshold"]),
        "R_at_half": counts.iou(50),
        "pixels": counts.pixels,
        "baseline": counts.landslide_share,
    }


def known_after(
    strategy: Strategy, old: dict[str, geopandas.GeoDataFrame], before: Sequence[dict[str, Any]], states: Path
) -> Known:
    """What the strategy may know of the regions that were learned in the steps before."""
    if not before:
        return Known()
    styles = {before[-1]["serving"][name]["decoder"]: style_of(chips) for name, chips in old.items()}
    memory = load_file(states / f"{before[-1]['name']}.memory.safetensors")
    return Known(old if strategy.sees_old_chips else {}, styles, memory)


def network_after(
    settings: ContinualSettings,
    seed: int,
    train: dict[str, geopandas.GeoDataFrame],
    before: Sequence[dict[str, Any]],
    states: Path,
) -> RegionNet:
    """The network as the last step left it; before the first one, a fresh network."""
    # All networks have the first region's band statistics, so that no strategy has better ones.
    mean, std = band_statistics(train[settings.regions[0]])
    with torch.random.fork_rng():
        torch.manual_seed(mix(seed, -1))
        pretrained = _find_weights_once(settings.encoder, settings.weights)
        network = RegionNet(settings.encoder, mean, std, pretrained, bands_of(train[settings.regions[0]]))
    if before:
        for decoder in before[-1]["decoders"]:
            network.add_decoder(decoder)
        network.load_state_dict(load_file(states / f"{before[-1]['name']}.state.safetensors"))
    return network


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
