"""Compose the imagery of an event: from an area, a day and a catalogue to images before and after it on one grid."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from rasterio.windows import Window

from tsmu.errors import FetchError, ImageError
from tsmu.files import atomic_write, read_json_object, remove, write_json
from tsmu.imagery.composites.area_of_interest import AreaOfInterest
from tsmu.imagery.composites.composite_files import copy_composite, write_composite, write_observed
from tsmu.imagery.composites.event_imagery import (
    SOURCES_FILE,
    EventImagery,
    ZoneImagery,
    composed_before,
    write_imagery_file,
    write_sources,
)
from tsmu.imagery.composites.event_scenes import SIDE_WORDS, EventScene, EventScenes, find_event_scenes
from tsmu.imagery.composites.observations import ObservationReader
from tsmu.imagery.composites.options import SIDES, CompositeOptions, Side, SidePeriod
from tsmu.imagery.composites.side_composite import SideComposite
from tsmu.imagery.composites.tile_composite import read_tile_pixels
from tsmu.imagery.composites.zone_grids import find_zone_grids, grid_from_json, grid_to_json
from tsmu.imagery.composites.zone_tiles import TILE_SIDES, ZoneGrid
from tsmu.imagery.rasters import Grid, Pixels, describe_raster
from tsmu.imagery.stac import StacCatalogue, cloud_cover
from tsmu.issues import IssueLog
from tsmu.wording import counted

SCENES_FILE = "scenes.csv"
WORK_FOLDER = ".work"
GRIDS_FILE = "grids.json"
COULD_NOT_BE_READ = "could not be read; left out of the whole image"
NOTHING_CLEAR = "nothing clear in the area that nearer scenes, or others of the same pass, do not show"

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class _SideResult:
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


@dataclass
class _Composition:
    """What a call works on: the request, the scenes found, and the folders."""

    area: AreaOfInterest
    day: date
    options: CompositeOptions
    folder: Path
    scenes: EventScenes
    catalogue: StacCatalogue
    log: IssueLog
    earlier: list[EventImagery]
    identities: dict[Side, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Compute the identities of both sides."""
        self.identities = {side: self.scenes.identity(side, self.area, self.day, self.options) for side in SIDES}

    @property
    def identity(self) -> str:
        """A digest of all that decides the result."""
        return sha256("".join(self.identities.values()).encode()).hexdigest()

    @property
    def _work_of_collection(self) -> Path:
        return self.folder / WORK_FOLDER / sha256(self.options.collection.encode()).hexdigest()[:8]

    def work(self, side: Side) -> Path:
        """The folder of a side's tiles."""
        return self._work_of_collection / f"{side}-{self.identities[side][:16]}"

    def remove_work(self, keep: Sequence[Path] = ()) -> None:
        """Remove tiles of this collection that no composition waits for."""
        for path in self._work_of_collection.glob("*"):
            if path not in keep:
                remove(path)
        for path in (self._work_of_collection, self.folder / WORK_FOLDER):
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()

    def comparable(self) -> list[EventImagery]:
        """Compositions made before of the same collection and area, the latest last."""
        return [
            one
            for one in self.earlier
            if one.collection == self.options.collection and one.area.equals(self.area.geometry)
        ]


