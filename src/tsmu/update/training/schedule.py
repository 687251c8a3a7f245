"""The schedule of a training: which stage a step is in, and at which rate each part of the network then learns.

Both follow from the number of the step alone, so a resumed training needs to know nothing else.
"""

import math
from collections.abc import Sequence

from tsmu.update.strategies import Stage

WARM_UP_SHARE = 0.1  # of a stage's steps, in which the learning rate rises to its peak


class Schedule:
    """The stages of a training, one after the other.

    Args:
        stages: of the strategy.
        rounds: how often the last stage is gone through; 1 does not repeat it.

    Example:
        >>> schedule = Schedule([Stage("alone", 10, {"decoder:nepal": 2e-3}), Stage("all", 20, {"encoder": 1e-4})])
        >>> schedule.steps, schedule.position(12)
        (30, (1, 2))
        >>> schedule.learning_rate("encoder", 5), schedule.learning_rate("encoder", 12) > 9e-5
        (0.0, True)
    """

    def __init__(self, stages: Sequence[Stage], rounds: int = 1) -> None:
        self.rounds = rounds
        self.stages = [*stages, *(rounds - 1) * [stages[-1]]]

    @property
    def steps(self) -> int:
        """The number of steps of all stages."""
        return sum(stage.steps for stage in self.stages)

    def stage(self, step: int) -> Stage:
        """The stage that a step is in."""
        return self.stages[self.position(step)[0]]

    def position(self, step: int) -> tuple[int, int]:
        """The number of the stage that a step is in, and the step's number within that stage, both from 0.

        For a step after the last, it is the last stage and its number of steps.
        """
        for number, stage in enumerate(self.stages):
            if step < stage.steps:
                return number, step
            step -= stage.steps
        return len(self.stages) - 1, self.stages[-1].steps

    def learning_rate(self, part: str, step: int) -> float:
        """The learning rate of a part of the network at a step: within each stage a warm-up, then a cosine to zero."""
        number, within = self.position(step)
        stage = self.stages[number]
        warm_up = min(1.0, (within + 1) / max(1.0, WARM_UP_SHARE * stage.steps))
        return stage.rates.get(part, 0.0) * warm_up * 0.5 * (1 + math.cos(math.pi * within / stage.steps))
