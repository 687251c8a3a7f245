"""Runs in QGIS's Python: runs algorithms one after the other, and writes what came of each as JSON.

Words: a JSON file with a list of {"algorithm", "parameters"}, the JSON file to write, and the program `tsmu`.
"""

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from qgis.core import (
    QgsApplication,
    QgsProcessingAlgRunnerTask,  # noqa: F401 - so that all of Processing is there
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProject,
    QgsVectorLayer,
)


class Recorder(QgsProcessingFeedback):
    """Keeps what an algorithm says; cancels it when its progress comes to some words."""

    def __init__(self, cancel_at=None):
        super().__init__(False)
        self.cancel_at = cancel_at
        self.said = []
        self.steps = []

    def pushInfo(self, info):
        self.said.append(("info", info))

    def pushWarning(self, warning):
        self.said.append(("warning", warning))

    def pushCommandInfo(self, info):
        self.said.append(("command", info))

    def reportError(self, error, fatalError=False):  # noqa: ARG002
        self.said.append(("error", error))

    def setProgressText(self, text):
        self.steps.append(text)
        if self.cancel_at and text.startswith(self.cancel_at):
            self.cancel()


def start():
    """QGIS without windows, with the plugin."""
    application = QgsApplication([], False, os.environ["QGIS_CUSTOM_CONFIG_PATH"])
    application.initQgis()
    sys.path[:0] = [os.environ["TSMU_PLUGINS"], "/usr/share/qgis/python/plugins"]
    import tsmu

    plugin = tsmu.classFactory(None)
    plugin.initProcessing()
    return application, plugin


def run(step, shown, cancel_at=None):
    """Run one algorithm; its layers that would be shown are noted with the class of their renderers."""
    algorithm = QgsApplication.processingRegistry().createAlgorithmById(step["algorithm"])
    context, feedback = QgsProcessingContext(), Recorder(cancel_at)
    context.setProject(QgsProject.instance())
    answer = {"algorithm": step["algorithm"]}
    try:
        fits, why = algorithm.checkParameterValues(step["parameters"], context)
        if not fits:
            raise QgsProcessingException(why)
        results, done = algorithm.run(step["parameters"], context, feedback, {}, False)
        answer.update(results=results, done=done)
    except QgsProcessingException as error:
        answer.update(error=str(error), done=False)
    for layer_id, details in context.layersToLoadOnCompletion().items():
        layer = context.temporaryLayerStore().mapLayer(layer_id)
        if details.postProcessor():
            details.postProcessor().postProcessLayer(layer, context, feedback)
        shown.append((details.name, layer.isValid(), renderer_of(layer)))
    return {**answer, "said": feedback.said, "steps": feedback.steps, "shown": list(shown)}


def renderer_of(layer):
    renderer = layer.renderer() if layer.isSpatial() else None
    return renderer.type() if renderer is not None else ""


def declared():
    """The commands of each algorithm, and the options that its parameters become."""
    from tsmu.processing.declarations import declarations

    return {
        one.name: {
            "commands": [" ".join(command) for command in one.commands],
            "outputs": [output.name for output in one.all_outputs()],
            "options": [parameter.option for parameter in one.all_parameters() if parameter.option],
        }
        for one in declarations()
    }


def layers_of_workspace(folder):
    """The layers of a workspace, once it is opened twice: name, renderer, whether it is shown."""
    from tsmu.workspace.opening import open_workspace

    project = QgsProject.instance()
    open_workspace(project, folder)
    open_workspace(project, folder)
    group = project.layerTreeRoot().children()[0]
    return [(node.name(), renderer_of(node.layer()), node.itemVisibilityChecked()) for node in group.findLayers()]


def project_of_workspace(folder):
    """The project file of a workspace: how many layers it finds where the workspace was moved, and a second writing."""
    from tsmu.workspace.project_file import ProjectError, write_project

    path = write_project(folder)
    moved = shutil.copytree(folder, Path(tempfile.mkdtemp()) / "moved")
    project = QgsProject()
    assert project.read(str(moved / path.name))
    found = [Path(layer.source().split("|")[0]) for layer in project.mapLayers().values() if layer.isValid()]
    view = project.viewSettings().defaultViewExtent()
    try:
        again = str(write_project(folder))
    except ProjectError as error:
        again = str(error)
    path.unlink()
    inside = sum(moved in source.parents for source in found)
    return {"layers": len(project.mapLayers()), "found_inside": inside, "empty_view": view.isEmpty(), "again": again}


def main():
    jobs, answer, program = sys.argv[1:]
    _application, plugin = start()
    from tsmu import settings

    settings.set_program(program)
    work = json.loads(Path(jobs).read_text())
    for name, source in work.get("layers", {}).items():
        layer = QgsVectorLayer(source, name, "ogr")
        assert layer.isValid(), source
        QgsProject.instance().addMapLayer(layer)
        if name in work.get("filters", {}):
            layer.setSubsetString(work["filters"][name])
    answers = [run(step, []) for step in work["steps"]]
    seen = {"answers": answers, "declared": declared(), "layers": layers_of_workspace(work["workspace"])}
    seen["project"] = project_of_workspace(work["workspace"])
    seen["cancelled"] = run(work["cancelled"], [], work["cancel_at"])
    Path(answer).write_text(json.dumps(seen, default=str))
    plugin.unload()
    os._exit(0)  # QGIS without windows ends with a fault now and then


if __name__ == "__main__":
    main()
