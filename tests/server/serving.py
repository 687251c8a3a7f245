"""A review server as users start it, in a process of its own, and requests to it."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tsmu.workspace_folder import WorkspaceFolder


@contextmanager
def serving(survey: WorkspaceFolder, *options: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """A running server: its address and its process."""
    command = [sys.executable, "-m", "tsmu", "serve", "--port", "0", "--workspace", str(survey.root), *options]
    log = (survey.root / "serve.log").open("w")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("http://"), (survey.root / "serve.log").read_text()
        yield line.split()[0].rstrip("/"), process
    finally:
        process.terminate()
        process.wait(30)
        log.close()


def ask(address: str, body: dict[str, Any] | None = None) -> Any:
    """Get, or post what is given."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"X-Tsmu": "1"} | ({"Content-Type": "application/json"} if data else {})
    with urllib.request.urlopen(urllib.request.Request(address, data, headers), timeout=60) as answer:
        return json.loads(answer.read())
