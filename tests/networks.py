"""The network that tests take where it does not matter which, and answers that are known without training."""

import os
from collections.abc import Sequence
from typing import Any

import pytest
import torch

from tsmu.model import RegionNet
from tsmu.model.network.regional_layers import RegionalConv
from tsmu.update import TrainingResult, bundle_update

ENCODER, WEIGHTS = "tu-test_resnet", "none"  # timm's ResNet of half a million weights: a step in a quarter of the time
NETWORK = {"encoder": ENCODER, "weights": WEIGHTS}  # keywords of `update_bundle`
NETWORK_OPTIONS = ("--encoder", ENCODER, "--weights", WEIGHTS)  # of `tsmu update`
SEED = int(os.environ.get("TSMU_TEST_SEED", "0"))  # of weights; see tests/variants
GROUND, BLOB = 110, 80  # grey values of the chips of `write_chips`: ground, and how far landslides differ from it


def random_network(mean: Sequence[float], std: Sequence[float], encoder: str = ENCODER) -> RegionNet:
    """A network without decoders, its weights random and the same each time."""
    torch.manual_seed(SEED)
    return RegionNet(encoder, mean, std)


@torch.no_grad()
def answer_by_brightness(network: RegionNet, decoder: str, difference: float) -> None:
    """Set weights by hand so that a decoder finds what differs from the ground of `write_chips` in grey values.

    The mean of the bands goes, at half the resolution, through the first channel of the encoder's first stage
    and of the decoder's last two blocks; the logit is 0 halfway to the difference, and 4 at it. All decoders of
    a network have the same encoder, so it makes no difference which is set first.

    Args:
        network: of `ENCODER`.
        decoder: one of its decoders.
        difference: grey values, negative for what is darker; 0 for a decoder that finds nothing.
    """
    own = network.decoder(decoder)
    own.adapters = torch.nn.ParameterList()
    stem = [module for module in network.encoder.modules() if isinstance(module, RegionalConv)][:3]
    blocks = own.unet.blocks.blocks[-2:]
    behind = [block[0] for which in blocks for block in (which.conv1, which.conv2)]
    skipped = blocks[0].conv1[0].in_channels - stem[-1].weight.shape[0]  # channels before those of the first stage
    for conv, channel in zip([*stem, *behind], [slice(None), 0, 0, skipped, 0, 0, 0], strict=True):
        conv.weight.zero_()
        conv.weight[0, channel, 1, 1] = 1 / len(network.mean) if conv is stem[0] else 1
    for norm in [*own.norms[:3], *(block[1] for which in blocks for block in (which.conv1, which.conv2))]:
        norm.reset_running_stats()
        norm.weight.fill_(1)
        norm.bias.zero_()
    above_zero = 20.0  # standard deviations; what is negative does not come through the activations
    own.norms[0].bias.fill_(above_zero)
    grey = [float((value - network.mean.mean()) / network.std.mean()) for value in (GROUND, GROUND + difference / 2)]
    head = own.unet.head[0]
    head.weight.zero_()
    head.weight[0, 0, 1, 1] = 4 / (grey[1] - grey[0]) if difference else 0
    head.bias.fill_(-float(head.weight[0, 0, 1, 1]) * (above_zero + grey[1]) if difference else -4)


def learn_at_once(patch: pytest.MonkeyPatch, **answers: float) -> None:
    """Let updates take no steps, and end with answers that do not hang on how a training goes.

    The decoder that learns is made where it is not there yet. Decoders that are not named stay as they are, to the
    bit; the shared encoder moves in a weight that no such answer depends on.

    Args:
        patch: takes it back.
        answers: by decoder, what it then finds (`answer_by_brightness`).
    """

    def learn(
        network: RegionNet, region: str, _chips: object, strategy: Any, *_: object, **__: object
    ) -> TrainingResult:
        decoder = strategy.decoder_for(network, region)
        if decoder not in network.decoder_names:
            network.add_decoder(decoder)
        for name, difference in answers.items():
            answer_by_brightness(network, name, difference)
        with torch.no_grad():
            list(network.encoder.parameters())[-1].add_(0.01)
        network.eval()
        return TrainingResult(decoder, {}, steps=0)

    patch.setattr(bundle_update, "train_region", learn)
