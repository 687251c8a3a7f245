"""`tsmu init`."""

from pathlib import Path
from typing import Annotated

import typer

from tsmu.cli.command import JsonOption, command


def init(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="The folder; it may exist.")] = Path(),
    as_json: JsonOption = False,
) -> None:
    """Make a folder a workspace; one that already is stays as it is."""
    with command("init", as_json) as answer:
        from tsmu.workspace_folder import WorkspaceFolder

        workspace = WorkspaceFolder.create(folder)
        answer.records = 1
        answer.outputs["workspace"] = str(workspace.root)
        answer.say(
            f"Workspace {workspace.root}; next, in that folder: tsmu import pairs DIR --region NAME, "
            "or of ready-made chips: tsmu import chips DIR --region NAME"
        )
