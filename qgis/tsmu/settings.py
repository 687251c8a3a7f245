"""What the user has chosen, kept in QGIS's settings."""

import getpass

from qgis.core import QgsSettings

GROUP = "tsmu"


def _get(name: str, default: str = "") -> str:
    return str(QgsSettings().value(f"{GROUP}/{name}", default) or default)


def _set(name: str, value: str) -> None:
    QgsSettings().setValue(f"{GROUP}/{name}", value)


def program() -> str:
    """The `tsmu` that the user has pointed to; empty where it is to be found."""
    return _get("program")


def set_program(path: str) -> None:
    """Remember the path of the `tsmu` to run; an empty one lets the plugin find it."""
    _set("program", path)


def workspace() -> str:
    """The workspace that was used last; empty where none was."""
    return _get("workspace")


def set_workspace(folder: str) -> None:
    """Remember the workspace, so that the algorithms offer it the next time."""
    _set("workspace", folder)


def reviewer() -> str:
    """The name on decisions."""
    return _get("reviewer", getpass.getuser())


def set_reviewer(name: str) -> None:
    """Remember the reviewer's name, which is stored with each decision."""
    _set("reviewer", name)


def package(default: str) -> str:
    """What pip installs as tsmu: a requirement, a wheel or a folder."""
    return _get("package", default)


def set_package(requirement: str) -> None:
    """Remember what pip installs as tsmu: a requirement, a wheel or a folder."""
    _set("package", requirement)
