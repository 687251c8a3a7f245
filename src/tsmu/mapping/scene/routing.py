"""Routing: which region's decoder maps which part of a scene, by its place, otherwise by what the scene looks like."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import shapely
from shapely.geometry.base import BaseGeometry

from tsmu.errors import RegionError
from tsmu.mapping.scene.raster import Scene
from tsmu.mapping.scene.region_weights import BlendedRegionWeights, RegionWeights, SingleRegionWeights, surroundings
from tsmu.model import BundleRecord
from tsmu.regions import RegionMap

SAMPLES = 8  # windows in each direction that the gate looks at
MIN_VALID = 0.5  # share of a window's pixels that must have data


@dataclass(frozen=True)
class Routing:
    """The regions whose decoders map a scene.

    Attributes:
        region: the region whose decoder maps most of it.
        reason: why, for people.
        unfamiliar: whether the scene looks like no region that the model has learned, or too few images were learned
            from to tell.
        unlearned: regions of the map in which it lies and which the model has not learned: another's decoder maps it.
        areas: where several decoders map the scene, the area of each of their regions, polygons in
            EPSG:4326, that of `region` first; otherwise empty.
    """

    region: str
    reason: str
    unfamiliar: bool = False
    unlearned: tuple[str, ...] = ()
    areas: Mapping[str, BaseGeometry] = field(default_factory=dict)

    @property
    def regions(self) -> list[str]:
        """All regions whose decoders map the scene, that of most of the scene first."""
        return list(self.areas) or [self.region]

    def weights(self, scene: Scene) -> RegionWeights:
        """How much each region counts at each pixel of the scene."""
        return BlendedRegionWeights(self.areas, scene.grid) if self.areas else SingleRegionWeights(self.region)


def route_scene(scene: Scene, region_map: Path, record: BundleRecord) -> Routing:
    """Find the regions whose decoders map a scene.

    A part in a region of the map that the model has learned goes to that region's decoder. A part in a
    region that it has not learned goes to the region that the whole scene looks like. A part in no
    region of the map, such as the sea, goes to the learned region with the largest part of the scene.
    A scene in no learned region, or without a region map, goes to the region that it looks like.

    Args:
        scene: the open scene.
        region_map: the file of the workspace's region map; it need not exist.
        record: of the bundle that maps.

    Raises:
        RegionError: the scene has too little data to be compared with the regions.
    """
    if not region_map.exists():
        return _route_by_appearance(scene, record, "no region map")
    regions = RegionMap.load(region_map)
    inside = regions.assign_footprint(scene.footprint)[1]
    learned = [name for name in inside if name in record.regions]
    unknown = [name for name in inside if name not in record.regions]
    if not learned:
        place = f"lies in {', '.join(unknown)}, not learned" if unknown else "in no region"
        return replace(_route_by_appearance(scene, record, place), unlearned=tuple(unknown))
    if len(inside) == 1:
        return Routing(learned[0], "lies in it by the region map")
    # The region that the scene looks like stands in for those that were not learned.
    substitute = None
    if unknown:
        substitute = _route_by_appearance(scene, record, f"partly in {', '.join(unknown)}, not learned")
    owners = dict.fromkeys(unknown, substitute.region) if substitute else {}
    areas = _decoder_areas(scene.footprint, regions, owners | {name: name for name in learned}, learned[0])
    parts = ", ".join(f"{name} {share:.0%}" for name, share in _shares(areas, scene.footprint).items())
    reason = f"lies in {parts} by the region map" + (f"; {substitute.reason}" if substitute else "")
    unfamiliar = substitute is not None and substitute.unfamiliar
    return Routing(next(iter(areas)), reason, unfamiliar, tuple(unknown), areas if len(areas) > 1 else {})


def _decoder_areas(
    footprint: shapely.Polygon, regions: RegionMap, owners: Mapping[str, str], largest: str
) -> dict[str, BaseGeometry]:
    """Divide the scene's surroundings into the areas of the decoders, the largest in the scene first.

    Args:
        footprint: of the scene.
        regions: the region map.
        owners: for each region of the scene, the region whose decoder maps it.
        largest: the region whose decoder also maps what lies in no region.
    """
    remaining: BaseGeometry = surroundings(footprint)
    pieces: dict[str, list[BaseGeometry]] = {}
    for name, polygon in zip(regions.names, regions.polygons, strict=True):
        owner = owners.get(name)
        if owner and polygon.intersects(remaining):  # where regions overlap, the first in the map counts
            pieces.setdefault(owner, []).append(_polygonal(polygon.intersection(remaining)))
            remaining = _polygonal(remaining.difference(polygon))
    pieces[largest].append(remaining)
    areas = {name: _polygonal(shapely.union_all(parts)) for name, parts in pieces.items()}
    return {name: areas[name] for name in _shares(areas, footprint)}


def _shares(areas: Mapping[str, BaseGeometry], footprint: shapely.Polygon) -> dict[str, float]:
    """Give the share of the scene in each area, largest first; in degrees, which serve as well at one latitude."""
    shares = {name: area.intersection(footprint).area / footprint.area for name, area in areas.items()}
    return dict(sorted(((n, share) for n, share in shares.items() if share > 0), key=lambda item: -item[1]))


def _polygonal(shape: BaseGeometry) -> BaseGeometry:
    """Keep the polygons of a shape: two polygons may meet in points and lines, too."""
    parts = shapely.get_parts(shapely.get_parts(shape))
    return shapely.MultiPolygon(parts[shapely.get_dimensions(parts) == 2].tolist())


def _route_by_appearance(scene: Scene, record: BundleRecord, place: str) -> Routing:
    """Route a whole scene to the learned region that it looks like.

    Args:
        scene: the open scene.
        record: of the bundle that maps.
        place: why its place does not decide, for people.
    """
    import torch

    from tsmu.model import UNFAMILIAR_DISTANCE, Gate

    gate = Gate({name: entry.style for name, entry in record.regions.items()})
    windows = [torch.from_numpy(values) for values in scene.samples(SAMPLES, gate.side)]
    usable = [values for values in windows if values.isfinite().float().mean() >= MIN_VALID]
    if not usable:
        raise RegionError(
            f"{scene.name}: {place}, and it has too little data to find the region that it looks like; "
            "name one with --region NAME"
        )
    nearest = gate.route(torch.stack(usable))
    if nearest.distance is None:
        few = f"learned from too few chips ({gate.count}) to tell whether it looks like them, nearest"
        return Routing(nearest.region, f"{place}; {few}", unfamiliar=True)
    unfamiliar = nearest.distance > UNFAMILIAR_DISTANCE
    share = nearest.shares[nearest.region]
    appearance = (
        "unlike any region that was learned, nearest" if unfamiliar else f"by its looks ({share:.0%} of its windows)"
    )
    return Routing(nearest.region, f"{place}; {appearance}", unfamiliar)
