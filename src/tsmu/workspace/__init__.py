"""What users of the Python API and the command line work with: a workspace and its verbs.

    workspace        the class `Workspace`, put together of
    base             ... what all verbs share: folder, settings, display
    regions, inventories, pairs, labels, chips, exports, update, update_estimate, evaluation, models, mapping,
    database, serve
                     ... the verbs, one file for each stage of the user's way
    tables           ... what lies in the workspace, as tables, and chips as a torch dataset
    ranges           ... the ranges that numbers must lie in
    model            a version of the model, which predicts; `models` the list of all versions
    scene_map        the map of a scene, with a quick look; `map_recording` stores maps in the database
    database         the landslide database; `database_files` its exports, imports and maps of density,
                     `database_merging` its merging of observations
    public_data      public data sets, which need no workspace: listed, and fetched into a folder
    report           what verbs return
    display          how verbs tell what they do while they work

What others use of this room is named here, and loaded when it is first asked for.
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

_NAMES = {  # by the module that has them
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
