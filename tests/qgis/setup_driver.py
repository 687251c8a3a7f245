"""Runs in QGIS's Python: what the plugin says where tsmu is missing, broken or too old, and how it sets one up.

Words: a folder with the programs and packages of the test, the Python that makes environments, the JSON file to write.
"""

import json
import os
import sys
import time
from pathlib import Path

from qgis.core import QgsApplication, QgsTask
from qgis.PyQt.QtCore import QCoreApplication, QEventLoop

LONGEST_S = 120


def lines_for(programs):
    """What is said of each program that is pointed to."""
    from tsmu.command.program import ProgramError, checked_program

    from tsmu import settings

    said = {}
    for name, path in programs.items():
        settings.set_program(str(path))
        try:
            said[name] = f"ready: {checked_program()}"
        except ProgramError as error:
            said[name] = str(error)
    return said


def run_task(task, until=None):
    """Run a task as QGIS does, to its end; `until` says when it is cancelled."""
    ended = []
    task.taskCompleted.connect(lambda: ended.append("completed"))
    task.taskTerminated.connect(lambda: ended.append("terminated"))
    said, progress = [], []
    task.said.connect(said.append)
    task.progressChanged.connect(progress.append)
    QgsApplication.taskManager().addTask(task)
    limit = time.monotonic() + LONGEST_S
    while not ended:
        assert time.monotonic() < limit, said
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 50)
        if until is not None and task.status() == QgsTask.TaskStatus.Running and until(said):
            task.cancel()
            until = None
    return {"ended": ended[0], "error": task.error, "version": task.version, "progress": progress, "said": said}


def main():
    folder, python, answer = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    application = QgsApplication([], True, os.environ["QGIS_CUSTOM_CONFIG_PATH"])
    application.initQgis()
    sys.path[:0] = [os.environ["TSMU_PLUGINS"]]
    from tsmu.command.program import find_program, own_environment
    from tsmu.setup.dialog import SettingsDialog
    from tsmu.setup.task import SetUpTask

    from tsmu import settings

    seen = {"lines": lines_for({name: folder / name for name in ("missing", "broken", "old", "ancient", "good")})}
    seen["lines"]["nowhere"] = lines_for({"nowhere": ""})["nowhere"]
    dialog = SettingsDialog()
    seen["dialog"] = dialog.status.text()
    seen["package"] = dialog.package.text()
    dialog.grab().save(str(folder / "settings.png"))
    target, offline = own_environment(), ("--no-index",)
    seen["failed"] = run_task(SetUpTask(target, str(folder / "nothing.whl"), python, offline))
    seen["exists_after_failure"] = target.exists()
    wheel = str(next(folder.glob("*.whl")))
    seen["made"] = run_task(SetUpTask(target, wheel, python, offline))
    settings.set_program("")
    seen["found"] = find_program() == str(target / "bin" / "tsmu")
    seen["after"] = lines_for({"own": ""})["own"]
    seen["cancelled"] = run_task(SetUpTask(target, wheel, python, offline), until=lambda said: True)  # noqa: ARG005
    seen["stays"] = lines_for({"own": ""})["own"] == seen["after"]
    Path(answer).write_text(json.dumps(seen))
    os._exit(0)


if __name__ == "__main__":
    main()
