"""What is done without any method of continual learning: fine-tuning, retraining, a model per region."""

from typing import ClassVar

from tsmu.model import RegionNet
from tsmu.update.strategies.base import Strategy
from tsmu.update.strategies.context import UpdateContext
from tsmu.update.strategies.stages import Stage, train_all


class FineTuning(Strategy):
    """One decoder for all regions; every update trains the whole network on the new images."""

    name: ClassVar[str] = "finetune"
    source: ClassVar[str] = "the usual practice"

    def decoder_for(self, network: RegionNet, region: str) -> str:
        """The first region's decoder, which all regions share."""
        return network.decoder_names[0] if network.decoder_names else region

    def later_stages(self, context: UpdateContext, steps: int) -> list[Stage]:
        """Everything at once, as for the first region."""
        return [train_all(context, steps)]


class Retraining(FineTuning):
    """One model, trained anew on each new region alone; it predicts the old regions too."""

    name: ClassVar[str] = "retrain"
    source: ClassVar[str] = "the usual practice"
    from_scratch: ClassVar[bool] = True


class SeparateModels(Strategy):
    """A model of its own for each region: nothing is shared, so nothing is forgotten and nothing is transferred."""

    name: ClassVar[str] = "separate"
    source: ClassVar[str] = "the usual practice"
    from_scratch: ClassVar[bool] = True
    keeps_old_models: ClassVar[bool] = True

    def later_stages(self, context: UpdateContext, steps: int) -> list[Stage]:
        """Never used: every region is the first of its model."""
        return [train_all(context, steps)]
