"""Trainings on a GPU learn what trainings on a CPU learn, and resume from where they were."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.gpu.conftest import gpu_allocations, without_gpu
from tests.networks import ENCODER
from tests.update.networks import SecondRegion, second_region
from tsmu.evaluate import count_pixels
from tsmu.update import TrainingProgress, TrainingResources, TrainingResult, TrainingSettings, strategy_named
from tsmu.update.training import checkpoints, processes, region_training
from tsmu.update.training.checkpoints import CHECKPOINT, read_checkpoint
from tsmu.update.training.processes import training_processes
from tsmu.update.training.settings import ONE_DEVICE
from tsmu.update.training.trainer import Trainer

pytestmark = pytest.mark.gpu

STRATEGY = strategy_named("tsmu-plus")  # has a teacher, surrogates, adapters and regional normalisation
# Weights that differ by a millionth at the start gave losses that differed by up to 0.006 within ten steps (ResNet-34).
TOLERANCE = 0.02
TEN_STEPS = TrainingSettings(10, 8, 0)  # the encoder and the old decoder learn from the fourth on


@pytest.fixture(autouse=True)
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute in float32, so that a difference is an error and not rounding."""
    for module in (processes, region_training):
        monkeypatch.setattr(module, "precision_in_use", lambda: "float32")


@pytest.fixture
def second(bright_chips: Path, dark_chips: Path, request: pytest.FixtureRequest) -> SecondRegion:
    """A dark region to learn, by a network that has learned a bright one on the CPU."""
    with without_gpu():
        return second_region(STRATEGY, (bright_chips, dark_chips), getattr(request, "param", ENCODER))


def assert_same_losses(ours: TrainingResult, theirs: TrainingResult, first: int = 0) -> None:
    """The losses from a step on are the same but for rounding, which Adam enlarges from step to step.

    It divides gradients by their size, so that rounding decides the sign of the smallest ones.
    """
    assert len(ours.losses) == len(theirs.losses) > first
    for number, (one, other) in list(enumerate(zip(ours.losses, theirs.losses, strict=True)))[first:]:
        assert one["stage"] == other["stage"]
        numbers = [{name: value for name, value in losses.items() if name != "stage"} for losses in (one, other)]
        assert numbers[0] == pytest.approx(numbers[1], abs=1e-4 if number == 0 else TOLERANCE)


@pytest.mark.parametrize("second", [ENCODER, "resnet34"], indirect=True)
def test_a_gpu_gives_the_losses_of_the_cpu(second: SecondRegion) -> None:
    before = gpu_allocations()
    with without_gpu():
        expected = second.copy().learn(TEN_STEPS)
    assert gpu_allocations() == before
    result = second.learn(TEN_STEPS)
    assert gpu_allocations() > before
    assert "surrogate labels" in expected.losses[-1]
    assert_same_losses(result, expected)
    assert result.scores[-1] == pytest.approx(expected.scores[-1], abs=0.05)
    assert second.network.mean.device.type == "cpu"


def test_validation_pixels_are_counted_on_the_gpu_as_on_the_cpu(second: SecondRegion) -> None:
    second.learn(TEN_STEPS)
    before = gpu_allocations()
    with without_gpu():
        expected = count_pixels(second.network, "dark", second.chips)
    assert gpu_allocations() == before
    counts = count_pixels(second.network, "dark", second.chips)
    assert gpu_allocations() > before
    assert second.network.mean.device.type == "cpu"
    assert (counts.landslide.sum(), counts.background.sum()) == (expected.landslide.sum(), expected.background.sum())
    for percent in (10, 50, 90):
        assert counts.confusion(percent) == pytest.approx(expected.confusion(percent), abs=0.001 * counts.pixels)


def assert_same_state(one: Any, other: Any) -> None:
    """Nested states with tensors are equal to the bit."""
    if isinstance(one, torch.Tensor):
        assert torch.equal(one.cpu(), other.cpu())
    elif isinstance(one, Mapping):
        assert one.keys() == other.keys()
        for name, value in one.items():
            assert_same_state(value, other[name])
    else:
        assert one == other


def test_a_training_resumes_with_weights_and_optimiser_of_its_checkpoint(
    second: SecondRegion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, begun = TrainingSettings(14, 8, 0), second.copy()
    uninterrupted = second.copy().learn(settings, validation=())
    monkeypatch.setattr(checkpoints, "CHECKPOINT_STEPS", 1)
    monkeypatch.setattr(checkpoints, "CHECKPOINT_SECONDS", 0.0)

    def interrupt(now: TrainingProgress) -> None:
        if now.step == 9:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        second.copy().learn(settings, validation=(), checkpoints=tmp_path, progress=interrupt)
    checkpoint = read_checkpoint(tmp_path / CHECKPOINT, None)
    assert checkpoint is not None
    with training_processes(ONE_DEVICE) as fabric:
        resumed = Trainer(fabric, begun.job(settings, copy.deepcopy(checkpoint)))
    assert resumed.step == checkpoint["step"] == 8
    assert begun.network.mean.device.type == "cuda"
    assert_same_state(checkpoint["network"], begun.network.state_dict())
    assert_same_state(checkpoint["optimizer"]["state"], resumed._optimizer.state_dict()["state"])

    steps = list[int]()
    report = lambda now: steps.append(now.step)  # noqa: E731
    result = second.learn(settings, validation=(), checkpoints=tmp_path, progress=report)
    assert steps == list(range(9, 15))
    assert_same_losses(result, uninterrupted, first=8)


def test_two_gpus_learn_what_one_learns(second: SecondRegion) -> None:
    if torch.cuda.device_count() < 2:
        pytest.skip(f"left out: needs two GPUs, and this machine has {torch.cuda.device_count()}")
    one = second.copy().learn(TEN_STEPS)
    two = second.learn(TEN_STEPS, resources=TrainingResources(devices=2))
    assert_same_losses(two, one)
    assert two.scores[-1] == pytest.approx(one.scores[-1], abs=0.05)