def compose_event(
    area: AreaOfInterest,
    day: date,
    options: CompositeOptions,
    folder: Path,
    log: IssueLog,
    progress: Progress | None = None,
) -> EventImagery:
    """Compose what scenes show of an area before and after an event.

    Writes a folder `folder/YYYY-MM-DD`, named by the last day of imagery in it, which appears whole. Where the same
    scenes were composed before, that composition is given again, and no pixel is read; with later scenes a new folder
    is made, and the earlier one stays. A call that was killed goes on where it stopped when it is made again, and gives
    the same bytes. `folder/scenes.csv` lists what the catalogue has, also where no composition is made of it.

    Scenes of the event's own day (in UTC) count for neither side. Of each pixel the composite is the median of its
    clear observations in the narrowest window of days that has any: 30, 60, 120, 240 days and `pre_days` before the
    event, 30, 60 and `post_days` after it. A scene that cannot be read is left out of the whole side, and logged.

    Args:
        area: where.
        day: of the event.
        options: which scenes, and how.
        folder: of the event's imagery; no other process writes there.
        log: takes scenes that are left out, and what is assumed of their values.
        progress: called with (done, all, what) after each tile.

    Raises:
        FetchError: the day lies in the future; the catalogue cannot be opened; there is no scene before or after, or
            none that is clear anywhere; no cloud mask is known; or a file cannot be written.

    Example:
        >>> area = AreaOfInterest.from_box(7.0, 46.0, 7.1, 46.1)
        >>> options = CompositeOptions("https://example.org", "sentinel-2-l2a")
        >>> compose_event(area, date(2999, 1, 1), options, Path("imagery"), log)
        Traceback (most recent call last):
        tsmu.errors.FetchError: --date 2999-01-01: lies in the future; ...
    """
    today = max(date.today(), datetime.now(UTC).date())  # the event's day may be that of its place
    if day > today:
        raise FetchError(f"--date {day}: lies in the future; give the day of an event that has been")
    periods = {side: SidePeriod(side, day, options.windows(side), today) for side in SIDES}
    catalogue = StacCatalogue(options.stac, options.collection)
    scenes = find_event_scenes(catalogue, area, periods, options, log)
    rows = [_row(scene, options, 0.0, scene.left_out) for scene in scenes.scenes]
    with atomic_write(folder / SCENES_FILE) as temporary:
        write_sources(temporary, rows)
    scenes.require_both_sides(periods, options.collection)
    call = _Composition(area, day, options, folder, scenes, catalogue, log, composed_before(folder))
    same = next((one for one in call.comparable() if one.identity == call.identity), None)
    if same:
        call.remove_work()
        _repeat_issues(same, log)
        return replace(same, is_new=False)
    return _compose(call, progress or _no_progress)


def _no_progress(*_: object) -> None:
    """Show nothing."""


def _compose(call: _Composition, progress: Progress) -> EventImagery:
    for partial in call.folder.glob(".*.*-*"):  # half-written when a run was killed
        remove(partial)
    call.remove_work(keep=[call.work(side) for side in SIDES])
    reader = ObservationReader(call.scenes.kind, call.scenes.cloud_mask, call.options.collection, call.log)
    reusable = next((one for one in call.comparable() if one.pre_identity == call.identities["pre"]), None)
    zones = _grids_of(reusable, call.area) if reusable else None
    if reusable is None or zones is None:
        zones, reusable = _zone_grids(call, reader), None
    else:
        for problem, action in reusable.assumptions.items():
            reader.assume(problem, action)
    composed: dict[Side, SideComposite] = {
        side: SideComposite(
            call.work(side), side, call.scenes.used(side), zones, call.scenes.bands, reader, call.options.workers
        )
        for side in SIDES
        if not (side == "pre" and reusable)
    }
    total, before = sum(len(one.tiles) for one in composed.values()), 0
    for side in reversed(SIDES):  # what is all cloud, is so after the event, most often
        if side in composed:
            _run_side(call, composed[side], lambda done, side=side, before=before: progress(  # type: ignore[misc]
                before + done, total, f"images {SIDE_WORDS[side]} the event"
            ))  # fmt: skip
            before += len(composed[side].tiles)
    area_pixels = sum(int(zone.inside(window).sum()) for zone in zones for window in zone.windows(TILE_SIDES[0]))
    results = {side: _result(call, one, area_pixels) for side, one in composed.items()}
    if reusable:
        results["pre"] = _taken_from(reusable)
    return _write(call, zones, results, reader.assumptions)


