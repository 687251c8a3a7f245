"""The review page served from Python."""

import json
import re
import signal
import subprocess
import sys
import urllib.request

import pytest

from tsmu.errors import ReviewError
from tsmu.workspace import Workspace

PRINTED = """
import asyncio, signal, sys
from tsmu.workspace import Display, Workspace

class Printed(Display):
    def message(self, text):
        print(text)

def serve():
    signal.signal(signal.SIGINT, signal.default_int_handler)  # children of a shell's background jobs ignore it
    Workspace(sys.argv[1], display=Printed()).serve(port=0)

async def cell():  # notebooks run their cells within an event loop
    serve()

"""
IN_A_SCRIPT = PRINTED + "serve(); print('ended')"
IN_A_NOTEBOOK = PRINTED + "asyncio.run(cell()); print('ended')"


def test_others_are_not_let_in_without_tokens(work: Workspace) -> None:
    with pytest.raises(ReviewError, match="`token_file=FILE`"):
        work.serve(host="0.0.0.0")
    with pytest.raises(ReviewError, match="no such file"):
        work.serve(dem="gone.tif")


@pytest.mark.timeout(120)
@pytest.mark.parametrize("program", [IN_A_SCRIPT, IN_A_NOTEBOOK], ids=["script", "notebook"])
def test_the_page_is_served_until_interrupted(work: Workspace, program: str) -> None:
    # In a process of its own: beside tests that drive a browser, an event loop runs in this one already.
    command = [sys.executable, "-u", "-c", program, str(work.folder.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as serving:
        assert serving.stdout is not None
        printed = next(line for line in serving.stdout if "http://" in line)
        address = re.search(r"http://\S+", printed)
        assert address
        with urllib.request.urlopen(f"{address[0]}api/landslides", timeout=30) as response:
            assert "features" in json.load(response)
        serving.send_signal(signal.SIGINT)
        rest = serving.stdout.read()
    assert serving.returncode == 0, rest
    assert rest.splitlines()[-1] == "ended"
