"""The commands `tsmu regions ...` of the ecoregion map."""

from pathlib import Path
from typing import Annotated

import typer

from tsmu.cli.command import JsonOption, StrictOption, WorkspaceOption, console, finite

app = typer.Typer(help="The ecoregion map of the workspace.", no_args_is_help=True)


@app.command("use")
def use(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Any polygon layer that GDAL reads, in any CRS.")],
    name_field: Annotated[str, typer.Option(help="The field with the region's name.")],
    layer: Annotated[str | None, typer.Option(help="The layer, where a file has several.")] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    strict: StrictOption = False,
) -> None:
    """Make a polygon layer the region map of the workspace."""
    with console("regions use", as_json) as terminal:
        terminal.workspace(workspace).use_regions(file, name_field=name_field, layer=layer, strict=strict)


@app.command("assign")
def assign(
    max_distance: Annotated[
        float,
        typer.Option(
            min=0, callback=finite, metavar="METRES", help="An event outside all regions gets the nearest within this."
        ),
    ] = 2000.0,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    strict: StrictOption = False,
) -> None:
    """Give every event and every pair its region, and tell where an inventory says otherwise."""
    with console("regions assign", as_json) as terminal:
        terminal.workspace(workspace).assign_regions(max_distance=max_distance, strict=strict)
