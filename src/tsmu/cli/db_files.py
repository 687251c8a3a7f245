"""`tsmu db export` and `tsmu db import`: landslides into files of other formats, and back."""

from pathlib import Path
from typing import Annotated

import typer

from tsmu.cli.command import JsonOption, LayerOption, StrictOption, WorkspaceOption, command, find_workspace
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

ISSUES = "issues.csv"


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

    A GeoPackage is a database of its own, with all that belongs to the landslides.
    """
    with command("db export", as_json) as answer, opened(database, workspace, answer) as records:
        from tsmu.database import export as write
        from tsmu.issues import IssueLog

        log = IssueLog(file)
        wanted = filters(bbox, region, dates, min_area, status, where)
        answer.records = write(records, file, log, wanted, layout=layout)
        answer.outputs["file"] = str(file)
        answer.take_issues(log, _issues(database, workspace))
        answer.say(f"{answer.records} {'items' if file.suffix.lower() == '.json' else 'landslides'}: {file}")


def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What tsmu db export wrote, or any inventory.")],
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who drew a foreign inventory's polygons.")] = None,
    looked: Annotated[
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
    with command("db import", as_json) as answer, opened(database, workspace, answer, create=file.exists()) as records:
        from tsmu.database import import_file as take
        from tsmu.issues import IssueLog

        log = IssueLog(file, strict=strict)
        try:
            taken = take(records, file, log, by=by, mapped_area=looked, layers=layer or ())
        finally:
            answer.take_issues(log, _issues(database, workspace))
        answer.records = sum(taken.added.values())
        answer.more |= {"added": taken.added, "unchanged": taken.unchanged}
        added = ", ".join(f"{count} {table}" for table, count in taken.added.items() if count) or "nothing"
        answer.say(f"{added} added; {taken.unchanged} were there already")


def _issues(database: str | None, workspace: Path | None) -> Path:
    """The workspace's issue log; for a database that was named one beside it, for a server's in the current folder."""
    if database is None:
        return find_workspace(workspace).issues
    return Path(ISSUES) if "://" in database else Path(f"{database}.{ISSUES}")
