"""Scenes mapped, by this process or by a cluster, and their landslides recorded in the database."""

from collections.abc import Generator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import geopandas

from tsmu.database import AddedRun, Database, RunRecord, SceneRecord, add_run, open_database
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
from tsmu.wording import counted
from tsmu.workspace.display import Display
from tsmu.workspace_folder import WorkspaceFolder

ScenesAndFolders = Sequence[tuple[SceneRequest, Path]]


class MapDatabase:
    """The database that maps go into; one that does not exist yet is made for the first map, not before.

    One that exists is opened at once, so that what is wrong with it is known before anything is mapped.

    Attributes:
        name: its path, or its address without password.
    """

    def __init__(self, place: Path | str) -> None:
        """Open the database at a path or address, if there is one."""
        self._place, self.name = place, str(place)
        self._opened: Database | None = None
        if isinstance(place, str) or place.exists():
            self.open()

    def open(self) -> Database:
        """The open database."""
        if self._opened is None:
            self._opened = open_database(self._place, create=True)
            self.name = self._opened.name
        return self._opened

    def close(self) -> None:
        """Close it, if it was opened."""
        if self._opened is not None:
            self._opened.close()


def map_one_by_one(
    options: MapOptions, folder: WorkspaceFolder, scenes: ScenesAndFolders, display: Display
) -> Generator[tuple[SceneRequest, SceneOutcome]]:
    """Map scenes into their folders in this process; yields each with its map or with the error that it met."""
    session = MapSession(options, folder)
    for order, target in scenes:
        outcome: SceneOutcome
        try:
            outcome = _map_one(session, order, target, display)
        except (TsmuError, OSError) as error:
            outcome = error
        yield order, outcome


def _map_one(session: MapSession, order: SceneRequest, target: Path, display: Display) -> MappedScene:
    with session.open_scene(order, target) as scene, display.progress(f"Mapping {order.name}") as show:
        region = scene.plan.routing.region
        return scene.map(lambda done, total: show(done, total, region))


def map_on_cluster(
    cluster: str, options: MapOptions, folder: WorkspaceFolder, scenes: ScenesAndFolders, display: Display
) -> Generator[tuple[SceneRequest, SceneOutcome]]:
    """Map scenes into their folders on a cluster; yields each, as it is done, as `map_one_by_one` does."""
    dem, leave_out = (place and str(_absolute(place)) for place in (options.dem, options.leave_out))
    options = replace(options, aoi=options.aoi and options.aoi.resolve(), dem=dem, leave_out=leave_out)
    absolute = {replace(order, post=_absolute(order.post), pre=_absolute(order.pre)): order for order, _ in scenes}
    targets = [target.resolve() for _, target in scenes]
    with connect_cluster(cluster) as client, display.progress("Mapping") as show:

        def progress(done: int, total: int) -> None:
            show(done, total, f"{counted(len(client.nthreads()), 'worker')}")

        jobs = zip(absolute, targets, strict=True)
        for order, outcome in Dispatcher(client, options, folder, jobs, progress).run():
            yield absolute[order], outcome


def record_map(
    database: Database,
    order: SceneRequest,
    mapped: MappedScene,
    options: MapOptions,
    folder: WorkspaceFolder,
    log: IssueLog,
) -> dict[str, Any]:
    """Put a map's polygons into the database as observations and candidates of a new run.

    Args:
        database: open.
        order: the scene, as it was asked for.
        mapped: its map.
        options: how it was mapped.
        folder: the workspace; paths inside it are stored relative to it.
        log: takes what is to be known of the scene's input.

    Returns:
        What `--json` says of the scene.
    """
    place = str(order.post.resolve()) if isinstance(order.post, Path) else order.post
    _log_input_issues(order, mapped, options, place, log)
    run_log = IssueLog(place)
    added = add_run(
        database,
        geopandas.read_parquet(mapped.result.polygons),
        _scene_record(order, mapped, folder),
        _run_record(mapped, options, folder),
        run_log,
        valid_area(mapped.result.probability),
    )
    folder.note_map_folder(order.name, mapped.result.polygons.parent)
    log.issues += run_log.issues
    if added.supersedes:
        problem = f"its images, or what is computed from them, have changed since run {added.supersedes}"
        action = (
            f"recorded as a new run; {counted(added.withdrawn, 'candidate')} that it does not show any more rejected"
        )
        log.warning(place, problem, action)
    for problem, action in added.remarks:
        log.warning(place, problem, action)
    return _summary(order, mapped, added, mapped.result.count - len(run_log.errors))


