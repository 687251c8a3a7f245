"""The images of a scene before and after the event, as layers of a group at the bottom of the project."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import QgsContrastEnhancement, QgsLayerTreeGroup, QgsProject, QgsRasterLayer, QgsRasterMinMaxOrigin

from ..translation import tr
from ..workspace.database import database_of, read_rows

SIDES = ("pre", "post")
LOW, HIGH = 0.02, 0.98  # shares of the values that become black and white
REMOTE = ("http://", "https://", "/vsi", "s3://")


class SceneImages:
    """Shows one scene at a time, and flips between its sides.

    Args:
        workspace: paths in the database are relative to it.
        address: of the review server, which gives pictures of rasters that cannot be opened or are shown shifted.
        project: that the layers are added to.
    """

    def __init__(self, workspace: str, address: str, project: QgsProject):
        self._workspace, self._address, self._project = Path(workspace), address, project
        rows = read_rows(database_of(workspace), "scene")
        self._rasters = {str(row["id"]): {side: str(row.get(side) or "") for side in SIDES} for row in rows}
        self._layers: dict[str, QgsRasterLayer] = {}
        self.scene: str | None = None
        self.side = "post"

    def show(self, scene: dict[str, Any] | None) -> None:
        """Show a scene of the review server's list; None shows none."""
        scene_id = scene["id"] if scene else None
        if scene_id == self.scene:
            return
        self.remove()
        self.scene = scene_id
        if scene is None:
            return
        for side in SIDES:
            if side in scene["layers"]:
                layer = self._layer(scene, side)
                if layer.isValid():
                    self._layers[side] = layer
        group = self._group()
        for layer in self._layers.values():
            self._project.addMapLayer(layer, False)
            group.addLayer(layer)
        self._show_side(self.side if self.side in self._layers else "post")

    def flip(self) -> str:
        """Show the other side, if there is one; returns which is shown."""
        other = SIDES[1 - SIDES.index(self.side)]
        if other in self._layers:
            self._show_side(other)
        return self.side

    def remove(self) -> None:
        """Take the layers and their group away."""
        for layer in self._layers.values():
            self._project.removeMapLayer(layer.id())
        self._layers, self.scene = {}, None
        root = self._project.layerTreeRoot()
        group = root.findGroup(_group_name())
        if group is not None:
            root.removeChildNode(group)

    def _show_side(self, side: str) -> None:
        self.side = side
        for name, layer in self._layers.items():
            node = self._project.layerTreeRoot().findLayer(layer.id())
            node.setItemVisibilityChecked(name == side)

    def _group(self) -> QgsLayerTreeGroup:
        root = self._project.layerTreeRoot()
        return root.findGroup(_group_name()) or root.insertGroup(len(root.children()), _group_name())

    def _layer(self, scene: dict[str, Any], side: str) -> QgsRasterLayer:
        """The layer of one image: its file, or the server's tiles if QGIS cannot open it or the image is shifted."""
        name = tr("before") if side == "pre" else tr("after")
        shifted = any(scene.get(f"{which}shift_{way}_m") for which in ("", "pre_") for way in ("east", "north"))
        path = self._rasters.get(scene["id"], {}).get(side, "")
        if path and not shifted:
            whole = path if path.startswith(REMOTE) else str(self._workspace / path)
            layer = QgsRasterLayer(whole, name)
            if layer.isValid():
                _stretch(layer)
                return layer
        url = f"{self._address}api/scenes/{scene['id']}/{side}/{{z}}/{{x}}/{{y}}.png"
        return QgsRasterLayer(f"type=xyz&zmax=22&zmin=0&url={url}", name, "wms")


def _group_name() -> str:
    return tr("tsmu review: images")


def _stretch(layer: QgsRasterLayer) -> None:
    """Let all but the darkest and brightest pixels fill the range of grey values; bands 1 to 3 as colours."""
    layer.setContrastEnhancement(
        QgsContrastEnhancement.ContrastEnhancementAlgorithm.StretchToMinimumMaximum,
        QgsRasterMinMaxOrigin.Limits.CumulativeCut,
    )
