"""The files through which landslides come into the database and leave it."""

from tsmu.database.files.area_files import read_review_areas
from tsmu.database.files.database_copy import copy
from tsmu.database.files.exporter import export
from tsmu.database.files.formats import FORMATS, SHORT_NAMES
from tsmu.database.files.importer import import_file, is_landslide_database, is_written_by_tsmu, read_import
from tsmu.database.files.known_landslides import ImportResult

__all__ = [
    "FORMATS",
    "SHORT_NAMES",
    "ImportResult",
    "copy",
    "export",
    "import_file",
    "is_landslide_database",
    "is_written_by_tsmu",
    "read_import",
    "read_review_areas",
]
