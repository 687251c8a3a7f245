"""The review dock: one landslide after the other, before and after, and a key for every decision."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsProject
from qgis.PyQt.QtCore import Qt, QTimer
from qgis.PyQt.QtGui import QKeySequence
from qgis.PyQt.QtWidgets import QDockWidget

from .. import settings
from ..command.program import ProgramError
from ..qt import QShortcut
from ..translation import tr
from ..workspace.database import database_of
from ..workspace.opening import landslide_layer, reload_layers
from .client import Client, RequestError
from .images import SceneImages
from .keys import commands
from .outline import Outline
from .panel import Panel
from .server import ReviewServer
from .session import VERDICTS, Session
from .texts import describe, describe_conflict

AFTER_FIRST_LAYER_MS = 300  # QGIS itself zooms to the first layer of an empty project, a moment after it is added


class ReviewDock(QDockWidget):
    """Reviews the landslides of one workspace; a server of its own runs for as long as it is open.

    Args:
        iface: QGIS's main window.
    """

    def __init__(self, iface):
        super().__init__(tr("tsmu review"), iface.mainWindow())
        self.setObjectName("TsmuReviewDock")
        self._iface, self._project = iface, QgsProject.instance()
        self.panel = Panel(self)
        self.setWidget(self.panel)
        self.server = ReviewServer(self)
        self.session: Session | None = None
        self._images: SceneImages | None = None
        self._outline = Outline(iface.mapCanvas(), self._project)
        self._workspace = ""
        self._shortcuts = []
        self._connect()
        self._show()

    def _connect(self) -> None:
        self.panel.started.connect(self.start)
        self.panel.stopped.connect(self.stop)
        self.panel.commanded.connect(self.run)
        self.server.ready.connect(self._begin)
        self.server.ended.connect(self._say_ended)
        for command in commands():  # in the dock and on the map; fields of text take their letters themselves
            for widget in (self, self._iface.mapCanvas()):
                shortcut = QShortcut(QKeySequence(command.key), widget)
                shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
                shortcut.activated.connect(lambda name=command.name: self.run(name))
                self._shortcuts.append(shortcut)

    def start(self, workspace: str, reviewer: str) -> None:
        """Start the review of a workspace."""
        self.stop()
        settings.set_workspace(workspace)
        settings.set_reviewer(reviewer)
        self._workspace = workspace
        self.panel.say(tr("The review server starts ..."))
        try:
            self.server.start(workspace, reviewer)
        except ProgramError as error:
            self._fail(str(error))

    def stop(self) -> None:
        """End the review and its server."""
        self._outline.show(None)
        if self._images is not None:
            self._images.remove()
        self.session = self._images = None
        self.server.stop()
        self._show()

    def closeEvent(self, event):
        """End the server with the dock."""
        self.stop()
        super().closeEvent(event)

    def remove(self) -> None:
        """Take away all that belongs to the dock, when the plugin is unloaded."""
        self.stop()
        for shortcut in self._shortcuts:
            shortcut.setParent(None)
        self._outline.remove()
        self._iface.removeDockWidget(self)
        self.deleteLater()

    def run(self, name: str) -> None:
        """Run the command of a button or key; if the server refuses it, its message is shown and nothing changes."""
        session = self.session
        if session is None:
            return
        try:
            if name == "undo":
                self._undo(session)
            elif name in ("next", "previous"):
                moved = session.next() if name == "next" else session.previous()
                self.panel.say("" if moved else tr("Nothing else is left in this direction"))
            elif session.current is not None:
                self._act(session, name)
        except RequestError as error:
            self._fail(describe_conflict(error) if error.status == 409 else str(error))
        if self.session is not None and name not in ("flip", "zoom", "edit", "comment"):
            self._show()

    def save_comment(self) -> None:
        """Store what was written as a comment on the current landslide."""
        text = self.panel.comment_text()
        if self.session is None or self.session.current is None or not text:
            return
        try:
            self.session.decide("comment", text)
        except RequestError as error:
            self._fail(str(error))
            return
        self.panel.clear_comment()
        self.panel.say(tr("Comment saved"))
        self._show()

    def save_outline(self) -> None:
        """Store the outline as it was edited: a new version of the landslide."""
        shape = self._outline.edited()
        if self.session is None or shape is None:
            return
        try:
            answer = self.session.decide("edit", self.panel.comment_text(), shape)
        except RequestError as error:
            self._fail(str(error))
            return
        self._outline.cancel_editing()
        self.panel.say("; ".join(answer.get("repairs") or []) or tr("Outline saved as a new version"))
        self._show()

    def _act(self, session: Session, name: str) -> None:
        """Run a command that needs a current landslide."""
        if name in VERDICTS:
            session.decide(name, self.panel.comment_text())
            self.panel.clear_comment()
            self.panel.say("")
        elif name == "flip" and self._images is not None:
            self.panel.show_side(self._images.flip())
        elif name == "zoom":
            self._outline.zoom()
        elif name == "comment":
            self.panel.focus_comment()
        elif name == "edit":
            self._toggle_editing()

    def _toggle_editing(self) -> None:
        """Let the outline be edited with QGIS's own tools, or give it up."""
        if self._outline.is_editing:
            self._outline.cancel_editing()
            self.panel.say("")
        else:
            layer = self._outline.edit()
            self._iface.setActiveLayer(layer)
            self._iface.actionVertexTool().trigger()
            self.panel.say(tr("Move the vertices, then press Save outline; E again gives it up"))
        self.panel.show_editing(self._outline.is_editing)

    def _undo(self, session: Session) -> None:
        undone = session.undo()
        self.panel.say(tr("Undone: {action}", action=undone) if undone else tr("Nothing to undo"))

    def _begin(self, address: str) -> None:
        """Load the queue and show the database's landslides, once the server answers."""
        self.session = Session(Client(address), settings.reviewer(), self.panel.order(), self.panel.state())
        try:
            self.session.begin()
            self._images = SceneImages(self._workspace, address, self._project)
        except RequestError as error:
            self._fail(str(error))
            return
        landslide_layer(self._project, database_of(self._workspace))
        self.panel.say("")
        self._show()
        QTimer.singleShot(AFTER_FIRST_LAYER_MS, self._outline.zoom)

    def _show(self) -> None:
        """Show the current landslide in the panel and on the map."""
        session = self.session
        self.panel.show_running(session is not None)
        current = session.current if session else None
        self._outline.show(current)
        self.panel.show_editing(False)
        self.panel.show_landslide(describe(session.details) if session and current else "", session)
        if session is None:
            return
        if self._images is not None:
            self._images.show(session.scenes.get(session.scene_id() or ""))
            self.panel.show_side(self._images.side)
        self._outline.zoom()
        reload_layers(self._project, database_of(self._workspace))

    def _say_ended(self, reason: str) -> None:
        self.stop()
        self._fail(reason)

    def _fail(self, line: str) -> None:
        """Say in the dock and in the message bar what was not done."""
        self.panel.say(line, is_bad=True)
        self._iface.messageBar().pushWarning("tsmu", line)

    def current(self) -> dict[str, Any] | None:
        """The landslide that is shown."""
        return self.session.current if self.session else None
