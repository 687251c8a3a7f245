"""One training: it learns, it resumes exactly, and the order of its chips."""

import shutil
import signal
from contextlib import suppress
from itertools import islice
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.update.networks import chips_of, fresh, same, state
from tsmu.update import TrainingProgress, TrainingSettings, strategy_named, train_region
from tsmu.update.strategies.tsmu import TaskSpecificModelUpdates
from tsmu.update.training import batches, checkpoints
from tsmu.update.training.checkpoints import CHECKPOINT_STEPS
from tsmu.update.training.sampler import StepSampler

TSMU = TaskSpecificModelUpdates()


def test_a_few_steps_learn_bright_blobs(bright_chips: Path) -> None:
    bright = chips_of(bright_chips, "bright")
    losses: list[float] = []
    network = fresh(bright)
    train_region(
        network,
        "bright",
        bright,
        TSMU,
        TrainingSettings(40, 8, 0),
        progress=lambda now: losses.append(now.losses["dice"]),
    )
    assert len(losses) == 40
    assert sum(losses[-5:]) < 0.85 * sum(losses[:5])


@pytest.mark.parametrize("name", ["tsmu", "si"])  # the second gathers something in every step
def test_resuming_gives_exactly_what_an_uninterrupted_run_gives(name: str, bright_chips: Path, tmp_path: Path) -> None:
    strategy = strategy_named(name)
    bright = chips_of(bright_chips, "bright")
    settings = TrainingSettings(CHECKPOINT_STEPS + 5, 2, 3)
    whole = fresh(bright)
    learned = train_region(whole, "bright", bright, strategy, settings)

    def stop(now: TrainingProgress) -> None:
        if now.step == CHECKPOINT_STEPS + 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        train_region(fresh(bright), "bright", bright, strategy, settings, checkpoints=tmp_path, progress=stop)
    steps: list[int] = []
    resumed = fresh(bright)
    again = train_region(
        resumed, "bright", bright, strategy, settings, checkpoints=tmp_path, progress=lambda now: steps.append(now.step)
    )
    assert steps == list(range(CHECKPOINT_STEPS + 1, settings.steps + 1))
    assert same(state(whole), resumed)
    assert learned.memory.keys() == again.memory.keys()
    assert all(torch.equal(tensor, again.memory[name]) for name, tensor in learned.memory.items())


def test_a_slow_training_is_saved_between_the_usual_steps(
    bright_chips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bright = chips_of(bright_chips, "bright")
    monkeypatch.setattr(checkpoints, "SLOW_SECONDS", 0.0)

    def stop(now: TrainingProgress) -> None:
        if now.step == 3:
            raise InterruptedError

    steps: list[int] = []
    for report in (stop, lambda now: steps.append(now.step)):
        with suppress(InterruptedError):
            settings = TrainingSettings(6, 2, 3)
            train_region(fresh(bright), "bright", bright, TSMU, settings, checkpoints=tmp_path, progress=report)
    assert steps == [3, 4, 5, 6]  # the second was saved; the third was stopped before it was


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_who_asks_it_to_end_is_answered_by_the_caller(
    asked: signal.Signals, bright_chips: Path, tmp_path: Path
) -> None:
    """Lightning leaves the process with exit code 1 and no word."""
    bright = chips_of(bright_chips, "bright")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run behind a shell
    try:
        with pytest.raises(KeyboardInterrupt):
            train_region(
                fresh(bright),
                "bright",
                bright,
                TSMU,
                TrainingSettings(40, 4, 0),
                checkpoints=tmp_path,
                progress=lambda now: signal.raise_signal(asked) if now.step == CHECKPOINT_STEPS + 1 else None,
            )
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["tsmu", "tsmu-plus", "frozen", "finetune"])
def test_a_network_that_was_to_answer_learns_like_one_that_was_to_learn(
    bright_chips: Path, dark_chips: Path, name: str
) -> None:
    bright, dark = chips_of(bright_chips, "bright"), chips_of(dark_chips, "dark")
    networks = []
    for learning in (True, False):
        network = fresh(bright)
        train_region(network, "bright", bright, TSMU, TrainingSettings(2, 4, 0))
        train_region(network.train(learning), "dark", dark, strategy_named(name), TrainingSettings(4, 4, 0))
        networks.append(network)
    assert same(state(networks[0]), networks[1])


def test_each_chip_is_drawn_once_a_round() -> None:
    drawn = list(islice(StepSampler([[True] * 7], batch_size=4, seed=0), 240))
    positions = [position for position, _ in drawn]
    assert all(sorted(positions[i : i + 7]) == list(range(7)) for i in range(0, 240 - 7, 7))
    assert len({seed for _, seed in drawn}) == len(drawn)
    later = StepSampler([[True] * 7], batch_size=4, seed=0, start=13)
    assert list(islice(later, 100)) == drawn[4 * 13 : 4 * 13 + 100]


@given(landslides=st.lists(st.booleans(), min_size=1, max_size=40), seed=st.integers(0, 3))
def test_scarce_landslides_are_in_every_batch_and_every_chip_is_drawn(landslides: list[bool], seed: int) -> None:
    positions = [position for position, _ in islice(StepSampler([landslides], 4, seed), 4 * len(landslides))]
    assert set(positions) == set(range(len(landslides)))
    if 0 < sum(landslides) < len(landslides) / 2:
        assert all(landslides[position] for position in positions[::2])
        assert not any(landslides[position] for position in positions[1::2])


@pytest.mark.parametrize(
    ("cores", "processes", "kind", "batches_with_room", "workers"),
    [
        (8, 1, "cpu", 1000, 0),  # a thread does it
        (1, 2, "cuda", 1000, 0),
        (8, 1, "cuda", 1000, 7),
        (8, 4, "cuda", 1000, 1),
        (64, 2, "cuda", 1000, 16),
        (8, 1, "cuda", 25, 3),  # each prepares four batches, and twice their room has to be free
        (8, 1, "cuda", 7, 0),
    ],
)
def test_as_many_processes_load_chips_as_cores_and_memory_allow(
    monkeypatch: pytest.MonkeyPatch, cores: int, processes: int, kind: str, batches_with_room: int, workers: int
) -> None:
    free = shutil.disk_usage(batches.SHARED_MEMORY)._replace(free=batches_with_room * 1000)
    monkeypatch.setattr(batches, "cores_per_process", lambda count: max(cores // count, 1))
    monkeypatch.setattr(batches, "device_in_use", lambda: kind)
    monkeypatch.setattr(batches.shutil, "disk_usage", lambda _: free)
    assert batches._worker_count(1000, processes) == workers
