"""`tsmu labels ...`: what people found out goes back to where the model learns."""

from typing import Annotated

import typer

from tsmu.cli.command import JsonOption, WorkspaceOption, command, find_workspace, finite

app = typer.Typer(help="Labels out of what was reviewed.", no_args_is_help=True)


@app.callback()
def labels() -> None:
    """Keep `labels` a group while it has one command."""


@app.command("from-review")
def from_review(
    around: Annotated[
        float,
        typer.Option(
            min=0,
            max=1e6,
            callback=finite,
            metavar="METRES",
            help="How far around a decided outline the ground is known, too.",
        ),
    ] = 50.0,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make pairs and labels of the reviewed scenes; what nobody looked at is unknown in them."""
    with command("labels from-review", as_json) as answer:
        space = find_workspace(workspace)
        from tsmu.database import open_database, scene_evidence
        from tsmu.errors import LabelError
        from tsmu.issues import IssueLog
        from tsmu.labels import label_reviewed_scenes

        with open_database(space.database) as records:
            found = list(scene_evidence(records))
        if not found:
            raise LabelError(f"{space.database}: nobody has decided on anything yet; decide with: tsmu serve --write")
        log = IssueLog(space.root, part="review")
        with space.lock("tsmu labels from-review"):
            try:
                made = label_reviewed_scenes(space, found, log, around_m=around)
            finally:
                answer.take_issues(log, space.issues)
        answer.records = len(made.table)
        answer.outputs["labels"] = str(space.labels)
        answer.more = {
            "confirmed": sum(len(seen.landslides) for seen in made.evidence),
            "rejected": sum(len(seen.rejected) for seen in made.evidence),
            "undecided": sum(len(seen.undecided) for seen in made.evidence),
            "looked_at": sum(len(seen.mapped_areas) for seen in made.evidence),
            "regions": sorted({seen.region for seen in made.evidence if seen.region}),
        }
        answer.say(
            f"{len(made.table)} reviewed scenes labelled: {answer.more['confirmed']} landslides, "
            f"{answer.more['rejected']} rejected ones as background, {answer.more['undecided']} undecided as unknown"
        )
        answer.say("next: tsmu chips build, then tsmu update REGION")
