"""The command `tsmu map`, which maps the landslides of scenes."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from tsmu.cli.command import JsonOption, LayerOption, WorkspaceOption, console, finite


def map_scene(
    scenes: Annotated[
        list[str],
        typer.Argument(metavar="SCENE...", help="Post-event rasters, files or addresses; or a CSV table of scenes."),
    ],
    pre: Annotated[str | None, typer.Option(help="Pre-event raster, of one scene.")] = None,
    by: Annotated[
        str, typer.Option(metavar="decoder|change", help="change: what differs between pre and post; needs no model.")
    ] = "decoder",
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
        typer.Option(metavar="FILE|URL", help="Elevations in metres, for models with terrain, --slope-below, change."),
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
    with console("map", as_json) as terminal:
        terminal.workspace(workspace).map(
            scenes,
            pre=pre,
            by=by,
            region=region,
            out=out,
            name=name,
            threshold=threshold,
            min_area=min_area,
            min_probability=min_probability,
            simplify=simplify,
            aoi=aoi,
            slope_below=slope_below,
            dem=dem,
            leave_out=leave_out,
            layer=layer,
            tile=tile,
            overlap=overlap,
            tta=tta,
            region_layer=region_layer,
            engine=engine,
            precision=precision,
            scale=scale,
            date_pre=date_pre,
            date_post=date_post,
            any_resolution=any_resolution,
            cluster=cluster,
            publish=publish,
            force=force,
        )
