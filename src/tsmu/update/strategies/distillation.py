"""Strategies that distil the old decoders at the new decoder's own learning rate: LwF and ILT."""

from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from tsmu.model import ENCODER_PART
from tsmu.update.losses import label_losses
from tsmu.update.pooling import batch_mean
from tsmu.update.strategies.base import Strategy
from tsmu.update.strategies.context import Batch, Losses, UpdateContext
from tsmu.update.strategies.stages import LABEL_RATE, Stage, convolutions_rate, train_region_alone, train_together

WARM_UP_SHARE = 1 / 3  # of the steps, in which only the new decoder is trained
FEATURE_WEIGHT = 1.0  # of the squared distance of feature maps, which is divided by the teacher's mean square

Output = tuple[list[Tensor], Tensor]  # the encoder's feature maps and the logits (N, H, W) of a decoder


class LearningWithoutForgetting(Strategy):
    """Old decoders are distilled towards the teacher's predictions on the new images by cross-entropy (KD-BCE)."""

    name: ClassVar[str] = "lwf"
    source: ClassVar[str] = "Li and Hoiem 2017, arXiv 1606.09282"

    def later_stages(self, context: UpdateContext, steps: int) -> list[Stage]:
        """Warm-up of the new decoder, then everything at one rate, as in the publication.

        Pretrained convolutions learn at the smaller rate that they have in every strategy.
        """
        alone = round(WARM_UP_SHARE * steps)
        return [
            train_region_alone(context, alone, LABEL_RATE),
            train_together(
                context,
                steps - alone,
                new_rate=LABEL_RATE,
                encoder_rate=convolutions_rate(context, LABEL_RATE),
                old_rate=LABEL_RATE,
            ),
        ]

    def losses(self, context: UpdateContext, stage: Stage, batch: Batch, step: int) -> Losses:
        """Those of the labels, and where the encoder is trained the distillation of one old decoder."""
        if context.is_first_region or ENCODER_PART not in stage.rates:
            return super().losses(context, stage, batch, step)
        assert context.teacher is not None
        distilled = context.distilled_decoders(step)
        outputs = context.network.forward_with_features(batch["image"], [context.decoder, *distilled])
        with torch.no_grad():
            teacher_outputs = context.teacher.forward_with_features(batch["image"], distilled)
        losses = label_losses(outputs[context.decoder][1], batch["mask"])
        for name, factor in distilled.items():
            distances = self.distillation_losses(outputs[name], teacher_outputs[name])
            losses |= {kind: factor * distance for kind, distance in distances.items()}
        return losses

    def distillation_losses(self, output: Output, teacher_output: Output) -> Losses:
        """The distances of an old decoder's features and logits to the teacher's, by name."""
        (_, logits), (_, teacher_logits) = output, teacher_output
        probability = teacher_logits.float().sigmoid()
        distance = functional.binary_cross_entropy_with_logits(logits.float(), probability, reduction="none")
        return {"distillation": batch_mean(distance)}


class IncrementalLearningTechniques(LearningWithoutForgetting):
    """Distillation of the predictions and of the encoder's last features."""

    name: ClassVar[str] = "ilt"
    source: ClassVar[str] = "Michieli and Zanuttigh 2019, arXiv 1907.13372"

    def distillation_losses(self, output: Output, teacher_output: Output) -> Losses:
        """Also the squared distance of the deepest feature maps."""
        features, teacher_features = output[0][-1].float(), teacher_output[0][-1].float()
        distance = batch_mean((features - teacher_features).square())
        distance = distance / batch_mean(teacher_features.square()).clamp(min=1e-6)
        return super().distillation_losses(output, teacher_output) | {"feature distillation": FEATURE_WEIGHT * distance}
