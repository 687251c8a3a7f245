"""The verb that serves the review page: landslides before and after in the browser, and the decisions on them."""

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

LOOPBACK = ("localhost", "127.0.0.1", "::1")


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
        """Serve the landslides before and after for the browser, until interrupted.

        Nothing is loaded from elsewhere but the tiles of a base map, if there is one.

        In a notebook, interrupt the kernel to end it; the report is displayed before, with the address.

        Args:
            host: where to listen; beyond this machine only with `token_file`.
            port: 0 takes a free one.
            write: take decisions; otherwise everything is read-only.
            token_file: lines `NAME viewer|reviewer|adjudicator TOKEN`, readable by the user alone.
            dem: a file of elevations in metres, for a hillshade.
            basemap: URL of tiles below the images, with {z}, {x} and {y}, or for a WMS {bbox-epsg-3857}.
            basemap_credit: whom the base map is by, shown on the map.
            reviewer: who decides where there are no tokens; by default the user's name.
            blind: several people judge each landslide, and see what others decide only after deciding themselves. Where
                there are no tokens the server is for one person, the reviewer.
            judges: how many people judge each landslide in a blind review. Where fewer are asked for than before, what
                enough people have agreed on is settled at the start.

        Returns:
            The report, once the server has ended; `outputs["address"]` is where it was.

        Raises:
            ReviewError: it would be open to others, a file is missing, the base map is no URL, the port is taken, or a
                blind review is to be read-only.
            DatabaseError: the database cannot be opened.
            ImageError: the elevations cannot be read, or are none.
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
        ground = BaseMap(basemap, basemap_credit) if basemap else None
        people = TokenFile.read(user_path(token_file)) if token_file else None
        import uvicorn

        from tsmu.database import open_database, settle_agreed
        from tsmu.server import PAGE_FOLDER, PAGE_NOT_BUILT, ServerContext, make_app

        with open_database(self.folder.database) as database:
            settled = settle_agreed(database, judges) if blind else 0
            hosts = ServerContext.hosts if host in LOOPBACK else frozenset[str]()
            desk = ServerContext(
                database,
                self.folder,
                write,
                people,
                hosts,
                elevations,
                reviewer or getpass.getuser(),
                ground,
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
                config = uvicorn.Config(make_app(desk), log_level="warning", access_log=False, server_header=False)
                _run_until_interrupted(_server(config, desk.stopping), listening)
        return report


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens already, so that nobody who reads the address is turned away.

    Raises:
        ReviewError: there is no such host here, or its port is taken.
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
    """A uvicorn server that closes endless streams first when it is told to stop; otherwise it would wait for them."""
    import uvicorn

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            stopping.set()
            await super().shutdown(sockets)

    return Server(config)


def _run_until_interrupted(server: "uvicorn.Server", listening: socket.socket) -> None:
    """Run a server until it is interrupted; in a thread where an event loop runs already, as in notebooks."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        with suppress(KeyboardInterrupt):  # how a server is ended
            server.run(sockets=[listening])
        return
    ended = threading.Event()  # Thread.join cannot be called again once it was interrupted

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
