"""A `tsmu` that starts at once: a server with everything loaded forks a process for each command.

Loading torch, GDAL and pandas takes longer than all that these tests ask of a command. `ForkingTsmu` writes a program
`tsmu` that hands its arguments, folder, environment and streams to the server; the forked process runs the command line
as it is, and the program ends with its exit code. SIGINT goes to the command.
"""

import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import Self

CLIENT = """#!{python} -SE
import json, os, signal, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
request = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
socket.send_fds(server, [len(request).to_bytes(4, "big")], [0, 1, 2])
server.sendall(request)
replies = server.makefile("r")
pid = int(replies.readline())
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda received, _: os.kill(pid, received))
sys.exit(int(replies.readline() or 1))
"""
POLL_S = 0.02
LOADED = (
    "tsmu.cli", "torch", "pandas", "geopandas", "rasterio", "sqlalchemy.dialects.sqlite", "uvicorn", "fastapi",
    "pystac_client", "odc.stac", "scipy.stats", "scipy.ndimage", "matplotlib.figure", "tsmu.update.training.fabric",
    "timm", "segmentation_models_pytorch", "torchvision.transforms.v2", "alembic.migration", "pyogrio",
)  # fmt: skip


class ForkingTsmu:
    """The server, for as long as the context lasts.

    Args:
        folder: for the program and the server's socket.
    """

    def __init__(self, folder: Path) -> None:
        self.program = folder / "tsmu"
        self._address = str(folder / "socket")
        self._folder = folder

    def __enter__(self) -> Self:
        self.program.write_text(CLIENT.format(python="/usr/bin/python3", address=self._address))
        self.program.chmod(0o755)
        command = [sys.executable, "-m", "tests.qgis.forking_tsmu", self._address]
        self._server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._server.stdout is not None
        assert self._server.stdout.readline() == "ready\n"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.terminate()
        self._server.wait()


def serve(address: str) -> None:
    """Fork a process for each connection, for ever."""
    for name in LOADED:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(address)
    listening.listen()
    print("ready", flush=True)
    while True:
        connection, _ = listening.accept()
        if os.fork() == 0:
            listening.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _watch(connection)
        connection.close()


def _watch(connection: socket.socket) -> None:
    """Run a command in a process of its own, and tell the client how it ends; does not return."""
    length, streams, _, _ = socket.recv_fds(connection, 4, 3)
    words, folder, environment = json.loads(_read(connection, int.from_bytes(length, "big")))
    pid = os.fork()
    if pid == 0:
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        os._exit(_run(words, folder, environment))
    for stream in streams:
        os.close(stream)
    connection.sendall(f"{pid}\n".encode())
    while (ended := os.waitpid(pid, os.WNOHANG)) == (0, 0):
        if select.select([connection], [], [], POLL_S)[0] and not connection.recv(1):  # the client was killed
            os.kill(pid, signal.SIGKILL)
            os._exit(1)
    connection.sendall(f"{os.waitstatus_to_exitcode(ended[1])}\n".encode())
    os._exit(0)


def _read(connection: socket.socket, length: int) -> bytes:
    content = b""
    while len(content) < length:
        content += connection.recv(length - len(content))
    return content


def _run(words: list[str], folder: str, environment: dict[str, str]) -> int:
    """Run the command line; returns its exit code."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["tsmu", *words]
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115
    code: object = 0
    try:
        importlib.import_module("tsmu.cli").main()
    except SystemExit as end:
        code = end.code
    except Exception:  # noqa: BLE001 - as Python itself does at its end
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code if isinstance(code, int) else int(bool(code))


if __name__ == "__main__":
    serve(sys.argv[1])
