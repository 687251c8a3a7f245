"""Files that a database writes where nothing is yet."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from tsmu.errors import DatabaseError
from tsmu.files import atomic_write, remove

_SQLITE_SUFFIXES = ("-journal", "-wal", "-shm")  # of the files that SQLite keeps beside a database while it is open


@contextmanager
def write_new_file(path: Path) -> Iterator[Path]:
    """Write a file under a hidden name beside it, and rename it when the block succeeds; nothing is ever replaced.

    When the block fails nothing is left of it, and the error names the file as it would have been called.

    Args:
        path: a place where nothing is yet.

    Yields:
        The temporary path.

    Raises:
        DatabaseError: the place is not free, another process wrote a file there meanwhile, or SQLite cannot write it.

    Example:
        >>> with write_new_file(Path("areas.csv")) as temporary:
        ...     _ = temporary.write_text("area_m2")
        >>> with write_new_file(Path("areas.csv")) as temporary:
        ...     pass
        Traceback (most recent call last):
        tsmu.errors.DatabaseError: areas.csv: exists already; name a new file
    """
    require_free(path)
    try:
        with atomic_write(path, replace=False) as temporary, _failures_of(path, temporary):
            yield temporary
    except FileExistsError:
        require_free(path)
        raise


def require_free(path: Path) -> None:
    """Refuse a place where something is already.

    Raises:
        DatabaseError: the place is not free.

    Example:
        >>> require_free(Path("not-there.gpkg"))
    """
    if path.exists():
        raise DatabaseError(f"{path}: exists already; name a new file")


def cannot_write(path: Path, reason: object) -> DatabaseError:
    """The error for a file that cannot be written, with the room that there is.

    Example:
        >>> str(cannot_write(Path("saved.gpkg"), "database or disk is full"))
        'saved.gpkg: cannot be written (database or disk is full; ... MB are free there); make room there, or name ...'
    """
    folder = next(folder for folder in path.absolute().parents if folder.exists())
    free = shutil.disk_usage(folder).free / 1e6
    text = " ".join(str(reason).split())
    return DatabaseError(
        f"{path}: cannot be written ({text}; {free:.1f} MB are free there); make room there, or name another place"
    )


@contextmanager
def _failures_of(path: Path, temporary: Path) -> Iterator[None]:
    """Name the file in what goes wrong, and remove what SQLite has left beside the temporary one."""
    try:
        yield
    except BaseException as error:
        for suffix in _SQLITE_SUFFIXES:
            remove(Path(f"{temporary}{suffix}"))
        if isinstance(error, sqlite3.Error):
            raise cannot_write(path, error) from error
        if isinstance(error, sa.exc.DBAPIError):
            raise cannot_write(path, error.orig) from error
        if isinstance(error, DatabaseError) and str(temporary) in str(error):
            raise type(error)(str(error).replace(str(temporary), str(path))) from error
        raise
