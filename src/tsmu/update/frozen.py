"""Strategies whose encoder stands still after the first region: what they cannot forget they cannot improve."""

from typing import ClassVar

from tsmu.model.network import decoder_part
from tsmu.update.strategy import Lesson, Stage, Strategy, new_alone

RATE = 3e-3


class FeatureExtraction(Strategy):
    """Encoder with its normalisation as the first region left it; only a new decoder is trained."""

    name: ClassVar[str] = "frozen"
    source: ClassVar[str] = "feature extraction as in Nagendra et al. 2022"

    def later_stages(self, lesson: Lesson, steps: int) -> list[Stage]:
        """The new decoder alone."""
        new = decoder_part(lesson.decoder)
        return [Stage("new decoder", steps, {new: RATE}, frozenset({new}))]


class Isolated(Strategy):
    """Shared convolutions stand still; each region trains its own normalisation, adapters and decoder."""

    name: ClassVar[str] = "isolate"
    source: ClassVar[str] = "after MDIL, Garg et al. 2022, arXiv 2110.12205"
    adapts: ClassVar[bool] = True

    def later_stages(self, lesson: Lesson, steps: int) -> list[Stage]:
        """All that the new region has of its own."""
        return [new_alone(lesson, steps, RATE)]
