"""How a background thread tells the main window that something was not done."""

from qgis.PyQt.QtCore import QObject, pyqtSignal


class Failures(QObject):
    """Says what failed, in one line; Qt brings the signal into the main thread, whose message bar shows it."""

    failed = pyqtSignal(str)


failures = Failures()
