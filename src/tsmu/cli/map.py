"""`tsmu map`."""

from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tsmu.cli.command import JsonOption, WorkspaceOption, command, explain, find_workspace, progress

if TYPE_CHECKING:
    from tsmu.issues import IssueLog
    from tsmu.mapping.engine import Engine
    from tsmu.mapping.limits import Limit
    from tsmu.mapping.scenes import SceneOrder
    from tsmu.mapping.source import Scene
    from tsmu.model.bundle import Bundle
    from tsmu.workspace import Workspace


def map_scene(
    scenes: Annotated[
        list[str],
        typer.Argument(metavar="SCENE...", help="Post-event rasters, files or addresses; or a CSV table of scenes."),
    ],
    pre: Annotated[str | None, typer.Option(help="Pre-event raster, of one scene.")] = None,
    region: Annotated[str, typer.Option(metavar="NAME|auto", help="Whose decoder; auto asks the region map.")] = "auto",
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where to; by default maps/<name>.")] = None,
    name: Annotated[str | None, typer.Option(help="The scene's name; by default that of the file.")] = None,
    threshold: Annotated[int | None, typer.Option(min=1, max=100, help="Percent; by default the region's.")] = None,
    min_area: Annotated[float, typer.Option(min=0, metavar="M2", help="Leave out smaller landslides.")] = 0.0,
    simplify: Annotated[float, typer.Option(min=0, metavar="PX", help="Simplify outlines by so many pixels.")] = 0.0,
    aoi: Annotated[Path | None, typer.Option(metavar="FILE", help="Map only inside these polygons.")] = None,
    slope_below: Annotated[float | None, typer.Option(min=0, max=90, help="Degrees; leave out flatter ground.")] = None,
    dem: Annotated[str | None, typer.Option(metavar="FILE", help="Elevations in metres, for --slope-below.")] = None,
    leave_out: Annotated[
        str | None, typer.Option(metavar="FILE", help="Raster of clouds or water; leave out where it is not 0.")
    ] = None,
    tile: Annotated[int | None, typer.Option(min=64, help="Pixels per side of one network input.")] = None,
    overlap: Annotated[int | None, typer.Option(help="Pixels that neighbouring tiles share.")] = None,
    engine: Annotated[str, typer.Option(metavar="auto|openvino|torch", help="What computes the network.")] = "auto",
    scale: Annotated[float | None, typer.Option(help="Multiply the values by this; 1 takes them as they are.")] = None,
    date_pre: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD")] = None,
    date_post: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD")] = None,
    any_resolution: Annotated[bool, typer.Option("--any-resolution", help="Map whatever the pixel size.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Compute anew what is finished.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Map scenes: probabilities, polygons, and candidates in the landslide database."""
    with command("map", as_json) as answer:
        space = find_workspace(workspace)
        from tsmu.errors import BundleError, MapError, TsmuError
        from tsmu.issues import IssueLog
        from tsmu.mapping.choose import ENGINES
        from tsmu.mapping.scenes import check_names
        from tsmu.model.bundle import latest_bundle

        if engine not in ENGINES:
            raise MapError(f"engine {engine!r}: must be one of {', '.join(ENGINES)}")
        if (slope_below is None) != (dem is None):
            raise MapError("--slope-below and --dem: one needs the other; give both")
        bundle = latest_bundle(space.models)
        if bundle is None:
            raise BundleError(f"{space.models}: no bundle yet; make the first with: tsmu update REGION")
        log = IssueLog(scenes[0] if len(scenes) == 1 else "tsmu map")
        given = _Given(pre, name, _day(date_pre), _day(date_post), None if region == "auto" else region)
        orders = _orders(scenes, given, log)
        check_names([order for _, order in orders])
        if out and len(orders) > 1:
            raise MapError(
                f"--out {out}: is for one scene, here are {len(orders)}; leave it out, they go to {space.maps}"
            )
        wanted = _Wanted(
            threshold, min_area, simplify, aoi, slope_below, dem, leave_out, tile, overlap, engine, scale,
            any_resolution, force,
        )  # fmt: skip
        done: list[dict[str, Any]] = []
        with space.lock("tsmu map"):
            for row, order in orders:
                try:
                    done.append(_map_one(order, out or space.maps / order.name, wanted, bundle, space))
                except (TsmuError, OSError) as error:
                    if len(orders) == 1 and not log.errors:
                        raise
                    log.error(str(order.post), explain(error), "not mapped", row=row)
                    continue
                answer.records += done[-1]["records"]
                answer.say(_line(done[-1], bundle.name))
        if len(log):
            answer.take_issues(log, space.issues)
        if not done:
            raise MapError(f"none of {len(log)} scenes could be mapped; see {space.issues}")
        answer.outputs |= {"database": str(space.database)} | (done[0]["outputs"] if len(done) == 1 else {})
        answer.more = {"scenes": done} | ({} if len(done) > 1 else done[0])
        answer.say("\n".join(answer.outputs.values()))


@dataclass(frozen=True)
class _Given:
    """What the options say of the one scene."""

    pre: str | None
    name: str | None
    date_pre: str | None
    date_post: str | None
    region: str | None


@dataclass
class _Wanted:
    """How scenes are to be mapped; the engines in use, by region."""

    threshold: int | None
    min_area: float
    simplify: float
    aoi: Path | None
    slope_below: float | None
    dem: str | None
    leave_out: str | None
    tile: int | None
    overlap: int | None
    engine: str
    scale: float | None
    any_resolution: bool
    force: bool
    engines: "dict[str, Engine]" = field(default_factory=dict)


def _orders(scenes: list[str], given: _Given, log: "IssueLog") -> "list[tuple[int | None, SceneOrder]]":
    """The scenes that the command names, with their rows if they stand in a table."""
    from tsmu.errors import MapError
    from tsmu.mapping.scenes import TABLE, SceneOrder, name_of, place_of, read_scene_table, scene_name

    single = given.pre or given.name or given.date_pre or given.date_post
    if len(scenes) == 1 and scenes[0].lower().endswith(TABLE):
        if single:
            raise MapError(f"{scenes[0]}: pre images, names and dates of a table's scenes stand in its columns")
        orders: list[tuple[int | None, SceneOrder]] = []
        for row, order in read_scene_table(Path(scenes[0])):
            if isinstance(order, str):
                log.error(scenes[0], order, "not mapped", row=row)
            else:
                orders.append((row, replace(order, region=order.region or given.region)))
        return orders
    if single and len(scenes) > 1:
        raise MapError("--pre, --name and dates are for one scene; give a table with a row for each")
    pre = place_of(given.pre) if given.pre else None
    dates = given.date_pre, given.date_post
    return [
        (None, SceneOrder(post, pre, scene_name(given.name) if given.name else name_of(post), given.region, *dates))
        for post in map(place_of, scenes)
    ]


def _map_one(
    order: "SceneOrder", folder: Path, wanted: _Wanted, bundle: "Bundle", space: "Workspace"
) -> dict[str, Any]:
    """Map one scene and put its polygons into the database."""
    import geopandas

    from tsmu.database.landslides import MappedBy, add_candidates
    from tsmu.mapping.choose import choose_engine
    from tsmu.mapping.fit import check_values
    from tsmu.mapping.mapper import map_scene as run
    from tsmu.mapping.plan import plan_tiling
    from tsmu.mapping.polygons import Outlining
    from tsmu.mapping.source import Scene

    record = bundle.record
    place = str(order.post.resolve()) if isinstance(order.post, Path) else order.post
    _check_free(folder, place)
    with ExitStack() as stack:
        scene = stack.enter_context(Scene(order.post, order.pre, record.bands, scale=wanted.scale or 1.0))
        chosen = order.region or _region_under(scene, space)
        bundle.require_region(chosen)
        serving = record.regions[chosen]
        if not wanted.any_resolution:
            scene.check_pixel_size(serving.pixel_size)
        if wanted.scale is None:
            check_values(scene, record.dtypes, record.mean, record.std)
        limits = _limits(wanted, scene, stack)
        percent = wanted.threshold or serving.threshold
        if chosen not in wanted.engines:
            wanted.engines[chosen] = choose_engine(wanted.engine, bundle, chosen, space)
        used, settings = wanted.engines[chosen], space.settings.map
        overlap = settings.overlap if wanted.overlap is None else wanted.overlap
        tiling = plan_tiling(used, len(scene.bands), scene.width, wanted.tile or settings.side, overlap)
        tags = {
            "tsmu_scene": place,
            "tsmu_bundle": bundle.name,
            "tsmu_bundle_digest": bundle.digest,
            "tsmu_region": chosen,
        }
        version = f"{bundle.name}-{bundle.digest[:8]}"
        with progress(f"Mapping {order.name}") as show:
            result = run(
                scene,
                used,
                folder,
                outlining=Outlining(percent, wanted.min_area, wanted.simplify),
                **vars(tiling),
                limits=limits,
                progress=lambda done, total: show(done, total, chosen),
                tags=tags,
                notes={"region": chosen, "bundle": version},
                force=wanted.force,
            )
        source = MappedBy(order.name, version, chosen, percent, order.date_pre, order.date_post)
        records = add_candidates(space.database, geopandas.read_parquet(result.polygons), source)
    return {
        "scene": order.name,
        "region": chosen,
        "threshold": percent,
        "records": records,
        "area_m2": result.area_m2,
        "engine": used.name,
        "device": used.device,
        "precision": used.precision,
        "reason": used.reason,
        **vars(tiling),
        **vars(result.counts),
        "bands_computed": result.bands_computed,
        "outputs": {"probability": str(result.probability), "polygons": str(result.polygons)},
    }


def _limits(wanted: _Wanted, scene: "Scene", stack: ExitStack) -> "list[Limit]":
    from tsmu.mapping.limits import Area, Outside, Steep
    from tsmu.mapping.scenes import place_of

    limits: list[Limit] = []
    if wanted.aoi:
        limits.append(Area(wanted.aoi, scene.grid))
    if wanted.dem and wanted.slope_below is not None:
        limits.append(Steep(place_of(wanted.dem), wanted.slope_below, scene.grid, stack))
    if wanted.leave_out:
        limits.append(Outside(place_of(wanted.leave_out), scene.grid, stack))
    return limits


def _line(done: dict[str, Any], bundle: str) -> str:
    computed = "" if done["bands_computed"] else ", finished before"
    return (
        f"{done['scene']}: {done['records']} landslides, {done['area_m2'] / 1e6:.3f} km2, by the decoder of "
        f"{done['region']} ({bundle}), {done['engine']} on {done['device']} in {done['precision']} "
        f"({done['reason']}){computed}"
    )


def _check_free(folder: Path, place: str) -> None:
    """Refuse to put a scene's map where another scene's lies."""
    from tsmu.errors import MapError
    from tsmu.mapping.result import tags_in

    there = tags_in(folder).get("tsmu_scene")
    if there not in (None, place):
        raise MapError(f"{folder}: holds the map of {there}; give this scene a name of its own with --name")


def _day(moment: datetime | None) -> str | None:
    return moment.date().isoformat() if moment else None


def _region_under(scene: "Scene", space: "Workspace") -> str:
    """The region that covers most of a scene, in the workspace's region map."""
    from tsmu.errors import RegionError
    from tsmu.regions import RegionMap

    if not space.regions.exists():
        raise RegionError(
            f"{space.regions}: no region map to choose the decoder by; name the region with --region NAME, "
            "or make a map with: tsmu regions use FILE --name-field FIELD"
        )
    region, _ = RegionMap.load(space.regions).of_footprint(scene.footprint)
    if region is None:
        raise RegionError(f"{scene.name}: lies in no region of {space.regions}; name one with --region NAME")
    return region
