"""A QGIS project with all layers of a workspace, as a file in the workspace."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsCoordinateReferenceSystem, QgsProject, QgsReferencedRectangle

from ..translation import tr
from .opening import open_workspace

WEB_MERCATOR = "EPSG:3857"  # what base maps come in


class ProjectError(Exception):
    """The project was not written; the text says why, and what to do."""


def write_project(folder: str) -> Path:
    """Write the project `NAME.qgz` into a workspace of that name; it finds its layers wherever the folder is moved.

    A database on a server is named as in tsmu.toml, with its password if that has one.

    Raises:
        ProjectError: there is one already, which may hold somebody's work, or it cannot be written.
    """
    path = Path(folder) / f"{Path(folder).name}.qgz"
    if path.exists():
        raise ProjectError(tr("{path}: exists already; open it, or give it another name first", path=path))
    project = QgsProject()
    open_workspace(project, folder)
    project.setTitle(Path(folder).name)
    project.setCrs(QgsCoordinateReferenceSystem(WEB_MERCATOR))
    placed = [node.layer() for node in project.layerTreeRoot().findLayers() if not node.layer().extent().isEmpty()]
    if placed:  # the topmost are the landslides, if there are any
        project.viewSettings().setDefaultViewExtent(QgsReferencedRectangle(placed[0].extent(), placed[0].crs()))
    unfinished = path.with_name(f".{path.name}")  # beside it, so that paths are relative to the same folder
    if not project.write(str(unfinished)):
        if unfinished.exists():
            unfinished.unlink()
        raise ProjectError(tr("{path}: cannot be written ({reason})", path=path, reason=project.error()))
    unfinished.replace(path)
    return path
