"""Whose decoder maps what of a scene: by its place, else by what the scene looks like."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import shapely
from shapely.geometry.base import BaseGeometry

from tsmu.errors import RegionError
from tsmu.mapping.scene.raster import Scene
from tsmu.mapping.scene.region_weights import AnyShares, RegionShares, WholeShares, surroundings
from tsmu.model.record import BundleRecord
from tsmu.regions import RegionMap

ALONG = 8  # windows in each direction that are looked at
MIN_KNOWN = 0.5  # share of a window's pixels that must be valid


@dataclass(frozen=True)
class Routed:
    """Whose decoders a scene gets, and why.

    Attributes:
        region: whose decoder maps most of it.
        why: for people.
        strange: whether the scene looks like no region that was learned.
        areas: where several decoders map it, what lies in each region, polygons in EPSG:4326, that
            of `region` first.
    """

    region: str
    why: str
    strange: bool = False
    areas: Mapping[str, BaseGeometry] = field(default_factory=dict)

    @property
    def regions(self) -> list[str]:
        """All regions whose decoders are wanted, that of most of the scene first."""
        return list(self.areas) or [self.region]

    def shares(self, scene: Scene) -> AnyShares:
        """How much each region counts at each pixel of the scene."""
        return RegionShares(self.areas, scene.grid) if self.areas else WholeShares(self.region)


def route(scene: Scene, region_map: Path, record: BundleRecord) -> Routed:
    """Find the regions under a scene; what is not learned or not known goes to the one the scene looks like.

    What lies in no region of the map, such as the sea, goes to the largest learned region of the
    scene, if there is one.

    Args:
        scene: the scene, open.
        region_map: of the workspace; need not be there.
        record: of the bundle that is to map.

    Raises:
        RegionError: the scene has too little data to look at.
    """
    if not region_map.exists():
        return _by_looks(scene, record, "no region map")
    under = RegionMap.load(region_map)
    inside = under.of_footprint(scene.footprint)[1]
    learned = [name for name in inside if name in record.regions]
    unknown = [name for name in inside if name not in record.regions]
    if not learned:
        return _by_looks(scene, record, f"lies in {', '.join(unknown)}, not learned" if unknown else "in no region")
    if len(inside) == 1:
        return Routed(learned[0], "lies in it by the region map")
    looks = _by_looks(scene, record, f"partly in {', '.join(unknown)}, not learned") if unknown else None
    areas = _areas(scene.footprint, under, dict.fromkeys(unknown, looks.region) if looks else {}, learned)
    parts = ", ".join(f"{name} {share:.0%}" for name, share in _sizes(areas, scene.footprint).items())
    why = f"lies in {parts} by the region map" + (f"; {looks.why}" if looks else "")
    strange = looks is not None and looks.strange
    return Routed(next(iter(areas)), why, strange, areas if len(areas) > 1 else {})


def _areas(
    footprint: shapely.Polygon, under: RegionMap, instead: Mapping[str, str], learned: list[str]
) -> dict[str, BaseGeometry]:
    """Cut the scene's surroundings into the areas of decoders, the largest in the scene first.

    Args:
        footprint: of the scene.
        under: the region map.
        instead: whose decoder maps the regions that were not learned.
        learned: the scene's regions that were, the largest first.
    """
    left: BaseGeometry = surroundings(footprint)
    pieces: dict[str, list[BaseGeometry]] = {}
    for name, polygon in zip(under.names, under.polygons, strict=True):
        owner = name if name in learned else instead.get(name)
        if owner and polygon.intersects(left):  # where regions overlap, the first in the map counts
            pieces.setdefault(owner, []).append(_areal(polygon.intersection(left)))
            left = _areal(left.difference(polygon))
    pieces[learned[0]].append(left)
    areas = {name: _areal(shapely.union_all(parts)) for name, parts in pieces.items()}
    sizes = _sizes(areas, footprint)
    return {name: areas[name] for name in sizes}


def _sizes(areas: Mapping[str, BaseGeometry], footprint: shapely.Polygon) -> dict[str, float]:
    """The shares of areas that lie in the scene, largest first; in degrees, at one latitude as good as any."""
    sizes = {name: area.intersection(footprint).area / footprint.area for name, area in areas.items()}
    return dict(sorted(((n, size) for n, size in sizes.items() if size > 0), key=lambda item: -item[1]))


def _areal(shape: BaseGeometry) -> BaseGeometry:
    """Only what has an area: two polygons may meet in points and lines, too."""
    parts = shapely.get_parts(shapely.get_parts(shape))
    return shapely.MultiPolygon(parts[shapely.get_dimensions(parts) == 2].tolist())


def _by_looks(scene: Scene, record: BundleRecord, where: str) -> Routed:
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
