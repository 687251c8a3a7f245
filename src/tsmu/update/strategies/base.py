"""What a strategy decides: which decoder learns a region, in which stages, and by which losses."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar

from torch import Tensor

from tsmu.labels import UNKNOWN
from tsmu.model import RegionNet
from tsmu.update.losses import DISTILLATION_WEIGHT, distillation_loss, label_losses
from tsmu.update.strategies.context import Batch, Losses, Memory, UpdateContext
from tsmu.update.strategies.stages import Stage, train_all


class Strategy(ABC):
    """A way for a network to learn a new region. It has no state: one instance serves any update.

    The training loop (`tsmu.update.training`) asks a strategy for the decoder, the stages and the losses of each
    step; it owns the optimiser, the batches, checkpoints and the choice of the best weights.

    Attributes:
        name: as users type it.
        source: the publication that it comes from.
        from_scratch: every region is learned by a new network, from random or pretrained weights.
        needs_old_chips: it is given the chips of earlier regions. An update is meant to work without them, so such a
            strategy is there for comparison only.
        keeps_old_models: earlier regions stay with the models that learned them.
        needs_memory: it must take part in every update to fill its memory, the first region's included.
        uses_image_statistics: it needs the image statistics of all earlier regions.
        uses_adapters: later regions get adapters within the encoder.
        changes_old_regions: an update may change the predictions for earlier regions, so their validation chips
            take part in choosing the best weights.

    Example:
        >>> class SlowFineTuning(Strategy):
        ...     name = "slow"
        ...     source = "an example"
        ...     def later_stages(self, context, steps):
        ...         return [train_all(context, steps, rate=1e-4)]
        >>> SlowFineTuning().decoder_for(network, "andes")
        'andes'
    """

    name: ClassVar[str]
    source: ClassVar[str]
    from_scratch: ClassVar[bool] = False
    needs_old_chips: ClassVar[bool] = False
    keeps_old_models: ClassVar[bool] = False
    needs_memory: ClassVar[bool] = False
    uses_image_statistics: ClassVar[bool] = False
    uses_adapters: ClassVar[bool] = False
    changes_old_regions: ClassVar[bool] = True

    def decoder_for(self, network: RegionNet, region: str) -> str:
        """The name of the decoder that learns `region`; by default one of its own, named like the region."""
        del network
        return region

    def initial_decoder(self, network: RegionNet) -> str | None:
        """The decoder whose weights a new decoder starts from; by default none, and it starts from random ones."""
        del network
        return None

    def region_of_step(self, step: int, old_regions: int) -> int:
        """Which region's chips a step learns from; by default always the region that is learned.

        Args:
            step: number of the step in the whole training, from 0.
            old_regions: how many earlier regions there are whose chips the strategy is given.

        Returns:
            0 for the region that is learned, 1 to `old_regions` for an earlier one.
        """
        del step, old_regions
        return 0

    def stages(self, context: UpdateContext, steps: int) -> list[Stage]:
        """Divide the steps of an update into stages; every strategy learns the first region in the same way."""
        return [train_all(context, steps)] if context.is_first_region else self.later_stages(context, steps)

    @abstractmethod
    def later_stages(self, context: UpdateContext, steps: int) -> list[Stage]:
        """Divide the steps of an update into stages, after the first region."""

    def losses(self, context: UpdateContext, stage: Stage, batch: Batch, step: int) -> Losses:
        """The losses of a step by name, whose sum is minimised. By default those of the labels alone.

        Args:
            context: the update.
            stage: the stage that the step is in.
            batch: the chips of the step, or this process's share of them.
            step: number of the step in the whole training, from 0.
        """
        del stage, step
        decoder = context.decoders[batch["region"][0]]
        return label_losses(context.network(batch["image"], [decoder])[decoder], batch["mask"])

    def before_optimizer_step(self, context: UpdateContext) -> None:
        """Called in each step, also of the first region, once gradients are computed and before the weights change."""
        del context

    def after_optimizer_step(self, context: UpdateContext) -> None:
        """Called in each step after the weights have changed."""
        del context

    def update_memory(self, context: UpdateContext, batches: Iterable[Batch]) -> Memory:
        """Return what the next update will need of this one; it replaces `context.memory`.

        Args:
            context: the update, whose training is over.
            batches: the chips of the region that was learned, once.
        """
        del batches
        return dict(context.memory)


def unlabelled_distillation(context: UpdateContext, batch: Batch, logits: Tensor) -> Losses:
    """Distil a known region's decoder towards its earlier predictions where the new labels are unknown.

    Args:
        context: the update.
        batch: images and masks.
        logits: of the region's decoder on these images, (N, H, W).

    Returns:
        The loss by name; nothing for a region that is new.
    """
    if not context.is_known_region:
        return {}
    teacher_logits = context.teacher_logits(batch["image"], [context.decoder])[context.decoder]
    loss = distillation_loss(logits, teacher_logits, batch["mask"] == UNKNOWN)
    return {"unlabelled distillation": DISTILLATION_WEIGHT * loss}
