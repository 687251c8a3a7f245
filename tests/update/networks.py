"""What the tests of updates share: chips, networks and how to compare their weights."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas
import torch

from tests.networks import ENCODER, random_network
from tsmu.chips import band_statistics, chips_from_folder, measure_image_statistics
from tsmu.issues import IssueLog
from tsmu.model import RegionNet
from tsmu.update import PriorKnowledge, Strategy, TrainingResult, TrainingSettings, train_region
from tsmu.update.training.settings import ValidationChips
from tsmu.update.training.trainer import TrainingJob


def chips_of(folder: Path, region: str) -> geopandas.GeoDataFrame:
    return chips_from_folder(folder, region, IssueLog(folder))


def fresh(chips: geopandas.GeoDataFrame, encoder: str = ENCODER) -> RegionNet:
    return random_network(*band_statistics(chips), encoder)


def state(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def same(before: dict[str, torch.Tensor], module: torch.nn.Module) -> bool:
    return all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def chain(
    chips: list[geopandas.GeoDataFrame], strategy: Strategy, steps: int = 6
) -> tuple[RegionNet, list[TrainingResult]]:
    """Learn regions one after the other as the benchmark does."""
    network, learned, styles = fresh(chips[0]), [], {}
    for number, rows in enumerate(chips):
        region = rows["region"].iloc[0]
        old = {name: part for part in chips[:number] if (name := part["region"].iloc[0])}
        known = PriorKnowledge(old, styles, learned[-1].memory if learned else {})
        learned.append(train_region(network, region, rows, strategy, TrainingSettings(steps, 4, 0), prior=known))
        styles = styles | {learned[-1].decoder: measure_image_statistics(rows)}
    return network, learned


@dataclass(frozen=True)
class SecondRegion:
    """What is needed to learn `dark`, by a network that has learned `bright`."""

    network: RegionNet
    strategy: Strategy
    chips: geopandas.GeoDataFrame
    prior: PriorKnowledge
    validation: tuple[ValidationChips, ...]

    def copy(self) -> "SecondRegion":
        """The same with a network of its own, as `learn` changes it."""
        return replace(self, network=copy.deepcopy(self.network))

    def learn(self, settings: TrainingSettings, **options: Any) -> TrainingResult:
        """Learn the region; `options` are those of `train_region`."""
        known = {"prior": self.prior, "validation": self.validation}
        return train_region(self.network, "dark", self.chips, self.strategy, settings, **known | options)

    def job(self, settings: TrainingSettings, checkpoint: Mapping[str, Any]) -> TrainingJob:
        """The same training from a checkpoint on, without validation chips."""
        chips = {"dark": self.chips}
        return TrainingJob(
            self.network, "dark", chips, self.strategy, settings, self.prior, "float32", checkpoint=checkpoint
        )


def second_region(strategy: Strategy, folders: tuple[Path, Path], encoder: str = ENCODER) -> SecondRegion:
    """Learn the chips of the first folder, `bright`, in two steps of one process; those of the second come next."""
    bright, dark = (chips_of(folder, region) for folder, region in zip(folders, ("bright", "dark"), strict=True))
    network = fresh(bright, encoder)
    first = train_region(network, "bright", bright, strategy, TrainingSettings(2, 8, 0))
    prior = PriorKnowledge({"bright": bright}, {first.decoder: measure_image_statistics(bright)}, first.memory)
    if strategy.from_scratch:
        network = fresh(bright, encoder)
    return SecondRegion(network, strategy, dark, prior, ((strategy.decoder_for(network, "dark"), dark),))
