"""`tsmu regions ...`: the ecoregion map."""

from pathlib import Path
from typing import Annotated

import typer

from tsmu.cli.command import JsonOption, StrictOption, WorkspaceOption, command, find_workspace

app = typer.Typer(help="The ecoregion map of the workspace.", no_args_is_help=True)


@app.callback()
def regions() -> None:
    """Keep `regions` a group while it has one command."""
