"""The gate: images find their region by what they look like, and strangers are told apart."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from tsmu.chips import ImageStatistics, chips_from_folder, image_features, measure_image_statistics, select_chips
from tsmu.chips.dataset import ChipDataset
from tsmu.issues import IssueLog
from tsmu.model import UNFAMILIAR_DISTANCE, Gate

REGIONS = ("nepal_gorkha", "india_kodagu", "hokkaido_iburi", "taiwan_taitung")


@pytest.fixture(scope="module")
def regions(shared_data: Path) -> dict[str, tuple[ImageStatistics, Tensor]]:
    """ImageStatistics of the training chips, and test chips, of four real regions."""
    found = {}
    for region in REGIONS:
        folder = shared_data / "landslide4sense_rgb" / region
        chips = chips_from_folder(folder, region, IssueLog(folder))
        tests = ChipDataset(select_chips(chips, region, "test"))
        images = torch.stack([tests[number]["image"] for number in range(len(tests))])
        found[region] = measure_image_statistics(select_chips(chips, region, "train")), images
    return found


def test_real_chips_find_their_region(regions: dict[str, tuple[ImageStatistics, Tensor]]) -> None:
    gate = Gate({region: style for region, (style, _) in regions.items()})
    right = [
        (gate.log_likelihoods(images).argmax(1) == number).tolist()
        for number, (_, images) in enumerate(regions.values())
    ]
    assert sum(map(sum, right)) / sum(map(len, right)) >= 0.99
    for region, (_, images) in regions.items():
        route = gate.route(images)
        assert route.region == region
        assert route.distance is not None and route.distance < UNFAMILIAR_DISTANCE
        assert sum(route.shares.values()) == pytest.approx(1)


@pytest.mark.parametrize("stranger", REGIONS)
def test_a_region_that_was_not_learned_is_strange(
    regions: dict[str, tuple[ImageStatistics, Tensor]], stranger: str
) -> None:
    known = Gate({region: style for region, (style, _) in regions.items() if region != stranger})
    distance = known.route(regions[stranger][1]).distance
    assert distance is not None and distance > UNFAMILIAR_DISTANCE


@pytest.mark.parametrize("count", [26, 48, 120])
def test_one_region_of_few_chips_knows_its_own_and_strangers(
    regions: dict[str, tuple[ImageStatistics, Tensor]], shared_data: Path, count: int
) -> None:
    folder = shared_data / "landslide4sense_rgb" / "taiwan_taitung"
    chips = select_chips(chips_from_folder(folder, "taiwan_taitung", IssueLog(folder)), "taiwan_taitung", "train")
    gate = Gate({"taiwan_taitung": measure_image_statistics(chips.tail(count))})
    for region, (_, images) in regions.items():
        distance = gate.route(images).distance
        assert distance is not None
        assert (distance > UNFAMILIAR_DISTANCE) == (region != "taiwan_taitung"), f"{region}: {distance}"


def test_from_too_few_chips_nothing_is_said_of_looks(shared_data: Path) -> None:
    folder = shared_data / "landslide4sense_rgb" / "nepal_gorkha"
    chips = select_chips(chips_from_folder(folder, "nepal_gorkha", IssueLog(folder)), "nepal_gorkha", "train")
    gate = Gate({"nepal_gorkha": measure_image_statistics(chips.head(10))})
    assert gate.route(torch.rand(3, 3, 128, 128) * 255).distance is None


def test_one_region_and_flat_or_empty_images_give_numbers() -> None:
    images = torch.rand(4, 2, 32, 48) * 100
    style = ImageStatistics(image_features(images).mean(0).tolist(), image_features(images).T.cov().tolist(), 4, 32)
    gate = Gate({"alps": style})
    strange = torch.stack([torch.zeros(2, 32, 48), torch.full((2, 32, 48), torch.nan), images[0]])
    assert gate.distances(strange).isfinite().all()
    assert gate.route(strange).region == "alps"


def test_no_data_does_not_change_what_the_rest_looks_like() -> None:
    images = torch.rand(1, 3, 64, 64) * 50 + 100
    holed = images.clone()
    holed[..., :4, :4] = torch.nan
    assert torch.allclose(image_features(images), image_features(holed), rtol=0.05, atol=0.05)
