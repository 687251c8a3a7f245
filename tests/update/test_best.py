"""The best weights of a training, by the mean over all regions that can be checked."""

from collections.abc import Callable
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pytest
import torch

from tests.update.networks import chips_of, fresh, same, state
from tsmu.evaluate import PixelCounts, count_pixels
from tsmu.model import RegionNet
from tsmu.update import TrainingProgress, TrainingResult, TrainingSettings, train_region
from tsmu.update.strategies.finetune import FineTuning
from tsmu.update.training import best_weights, checkpoints
from tsmu.update.training.best_weights import BestWeights
from tsmu.update.training.checkpoints import CHECKPOINT_STEPS
from tsmu.update.training.settings import ValidationChips


def mean_iou(network: RegionNet, checking: list[ValidationChips]) -> float:
    return sum(count_pixels(network, decoder, chips).iou(50) for decoder, chips in checking) / len(checking)


def watched(
    network: RegionNet, chips: geopandas.GeoDataFrame, checking: list[ValidationChips], steps: int
) -> tuple[TrainingResult, list[float]]:
    """Fine-tune, and score the network after each step as the training should."""
    scores: list[float] = []

    def score(_: TrainingProgress) -> None:
        scores.append(mean_iou(network, checking))
        network.train()

    region, settings = chips["region"].iloc[0], TrainingSettings(steps, 4, 0)
    return train_region(network, region, chips, FineTuning(), settings, validation=checking, progress=score), scores


def test_the_weights_of_the_best_mean_are_kept(bright_chips: Path, dark_chips: Path) -> None:
    bright, dark = chips_of(bright_chips, "bright"), chips_of(dark_chips, "dark")
    network, checking = fresh(bright), [("bright", bright), ("bright", dark)]
    learned, scores = watched(network, bright, checking, 10)
    assert len(scores) == 10
    assert learned.kept_step is not None
    assert scores[learned.kept_step - 1] == max(scores)
    assert mean_iou(network, checking) == max(scores)


def test_a_training_that_only_spoils_is_ended(monkeypatch: pytest.MonkeyPatch, bright_chips: Path) -> None:
    monkeypatch.setattr(best_weights, "PATIENCE", 2)
    monkeypatch.setattr(best_weights, "count_pixels", _finding(60, 70, 50, 60, 90))
    bright = chips_of(bright_chips, "bright")
    network, weights = fresh(bright), list[dict[str, torch.Tensor]]()
    learned = train_region(
        network, "bright", bright, FineTuning(), TrainingSettings(20, 2, 0),
        validation=[("bright", bright)], progress=lambda _: weights.append(state(network)),
    )  # fmt: skip
    assert len(weights) == 8  # a check every second step; the fourth is the second without a gain
    assert learned.kept_step == 4
    assert same(weights[3], network)


def test_a_resumed_training_knows_what_was_best(tmp_path: Path, bright_chips: Path) -> None:
    bright = chips_of(bright_chips, "bright")
    settings, checking = TrainingSettings(CHECKPOINT_STEPS + 6, 2, 0), [("bright", bright)]

    def learn(network: RegionNet, stop_at: int | None = None) -> TrainingResult:
        def report(now: TrainingProgress) -> None:
            if now.step == stop_at:
                raise InterruptedError

        return train_region(
            network,
            "bright",
            bright,
            FineTuning(),
            settings,
            validation=checking,
            checkpoints=tmp_path,
            progress=report,
        )

    with pytest.raises(InterruptedError):
        learn(fresh(bright), stop_at=CHECKPOINT_STEPS + 2)
    resumed, whole = fresh(bright), fresh(bright)
    learned = learn(resumed)
    (tmp_path / "last.ckpt").unlink()
    assert learn(whole).kept_step == learned.kept_step
    assert same(state(whole), resumed)


def test_a_training_that_was_killed_where_it_ended_ends(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, bright_chips: Path
) -> None:
    monkeypatch.setattr(best_weights, "PATIENCE", 1)
    monkeypatch.setattr(checkpoints, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(best_weights, "count_pixels", _finding(*range(100, 0, -1)))
    bright = chips_of(bright_chips, "bright")
    settings, steps = TrainingSettings(10 * CHECKPOINT_STEPS, 2, 0), list[int]()

    def learn() -> TrainingResult:
        return train_region(
            fresh(bright), "bright", bright, FineTuning(), settings,
            validation=[("bright", bright)], checkpoints=tmp_path, progress=lambda now: steps.append(now.step),
        )  # fmt: skip

    assert learn().kept_step == CHECKPOINT_STEPS
    assert max(steps) == 2 * CHECKPOINT_STEPS
    steps.clear()
    assert learn().kept_step == CHECKPOINT_STEPS
    assert steps == []


def test_the_last_stage_is_repeated_as_long_as_validation_gains(
    monkeypatch: pytest.MonkeyPatch, bright_chips: Path
) -> None:
    rounds = [[50] * 9 + [60], [55] * 9 + [70], [70] * 10, [90] * 10]  # checked after each step
    monkeypatch.setattr(best_weights, "count_pixels", _finding(*[count for found in rounds for count in found]))
    bright = chips_of(bright_chips, "bright")
    settings, steps = TrainingSettings(10, 2, 0, rounds=4), list[int]()
    learned = train_region(
        fresh(bright), "bright", bright, FineTuning(), settings,
        validation=[("bright", bright)], progress=lambda now: steps.append(now.step),
    )  # fmt: skip
    assert learned.steps == max(steps) == 30  # the third round brought nothing, so there is no fourth
    assert learned.kept_step == 30


def test_a_landslide_on_few_of_many_validation_chips_is_not_missed(bright_chips: Path) -> None:
    """Checks predict a sample of the chips: a region whose sample happens to show no landslide counts all the same."""
    bright = chips_of(bright_chips, "bright")
    many = geopandas.GeoDataFrame(pd.concat([bright] * 20, ignore_index=True))
    many["landslide_pixels"] = 0
    shows = [len(many) // 3, len(many) // 2 + 1]
    assert not set(shows) & set(np.linspace(0, len(many) - 1, best_weights.CHIPS_PER_CHECK).astype(int))
    assert not BestWeights([("bright", many)]).has_chips
    many.loc[shows, "landslide_pixels"] = 9
    ((_, sample),) = BestWeights([("bright", many)]).validation
    assert set(shows) < set(sample.index)
    assert len(sample) <= best_weights.CHIPS_PER_CHECK
    assert sample.index.is_monotonic_increasing


def test_without_validation_chips_there_is_one_round(bright_chips: Path) -> None:
    bright = chips_of(bright_chips, "bright")
    learned = train_region(fresh(bright), "bright", bright, FineTuning(), TrainingSettings(4, 2, 0, rounds=3))
    assert (learned.steps, learned.kept_step) == (4, None)


def _finding(*pixels: int) -> Callable[..., PixelCounts]:
    """Scores of a network that finds so many of a hundred landslide pixels, each time it is asked."""
    found = iter(pixels)
    return lambda *_: PixelCounts.from_probability(
        (np.arange(100) < next(found)).astype(np.float32), np.ones(100, np.uint8)
    )
