"""Train on regions one after the other by one strategy; the results of each step are stored on disk."""

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

FIRST = "first"  # in the names of first steps instead of the strategy, since strategies without a memory share these
SCORES = ("R", "R_at_half", "pixels", "baseline")  # names of the scores on the test chips of a region

Step = dict[str, Any]


@dataclass(frozen=True)
class RegionSequence:
    """One strategy that learns regions in order, with one seed.

    Each step is stored as `NAME.json` (scores, see `learn`), `NAME.state.safetensors` (the network) and
    `NAME.memory.safetensors` (tensors that the strategy keeps for later steps). So an interrupted sequence continues at
    the region where it stopped, and the first region, which strategies without a memory learn in the same way, is
    trained only once per seed.

    Attributes:
        settings: settings of the benchmark.
        strategy: the strategy by which the regions are learned.
        seed: seed of the first weights and of the trainings.
        chips: for each region its chips as rows of a chips index with a column `split` (`train`, `val`, `test`).
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
            count: how many regions to learn.
            report: called after each optimisation step.

        Returns:
            One record per region, with `R` and `R_at_half` (the IoU on the test chips of all regions of the order, at
            the chosen threshold and at 50 %), `pixels` and `baseline` (number of test pixels of each region, and the
            share of landslides in them), `serving` (decoder and threshold in percent of each region), `scored` (the
            same four scores of each region), `seconds` of the training, `bytes` of the tensors that have to be kept,
            `decoders` of the network, and the step's `name`.
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
        """Load the network of the last of these steps; without any step, make a network with its first weights.

        All networks have the band statistics of the order's first region, so that no strategy has an advantage.
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
        """The knowledge about the regions of these steps that the strategy may use for the next region.

        It consists of image statistics, the strategy's memory, and the old chips if the strategy needs them.
        """
        if not steps:
            return PriorKnowledge()
        old = {name: self._training_chips(name) for name in self.settings.regions[: len(steps)]}
        styles = {steps[-1]["serving"][name]["decoder"]: measure_image_statistics(chips) for name, chips in old.items()}
        memory = load_file(self.states / f"{steps[-1]['name']}.memory.safetensors")
        return PriorKnowledge(old if self.strategy.needs_old_chips else {}, styles, memory)

    def _training_chips(self, region: str) -> geopandas.GeoDataFrame:
        return select_chips(self.chips[region], region, "train")

    def _learn_next(self, steps: Sequence[Step], file: Path, report: ProgressCallback | None) -> None:
        """Learn the region that follows these steps; store its record as `file`, and network and memory beside it."""
        *old, region = self.settings.regions[: len(steps) + 1]
        network = self.network_after([] if self.strategy.from_scratch else steps)
        # Joint training gets as many steps as the other strategies got for all regions together.
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
        """Choose for each region the decoder that serves it, and by its validation chips the threshold (percent).

        Old regions keep theirs, unless the strategy has learned their chips anew.

        Args:
            network: the network after the training.
            new_decoder: name of the decoder that was learned.
            old: names of the regions learned before.
            region: the region that was learned.
            steps: records of the steps before.
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
        """Measure the scores of each region on its test chips; strategies that keep old models keep their scores."""
        scored = {name: steps[-1]["scored"][name] for name in old} if self.strategy.keeps_old_models else {}
        for name in self.settings.regions:
            if name not in scored:
                # A region whose decoder the network lacks (perhaps because it comes later) is scored by the newest one.
                served = serving.get(name, serving[region])
                served = served if served["decoder"] in network.decoder_names else serving[region]
                counts = count_pixels(network, served["decoder"], select_chips(self.chips[name], name, "test"))
                values = (counts.iou(served["threshold"]), counts.iou(50), counts.pixels, counts.landslide_share)
                scored[name] = dict(zip(SCORES, values, strict=True))
        return scored


def _save_tensors(files: Mapping[str, Mapping[str, Tensor]], beside: Path) -> int:
    """Write named groups of tensors as `NAME.GROUP.safetensors` beside a file.

    Returns:
        The size of all tensors, bytes.
    """
    for group, tensors in files.items():
        with atomic_write(beside.with_suffix(f".{group}.safetensors")) as temporary:
            save_file({key: value.contiguous() for key, value in tensors.items()}, temporary)
    return sum(tensor.nbytes for tensors in files.values() for tensor in tensors.values())
