"""The outlines of an inventory that is compared: of a database, of what `export` wrote, or of any file of polygons."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import geopandas
import numpy as np

from tsmu.database.files import import_file, is_landslide_database, is_written_by_tsmu
from tsmu.database.opening import open_database
from tsmu.database.queries import Filters, query
from tsmu.database.storage import Shapes, geodesic_areas, read_outlines
from tsmu.database.types import SRS_ID
from tsmu.errors import DatabaseError
from tsmu.issues import IssueLog
from tsmu.tabular import TABLE_SUFFIXES


def is_database(target: Path | str) -> bool:
    """Whether an inventory is a landslide database, and not another file."""
    return "://" in str(target) or (Path(target).is_file() and is_landslide_database(Path(target)))


def read_compared_outlines(target: Path | str, log: IssueLog, filters: Filters, layers: Sequence[str]) -> Shapes:
    """Read the outlines that fulfil conditions; unless a status is asked for, of candidates and confirmed landslides.

    Args:
        target: a database, or a file of polygons.
        log: takes polygons that were left out or repaired.
        filters: which landslides; a file that `export` did not write, or wrote as a table, knows nothing but place
            and size, and has no status, which is reported.
        layers: the names of the layers that are read of a file of polygons; by default all.

    Raises:
        DatabaseError: it cannot be read, a condition cannot be checked there, or nothing fulfils the conditions.
    """
    if is_database(target):
        shapes = _of_database(target, filters)
    elif Path(target).suffix.lower() not in TABLE_SUFFIXES and is_written_by_tsmu(Path(target)):
        shapes = _of_exported_file(Path(target), log, filters)
    else:
        shapes = _of_other_file(Path(target), log, filters, layers)
    if not len(shapes):
        raise DatabaseError(f"{target}: no landslides that can be compared; give another inventory or other conditions")
    return shapes


def _of_database(target: Path | str, filters: Filters) -> Shapes:
    with open_database(target) as database:
        return np.array(query(database, filters.landslides_only()).geometry.array, dtype=object)


def _of_exported_file(path: Path, log: IssueLog, filters: Filters) -> Shapes:
    """Read the landslides of an exported file that fulfil conditions, by way of a temporary database."""
    own_log = IssueLog(path)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "exported.gpkg"
        with open_database(place, create=True) as database:
            import_file(database, path, own_log)
        for issue in own_log.errors:  # warnings are about links to what only the file's own database has
            log.error(issue.file, issue.problem, issue.action, row=issue.row, column=issue.column)
        return _of_database(place, filters)


def _of_other_file(path: Path, log: IssueLog, filters: Filters, layers: Sequence[str]) -> Shapes:
    filters.conditions("sqlite")  # refuses those that make no sense
    conditions = {
        "--region": filters.region,
        "--dates": filters.dates,
        "--where": filters.where,
    }
    if unknown := [option for option, value in conditions.items() if value]:
        raise DatabaseError(
            f"{path}: is neither a database nor an export of one, so {' and '.join(unknown)} cannot be applied to it; "
            f"import it into a database of its own and compare that: tsmu db import {path.name} --database other.gpkg"
        )
    if filters.status:
        log.warning(path, "has no review, so that --status chooses nothing in it", "all its polygons are compared")
    shapes = read_outlines(path, log, layers)
    if filters.min_area is not None:
        shapes = shapes[geodesic_areas(shapes) >= filters.min_area]
    return np.array(filters.within_area(geopandas.GeoDataFrame(geometry=shapes, crs=SRS_ID)).geometry.array, object)
