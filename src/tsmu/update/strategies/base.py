"""What a strategy is: which decoder learns a region, in which stages, by which loss."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from tsmu.chips.dataset import Sample
from tsmu.chips.style import Style
from tsmu.labels.masks import UNKNOWN
from tsmu.model.network.region_net import ENCODER, RegionNet, own_parts
from tsmu.update.losses import HOLD_WEIGHT, held_answers, label_losses
from tsmu.update.training.batches import mix

RATE = 2e-3  # peak learning rate of whatever learns a region from its labels
# Of that rate, for the convolutions of an encoder that started from pretrained weights. IoU on validation / test
# chips after 300 steps of EfficientNet-Lite0 from ImageNet weights, one seed, at the full rate, a fifth and a
# twentieth: Nepal 0.465 / 0.409, 0.489 / 0.476, 0.504 / 0.463; Kodagu 0.621 / 0.528, 0.635 / 0.544, 0.624 / 0.543;
# Taiwan 0.509 / 0.455, 0.528 / 0.443 (the twentieth was not tried).
PRETRAINED_SHARE = 1 / 5
GOING_ON = 1 / 3  # of its rates, where a known region learns on: its decoder is not new, and has more to lose

Losses = dict[str, Tensor]
Memory = dict[str, Tensor]


@dataclass(frozen=True)
class Stage:
    """A stretch of training with its own learning parts.

    Attributes:
        name: shown in the progress.
        steps: optimisation steps.
        rates: peak learning rate by part (`RegionNet.parts`); a part not named stands still.
        open_norms: parts whose normalisation follows the images of this stage.
    """

    name: str
    steps: int
    rates: Mapping[str, float]
    open_norms: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True)
class Lesson:
    """What a strategy sees of one update.

    Attributes:
        network: what learns.
        teacher: the network as it was before the update, frozen; None for the very first region.
        region: the one that is learned.
        decoders: by region, which decoder learns its labels: that of the new region, and those of
            the old ones for a strategy that sees their chips.
        seed: of the training.
        styles: by old decoder, the colours of its region's images.
        memory: what the strategy kept of the updates before (`Strategy.remember`).
        work: what the strategy gathers in this one; part of its checkpoints.
    """

    network: RegionNet
    teacher: RegionNet | None
    region: str
    decoders: Mapping[str, str]
    seed: int = 0
    styles: Mapping[str, Style] = field(default_factory=dict)
    memory: Memory = field(default_factory=dict)
    work: Memory = field(default_factory=dict)

    @property
    def decoder(self) -> str:
        """The decoder that learns the new region."""
        return self.decoders[self.region]

    @property
    def old_decoders(self) -> list[str]:
        """The decoders that serve other regions."""
        return [name for name in self.network.decoder_names if name != self.decoder]

    @property
    def relearns(self) -> bool:
        """Whether the decoder has learned before."""
        return self.teacher is not None and self.decoder in self.teacher.decoder_names

    @property
    def first(self) -> bool:
        """Whether the network has learned nothing yet."""
        return self.teacher is None

    def to(self, device: torch.device) -> None:
        """Move all but the network, in place, to where the network is."""
        if self.teacher is not None:
            self.teacher.to(device)
        for kept in (self.memory, self.work):
            kept |= {name: tensor.to(device) for name, tensor in kept.items()}

    def old_in_turn(self, step: int) -> list[str]:
        """One old decoder, each in its turn, so that a step costs the same however many there are; or none."""
        old = self.old_decoders
        return [old[step % len(old)]] if old else []

    def generator(self, step: int) -> torch.Generator:
        """Random numbers that follow from seed and step alone, so that a resumed run draws the same."""
        return torch.Generator().manual_seed(mix(self.seed, -step - 2))

    @torch.no_grad()
    def recorded(self, image: Tensor, decoders: Iterable[str]) -> dict[str, Tensor]:
        """What old decoders said about these images before the update: logits (N, H, W)."""
        assert self.teacher is not None
        answers: dict[str, Tensor] = self.teacher(image, decoders)
        return answers


class Strategy(ABC):
    """A way for a network to learn a new region. Stateless: one instance serves any update.

    Attributes:
        name: as users type it.
        source: where it comes from.
        starts_fresh: learns in a new network, from random weights.
        sees_old_chips: is given the old regions' chips: breaks the promise, there as a yardstick.
        keeps_old_models: old regions stay with the models that learned them.
        remembers: needs its memory of every update, the first included.
        adapts: later regions get adapters within the encoder.
        moves_old_regions: an update may change what older regions answer, so its weights are chosen by them, too.
    """

    name: ClassVar[str]
    source: ClassVar[str]
    starts_fresh: ClassVar[bool] = False
    sees_old_chips: ClassVar[bool] = False
    keeps_old_models: ClassVar[bool] = False
    remembers: ClassVar[bool] = False
    adapts: ClassVar[bool] = False
    moves_old_regions: ClassVar[bool] = True

    def decoder_for(self, network: RegionNet, region: str) -> str:
        """Name the decoder that serves `region` from now on; by default one of its own."""
        del network
        return region

    def starts_like(self, network: RegionNet) -> str | None:
        """Name the decoder whose weights a new one starts from; by default it starts from random ones."""
        del network
        return None

    def turn(self, step: int, old: int) -> int:
        """Whose chips a step shows: 0 the new region's, 1 to `old` an old one's."""
        del step, old
        return 0

    def stages(self, lesson: Lesson, steps: int) -> list[Stage]:
        """Divide the steps of an update; the first region is learned alike by every strategy."""
        return [everything(lesson, steps)] if lesson.first else self.later_stages(lesson, steps)

    @abstractmethod
    def later_stages(self, lesson: Lesson, steps: int) -> list[Stage]:
        """Divide the steps of an update after the first region."""

    def loss(self, lesson: Lesson, stage: Stage, batch: Sample, step: int) -> Losses:
        """Losses by name for the batch of a step; their sum is minimised. By default the labels alone."""
        del stage, step
        decoder = lesson.decoders[batch["region"][0]]
        return label_losses(lesson.network(batch["image"], [decoder])[decoder], batch["mask"])

    def before_step(self, lesson: Lesson) -> None:
        """Look at the gradients of a step, before the weights move."""
        del lesson

    def after_step(self, lesson: Lesson) -> None:
        """Look at the weights after a step."""
        del lesson

    def remember(self, lesson: Lesson, batches: Iterable[Sample]) -> Memory:
        """Return what the next update will need of this one, in place of `lesson.memory`."""
        del batches
        return dict(lesson.memory)


def everything(lesson: Lesson, steps: int, rate: float = RATE) -> Stage:
    """Train the encoder, and the normalisation, adapters and decoders of all regions of the lesson.

    Args:
        lesson: the update.
        steps: of the stage.
        rate: of all parts; a pretrained encoder's convolutions learn at `PRETRAINED_SHARE` of it.
    """
    own = [part for decoder in dict.fromkeys(lesson.decoders.values()) for part in own_parts(decoder)]
    encoder_rate = PRETRAINED_SHARE * rate if lesson.network.started_pretrained else rate
    return Stage("all", steps, dict.fromkeys(own, rate) | {ENCODER: encoder_rate}, frozenset(own))


def new_alone(lesson: Lesson, steps: int, rate: float) -> Stage:
    """Train what the new region has of its own."""
    own = own_parts(lesson.decoder)
    return Stage("new decoder", steps, dict.fromkeys(own, rate), frozenset(own))


def going_on_rate(lesson: Lesson, rate: float) -> float:
    """The rate for what a region has of its own: a third of it where the region is known and learns on."""
    return GOING_ON * rate if lesson.relearns else rate


def keep_unlabelled(lesson: Lesson, batch: Sample, answer: Tensor) -> Losses:
    """Hold a known region to its earlier answers where the new labels say nothing; nothing of a new one.

    Args:
        lesson: the update.
        batch: images and masks.
        answer: present logits (N, H, W) of the region's decoder on these images.
    """
    if not lesson.relearns:
        return {}
    recorded = lesson.recorded(batch["image"], [lesson.decoder])[lesson.decoder]
    return {"keep": HOLD_WEIGHT * held_answers(answer, recorded, batch["mask"] == UNKNOWN)}


def together(lesson: Lesson, steps: int, new_rate: float, shared_rate: float) -> Stage:
    """Train all: what the new region has of its own at one rate, everything older at another."""
    own = own_parts(lesson.decoder)
    older = [ENCODER, *(part for name in lesson.old_decoders for part in own_parts(name))]
    return Stage("together", steps, dict.fromkeys(own, new_rate) | dict.fromkeys(older, shared_rate), frozenset(own))
