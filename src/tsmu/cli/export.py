"""The commands `tsmu export ...`, which write the workspace's image pairs for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from tsmu.cli.command import JsonOption, WorkspaceOption, console

app = typer.Typer(help="Out of the workspace, for other programs.", no_args_is_help=True)


@app.command("labelme")
def labelme(
    out: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the pictures and their JSON files.")],
    predictions: Annotated[
        bool, typer.Option("--predictions", help="Draw what the model finds on pairs without a label.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the pairs' post images and labels for labelme; corrected, `tsmu import labels DIR` takes them back.

    A JSON file that is there already stays as it is: it may hold somebody's work.
    """
    with console("export labelme", as_json) as terminal:
        terminal.workspace(workspace).export_labelme(out, predictions=predictions)


@app.command("pictures")
def pictures(
    out: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for one PNG per pair.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a picture of each pair to look at: before, after, and the label outlined."""
    with console("export pictures", as_json) as terminal:
        terminal.workspace(workspace).export_pictures(out)
