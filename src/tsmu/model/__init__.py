"""The model: one network for all regions, and its versions on disk.

What others use of this room is named here and loaded when it is first asked for; nobody imports past this face.

    network    `RegionNet` (one shared encoder, one U-Net decoder per region) and pretrained weights for its encoder
    bundles    immutable model versions in folders, and the registry of which version serves which region
    gate       which region an image looks like, for images whose place is not known
    cores      the number of CPU cores that this process may use
    device     the device and the precision that this machine computes with

Example:
    >>> from tsmu.model import RegionNet
    >>> network = RegionNet("resnet18", mean=[120.0, 110.0, 100.0], std=[40.0, 40.0, 40.0])
    >>> network.add_decoder("nepal")
    >>> network.decoder_names
    ('nepal',)
"""

from typing import TYPE_CHECKING

from tsmu.lazy_names import lazy_names

if TYPE_CHECKING:
    from tsmu.model.bundles.bundle import (
        Bundle,
        bundle_versions,
        is_learned,
        next_version_number,
        open_bundle,
        write_bundle,
    )
    from tsmu.model.bundles.card import FIRST_BATCH, WORST_CHIPS, describe_weights
    from tsmu.model.bundles.comparison import PartDifference, compare_bundles
    from tsmu.model.bundles.curves import IOU, LOSS, stage_runs, training_curves
    from tsmu.model.bundles.record import BundleRecord, RegionRecord
    from tsmu.model.bundles.registry import (
        Pin,
        Serving,
        current_bundle,
        is_ancestor,
        make_newest_current,
        open_version,
        pin_region,
        pin_worse_regions,
        read_serving,
        remove_orphaned_pins,
        roll_back,
        served_record,
        serving_bundle,
        unpin_region,
    )
    from tsmu.model.cores import available_cores, cores_per_process
    from tsmu.model.device import device_in_use, precision_in_use
    from tsmu.model.gate import UNFAMILIAR_DISTANCE, Gate, Route
    from tsmu.model.network.encoders import build_encoder, require_encoder
    from tsmu.model.network.pretrained_weights import (
        AUTO_WEIGHTS,
        NO_WEIGHTS,
        PretrainedWeights,
        load_weights,
        weights_record,
    )
    from tsmu.model.network.region_net import ENCODER_PART, SIDE_MULTIPLE, RegionNet, decoder_part, region_parts
    from tsmu.model.network.weight_sources import find_weights, has_local_weights

__all__ = [
    "AUTO_WEIGHTS",
    "ENCODER_PART",
    "FIRST_BATCH",
    "IOU",
    "LOSS",
    "NO_WEIGHTS",
    "SIDE_MULTIPLE",
    "UNFAMILIAR_DISTANCE",
    "WORST_CHIPS",
    "Bundle",
    "BundleRecord",
    "Gate",
    "PartDifference",
    "Pin",
    "PretrainedWeights",
    "RegionNet",
    "RegionRecord",
    "Route",
    "Serving",
    "available_cores",
    "build_encoder",
    "bundle_versions",
    "compare_bundles",
    "cores_per_process",
    "current_bundle",
    "decoder_part",
    "describe_weights",
    "device_in_use",
    "find_weights",
    "has_local_weights",
    "is_ancestor",
    "is_learned",
    "load_weights",
    "make_newest_current",
    "next_version_number",
    "open_bundle",
    "open_version",
    "pin_region",
    "pin_worse_regions",
    "precision_in_use",
    "read_serving",
    "region_parts",
    "remove_orphaned_pins",
    "require_encoder",
    "roll_back",
    "served_record",
    "serving_bundle",
    "stage_runs",
    "training_curves",
    "unpin_region",
    "weights_record",
    "write_bundle",
]

_NAMES = {  # by the module that has them
    "bundles.bundle": "Bundle bundle_versions is_learned next_version_number open_bundle write_bundle",
    "bundles.card": "FIRST_BATCH WORST_CHIPS describe_weights",
    "bundles.comparison": "PartDifference compare_bundles",
    "bundles.curves": "IOU LOSS stage_runs training_curves",
    "bundles.record": "BundleRecord RegionRecord",
    "bundles.registry": (
        "Pin Serving current_bundle is_ancestor make_newest_current open_version pin_region pin_worse_regions "
        "read_serving remove_orphaned_pins roll_back served_record serving_bundle unpin_region"
    ),
    "cores": "available_cores cores_per_process",
    "device": "device_in_use precision_in_use",
    "gate": "UNFAMILIAR_DISTANCE Gate Route",
    "network.encoders": "build_encoder require_encoder",
    "network.pretrained_weights": "AUTO_WEIGHTS NO_WEIGHTS PretrainedWeights load_weights weights_record",
    "network.region_net": "ENCODER_PART SIDE_MULTIPLE RegionNet decoder_part region_parts",
    "network.weight_sources": "find_weights has_local_weights",
}

__getattr__, __dir__ = lazy_names(__name__, _NAMES)
