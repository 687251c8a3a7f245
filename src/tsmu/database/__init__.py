"""Landslide records: what was seen, what is believed, and who decided; in a GeoPackage or in PostGIS.

from tsmu import database

with database.open_database("landslides.gpkg") as records:
    confirmed = database.query(records, database.Filters(status=["confirmed"], min_area=1000))
"""

from tsmu.database.building import Added, RunRecord, SceneRecord, add_run
from tsmu.database.checks import check
from tsmu.database.comparing import Comparison, compare
from tsmu.database.copying import copy
from tsmu.database.deciding import decide
from tsmu.database.decision import Decided, Wanted
from tsmu.database.delineations import AddedInventory, add_inventory
from tsmu.database.densities import Density, density
from tsmu.database.exporting import export
from tsmu.database.filters import Filters
from tsmu.database.importing import import_file
from tsmu.database.merging import Merged, merge
from tsmu.database.proposals import accept, decline, proposals
from tsmu.database.querying import history, info, query, reviews
from tsmu.database.reviewing import review
from tsmu.database.saving import save as backup
from tsmu.database.store import Database
from tsmu.database.taking import Taken
from tsmu.database.undoing import Undone, undo_merge
from tsmu.database.versions import open_database

__all__ = [
    "Added",
    "AddedInventory",
    "Comparison",
    "Database",
    "Decided",
    "Density",
    "Filters",
    "Merged",
    "RunRecord",
    "SceneRecord",
    "Taken",
    "Undone",
    "Wanted",
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
