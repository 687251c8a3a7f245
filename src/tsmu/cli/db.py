"""The commands `tsmu db ...` of the landslide database; `db_files`, `db_maps` and `db_merge` have further ones."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tsmu.cli.command import JsonOption, LayerOption, WorkspaceOption, console, finite
from tsmu.errors import DatabaseError

if TYPE_CHECKING:
    from tsmu.workspace.database_base import FilterKeywords

app = typer.Typer(help="The landslide database.", no_args_is_help=True)

DatabaseOption = Annotated[
    str | None,
    typer.Option("--database", metavar="FILE|URL", help="Which database; by default the workspace's."),
]
BoxOption = Annotated[
    str | None, typer.Option("--bbox", metavar="W,S,E,N", help="Degrees; W > E crosses the 180th meridian.")
]
RegionOption = Annotated[str | None, typer.Option("--region", help="Ecoregion.")]
DatesOption = Annotated[
    str | None,
    typer.Option("--dates", metavar="FIRST/LAST", help="Days it can have happened on; one may be left out."),
]
MinAreaOption = Annotated[
    float | None, typer.Option("--min-area", min=0, callback=finite, metavar="M2", help="Smallest geodesic area.")
]
StatusOption = Annotated[
    str | None, typer.Option("--status", metavar="A,B,...", help="candidate, confirmed, rejected, merged.")
]
WhereOption = Annotated[
    str | None,
    typer.Option("--where", metavar="CONDITION", help="In CQL2, such as: \"trigger = 'rainfall' and area_m2 > 1e4\"."),
]
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The landslide's id.")]


@app.command("info")
def info(database: DatabaseOption = None, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Tell what the database holds."""
    with console("db info", as_json) as terminal:
        terminal.database(database, workspace).info()


@app.command("query")
def query(
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
    """List landslides as they are believed now; with --json as GeoJSON under the key `landslides`."""
    with console("db query", as_json) as terminal:
        slides = terminal.database(database, workspace).query(**filters(bbox, region, dates, min_area, status, where))
        terminal.add_table("landslides", slides)
        terminal.print_table(slides, ["id", "status", "region", "date_min", "date_max", "area_m2"])


@app.command("history")
def history(
    landslide_id: IdArgument,
    database: DatabaseOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell what was believed of a landslide, version by version, by whom and why; and its reviews."""
    with console("db history", as_json) as terminal:
        records = terminal.database(database, workspace)
        versions, entries = records.history(landslide_id), records.reviews(landslide_id)
        terminal.add_table("versions", versions)
        terminal.add_table("reviews", entries)
        terminal.print_table(versions, ["version", "status", "area_m2", "changed_by", "changed_at", "change_reason"])
        terminal.print_table(entries, ["decision", "status_after", "by", "at", "why"])


@app.command("review")
def review(
    landslide_id: IdArgument,
    status: Annotated[str, typer.Option(help="candidate, confirmed or rejected.")],
    by: Annotated[str, typer.Option(help="Who decides.")],
    why: Annotated[str, typer.Option(help="For what reason.")],
    database: DatabaseOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Decide on a landslide."""
    with console("db review", as_json) as terminal:
        terminal.database(database, workspace).review(landslide_id, status=status, by=by, why=why)


@app.command("assign")
def assign(
    areas: Annotated[
        Path | None, typer.Argument(metavar="[AREAS]", help="A file of polygons; without it tells how far they are.")
    ] = None,
    field: Annotated[
        str, typer.Option(metavar="COLUMN", help="Who reviews the area; several with commas between them.")
    ] = "reviewer",
    name: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="What the area is called; by default they are numbered.")
    ] = None,
    layer: LayerOption = None,
    clear: Annotated[bool, typer.Option("--clear", help="Take all areas back.")] = False,
    database: DatabaseOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give areas to reviewers, in place of those given before; tell how far each person has come."""
    with console("db assign", as_json) as terminal:
        progress = terminal.database(database, workspace).assign(
            areas, field=field, name=name, layer=layer, clear=clear
        )
        terminal.add_table("areas", progress)
        terminal.print_table(progress, list(progress.columns))


@app.command("copy")
def copy(
    source: Annotated[str, typer.Argument(metavar="SRC", help="A GeoPackage or an address.")],
    target: Annotated[str, typer.Argument(metavar="DST", help="A new file, or the address of an empty database.")],
    as_json: JsonOption = False,
) -> None:
    """Copy a whole database into a new one, of the same kind or the other."""
    with console("db copy", as_json) as terminal:
        terminal.database(source, None).copy(target)


@app.command("backup")
def backup(
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="A new file; by default named by the time.")] = None,
    database: DatabaseOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Save the database as it is at this moment, while others may write."""
    with console("db backup", as_json) as terminal:
        terminal.database(database, workspace).backup(out)


@app.command("check")
def check(
    repair: Annotated[bool, typer.Option("--repair", help="Put right what can be without losing anything.")] = False,
    database: DatabaseOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check every rule that the schema cannot say; exit code 3 where something is wrong and not repaired."""
    with console("db check", as_json) as terminal:
        findings = terminal.database(database, workspace).check(repair=repair)
        terminal.print_table(findings, list(findings.columns))


def filters(
    bbox: str | None,
    region: str | None,
    dates: str | None,
    min_area: float | None,
    status: str | None,
    where: str | None,
) -> "FilterKeywords":
    """Convert the values of options to conditions on landslides, as `LandslideDatabase.query` takes them.

    Raises:
        DatabaseError: the box or the dates have another form.
    """
    return {
        "bbox": _box(bbox) if bbox else None,
        "region": region,
        "dates": _days(dates) if dates else None,
        "min_area": min_area,
        "status": status.split(",") if status else (),
        "where": where,
    }


def _box(text: str) -> tuple[float, float, float, float]:
    """Read `west,south,east,north` in degrees."""
    try:
        west, south, east, north = (float(side) for side in text.split(","))
    except ValueError:
        raise DatabaseError(f"--bbox {text}: not of the form west,south,east,north; correct it") from None
    return west, south, east, north


def _days(text: str) -> tuple[date | None, date | None]:
    """Read `FIRST/LAST`, of which one may be empty, or a single day."""
    first, slash, last = text.partition("/")
    try:
        days = [date.fromisoformat(day) if day else None for day in (first, last if slash else first)]
    except ValueError:
        raise DatabaseError(f"--dates {text}: not of the form 2024-05-01/2024-05-31; correct it") from None
    return days[0], days[1]
