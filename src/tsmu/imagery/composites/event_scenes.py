"""The scenes of an event: found before and after its day, each with its assets or a reason against it."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import pystac
import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from tsmu.errors import FetchError, ServerError
from tsmu.files import json_text
from tsmu.imagery.composites.area_of_interest import AreaOfInterest
from tsmu.imagery.composites.band_names import OPTIONAL_BANDS, REQUIRED_BANDS, Kind, find_bands
from tsmu.imagery.composites.cloud_masks import NONE, CloudMask
from tsmu.imagery.composites.options import SIDES, CompositeOptions, Side, SidePeriod
from tsmu.imagery.stac import StacCatalogue, cloud_cover, item_day
from tsmu.issues import IssueLog
from tsmu.wording import counted

RESULT_VERSION = 1  # raised whenever the same scenes would give other pixels
SIDE_WORDS = {"pre": "before", "post": "after"}


@dataclass(frozen=True)
class EventScene:
    """A scene of one side of an event.

    Attributes:
        item: from the catalogue.
        side: pre or post.
        window: number of the narrowest window of days in which it lies.
        footprint: where it has pixels, EPSG:4326.
        assets: of the bands, in the order of `EventScenes.bands`.
        mask: the asset of the cloud mask; None without one.
        left_out: why it is not used; empty where it is.
    """

    item: pystac.Item
    side: Side
    window: int
    footprint: BaseGeometry
    assets: tuple[str, ...] = ()
    mask: str | None = None
    left_out: str = ""

    @property
    def day(self) -> date:
        """The day in UTC."""
        return item_day(self.item)

    @property
    def acquisition(self) -> tuple[date, str, str]:
        """What scenes cut out of one pass of a satellite have in common: day, satellite and orbit."""
        return self.day, str(self.item.properties.get("platform", "")), orbit(self.item)

    @property
    def order(self) -> tuple[int, date, str]:
        """Sort key of scenes: window of days, then day, then id."""
        return self.window, self.day, self.item.id

    def signature(self) -> list[Any]:
        """What decides its pixels: its id, its window of days, and the names and addresses of its files.

        The queries of addresses are left out, because they hold signatures that are valid for some hours only.
        """
        names = [*self.assets, *([self.mask] if self.mask else [])]
        addresses = [urlsplit(_address(self.item, name))._replace(query="").geturl() for name in names]
        return [self.item.id, self.window, names, addresses]


@dataclass(frozen=True)
class EventScenes:
    """All scenes of an event, and how they are read.

    Attributes:
        kind: optical or radar.
        bands: names of the bands of the composites.
        cloud_mask: by which pixels are clear; None takes all.
        scenes: of both sides, those that are left out among them.
    """

    kind: Kind
    bands: tuple[str, ...]
    cloud_mask: CloudMask | None
    scenes: tuple[EventScene, ...]

    def used(self, side: Side) -> list[EventScene]:
        """The scenes of one side that are not left out, narrowest window first."""
        return sorted((one for one in self.scenes if one.side == side and not one.left_out), key=lambda one: one.order)

    def identity(self, side: Side, area: AreaOfInterest, day: date, options: CompositeOptions) -> str:
        """A digest of all that decides the pixels of one side's composite.

        The grid follows from the scenes before the event, so these decide both sides.
        """
        decisive = {
            "version": RESULT_VERSION,
            "area": shapely.to_wkb(shapely.normalize(area.geometry), hex=True),
            "day": day.isoformat(),
            "collection": options.collection,
            "resolution": options.resolution,
            "bands": self.bands,
            "cloud_mask": str(self.cloud_mask),
            "scenes": {one: [scene.signature() for scene in self.used(one)] for one in {"pre", side}},
        }
        return hashlib.sha256(json_text(_sorted(decisive)).encode()).hexdigest()

    def require_both_sides(self, periods: dict[Side, SidePeriod], collection: str) -> None:
        """Refuse an event that has no usable scene before it or none after it.

        Raises:
            FetchError: there is none; the text says what was found.
        """
        for side in SIDES:
            if self.used(side):
                continue
            period, found = periods[side], [one for one in self.scenes if one.side == side]
            where = f"{collection}: no scene {SIDE_WORDS[side]} {period.event_day} can be used"
            if period.last < period.first:
                raise FetchError(f"{where}: no later day is over yet; run it again when there is an image")
            span = f"{period.first} to {period.last}"
            if not found:
                advice = f"give more --{side}-days, another --collection"
                later = ", or run it again later" if side == "post" else ""
                raise FetchError(f"{where}: the catalogue has none of the area from {span}; {advice}{later}")
            reasons = Counter(one.left_out for one in found)
            listed = "; ".join(f"{counted(count, 'scene')}: {reason}" for reason, count in reasons.most_common(3))
            raise FetchError(f"{where}: {len(found)} found from {span}, and left out ({listed})")


def find_event_scenes(
    catalogue: StacCatalogue,
    area: AreaOfInterest,
    periods: dict[Side, SidePeriod],
    options: CompositeOptions,
    log: IssueLog,
) -> EventScenes:
    """Search the catalogue, and decide how its scenes are read.

    Args:
        catalogue: of the collection.
        area: what the scenes must show a part of.
        periods: the days of both sides.
        options: which scenes, and how.
        log: takes what is guessed, and scenes that lack what others have.

    Raises:
        FetchError: the catalogue fails, its scenes have neither colours nor radar bands, or no known cloud mask.
    """
    found = [scene for side in SIDES for scene in _search(catalogue, area, periods[side], options)]
    if not found:
        return EventScenes("optical", REQUIRED_BANDS["optical"], None, ())
    kind, bands = _choose_bands(found, options.collection)
    mask = _choose_mask(found, kind, options, log)
    scenes = [_with_assets(scene, bands, mask, options) for scene in found]
    if kind == "radar":
        scenes = _of_common_orbits(scenes)
    _report_left_out(scenes, options.collection, log)
    return EventScenes(kind, bands, mask, tuple(scenes))


def _search(
    catalogue: StacCatalogue, area: AreaOfInterest, period: SidePeriod, options: CompositeOptions
) -> list[EventScene]:
    if period.last < period.first:
        return []
    try:
        items = catalogue.scenes(area.box, period.first, period.last)
    except ServerError as error:
        raise FetchError(f"{options.stac}: {error}; try again later") from None
    shapely.prepare(area.geometry)
    scenes = {}
    for item in items:
        footprint = _footprint(item)
        if area.geometry.intersects(footprint):
            scenes[item.id] = EventScene(item, period.side, period.window(item_day(item)), footprint)
    return sorted(scenes.values(), key=lambda scene: scene.order)


def _footprint(item: pystac.Item) -> BaseGeometry:
    """Where a scene has pixels, EPSG:4326; its box where the item does not say, empty where it has no place at all."""
    if item.geometry is not None:
        geometry: BaseGeometry = shapely.make_valid(shape(item.geometry))
        return geometry
    if item.bbox is None:
        return shapely.Polygon()
    west, south, *_ = item.bbox
    east, north = item.bbox[len(item.bbox) // 2 :][:2]  # six numbers with heights
    return shapely.box(west, south, east, north)


def _choose_bands(scenes: Sequence[EventScene], collection: str) -> tuple[Kind, tuple[str, ...]]:
    """Optical scenes are those with red, green and blue, radar scenes those with VV."""
    kinds: tuple[Kind, ...] = ("optical", "radar")
    for kind in kinds:
        names = REQUIRED_BANDS[kind] + OPTIONAL_BANDS[kind]
        having = [
            set(bands) for scene in scenes if {*REQUIRED_BANDS[kind]} <= {*(bands := find_bands(scene.item, names))}
        ]
        if having:
            return kind, tuple(name for name in names if any(name in bands for bands in having))
    assets = ", ".join(scenes[0].item.assets) or "none"
    raise FetchError(
        f"--collection {collection}: its scenes have neither red, green and blue nor vv among their assets ({assets}); "
        "name another collection"
    )


def _choose_mask(
    scenes: Sequence[EventScene], kind: Kind, options: CompositeOptions, log: IssueLog
) -> CloudMask | None:
    items = [scene.item for scene in scenes]
    asked = options.cloud_mask
    if asked is not None and asked.strip().lower() != NONE:
        mask = CloudMask.parse(asked)
        if not any(mask.asset_of(item) for item in items):
            assets = ", ".join(items[0].assets)
            raise FetchError(f"--cloud-mask {asked}: no scene has an asset {mask.asset}; they have: {assets}")
        return mask
    if kind == "radar":
        return None
    if asked is None:
        known = CloudMask.of_collection(items)
        if known is None:
            assets = ", ".join(items[0].assets)
            raise FetchError(
                f"--collection {options.collection}: has no cloud mask that is known (SCL, QA_PIXEL) among its assets "
                f"({assets}); give --cloud-mask, an asset and its values of cloud as in SCL:3,8-10, or the word none"
            )
        return known
    log.warning(
        options.collection, "its clouds are not masked, because --cloud-mask is none", "every pixel counts as clear"
    )
    return None


def _with_assets(
    scene: EventScene, bands: tuple[str, ...], mask: CloudMask | None, options: CompositeOptions
) -> EventScene:
    """The scene with the assets that are read, or with why it cannot be used."""
    assets = find_bands(scene.item, bands)
    mask_asset = mask.asset_of(scene.item) if mask else None
    reason = ""
    if missing := [name for name in bands if name not in assets]:
        reason = f"has no asset for {', '.join(missing)}"
    elif mask and mask_asset is None:
        reason = f"has no asset {mask.asset}"
    elif cloud_cover(scene.item) > options.max_cloud:
        reason = f"above {options.max_cloud:g} % cloud"
    return replace(scene, assets=tuple(assets.values()) if not reason else (), mask=mask_asset, left_out=reason)


def _of_common_orbits(scenes: Sequence[EventScene]) -> list[EventScene]:
    """Leave out radar scenes of an orbit that the other side has none of: another view looks like a change."""
    seen = {side: {orbit(one.item) for one in scenes if one.side == side and not one.left_out} for side in SIDES}
    if not all(seen.values()):
        return list(scenes)
    common = seen["pre"] & seen["post"]
    other = {"pre": "after", "post": "before"}
    return [
        scene
        if scene.left_out or orbit(scene.item) in common
        else replace(scene, left_out=f"no scene of its orbit {other[scene.side]} the event")
        for scene in scenes
    ]


def orbit(item: pystac.Item) -> str:
    """The relative orbit of a scene; where the catalogue has none, `ascending` or `descending`; otherwise empty."""
    properties = item.properties
    return str(properties.get("sat:relative_orbit") or properties.get("sat:orbit_state") or "")


def _report_left_out(scenes: Iterable[EventScene], collection: str, log: IssueLog) -> None:
    """Log scenes that lack an asset which others have; clouds and orbits are expected, and only in the table."""
    lacking: dict[str, list[str]] = {}
    for scene in scenes:
        if scene.left_out.startswith("has no asset"):
            lacking.setdefault(scene.left_out, []).append(scene.item.id)
    for reason, ids in lacking.items():
        rest = f" and {len(ids) - 1} more" if len(ids) > 1 else ""
        log.error(collection, f"scene {ids[0]}{rest} {reason}")


def _address(item: pystac.Item, name: str) -> str:
    """The address of the asset of a name that may end in the number of a band."""
    asset = item.assets[name] if name in item.assets else item.assets[name.rpartition(".")[0]]
    return asset.get_absolute_href() or asset.href


def _sorted(value: Any) -> Any:
    """Sort the keys of all dicts within a value, so that equal values have equal JSON."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return value
