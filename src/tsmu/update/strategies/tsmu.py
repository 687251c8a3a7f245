"""Task-specific model updates: the paper's strategy."""

from typing import ClassVar

from tsmu.chips.dataset import Sample
from tsmu.model.network.region_net import ENCODER
from tsmu.update.losses import HOLD_WEIGHT, held_answers, label_losses
from tsmu.update.strategies.base import (
    GOING_ON,
    Lesson,
    Losses,
    Stage,
    Strategy,
    going_on_rate,
    keep_unlabelled,
    new_alone,
    together,
)

ALONE_SHARE = 1 / 3  # of the steps, for the new decoder alone
NEW_RATE = 2e-3
# Encoder and old decoders. At the new decoder's rate they forget like fine-tuning; at a tenth of it
# one of two seeds on real regions lost 0.33 IoU on the first region, at a twentieth 0.002.
SHARED_RATE = 1e-4


class TaskSpecificModelUpdates(Strategy):
    """A decoder per region, trained alone and then together with everything that is held in place.

    1. What every old decoder says about the new images is recorded: the teacher, a frozen copy of
       the network, answers on the very image shown, so the record fits under any augmentation.
    2. The new decoder is trained alone on the labels, encoder and old decoders frozen.
    3. All are trained together: the labels on the new decoder, and the old decoders, one a step,
       held to their recorded answers. No old image or label is used.

    A region that is known already goes on in its own decoder, slowly and in one stage; where the new labels
    say nothing (unknown pixels) that decoder is held to its earlier answers too.

    Each region has its own normalisation, also within the encoder; the old ones' statistics stand
    still throughout.
    """

    name: ClassVar[str] = "tsmu"
    source: ClassVar[str] = "Nagendra et al. 2022, doi 10.1109/JSTARS.2022.3177025"

    new_rate: ClassVar[float] = NEW_RATE
    shared_rate: ClassVar[float] = SHARED_RATE

    def later_stages(self, lesson: Lesson, steps: int) -> list[Stage]:
        """New decoder alone for a third of the steps, then all together; a known one with all from the start."""
        if lesson.relearns:
            return [together(lesson, steps, going_on_rate(lesson, self.new_rate), GOING_ON * self.shared_rate)]
        alone = round(ALONE_SHARE * steps)
        return [
            new_alone(lesson, alone, self.new_rate),
            together(lesson, steps - alone, self.new_rate, self.shared_rate),
        ]

    def loss(self, lesson: Lesson, stage: Stage, batch: Sample, step: int) -> Losses:
        """The labels; in the second stage also the distance to the recorded answers."""
        if lesson.first or ENCODER not in stage.rates:
            return super().loss(lesson, stage, batch, step)
        answer = lesson.network(batch["image"], [lesson.decoder])[lesson.decoder]
        losses = label_losses(answer, batch["mask"])
        losses |= keep_unlabelled(lesson, batch, answer)
        for name in lesson.old_in_turn(step):
            losses |= self.hold(lesson, name, batch, step)
        return losses

    def hold(self, lesson: Lesson, name: str, batch: Sample, step: int) -> Losses:
        """What keeps an old decoder in place: the distance to what it said about the new images."""
        del step
        image = batch["image"]
        answer, recorded = lesson.network(image, [name])[name], lesson.recorded(image, [name])[name]
        return {"hold": HOLD_WEIGHT * len(lesson.old_decoders) * held_answers(answer, recorded)}
