"""Landslide records: what was seen, what is believed, and who decided; in a GeoPackage or in PostGIS.

from tsmu import database

with database.open_database("landslides.gpkg") as records:
    confirmed = database.query(records, database.Filters(status=["confirmed"], min_area=1000))
"""

from tsmu.database.analysis.comparison import Comparison, compare
from tsmu.database.analysis.density_map import DensityMap, density
from tsmu.database.decisions.decision_writer import decide
from tsmu.database.decisions.proposal_answers import accept, decline, proposals
from tsmu.database.decisions.records import DecisionRequest, DecisionResult
from tsmu.database.decisions.reviewing import review
from tsmu.database.files.database_copy import copy
from tsmu.database.files.exporter import export
from tsmu.database.files.importer import import_file
from tsmu.database.files.known_landslides import ImportResult
from tsmu.database.integrity.checks import check
from tsmu.database.merging.merge_undo import UndoneMerge, undo_merge
from tsmu.database.merging.observation_merge import MergeResult, merge
from tsmu.database.opening.schema_versions import open_database
from tsmu.database.queries.filters import Filters
from tsmu.database.queries.landslides import history, info, query, reviews
from tsmu.database.storage.backup import backup
from tsmu.database.storage.database import Database
from tsmu.database.writing.inventories import AddedInventory, add_inventory
from tsmu.database.writing.runs import AddedRun, RunRecord, SceneRecord, add_run

__all__ = [
    "AddedInventory",
    "AddedRun",
    "Comparison",
    "Database",
    "DecisionRequest",
    "DecisionResult",
    "DensityMap",
    "Filters",
    "ImportResult",
    "MergeResult",
    "RunRecord",
    "SceneRecord",
    "UndoneMerge",
    "accept",
    "add_inventory",
    "add_run",
    "backup",
    "check",
    "compare",
    "copy",
    "decide",
    "decline",
    "density",
    "export",
    "history",
    "import_file",
    "info",
    "merge",
    "open_database",
    "proposals",
    "query",
    "review",
    "reviews",
    "undo_merge",
]
