"""Task-specific model updates: the paper's strategy, and ours, which builds on it."""

from typing import ClassVar

import torch

from tsmu.chips import transfer_colours
from tsmu.model import ENCODER_PART, RegionNet
from tsmu.update.losses import DISTILLATION_WEIGHT, distillation_loss, label_losses
from tsmu.update.strategies.base import Strategy, unlabelled_distillation
from tsmu.update.strategies.context import Batch, Losses, UpdateContext, chip_generator
from tsmu.update.strategies.stages import (
    KNOWN_REGION_RATE_SHARE,
    Stage,
    region_rate,
    train_region_alone,
    train_together,
)

ALONE_SHARE = 1 / 3  # of the steps, for the new decoder alone
NEW_RATE = 2e-3
# Peak learning rate of the encoder and the old decoders, a twentieth of the new decoder's. At the new decoder's rate
# they forget as much as in fine-tuning. At a tenth of it one of two seeds on real regions lost 0.33 IoU on the first
# region, at a twentieth it lost 0.002.
SHARED_RATE = 1e-4
PLUS_NEW_RATE, PLUS_SHARED_RATE = 3e-3, 3e-4  # of tsmu-plus, which can afford three times the shared rate
SURROGATE_WEIGHT = 0.5  # of the losses by which an old decoder learns the new labels on recoloured images


class TaskSpecificModelUpdates(Strategy):
    """A decoder per region, trained first alone and then together with encoder and old decoders under distillation.

    1. The teacher, a frozen copy of the network, predicts with every old decoder on the very images of each
       step, so its predictions fit under any augmentation.
    2. The new decoder is trained alone on the labels, encoder and old decoders frozen.
    3. All are trained together: the new decoder on the labels, and the old decoders, one a step,
       towards the teacher's predictions. No old image or label is used.

    A region that is known already goes on in its own decoder, slowly and in one stage; where the new labels
    are unknown, that decoder is distilled towards its earlier predictions too.

    Each region has its own normalisation, also within the encoder; the statistics of the old regions do not
    change at all.
    """

    name: ClassVar[str] = "tsmu"
    source: ClassVar[str] = "Nagendra et al. 2022, doi 10.1109/JSTARS.2022.3177025"

    new_rate: ClassVar[float] = NEW_RATE
    shared_rate: ClassVar[float] = SHARED_RATE

    def later_stages(self, context: UpdateContext, steps: int) -> list[Stage]:
        """The new decoder alone for a third of the steps, then all together; a known region together from the start."""
        if context.is_known_region:
            new_rate, shared_rate = region_rate(context, self.new_rate), KNOWN_REGION_RATE_SHARE * self.shared_rate
            return [train_together(context, steps, new_rate=new_rate, encoder_rate=shared_rate, old_rate=shared_rate)]
        alone = round(ALONE_SHARE * steps)
        return [
            train_region_alone(context, alone, self.new_rate),
            train_together(
                context,
                steps - alone,
                new_rate=self.new_rate,
                encoder_rate=self.shared_rate,
                old_rate=self.shared_rate,
            ),
        ]

    def losses(self, context: UpdateContext, stage: Stage, batch: Batch, step: int) -> Losses:
        """Those of the labels; where the encoder is trained, also the distillation of one old decoder."""
        if context.is_first_region or ENCODER_PART not in stage.rates:
            return super().losses(context, stage, batch, step)
        logits = context.network(batch["image"], [context.decoder])[context.decoder]
        losses = label_losses(logits, batch["mask"])
        losses |= unlabelled_distillation(context, batch, logits)
        for name, factor in context.distilled_decoders(step).items():
            losses |= self.old_decoder_losses(context, name, factor, batch)
        return losses

    def old_decoder_losses(self, context: UpdateContext, name: str, factor: int, batch: Batch) -> Losses:
        """Distil an old decoder: the distance of its predictions on the new images to the teacher's, times a factor."""
        image = batch["image"]
        logits, teacher_logits = context.network(image, [name])[name], context.teacher_logits(image, [name])[name]
        distance = distillation_loss(logits, teacher_logits)
        return {"distillation": factor * DISTILLATION_WEIGHT * distance}


class SurrogateUpdates(TaskSpecificModelUpdates):
    """TSMU, with the old decoders distilled on images that look like those of their own region.

    On a new region's images the old decoders predict no landslide nearly everywhere, so distilling
    those predictions preserves little. Here half of the new chips are recoloured to an old region's stored
    image statistics (a few numbers per region, no image); the old decoder is distilled towards the teacher's
    predictions on them, and learns the new labels in its own region's colours, so it goes on learning.
    The new decoder starts with the weights of the last one (on validation chips of four real regions
    the mean IoU at the end was 0.495 so, and 0.485 from random weights; one seed).
    """

    name: ClassVar[str] = "tsmu-plus"
    source: ClassVar[str] = "ours; surrogate inputs after LwS, arXiv 2210.07016"
    uses_image_statistics: ClassVar[bool] = True
    uses_adapters: ClassVar[bool] = True
    new_rate: ClassVar[float] = PLUS_NEW_RATE
    shared_rate: ClassVar[float] = PLUS_SHARED_RATE

    def initial_decoder(self, network: RegionNet) -> str | None:
        """The last decoder: landslides of two regions look more alike than landslides and random weights do."""
        return network.decoder_names[-1] if network.decoder_names else None

    def old_decoder_losses(self, context: UpdateContext, name: str, factor: int, batch: Batch) -> Losses:
        """Distil on plain and on recoloured images; on the recoloured ones the old decoder learns the labels, too.

        The distance is the mean over both halves of the batch; doubled, it counts each half like a batch of its own.
        """
        if name not in context.image_statistics:
            return super().old_decoder_losses(context, name, factor, batch)
        half = len(batch["image"]) // 2
        generators = [chip_generator(int(seed)) for seed in batch["seed"][half:]]
        surrogate = transfer_colours(batch["image"][half:], context.image_statistics[name], generators)
        image = torch.cat([batch["image"][:half], surrogate])
        logits, teacher_logits = context.network(image, [name])[name], context.teacher_logits(image, [name])[name]
        surrogate_losses = torch.stack(list(label_losses(logits[half:], batch["mask"][half:]).values())).sum()
        distance = distillation_loss(logits, teacher_logits)
        return {
            "distillation": 2 * factor * DISTILLATION_WEIGHT * distance,
            "surrogate labels": SURROGATE_WEIGHT * surrogate_losses,
        }
