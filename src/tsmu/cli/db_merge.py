"""The commands `tsmu db merge` and `tsmu db proposals`: merge observations into landslides, and answer proposals."""

from typing import Annotated

import typer

from tsmu.cli.command import JsonOption, WorkspaceOption, console, finite
from tsmu.cli.db import DatabaseOption
from tsmu.errors import DatabaseError

ByOption = Annotated[str | None, typer.Option(help="Who decides.")]


def merge(
    near: Annotated[
        float, typer.Option(min=0, callback=finite, metavar="M", help="How far from an outline an event counts.")
    ] = 500.0,
    undo: Annotated[
        bool, typer.Option("--undo", help="Undo the last merging that stands, or the one of --merging.")
    ] = False,
    merging: Annotated[str | None, typer.Option(metavar="ID", help="Which merging to undo.")] = None,
    by: Annotated[str, typer.Option(help="Who asks for it.")] = "tsmu db merge",
    database: DatabaseOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make landslides of observations that show the same one; what a person decided is only proposed to.

    Again, it changes nothing; the order of import decides nothing. Exit code 3 where undoing had to leave
    landslides that were changed since.
    """
    with console("db merge", as_json) as terminal:
        if merging and not undo:
            raise DatabaseError("--merging says which merging to undo; give --undo too")
        records = terminal.database(database, workspace)
        if undo:
            records.undo_merge(merging, by=by)
        else:
            records.merge(near=near, by=by)


def proposals(
    accept: Annotated[str | None, typer.Option(metavar="ID", help="Do what this proposal says.")] = None,
    decline: Annotated[str | None, typer.Option(metavar="ID", help="Leave things as they are.")] = None,
    accept_as_new: Annotated[
        str | None, typer.Option(metavar="ID", help="Confirm what it shows as a landslide of its own.")
    ] = None,
    by: ByOption = None,
    why: Annotated[str | None, typer.Option(help="For what reason.")] = None,
    database: DatabaseOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what is proposed for landslides that a person decided on, or answer a proposal."""
    with console("db proposals", as_json) as terminal:
        records = terminal.database(database, workspace)
        if sum(answer is not None for answer in (accept, decline, accept_as_new)) > 1:
            raise DatabaseError("--accept, --decline and --accept-as-new: give one of them")
        if accept:
            records.accept(accept, by=by or "", why=why or "")
        elif decline:
            records.decline(decline, by=by or "", why=why or "")
        elif accept_as_new:
            records.accept_as_new(accept_as_new, by=by or "", why=why or "")
        else:
            waiting = records.proposals()
            terminal.add_table("proposals", waiting)
            terminal.print_table(waiting, ["id", "landslide_id", "from_landslide", "why"])
