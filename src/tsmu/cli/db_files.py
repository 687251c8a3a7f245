"""The commands `tsmu db export` and `tsmu db import`, which write and read files of landslides in other formats."""

from pathlib import Path
from typing import Annotated

import typer

from tsmu.cli.command import JsonOption, LayerOption, StrictOption, WorkspaceOption, assignments, console
from tsmu.cli.db import (
    BoxOption,
    DatabaseOption,
    DatesOption,
    MinAreaOption,
    RegionOption,
    StatusOption,
    WhereOption,
    filters,
)


def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="New: .gpkg .parquet .geojson .fgb .shp .csv .json")],
    layout: Annotated[str | None, typer.Option(metavar="usgs|coolr", help="Of a CSV file.")] = None,
    bbox: BoxOption = None,
    region: RegionOption = None,
    dates: DatesOption = None,
    min_area: MinAreaOption = None,
    status: StatusOption = None,
    where: WhereOption = None,
    database: DatabaseOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write landslides into a file; .json holds STAC items of scenes and runs.

    A GeoPackage is a database of its own, with all that belongs to the landslides. Rejected and merged landslides are
    written too, but not into CSV; --status candidate,confirmed leaves them out.
    """
    with console("db export", as_json) as terminal:
        terminal.database(database, workspace).export(
            file, layout=layout, **filters(bbox, region, dates, min_area, status, where)
        )


def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What tsmu db export wrote, or any inventory.")],
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who drew a foreign inventory's polygons.")] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="ROLE=COLUMN,...", help="Which column of a foreign inventory is which, where the guess is wrong."
        ),
    ] = None,
    mapped_area: Annotated[
        Path | None, typer.Option("--mapped-area", metavar="FILE", help="Where its author looked for landslides.")
    ] = None,
    layer: LayerOption = None,
    database: DatabaseOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    strict: StrictOption = False,
) -> None:
    """Take a file into the database, which is made where there is none; the same file again changes nothing.

    Landslides that tsmu exported come as they are. Of a foreign inventory polygons become observations and
    candidates, points become events.
    """
    with console("db import", as_json) as terminal:
        terminal.database(database, workspace).add_file(
            file, by=by, columns=assignments(columns, "--columns"), mapped_area=mapped_area, layer=layer, strict=strict
        )
