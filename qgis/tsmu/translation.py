"""Texts in the language of QGIS."""

from pathlib import Path

from qgis.core import QgsSettings
from qgis.PyQt.QtCore import QCoreApplication, QLocale, QTranslator

CONTEXT = "tsmu"
_installed = []  # Qt keeps no reference to a translator


def tr(text: str, **values: object) -> str:
    """Translate a text, and put values where it names them in braces."""
    translated = QCoreApplication.translate(CONTEXT, text)
    return translated.format(**values) if values else translated


def language() -> str:
    """The language of QGIS, such as `es`: the one that the user chose, else the system's."""
    settings = QgsSettings()
    chosen = settings.value("locale/userLocale", "") if settings.value("locale/overrideFlag", False, type=bool) else ""
    return (chosen or QLocale.system().name())[:2]


def install() -> None:
    """Use the translation into the language of QGIS, where there is one."""
    translator = QTranslator()
    if translator.load(str(Path(__file__).parent / "i18n" / f"tsmu_{language()}.qm")):
        QCoreApplication.installTranslator(translator)
        _installed.append(translator)
