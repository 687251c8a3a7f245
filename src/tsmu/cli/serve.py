"""`tsmu serve`: the review server."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from tsmu.cli.command import JsonOption, WorkspaceOption, console


def serve(
    host: Annotated[
        str, typer.Option(help="Where to listen; beyond this machine only with --token-file.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    write: Annotated[bool, typer.Option("--write", help="Take decisions; without it everything is read-only.")] = False,
    token_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Lines NAME viewer|reviewer TOKEN, readable by you alone.")
    ] = None,
    dem: Annotated[Path | None, typer.Option(metavar="FILE", help="Elevations in metres, for a hillshade.")] = None,
    reviewer: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who decides, where there are no tokens.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look at the landslides before and after in the browser, and decide; nothing is loaded from elsewhere."""
    with console("serve", as_json) as terminal:
        logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")  # of libraries warnings alone
        logging.getLogger("tsmu").setLevel(logging.INFO)
        terminal.workspace(workspace).serve(
            host=host, port=port, write=write, token_file=token_file, dem=dem, reviewer=reviewer
        )
