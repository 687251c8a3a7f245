"""The settings: which tsmu is run, whether it fits, and a button that sets one up."""

from __future__ import annotations

from qgis.core import QgsApplication
from qgis.gui import QgsFileWidget
from qgis.PyQt.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
)

from .. import settings
from ..command.program import ProgramError, find_program, own_environment, plugin_version, version_of
from ..translation import tr
from .task import SetUpTask


class SettingsDialog(QDialog):
    """Chooses or makes the `tsmu` that the plugin runs."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self.setWindowTitle(tr("tsmu: settings"))
        self.setMinimumWidth(720)
        self.task: SetUpTask | None = None
        self.program = QgsFileWidget(self)
        self.program.setFilePath(settings.program())
        self.program.setDialogTitle(tr("The program tsmu"))
        self.package = QLineEdit(settings.package(f"tsmu=={plugin_version()}"), self)
        self.python = QLineEdit(self)
        self.python.setPlaceholderText(tr("found by itself"))
        self.status = QLabel(self)
        self.status.setWordWrap(True)
        self.button = QPushButton(tr("Set up tsmu"), self)
        self.button.clicked.connect(self.toggle_set_up)
        self.progress = QProgressBar(self)
        self.progress.hide()
        self._lay_out()
        self.program.fileChanged.connect(self.check)
        self.check()

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.addRow(tr("Program tsmu (empty: found by itself)"), self.program)
        form.addRow(self.status)
        form.addRow(tr("Package to install"), self.package)
        form.addRow(tr("Python that makes the environment"), self.python)
        form.addRow(self.button, self.progress)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.reject)
        layout.addWidget(buttons)

    def check(self, *_: object) -> bool:
        """Keep the program that is chosen, and say whether it fits; returns whether it does."""
        settings.set_program(self.program.filePath().strip())
        try:
            program = find_program()
            self._say(tr("tsmu {version} is ready: {path}", version=version_of(program), path=program))
        except ProgramError as error:
            self._say(str(error), is_bad=True)
            return False
        return True

    def toggle_set_up(self) -> None:
        """Begin to set tsmu up in the background, or cancel it; it goes on where the dialog is closed."""
        if self.task is not None:
            self.task.cancel()
            return
        package = self.package.text().strip() or f"tsmu=={plugin_version()}"
        settings.set_package(package)
        self.task = SetUpTask(own_environment(), package, self.python.text().strip())
        self.task.progressChanged.connect(lambda percent: self.progress.setValue(int(percent)))
        self.task.said.connect(lambda line: self._say(line[:200]))
        self.task.taskCompleted.connect(self._complete)
        self.task.taskTerminated.connect(self._fail)
        self.button.setText(tr("Cancel"))
        self.progress.show()
        QgsApplication.taskManager().addTask(self.task)

    def _complete(self) -> None:
        self._end()
        self.program.setFilePath("")
        self.check()

    def _fail(self) -> None:
        error = self.task.error if self.task else ""
        self._end()
        self._say(error, is_bad=True)

    def _end(self) -> None:
        self.task = None
        self.button.setText(tr("Set up tsmu"))
        self.progress.hide()

    def _say(self, text: str, is_bad: bool = False) -> None:
        self.status.setStyleSheet("color: #b00020" if is_bad else "")
        self.status.setText(text)
