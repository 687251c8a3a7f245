"""The best weights of a training: by the mean over all regions that can be checked, never by the newest alone."""

import math
from collections.abc import Sequence
from typing import Any

import geopandas
import numpy as np
from lightning.pytorch.callbacks import Callback
from torch import Tensor

from tsmu.evaluate.metrics.threshold import NEUTRAL
from tsmu.evaluate.predictions import count_pixels
from tsmu.model.network.region_net import RegionNet

CHECKS = 10  # in the last stage of a training
CHIPS = 32  # of a region, per check
PATIENCE = 6  # checks without a gain, after which the rest of the training is not worth its time
LEAST_GAIN = 0.005  # mean IoU on the validation chips that a repetition of the last stage has to bring

Check = tuple[str, geopandas.GeoDataFrame]


class BestWeights(Callback):
    """Scores the network now and then in the last stage of a training, and keeps the best weights.

    Where the last stage is repeated, a repetition that brings less than `LEAST_GAIN` ends the training.
    Its state is part of the training's checkpoints, so a resumed training knows what was best before.

    Args:
        checking: decoder and validation chips of each region.
    """

    def __init__(self, checking: Sequence[Check]) -> None:
        spread = [(decoder, _some(chips)) for decoder, chips in checking if len(chips)]
        self._checking = [(decoder, chips) for decoder, chips in spread if chips["landslide_pixels"].any()]
        self.score = -math.inf
        self.step: int | None = None
        self._weights: dict[str, Tensor] = {}
        self._behind = 0
        self._last_round = -math.inf  # the best score at the end of the round before
        self._ended = False

    @property
    def has_chips(self) -> bool:
        """Whether there is anything to score the network on."""
        return bool(self._checking)

    def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any) -> None:
        """Score the network where a check is due."""
        number, before = pl_module.place(trainer.global_step - 1)
        stage, done = pl_module.stages[number], before + 1
        if not self._checking or stage is not pl_module.stages[-1]:
            return
        rounds = sum(stage is other for other in pl_module.stages)
        if done * CHECKS // stage.steps > before * CHECKS // stage.steps:
            self._check(trainer.global_step, pl_module.network)
            self._ended = rounds == 1 and self._behind >= PATIENCE
        if rounds > 1 and done == stage.steps:
            self._ended = self.score - self._last_round < LEAST_GAIN
            self._last_round = self.score
        trainer.should_stop = self._ended

    def _check(self, step: int, network: RegionNet) -> None:
        score = float(np.mean([count_pixels(network, name, chips).iou(NEUTRAL) for name, chips in self._checking]))
        network.train()
        if score >= self.score:  # of equal ones the later, which has seen more
            self.score, self.step, self._behind = score, step, 0
            self._weights = {name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}
        else:
            self._behind += 1

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """A training that was killed where it would have ended ends."""
        del pl_module
        trainer.should_stop = self._ended

    def restore(self, network: RegionNet) -> int | None:
        """Put the best weights back, and return the step at which they were found; None without any check."""
        if self._weights:
            network.load_state_dict(self._weights)
        return self.step

    def state_dict(self) -> dict[str, Any]:
        """What checkpoints hold."""
        return {
            "score": self.score,
            "step": self.step,
            "weights": self._weights,
            "behind": self._behind,
            "last_round": self._last_round,
            "ended": self._ended,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take it back."""
        self.score, self.step = state_dict["score"], state_dict["step"]
        self._behind, self._weights = state_dict["behind"], state_dict["weights"]
        self._last_round, self._ended = state_dict["last_round"], state_dict["ended"]


def _some(chips: geopandas.GeoDataFrame) -> geopandas.GeoDataFrame:
    """Chips spread evenly over all of them."""
    some: geopandas.GeoDataFrame = chips.iloc[np.linspace(0, len(chips) - 1, min(CHIPS, len(chips))).astype(int)]
    return some
