"""`tsmu db ...`: the landslide database."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tsmu.cli.command import Answer, JsonOption, WorkspaceOption, command, find_workspace, finite
from tsmu.errors import DatabaseError

if TYPE_CHECKING:
    import pandas as pd

    from tsmu.database import Database, Filters

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
    typer.Option("--where", metavar="EXPRESSION", help="Such as: \"trigger = 'rainfall' and area_m2 > 1e4\"."),
]
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The landslide's id.")]
SHOWN = 20


@app.command("info")
def info(database: DatabaseOption = None, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Tell what the database holds."""
    with command("db info", as_json) as answer, opened(database, workspace, answer) as records:
        from tsmu.database import info as ask

        answer.more |= ask(records)
        answer.records = answer.more["rows"]["landslide"]
        answer.say(f"{answer.more['backend']} {records.name}, schema {answer.more['schema']}")
        for name, count in (answer.more["rows"] | answer.more["status"]).items():
            answer.say(f"{name:18} {count:>10}")


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
    with command("db query", as_json) as answer, opened(database, workspace, answer) as records:
        import json

        from tsmu.database import query as ask

        found = ask(records, filters(bbox, region, dates, min_area, status, where))
        answer.records = len(found)
        if as_json:
            answer.more["landslides"] = json.loads(as_text(found).to_json(drop_id=True))
        answer.say(f"{len(found)} landslides, {found['area_m2'].sum() / 1e6:.3f} km2")
        show(answer, found, ["id", "status", "region", "date_min", "date_max", "area_m2"])


@app.command("history")
def history(
    landslide_id: IdArgument,
    database: DatabaseOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell what was believed of a landslide, version by version, by whom and why; and its reviews."""
    with command("db history", as_json) as answer, opened(database, workspace, answer) as records:
        import json

        from tsmu.database import history as ask
        from tsmu.database import reviews

        versions, entries = ask(records, landslide_id), reviews(records, landslide_id)
        answer.records = len(versions)
        if as_json:
            answer.more["versions"] = json.loads(as_text(versions).to_json(drop_id=True))
            answer.more["reviews"] = as_text(entries).to_dict("records")
        show(answer, versions, ["version", "status", "area_m2", "changed_by", "changed_at", "change_reason"])
        show(answer, entries, ["decision", "status_after", "by", "at", "why"])


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
    with command("db review", as_json) as answer, opened(database, workspace, answer) as records:
        from tsmu.database import review as decide

        version = decide(records, landslide_id, status=status, by=by, why=why)
        answer.records = 1
        answer.more |= {"id": landslide_id, "version": version, "status": status}
        answer.say(f"{landslide_id} is {status}, version {version}")


@app.command("copy")
def copy(
    source: Annotated[str, typer.Argument(metavar="SRC", help="A GeoPackage or an address.")],
    target: Annotated[str, typer.Argument(metavar="DST", help="A new file, or the address of an empty database.")],
    as_json: JsonOption = False,
) -> None:
    """Copy a whole database into a new one, of the same kind or the other."""
    with command("db copy", as_json) as answer, opened(source, None, answer) as records:
        from tsmu.database import copy as copy_all

        rows = copy_all(records, _place(target))
        answer.records = sum(rows.values())
        answer.more["rows"] = rows
        if "://" not in target:
            answer.outputs["database"] = target
        answer.say(f"{answer.records} rows copied, {rows['landslide']} landslides among them")


@app.command("backup")
def backup(
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="A new file; by default named by the time.")] = None,
    database: DatabaseOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Save the database as it is at this moment, while others may write."""
    with command("db backup", as_json) as answer, opened(database, workspace, answer) as records:
        from tsmu.database import backup as save

        saved = save(records, to=out)
        answer.records = 1
        answer.outputs["backup"] = str(saved)
        answer.say(str(saved))


@app.command("check")
def check(
    repair: Annotated[bool, typer.Option("--repair", help="Put right what can be without losing anything.")] = False,
    database: DatabaseOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check every rule that the schema cannot say; exit code 3 where something is wrong and not repaired."""
    with command("db check", as_json) as answer, opened(database, workspace, answer) as records:
        from tsmu.database import check as find

        found = find(records, repair=repair)
        answer.records = len(found)
        answer.left_out = int((~found["repaired"].astype(bool)).sum())
        answer.more["findings"] = found.to_dict("records")
        answer.say(f"{len(found)} findings, {len(found) - answer.left_out} repaired" if len(found) else "all is well")
        show(answer, found, list(found.columns))


@contextmanager
def opened(target: str | None, workspace: Path | None, answer: Answer, *, create: bool = False) -> "Iterator[Database]":
    """The database that was named, or the workspace's; tells when it had to be upgraded."""
    from tsmu.database import open_database

    with open_database(_place(target) if target else find_workspace(workspace).database, create=create) as records:
        if records.backup:
            answer.outputs["backup"] = str(records.backup)
            answer.say(f"upgraded from an older schema; as it was: {records.backup}")
        yield records


def _place(target: str) -> Path | str:
    return target if "://" in target else Path(target)


def filters(
    bbox: str | None,
    region: str | None,
    dates: str | None,
    min_area: float | None,
    status: str | None,
    where: str | None,
) -> "Filters":
    """The conditions that the options mean."""
    from tsmu.database import Filters

    return Filters(
        bbox=_box(bbox) if bbox else None,
        region=region,
        dates=_days(dates) if dates else None,
        min_area=min_area,
        status=status.split(",") if status else (),
        where=where,
    )


def _box(text: str) -> tuple[float, float, float, float]:
    try:
        west, south, east, north = (float(side) for side in text.split(","))
    except ValueError:
        raise DatabaseError(f"--bbox {text}: not of the form west,south,east,north; correct it") from None
    return west, south, east, north


def _days(text: str) -> tuple[date | None, date | None]:
    first, slash, last = text.partition("/")
    try:
        days = [date.fromisoformat(day) if day else None for day in (first, last if slash else first)]
    except ValueError:
        raise DatabaseError(f"--dates {text}: not of the form 2024-05-01/2024-05-31; correct it") from None
    return days[0], days[1]


def as_text(table: "pd.DataFrame") -> Any:
    """Days and moments as ISO 8601, missing values as null."""
    table = table.copy()
    for name in table.columns.drop("geometry", errors="ignore"):
        if table[name].dtype.kind == "M":
            moments = table[name].dt.tz is not None if hasattr(table[name].dt, "tz") else False
            table[name] = table[name].dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ" if moments else "%Y-%m-%d")
        table[name] = table[name].astype(object).where(table[name].notna(), None)
    return table


def show(answer: Answer, table: "pd.DataFrame", columns: list[str]) -> None:
    """Print the first rows of a table for people."""
    if len(table) and not answer.as_json:
        answer.say(as_text(table[columns].head(SHOWN)).to_string(index=False, na_rep=""))
        if len(table) > SHOWN:
            answer.say(f"... and {len(table) - SHOWN} more")
