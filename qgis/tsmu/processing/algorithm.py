"""The one class of all algorithms: a declaration's parameters become a command, its report becomes outputs."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputString,
    QgsProcessingParameterBoolean,
)
from qgis.PyQt.QtCore import QUrl
from qgis.PyQt.QtGui import QIcon

from .. import settings
from ..command.program import ProgramError
from ..command.runner import CommandError, run_tsmu
from ..failures import failures
from ..paths import HELP, ICON
from ..translation import tr
from ..workspace.loading import load_on_completion
from .declaration import Declaration
from .parameters import words_of
from .values import Values

LOAD = "LOAD"


class TsmuAlgorithm(QgsProcessingAlgorithm):
    """One command of tsmu, or several one after the other, as an algorithm of Processing."""

    def __init__(self, declaration: Declaration):
        super().__init__()
        self._declaration = declaration
        self._words: list[str] = []

    def createInstance(self):
        """Make a new instance of the algorithm, as QGIS does for each run."""
        return TsmuAlgorithm(self._declaration)

    def name(self):
        """The algorithm's name in models and scripts, such as `map`."""
        return self._declaration.name

    def displayName(self):
        """The algorithm's name in the toolbox, in the user's language."""
        return self._declaration.title

    def group(self):
        """The group of the toolbox that the algorithm is listed in."""
        return self._declaration.group

    def groupId(self):
        """The group, for programs: the first word of the commands that belong together."""
        return self._declaration.group.lower().replace(" ", "_")

    def icon(self):
        """The plugin's icon."""
        return QIcon(str(ICON))

    def shortHelpString(self):
        """The help that QGIS shows beside the parameters: what the algorithm does, and notes on parameters."""
        lines = [f"<p>{escape(self._declaration.help)}</p>"]
        lines += [
            f"<p><b>{escape(parameter.label)}</b>: {escape(parameter.help)}</p>"
            for parameter in self._declaration.parameters
            if parameter.help
        ]
        words = "; ".join(f"tsmu {' '.join(command)}" for command in self._declaration.commands)
        return "".join([*lines, f"<p><code>{escape(words)}</code></p>"])

    def helpUrl(self):
        """The page of the help that lies in the plugin."""
        return QUrl.fromLocalFile(str(HELP)).toString() + f"#{self._declaration.name}" if HELP.is_file() else ""

    def initAlgorithm(self, config=None):  # noqa: ARG002
        """Declare parameters and outputs."""
        for parameter in self._declaration.all_parameters():
            for definition in parameter.definitions():
                self.addParameter(definition)
        outputs = self._declaration.all_outputs()
        if any(output.is_layer for output in outputs):
            self.addParameter(QgsProcessingParameterBoolean(LOAD, tr("Add the results to the map"), True))
        for output in outputs:
            self.addOutput(output.definition())
        self.addOutput(QgsProcessingOutputString("REPORT", tr("Report (JSON)")))

    def checkParameterValues(self, parameters, context):
        """Accept layers that cannot be opened, if they are paths: tsmu itself says what is wrong with them."""
        for definition in self.parameterDefinitions():
            value = parameters.get(definition.name())
            if definition.type() in ("raster", "vector") and isinstance(value, str) and value:
                continue
            if not definition.checkValueIsAcceptable(value, context):
                what = tr("not given") if value in (None, "") else tr("not allowed: {value}", value=value)
                return False, f"{definition.description()}: {what}"
        return True, ""

    def prepareAlgorithm(self, parameters, context, feedback):
        """Read the parameters, in the thread in which the project's layers live."""
        values = Values(self, parameters, context, feedback)
        prepare = self._declaration.prepare
        self._words = prepare(values) if prepare else words_of(self._declaration.all_parameters(), values)
        return True

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ):
        """Run the commands; what is not done becomes an exception with tsmu's own line."""
        workspace = (
            self.parameterAsString(parameters, "WORKSPACE", context) if self._declaration.needs_workspace else ""
        )
        report: dict[str, Any] = {}
        try:
            for number, command in enumerate(self._declaration.commands):
                words = self._words if number == 0 else [f"--workspace={workspace}"]
                report = _together(report, run_tsmu([*command, *words], feedback))
        except (ProgramError, CommandError) as error:
            failures.failed.emit(str(error))
            raise QgsProcessingException(str(error)) from None
        if workspace:
            settings.set_workspace(workspace)
        return self._results(parameters, report, context)

    def _results(self, parameters: dict[str, Any], report: dict[str, Any], context: QgsProcessingContext):
        load = any(output.is_layer for output in self._declaration.outputs) and self.parameterAsBool(
            parameters, LOAD, context
        )
        results: dict[str, Any] = {"REPORT": json.dumps(report)}
        for parameter in self._declaration.parameters:  # paths of the files that it was to write
            definition = self.parameterDefinition(parameter.name)
            if definition is not None and definition.isDestination():
                results[parameter.name] = parameter.text(Values(self, parameters, context, None))
        for output in self._declaration.all_outputs():
            value = output.value(report)
            if value is None:
                continue
            results[output.name] = load_on_completion(output, str(value), context, load) if output.is_layer else value
        return results


def _together(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """The report of two commands, one after the other: the second one's, with what came of the first, too."""
    if not first:
        return second
    return {
        **first,
        **second,
        "outputs": {**first["outputs"], **second["outputs"]},
        "issues": [*first["issues"], *second["issues"]],
        "left_out": first["left_out"] + second["left_out"],
    }
