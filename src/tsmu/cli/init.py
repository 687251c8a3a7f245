"""The command `tsmu init`, which makes a folder a workspace."""

from pathlib import Path
from typing import Annotated

import typer

from tsmu.cli.command import JsonOption, console


def init(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="The folder; it may exist.")] = Path(),
    as_json: JsonOption = False,
) -> None:
    """Make a folder a workspace; one that already is stays as it is."""
    with console("init", as_json) as terminal:
        from tsmu.workspace import Workspace

        Workspace.init(folder, display=terminal)