def _run_side(call: _Composition, side: SideComposite, advance: Callable[[int], None]) -> None:
    """Compose a side; one that is nowhere clear is an error."""
    side.run(lambda scene: call.catalogue.is_answering(scene.item), advance)
    if any(side.seen_pixels().values()):
        return
    read = len(side.scenes) - len(side.left_out)
    failed = f", {counted(len(side.left_out), 'more', 'more')} could not be read" if side.left_out else ""
    days = f"--{side.side}-days"
    later = ", or run it again when there is a later image" if side.side == "post" else ""
    raise FetchError(
        f"{call.options.collection}: no part of the area is seen clear {SIDE_WORDS[side.side]} {call.day} "
        f"({counted(read, 'scene')} looked at{failed}); give more {days} or another --collection{later}"
    )


def _zone_grids(call: _Composition, reader: ObservationReader) -> list[ZoneGrid]:
    """The grids of all zones, which are decided once for all compositions of the same scenes before the event."""
    path = call.work("pre") / GRIDS_FILE
    stored, areas = read_json_object(path), call.area.zones()
    if stored:
        for problem, action in stored["assumptions"].items():
            reader.assume(problem, action)
        return [ZoneGrid(zone, grid_from_json(about)) for zone, about in zip(areas, stored["grids"], strict=True)]
    zones = find_zone_grids(areas, call.scenes.used("pre"), call.day, reader, call.options.resolution)
    write_json(path, {"grids": [grid_to_json(zone.grid) for zone in zones], "assumptions": reader.assumptions})
    return zones


def _grids_of(imagery: EventImagery, area: AreaOfInterest) -> list[ZoneGrid] | None:
    """The grids of an earlier composition; None where its files cannot be read any more."""
    try:
        grids = [Grid.from_raster(describe_raster(zone.pre)) for zone in imagery.zones]
    except ImageError:
        return None
    return [ZoneGrid(zone, grid) for zone, grid in zip(area.zones(), grids, strict=True)]


def _result(call: _Composition, side: SideComposite, area_pixels: int) -> _SideResult:
    """What was composed, with the rows of its scenes in the table."""
    seen = side.seen_pixels()
    totals: dict[str, int] = {}
    for of_zone in seen.values():
        for name, pixels in of_zone.items():
            totals[name] = totals.get(name, 0) + pixels
    days = {scene.item.id: scene.day for scene in side.scenes}
    rows = []
    for scene in (one for one in call.scenes.scenes if one.side == side.side):
        count = totals.get(scene.item.id, 0)
        failed = COULD_NOT_BE_READ if scene.item.id in side.left_out else ""
        reason = scene.left_out or failed or ("" if count else NOTHING_CLEAR)
        rows.append(_row(scene, call.options, count / area_pixels, reason))

    def write(zone: ZoneGrid, path: Path) -> None:
        of_zone = [days[name] for name in seen.get(zone.zone.name, {})]
        tags = {
            "tsmu_side": side.side,
            "tsmu_event_day": call.day,
            "tsmu_first_day": min(of_zone, default=""),
            "tsmu_last_day": max(of_zone, default=""),
            "tsmu_collection": call.options.collection,
            "tsmu_scenes": len(of_zone),
            "tsmu_composite": "median",
        }
        write_composite(path, zone.grid, call.scenes.kind, call.scenes.bands, tags, _tiles(side, zone))

    used = [days[name] for name in totals]
    return _SideResult(rows, dict(side.left_out), min(used), max(used), write)


def _tiles(side: SideComposite, zone: ZoneGrid) -> Iterator[tuple[Window, Pixels]]:
    for tile in side.tiles:
        if tile.zone is zone:
            yield tile.window, read_tile_pixels(tile.path)


