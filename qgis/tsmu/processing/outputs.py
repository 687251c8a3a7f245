"""The kinds of outputs: what QGIS gets of a command's JSON report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qgis.core import (
    QgsProcessingOutputDefinition,
    QgsProcessingOutputFile,
    QgsProcessingOutputFolder,
    QgsProcessingOutputHtml,
    QgsProcessingOutputNumber,
    QgsProcessingOutputRasterLayer,
    QgsProcessingOutputString,
    QgsProcessingOutputVectorLayer,
)

_KINDS = {
    "file": QgsProcessingOutputFile,
    "folder": QgsProcessingOutputFolder,
    "html": QgsProcessingOutputHtml,
    "number": QgsProcessingOutputNumber,
    "raster": QgsProcessingOutputRasterLayer,
    "text": QgsProcessingOutputString,
    "vector": QgsProcessingOutputVectorLayer,
}


@dataclass(frozen=True)
class Output:
    """One output.

    Attributes:
        name: its name in QGIS, such as `PROBABILITY`; models use it, so it stays.
        label: what people read, and the name of the layer.
        kind: a key of `_KINDS`.
        key: where the report has it: among `outputs`, else at the top.
        style: of the layer, see `workspace.styles`.
        table: of the landslide database, whose layer it is; the report's `key` is then the database.
        endings: of the file that it must have; others are no such layer.
    """

    name: str
    label: str
    kind: str
    key: str
    style: str = ""
    table: str = ""
    endings: tuple[str, ...] = ()

    def definition(self) -> QgsProcessingOutputDefinition:
        """The definition of this output for QGIS."""
        return _KINDS[self.kind](self.name, self.label)

    def value(self, report: dict[str, Any]) -> Any:
        """The output's value, read from a command's JSON report; None where the report has none."""
        value = report.get("outputs", {}).get(self.key, report.get(self.key))
        if value is not None and self.endings and not str(value).lower().endswith(self.endings):
            return None
        return value

    @property
    def is_layer(self) -> bool:
        """Whether QGIS adds the output to the map."""
        return self.kind in ("raster", "vector")
