"""Tells the files that `export` wrote from those of others."""

from pathlib import Path

from tsmu.database.files.flat_files import GDAL_SUFFIXES, read_flat
from tsmu.issues import IssueLog

_WITH_STATUS = {*GDAL_SUFFIXES, ".parquet"}  # the layouts of CSV files have none


def is_exported_file(path: Path) -> bool:
    """Whether a file holds landslides with all that `export` says of them, such as their status.

    Raises:
        DatabaseError: it is damaged.
    """
    return path.suffix.lower() in _WITH_STATUS and path.is_file() and read_flat(path, IssueLog(path)) is not None
