"""The command `tsmu serve`, which starts the review server.

A program that starts the server as a child process, as the plugin for QGIS does, sets `TSMU_END_WITH_INPUT=1` and keeps
the server's standard input open. When the program closes it, or ends, the server ends as after Ctrl+C, on every system.
"""

import _thread
import logging
import os
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from tsmu.cli.command import JsonOption, WorkspaceOption, console

END_VARIABLE = "TSMU_END_WITH_INPUT"  # environment variable; if set, the server ends with its standard input


def serve(
    host: Annotated[
        str, typer.Option(help="Where to listen; beyond this machine only with --token-file.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    write: Annotated[bool, typer.Option("--write", help="Take decisions; without it everything is read-only.")] = False,
    token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Lines NAME viewer|reviewer|adjudicator TOKEN, readable by you alone."),
    ] = None,
    dem: Annotated[Path | None, typer.Option(metavar="FILE", help="Elevations in metres, for a hillshade.")] = None,
    basemap: Annotated[
        str | None, typer.Option(metavar="URL", help="Tiles below the images: https://HOST/{z}/{x}/{y}.png, or a WMS.")
    ] = None,
    basemap_credit: Annotated[str, typer.Option(metavar="TEXT", help="Whom the base map is by, to show.")] = "",
    reviewer: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who decides, where there are no tokens.")
    ] = None,
    blind: Annotated[
        bool, typer.Option("--blind", help="Nobody sees what others decide on a landslide before deciding on it.")
    ] = False,
    judges: Annotated[int, typer.Option(min=2, help="How many people judge each landslide with --blind.")] = 2,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look at the landslides before and after in the browser, and decide; only --basemap is loaded from elsewhere."""
    with console("serve", as_json) as terminal:
        if os.environ.get(END_VARIABLE):
            threading.Thread(target=_interrupt_when_input_ends, daemon=True).start()
        logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")  # from libraries, only warnings are logged
        logging.getLogger("tsmu").setLevel(logging.INFO)
        terminal.workspace(workspace).serve(
            host=host,
            port=port,
            write=write,
            token_file=token_file,
            dem=dem,
            basemap=basemap,
            basemap_credit=basemap_credit,
            reviewer=reviewer,
            blind=blind,
            judges=judges,
        )


def _interrupt_when_input_ends() -> None:
    """Wait until the standard input ends, and then interrupt the main thread as Ctrl+C does."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    _thread.interrupt_main()
