"""How an update begins: the frozen teacher, the decoders that are missing, and the network in the mode for training."""

import copy
from collections.abc import Sequence

import torch

from tsmu.model import RegionNet
from tsmu.update.seeds import derive_seed, seeded_draws
from tsmu.update.strategies import Strategy, UpdateContext
from tsmu.update.training.settings import PriorKnowledge, TrainingSettings


def begin_update(
    network: RegionNet,
    region: str,
    regions: Sequence[str],
    strategy: Strategy,
    settings: TrainingSettings,
    prior: PriorKnowledge,
) -> UpdateContext:
    """Freeze the teacher, add the decoders that are missing, and bring the network into the mode for training.

    Args:
        network: is changed in place.
        region: the region that is learned.
        regions: those whose chips are learned from.
        strategy: decides the decoders.
        settings: have the seed, which decides new weights.
        prior: what the strategy may know.
    """
    teacher = copy.deepcopy(network).eval().requires_grad_(False) if network.decoder_names else None
    decoders = {}
    with seeded_draws(derive_seed(settings.seed, len(network.decoder_names))):
        for name in regions:
            decoders[name] = strategy.decoder_for(network, name)
            if decoders[name] not in network.decoder_names:
                with_adapters = strategy.uses_adapters and teacher is not None
                network.add_decoder(decoders[name], strategy.initial_decoder(network), with_adapters=with_adapters)
    network.train()  # a network that comes from a bundle is in evaluation mode
    for module in filter(None, (network, teacher)):
        module.to(memory_format=torch.channels_last)  # trains a tenth to a third faster, on CPU and GPU
    return UpdateContext(network, teacher, region, decoders, settings.seed, prior.image_statistics, dict(prior.memory))
