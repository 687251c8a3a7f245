"""Processes that tests start and kill, as a power cut would."""

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

LONGEST_S = 120  # that a process may take until it is ready, on a slow machine


def kill_when_ready(script: str, ready: Path, words: Sequence[str]) -> None:
    """Run a Python script in a process of its own, and kill it (SIGKILL) as soon as it has made a file.

    Args:
        script: what it runs; it must not end by itself before the file is there.
        ready: the file.
        words: its arguments, `sys.argv[1:]`.
    """
    command = [sys.executable, "-c", script, *words]
    with subprocess.Popen(command, cwd=Path(__file__).parents[1], stdout=subprocess.DEVNULL) as child:
        until = time.monotonic() + LONGEST_S
        while not ready.exists():
            assert child.poll() is None, "the process ended by itself"
            assert time.monotonic() < until
            time.sleep(0.02)
        child.send_signal(signal.SIGKILL)
        child.wait()
