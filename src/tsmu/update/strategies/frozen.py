"""Strategies whose encoder stands still after the first region: what they cannot forget they cannot improve."""

from typing import ClassVar

from tsmu.chips.dataset import Sample
from tsmu.model.network.region_net import RegionNet, decoder_part
from tsmu.update.losses import label_losses
from tsmu.update.strategies.base import Lesson, Losses, Stage, Strategy, going_on_rate, keep_unlabelled, new_alone

RATE = 3e-3


class FeatureExtraction(Strategy):
    """Encoder with its normalisation as the first region left it; only a new decoder is trained."""

    name: ClassVar[str] = "frozen"
    source: ClassVar[str] = "feature extraction as in Nagendra et al. 2022"
    moves_old_regions: ClassVar[bool] = False

    def later_stages(self, lesson: Lesson, steps: int) -> list[Stage]:
        """The new decoder alone."""
        new = decoder_part(lesson.decoder)
        return [Stage("new decoder", steps, {new: RATE}, frozenset({new}))]


class Isolated(Strategy):
    """Shared convolutions stand still; each region trains its own normalisation, adapters and decoder.

    What the older regions answer stays the same to the bit. A new region starts with all that the last
    one has of its own: from ImageNet weights, in the order Nepal, Kodagu, Hokkaido, Taiwan (300 steps, one
    seed), the IoU on validation chips of the last three was 0.630, 0.526 and 0.547 so, and 0.628, 0.511
    and 0.533 with new decoders and adapters from zero. A known region learns on in its own parts, slowly
    (`going_on_rate`), held to its earlier answers where the new labels say nothing.
    """

    name: ClassVar[str] = "isolate"
    source: ClassVar[str] = "after MDIL, Garg et al. 2022, arXiv 2110.12205"
    adapts: ClassVar[bool] = True
    moves_old_regions: ClassVar[bool] = False

    def starts_like(self, network: RegionNet) -> str | None:
        """Copy normalisation, adapters and decoder from the region that was learned last."""
        return network.decoder_names[-1] if network.decoder_names else None

    def later_stages(self, lesson: Lesson, steps: int) -> list[Stage]:
        """Train the region's own normalisation, adapters and decoder in one stage."""
        return [new_alone(lesson, steps, going_on_rate(lesson, RATE))]

    def loss(self, lesson: Lesson, stage: Stage, batch: Sample, step: int) -> Losses:
        """The labels; of a known region also its earlier answers where there is no label."""
        del stage, step
        answer = lesson.network(batch["image"], [lesson.decoder])[lesson.decoder]
        return label_losses(answer, batch["mask"]) | keep_unlabelled(lesson, batch, answer)
