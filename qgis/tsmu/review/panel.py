"""The widgets of the review dock; they know nothing of the server."""

from __future__ import annotations

from qgis.gui import QgsFileWidget
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QComboBox,
    QFormLayout,
    QGridLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from .. import settings
from ..translation import tr
from .keys import commands
from .session import Session

ORDERS = ("near", "uncertainty", "size", "date")
STATES = ("open", "unsure", "bad imagery")
COLUMNS = 2


class Panel(QWidget):
    """What the dock shows.

    Args:
        dock: whose methods save comments and outlines.
    """

    started = pyqtSignal(str, str)  # workspace, reviewer
    stopped = pyqtSignal()
    commanded = pyqtSignal(str)  # the name of a command

    def __init__(self, dock):
        super().__init__(dock)
        self.buttons: dict[str, QPushButton] = {}
        layout = QVBoxLayout(self)
        layout.addWidget(self._beginning())
        layout.addWidget(self._review(dock))
        layout.addStretch()

    def _beginning(self) -> QWidget:
        """What is asked for before a review begins."""
        widget = QWidget(self)
        form = QFormLayout(widget)
        form.setContentsMargins(0, 0, 0, 0)
        self.workspace = QgsFileWidget(widget)
        self.workspace.setStorageMode(QgsFileWidget.StorageMode.GetDirectory)
        self.workspace.setFilePath(settings.workspace())
        self.reviewer = QLineEdit(settings.reviewer(), widget)
        self._order = QComboBox(widget)
        self._order.addItems([tr("the nearest"), tr("the least certain"), tr("the largest"), tr("the latest")])
        self._state = QComboBox(widget)
        self._state.addItems([tr("not decided"), tr("unsure"), tr("bad imagery")])
        self.toggle = QPushButton(tr("Start reviewing"), widget)
        self.toggle.clicked.connect(self._toggle)
        form.addRow(tr("Workspace"), self.workspace)
        form.addRow(tr("Your name"), self.reviewer)
        form.addRow(tr("Queue"), self._state)
        form.addRow(tr("First comes"), self._order)
        form.addRow(self.toggle)
        return widget

    def _review(self, dock) -> QWidget:
        """The current landslide, and buttons for what can be done with it."""
        self._reviewing = QWidget(self)
        column = QVBoxLayout(self._reviewing)
        column.setContentsMargins(0, 0, 0, 0)
        self.progress = QProgressBar(self._reviewing)
        self.progress.setFormat(tr("%v of %m decided"))
        self.details = QLabel(self._reviewing)
        self.details.setWordWrap(True)
        self.details.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column.addWidget(self.progress)
        column.addWidget(self.details)
        column.addLayout(self._buttons())
        self._comment = QLineEdit(self._reviewing)
        self._comment.setPlaceholderText(tr("Reason, or a comment: Return saves it"))
        self._comment.setAccessibleName(tr("Comment"))
        self._comment.returnPressed.connect(lambda: dock.save_comment())
        column.addWidget(self._comment)
        self.save_outline = QPushButton(tr("Save outline"), self._reviewing)
        self.save_outline.clicked.connect(lambda: dock.save_outline())
        column.addWidget(self.save_outline)
        self.message = QLabel(self)
        self.message.setWordWrap(True)
        self.layout().addWidget(self.message)
        return self._reviewing

    def _buttons(self) -> QGridLayout:
        grid = QGridLayout()
        for number, command in enumerate(commands()):
            button = QPushButton(f"{command.label} ({command.key})", self._reviewing)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the keys to the map
            button.clicked.connect(lambda _=False, name=command.name: self.commanded.emit(name))
            self.buttons[command.name] = button
            grid.addWidget(button, number // COLUMNS, number % COLUMNS)
        return grid

    def _toggle(self) -> None:
        if self._is_running:
            self.stopped.emit()
        else:
            self.started.emit(self.workspace.filePath(), self.reviewer.text().strip() or settings.reviewer())

    def order(self) -> str:
        """Which landslides come first."""
        return ORDERS[self._order.currentIndex()]

    def state(self) -> str:
        """Which queue is reviewed."""
        return STATES[self._state.currentIndex()]

    def show_running(self, is_running: bool) -> None:
        """Show whether a review is going on."""
        self._is_running = is_running
        self._reviewing.setVisible(is_running)
        for widget in (self.workspace, self.reviewer, self._order, self._state):
            widget.setEnabled(not is_running)
        self.toggle.setText(tr("End reviewing") if is_running else tr("Start reviewing"))

    def show_landslide(self, text: str, session: Session | None) -> None:
        """Show what is known of the current landslide, and how far the review is."""
        if session is None:
            return
        self.progress.setMaximum(max(session.progress["total"], 1))
        self.progress.setValue(session.progress["decided"])
        self.details.setText(text or tr("All is decided: nothing is left in the queue."))
        for name, button in self.buttons.items():
            button.setEnabled(bool(text) or name in ("undo", "next"))

    def show_editing(self, is_editing: bool) -> None:
        """Offer to save the outline while it is edited."""
        self.save_outline.setVisible(is_editing)
        self.buttons["edit"].setText(f"{tr('Give up editing') if is_editing else tr('Edit outline')} (E)")

    def show_side(self, side: str) -> None:
        """Show which of the images is seen."""
        shown = tr("before") if side == "pre" else tr("after")
        self.buttons["flip"].setText(tr("Flip: {side} (F)", side=shown))

    def say(self, text: str, is_bad: bool = False) -> None:
        """Show one line below all."""
        self.message.setStyleSheet("color: #b00020" if is_bad else "")
        self.message.setText(text)

    def comment_text(self) -> str:
        """What was written as a reason or comment."""
        return self._comment.text().strip()

    def clear_comment(self) -> None:
        """Empty the field."""
        self._comment.clear()

    def focus_comment(self) -> None:
        """Let the next keys write a comment."""
        self._comment.setFocus(Qt.FocusReason.ShortcutFocusReason)
