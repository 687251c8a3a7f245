"""The other strategies: each learns region after region, and keeps what it says it keeps."""

import copy
from itertools import islice
from pathlib import Path

import pytest
import torch

from tests.update.networks import chain, chips_of, fresh, same, state
from tsmu.chips.dataset import ChipDataset
from tsmu.update import STRATEGIES, PriorKnowledge, TrainingSettings, UpdateContext, train_region
from tsmu.update.strategies.finetune import FineTuning
from tsmu.update.training.sampler import StepSampler


@pytest.mark.parametrize("name", [name for name, strategy in STRATEGIES.items() if not strategy.from_scratch])
def test_every_strategy_learns_three_regions(name: str, bright_chips: Path, dark_chips: Path) -> None:
    third = chips_of(bright_chips, "third")
    network, learned = chain([chips_of(bright_chips, "bright"), chips_of(dark_chips, "dark"), third], STRATEGIES[name])
    expected = ("bright",) if name == "finetune" else ("bright", "dark", "third")
    assert network.decoder_names == expected
    assert learned[-1].decoder == expected[-1]
    assert STRATEGIES[name].needs_memory == bool(learned[-1].memory)
    assert STRATEGIES[name].source


def test_fine_tuning_shares_one_decoder(bright_chips: Path, dark_chips: Path) -> None:
    bright = chips_of(bright_chips, "bright")
    network = fresh(bright)
    train_region(network, "bright", bright, FineTuning(), TrainingSettings(2, 4, 0))
    before = state(network.decoder("bright"))
    assert (
        train_region(network, "dark", chips_of(dark_chips, "dark"), FineTuning(), TrainingSettings(2, 4, 0)).decoder
        == "bright"
    )
    assert network.decoder_names == ("bright",)
    assert not same(before, network.decoder("bright"))


UNCHANGING = [n for n, s in STRATEGIES.items() if not (s.changes_old_regions or s.from_scratch or s.keeps_old_models)]


@pytest.mark.parametrize("name", UNCHANGING)
def test_a_frozen_encoder_leaves_old_answers_bit_identical(name: str, bright_chips: Path, dark_chips: Path) -> None:
    bright, dark = chips_of(bright_chips, "bright"), chips_of(dark_chips, "dark")
    network = fresh(bright)
    train_region(network, "bright", bright, STRATEGIES[name], TrainingSettings(3, 4, 0))
    image = torch.stack([ChipDataset(bright)[position]["image"] for position in range(4)])
    with torch.no_grad():
        before = network(image, ["bright"])["bright"]
    train_region(network, "dark", dark, STRATEGIES[name], TrainingSettings(6, 4, 0))
    with torch.no_grad():
        assert torch.equal(network(image, ["bright"])["bright"], before)


@pytest.mark.parametrize("name", ["si", "ewc"])
def test_a_penalty_keeps_important_weights(name: str, bright_chips: Path) -> None:
    """Moving a weight costs its importance times the squared way, and nothing where none was important."""
    bright, strategy = chips_of(bright_chips, "bright"), STRATEGIES[name]
    network = fresh(bright)
    memory = train_region(network, "bright", bright, strategy, TrainingSettings(4, 4, 0)).memory
    importance = {key.removeprefix("importance."): value for key, value in memory.items() if key.startswith("imp")}
    weights = dict(network.encoder.named_parameters())
    assert importance.keys() == weights.keys()
    assert any(value.any() for value in importance.values())
    teacher = copy.deepcopy(network)
    network.add_decoder("dark")
    context = UpdateContext(network, teacher, "dark", {"dark": "dark"}, memory=memory)
    (stage,) = strategy.later_stages(context, 4)
    batch = {"image": torch.full((2, 3, 32, 32), 90.0), "mask": torch.ones(2, 32, 32).long(), "region": ["dark"] * 2}

    def penalty() -> float:
        return float(strategy.losses(context, stage, batch, 0)["weight penalty"].detach())

    assert penalty() == 0
    most = max(importance, key=lambda key: float(importance[key].max()))
    largest = importance[most] == importance[most].max()
    with torch.no_grad():
        weights[most][largest] += 0.5
    cost = 0.5**2 * float(importance[most][largest].sum())
    assert penalty() == pytest.approx(strategy.weight * cost, rel=1e-3)  # type: ignore[attr-defined]
    context.memory[f"importance.{most}"] = torch.zeros_like(weights[most])
    assert penalty() == 0


