"""Strategies that learn from old regions' chips again: yardsticks, because they need the data that should be gone."""

from typing import ClassVar

from tsmu.update.strategies.base import Strategy
from tsmu.update.strategies.context import UpdateContext
from tsmu.update.strategies.stages import LABEL_RATE, Stage, train_all

# Peak learning rate of joint training on several regions, the best of 1e-3, 2e-3 and 4e-3: the mean IoU on the
# validation chips of four real regions, after the last one was learned, was 0.492, 0.491 and 0.515 (one seed). On their
# test chips the order was reversed, with differences in WA of up to 0.006.
JOINT_RATE = 4e-3


class JointTraining(Strategy):
    """All regions at once in a new network, a decoder for each, batches of the regions in turn."""

    name: ClassVar[str] = "joint"
    source: ClassVar[str] = "JTAD in Nagendra et al. 2022"
    from_scratch: ClassVar[bool] = True
    needs_old_chips: ClassVar[bool] = True

    def region_of_step(self, step: int, old_regions: int) -> int:
        """Every region as often as any other."""
        return step % (old_regions + 1)

    def stages(self, context: UpdateContext, steps: int) -> list[Stage]:
        """Everything at once; one region alone at the rate at which every strategy learns its first."""
        return [train_all(context, steps, JOINT_RATE if len(context.decoders) > 1 else LABEL_RATE)]

    def later_stages(self, context: UpdateContext, steps: int) -> list[Stage]:
        """The same as for the first region: every training is the first of its network."""
        return self.stages(context, steps)


class Replay(Strategy):
    """The network goes on learning with every second batch from an old region, labels and all."""

    name: ClassVar[str] = "replay"
    source: ClassVar[str] = "experience replay, Chaudhry et al. 2019, arXiv 1902.10486"
    needs_old_chips: ClassVar[bool] = True

    def region_of_step(self, step: int, old_regions: int) -> int:
        """The new region in every second step, the old ones in turn in the others."""
        return 0 if step % 2 == 0 or not old_regions else 1 + step // 2 % old_regions

    def later_stages(self, context: UpdateContext, steps: int) -> list[Stage]:
        """Everything at once."""
        return [train_all(context, steps)]
