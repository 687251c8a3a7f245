"""The best weights of a training: those with the highest mean IoU over all regions that have validation chips."""

import math
from collections.abc import Sequence
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import torch
from torch import Tensor

from tsmu.chips import ChipDataset
from tsmu.evaluate import NEUTRAL_PERCENT, PixelCounts, count_pixels
from tsmu.model import RegionNet
from tsmu.update.pooling import sum_over_processes
from tsmu.update.training.schedule import Schedule
from tsmu.update.training.settings import WHOLE, ProcessShare, ScoreRecord, ValidationChips

CHECKS = 10  # how often the network is scored in the last stage of a training, in each repetition of it
CHIPS_PER_CHECK = 32  # validation chips of each region that a check predicts, at most
CACHE_BYTES = 1 << 26  # memory for a region's decoded chips: decoding one takes longer than predicting it on a GPU
PATIENCE = 6  # successive checks without a better score after which a training without repetitions ends
MIN_GAIN = 0.005  # by which a repetition of the last stage has to raise the best mean IoU, or the training ends


class BestWeights:
    """Scores the network at intervals in the last stage of a training, and keeps the best weights.

    Where the last stage is repeated, a repetition that brings less than `MIN_GAIN` ends the training.
    Its state is part of the training's checkpoints, so a resumed training knows what was best before.

    Args:
        validation: decoder and validation chips of each region; regions whose chips show no landslide are left out.
        share: which part of the chips this process predicts, where several train together.

    Attributes:
        validation: for each region, its decoder and the chips that a check predicts.
        scores: the record of each check so far.
        has_ended: whether the training should end here.
    """

    def __init__(self, validation: Sequence[ValidationChips], share: ProcessShare = WHOLE) -> None:
        samples = [(decoder, _sample(chips)) for decoder, chips in validation if len(chips)]
        self.validation = [(decoder, chips) for decoder, chips in samples if chips["landslide_pixels"].any()]
        own = slice(share.number, None, share.count)
        self._own_chips = [ChipDataset(chips.iloc[own], cache_bytes=CACHE_BYTES) for _, chips in self.validation]
        self.has_ended = False
        self.scores: list[ScoreRecord] = []
        self._score = -math.inf
        self._step: int | None = None
        self._weights: dict[str, Tensor] = {}
        self._checks_without_gain = 0
        self._score_of_last_round = -math.inf

    @property
    def has_chips(self) -> bool:
        """Whether there is anything to score the network on."""
        return bool(self.validation)

    def after_step(self, steps_done: int, schedule: Schedule, network: RegionNet) -> None:
        """Score the network where a check is due, and decide whether the training should end.

        Args:
            steps_done: number of steps that the training has done.
            schedule: of the training.
            network: in training mode, in which it is left.
        """
        stage_number, steps_before = schedule.position(steps_done - 1)
        stage, steps_in_stage = schedule.stages[stage_number], steps_before + 1
        if not self.validation or stage is not schedule.stages[-1]:
            return
        rounds = sum(stage is other for other in schedule.stages)
        # A check is due where this step reaches the next tenth of the stage.
        if steps_in_stage * CHECKS // stage.steps > steps_before * CHECKS // stage.steps:
            self._check(steps_done, network)
            self.has_ended = rounds == 1 and self._checks_without_gain >= PATIENCE
        if rounds > 1 and steps_in_stage == stage.steps:
            self.has_ended = self._score - self._score_of_last_round < MIN_GAIN
            self._score_of_last_round = self._score

    def _check(self, step: int, network: RegionNet) -> None:
        """Score the network on the validation chips, and copy its weights if none before were better."""
        decoders = [decoder for decoder, _ in self.validation]
        ious = [self._iou(network, decoder, own) for decoder, own in zip(decoders, self._own_chips, strict=True)]
        score = float(np.mean(ious))
        regions = [chips["region"].iloc[0] for _, chips in self.validation]
        self.scores.append({**dict(zip(regions, ious, strict=True)), "step": step})
        network.train()
        if score >= self._score:  # of equal scores the later is kept, whose weights have learned from more chips
            self._score, self._step, self._checks_without_gain = score, step, 0
            self._weights = {name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}
        else:
            self._checks_without_gain += 1

    def _iou(self, network: RegionNet, decoder: str, chips: ChipDataset) -> float:
        """IoU on validation chips, of which each process predicts its share."""
        counts = count_pixels(network, decoder, chips)
        own_counts = torch.from_numpy(np.stack([counts.landslide, counts.background])).to(network.mean.device)
        landslide, background = sum_over_processes(own_counts).cpu().numpy()
        return PixelCounts(landslide, background).iou(NEUTRAL_PERCENT)

    def restore(self, network: RegionNet) -> int | None:
        """Load the best weights into the network, and return their step; None where nothing was scored."""
        if self._weights:
            network.load_state_dict(self._weights)
        return self._step

    def state_dict(self) -> dict[str, Any]:
        """The state as checkpoints have it."""
        return {
            "score": self._score,
            "step": self._step,
            "weights": self._weights,
            "behind": self._checks_without_gain,
            "last_round": self._score_of_last_round,
            "ended": self.has_ended,
            "scores": self.scores,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state of a checkpoint."""
        self._score, self._step = state["score"], state["step"]
        self._checks_without_gain, self._weights = state["behind"], state["weights"]
        self._score_of_last_round, self.has_ended = state["last_round"], state["ended"]
        self.scores = list(state["scores"])


def _sample(chips: geopandas.GeoDataFrame) -> geopandas.GeoDataFrame:
    """As many chips as a check takes, spread evenly over all of them.

    Where none of these shows a landslide, but others do, half of the sample is taken from those others: the IoU of
    chips without landslides tells nothing of a network.
    """
    sample = _spread(chips, CHIPS_PER_CHECK)
    shows = chips["landslide_pixels"] > 0
    if shows.any() and not sample["landslide_pixels"].any():
        halves = [_spread(chips[shows], CHIPS_PER_CHECK // 2), _spread(chips[~shows], CHIPS_PER_CHECK // 2)]
        sample = geopandas.GeoDataFrame(pd.concat(halves).sort_index())
    return sample


def _spread(chips: geopandas.GeoDataFrame, most: int) -> geopandas.GeoDataFrame:
    """At most so many chips, spread evenly over all of them."""
    spread: geopandas.GeoDataFrame = chips.iloc[np.linspace(0, len(chips) - 1, min(most, len(chips))).astype(int)]
    return spread
