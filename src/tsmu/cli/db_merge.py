"""`tsmu db merge`, `tsmu db proposals`: observations become landslides, and what a person has to decide there."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from tsmu.cli.command import Answer, JsonOption, WorkspaceOption, command, finite
from tsmu.cli.db import DatabaseOption, as_text, opened, show
from tsmu.errors import DatabaseError

if TYPE_CHECKING:
    from tsmu.database import Database

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
    with command("db merge", as_json) as answer:
        if merging and not undo:
            raise DatabaseError("--merging says which merging to undo; give --undo too")
        with opened(database, workspace, answer) as records:
            if undo:
                _undo(records, by, merging, answer)
                return
            from tsmu.database import merge as do

            done = do(records, by=by, near=near)
        answer.records = done.landslides
        answer.more |= asdict(done)
        answer.say(
            f"{done.observations} observations show {done.landslides} landslides, {done.with_event} of known events"
        )
        if done.merging_id is None:
            answer.say("all was merged already")
            return
        answer.say(f"{done.made} made, {done.changed} changed, {done.merged} merged into others")
        answer.say(f"undo it with: tsmu db merge --undo --merging {done.merging_id}")
        if done.proposed:
            answer.say(f"{done.proposed} proposed where a person decided: tsmu db proposals")


def _undo(records: "Database", by: str, merging: str | None, answer: Answer) -> None:
    from tsmu.database import undo_merge

    undone = undo_merge(records, by=by, merging_id=merging)
    answer.records, answer.left_out = undone.landslides, undone.left
    answer.more |= asdict(undone)
    answer.say(f"merging {undone.merging_id} undone: {undone.landslides} landslides are as before")
    if undone.left:
        answer.say(f"{undone.left} stay as they are: they, or what they were merged with, were changed since")


def proposals(
    accept: Annotated[str | None, typer.Option(metavar="ID", help="Do what this proposal says.")] = None,
    decline: Annotated[str | None, typer.Option(metavar="ID", help="Leave things as they are.")] = None,
    by: ByOption = None,
    why: Annotated[str | None, typer.Option(help="For what reason.")] = None,
    database: DatabaseOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what is proposed for landslides that a person decided on, or accept or decline it."""
    with command("db proposals", as_json) as answer, opened(database, workspace, answer) as records:
        from tsmu import database as db

        if accept and decline:
            raise DatabaseError("--accept and --decline: give one of them")
        proposal = accept or decline
        if proposal:
            do = db.accept if accept else db.decline
            landslide = do(records, proposal, by=by or "", why=why or "")
            answer.records = 1
            answer.more |= {"id": proposal, "landslide": landslide, "accepted": bool(accept)}
            answer.say(f"{'accepted' if accept else 'declined'} for {landslide}")
            return
        found = db.proposals(records)
        answer.records = len(found)
        answer.more["proposals"] = as_text(found).to_dict("records")
        answer.say(f"{len(found)} proposals wait for an answer")
        show(answer, found, ["id", "landslide_id", "from_landslide", "why"])
