"""Processes that tests start and kill, as a power cut would.

They are forked from one process that has loaded the libraries and done nothing else (Python's forkserver): loading
torch and its companions anew takes ten processor seconds and more, which is longer than most tests need. Whether
commands start on their own is tested elsewhere, by `python -m tsmu` and by scripts of their own.
"""

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import chdir
from multiprocessing.process import BaseProcess
from pathlib import Path

ROOT = Path(__file__).parents[1]
LONGEST_S = 120  # that a process may take until it is ready, on a slow machine
FORKED = multiprocessing.get_context("forkserver")
"""Makes processes that have loaded the libraries, and have neither opened a database nor trained a network."""
FORKED.set_forkserver_preload(["tests.preloaded"])


def start_script(script: str, words: Sequence[object] = (), *, log: Path | None = None) -> BaseProcess:
    """Start a Python script in a process of its own, in the present folder and with the present environment.

    Args:
        script: its text.
        words: its arguments, `sys.argv[1:]`.
        log: takes what it writes; None: nothing does.
    """
    given = (script, [str(word) for word in words], Path.cwd(), dict(os.environ), log or Path(os.devnull))
    process = FORKED.Process(target=_run_script, args=given)
    with chdir(ROOT):  # where the server, if this is its first process, finds what it loads
        process.start()
    return process


def _run_script(script: str, words: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path) -> None:
    assert "tests.preloaded" in sys.modules, "the libraries were not loaded before"
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for standard in (1, 2):
        os.dup2(output, standard)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["script", *words]
    exec(compile(script, "<script>", "exec"), {"__name__": "__main__"})


def start_tsmu(*words: object, log: Path | None = None) -> BaseProcess:
    """Start a command of tsmu in a process of its own, such as `start_tsmu("map", post, "--workspace", survey)`."""
    return start_script("import tsmu.cli; tsmu.cli.main()", words, log=log)


def kill(process: BaseProcess) -> None:
    """Kill a process (SIGKILL) and wait for its end."""
    process.kill()
    process.join()


def interrupt(process: BaseProcess) -> int | None:
    """Interrupt a process as Ctrl-C does, and give its exit code; None where it has not ended after half a minute."""
    assert process.pid is not None
    os.kill(process.pid, signal.SIGINT)
    process.join(30)
    return process.exitcode


def kill_when_ready(script: str, ready: Path, words: Sequence[object]) -> None:
    """Run a Python script in a process of its own, and kill it (SIGKILL) as soon as it has made a file.

    Args:
        script: what it runs; it must not end by itself before the file is there.
        ready: the file.
        words: its arguments, `sys.argv[1:]`.
    """
    log = ready.with_name(f"{ready.name}.log")
    process = start_script(script, words, log=log)
    wait_for(ready, process, log)
    kill(process)


def wait_for(file: Path, process: BaseProcess, log: Path) -> None:
    """Wait until a process has made a file; what it wrote is shown where it ends before."""
    until = time.monotonic() + LONGEST_S
    while not file.exists():
        assert process.is_alive(), f"the process ended by itself: {log.read_text()}"
        assert time.monotonic() < until
        time.sleep(0.02)
