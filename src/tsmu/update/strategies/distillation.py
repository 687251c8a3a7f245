"""Distillation at the new decoder's own rate: learning without forgetting, and ILT."""

from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from tsmu.chips.dataset import Sample
from tsmu.model.network.region_net import ENCODER
from tsmu.update.losses import label_losses
from tsmu.update.strategies.base import RATE, Lesson, Losses, Stage, Strategy, new_alone, together

WARM_UP_SHARE = 1 / 3  # of the steps, for the new decoder alone
FEATURE_WEIGHT = 1.0  # of the squared distance of features, relative to their own mean square


class LearningWithoutForgetting(Strategy):
    """Old decoders are held to the teacher's answers on the new images by binary cross-entropy (KD-BCE)."""

    name: ClassVar[str] = "lwf"
    source: ClassVar[str] = "Li and Hoiem 2017, arXiv 1606.09282"

    def later_stages(self, lesson: Lesson, steps: int) -> list[Stage]:
        """Warm-up of the new decoder, then all at one rate, as in the paper."""
        alone = round(WARM_UP_SHARE * steps)
        return [new_alone(lesson, alone, RATE), together(lesson, steps - alone, RATE, RATE)]

    def loss(self, lesson: Lesson, stage: Stage, batch: Sample, step: int) -> Losses:
        """The labels, and the distance to what an old decoder, each in its turn, said."""
        if lesson.first or ENCODER not in stage.rates:
            return super().loss(lesson, stage, batch, step)
        assert lesson.teacher is not None
        held = lesson.old_in_turn(step)
        answers = lesson.network.with_features(batch["image"], [lesson.decoder, *held])
        with torch.no_grad():
            recorded = lesson.teacher.with_features(batch["image"], held)
        losses = label_losses(answers[lesson.decoder][1], batch["mask"])
        for name in held:
            losses |= self.distances(answers[name], recorded[name])
        return losses

    def distances(self, answer: tuple[list[Tensor], Tensor], recorded: tuple[list[Tensor], Tensor]) -> Losses:
        """Distance of features and logits to the teacher's."""
        probability = recorded[1].float().sigmoid()
        return {"hold": functional.binary_cross_entropy_with_logits(answer[1].float(), probability)}


class IncrementalLearningTechniques(LearningWithoutForgetting):
    """Distillation of the answers and of the encoder's last features."""

    name: ClassVar[str] = "ilt"
    source: ClassVar[str] = "Michieli and Zanuttigh 2019, arXiv 1907.13372"

    def distances(self, answer: tuple[list[Tensor], Tensor], recorded: tuple[list[Tensor], Tensor]) -> Losses:
        """Also the squared distance of the deepest feature maps."""
        own, before = answer[0][-1].float(), recorded[0][-1].float()
        distance = (own - before).square().mean() / before.square().mean().clamp(min=1e-6)
        return super().distances(answer, recorded) | {"features": FEATURE_WEIGHT * distance}