def _log_input_issues(order: SceneRequest, mapped: MappedScene, options: MapOptions, place: str, log: IssueLog) -> None:
    """Note what was concluded about a scene's rasters, limits and terrain, and that its region was not learned."""
    routing = mapped.plan.routing
    if routing.unfamiliar or routing.unlearned:
        offer = "" if order.pre is None else ", or map it by change, which needs no decoder: --by change"
        log.warning(place, f"{routing.reason} {routing.region}", f"mapped; look at it with care{offer}")
    log.issues += [issue for issue in mapped.issues if issue not in log.issues]  # once for all scenes
    for file, problem, action in mapped.remarks:
        log.warning(file, problem, action)
    if mapped.without_terrain and mapped.without_terrain >= MIN_REPORTED_UNKNOWN:
        problem = f"{options.dem} says nothing of {mapped.without_terrain:.0%} of it"
        log.warning(place, problem, "mapped; that part is no data")


def _run_record(mapped: MappedScene, options: MapOptions, folder: WorkspaceFolder) -> RunRecord:
    """The run as the database identifies it: by model, region, threshold and settings.

    Settings that are off are left out, so that runs of before an option was added keep their identity.
    """
    main, tiling = mapped.decoders[0], mapped.plan.tiling
    settings: dict[str, Any] = {
        "precision": main.precision,
        "min_area": options.min_area,
        "simplify": options.simplify,
        "tile": tiling.tile,
        "overlap": tiling.overlap,
    }
    if len(mapped.decoders) > 1:
        settings["regions"] = {one.region: [one.label, one.threshold] for one in mapped.decoders}
    optional: dict[str, Any] = {
        "tta": options.tta,
        "min_probability": options.min_probability,
        "scale": options.scale,
        "slope_below": options.slope_below,
        "aoi_layers": list(options.aoi_layers),
        "leave_out_layers": list(options.leave_out_layers),
    }
    files = {"aoi": options.aoi, "leave_out": options.leave_out, "dem": options.dem}
    optional |= {name: _file_state(path_or_url(str(file)), folder) for name, file in files.items() if file}
    settings |= {name: value for name, value in optional.items() if value}
    return RunRecord(
        main.bundle, main.digest, main.decoder, mapped.plan.routing.region, main.threshold, main.engine, settings
    )


def _scene_record(order: SceneRequest, mapped: MappedScene, folder: WorkspaceFolder) -> SceneRecord:
    """The scene as the database knows it: name, footprint, images, days and pixel size."""
    post, pre = (folder.stored_path(image) if isinstance(image, Path) else image for image in (order.post, order.pre))
    days = _day(order.date_pre), _day(order.date_post)
    return SceneRecord(order.name, mapped.footprint, post, pre, *days, mapped.pixel_size)


def _summary(order: SceneRequest, mapped: MappedScene, added: AddedRun, landslides: int) -> dict[str, Any]:
    """What `--json` says of a scene."""
    result, main = mapped.result, mapped.decoders[0]
    terrain = {} if mapped.without_terrain is None else {"without_terrain": round(mapped.without_terrain, 4)}
    return {
        "scene": order.name,
        "region": mapped.plan.routing.region,
        "regions": mapped.plan.routing.regions,
        "routed": mapped.plan.routing.reason,
        "bundle": main.bundle,
        "threshold": main.threshold,
        "thresholds": [one.threshold for one in mapped.decoders],
        "records": landslides,
        "area_m2": result.area_m2,
        "engine": main.engine,
        "device": main.device,
        "precision": main.precision,
        "reason": main.reason,
        **vars(mapped.plan.tiling),
        **vars(result.counts),
        "not_judged": round(result.not_judged, 6),
        **terrain,
        "bands_computed": result.bands_computed,
        "run": added.run_id,
        "run_already_there": added.already_stored,
        "observations": added.observations,
        "candidates": added.candidates,
        "redrawn": added.redrawn,
        "proposed": added.proposed,
        "withdrawn": added.withdrawn,
        "shown_again": added.shown_again,
        "kept": added.kept,
        "supersedes": added.supersedes,
        "outputs": {
            "probability": str(result.probability),
            "polygons": str(result.polygons),
            **{name: str(path) for name, path in result.layers.items()},
            **({"published": mapped.published} if mapped.published else {}),
        },
    }


def _file_state(file: Path | str, folder: WorkspaceFolder) -> list[Any]:
    """Which file it is, and in which state: place, size, time of change."""
    place, size, changed = file_identity(file)
    return [place if isinstance(file, str) else folder.stored_path(file), size, changed]


def _absolute(place: Path | str | None) -> Any:
    """A path as other machines find it; an address as it is."""
    where = place if place is None or isinstance(place, Path) else path_or_url(place)
    return where.resolve() if isinstance(where, Path) else where


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
