"""The network: a shared encoder, what each region has of its own, and the weights that an encoder starts from."""

from tsmu.model.network.encoders import build_encoder
from tsmu.model.network.pretrained_weights import (
    AUTO_WEIGHTS,
    NO_WEIGHTS,
    PretrainedWeights,
    load_weights,
    weights_record,
)
from tsmu.model.network.region_net import ENCODER_PART, SIDE_MULTIPLE, RegionNet, decoder_part, region_parts
from tsmu.model.network.weight_sources import find_weights

__all__ = [
    "AUTO_WEIGHTS",
    "ENCODER_PART",
    "NO_WEIGHTS",
    "SIDE_MULTIPLE",
    "PretrainedWeights",
    "RegionNet",
    "build_encoder",
    "decoder_part",
    "find_weights",
    "load_weights",
    "region_parts",
    "weights_record",
]
