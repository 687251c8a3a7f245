"""`tsmu db density` and `tsmu db compare`: what the landslides of an area look like as a whole."""

from pathlib import Path
from typing import Annotated

import typer

from tsmu.cli.command import JsonOption, LayerOption, WorkspaceOption, command, finite
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
    with command("db density", as_json) as answer, opened(database, workspace, answer) as records:
        from tsmu.database import density as count
        from tsmu.database import draw_density, write_density
        from tsmu.errors import DatabaseError
        from tsmu.issues import IssueLog

        if layer and area is None:
            raise DatabaseError("--layer: names layers of --area; give that too")
        log = IssueLog(area or out)
        wanted = filters(bbox, region, dates, min_area, status, where)
        try:
            found = count(
                records, wanted, cell_m=cell, hexagons=hexagons, mapped_area=area, layers=layer or (), log=log
            )
        finally:
            answer.show_issues(log)
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
            "mapped_km2": found.mapped_area.area / 1e6,
            "landslides_per_km2": found.counted / (found.mapped_area.area / 1e6),
            "highest_per_km2": float(cells["per_km2"].max()) if len(cells) else None,
            "highest_area_share": float(cells["area_share"].max()) if len(cells) else None,
            "projection": cells.crs.to_wkt(),
        }
        answer.say(f"{found.counted} landslides in {answer.more['mapped_km2']:.6g} km2, {len(cells)} cells: {out}")
        if found.outside:
            answer.say(f"{found.outside} landslides lie where nobody says to have looked; they are not counted")


def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="A database or a layer of polygons, to measure B against.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Likewise.")],
    picture: Annotated[Path, typer.Option("--out", metavar="PNG", help="Where the plots go.")] = Path("compare.png"),
    layer: LayerOption = None,
    bbox: BoxOption = None,
    region: RegionOption = None,
    dates: DatesOption = None,
    min_area: MinAreaOption = None,
    status: StatusOption = None,
    where: WhereOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two inventories of one place: matched, missed, extra, IoU, and how their areas are distributed."""
    with command("db compare", as_json) as answer:
        from tsmu.database import compare as measure
        from tsmu.database import draw_comparison
        from tsmu.issues import IssueLog

        log = IssueLog(f"{a} and {b}")
        try:
            found = measure(a, b, log, filters(bbox, region, dates, min_area, status, where), layer or ())
        finally:
            answer.show_issues(log)
        draw_comparison(found, picture)
        told = found.summary()
        answer.records = told["matched"]
        answer.outputs["picture"] = str(picture)
        answer.more |= told
        for side, name in ((told["a"], "A"), (told["b"], "B")):
            answer.say(f"{name} {side['name']}: {side['landslides']} landslides, {side['area_m2'] / 1e6:.4g} km2")
            if side["tail"]:
                tail = side["tail"]
                answer.say(f"  power law: alpha {tail['alpha']:.2f} +- {tail['alpha_error']:.2f} "
                           f"from {tail['begins_m2']:.4g} m2, p {tail['probability']:.2f}")  # fmt: skip
        answer.say(f"matched {told['matched']}, missed {told['missed']}, extra {told['extra']}")
        answer.say(f"IoU of the areas {told['iou_of_areas']:.3f}; plots: {picture}")