def test_importance_does_not_come_from_the_penalty_itself(bright_chips: Path) -> None:
    """The gradient that the penalty alone gives a weight is no importance of that weight for the region."""
    bright, strategy = chips_of(bright_chips, "bright"), STRATEGIES["si"]
    network = fresh(bright)
    memory = train_region(network, "bright", bright, strategy, TrainingSettings(4, 4, 0)).memory
    teacher = copy.deepcopy(network)
    network.add_decoder("dark")
    context = UpdateContext(network, teacher, "dark", {"dark": "dark"}, memory=memory)
    (stage,) = strategy.later_stages(context, 4)
    batch = {"image": torch.full((2, 3, 32, 32), 90.0), "mask": torch.ones(2, 32, 32).long(), "region": ["dark"] * 2}
    with torch.no_grad():
        for weight in network.encoder.parameters():
            weight += 0.1 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(0))
    strategy.losses(context, stage, batch, 0)["weight penalty"].backward()
    assert any(weight.grad is not None and weight.grad.any() for weight in network.encoder.parameters())
    strategy.before_optimizer_step(context)
    for name, weight in network.encoder.named_parameters():
        if weight.grad is not None:
            left = context.state[f"gradient.{name}"]
            assert float(left.abs().max()) <= 1e-5 * max(float(weight.grad.abs().max()), 1e-6)


@pytest.mark.parametrize("name", ["lwf", "ilt", "tsmu"])
def test_distillation_is_the_sum_over_all_old_decoders(name: str, bright_chips: Path) -> None:
    """Each step distils one of them; with two of them it counts twice, so that on average each counts once."""
    few = fresh(chips_of(bright_chips, "bright"))
    few.add_decoder("alps")
    many = copy.deepcopy(few)
    many.add_decoder("andes")
    batch = {"image": torch.full((2, 3, 32, 32), 90.0), "mask": torch.ones(2, 32, 32).long(), "region": ["dark"] * 2}
    distances = []
    for network in (few, many):
        teacher = copy.deepcopy(network).eval()
        network.add_decoder("dark")
        context = UpdateContext(network.eval(), teacher, "dark", {"dark": "dark"})
        with torch.no_grad():
            for number, weight in enumerate(network.encoder.parameters()):
                weight += 0.1 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(number))
        *_, together = STRATEGIES[name].later_stages(context, 6)
        losses = STRATEGIES[name].losses(context, together, batch, 0)
        distances.append({kind: float(loss) for kind, loss in losses.items() if "distillation" in kind})
    assert all(distance > 0 for distance in distances[0].values())
    assert distances[1] == {kind: pytest.approx(2 * distance) for kind, distance in distances[0].items()}


def test_importance_is_the_mean_over_chips(bright_chips: Path) -> None:
    """However the chips are put together to batches: the gradients of single chips are squared, not their mean."""
    bright, strategy = chips_of(bright_chips, "bright"), STRATEGIES["ewc"]
    network = fresh(bright)
    network.add_decoder("bright")
    context = UpdateContext(network, None, "bright", {"bright": "bright"})
    chips = [ChipDataset(bright)[position] for position in range(4)]
    images, masks = (torch.stack([chip[key] for chip in chips]) for key in ("image", "mask"))

    def importance(size: int) -> list[torch.Tensor]:
        batches = [{"image": images[i : i + size], "mask": masks[i : i + size]} for i in range(0, 4, size)]
        memory = strategy.update_memory(context, batches)
        return [value for key, value in memory.items() if key.startswith("importance.")]

    for alone, together in zip(importance(1), importance(4), strict=True):
        torch.testing.assert_close(alone, together)


def test_importance_of_an_encoder_with_weights_that_it_does_not_use(bright_chips: Path) -> None:
    bright = chips_of(bright_chips, "bright")
    network = fresh(bright, "efficientnet-b0")
    learned = train_region(network, "bright", bright, STRATEGIES["ewc"], TrainingSettings(2, 2, 0))
    important = [name for name, value in learned.memory.items() if name.startswith("importance.") and value.any()]
    assert 0 < len(important) < len(list(network.encoder.parameters()))


def test_joint_training_sees_every_region_as_often(bright_chips: Path, dark_chips: Path) -> None:
    dark = chips_of(dark_chips, "dark")
    network = fresh(dark)
    known = PriorKnowledge({"bright": chips_of(bright_chips, "bright")})
    learned = train_region(network, "dark", dark, STRATEGIES["joint"], TrainingSettings(4, 4, 0), prior=known)
    assert set(network.decoder_names) == {"bright", "dark"}
    assert learned.decoder == "dark"
    keys = list(
        islice(StepSampler([[True] * 5, [True] * 7], 2, 0, region_of_step=STRATEGIES["joint"].region_of_step), 40)
    )
    sides = [position >= 5 for position, _ in keys]
    assert sides == [False, False, True, True] * 10
    assert len({seed for _, seed in keys}) == 40
