"""The verb that serves the review page, on which people look at landslides in the browser and decide on them."""

import asyncio
import getpass
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tsmu.errors import ReviewError
from tsmu.wording import counted
from tsmu.workspace.base import WorkspaceBase, user_path
from tsmu.workspace.ranges import check_range
from tsmu.workspace.report import Report

if TYPE_CHECKING:
    import uvicorn

LOOPBACK = ("localhost", "127.0.0.1", "::1")  # hosts that only this machine can reach


class ServeVerbs(WorkspaceBase):
    """The verb of a workspace that serves the review page."""

    def serve(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 8000,
        write: bool = False,
        token_file: Path | str | None = None,
        dem: Path | str | None = None,
        basemap: str | None = None,
        basemap_credit: str = "",
        reviewer: str | None = None,
        blind: bool = False,
        judges: int = 2,
    ) -> Report:
        """Serve the review page, with images before and after the landslides, until the call is interrupted.

        The page loads nothing from other sites but the tiles of a base map, if there is one.

        In a notebook, interrupt the kernel to end the server. The message with the address is shown before that.

        Args:
            host: the host name or address on which the server listens; if other machines can reach it, `token_file` is
                needed.
            port: the port; 0 takes a free one.
            write: accept decisions; otherwise everything is read-only.
            token_file: lines `NAME viewer|reviewer|adjudicator TOKEN`, readable by the user alone.
            dem: a file of elevations in metres, for a hillshade.
            basemap: URL of tiles below the images, with {z}, {x} and {y}, or for a WMS {bbox-epsg-3857}.
            basemap_credit: the source of the base map, which is shown on the map.
            reviewer: the name on decisions if there are no tokens; by default the user's name.
            blind: make the review blind: several people judge each landslide, and see what others decided only after
                deciding themselves. Without tokens, the server is then for one person, the reviewer.
            judges: number of people who judge each landslide in a blind review. If it is lower than before, landslides
                on which enough people have agreed already are settled when the server starts.

        Returns:
            The report, once the server has ended; `outputs["address"]` was its address.

        Raises:
            ReviewError: other machines could reach the server without a token, a file is missing, the base map is no
                URL, the port is taken, or the review is blind and read-only.
            DatabaseError: the database cannot be opened.
            ImageError: the file of elevations cannot be read, or has no elevations.
        """
        from tsmu.server import BaseMap, TokenFile

        report = self._begin(Report("serve"))
        check_range("port", port, ReviewError, 0, 65_535, whole=True)
        check_range("judges", judges, ReviewError, 2, whole=True)
        if blind and not write:
            raise ReviewError("--blind: people judge in a blind review; give --write, too")
        if host not in LOOPBACK and token_file is None:
            raise ReviewError(f"--host {host}: others could reach it; give --token-file FILE, or leave --host out")
        elevations = user_path(dem) if dem else None
        if elevations and not elevations.is_file():
            raise ReviewError(f"--dem {dem}: no such file; check the path")
        if elevations:
            from tsmu.imagery import check_dem

            check_dem(elevations)
        base_map = BaseMap(basemap, basemap_credit) if basemap else None
        tokens = TokenFile.read(user_path(token_file)) if token_file else None
        import uvicorn

        from tsmu.database import open_database, settle_agreed
        from tsmu.server import PAGE_FOLDER, PAGE_NOT_BUILT, ServerContext, make_app

        with open_database(self.folder.database) as database:
            settled = settle_agreed(database, judges) if blind else 0
            hosts = ServerContext.hosts if host in LOOPBACK else frozenset[str]()
            context = ServerContext(
                database,
                self.folder,
                write,
                tokens,
                hosts,
                elevations,
                reviewer or getpass.getuser(),
                base_map,
                judges if blind else None,
            )
            with _listen(host, port) as listening, database.keep_in_file():
                address = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}/"
                report.outputs["address"] = address
                report.say(f"{address}  ({'decisions are taken' if write else 'read-only; --write to decide'})")
                if settled:
                    report.say(f"{counted(settled, 'landslide')} settled: {judges} or more people had agreed on each")
                if not (PAGE_FOLDER / "index.html").is_file():
                    report.say(PAGE_NOT_BUILT)
                config = uvicorn.Config(make_app(context), log_level="warning", access_log=False, server_header=False)
                _run_until_interrupted(_server(config, context.stopping), listening)
        return report


def _listen(host: str, port: int) -> socket.socket:
    """Open a socket that listens, so that a browser can connect as soon as the address is shown.

    Raises:
        ReviewError: this machine has no such host name or address, or the port is taken.
    """
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen()
    except OSError as error:
        listening.close()
        reason = (error.strerror or str(error)).lower()
        raise ReviewError(f"{host}, port {port}: {reason}; give another --port, or 0 for a free one") from None
    return listening


def _server(config: "uvicorn.Config", stopping: threading.Event) -> "uvicorn.Server":
    """Make a uvicorn server that sets `stopping` when it shuts down.

    This ends the endless streams of events. Without it, the server would wait for them.
    """
    import uvicorn

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            stopping.set()
            await super().shutdown(sockets)

    return Server(config)


def _run_until_interrupted(server: "uvicorn.Server", listening: socket.socket) -> None:
    """Run a server until it is interrupted.

    If an event loop is running already, as in notebooks, the server runs in a thread of its own.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        with suppress(KeyboardInterrupt):  # this is how a user ends the server
            server.run(sockets=[listening])
        return
    ended = threading.Event()  # used instead of Thread.join, which cannot be called again after an interruption

    def run() -> None:
        try:
            server.run(sockets=[listening])
        finally:
            ended.set()

    threading.Thread(target=run).start()
    try:
        ended.wait()
    except KeyboardInterrupt:
        server.should_exit = True
        ended.wait()
