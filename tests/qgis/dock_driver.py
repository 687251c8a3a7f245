"""Runs in QGIS's Python: a main window of the least that the plugin needs, and a reviewer at the keys of the dock.

Words: the workspace, the program `tsmu`, the JSON file to write, and a folder for pictures (or nothing).
"""

import json
import os
import sys
import time
from pathlib import Path

from qgis.core import QgsApplication, QgsCoordinateReferenceSystem, QgsGeometry, QgsProject, QgsRectangle
from qgis.gui import QgsLayerTreeMapCanvasBridge, QgsMapCanvas, QgsMessageBar
from qgis.PyQt.QtCore import QCoreApplication, QEventLoop, QSize, Qt
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QAction, QMainWindow

LONGEST_S = 120
DECISIONS = "ARUBAARAUR" * 2  # twenty keys


class Window:
    """As much of QGIS's `iface` as the plugin uses."""

    def __init__(self):
        self._window = QMainWindow()
        self._canvas = QgsMapCanvas(self._window)
        self._canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:3857"))
        self._bar = QgsMessageBar(self._window)
        self._vertex = QAction(self._window)
        self._window.setCentralWidget(self._canvas)
        self._window.resize(QSize(1280, 800))
        self._bridge = QgsLayerTreeMapCanvasBridge(QgsProject.instance().layerTreeRoot(), self._canvas)
        self._bridge.setAutoSetupOnFirstLayer(False)
        self.menu = []
        self.active = None

    def mainWindow(self):
        return self._window

    def mapCanvas(self):
        return self._canvas

    def messageBar(self):
        return self._bar

    def actionVertexTool(self):
        return self._vertex

    def setActiveLayer(self, layer):
        self.active = layer

    def addDockWidget(self, area, dock):
        self._window.addDockWidget(area, dock)

    def removeDockWidget(self, dock):
        self._window.removeDockWidget(dock)

    def addPluginToMenu(self, menu, action):
        self.menu.append((menu, action.text()))

    def removePluginMenu(self, menu, action):
        self.menu.remove((menu, action.text()))

    def addToolBarIcon(self, action):
        pass

    def removeToolBarIcon(self, action):
        pass


def wait_for(condition, what):
    until = time.monotonic() + LONGEST_S
    while not condition():
        assert time.monotonic() < until, what
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 50)


def picture(window, folder, name):
    if folder:
        window.mapCanvas().refreshAllLayers()
        QTest.qWait(500)
        window.mapCanvas().waitWhileRendering()
        window.mainWindow().grab().save(str(Path(folder) / f"{name}.png"))


def move_a_vertex(layer):
    """Edit the outline as the vertex tool does: half its box, moved by nothing."""
    feature = next(layer.getFeatures())
    box = QgsRectangle(feature.geometry().boundingBox())
    box.setXMaximum((box.xMinimum() + box.xMaximum()) / 2)
    layer.changeGeometry(feature.id(), QgsGeometry(feature.geometry().intersection(QgsGeometry.fromRect(box))))


def review(plugin, window, workspace, pictures):
    """Review as a person does; returns what was seen on the way."""
    seen = {"decisions": [], "sides": [], "menu": list(window.menu)}
    plugin.show_dock()
    dock = plugin.dock
    dock.panel.workspace.setFilePath(workspace)
    dock.panel.reviewer.setText("eva")
    window.mainWindow().show()
    picture(window, pictures, "before")
    dock.panel.toggle.click()
    wait_for(lambda: dock.session is not None, "the review server")
    seen["address"] = dock.session.client.address
    seen["total"] = dock.session.progress["total"]
    picture(window, pictures, "review")
    (shown,) = QgsProject.instance().mapLayersByName("Landslides")
    seen["fills"] = [one.symbol().symbolLayer(0).properties()["style"] for one in shown.renderer().categories()]

    def press(key):
        QTest.keyClick(window.mapCanvas(), key)
        QCoreApplication.processEvents()

    window.mapCanvas().setFocus()
    for _ in range(2):
        press(Qt.Key.Key_F)
        seen["sides"].append(dock._images.side)
        picture(window, pictures, f"flip_{dock._images.side}")
    for key in DECISIONS:
        if dock.current() is None:
            break
        seen["decisions"].append((dock.current()["id"], key))
        press(getattr(Qt.Key, f"Key_{key}"))
    seen["progress"] = dict(dock.session.progress)
    press(Qt.Key.Key_Z)
    seen["undone"] = dock.current()["id"]
    first = dock.current()["id"]
    press(Qt.Key.Key_N)
    seen["after_next"] = dock.current()["id"] if dock.current() else None
    press(Qt.Key.Key_P)
    seen["after_previous"] = dock.current()["id"]
    while dock.current()["id"] != first:
        press(Qt.Key.Key_P)
    QTest.keyClicks(dock.panel._comment, "a rash of comments")
    QTest.keyClick(dock.panel._comment, Qt.Key.Key_Return)
    press(Qt.Key.Key_E)
    move_a_vertex(window.active)
    picture(window, pictures, "edit")
    dock.panel.save_outline.click()
    seen["after_edit"] = dock.current()["properties"]
    seen["message"] = dock.panel.message.text()
    seen["layers"] = sorted(layer.name() for layer in QgsProject.instance().mapLayers().values())
    return seen


def conflict(dock):
    """Somebody else decides first: the dock says so, and shows what it is now."""
    from tsmu.review.client import Client
    from tsmu.review.session import Session

    other = Session(Client(dock.session.client.address), "ola")
    other.select_by_id(dock.current()["id"])
    other.decide("accept", "seen in the field")
    dock.run("reject")
    return {"message": dock.panel.message.text(), "version": dock.current()["properties"]["version"]}


def main():
    workspace, program, answer, pictures = sys.argv[1:]
    application = QgsApplication([], True, os.environ["QGIS_CUSTOM_CONFIG_PATH"])
    application.initQgis()
    sys.path[:0] = [os.environ["TSMU_PLUGINS"]]
    import tsmu

    window = Window()
    plugin = tsmu.classFactory(window)
    plugin.initGui()
    from tsmu import settings

    settings.set_program(program)
    seen = review(plugin, window, workspace, pictures)
    seen["conflict"] = conflict(plugin.dock)
    server = plugin.dock.server
    seen["running"] = server.is_running
    plugin.show_failure("map.tif: not a raster; name another")
    seen["bar"] = window.messageBar().currentItem().text()
    plugin.unload()
    seen["running_after"] = server.is_running
    seen["layers_after"] = sorted(layer.name() for layer in QgsProject.instance().mapLayers().values())
    Path(answer).write_text(json.dumps(seen))
    os._exit(0)


if __name__ == "__main__":
    main()
