"""The commands `tsmu db density` and `tsmu db compare`, which describe all landslides of an area together."""

from pathlib import Path
from typing import Annotated

import typer

from tsmu.cli.command import JsonOption, LayerOption, WorkspaceOption, console, finite
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


def density(
    out: Annotated[Path, typer.Argument(metavar="FILE", help="New: .tif for a grid, .gpkg for either.")],
    cell: Annotated[
        float | None,
        typer.Option(
            min=0.01, callback=finite, metavar="M", help="Side of a cell; by default some 60 cells along the map."
        ),
    ] = None,
    hexagons: Annotated[bool, typer.Option("--hexagons", help="Hexagons instead of squares.")] = False,
    area: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Polygons looked at, instead of the mapped areas.")
    ] = None,
    layer: LayerOption = None,
    title: Annotated[str, typer.Option(help="Of the picture.")] = "Landslides",
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
    """Map landslides per km2 and their share of the ground; the picture lies beside FILE as PNG.

    Cells have equal areas. Those nobody looked at have no value, those looked at in part are divided by that part.
    """
    with console("db density", as_json) as terminal:
        terminal.database(database, workspace).density(
            out,
            cell=cell,
            hexagons=hexagons,
            area=area,
            layer=layer,
            title=title,
            **filters(bbox, region, dates, min_area, status, where),
        )


def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="A database or a layer of polygons, to measure B against.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Likewise.")],
    out: Annotated[Path, typer.Option("--out", metavar="PNG", help="Where the plots go.")] = Path("compare.png"),
    layer: LayerOption = None,
    bbox: BoxOption = None,
    region: RegionOption = None,
    dates: DatesOption = None,
    min_area: MinAreaOption = None,
    status: StatusOption = None,
    where: WhereOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two inventories of one place: matched, missed, extra, IoU, and how their areas are distributed.

    Conditions hold for both. A file that no database wrote knows --bbox and --min-area only, and is compared whole
    whatever --status chooses in the database.
    """
    with console("db compare", as_json) as terminal:
        from tsmu.workspace import compare_inventories

        conditions = filters(bbox, region, dates, min_area, status, where)
        compare_inventories(a, b, out, layer=layer, display=terminal, **conditions)
