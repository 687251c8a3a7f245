"""Plain fine-tuning: the contrast that shows what forgetting is."""

from typing import ClassVar

from tsmu.model.network import RegionNet
from tsmu.update.strategy import Lesson, Stage, Strategy, everything


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
