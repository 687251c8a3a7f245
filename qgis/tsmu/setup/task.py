"""Makes an environment with tsmu in it, in the background: `python -m venv`, then pip.

An earlier environment is put aside, and comes back where the new one is cancelled or fails.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from qgis.core import QgsTask
from qgis.PyQt.QtCore import pyqtSignal

from ..command.environment import child_environment, creation_flags
from ..command.program import ProgramError, script_in, version_of
from ..translation import tr

OLDEST_PYTHON = (3, 11)  # that tsmu runs on
LINES_OF_PIP = 300  # about what it says; only for the progress bar
POLL_S = 0.1
CANDIDATES = ("python3.13", "python3.12", "python3.11", "python3", "python")


class SetUpError(Exception):
    """The environment was not made; the text is one line that says what to do."""


class SetUpTask(QgsTask):
    """Makes the environment.

    Args:
        target: its folder; an earlier one is replaced.
        package: what pip installs: a requirement such as `tsmu==0.1.0`, a wheel or a folder.
        python: that makes it; empty: one that is found.
        options: more words for pip, such as `--no-index`.
    """

    said = pyqtSignal(str)  # a line of what is going on

    def __init__(self, target: Path, package: str, python: str = "", options: Sequence[str] = ()):
        super().__init__(tr("Set up tsmu"), QgsTask.Flag.CanCancel)
        self.target, self.package, self.python, self.options = target, package, python, tuple(options)
        self.error = ""
        self.version = ""

    def run(self) -> bool:
        """Make the environment; QGIS calls this in a background thread."""
        try:
            self._make()
        except (SetUpError, ProgramError, OSError) as error:
            self.error = str(error)
            return False
        return True

    def _make(self) -> None:
        """Make the environment in its final folder, whose path its scripts hold; keep an earlier one until it works."""
        old = self.target.with_name(f"{self.target.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        self.target.parent.mkdir(parents=True, exist_ok=True)
        if self.target.exists():
            self.target.rename(old)
        try:
            self._run([self.python or find_python(), "-m", "venv", str(self.target)], 0, 10)
            inside = str(script_in(self.target, "python"))
            self._run([inside, "-m", "pip", "install", "--no-input", *self.options, self.package], 10, 95)
            self.version = version_of(str(script_in(self.target, "tsmu")))
        except (SetUpError, ProgramError, OSError):
            shutil.rmtree(self.target, ignore_errors=True)
            if old.exists():
                old.rename(self.target)
            raise
        shutil.rmtree(old, ignore_errors=True)
        self.setProgress(100)

    def _run(self, command: list[str], low: float, high: float) -> None:
        """Run a command to its end; its lines move the progress from `low` towards `high`."""
        environment = child_environment()
        environment["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            encoding="utf-8", errors="replace", env=environment, creationflags=creation_flags(),
        ) as child:  # fmt: skip
            watcher = _Watcher(child, self)
            last, count = "", 0
            for line in child.stdout:
                last, count = line.strip() or last, count + 1
                self.said.emit(line.rstrip())
                self.setProgress(low + (high - low) * (1 - 1 / (1 + 3 * count / LINES_OF_PIP)))
            child.wait()
            watcher.stop()
        if self.isCanceled():
            raise SetUpError(tr("cancelled; nothing was changed"))
        if child.returncode:
            words = " ".join(command[1:4])
            raise SetUpError(
                tr("{words}: {last}; check the connection and the name of the package, or set tsmu up by hand",
                   words=words, last=last or child.returncode)
            )  # fmt: skip


class _Watcher:
    """Ends a child when its task is cancelled: a thread, because reading the child's lines waits."""

    def __init__(self, child: subprocess.Popen[str], task: QgsTask):
        self._child, self._task, self._over = child, task, threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def stop(self) -> None:
        self._over.set()

    def _watch(self) -> None:
        while not self._over.wait(POLL_S):
            if self._task.isCanceled():
                self._child.terminate()
                self._over.wait(5)
                if self._child.poll() is None:
                    self._child.kill()
                return


def find_python() -> str:
    """A Python that tsmu runs on: QGIS's own where it is new enough, else one on the PATH.

    Raises:
        SetUpError: there is none.
    """
    for path in (*_beside_qgis(), *filter(None, map(shutil.which, CANDIDATES))):
        if _is_new_enough(path):
            return path
    wanted = ".".join(map(str, OLDEST_PYTHON))
    raise SetUpError(tr("no Python {wanted} or newer: install it from python.org, or name it above", wanted=wanted))


def _beside_qgis() -> list[str]:
    """Where QGIS's own Python lies: `sys.executable` is QGIS itself on Windows and macOS."""
    prefix = Path(sys.exec_prefix)
    if os.name == "nt":
        return [str(prefix / "python.exe")]
    if sys.platform == "darwin":
        return [str(Path(sys.executable).parent / "bin" / "python3"), str(prefix / "bin" / "python3")]
    return ["/usr/bin/python3"]


def _is_new_enough(path: str) -> bool:
    code = f"import sys, venv, ensurepip; sys.exit(sys.version_info < {OLDEST_PYTHON})"
    try:
        return not subprocess.run(
            [path, "-c", code], stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False,
            env=child_environment(), creationflags=creation_flags(),
        ).returncode  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return False
