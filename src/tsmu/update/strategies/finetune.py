"""What is done without a method: fine-tuning, retraining, a model per region."""

from typing import ClassVar

from tsmu.model.network.region_net import RegionNet
from tsmu.update.strategies.base import Lesson, Stage, Strategy, everything


class FineTuning(Strategy):
    """One decoder for all regions; every update trains the whole network on the new images."""

    name: ClassVar[str] = "finetune"
    source: ClassVar[str] = "the usual practice"

    def decoder_for(self, network: RegionNet, region: str) -> str:
        """Share the first region's decoder."""
        return network.decoder_names[0] if network.decoder_names else region

    def later_stages(self, lesson: Lesson, steps: int) -> list[Stage]:
        """Train everything, as for the first region."""
        return [everything(lesson, steps)]


class Retraining(FineTuning):
    """One model, trained anew from random weights on each new region; it serves the old ones too."""

    name: ClassVar[str] = "retrain"
    source: ClassVar[str] = "the usual practice"
    starts_fresh: ClassVar[bool] = True


class SeparateModels(Strategy):
    """A model of its own for each region: nothing shared, nothing forgotten, nothing gained."""

    name: ClassVar[str] = "separate"
    source: ClassVar[str] = "the usual practice"
    starts_fresh: ClassVar[bool] = True
    keeps_old_models: ClassVar[bool] = True

    def later_stages(self, lesson: Lesson, steps: int) -> list[Stage]:
        """Never asked: every region is the first of its model."""
        return [everything(lesson, steps)]
