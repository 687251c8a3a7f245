"""Backups: the database as it is at one moment, while others may write."""

import os
import time
from itertools import chain, count
from pathlib import Path

from tsmu.database.storage import geopackage, postgis
from tsmu.database.storage.database import Database
from tsmu.database.storage.new_file import write_new_file
from tsmu.errors import DatabaseError


def backup(database: Database, label: str = "backup", to: Path | None = None) -> Path:
    """Save the database as it is at one moment; others may go on writing.

    Args:
        database: open.
        label: goes into the name that is chosen where `to` is not given: beside the GeoPackage, or
            in the current folder for a server.
        to: a path where nothing is yet.

    Returns:
        The copy: a GeoPackage, or for a server a file for `pg_restore`.

    Raises:
        DatabaseError: the place is not free or cannot be written, or a server's pg_dump is missing or fails.

    Example:
        >>> backup(database, to=Path("landslides.before-merging.gpkg")).name
        'landslides.before-merging.gpkg'
    """
    if to is None:
        folder, stem, kind = Path.cwd(), str(database.engine.url.database), "dump"
        if database.path:
            folder, stem, kind = database.path.parent, database.path.stem, "gpkg"
        if not os.access(folder, os.W_OK):
            raise DatabaseError(f"{folder}: this folder cannot be written; name another place with --out FILE")
        to = _free(folder / f"{stem}.{label}.{time.strftime('%Y%m%dT%H%M%S')}.{kind}")
    with write_new_file(to) as temporary:
        if database.path:
            geopackage.copy_to(database.path, temporary)
        else:
            postgis.backup(database.engine.url, temporary)
    return to


def _free(path: Path) -> Path:
    """The path, or with a number before its ending where something is there already, of the same second."""
    numbered = (path.with_suffix(f".{number}{path.suffix}") for number in count(2))
    return next(one for one in chain([path], numbered) if not one.exists())
