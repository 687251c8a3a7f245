"""A review server as users start it, in a process of its own, and requests to it."""

import json
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from tests.processes import LONGEST_S, start_tsmu
from tsmu.workspace_folder import WorkspaceFolder


def log_of(survey: WorkspaceFolder) -> Path:
    """Where the last server on a workspace writes its messages."""
    return survey.root / "serve.log"


@contextmanager
def serving(survey: WorkspaceFolder, *options: str) -> Iterator[tuple[str, BaseProcess]]:
    """A running server: its address and its process."""
    log = log_of(survey)
    log.unlink(missing_ok=True)  # of an earlier server
    process = start_tsmu("serve", "--port", "0", "--workspace", survey.root, *options, log=log)
    try:
        yield _address(process, log), process
    finally:
        process.terminate()
        process.join(30)


def _address(process: BaseProcess, log: Path) -> str:
    """Wait until a server answers; it writes its address first."""
    until = time.monotonic() + LONGEST_S
    while True:
        first, end, _ = log.read_text().partition("\n") if log.exists() else ("", "", "")
        if end and first.startswith("http://"):
            return first.split()[0].rstrip("/")
        assert process.is_alive() and time.monotonic() < until, first
        time.sleep(0.02)


def ask(address: str, body: dict[str, Any] | None = None) -> Any:
    """Get, or post what is given."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"X-Tsmu": "1"} | ({"Content-Type": "application/json"} if data else {})
    with urllib.request.urlopen(urllib.request.Request(address, data, headers), timeout=60) as answer:
        return json.loads(answer.read())
