"""Learning regions from samples, without a workspace."""

import re
from pathlib import Path

import pytest
import torch

from tests.update.networks import chips_of, fresh, same, state
from tsmu.chips.dataset import ChipDataset, Sample
from tsmu.errors import RegionError, UpdateError
from tsmu.update import TrainingSettings, learn_region, strategy_named, train_region


@pytest.fixture
def samples(bright_chips: Path) -> list[Sample]:
    dataset = ChipDataset(chips_of(bright_chips, "bright"))
    return [dataset[position] for position in range(len(dataset))]


def test_samples_train_exactly_like_the_rows_that_they_were_read_from(
    bright_chips: Path, samples: list[Sample]
) -> None:
    rows = chips_of(bright_chips, "bright")
    before = [sample["mask"].clone() for sample in samples]
    networks = [fresh(rows) for _ in range(3)]
    train_region(networks[0], "bright", rows, strategy_named("isolate"), TrainingSettings(3, 4, 5))
    for network, chips in zip(networks[1:], (ChipDataset(rows), samples), strict=True):
        learn_region(network, "bright", chips, steps=3, batch_size=4, seed=5)
        assert same(state(networks[0]), network)
    assert all(map(torch.equal, before, [sample["mask"] for sample in samples]))


@pytest.mark.parametrize("strategy", ["tsmu-plus", "si", "replay"])
def test_what_a_strategy_needs_of_earlier_regions_comes_from_the_call_before(
    strategy: str, bright_chips: Path, samples: list[Sample]
) -> None:
    network = fresh(chips_of(bright_chips, "bright"))
    prior = learn_region(network, "bright", samples, strategy=strategy, steps=2, batch_size=2)
    with pytest.raises(UpdateError, match=r"learn_region returned.*it lacks the"):
        learn_region(network, "other", samples, strategy=strategy, steps=2, batch_size=2)
    assert network.decoder_names == ("bright",)
    learn_region(network, "other", samples, strategy=strategy, steps=4, batch_size=2, prior=prior)
    assert network.decoder_names == ("bright", "other")


def test_samples_that_cannot_be_learned_from_are_named(bright_chips: Path, samples: list[Sample]) -> None:
    network = fresh(chips_of(bright_chips, "bright"))
    with pytest.raises(UpdateError, match=r"bright, sample 0: the mask has the values 0, 2; give 0 for background"):
        learn_region(network, "bright", [{**samples[0], "mask": 2 * samples[0]["mask"]}])
    with pytest.raises(UpdateError, match=r"sample 1: image \(2, 32, 32\) and mask \(32, 32\) do not fit"):
        learn_region(network, "bright", [samples[0], {**samples[1], "image": samples[1]["image"][:2]}])
    with pytest.raises(UpdateError, match="no training chips"):
        learn_region(network, "bright", [])
    learn_region(network, "bright", samples, strategy="separate", steps=2, batch_size=2)
    with pytest.raises(UpdateError, match="learns with a new network"):
        learn_region(network, "other", samples, strategy="separate")


def test_samples_that_would_teach_nothing_are_refused(bright_chips: Path, samples: list[Sample]) -> None:
    network = fresh(chips_of(bright_chips, "bright"))
    with pytest.raises(UpdateError, match=r"no sample has a pixel of landslide.*divide the masks"):
        learn_region(network, "bright", [{**sample, "mask": 255 * sample["mask"]} for sample in samples], steps=2)
    with pytest.raises(UpdateError, match="no sample has a pixel with values"):
        learn_region(network, "bright", [{**one, "image": one["image"] * torch.nan} for one in samples], steps=2)
    with pytest.raises(UpdateError, match="as torch tensors"):
        learn_region(network, "bright", [{**samples[0], "mask": samples[0]["mask"].numpy()}], steps=2)
    with pytest.raises(UpdateError, match="0 steps of 16 chips"):
        learn_region(network, "bright", samples, steps=0)
    with pytest.raises(UpdateError, match="whole numbers"):
        learn_region(network, "bright", samples, steps=2.5)  # type: ignore[arg-type]
    with pytest.raises(UpdateError, match="chips are a generator"):
        learn_region(network, "bright", (sample for sample in samples), steps=2)  # type: ignore[arg-type]
    assert network.decoder_names == ()


@pytest.mark.parametrize(("name", "told"), [("a.b", "contains ."), (5, "must be a text"), ("", "has 0 characters")])
def test_names_that_no_region_can_have_are_refused(
    bright_chips: Path, samples: list[Sample], name: str, told: str
) -> None:
    network = fresh(chips_of(bright_chips, "bright"))
    with pytest.raises(RegionError, match=re.escape(told)):
        learn_region(network, name, samples, steps=2)
    assert network.decoder_names == ()
