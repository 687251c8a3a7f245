"""The plugin as QGIS sees it: the provider of algorithms, a menu, and the review dock."""

from __future__ import annotations

from pathlib import Path

from qgis.core import Qgis, QgsApplication, QgsProject
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QIcon
from qgis.PyQt.QtWidgets import QFileDialog

from . import settings
from .failures import failures
from .paths import ICON
from .processing.provider import TsmuProvider
from .qt import QAction
from .translation import tr

MENU = "tsmu"


class TsmuPlugin:
    """What QGIS loads and unloads.

    Args:
        iface: QGIS's main window; None in `qgis_process`, which has algorithms only.
    """

    def __init__(self, iface):
        self._iface = iface
        self._provider = None
        self._actions = []
        self.dock = None

    def initProcessing(self):
        """Add the algorithms."""
        self._provider = TsmuProvider()
        QgsApplication.processingRegistry().addProvider(self._provider)

    def initGui(self):
        """Add the algorithms and the menu."""
        self.initProcessing()
        failures.failed.connect(self.show_failure)
        entries = (
            (tr("Review landslides"), self.show_dock),
            (tr("Open a workspace ..."), self.open_workspace),
            (tr("Make a project of a workspace ..."), self.make_project),
            (tr("Settings ..."), self.show_settings),
        )
        for number, (text, act) in enumerate(entries):
            action = QAction(QIcon(str(ICON)), text, self._iface.mainWindow())
            action.triggered.connect(act)
            self._iface.addPluginToMenu(MENU, action)
            if number == 0:
                self._iface.addToolBarIcon(action)
            self._actions.append(action)

    def unload(self):
        """Take away what was added, and end the review server."""
        if self._provider is not None:
            QgsApplication.processingRegistry().removeProvider(self._provider)
            self._provider = None
        if self._iface is None:
            return
        if self.dock is not None:
            self.dock.remove()
            self.dock = None
        for action in self._actions:
            self._iface.removePluginMenu(MENU, action)
            self._iface.removeToolBarIcon(action)
        self._actions = []
        failures.failed.disconnect(self.show_failure)

    def show_dock(self):
        """Show the review dock; it is made when it is first asked for."""
        if self.dock is None:
            from .review.dock import ReviewDock

            self.dock = ReviewDock(self._iface)
            self._iface.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self.dock)
        self.dock.show()
        self.dock.raise_()

    def open_workspace(self):
        """Add all layers of a workspace to the project."""
        from .workspace.opening import open_workspace

        folder = self._choose_workspace()
        if folder:
            open_workspace(QgsProject.instance(), folder)

    def make_project(self):
        """Write a project file with all layers of a workspace into it, and say where it is."""
        from .workspace.project_file import ProjectError, write_project

        folder = self._choose_workspace()
        if not folder:
            return
        try:
            path = write_project(folder)
        except ProjectError as error:
            self.show_failure(str(error))
        else:
            self._iface.messageBar().pushMessage("tsmu", tr("{path}: written", path=path), Qgis.MessageLevel.Success)

    def _choose_workspace(self) -> str:
        """Ask for the folder of a workspace; empty where none is chosen, or what is chosen is none."""
        folder = QFileDialog.getExistingDirectory(self._iface.mainWindow(), tr("Workspace"), settings.workspace())
        if folder and not (Path(folder) / "tsmu.toml").is_file():
            self.show_failure(
                tr("{folder}: no workspace of tsmu; choose one, or make it with Make a workspace", folder=folder)
            )
            return ""
        if folder:
            settings.set_workspace(folder)
        return folder

    def show_settings(self):
        """Show which tsmu is run, and set one up."""
        from .setup.dialog import SettingsDialog

        SettingsDialog(self._iface.mainWindow()).exec()

    def show_failure(self, line: str) -> None:
        """Show in the message bar why something was not done."""
        self._iface.messageBar().pushMessage("tsmu", line, Qgis.MessageLevel.Critical)
