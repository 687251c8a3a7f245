"""Scenes mapped, by this process or by a cluster, and recorded in the database."""

from collections.abc import Generator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import geopandas

from tsmu.cli.command import progress
from tsmu.database import Database, RunRecord, SceneRecord, add_run, open_database
from tsmu.errors import TsmuError
from tsmu.imagery import MIN_REPORTED_UNKNOWN, file_identity
from tsmu.issues import IssueLog
from tsmu.mapping import (
    Dispatcher,
    MapOptions,
    MappedScene,
    MapSession,
    SceneOutcome,
    SceneRequest,
    connect_cluster,
    path_or_url,
    valid_area,
)
from tsmu.workspace_folder import WorkspaceFolder

Ordered = Sequence[tuple[SceneRequest, Path]]


class MapRecords:
    """The database that maps go into; one that is not there yet is made for the first map, not before.

    One that is there is opened at once, so that what is wrong with it is told before anything is mapped.
    """

    def __init__(self, place: Path | str) -> None:
        self._place, self.name = place, str(place)
        self._opened: Database | None = None
        if isinstance(place, str) or place.exists():
            self.database()

    def database(self) -> Database:
        """The open database."""
        if self._opened is None:
            self._opened = open_database(self._place, create=True)
            self.name = self._opened.name
        return self._opened

    def close(self) -> None:
        """Close it, if it was opened."""
        if self._opened is not None:
            self._opened.close()


def one_by_one(
    wanted: MapOptions, space: WorkspaceFolder, scenes: Ordered
) -> Generator[tuple[SceneRequest, SceneOutcome]]:
    """Map scenes into their folders in this process; yields each with its map or with what went wrong."""
    opener = MapSession(wanted, space)
    for order, folder in scenes:
        outcome: SceneOutcome
        try:
            outcome = _mapped(opener, order, folder, force=wanted.force)
        except (TsmuError, OSError) as error:
            outcome = error
        yield order, outcome


def _mapped(opener: MapSession, order: SceneRequest, folder: Path, *, force: bool) -> MappedScene:
    with opener.opened(order, folder) as scene, progress(f"Mapping {order.name}") as show:
        region = scene.plan.routed.region
        return scene.finished(scene.run.alone(lambda done, total: show(done, total, region), force=force))


def on_cluster(
    cluster: str, wanted: MapOptions, space: WorkspaceFolder, scenes: Ordered
) -> Generator[tuple[SceneRequest, SceneOutcome]]:
    """Map scenes into their folders on a cluster; yields each, as it is done, as `one_by_one` does."""
    dem, leave_out = (place and str(_absolute(place)) for place in (wanted.dem, wanted.leave_out))
    wanted = replace(wanted, aoi=wanted.aoi and wanted.aoi.resolve(), dem=dem, leave_out=leave_out)
    absolute = {replace(order, post=_absolute(order.post), pre=_absolute(order.pre)): order for order, _ in scenes}
    folders = [folder.resolve() for _, folder in scenes]
    with connect_cluster(cluster) as client, progress("Mapping") as show:

        def report(done: int, total: int) -> None:
            show(done, total, f"{len(client.nthreads())} connect_cluster")

        for order, outcome in Dispatcher(client, wanted, space, zip(absolute, folders, strict=True), report).run():
            yield absolute[order], outcome


def record(
    records: Database,
    order: SceneRequest,
    mapped: MappedScene,
    wanted: MapOptions,
    space: WorkspaceFolder,
    log: IssueLog,
) -> dict[str, Any]:
    """Put a map's polygons into the database; return what to say of the scene as JSON."""
    result, tiling, routed, main = mapped.result, mapped.plan.tiling, mapped.plan.routed, mapped.by[0]
    place = str(order.post.resolve()) if isinstance(order.post, Path) else order.post
    if routed.strange:
        log.warning(place, f"{routed.why} {routed.region}", "mapped; look at it with care")
    log.issues += [issue for issue in mapped.issues if issue not in log.issues]  # once for all scenes
    for file, problem, action in mapped.remarks:
        log.warning(file, problem, action)
    if mapped.without_terrain and mapped.without_terrain >= MIN_REPORTED_UNKNOWN:
        problem = f"{wanted.dem} says nothing of {mapped.without_terrain:.0%} of it"
        log.warning(place, problem, "mapped; that part is no data")
    settings: dict[str, Any] = {
        "precision": main.precision,
        "min_area": wanted.min_area,
        "simplify": wanted.simplify,
        "tile": tiling.tile,
        "overlap": tiling.overlap,
    }
    unusual: dict[str, Any] = {"tta": wanted.tta, "min_probability": wanted.min_probability, "scale": wanted.scale}
    unusual |= {"slope_below": wanted.slope_below}
    unusual |= {"aoi_layers": list(wanted.aoi_layers), "leave_out_layers": list(wanted.leave_out_layers)}
    files = {"aoi": wanted.aoi, "leave_out": wanted.leave_out, "dem": wanted.dem}
    unusual |= {name: _state(path_or_url(str(file)), space) for name, file in files.items() if file}
    if len(mapped.by) > 1:
        settings["regions"] = {one.region: [one.label, one.threshold] for one in mapped.by}
    by = RunRecord(
        main.bundle,
        main.digest,
        main.decoder,
        routed.region,
        main.threshold,
        main.engine,
        settings | {name: value for name, value in unusual.items() if value},
    )
    post, pre = (space.stored_path(image) if isinstance(image, Path) else image for image in (order.post, order.pre))
    days = _day(order.date_pre), _day(order.date_post)
    seen = SceneRecord(order.name, mapped.footprint, post, pre, *days, mapped.pixel_size)
    told = IssueLog(place)
    polygons = geopandas.read_parquet(result.polygons)
    added = add_run(records, polygons, seen, by, told, valid_area(result.probability))
    log.issues += told.issues
    if added.supersedes:
        problem = f"its images, or what is computed from them, have changed since run {added.supersedes}"
        action = f"recorded as a new run; {added.withdrawn} candidates that it does not show any more were rejected"
        log.warning(place, problem, action)
    return {
        "scene": order.name,
        "region": routed.region,
        "regions": routed.regions,
        "routed": routed.why,
        "bundle": main.bundle,
        "threshold": main.threshold,
        "thresholds": [one.threshold for one in mapped.by],
        "records": result.count - len(told.errors),
        "area_m2": result.area_m2,
        "engine": main.engine,
        "device": main.device,
        "precision": main.precision,
        "reason": main.reason,
        **vars(tiling),
        **vars(result.counts),
        **({} if mapped.without_terrain is None else {"without_terrain": round(mapped.without_terrain, 4)}),
        "bands_computed": result.bands_computed,
        "run": added.run_id,
        "run_already_there": added.already_stored,
        "observations": added.observations,
        "candidates": added.candidates,
        "redrawn": added.redrawn,
        "proposed": added.proposed,
        "withdrawn": added.withdrawn,
        "supersedes": added.supersedes,
        "outputs": {
            "probability": str(result.probability),
            "polygons": str(result.polygons),
            **{name: str(path) for name, path in result.layers.items()},
            **({"published": mapped.published} if mapped.published else {}),
        },
    }


def _state(file: Path | str, space: WorkspaceFolder) -> list[Any]:
    """Which file it is, and in which state."""
    place, size, changed = file_identity(file)
    return [place if isinstance(file, str) else space.stored_path(file), size, changed]


def _absolute(place: Path | str | None) -> Any:
    """A path as other machines find it; an address as it is."""
    found = place if place is None or isinstance(place, Path) else path_or_url(place)
    return found.resolve() if isinstance(found, Path) else found


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
