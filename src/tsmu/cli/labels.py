"""The command `tsmu labels from-review`, which makes labels for training from reviewed landslides."""

from typing import Annotated

import typer

from tsmu.cli.command import JsonOption, WorkspaceOption, console, finite

app = typer.Typer(help="Labels out of what was reviewed.", no_args_is_help=True)


@app.callback()
def labels() -> None:
    """Do nothing; without a callback Typer would take the only command for the whole group `labels`."""


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
    with console("labels from-review", as_json) as terminal:
        terminal.workspace(workspace).labels_from_review(around=around)
