"""Runs in QGIS's Python: photographs the review dock in a window of the plugin's tests, after some decisions.

Words: the workspace as the dock is to show it, the program `tsmu`, and the picture to write.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "qgis"))
from dock_driver import Window, wait_for  # type: ignore[import-not-found]
from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QCoreApplication, QSize, Qt
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QComboBox

DECISIONS = "AARAAURAAARA"
WAIT_MS = 2000  # until images and outlines are drawn


def main() -> None:
    """Review a little, and take the picture."""
    workspace, program, target = sys.argv[1:]
    application = QgsApplication([], True, os.environ["QGIS_CUSTOM_CONFIG_PATH"])
    application.initQgis()
    sys.path.insert(0, os.environ["TSMU_PLUGINS"])
    import tsmu

    window = Window()
    window.mainWindow().resize(QSize(1100, 640))
    plugin = tsmu.classFactory(window)
    plugin.initGui()
    from tsmu import settings

    settings.set_program(program)
    plugin.show_dock()
    panel = plugin.dock.panel
    panel.workspace.setFilePath(workspace)
    panel.reviewer.setText("eva")
    for box in plugin.dock.findChildren(QComboBox):
        box.setCurrentIndex(max(0, box.findText("the largest")))
    window.mainWindow().show()
    panel.toggle.click()
    wait_for(lambda: plugin.dock.session is not None, "the review server")
    window.mapCanvas().setFocus()
    for key in DECISIONS:
        QTest.keyClick(window.mapCanvas(), getattr(Qt.Key, f"Key_{key}"))
        QCoreApplication.processEvents()
    window.mapCanvas().refreshAllLayers()
    QTest.qWait(WAIT_MS)
    window.mapCanvas().waitWhileRendering()
    window.mainWindow().grab().save(target)
    plugin.unload()
    os._exit(0)


if __name__ == "__main__":
    main()
