"""What the tests of updates share: chips, networks and how to compare their weights."""

from pathlib import Path

import geopandas
import torch

from tests.networks import ENCODER, random_network
from tsmu.chips import band_statistics, chips_from_folder, measure_image_statistics
from tsmu.issues import IssueLog
from tsmu.model import RegionNet
from tsmu.update import PriorKnowledge, Strategy, TrainingResult, TrainingSettings, train_region


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
