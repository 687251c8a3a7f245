"""Regions learned one after the other by one strategy, with everything that a step leaves stored on disk."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas
from safetensors.torch import load_file, save_file
from torch import Tensor

from tsmu.benchmark.continual.settings import ContinualSettings
from tsmu.chips import band_statistics, measure_image_statistics, select_chips, shared_bands
from tsmu.evaluate import choose_threshold, count_pixels, count_pixels_by_chip
from tsmu.files import atomic_write, remove, write_json
from tsmu.model import RegionNet
from tsmu.update import (
    PriorKnowledge,
    ProgressCallback,
    Strategy,
    TrainingSettings,
    derive_seed,
    seeded_draws,
    train_region,
)

FIRST = "first"  # the strategy in the names of first steps, which all strategies without a memory share
SCORES = ("R", "R_at_half", "pixels", "baseline")  # what is measured on the test chips of a region

Step = dict[str, Any]


@dataclass(frozen=True)
class RegionSequence:
    """One strategy that learns regions in order, with one seed.

    Each step is stored as `NAME.json` (scores, see `learn`), `NAME.state.safetensors` (the network) and
    `NAME.memory.safetensors` (what the strategy keeps for later), so that an interrupted sequence goes on at the
    region where it stopped, and the first region, which all strategies learn alike, is trained once per seed.

    Attributes:
        settings: settings of the benchmark.
        strategy: how the regions are learned.
        seed: seed of the first weights and of the trainings.
        chips: by region, its chips as rows of a chips index with a column `split` (`train`, `val`, `test`).
        states: folder of the stored steps.

    Example:
        >>> chips = split_chips(read_regions(Path("data"), settings.regions), "fixed", seed=0)  # doctest: +SKIP
        >>> sequence = RegionSequence(settings, strategy_named("isolate"), 0, chips, Path("states"))  # doctest: +SKIP
        >>> steps = sequence.learn(2)  # doctest: +SKIP
        >>> network = sequence.network_after(steps)  # doctest: +SKIP
    """

    settings: ContinualSettings
    strategy: Strategy
    seed: int
    chips: Mapping[str, geopandas.GeoDataFrame]
    states: Path

    def learn(self, count: int, report: ProgressCallback | None = None) -> list[Step]:
        """Learn the first `count` regions of the order; steps that are stored already are not repeated.

        Args:
            count: how many regions.
            report: called after each optimisation step.

        Returns:
            One record per region: `R` and `R_at_half` (the IoU on the test chips of all regions of the order, at the
            chosen threshold and at 50 %), `pixels` and `baseline` (test pixels of each region, and their landslide
            share), `serving` (decoder and threshold in percent by region), `scored` (the same four scores by region),
            `seconds` of the training, `bytes` that have to be kept, `decoders` of the network, and the step's `name`.
        """
        steps: list[Step] = []
        for number in range(1, count + 1):
            learner = self.strategy.name if number > 1 or self.strategy.needs_memory else FIRST
            name = f"{learner}-{self.seed}-{self.settings.key()}-{'-'.join(self.settings.regions[:number])}"
            file = self.states / f"{name}.json"
            if not file.exists():
                self._learn_next(steps, file, report)
            steps.append(json.loads(file.read_text()))
        return steps

    def network_after(self, steps: Sequence[Step]) -> RegionNet:
        """Load the network as the last of these steps left it; without any step, make one with its first weights.

        All networks have the band statistics of the order's first region, so that no strategy has better ones.
        """
        first = self._training_chips(self.settings.regions[0])
        mean, std = band_statistics(first)
        with seeded_draws(derive_seed(self.seed, -1)):
            network = RegionNet(
                self.settings.encoder, mean, std, weights=self.settings.pretrained(), bands=shared_bands(first)
            )
        if steps:
            for decoder in steps[-1]["decoders"]:
                network.add_decoder(decoder)
            network.load_state_dict(load_file(self.states / f"{steps[-1]['name']}.state.safetensors"))
        return network

    def knowledge_after(self, steps: Sequence[Step]) -> PriorKnowledge:
        """What the strategy may use of the regions that these steps learned: statistics, memory, perhaps old chips."""
        if not steps:
            return PriorKnowledge()
        old = {name: self._training_chips(name) for name in self.settings.regions[: len(steps)]}
        styles = {steps[-1]["serving"][name]["decoder"]: measure_image_statistics(chips) for name, chips in old.items()}
        memory = load_file(self.states / f"{steps[-1]['name']}.memory.safetensors")
        return PriorKnowledge(old if self.strategy.needs_old_chips else {}, styles, memory)

    def _training_chips(self, region: str) -> geopandas.GeoDataFrame:
        return select_chips(self.chips[region], region, "train")

    def _learn_next(self, steps: Sequence[Step], file: Path, report: ProgressCallback | None) -> None:
        """Learn the region that follows these steps, and store network, memory and scores beside `file`."""
        *old, region = self.settings.regions[: len(steps) + 1]
        network = self.network_after([] if self.strategy.from_scratch else steps)
        # Joint training gets the steps that the others got over all regions.
        rounds = len(steps) + 1 if self.strategy.from_scratch and self.strategy.needs_old_chips else 1
        training = TrainingSettings(rounds * self.settings.steps, self.settings.batch_size, self.seed)
        checkpoints = file.with_suffix(".run")
        chips = self._training_chips(region)
        started = time.monotonic()
        learned = train_region(
            network, region, chips, self.strategy, training,
            prior=self.knowledge_after(steps), checkpoints=checkpoints, progress=report,
        )  # fmt: skip
        seconds = time.monotonic() - started
        serving = self._choose_thresholds(network, learned.decoder, old, region, steps)
        scored = self._score_regions(network, serving, old, region, steps)
        stored_bytes = _save_tensors({"state": network.state_dict(), "memory": learned.memory}, file)
        record = {
            "region": region,
            "serving": serving,
            "scored": scored,
            **{score: [scored[name][score] for name in self.settings.regions] for score in SCORES},
            "seconds": seconds,
            "bytes": stored_bytes + (steps[-1]["bytes"] if steps and self.strategy.keeps_old_models else 0),
            "decoders": list(network.decoder_names),
            "name": file.stem,
        }
        write_json(file, record)
        remove(checkpoints)

    def _choose_thresholds(
        self, network: RegionNet, new_decoder: str, old: Sequence[str], region: str, steps: Sequence[Step]
    ) -> dict[str, Any]:
        """By region, the decoder that serves it and the threshold (percent) that its validation chips choose.

        Old regions keep their thresholds, unless the strategy has learned their chips anew.
        """
        serving: dict[str, Any] = dict(steps[-1]["serving"]) if steps else {}
        for name in (*(old if self.strategy.needs_old_chips else ()), region):
            decoder = new_decoder if name == region else self.strategy.decoder_for(network, name)
            threshold = choose_threshold(
                count_pixels_by_chip(network, decoder, select_chips(self.chips[name], name, "val"))
            )
            serving[name] = {"decoder": decoder, "threshold": threshold}
        return serving

    def _score_regions(
        self, network: RegionNet, serving: Mapping[str, Any], old: Sequence[str], region: str, steps: Sequence[Step]
    ) -> dict[str, Any]:
        """By region, the scores on its test chips; where a strategy keeps old models, their scores stay."""
        scored = {name: steps[-1]["scored"][name] for name in old} if self.strategy.keeps_old_models else {}
        for name in self.settings.regions:
            if name not in scored:
                # A region whose decoder the network does not have, or not yet, is answered by the newest one.
                served = serving.get(name, serving[region])
                served = served if served["decoder"] in network.decoder_names else serving[region]
                counts = count_pixels(network, served["decoder"], select_chips(self.chips[name], name, "test"))
                values = (counts.iou(served["threshold"]), counts.iou(50), counts.pixels, counts.landslide_share)
                scored[name] = dict(zip(SCORES, values, strict=True))
        return scored


def _save_tensors(files: Mapping[str, Mapping[str, Tensor]], beside: Path) -> int:
    """Write named groups of tensors as `NAME.GROUP.safetensors` beside a file; the number of bytes that they take."""
    for group, tensors in files.items():
        with atomic_write(beside.with_suffix(f".{group}.safetensors")) as temporary:
            save_file({key: value.contiguous() for key, value in tensors.items()}, temporary)
    return sum(tensor.nbytes for tensors in files.values() for tensor in tensors.values())
