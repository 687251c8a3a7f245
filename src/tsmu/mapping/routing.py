"""Whose decoder maps a scene: by its place, else by what it looks like."""

from dataclasses import dataclass
from pathlib import Path

from tsmu.errors import RegionError
from tsmu.mapping.source import Scene
from tsmu.model.record import BundleRecord
from tsmu.regions import RegionMap

ALONG = 8  # windows in each direction that are looked at
MIN_KNOWN = 0.5  # share of a window's pixels that must be valid


@dataclass(frozen=True)
class Routed:
    """Whose decoder a scene gets, and why.

    Attributes:
        region: that the decoder belongs to.
        why: for people.
        strange: whether the scene looks like no region that was learned.
    """

    region: str
    why: str
    strange: bool = False


def route(scene: Scene, region_map: Path, record: BundleRecord) -> Routed:
    """Find the region under a scene; where it was not learned or is not known, the one the scene looks like.

    Args:
        scene: the scene, open.
        region_map: of the workspace; need not be there.
        record: of the bundle that is to map.

    Raises:
        RegionError: the scene has too little data to look at.
    """
    under = RegionMap.load(region_map).of_footprint(scene.footprint)[0] if region_map.exists() else None
    if under in record.regions:
        return Routed(under, "lies in it by the region map")
    where = "no region map" if not region_map.exists() else f"lies in {under}, not learned" if under else "in no region"
    import torch

    from tsmu.model.gate import STRANGE, Gate

    gate = Gate({name: entry.style for name, entry in record.regions.items()})
    windows = [torch.from_numpy(values) for values in scene.samples(ALONG, gate.side)]
    known = [values for values in windows if values.isfinite().float().mean() >= MIN_KNOWN]
    if not known:
        raise RegionError(
            f"{scene.name}: {where}, and too little data to tell by its looks; name one with --region NAME"
        )
    found = gate.route(torch.stack(known))
    strange = found.distance > STRANGE
    share = found.shares[found.region]
    looks = "unlike any region that was learned, nearest" if strange else f"by its looks ({share:.0%} of its windows)"
    return Routed(found.region, f"{where}; {looks}", strange)
