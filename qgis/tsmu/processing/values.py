"""The values of an algorithm that is being run, as the command line writes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsRectangle,
)


@dataclass(frozen=True)
class Values:
    """What the user gave.

    Attributes:
        algorithm: whose parameters these are; QGIS reads values by its methods.
        parameters: by name.
        context: of the run, with the project's layers.
        feedback: of the run.
    """

    algorithm: QgsProcessingAlgorithm
    parameters: dict[str, Any]
    context: QgsProcessingContext
    feedback: QgsProcessingFeedback

    def is_given(self, name: str) -> bool:
        """Whether a parameter has a value, its own or by default."""
        return self.parameters.get(name) not in (None, "")

    def text(self, name: str) -> str:
        """A text; empty where there is none."""
        return self.algorithm.parameterAsString(self.parameters, name, self.context).strip()

    def flag(self, name: str) -> bool:
        """Yes or no."""
        return self.algorithm.parameterAsBool(self.parameters, name, self.context)

    def index(self, name: str) -> int:
        """Which one of a list."""
        return self.algorithm.parameterAsEnum(self.parameters, name, self.context)

    def number(self, name: str, whole: bool) -> str:
        """A number; empty where there is neither a value nor a default."""
        default = self.algorithm.parameterDefinition(name).defaultValue()
        if not self.is_given(name) and default is None:
            return ""
        if whole:
            return str(self.algorithm.parameterAsInt(self.parameters, name, self.context))
        return f"{self.algorithm.parameterAsDouble(self.parameters, name, self.context):.12g}"

    def day(self, name: str) -> str:
        """A day as ISO 8601; empty where there is none."""
        moment = self.algorithm.parameterAsDateTime(self.parameters, name, self.context)
        return moment.date().toString("yyyy-MM-dd") if moment.isValid() else ""

    def box(self, name: str, crs: str) -> str:
        """An extent as W,S,E,N in a reference system; empty where there is none."""
        if not self.is_given(name):
            return ""
        system = QgsCoordinateReferenceSystem(crs)
        extent: QgsRectangle = self.algorithm.parameterAsExtent(self.parameters, name, self.context, system)
        if extent.isNull():
            return ""
        sides = (extent.xMinimum(), extent.yMinimum(), extent.xMaximum(), extent.yMaximum())
        return ",".join(f"{side:.9g}" for side in sides)

    def new_file(self, name: str) -> str:
        """The path of a file to be written."""
        return self.algorithm.parameterAsFileOutput(self.parameters, name, self.context)
