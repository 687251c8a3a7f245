"""`tsmu map`."""

from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tsmu.cli.command import JsonOption, LayerOption, WorkspaceOption, command, explain, find_workspace, finite

if TYPE_CHECKING:
    from tsmu.issues import IssueLog
    from tsmu.mapping import SceneRequest
    from tsmu.workspace_folder import WorkspaceFolder


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
    min_area: Annotated[
        float, typer.Option(min=0, callback=finite, metavar="M2", help="Leave out smaller landslides.")
    ] = 0.0,
    min_probability: Annotated[
        float,
        typer.Option(
            min=0, max=100, callback=finite, metavar="PERCENT", help="Leave out landslides of a smaller mean."
        ),
    ] = 0.0,
    simplify: Annotated[
        float, typer.Option(min=0, callback=finite, metavar="PX", help="Simplify outlines by so many pixels.")
    ] = 0.0,
    aoi: Annotated[Path | None, typer.Option(metavar="FILE", help="Map only inside these polygons.")] = None,
    slope_below: Annotated[
        float | None, typer.Option(min=0, max=90, callback=finite, help="Degrees; leave out flatter ground.")
    ] = None,
    dem: Annotated[
        str | None,
        typer.Option(metavar="FILE|URL", help="Elevations in metres, for models with terrain and --slope-below."),
    ] = None,
    leave_out: Annotated[
        str | None, typer.Option(metavar="FILE", help="Clouds or water: polygons, or a raster that is not 0 there.")
    ] = None,
    layer: LayerOption = None,
    tile: Annotated[int | None, typer.Option(min=64, max=8192, help="Pixels per side of one network input.")] = None,
    overlap: Annotated[int | None, typer.Option(min=0, max=4096, help="Pixels that neighbouring tiles share.")] = None,
    tta: Annotated[
        bool, typer.Option("--tta", help="Turn and flip: mean of eight views, and their standard deviation.")
    ] = False,
    region_layer: Annotated[
        bool, typer.Option("--region-layer", help="Write whose decoder counts most at each pixel, regions.tif.")
    ] = False,
    engine: Annotated[str, typer.Option(metavar="auto|openvino|torch", help="What computes the network.")] = "auto",
    precision: Annotated[
        str, typer.Option(metavar="auto|float32|bfloat16|int8", help="What its convolutions compute in.")
    ] = "auto",
    scale: Annotated[
        float | None,
        typer.Option(min=1e-9, max=1e9, callback=finite, help="Multiply the values by this; 1 takes them as they are."),
    ] = None,
    date_pre: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD")] = None,
    date_post: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD")] = None,
    any_resolution: Annotated[bool, typer.Option("--any-resolution", help="Map whatever the pixel size.")] = False,
    cluster: Annotated[
        str | None,
        typer.Option(metavar="URL|local[:N]|FILE.toml", help="Dask scheduler, N processes here, or SLURM's settings."),
    ] = None,
    publish: Annotated[
        str | None, typer.Option(metavar="URL", help="Copy finished maps to URL/<name>, such as s3://bucket/maps.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Compute anew what is finished.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Map scenes: probabilities, polygons, and candidates in the landslide database."""
    with command("map", as_json) as answer:
        space = find_workspace(workspace)
        from tsmu.cli.mapping import MapRecords, on_cluster, one_by_one, record
        from tsmu.errors import MapError, TsmuError
        from tsmu.issues import IssueLog
        from tsmu.mapping import ENGINES, PRECISIONS, MapOptions, check_unique_names

        for what, word, known in (("engine", engine, ENGINES), ("precision", precision, PRECISIONS)):
            if word not in known:
                raise MapError(f"{what} {word!r}: must be one of {', '.join(known)}")
        _check_elevations(dem, slope_below, space)
        log = IssueLog(scenes[0] if len(scenes) == 1 else "tsmu map")
        given = _Given(pre, name, _day(date_pre), _day(date_post), None if region == "auto" else region)
        orders = _orders(scenes, given, log)
        check_unique_names([order for _, order in orders])
        if out and len(orders) > 1:
            raise MapError(
                f"--out {out}: is for one scene, here are {len(orders)}; leave it out, they go to {space.maps}"
            )
        if publish and "://" not in publish:
            publish = str(Path(publish).expanduser().resolve())
        layers = _layers(layer or [], aoi, leave_out)
        wanted = MapOptions(
            threshold, min_area, min_probability, simplify, aoi, slope_below, dem, leave_out, tile, overlap, tta,
            region_layer, engine, precision, scale, any_resolution, force, publish, *layers,
        )  # fmt: skip
        done: list[dict[str, Any]] = []
        rows = {order.name: row for row, order in orders}
        folders = [(order, out or space.maps / order.name) for _, order in orders]
        outcomes = on_cluster(cluster, wanted, space, folders) if cluster else one_by_one(wanted, space, folders)
        with space.lock("tsmu map"), closing(MapRecords(space.database)) as records, closing(outcomes):
            for order, outcome in outcomes:
                try:
                    if isinstance(outcome, Exception):
                        raise outcome
                    done.append(record(records.database(), order, outcome, wanted, space, log))
                except (TsmuError, OSError) as error:
                    if len(orders) == 1 and not log.errors:
                        raise
                    log.error(str(order.post), explain(error), "not mapped", row=rows[order.name])
                    continue
                answer.records += done[-1]["records"]
                answer.say(_line(done[-1]))
        answer.take_issues(log, space.issues)
        if not done:
            raise MapError(f"none of {len(log)} scenes could be mapped; see {space.issues}")
        if dem:
            answer.say(f"{dem}: its values were taken as metres")
        answer.outputs |= {"database": records.name} | (done[0]["outputs"] if len(done) == 1 else {})
        answer.more = {"scenes": done} | ({} if len(done) > 1 else done[0])
        answer.say("\n".join(answer.outputs.values()))
        answer.say("next, to review them: tsmu serve --write")


def _check_elevations(dem: str | None, slope_below: float | None, space: "WorkspaceFolder") -> None:
    """Refuse elevations that nothing wants, and to do without those that something wants."""
    from tsmu.errors import MapError
    from tsmu.imagery import check_dem, resolve_dem, terrain_bands
    from tsmu.model import served_record

    bands = terrain_bands(served_record(space.models).bands)
    if dem is None and bands:
        raise MapError(
            f"{space.models}: the model takes terrain ({', '.join(bands)}) that it was trained with; give the "
            "elevation model of the place with --dem FILE"
        )
    if dem is None and slope_below is not None:
        raise MapError(f"--slope-below {slope_below:g}: needs elevations; give an elevation model with --dem FILE")
    if dem is None:
        return
    if slope_below is None and not bands:
        raise MapError(f"--dem {dem}: the model takes no terrain, and no --slope-below is given; leave --dem out")
    check_dem(resolve_dem(dem))


def _layers(names: list[str], aoi: Path | None, leave_out: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which of the layers that are named are read of --aoi, and which of --leave-out."""
    from tsmu.errors import MapError
    from tsmu.mapping import path_or_url
    from tsmu.vectors import divide_layers, is_vector_file

    clouds = path_or_url(leave_out) if names and leave_out else None
    water = clouds if isinstance(clouds, Path) and is_vector_file(clouds) else None
    files = [file for file in (aoi, water) if file is not None]
    if names and not files:
        raise MapError(f"--layer {names[0]}: names a layer of polygons; give them with --aoi or --leave-out")
    chosen = divide_layers(names, files, MapError)
    return tuple(chosen[aoi] if aoi else ()), tuple(chosen[water] if water else ())


@dataclass(frozen=True)
class _Given:
    """What the options say of the one scene."""

    pre: str | None
    name: str | None
    date_pre: str | None
    date_post: str | None
    region: str | None


def _orders(scenes: list[str], given: _Given, log: "IssueLog") -> "list[tuple[int | None, SceneRequest]]":
    """The scenes that the command names, with their rows if they stand in a table."""
    from tsmu.errors import MapError
    from tsmu.mapping import (
        SceneRequest,
        check_scene_name,
        default_scene_name,
        path_or_url,
        read_scene_table,
    )
    from tsmu.tabular import TABLE_SUFFIXES

    single = given.pre or given.name or given.date_pre or given.date_post
    if len(scenes) == 1 and scenes[0].lower().endswith(TABLE_SUFFIXES):
        if single:
            raise MapError(f"{scenes[0]}: pre images, names and dates of a table's scenes stand in its columns")
        orders: list[tuple[int | None, SceneRequest]] = []
        for row, order in read_scene_table(Path(scenes[0]), log):
            if isinstance(order, str):
                log.error(scenes[0], order, "not mapped", row=row)
            else:
                orders.append((row, replace(order, region=order.region or given.region)))
        return orders
    if single and len(scenes) > 1:
        raise MapError("--pre, --name and dates are for one scene; give a table with a row for each")
    pre = path_or_url(given.pre) if given.pre else None
    dates = given.date_pre, given.date_post
    return [
        (
            None,
            SceneRequest(
                post,
                pre,
                check_scene_name(given.name) if given.name else default_scene_name(post),
                given.region,
                *dates,
            ),
        )
        for post in map(path_or_url, scenes)
    ]


def _line(done: dict[str, Any]) -> str:
    computed = "" if done["bands_computed"] else ", finished before"
    decoders = "decoder of" if len(done["regions"]) == 1 else "decoders of"
    return (
        f"{done['scene']}: {done['records']} landslides, {done['area_m2'] / 1e6:.3f} km2, by the {decoders} "
        f"{' and '.join(done['regions'])} ({done['bundle']}; {done['routed']}), {done['engine']} on {done['device']} "
        f"in {done['precision']} ({done['reason']}){computed}"
    )


def _day(moment: datetime | None) -> str | None:
    return moment.date().isoformat() if moment else None
