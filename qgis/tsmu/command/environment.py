"""The environment variables of child processes."""

from __future__ import annotations

import os

# QGIS sets these for its own Python and libraries; another Python would look for its modules, and PROJ and GDAL for
# their data, in the wrong places.
_OF_QGIS = (
    "PYTHONHOME", "PYTHONPATH", "PYTHONEXECUTABLE", "GDAL_DATA", "GDAL_DRIVER_PATH", "PROJ_LIB", "PROJ_DATA",
    "QT_PLUGIN_PATH",
)  # fmt: skip


def child_environment() -> dict[str, str]:
    """The environment of a child process: without what QGIS sets for itself, and with progress as lines of JSON."""
    environment = {name: value for name, value in os.environ.items() if name not in _OF_QGIS}
    environment["TSMU_PROGRESS"] = "json"
    environment["PYTHONIOENCODING"] = "utf-8"
    return environment


def creation_flags() -> int:
    """Flags with which a child process opens no console window on Windows."""
    return 0x08000000 if os.name == "nt" else 0  # CREATE_NO_WINDOW
