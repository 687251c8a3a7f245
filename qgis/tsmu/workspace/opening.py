"""All layers of a workspace in one group, and the layers of its database."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from qgis.core import QgsMapLayer, QgsProject, QgsRasterLayer, QgsVectorLayer

from ..translation import tr
from .database import database_of, table_layer, table_source
from .styles import apply_style


@dataclass(frozen=True)
class WorkspaceLayer:
    """A layer, its style and whether it is shown at first."""

    layer: QgsMapLayer
    style: str = ""
    is_shown: bool = True


def open_workspace(project: QgsProject, folder: str) -> int:
    """Add all layers of a workspace to a project, in a group with its name; an earlier such group is replaced.

    Returns:
        How many layers it has.
    """
    name = tr("tsmu: {name}", name=Path(folder).name)
    root = project.layerTreeRoot()
    earlier = root.findGroup(name)
    if earlier is not None:
        project.removeMapLayers([node.layerId() for node in earlier.findLayers()])
        root.removeChildNode(earlier)
    group = root.insertGroup(0, name)
    layers = [one for one in workspace_layers(folder) if one.layer.isValid()]
    for one in layers:
        apply_style(one.layer, one.style)
        project.addMapLayer(one.layer, False)
        node = group.addLayer(one.layer)
        node.setItemVisibilityChecked(one.is_shown)
        node.setExpanded(False)
    return len(layers)


def workspace_layers(folder: str) -> list[WorkspaceLayer]:
    """The layers of a workspace, the topmost first: database, events, maps, regions; those not there are not valid."""
    root, database = Path(folder), database_of(folder)
    layers = []
    if "://" in database or Path(database).is_file():
        layers += [
            WorkspaceLayer(table_layer(database, "landslide", tr("Landslides")), "status"),
            WorkspaceLayer(table_layer(database, "observation", tr("Observations")), is_shown=False),
            WorkspaceLayer(table_layer(database, "mapped_area", tr("Mapped areas")), is_shown=False),
            WorkspaceLayer(table_layer(database, "scene", tr("Scenes")), is_shown=False),
            WorkspaceLayer(table_layer(database, "review", tr("Reviews")), is_shown=False),
        ]
    if (root / "events.gpkg").is_file():
        layers.append(WorkspaceLayer(QgsVectorLayer(str(root / "events.gpkg"), tr("Events"), "ogr")))
    for raster in sorted(root.glob("maps/*/probability.tif")):
        name = tr("{scene}: probability", scene=raster.parent.name)
        layers.append(WorkspaceLayer(QgsRasterLayer(str(raster), name), "probability"))
    if (root / "regions.gpkg").is_file():
        layers.append(WorkspaceLayer(QgsVectorLayer(str(root / "regions.gpkg"), tr("Regions"), "ogr"), is_shown=False))
    return layers


def landslide_layer(project: QgsProject, database: str) -> QgsVectorLayer:
    """The layer of a database's landslides in a project; where it is not there it is added, as outlines."""
    for layer in _layers_of(project, database):
        return layer
    layer = table_layer(database, "landslide", tr("Landslides"))
    apply_style(layer, "status_outlines")
    project.addMapLayer(layer)
    return layer


def reload_layers(project: QgsProject, database: str) -> None:
    """Draw a database's landslides again, after another process has changed them."""
    for layer in _layers_of(project, database):
        if not layer.isEditable():
            layer.dataProvider().reloadData()
        layer.triggerRepaint()


def _layers_of(project: QgsProject, database: str) -> list[QgsVectorLayer]:
    """The layers of a project that show the landslides of a database."""
    source, provider = table_source(database, "landslide")
    return [
        layer
        for layer in project.mapLayers().values()
        if layer.providerType() == provider and _same_source(layer.source(), source)
    ]


def _same_source(one: str, other: str) -> bool:
    """Whether two sources are the same table, whatever else they say."""
    if "://" not in other and "|" in other:
        first, second = (source.split("|") for source in (one, other))
        same_file = Path(first[0]).resolve() == Path(second[0]).resolve()
        return same_file and second[1] in (first[1:] or [second[1]])
    names = [sorted(re.findall(r"(dbname|host|port|table)='?([^' ]+)", source)) for source in (one, other)]
    return names[0] == names[1]
