"""Model versions on disk: bundles, the records in them, and the registry of which version serves which region."""

from tsmu.model.bundles.bundle import (
    Bundle,
    bundle_versions,
    is_learned,
    next_version_number,
    open_bundle,
    write_bundle,
)
from tsmu.model.bundles.card import describe_weights
from tsmu.model.bundles.comparison import PartDifference, compare_bundles
from tsmu.model.bundles.record import BundleRecord, RegionRecord
from tsmu.model.bundles.registry import (
    Pin,
    Serving,
    current_bundle,
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

__all__ = [
    "Bundle",
    "BundleRecord",
    "PartDifference",
    "Pin",
    "RegionRecord",
    "Serving",
    "bundle_versions",
    "compare_bundles",
    "current_bundle",
    "describe_weights",
    "is_learned",
    "make_newest_current",
    "next_version_number",
    "open_bundle",
    "open_version",
    "pin_region",
    "pin_worse_regions",
    "read_serving",
    "remove_orphaned_pins",
    "roll_back",
    "served_record",
    "serving_bundle",
    "unpin_region",
    "write_bundle",
]
