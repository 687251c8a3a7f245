"""Another landslide database into this one: every row by its id, landslides with their former versions."""

import numpy as np
import pandas as pd
import sqlalchemy as sa

from tsmu.database.files.database_copy import Rows, insert_copied, iter_rows
from tsmu.database.files.known_landslides import ImportResult, insert_new_landslides, rows_by_id
from tsmu.database.schema import TABLES, landslide, landslide_version, merged_observation, merging, review
from tsmu.database.storage import decode
from tsmu.issues import IssueLog


def import_database(
    connection: sa.Connection, source: sa.Connection, name: str, log: IssueLog, taken: ImportResult
) -> None:
    """Insert what is not there yet.

    Of a landslide that is there, its reviews and versions are this database's own; observations of it
    that are new come in.

    Args:
        connection: within a write transaction.
        source: within a read block on the other database.
        name: of the other database, for the issues.
        log: takes the landslides that say something else here.
        taken: counts.
    """
    for table in TABLES:
        if table in (merging, merged_observation):
            continue  # what merging did there cannot be undone here
        row = 1
        for rows in iter_rows(source, table):
            row += len(rows)
            if table is landslide:
                _take(connection, rows, row - len(rows) + 1, name, log, taken)
            elif table in (landslide_version, review):
                owner = "id" if table is landslide_version else "landslide_id"
                own = [one for one in rows if getattr(one, owner) in taken.ids]
                _put(connection, table, own, taken)
            else:
                known = rows_by_id(connection, table, [one.id for one in rows])
                _put(connection, table, [one for one in rows if one.id not in known], taken)


def _put(connection: sa.Connection, table: sa.Table, rows: Rows, taken: ImportResult) -> None:
    if rows:
        taken.count(table, insert_copied(connection, table, rows))


def _take(connection: sa.Connection, rows: Rows, first: int, name: str, log: IssueLog, taken: ImportResult) -> None:
    columns = dict(zip(rows[0]._fields, map(list, zip(*rows, strict=True)), strict=True))
    shapes = decode(columns.pop("geom"))
    values = pd.DataFrame({key: pd.Series(column, dtype=object) for key, column in columns.items()})
    numbers = np.arange(first, first + len(rows)).tolist()
    insert_new_landslides(connection, values, shapes, numbers, name, log, taken)
