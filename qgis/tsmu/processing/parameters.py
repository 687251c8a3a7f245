"""The kinds of parameters: what QGIS asks for, and which words of the command line it becomes.

A declaration lists instances of these classes. `definitions` gives QGIS's parameters; `words` reads their values from
an algorithm that is being run (`Values`) and gives words such as `["--pre=/data/pre.tif"]`. Without an option the
value itself is the word. Every option is written `--option=value`, so that a value may begin with a minus.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qgis.core import (
    QgsProcessingParameterBoolean,
    QgsProcessingParameterDateTime,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterExtent,
    QgsProcessingParameterField,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
    QgsProcessingParameterVectorLayer,
)

from .. import settings
from ..qt import ADVANCED, OPTIONAL, POLYGONS
from ..translation import tr
from .layer_files import raster_path, vector_path
from .values import Values

DEGREES = "EPSG:4326"
Definitions = Sequence[QgsProcessingParameterDefinition]


@dataclass(frozen=True)
class Parameter:
    """A parameter of an algorithm; the subclasses are its kinds.

    Attributes:
        name: its name in QGIS, such as `PRE`; models and scripts use it, so it stays.
        label: what the dialog shows.
        option: of the command line, such as `--pre`; empty: the value is a word of its own.
        optional: whether it may be left empty.
        advanced: whether the dialog hides it at first.
        help: a sentence more, for the help of the algorithm.
    """

    name: str
    label: str
    option: str = ""
    optional: bool = True
    advanced: bool = False
    help: str = ""

    def definitions(self) -> Definitions:
        """The definitions of this parameter for QGIS; most kinds have one."""
        definition = self.definition()
        definition.setHelp(self.help)
        if self.optional:
            definition.setFlags(definition.flags() | OPTIONAL)
        if self.advanced:
            definition.setFlags(definition.flags() | ADVANCED)
        return [definition]

    def definition(self) -> QgsProcessingParameterDefinition:
        """The definition of this parameter for QGIS."""
        raise NotImplementedError

    def words(self, values: Values) -> list[str]:
        """The words of the command line, option and value; an empty list where the user gave no value."""
        text = self.text(values)
        return [f"{self.option}={text}" if self.option else text] if text else []

    def text(self, values: Values) -> str:
        """The value as it is written on the command line; an empty text where the user gave none."""
        raise NotImplementedError


@dataclass(frozen=True)
class Raster(Parameter):
    """A raster layer, as the file or address that it shows."""

    def definition(self) -> QgsProcessingParameterDefinition:
        """The definition of this parameter for QGIS."""
        return QgsProcessingParameterRasterLayer(self.name, self.label)

    def text(self, values: Values) -> str:
        """The path, or the address."""
        return raster_path(values, self.name)


@dataclass(frozen=True)
class Vector(Parameter):
    """A vector layer, as its file; one that is no file, or is filtered or being edited, as a copy.

    Attributes:
        layer_option: the command takes `--layer` for this file alone; without it, a layer of many is copied.
        types: what is offered; polygons by default.
    """

    layer_option: bool = False
    types: tuple[Any, ...] = (POLYGONS,)

    def definition(self) -> QgsProcessingParameterDefinition:
        """The definition of this parameter for QGIS."""
        return QgsProcessingParameterVectorLayer(self.name, self.label, list(self.types))

    def words(self, values: Values) -> list[str]:
        """The file, and the layer in it where the command can be told."""
        path, layer = vector_path(values, self.name, self.layer_option)
        if not path:
            return []
        words = [f"{self.option}={path}" if self.option else path]
        return [*words, f"--layer={layer}"] if layer else words


@dataclass(frozen=True)
class Area(Parameter):
    """An area: the polygons of a layer, or an extent; one of them is needed."""

    def definitions(self) -> Definitions:
        """A layer and an extent."""
        layer = QgsProcessingParameterVectorLayer(self.name, self.label, [POLYGONS], optional=True)
        extent = QgsProcessingParameterExtent(f"{self.name}_EXTENT", tr("or an extent"), optional=True)
        for definition in (layer, extent):
            definition.setHelp(self.help)
        return [layer, extent]

    def text(self, values: Values) -> str:
        """The file, or W,S,E,N in degrees."""
        path, _ = vector_path(values, self.name, layer_option=False)
        return path or values.box(f"{self.name}_EXTENT", DEGREES)


@dataclass(frozen=True)
class Extent(Parameter):
    """An extent, in degrees."""

    def definition(self) -> QgsProcessingParameterDefinition:
        """The definition of this parameter for QGIS."""
        return QgsProcessingParameterExtent(self.name, self.label)

    def text(self, values: Values) -> str:
        """W,S,E,N."""
        return values.box(self.name, DEGREES)


@dataclass(frozen=True)
class Field(Parameter):
    """A field of a layer that is another parameter.

    Attributes:
        of: the name of that parameter.
    """

    of: str = ""

    def definition(self) -> QgsProcessingParameterDefinition:
        """The definition of this parameter for QGIS."""
        return QgsProcessingParameterField(self.name, self.label, parentLayerParameterName=self.of)

    def text(self, values: Values) -> str:
        """The name of the field."""
        return values.text(self.name)


@dataclass(frozen=True)
class Text(Parameter):
    """A text.

    Attributes:
        default: what the dialog begins with.
    """

    default: str = ""

    def definition(self) -> QgsProcessingParameterDefinition:
        """The definition of this parameter for QGIS."""
        return QgsProcessingParameterString(self.name, self.label, self.default or None)

    def text(self, values: Values) -> str:
        """The text."""
        return values.text(self.name)


@dataclass(frozen=True)
class Number(Parameter):
    """A number; where it has no default and stays empty, the command's own default holds.

    Attributes:
        whole: whether it is an integer.
        low: the smallest one that is allowed.
        high: the largest one.
        default: what the dialog begins with.
    """

    whole: bool = False
    low: float | None = None
    high: float | None = None
    default: float | None = None

    def definition(self) -> QgsProcessingParameterDefinition:
        """The definition of this parameter for QGIS."""
        kind = QgsProcessingParameterNumber.Type
        number = QgsProcessingParameterNumber(
            self.name, self.label, kind.Integer if self.whole else kind.Double, self.default, self.optional
        )
        if self.low is not None:
            number.setMinimum(self.low)
        if self.high is not None:
            number.setMaximum(self.high)
        return number

    def text(self, values: Values) -> str:
        """The number, as short as it can be written."""
        return values.number(self.name, self.whole)


@dataclass(frozen=True)
class Choice(Parameter):
    """One of several words of the command line.

    Attributes:
        options: the words; the first one is the default.
        labels: what the dialog shows for them.
    """

    options: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()

    def definition(self) -> QgsProcessingParameterDefinition:
        """The definition of this parameter for QGIS, which offers the words."""
        shown = list(self.labels or self.options)
        return QgsProcessingParameterEnum(self.name, self.label, shown, defaultValue=0)

    def text(self, values: Values) -> str:
        """The word."""
        return self.options[values.index(self.name)]


@dataclass(frozen=True)
class Flag(Parameter):
    """Yes or no: with yes the option is added to the command line."""

    def definition(self) -> QgsProcessingParameterDefinition:
        """The definition of this parameter for QGIS."""
        return QgsProcessingParameterBoolean(self.name, self.label, False)

    def words(self, values: Values) -> list[str]:
        """The option alone."""
        return [self.option] if values.flag(self.name) else []


@dataclass(frozen=True)
class Day(Parameter):
    """A day."""

    def definition(self) -> QgsProcessingParameterDefinition:
        """The definition of this parameter for QGIS."""
        return QgsProcessingParameterDateTime(
            self.name, self.label, QgsProcessingParameterDateTime.Type.Date, optional=self.optional
        )

    def text(self, values: Values) -> str:
        """The day as ISO 8601."""
        return values.day(self.name)


@dataclass(frozen=True)
class Days(Parameter):
    """An interval of days, of which one end may be left out: FIRST/LAST."""

    def definitions(self) -> Definitions:
        """The first and the last day."""
        kind = QgsProcessingParameterDateTime.Type.Date
        ends = ((f"{self.name}_FIRST", tr("{what}: first day")), (f"{self.name}_LAST", tr("{what}: last day")))
        days = [
            QgsProcessingParameterDateTime(name, label.format(what=self.label), kind, optional=True)
            for name, label in ends
        ]
        for day in days:
            day.setFlags(day.flags() | ADVANCED)
        return days

    def text(self, values: Values) -> str:
        """The interval."""
        first, last = values.day(f"{self.name}_FIRST"), values.day(f"{self.name}_LAST")
        return f"{first}/{last}" if first or last else ""


@dataclass(frozen=True)
class Path(Parameter):
    """A file or folder that exists.

    Attributes:
        folder: whether it is a folder.
        filter: which files are offered.
    """

    folder: bool = False
    filter: str = ""

    def definition(self) -> QgsProcessingParameterDefinition:
        """The definition of this parameter for QGIS."""
        kinds = QgsProcessingParameterFile.Behavior
        kind = kinds.Folder if self.folder else kinds.File
        return QgsProcessingParameterFile(self.name, self.label, kind, fileFilter=self.filter)

    def text(self, values: Values) -> str:
        """The path."""
        return values.text(self.name)


@dataclass(frozen=True)
class Workspace(Path):
    """The workspace; the one that was used last is offered."""

    def definition(self) -> QgsProcessingParameterDefinition:
        """The definition of this parameter for QGIS."""
        kind = QgsProcessingParameterFile.Behavior.Folder
        return QgsProcessingParameterFile(self.name, self.label, kind, defaultValue=settings.workspace() or None)


@dataclass(frozen=True)
class NewFile(Parameter):
    """A file to be written.

    Attributes:
        filter: the formats, with the default one first.
    """

    filter: str = ""

    def definition(self) -> QgsProcessingParameterDefinition:
        """The definition of this parameter for QGIS."""
        return QgsProcessingParameterFileDestination(self.name, self.label, self.filter, optional=self.optional)

    def text(self, values: Values) -> str:
        """The path."""
        return values.new_file(self.name)


def words_of(parameters: Sequence[Parameter], values: Values) -> list[str]:
    """The words of all parameters; those without an option first, in their order."""
    groups: list[list[str]] = [parameter.words(values) for parameter in parameters if not parameter.option]
    groups += [parameter.words(values) for parameter in parameters if parameter.option]
    return [word for group in groups for word in group]
