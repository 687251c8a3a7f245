"""The commands `tsmu import ...`, which bring files from the disk into the workspace."""

from pathlib import Path
from typing import Annotated

import typer

from tsmu.cli.command import (
    DemOption,
    JsonOption,
    LayerOption,
    StrictOption,
    TerrainOption,
    WorkspaceOption,
    assignments,
    console,
    finite,
)
from tsmu.errors import TsmuError

app = typer.Typer(help="Bring chips, inventories, image pairs and labels into the workspace.", no_args_is_help=True)


@app.command("inventory")
def inventory(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, XLSX, or files of map layers, or a zip of them.")],
    source: Annotated[
        str | None, typer.Option(help="usgs, usgs-v3, coolr, slido or generic; by default recognised by the columns.")
    ] = None,
    columns: Annotated[
        str | None, typer.Option(metavar="ROLE=COLUMN,...", help="Which column is which, where the guess is wrong.")
    ] = None,
    layer: LayerOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    strict: StrictOption = False,
) -> None:
    """Take a landslide inventory into the events; reading a file again replaces what it gave."""
    with console("import inventory", as_json) as terminal:
        terminal.workspace(workspace).add_inventory(
            file, source=source, columns=assignments(columns, "--columns"), layer=layer, strict=strict
        )


@app.command("chips")
def chips(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Holds images/, masks/ and, for pairs, pre/.")],
    region: Annotated[str, typer.Option(help="The region that all these chips lie in.")],
    groups: Annotated[
        Path | None,
        typer.Option(metavar="CSV", help="Columns `name` and `group`: chips of a group stay in one split."),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    strict: StrictOption = False,
) -> None:
    """Take a folder of image chips and masks, matched by file name; nothing is copied."""
    with console("import chips", as_json) as terminal:
        terminal.workspace(workspace).add_chips(folder, region=region, groups=groups, strict=strict)


@app.command("pairs")
def pairs(
    source: Annotated[Path, typer.Argument(metavar="DIR|CSV", help="Folder of images, or a table that lists them.")],
    region: Annotated[
        str | None, typer.Option(help="The region of all these pairs; by default by the region map.")
    ] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Apply repairs of footprints that are unambiguous.")] = False,
    correct_shift: Annotated[
        bool, typer.Option("--correct-shift", help="Move pre images that lie half a pixel off or more.")
    ] = False,
    dem: DemOption = None,
    terrain: TerrainOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    strict: StrictOption = False,
) -> None:
    """Take pre/post image pairs: Google Earth screenshots, GeoTIFFs by name, or a table; nothing is copied."""
    with console("import pairs", as_json) as terminal:
        terminal.workspace(workspace).add_pairs(
            source,
            region=region,
            repair=repair,
            correct_shift=correct_shift,
            dem=dem,
            terrain=terrain,
            strict=strict,
        )


@app.command("labels")
def labels(
    source: Annotated[
        Path, typer.Argument(metavar="DIR|FILE", help="labelme JSON, files of polygons, mask rasters, or zips.")
    ],
    classes: Annotated[
        str | None,
        typer.Option(metavar="NAME=VALUE,...", help="1 landslide, 0 background, 255 unknown; else ignored."),
    ] = None,
    class_field: Annotated[str | None, typer.Option(help="Field of polygon layers with the class name.")] = None,
    layer: LayerOption = None,
    mapped_area: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where polygons were drawn; the ground outside is unknown."),
    ] = None,
    line_width: Annotated[
        float, typer.Option(min=0, max=10_000, callback=finite, help="Width of labelme's lines, pixels.")
    ] = 10.0,
    point_radius: Annotated[
        float, typer.Option(min=0, max=10_000, callback=finite, help="Radius of labelme's points, pixels.")
    ] = 5.0,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    strict: StrictOption = False,
) -> None:
    """Take labels of the imported pairs and write one mask per pair, on the grid of its post image."""
    with console("import labels", as_json) as terminal:
        terminal.workspace(workspace).add_labels(
            source,
            classes={name: _mask_value(value) for name, value in assignments(classes, "--classes").items()} or None,
            class_field=class_field,
            layer=layer,
            mapped_area=mapped_area,
            line_width=line_width,
            point_radius=point_radius,
            strict=strict,
        )


def _mask_value(text: str) -> int:
    """Read the mask value of a class: 0 background, 1 landslide, 255 unknown.

    Raises:
        TsmuError: it is another value.
    """
    if text not in ("0", "1", "255"):
        raise TsmuError(f"--classes ...={text}: a class is 1 (landslide), 0 (background) or 255 (unknown)")
    return int(text)
