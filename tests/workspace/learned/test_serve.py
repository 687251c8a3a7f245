"""The review page served from Python."""

import asyncio
import json
import os
import signal
import threading
import urllib.request

import pytest

from tsmu.errors import ReviewError
from tsmu.workspace import Display, Workspace


class Addresses(Display):
    """Calls a function with the address of a server as soon as it is displayed."""

    def __init__(self) -> None:
        self.answers: list[dict[str, object]] = []
        self.thread: threading.Thread | None = None

    def message(self, text: str) -> None:
        if text.startswith("http"):
            self.thread = threading.Thread(target=self.ask, args=(text.split()[0],))
            self.thread.start()

    def ask(self, address: str) -> None:
        """Ask for the landslides, then interrupt as a person does."""
        try:
            with urllib.request.urlopen(f"{address}api/landslides", timeout=30) as response:
                self.answers.append(json.load(response))
        finally:
            os.kill(os.getpid(), signal.SIGINT)


def test_others_are_not_let_in_without_tokens(work: Workspace) -> None:
    with pytest.raises(ReviewError, match="`token_file=FILE`"):
        work.serve(host="0.0.0.0")
    with pytest.raises(ReviewError, match="no such file"):
        work.serve(dem="gone.tif")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("in_notebook", [False, True])
def test_the_page_is_served_until_interrupted(work: Workspace, in_notebook: bool) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # background shells have their children ignore it
    display = Addresses()
    work = Workspace(work.folder, display=display)
    if in_notebook:

        async def cell() -> None:
            signal.signal(signal.SIGINT, signal.default_int_handler)  # as notebooks have it while a cell runs
            work.serve(port=0)

        asyncio.run(cell())
    else:
        work.serve(port=0)
    assert display.thread is not None
    display.thread.join(30)
    assert len(display.answers) == 1