def _taken_from(imagery: EventImagery) -> _SideResult:
    """The side before the event of an earlier composition of the same scenes."""
    sources = imagery.read_sources()
    rows = sources[sources["side"] == "pre"].to_dict("records")
    failed = {row["item_id"]: _said_before(row) for row in rows if row["left_out"] == COULD_NOT_BE_READ}
    files = {zone.crs: zone.pre for zone in imagery.zones}
    return _SideResult(
        [{str(name): value for name, value in row.items()} for row in rows],
        failed,
        imagery.pre_first,
        imagery.pre_last,
        lambda zone, path: copy_composite(files[zone.zone.crs.to_string()], path),
    )


def _write(
    call: _Composition, zones: Sequence[ZoneGrid], results: dict[Side, _SideResult], assumptions: dict[str, str]
) -> EventImagery:
    """Write the dated folder whole, and remove the tiles."""
    target = _free_name(call.folder / results["post"].last.isoformat())
    comparable = call.comparable()
    with atomic_write(target) as temporary:
        written = []
        for zone in zones:
            place = temporary / zone.zone.name
            place.mkdir(parents=True)
            paths = {side: place / f"{side}.tif" for side in SIDES}
            for side in SIDES:
                results[side].write(zone, paths[side])
            tags = {"tsmu_event_day": call.day, "tsmu_collection": call.options.collection}
            counts = write_observed(place / "observed.tif", zone, paths["pre"], paths["post"], tags, TILE_SIDES[0])
            area = zone.zone.geometry
            written.append(ZoneImagery(zone.zone.crs.to_string(), target / zone.zone.name, area, counts))
        imagery = EventImagery(
            folder=target,
            day=call.day,
            kind=call.scenes.kind,
            stac=call.options.stac,
            collection=call.options.collection,
            bands=call.scenes.bands,
            pixel_size=float(zones[0].grid.transform.a),
            area=call.area.geometry,
            zones=tuple(written),
            pre_first=results["pre"].first,
            pre_last=results["pre"].last,
            post_first=results["post"].first,
            post_last=results["post"].last,
            identity=call.identity,
            pre_identity=call.identities["pre"],
            assumptions=assumptions,
            earlier=comparable[-1].folder if comparable else None,
        )
        write_sources(temporary / SOURCES_FILE, [row for side in SIDES for row in results[side].rows])
        write_imagery_file(imagery, temporary)
    for side in SIDES:
        for reason in results[side].failed.values():
            call.log.error(call.options.collection, reason, f"left out of the images {SIDE_WORDS[side]} the event")
    call.remove_work()
    return imagery


def _repeat_issues(imagery: EventImagery, log: IssueLog) -> None:
    """Log again what was logged when the images were composed."""
    for problem, action in imagery.assumptions.items():
        log.warning(imagery.collection, problem, action)
    sources = imagery.read_sources()
    for row in sources[sources["left_out"] == COULD_NOT_BE_READ].to_dict("records"):
        side = "before" if row["side"] == "pre" else "after"
        log.error(imagery.collection, _said_before(row), f"left out of the images {side} the event")


def _said_before(row: Any) -> str:
    return f"{row['item_id']} could not be read when the images were composed"


def _row(scene: EventScene, options: CompositeOptions, share: float, left_out: str) -> dict[str, Any]:
    """A scene's row in the table of sources."""
    moment = scene.item.datetime or scene.item.common_metadata.start_datetime
    says_cloud = scene.item.properties.get("eo:cloud_cover") is not None
    return {
        "item_id": scene.item.id,
        "datetime": moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else "",
        "collection": scene.item.collection_id or options.collection,
        "side": scene.side,
        "cloud_cover": cloud_cover(scene.item) if says_cloud else None,
        "share": share,
        "left_out": left_out,
        "url": scene.item.get_self_href() or "",
    }


def _free_name(path: Path) -> Path:
    """The path, or with a number behind it where something has its name."""
    number = 1
    while (numbered := path if number == 1 else path.with_name(f"{path.name}-{number}")).exists():
        number += 1
    return numbered
