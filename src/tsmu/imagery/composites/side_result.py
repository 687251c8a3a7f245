"""The result of composing one side: its composites, the rows of its scenes, and the days that they span."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date
from pathlib import Path
from typing import Any

from rasterio.windows import Window

from tsmu.imagery.composites.composite_files import copy_composite, write_composite
from tsmu.imagery.composites.event_imagery import EventImagery
from tsmu.imagery.composites.event_scenes import SIDE_WORDS, EventScene, EventScenes
from tsmu.imagery.composites.options import Side
from tsmu.imagery.composites.side_composite import SideComposite
from tsmu.imagery.composites.tile_composite import read_tile_pixels
from tsmu.imagery.composites.zone_tiles import ZoneGrid
from tsmu.imagery.rasters import Pixels
from tsmu.imagery.stac import cloud_cover
from tsmu.issues import IssueLog

COULD_NOT_BE_READ = "could not be read; left out of the whole image"
NOTHING_CLEAR = "nothing clear in the area that nearer scenes, or others of the same pass, do not show"


@dataclass(frozen=True)
class SideResult:
    """One side of an event, composed now or taken from an earlier composition.

    Attributes:
        rows: of the table of sources.
        failed: id of a scene that could not be read -> why.
        first, last: days of the scenes in the composite.
        write: writes the composite of a zone.
    """

    rows: list[dict[str, Any]]
    failed: dict[str, str]
    first: date
    last: date
    write: Callable[[ZoneGrid, Path], None]


def composed_side(side: SideComposite, scenes: EventScenes, day: date, collection: str, area_pixels: int) -> SideResult:
    """Describe a side whose tiles are all composed.

    Args:
        side: the tiles; something is seen in one of them.
        scenes: of both sides, with those that were left out.
        day: of the event.
        collection: of the scenes.
        area_pixels: of the whole area.
    """
    seen = side.seen_pixels()
    totals: dict[str, int] = {}
    for of_zone in seen.values():
        for name, pixels in of_zone.items():
            totals[name] = totals.get(name, 0) + pixels
    rows = []
    for scene in (one for one in scenes.scenes if one.side == side.side):
        count = totals.get(scene.item.id, 0)
        failed = COULD_NOT_BE_READ if scene.item.id in side.left_out else ""
        reason = scene.left_out or failed or ("" if count else NOTHING_CLEAR)
        rows.append(source_row(scene, collection, count / area_pixels, reason))
    days = {scene.item.id: scene.day for scene in side.scenes}

    def write(zone: ZoneGrid, path: Path) -> None:
        of_zone = [days[name] for name in seen.get(zone.zone.name, {})]
        tags = {
            "tsmu_side": side.side,
            "tsmu_event_day": day,
            "tsmu_first_day": min(of_zone, default=""),
            "tsmu_last_day": max(of_zone, default=""),
            "tsmu_collection": collection,
            "tsmu_scenes": len(of_zone),
            "tsmu_composite": "median",
        }
        write_composite(path, zone.grid, scenes.kind, scenes.bands, tags, _tiles(side, zone))

    used = [days[name] for name in totals]
    return SideResult(rows, dict(side.left_out), min(used), max(used), write)


def _tiles(side: SideComposite, zone: ZoneGrid) -> Iterator[tuple[Window, Pixels]]:
    for tile in side.tiles:
        if tile.zone is zone:
            yield tile.window, read_tile_pixels(tile.path)


def side_taken_from(imagery: EventImagery) -> SideResult:
    """The side before the event of an earlier composition of the same scenes."""
    sources = imagery.read_sources()
    rows = sources[sources["side"] == "pre"].to_dict("records")
    files = {zone.crs: zone.pre for zone in imagery.zones}
    return SideResult(
        [{str(name): value for name, value in row.items()} for row in rows],
        failures_of(imagery, "pre"),
        imagery.pre_first,
        imagery.pre_last,
        lambda zone, path: copy_composite(files[zone.zone.crs.to_string()], path),
    )


def failures_of(imagery: EventImagery, side: Side) -> dict[str, str]:
    """Id of a scene that could not be read when the images were composed -> what is said of it."""
    sources = imagery.read_sources()
    failed = sources[(sources["side"] == side) & (sources["left_out"] == COULD_NOT_BE_READ)]
    return {name: f"{name} could not be read when the images were composed" for name in failed["item_id"]}


def log_failures(failed: dict[str, str], side: Side, collection: str, folder: Path, log: IssueLog) -> None:
    """Log the scenes that could not be read.

    Args:
        failed: id of a scene -> why.
        side: pre or post.
        collection: of the scenes.
        folder: of the composition that they are left out of.
        log: takes them.
    """
    for _, reason in sorted(failed.items()):
        log.error(
            collection, reason, f"left out of the images {SIDE_WORDS[side]} the event; remove {folder} to try it again"
        )


def source_row(scene: EventScene, collection: str, share: float, left_out: str) -> dict[str, Any]:
    """A scene's row in the table of sources.

    Args:
        scene: the scene.
        collection: if its item does not say.
        share: of the area's pixels in whose median it is, 0 to 1.
        left_out: why it is not used, or empty.
    """
    moment = scene.item.datetime or scene.item.common_metadata.start_datetime
    says_cloud = scene.item.properties.get("eo:cloud_cover") is not None
    return {
        "item_id": scene.item.id,
        "datetime": moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else "",
        "collection": scene.item.collection_id or collection,
        "side": scene.side,
        "cloud_cover": cloud_cover(scene.item) if says_cloud else None,
        "share": share,
        "left_out": left_out,
        "url": scene.item.get_self_href() or "",
    }
