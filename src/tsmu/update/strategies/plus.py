"""TSMU with surrogate old inputs: ours."""

from typing import ClassVar

import torch

from tsmu.chips.dataset import Sample
from tsmu.chips.looks import restyle
from tsmu.model.network.region_net import RegionNet
from tsmu.update.losses import HOLD_WEIGHT, held_answers, label_losses
from tsmu.update.strategies.base import Lesson, Losses
from tsmu.update.strategies.tsmu import TaskSpecificModelUpdates

NEW_RATE, SHARED_RATE = 3e-3, 3e-4  # the shared rate is three times what the paper's strategy can afford
SURROGATE_WEIGHT = 0.5  # of the new labels on an old decoder


class SurrogateUpdates(TaskSpecificModelUpdates):
    """TSMU, with the old decoders held on images that look like theirs.

    On a new region's images the old decoders answer "no landslide" nearly everywhere, so holding
    those answers holds little. Here the new chips are recoloured to an old region's stored colour
    statistics (a few numbers per region, no image); the old decoder is held to the teacher's
    answers on them and learns the new labels in its own region's colours, so it goes on learning.
    The new decoder starts with the weights of the last one (on validation chips of four real regions
    the mean IoU at the end was 0.495 so, and 0.485 from random weights; one seed).
    """

    name: ClassVar[str] = "tsmu-plus"
    source: ClassVar[str] = "ours; surrogate inputs after LwS, arXiv 2210.07016"

    adapts: ClassVar[bool] = True

    new_rate: ClassVar[float] = NEW_RATE
    shared_rate: ClassVar[float] = SHARED_RATE

    def starts_like(self, network: RegionNet) -> str | None:
        """A new decoder starts as the last one: landslides look more alike than random weights and they do."""
        return network.decoder_names[-1] if network.decoder_names else None

    def hold(self, lesson: Lesson, name: str, batch: Sample, step: int) -> Losses:
        """The distance to the teacher's answers, and the new labels where the colours are the old region's."""
        if name not in lesson.styles:
            return super().hold(lesson, name, batch, step)
        half = len(batch["image"]) // 2
        surrogate = restyle(batch["image"][half:], lesson.styles[name], lesson.generator(step))
        image = torch.cat([batch["image"][:half], surrogate])
        answer, recorded = lesson.network(image, [name])[name], lesson.recorded(image, [name])[name]
        labelled = torch.stack(list(label_losses(answer[half:], batch["mask"][half:]).values())).sum()
        return {
            "hold": 2 * HOLD_WEIGHT * len(lesson.old_decoders) * held_answers(answer, recorded),
            "surrogate labels": SURROGATE_WEIGHT * labelled,
        }
