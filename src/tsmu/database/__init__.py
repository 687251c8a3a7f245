"""Landslide records: what was seen, what is believed, and who decided; in a GeoPackage or in PostGIS.

from tsmu import database

with database.open_database("landslides.gpkg") as records:
    confirmed = database.query(records, database.Filters(status=["confirmed"], min_area=1000))
"""

from tsmu.database.building import Added, RunRecord, SceneRecord, add_run
from tsmu.database.checks import check
from tsmu.database.comparing import Comparison, compare
from tsmu.database.copying import copy
from tsmu.database.deciding import Decided, Wanted, decide
from tsmu.database.densities import Density, density
from tsmu.database.exporting import export
from tsmu.database.filters import Filters
from tsmu.database.importing import import_file
from tsmu.database.querying import history, info, query, reviews
from tsmu.database.reviewing import review
from tsmu.database.saving import save as backup
from tsmu.database.store import Database
from tsmu.database.taking import Taken
from tsmu.database.versions import open_database

__all__ = [
    "Added",
    "Comparison",
    "Database",
    "Decided",
    "Density",
    "Filters",
    "RunRecord",
    "SceneRecord",
    "Taken",
    "Wanted",
    "add_run",
    "backup",
    "check",
    "compare",
    "copy",
    "decide",
    "density",
    "export",
    "history",
    "import_file",
    "info",
    "open_database",
    "query",
    "review",
    "reviews",
]
