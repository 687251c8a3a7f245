"""Compose the imagery of an event: from an area, a day and a catalogue to images before and after it on one grid."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path

from tsmu.errors import FetchError, ImageError
from tsmu.files import atomic_write, read_json_object, remove, write_json
from tsmu.imagery.composites.area_of_interest import AreaOfInterest
from tsmu.imagery.composites.composite_files import write_observed
from tsmu.imagery.composites.event_imagery import (
    SOURCES_FILE,
    EventImagery,
    ZoneImagery,
    composed_before,
    write_imagery_file,
    write_sources,
)
from tsmu.imagery.composites.event_scenes import SIDE_WORDS, EventScenes, find_event_scenes
from tsmu.imagery.composites.observations import ObservationReader
from tsmu.imagery.composites.options import SIDES, CompositeOptions, Side, SidePeriod
from tsmu.imagery.composites.side_composite import SideComposite
from tsmu.imagery.composites.side_result import (
    SideResult,
    composed_side,
    failures_of,
    log_failures,
    side_taken_from,
    source_row,
)
from tsmu.imagery.composites.zone_grids import find_zone_grids, grid_from_json, grid_to_json
from tsmu.imagery.composites.zone_tiles import TILE_SIDES, ZoneGrid
from tsmu.imagery.rasters import Grid, describe_raster
from tsmu.imagery.stac import StacCatalogue
from tsmu.issues import IssueLog
from tsmu.wording import counted

SCENES_FILE = "scenes.csv"
WORK_FOLDER = ".work"
GRIDS_FILE = "grids.json"

Progress = Callable[[int, int, str], None]


@dataclass
class _Composition:
    """One call of `compose_event`: its request, the scenes that were found, and the folders that it writes into."""

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
        """Compositions made before of the same event, area and collection, the latest last."""
        return [
            one
            for one in self.earlier
            if one.collection == self.options.collection and one.day == self.day and one.area.equals(self.area.geometry)
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
    rows = [source_row(scene, options.collection, 0.0, scene.left_out) for scene in scenes.scenes]
    with atomic_write(folder / SCENES_FILE) as temporary:
        write_sources(temporary, rows)
    scenes.require_both_sides(periods, options.collection)
    call = _Composition(area, day, options, folder, scenes, catalogue, log, composed_before(folder))
    same = next((one for one in call.comparable() if one.identity == call.identity), None)
    if same:
        call.remove_work()
        for problem, action in same.assumptions.items():
            log.warning(options.collection, problem, action)
        for side in SIDES:
            log_failures(failures_of(same, side), side, options.collection, same.folder, log)
        return replace(same, is_new=False)
    return _compose(call, progress or _no_progress)


def _no_progress(*_: object) -> None:
    """Take the place of a progress bar where nobody asked for one."""


def _compose(call: _Composition, progress: Progress) -> EventImagery:
    """Compose both sides, or the one after the event where the other is there already, and write everything."""
    for partial_file in call.folder.glob(".*.*-*"):  # half-written when a run was killed
        remove(partial_file)
    call.remove_work(keep=[call.work(side) for side in SIDES])
    reader = ObservationReader(call.scenes.kind, call.scenes.cloud_mask, call.options.collection, call.log)
    reusable = next((one for one in call.comparable() if one.pre_identity == call.identities["pre"]), None)
    zones = _grids_of(reusable, call.area, reader) if reusable else None
    if zones is None:
        zones, reusable = _zone_grids(call, reader), None
    sides = _compose_sides(call, zones, reader, ["post"] if reusable else ["post", "pre"], progress)
    area_pixels = sum(int(zone.inside(window).sum()) for zone in zones for window in zone.windows(TILE_SIDES[0]))
    results = {
        side.side: composed_side(side, call.scenes, call.day, call.options.collection, area_pixels) for side in sides
    }
    if reusable:
        results["pre"] = side_taken_from(reusable)
    return _write(call, zones, results, reader.assumptions)


def _compose_sides(
    call: _Composition, zones: Sequence[ZoneGrid], reader: ObservationReader, names: Sequence[Side], progress: Progress
) -> list[SideComposite]:
    """Compose the sides one after the other, in the order of `names`.

    The caller names the side after the event first, because it is the one that is most often all cloud. Then the run
    stops before anything is read of the other side.
    """
    workers, bands = call.options.workers, call.scenes.bands
    sides = [
        SideComposite(call.work(name), name, call.scenes.used(name), zones, bands, reader, workers) for name in names
    ]
    total, before = sum(len(side.tiles) for side in sides), 0
    for side in sides:
        what = f"images {SIDE_WORDS[side.side]} the event"
        _run_side(call, side, partial(_advance, progress, before, total, what))
        before += len(side.tiles)
    return sides


def _advance(progress: Progress, before: int, total: int, what: str, done: int) -> None:
    progress(before + done, total, what)


def _run_side(call: _Composition, side: SideComposite, advance: Callable[[int], None]) -> None:
    """Compose one side; refuse one that is not clear anywhere in the area."""
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


def _grids_of(imagery: EventImagery, area: AreaOfInterest, reader: ObservationReader) -> list[ZoneGrid] | None:
    """The grids of an earlier composition; None where its files cannot be read any more."""
    try:
        grids = [Grid.from_raster(describe_raster(zone.pre)) for zone in imagery.zones]
    except ImageError:
        return None
    for problem, action in imagery.assumptions.items():
        reader.assume(problem, action)
    return [ZoneGrid(zone, grid) for zone, grid in zip(area.zones(), grids, strict=True)]


def _write(
    call: _Composition, zones: Sequence[ZoneGrid], results: dict[Side, SideResult], assumptions: dict[str, str]
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
        log_failures(results[side].failed, side, call.options.collection, target, call.log)
    call.remove_work()
    return imagery


def _free_name(path: Path) -> Path:
    """Give a folder name that is free: the path itself, or with -2, -3 and so on behind it."""
    number = 1
    while (numbered := path if number == 1 else path.with_name(f"{path.name}-{number}")).exists():
        number += 1
    return numbered
