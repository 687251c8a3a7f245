"""The provider: the algorithms in the toolbox."""

from qgis.core import QgsProcessingProvider
from qgis.PyQt.QtGui import QIcon

from ..paths import ICON
from .algorithm import TsmuAlgorithm
from .declarations import declarations


class TsmuProvider(QgsProcessingProvider):
    """All algorithms of tsmu."""

    def id(self):
        """Its name in models and scripts: `tsmu:map`."""
        return "tsmu"

    def name(self):
        """Its name in the toolbox."""
        return "tsmu"

    def icon(self):
        """The plugin's icon."""
        return QIcon(str(ICON))

    def loadAlgorithms(self):
        """Add the algorithms, in the order of the user's way."""
        for declaration in declarations():
            self.addAlgorithm(TsmuAlgorithm(declaration))
