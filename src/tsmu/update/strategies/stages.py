"""The stages of a training: for how many steps which parts of the network learn, and at which rates."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tsmu.model import ENCODER_PART, region_parts
from tsmu.update.strategies.context import UpdateContext

LABEL_RATE = 2e-3  # peak learning rate of the parts that learn a region from its labels
# The encoder's convolutions learn at this share of that rate if they started from pretrained weights. IoU on validation
# / test chips after 300 steps of EfficientNet-Lite0 from ImageNet weights, one seed, at the full rate, a fifth and a
# twentieth: Nepal 0.465 / 0.409, 0.489 / 0.476, 0.504 / 0.463; Kodagu 0.621 / 0.528, 0.635 / 0.544, 0.624 / 0.543;
# Taiwan 0.509 / 0.455, 0.528 / 0.443 (the twentieth was not tried).
PRETRAINED_RATE_SHARE = 1 / 5
# A region that was learned before and goes on learning does so at this share of a strategy's rates, because its decoder
# is trained already and could get worse.
KNOWN_REGION_RATE_SHARE = 1 / 3


@dataclass(frozen=True)
class Stage:
    """A part of a training in which the same parts of the network learn.

    Attributes:
        name: shown in the progress.
        steps: optimisation steps.
        rates: peak learning rate by part (`RegionNet.parts`); parts that are not named stay as they are.
        training_norms: the parts whose batch normalisation is in training mode in this stage: it uses the statistics
            of each batch and updates its running statistics. That of all other parts is in evaluation mode.
    """

    name: str
    steps: int
    rates: Mapping[str, float]
    training_norms: frozenset[str] = field(default_factory=frozenset)


def train_all(context: UpdateContext, steps: int, rate: float = LABEL_RATE) -> Stage:
    """Train the encoder, and the normalisation, adapters and decoders of all regions whose labels are learned.

    Args:
        context: the update.
        steps: of the stage.
        rate: of all parts; a pretrained encoder's convolutions learn at `PRETRAINED_RATE_SHARE` of it.

    Example:
        >>> context = UpdateContext(network, None, "alps", {"alps": "alps"}, seed=0)
        >>> stage = train_all(context, steps=300)
        >>> stage.steps, sorted(stage.rates)
        (300, ['adapters:alps', 'decoder:alps', 'encoder', 'norms:alps'])
    """
    own = [part for decoder in dict.fromkeys(context.decoders.values()) for part in region_parts(decoder)]
    rates = dict.fromkeys(own, rate) | {ENCODER_PART: convolutions_rate(context, rate)}
    return Stage("all", steps, rates, frozenset(own))


def convolutions_rate(context: UpdateContext, rate: float) -> float:
    """The rate of the encoder's convolutions where all else learns at `rate`: less if they were pretrained."""
    return PRETRAINED_RATE_SHARE * rate if context.network.is_pretrained else rate


def train_region_alone(context: UpdateContext, steps: int, rate: float) -> Stage:
    """Train only what the region has of its own: normalisation, adapters and decoder."""
    own = region_parts(context.decoder)
    name = "known decoder" if context.is_known_region else "new decoder"
    return Stage(name, steps, dict.fromkeys(own, rate), frozenset(own))


def train_together(
    context: UpdateContext, steps: int, *, new_rate: float, encoder_rate: float, old_rate: float
) -> Stage:
    """Train the whole network. The running statistics of the old regions' batch normalisation do not change.

    Args:
        context: the update.
        steps: of the stage.
        new_rate: of what the region that is learned has of its own.
        encoder_rate: of the shared convolutions.
        old_rate: of what the other regions have of their own.
    """
    own = region_parts(context.decoder)
    older = [part for name in context.old_decoders for part in region_parts(name)]
    rates = dict.fromkeys(own, new_rate) | {ENCODER_PART: encoder_rate} | dict.fromkeys(older, old_rate)
    return Stage("together", steps, rates, frozenset(own))


def region_rate(context: UpdateContext, rate: float) -> float:
    """The rate for what a region has of its own, reduced where the region is known and goes on learning."""
    return KNOWN_REGION_RATE_SHARE * rate if context.is_known_region else rate
