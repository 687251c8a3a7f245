"""The Python API: the class `Workspace`, whose methods do what the commands of `tsmu` do.

A method that does the work of a command is called a verb in this package. The modules:

    workspace        the class `Workspace`, which inherits from
    base             ... what all verbs share: folder, settings, display
    regions, inventories, pairs, labels, chips, exports, update, update_estimate, evaluation, models, mapping,
    respond, database, serve
                     ... the verbs, one module for each stage of the work
    tables           ... the tables of the workspace, and its chips as a torch dataset
    pair_cutting     cuts labelled pairs into chips, for the verb `build_chips`
    model            a version of the model, which predicts; `models` has the list of all versions
    scene_map        the map of a scene, with a quick look
    scene_requests   the scenes that `Workspace.map` is given; `map_recording` maps them and stores the maps in the
                     database
    response_inputs, response_record, response_report
                     the arguments, the stored record and the report of `Workspace.respond`
    database_base    the base class of `LandslideDatabase`, which is defined in `database`; `database_files` adds its
                     exports, imports and maps of density, `database_merging` its merging of observations
    public_data      public data sets, which need no workspace: listed, and fetched into a folder
    report           the reports that verbs return
    display          how verbs show messages, issues and progress while they work
    ranges           checks of numbers and names that are given to verbs
    next_steps       the commands that messages recommend next

Other subpackages import only the names listed here; each is loaded when it is first used.
"""

from typing import TYPE_CHECKING

from tsmu.lazy_names import lazy_names

if TYPE_CHECKING:
    from tsmu.workspace.chips import ChipReport
    from tsmu.workspace.database import LandslideDatabase
    from tsmu.workspace.database_files import (
        ComparisonReport,
        DensityReport,
        LandslideExportReport,
        LandslideImportReport,
        compare_inventories,
    )
    from tsmu.workspace.display import BarDisplay, CallbackDisplay, Display, JsonLinesDisplay, ShowProgress
    from tsmu.workspace.evaluation import EvaluationReport
    from tsmu.workspace.exports import ExportReport
    from tsmu.workspace.inventories import InventoryReport
    from tsmu.workspace.labels import LabelReport
    from tsmu.workspace.model import Model
    from tsmu.workspace.models import ModelVersions
    from tsmu.workspace.pairs import PairReport
    from tsmu.workspace.public_data import DataReport, PublicData, data
    from tsmu.workspace.regions import AssignmentReport, RegionMapReport
    from tsmu.workspace.report import Report
    from tsmu.workspace.response_report import RespondReport
    from tsmu.workspace.scene_map import MapReport, SceneMap
    from tsmu.workspace.update_estimate import UpdateEstimateReport
    from tsmu.workspace.workspace import InitReport, Workspace

_NAMES = {  # the public names, by the module from which they are imported
    "regions": "AssignmentReport RegionMapReport",
    "display": "BarDisplay CallbackDisplay Display JsonLinesDisplay ShowProgress",
    "chips": "ChipReport",
    "database_files": "ComparisonReport DensityReport LandslideExportReport LandslideImportReport compare_inventories",
    "exports": "ExportReport",
    "workspace": "InitReport Workspace",
    "inventories": "InventoryReport",
    "labels": "LabelReport",
    "pairs": "PairReport",
    "public_data": "DataReport PublicData data",
    "evaluation": "EvaluationReport",
    "database": "LandslideDatabase",
    "respond": "RespondReport",
    "scene_map": "MapReport SceneMap",
    "model": "Model",
    "models": "ModelVersions",
    "report": "Report",
    "update_estimate": "UpdateEstimateReport",
}

__all__ = [
    "AssignmentReport",
    "BarDisplay",
    "CallbackDisplay",
    "ChipReport",
    "ComparisonReport",
    "DataReport",
    "DensityReport",
    "Display",
    "EvaluationReport",
    "ExportReport",
    "InitReport",
    "InventoryReport",
    "JsonLinesDisplay",
    "LabelReport",
    "LandslideDatabase",
    "LandslideExportReport",
    "LandslideImportReport",
    "MapReport",
    "Model",
    "ModelVersions",
    "PairReport",
    "PublicData",
    "RegionMapReport",
    "Report",
    "RespondReport",
    "SceneMap",
    "ShowProgress",
    "UpdateEstimateReport",
    "Workspace",
    "compare_inventories",
    "data",
]

__getattr__, __dir__ = lazy_names(__name__, _NAMES)
