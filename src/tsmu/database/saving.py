"""Backups: the database as it is at one moment, while others may write."""

import time
from pathlib import Path

from tsmu.database import geopackage, postgis
from tsmu.database.store import Database
from tsmu.errors import DatabaseError
from tsmu.files import written_whole


def save(database: Database, label: str = "backup", to: Path | None = None) -> Path:
    """Save the database.

    Args:
        database: open.
        label: goes into the name that is chosen where `to` is not given: beside the GeoPackage, or
            in the current folder for a server.
        to: a path where nothing is yet.

    Returns:
        The copy: a GeoPackage, or for a server a file for `pg_restore`.

    Raises:
        DatabaseError: the place is not free, or a server's pg_dump is missing or fails.
    """
    stamp = time.strftime("%Y%m%dT%H%M%S")
    if to is None and database.path:
        to = database.path.with_name(f"{database.path.stem}.{label}.{stamp}.gpkg")
    to = to or Path(f"{database.engine.url.database}.{label}.{stamp}.dump").resolve()
    if to.exists():
        raise DatabaseError(f"{to}: is there already; name a new file")
    with written_whole(to) as temporary:
        if database.path:
            geopackage.backup(database.path, temporary)
        else:
            postgis.backup(database.engine.url, temporary)
    return to
