"""The command `tsmu evaluate`, which scores all versions of the model."""

from pathlib import Path
from typing import Annotated

import typer

from tsmu.cli.command import JsonOption, WorkspaceOption, console


def evaluate(
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the report goes; by default the workspace.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score every version on every region's test chips: what was learned, and what was forgotten."""
    with console("evaluate", as_json) as terminal:
        terminal.workspace(workspace).evaluate(out)
