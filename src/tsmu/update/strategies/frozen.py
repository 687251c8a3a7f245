"""Strategies whose encoder does not change after the first region: they cannot forget, and cannot improve old ones."""

from typing import ClassVar

from tsmu.model import RegionNet, decoder_part
from tsmu.update.losses import label_losses
from tsmu.update.strategies.base import Strategy, unlabelled_distillation
from tsmu.update.strategies.context import Batch, Losses, UpdateContext
from tsmu.update.strategies.stages import Stage, region_rate, train_region_alone

RATE = 3e-3  # peak learning rate of the parts that are trained


class FeatureExtraction(Strategy):
    """The encoder with its normalisation stays as the first region left it; only a new decoder is trained."""

    name: ClassVar[str] = "frozen"
    source: ClassVar[str] = "feature extraction as in Nagendra et al. 2022"
    changes_old_regions: ClassVar[bool] = False

    def later_stages(self, context: UpdateContext, steps: int) -> list[Stage]:
        """The new decoder alone."""
        new = decoder_part(context.decoder)
        return [Stage("new decoder", steps, {new: RATE}, frozenset({new}))]


class Isolated(Strategy):
    """The shared convolutions stay as they are; each region trains its own normalisation, adapters and decoder.

    The predictions for older regions stay the same to the bit. A new region starts with a copy of all parts that the
    last region has of its own. From ImageNet weights, in the order Nepal, Kodagu, Hokkaido, Taiwan (300 steps, one
    seed), the IoU on validation chips of the last three was 0.630, 0.526 and 0.547 with these copies, and 0.628, 0.511
    and 0.533 with random decoders and zero adapters. A known region goes on learning in its own parts, slowly
    (`region_rate`), and is distilled towards its earlier predictions where the new labels are unknown.
    """

    name: ClassVar[str] = "isolate"
    source: ClassVar[str] = "after MDIL, Garg et al. 2022, arXiv 2110.12205"
    uses_adapters: ClassVar[bool] = True
    changes_old_regions: ClassVar[bool] = False

    def initial_decoder(self, network: RegionNet) -> str | None:
        """The region that was learned last, whose normalisation, adapters and decoder are copied."""
        return network.decoder_names[-1] if network.decoder_names else None

    def later_stages(self, context: UpdateContext, steps: int) -> list[Stage]:
        """The region's own normalisation, adapters and decoder in one stage."""
        return [train_region_alone(context, steps, region_rate(context, RATE))]

    def losses(self, context: UpdateContext, stage: Stage, batch: Batch, step: int) -> Losses:
        """Those of the labels; for a known region also the distillation where the labels are unknown."""
        del stage, step
        logits = context.network(batch["image"], [context.decoder])[context.decoder]
        return label_losses(logits, batch["mask"]) | unlabelled_distillation(context, batch, logits)
