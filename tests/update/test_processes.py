"""Trainings on several processes: they learn what one process learns, and end in one line where one of them dies."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import pytest
from torch import Tensor

from tests.networks import NETWORK_OPTIONS
from tests.update.networks import chips_of, fresh, second_region
from tsmu.chips import add_to_index
from tsmu.errors import UpdateError
from tsmu.model import bundle_versions
from tsmu.update import (
    Strategy,
    TrainingProgress,
    TrainingResources,
    TrainingResult,
    TrainingSettings,
    strategy_named,
    train_region,
)
from tsmu.update.strategies import UpdateContext
from tsmu.update.strategies.tsmu import SurrogateUpdates
from tsmu.update.training import checkpoints, processes, region_training
from tsmu.workspace_folder import WorkspaceFolder

TWO = TrainingResources(devices=2)
TORCHRUN = ("--standalone", "--nproc-per-node", "2", "-m", "tsmu")


class FirstGradients(SurrogateUpdates):
    """Remembers the gradients of the step in which old decoders are first distilled, and those of the first step."""

    name: ClassVar[str] = "first-gradients"

    def before_optimizer_step(self, context: UpdateContext) -> None:
        weights = dict(context.network.named_parameters())
        for name, weight in weights.items():
            if weight.grad is not None:
                context.state.setdefault(name, weight.grad.detach().clone())

    def update_memory(self, context: UpdateContext, batches: object) -> dict[str, Tensor]:
        del batches
        return dict(context.state)


@pytest.fixture(autouse=True)
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute in float32, so that a difference is an error and not rounding."""
    for module in (processes, region_training):
        monkeypatch.setattr(module, "precision_in_use", lambda: "float32")


def learn_second(
    strategy: Strategy, folders: tuple[Path, Path], resources: TrainingResources, steps: int
) -> TrainingResult:
    """Learn a bright region in two steps of one process, and a dark one in some more."""
    return second_region(strategy, folders).learn(TrainingSettings(steps, 8, 0), resources=resources)


def test_two_processes_have_the_gradients_of_one(bright_chips: Path, dark_chips: Path) -> None:
    """Of teacher, surrogates, regional norms and adapters; soft Dice and the norms see the whole batch."""
    one, two = (
        learn_second(FirstGradients(), (bright_chips, dark_chips), resources, 2).memory
        for resources in (TrainingResources(), TWO)
    )
    assert one.keys() == two.keys()
    for name, gradient in one.items():
        error = float((gradient - two[name]).norm() / gradient.norm().clamp(min=1e-6))
        is_of_first_step = name.startswith("decoders.region dark")  # the others learn from the second step on
        assert error < (0.001 if is_of_first_step else 0.05), name


@pytest.mark.parametrize("name", ["tsmu-plus", "si", "joint"])
def test_two_processes_learn_what_one_learns(name: str, bright_chips: Path, dark_chips: Path) -> None:
    one, two = (
        learn_second(strategy_named(name), (bright_chips, dark_chips), resources, 10)
        for resources in (TrainingResources(), TWO)
    )
    for step, (ours, theirs) in enumerate(zip(one.losses, two.losses, strict=True)):
        assert ours.pop("stage") == theirs.pop("stage")
        # Adam divides gradients by their size, so that rounding decides the sign of the smallest ones.
        assert ours == pytest.approx(theirs, abs=1e-5 if step == 0 else 0.02)
    assert one.scores
    assert [score["step"] for score in one.scores] == [score["step"] for score in two.scores]
    assert one.scores[-1] == pytest.approx(two.scores[-1], abs=0.05)


def test_where_one_process_dies_the_training_ends_in_one_line_and_goes_on(
    bright_chips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "CHECKPOINT_STEPS", 1)
    monkeypatch.setattr(checkpoints, "CHECKPOINT_SECONDS", 0.0)
    bright, steps = chips_of(bright_chips, "bright"), list[int]()

    def learn(resources: TrainingResources, kill_at: int | None = None) -> TrainingResult:
        def report(now: TrainingProgress) -> None:
            steps.append(now.step)
            if now.step == kill_at:
                children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
                (follower,) = [pid for pid in children if b"follower" in Path(f"/proc/{pid}/cmdline").read_bytes()]
                os.kill(int(follower), signal.SIGKILL)

        settings, strategy = TrainingSettings(6, 4, 0), strategy_named("isolate")
        return train_region(
            fresh(bright), "bright", bright, strategy, settings,
            resources=resources, checkpoints=tmp_path, progress=report,
        )  # fmt: skip

    with pytest.raises(UpdateError, match=r"ended by signal 9.*run the same command again") as raised:
        learn(TWO, kill_at=3)
    assert "\n" not in str(raised.value)
    steps.clear()
    assert learn(TrainingResources()).steps == 6  # goes on with another number of processes
    assert "MASTER_PORT" not in os.environ  # of the processes that have ended; whatever is started later would find it
    assert steps in ([3, 4, 5, 6], [4, 5, 6])


def test_started_by_torchrun_one_process_writes_and_the_others_help(bright_chips: Path, tmp_path: Path) -> None:
    workspace = WorkspaceFolder.create(tmp_path / "survey")
    add_to_index(workspace, chips_of(bright_chips, "bright"))
    command = ("update", "bright", "--steps", "2", "--batch-size", "4", "--devices", "2", *NETWORK_OPTIONS)
    result = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", *TORCHRUN, *command, "--workspace", str(workspace.root)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("v001 has learned bright") == 1
    assert [path.name for path in bundle_versions(workspace.models)] == ["v001"]


@pytest.mark.parametrize(
    ("batch", "accumulate", "resources", "words"),
    [
        (9, 1, TWO, "multiple of 2"),
        (8, 3, TrainingResources(), "multiple of 3"),
        (8, 0, TrainingResources(), "at least 1"),
        (8, 1, TrainingResources(0), "at least 1"),
        (8, 1, TrainingResources(1, 2), "srun"),
    ],
)
def test_what_cannot_be_divided_is_refused(
    bright_chips: Path, batch: int, accumulate: int, resources: TrainingResources, words: str
) -> None:
    bright = chips_of(bright_chips, "bright")
    settings = TrainingSettings(2, batch, 0, accumulate=accumulate)
    with pytest.raises(UpdateError, match=words):
        train_region(fresh(bright), "bright", bright, strategy_named("isolate"), settings, resources=resources)


def test_accumulation_learns_from_the_same_chips(bright_chips: Path) -> None:
    """With normalisation and soft Dice of one part at a time, but the same mean cross-entropy at the start."""
    bright = chips_of(bright_chips, "bright")
    one, two = (
        train_region(
            fresh(bright), "bright", bright, strategy_named("isolate"), TrainingSettings(30, 8, 0, accumulate=parts)
        ).losses
        for parts in (1, 2)
    )
    assert one[0]["cross_entropy"] == pytest.approx(two[0]["cross_entropy"], rel=0.05)
    assert one[-1]["cross_entropy"] == pytest.approx(two[-1]["cross_entropy"], rel=0.35)
