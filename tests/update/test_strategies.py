"""The other strategies: each learns region after region, and keeps what it says it keeps."""

from itertools import islice
from pathlib import Path

import pytest
import torch

from tests.update.networks import chain, chips_of, fresh, same, state
from tsmu.chips.dataset import ChipDataset
from tsmu.chips.statistics import band_statistics
from tsmu.model.network import RegionNet
from tsmu.update.finetune import FineTuning
from tsmu.update.sampling import StepSampler
from tsmu.update.strategies import STRATEGIES
from tsmu.update.training import Known, TrainingSettings, learn_region


@pytest.mark.parametrize("name", [name for name, strategy in STRATEGIES.items() if not strategy.starts_fresh])
def test_every_strategy_learns_three_regions(name: str, bright_chips: Path, dark_chips: Path) -> None:
    third = chips_of(bright_chips, "third")
    network, learned = chain([chips_of(bright_chips, "bright"), chips_of(dark_chips, "dark"), third], STRATEGIES[name])
    expected = ("bright",) if name == "finetune" else ("bright", "dark", "third")
    assert network.decoder_names == expected
    assert learned[-1].decoder == expected[-1]
    assert STRATEGIES[name].remembers == bool(learned[-1].memory)
    assert STRATEGIES[name].source


def test_fine_tuning_shares_one_decoder(bright_chips: Path, dark_chips: Path) -> None:
    bright = chips_of(bright_chips, "bright")
    network = fresh(bright)
    learn_region(network, "bright", bright, FineTuning(), TrainingSettings(2, 4, 0))
    before = state(network.decoder("bright"))
    assert (
        learn_region(network, "dark", chips_of(dark_chips, "dark"), FineTuning(), TrainingSettings(2, 4, 0)).decoder
        == "bright"
    )
    assert network.decoder_names == ("bright",)
    assert not same(before, network.decoder("bright"))


@pytest.mark.parametrize("name", ["frozen", "isolate"])
def test_a_frozen_encoder_leaves_old_answers_bit_identical(name: str, bright_chips: Path, dark_chips: Path) -> None:
    bright, dark = chips_of(bright_chips, "bright"), chips_of(dark_chips, "dark")
    network = fresh(bright)
    learn_region(network, "bright", bright, STRATEGIES[name], TrainingSettings(3, 4, 0))
    image = torch.stack([ChipDataset(bright)[position]["image"] for position in range(4)])
    with torch.no_grad():
        before = network(image, ["bright"])["bright"]
    learn_region(network, "dark", dark, STRATEGIES[name], TrainingSettings(6, 4, 0))
    with torch.no_grad():
        assert torch.equal(network(image, ["bright"])["bright"], before)


@pytest.mark.parametrize("name", ["si", "ewc"])
def test_a_penalty_keeps_important_weights(name: str, bright_chips: Path, dark_chips: Path) -> None:
    chips = [chips_of(bright_chips, "bright"), chips_of(dark_chips, "dark")]

    def moved(weight: float) -> float:
        strategy = type(STRATEGIES[name])()
        strategy.weight = weight  # type: ignore[attr-defined]
        network, learned = chain(chips, strategy, steps=8)
        anchors = learned[0].memory
        return sum(
            float((anchors[f"importance.{key}"] * (value.detach() - anchors[f"anchor.{key}"]).square()).sum())
            for key, value in network.encoder.named_parameters()
        )

    assert moved(1e6) < 0.5 * moved(0.0)


def test_importance_of_an_encoder_with_weights_that_it_does_not_use(bright_chips: Path) -> None:
    bright = chips_of(bright_chips, "bright")
    network = RegionNet("efficientnet-b0", *band_statistics(bright))
    learned = learn_region(network, "bright", bright, STRATEGIES["ewc"], TrainingSettings(2, 2, 0))
    important = [name for name, value in learned.memory.items() if name.startswith("importance.") and value.any()]
    assert 0 < len(important) < len(list(network.encoder.parameters()))


def test_joint_training_sees_every_region_as_often(bright_chips: Path, dark_chips: Path) -> None:
    dark = chips_of(dark_chips, "dark")
    network = fresh(dark)
    known = Known({"bright": chips_of(bright_chips, "bright")})
    learned = learn_region(network, "dark", dark, STRATEGIES["joint"], TrainingSettings(4, 4, 0), known=known)
    assert set(network.decoder_names) == {"bright", "dark"}
    assert learned.decoder == "dark"
    keys = list(islice(StepSampler([[True] * 5, [True] * 7], 2, 0, turn=STRATEGIES["joint"].turn), 40))
    sides = [position >= 5 for position, _ in keys]
    assert sides == [False, False, True, True] * 10
    assert len({seed for _, seed in keys}) == 40
