"""`tsmu db density` and `tsmu db compare`: what the landslides of an area look like as a whole."""

from pathlib import Path
from typing import Annotated

import typer

from tsmu.cli.command import JsonOption, WorkspaceOption, command
from tsmu.cli.db import (
    BoxOption,
    DatabaseOption,
    DatesOption,
    MinAreaOption,
    RegionOption,
    StatusOption,
    WhereOption,
    filters,
    opened,
)


def density(
    out: Annotated[Path, typer.Argument(metavar="FILE", help="New: .tif for a grid, .gpkg for either.")],
    cell: Annotated[
        float | None, typer.Option(metavar="M", help="Side of a cell; by default some 60 cells along the map.")
    ] = None,
    hexagons: Annotated[bool, typer.Option("--hexagons", help="Hexagons instead of squares.")] = False,
    area: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Polygons looked at, instead of the mapped areas.")
    ] = None,
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
    with command("db density", as_json) as answer, opened(database, workspace, answer) as records:
        from tsmu.database.density import density as count
        from tsmu.database.density_files import write_density
        from tsmu.database.density_picture import draw_density

        wanted = filters(bbox, region, dates, min_area, status, where)
        found = count(records, cell_m=cell, hexagons=hexagons, looked=area, **wanted)
        write_density(found, out)
        picture = out.with_suffix(".png")
        draw_density(found, picture, title)
        cells = found.cells
        answer.records = found.counted
        answer.outputs |= {"cells": str(out), "picture": str(picture)}
        answer.more |= {
            "cell_m": found.grid.size,
            "cells": len(cells),
            "outside": found.outside,
            "mapped_km2": found.looked.area / 1e6,
            "landslides_per_km2": found.counted / (found.looked.area / 1e6),
            "highest_per_km2": float(cells["per_km2"].max()) if len(cells) else None,
            "highest_area_share": float(cells["area_share"].max()) if len(cells) else None,
            "projection": cells.crs.to_wkt(),
        }
        answer.say(f"{found.counted} landslides in {answer.more['mapped_km2']:.6g} km2, {len(cells)} cells: {out}")
        if found.outside:
            answer.say(f"{found.outside} landslides lie where nobody says to have looked; they are not counted")
