"""`tsmu serve`: the review server."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from tsmu.cli.command import JsonOption, WorkspaceOption, command, find_workspace

LOOPBACK = ("localhost", "127.0.0.1", "::1")


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
    with command("serve", as_json) as answer:
        space = find_workspace(workspace)
        from tsmu.errors import ReviewError
        from tsmu.server import TokenFile

        if host not in LOOPBACK and token_file is None:
            raise ReviewError(f"--host {host}: others could reach it; give --token-file FILE, or leave --host out")
        if dem and not dem.is_file():
            raise ReviewError(f"--dem {dem}: no such file; check the path")
        tokens = TokenFile.read(token_file) if token_file else None
        import getpass
        import logging
        import socket

        import uvicorn

        from tsmu.database import open_database
        from tsmu.server import PAGE_FOLDER, PAGE_NOT_BUILT, ServerContext, make_app

        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
        with open_database(space.database) as records:
            hosts = ServerContext.hosts if host in LOOPBACK else frozenset[str]()
            context = ServerContext(records, space, write, tokens, hosts, dem, reviewer or getpass.getuser())
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            with socket.socket(family) as listening:
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listening.bind((host, port))
                listening.listen()  # from here on nobody who reads the address is turned away
                address = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}/"
                answer.outputs["address"] = address
                answer.say(f"{address}  ({'decisions are taken' if write else 'read-only; --write to decide'})")
                if not (PAGE_FOLDER / "index.html").is_file():
                    answer.say(PAGE_NOT_BUILT)
                config = uvicorn.Config(make_app(context), log_level="warning", access_log=False, server_header=False)
                with suppress(KeyboardInterrupt):  # how a server is ended
                    uvicorn.Server(config).run(sockets=[listening])
