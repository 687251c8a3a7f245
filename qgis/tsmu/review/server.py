"""The review server as a child process: it writes decisions through tsmu, never through QGIS's own drivers."""

from __future__ import annotations

import re

from qgis.PyQt.QtCore import QObject, QProcess, QProcessEnvironment, pyqtSignal

from ..command.environment import child_environment
from ..command.program import checked_program
from ..translation import tr

ADDRESS = re.compile(r"(http://\S+:\d+/)")
LONGEST_END_MS = 5000


class ReviewServer(QObject):
    """Runs `tsmu serve --write` on a free port of this machine until `stop` is called."""

    ready = pyqtSignal(str)  # the address
    ended = pyqtSignal(str)  # why, in one line; only where nobody has asked for it

    def __init__(self, parent: QObject | None = None):
        super().__init__(parent)
        self._process: QProcess | None = None
        self._said: list[str] = []
        self._address = ""

    def start(self, workspace: str, reviewer: str) -> None:
        """Start it on a workspace; `ready` comes with its address, or `ended` with the reason.

        Raises:
            ProgramError: there is no tsmu that fits.
        """
        self.stop()
        self._said, self._address = [], ""
        process = QProcess(self)
        environment = QProcessEnvironment()
        for name, value in {**child_environment(), "TSMU_END_WITH_INPUT": "1"}.items():
            environment.insert(name, value)
        process.setProcessEnvironment(environment)
        process.setProcessChannelMode(QProcess.ProcessChannelMode.MergedChannels)
        process.readyReadStandardOutput.connect(self._read)
        process.finished.connect(self._finish)
        words = ["serve", "--write", "--port=0", f"--workspace={workspace}", f"--reviewer={reviewer}"]
        self._process = process
        process.start(checked_program(), words)

    def stop(self) -> None:
        """End the server, and wait until its process has ended."""
        process, self._process = self._process, None
        if process is None or process.state() == QProcess.ProcessState.NotRunning:
            return
        process.closeWriteChannel()  # by which the server ends, as it does where QGIS itself has gone
        if not process.waitForFinished(LONGEST_END_MS):
            process.kill()
            process.waitForFinished(LONGEST_END_MS)

    @property
    def is_running(self) -> bool:
        """Whether the server's process runs."""
        return self._process is not None and self._process.state() != QProcess.ProcessState.NotRunning

    def _read(self) -> None:
        if self._process is None:
            return
        text = bytes(self._process.readAllStandardOutput()).decode("utf-8", "replace")
        self._said = [*self._said, *filter(None, text.splitlines())][-20:]
        found = ADDRESS.search(text)
        if found and not self._address:
            self._address = found[1]
            self.ready.emit(self._address)

    def _finish(self, *_: object) -> None:
        if self._process is None:  # it was asked to end
            return
        self._read()
        self._process = None
        reason = self._said[-1] if self._said else tr("it says nothing")
        prefix = "tsmu: "
        start = len(prefix) if reason.startswith(prefix) else 0
        self.ended.emit(reason[start:])
