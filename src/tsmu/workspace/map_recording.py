"""Map scenes in this process or on a cluster, and record their landslides in the database."""

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
    """The database in which maps are recorded; if it does not exist, it is created when the first map is recorded.

    A database that exists is opened at once, so that its errors are found before anything is mapped.

    Attributes:
        name: the path of the database, or its address without a password.
    """

    def __init__(self, place: Path | str) -> None:
        """Open the database at a path or address, if it exists."""
        self._place, self.name = place, str(place)
        self._opened: Database | None = None
        if isinstance(place, str) or place.exists():
            self.open()

    def open(self) -> Database:
        """Open the database unless it is open, and return it."""
        if self._opened is None:
            self._opened = open_database(self._place, create=True)
            self.name = self._opened.name
        return self._opened

    def close(self) -> None:
        """Close the database, if it was opened."""
        if self._opened is not None:
            self._opened.close()


def map_one_by_one(
    options: MapOptions, folder: WorkspaceFolder, scenes: ScenesAndFolders, display: Display
) -> Generator[tuple[SceneRequest, SceneOutcome]]:
    """Map scenes in this process, one after the other.

    Args:
        options: how the scenes are mapped.
        folder: the workspace.
        scenes: each scene with the folder of its map.
        display: shows progress.

    Yields:
        Each scene with its map, or with the error because of which it was not mapped.
    """
    session = MapSession(options, folder)
    for order, target in scenes:
        outcome: SceneOutcome
        try:
            outcome = _map_one(session, order, target, display)
        except (TsmuError, OSError) as error:
            outcome = error
        yield order, outcome


def _map_one(session: MapSession, order: SceneRequest, target: Path, display: Display) -> MappedScene:
    """Map one scene into a folder."""
    with session.open_scene(order, target) as scene, display.progress(f"Mapping {order.name}") as show:
        region = scene.plan.routing.region
        return scene.map(lambda done, total: show(done, total, region))


def map_on_cluster(
    cluster: str, options: MapOptions, folder: WorkspaceFolder, scenes: ScenesAndFolders, display: Display
) -> Generator[tuple[SceneRequest, SceneOutcome]]:
    """Map scenes on a cluster.

    Args:
        cluster: the cluster, as `Workspace.map` takes it.
        options: how the scenes are mapped.
        folder: the workspace.
        scenes: each scene with the folder of its map.
        display: shows progress.

    Yields:
        Each scene with its map or its error, in the order in which they are finished.
    """
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
        database: the open database.
        order: the scene, as it was requested.
        mapped: the map of the scene.
        options: how the scene was mapped.
        folder: the workspace; paths inside of it are stored relative to it.
        log: the log to which warnings about the scene and its input are added.

    Returns:
        The summary of the map that `--json` prints for the scene.
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
    """Log conclusions about a scene's rasters, polygons and terrain, and a region that the model has not learned."""
    routing = mapped.plan.routing
    if routing.unfamiliar or routing.unlearned:
        offer = "" if order.pre is None else ", or map it by change, which needs no decoder: --by change"
        log.warning(place, f"{routing.reason} {routing.region}", f"mapped; look at it with care{offer}")
    # Several scenes may have the same issue, such as one of the polygons to leave out; it is logged once.
    log.issues += [issue for issue in mapped.issues if issue not in log.issues]
    for file, problem, action in mapped.remarks:
        log.warning(file, problem, action)
    if mapped.without_terrain and mapped.without_terrain >= MIN_REPORTED_UNKNOWN:
        problem = f"{options.dem} says nothing of {mapped.without_terrain:.0%} of it"
        log.warning(place, problem, "mapped; that part is no data")


def _run_record(mapped: MappedScene, options: MapOptions, folder: WorkspaceFolder) -> RunRecord:
    """Make the record of a run, which the database identifies by model, region, threshold and settings.

    Settings that are not used are left out, so that older runs keep their identity when an option is added to tsmu.
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
    """Make the record of a scene: name, footprint, images, days and pixel size."""
    post, pre = (folder.stored_path(image) if isinstance(image, Path) else image for image in (order.post, order.pre))
    days = _day(order.date_pre), _day(order.date_post)
    return SceneRecord(order.name, mapped.footprint, post, pre, *days, mapped.pixel_size)


def _summary(order: SceneRequest, mapped: MappedScene, added: AddedRun, landslides: int) -> dict[str, Any]:
    """Make the summary that `--json` prints for a scene; `landslides` is the number of those that were recorded."""
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
    """Identify a file and its contents: by its path or address, its size, and its time of change."""
    place, size, changed = file_identity(file)
    return [place if isinstance(file, str) else folder.stored_path(file), size, changed]


def _absolute(place: Path | str | None) -> Any:
    """Make a path absolute, so that other machines find the file; an address and None are returned unchanged."""
    location = place if place is None or isinstance(place, Path) else path_or_url(place)
    return location.resolve() if isinstance(location, Path) else location


def _day(text: str | None) -> date | None:
    """Read a day as ISO 8601."""
    return date.fromisoformat(text) if text else None
