"""An open landslide database, a GeoPackage or a PostGIS server, and its transactions."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import sqlalchemy as sa

from tsmu.database.storage import geopackage, postgis
from tsmu.database.storage.geometry import Backend
from tsmu.errors import DatabaseBusyError, DatabaseError

log = logging.getLogger("tsmu.database")

CHECKPOINT_EVERY_S = 1.0


class Database:
    """An open landslide database; `open_database` makes it, the end of its `with` block closes it.

    On both backends there is one writer at a time, and other writers wait for it. Readers never wait, and
    see the database as it was when their block began.

    Attributes:
        name: path, or address without its password.
        path: the GeoPackage; None for a server.
        backup: the copy that was made before this opening upgraded the database; else None.
        backend: "sqlite" for a GeoPackage, "postgresql" for a server.

    Example:
        >>> with database.read() as connection:
        ...     numbers = connection.execute(sa.select(landslide_table.c.version)).scalars().all()
        >>> set(numbers)
        {1}
    """

    def __init__(self, engine: sa.Engine, path: Path | None = None, backup: Path | None = None) -> None:
        self.engine, self.path, self.backup = engine, path, backup
        self.name = str(path) if path else engine.url.render_as_string(hide_password=True)
        self.backend: Backend = "postgresql" if path is None else "sqlite"
        self._changed = self._has_log = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the database; what was written to a GeoPackage then lies in the one file."""
        try:
            if self._changed and self.path:
                with self._as_database_error():
                    geopackage.checkpoint(self.engine)
        finally:
            self.engine.dispose()

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Give a connection that reads in one transaction.

        Raises:
            DatabaseError: the database cannot be read.
        """
        with self._as_database_error(), self.engine.connect() as connection:
            if self.path is None:
                connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            else:
                connection.exec_driver_sql("BEGIN")
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Give a connection that writes in one transaction: committed when the block succeeds, else rolled back.

        Raises:
            DatabaseBusyError: another program has been writing for too long.
            DatabaseError: the database cannot be written, or refuses a record that breaks its rules.
        """
        with self._as_database_error(), self.engine.connect() as connection:
            if self.path is None:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(postgis.WRITER_LOCK)))
            else:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection
            connection.commit()
            self._changed = self._has_log = True

    @contextmanager
    def keep_in_file(self) -> Iterator[None]:
        """While the block runs, move what is written through this object into a GeoPackage's one file, every second.

        Otherwise it lies in the log beside the file until the database is closed, and a copy of the file alone lacks
        it. Nobody waits for it; of what a reader still needs the move goes on a second later.
        """
        ended = threading.Event()

        def run() -> None:
            while not ended.wait(CHECKPOINT_EVERY_S):
                try:
                    self._move_log()
                except DatabaseError as error:
                    log.warning("%s", error)

        thread = threading.Thread(target=run, name="checkpoints", daemon=True)
        if self.path:
            thread.start()
        try:
            yield
        finally:
            ended.set()
            if self.path:
                thread.join()

    def _move_log(self) -> None:
        """Move the log into the file, as far as nobody needs it, where this object has written since the last time."""
        if self._has_log:
            self._has_log = False  # before, as others may write meanwhile
            with self._as_database_error():
                self._has_log |= not geopackage.move_log(self.engine)

    @contextmanager
    def _as_database_error(self) -> Iterator[None]:
        """Turn a driver's error into one line that names the database and says what to do."""
        try:
            yield
        except sa.exc.DBAPIError as error:
            kind = DatabaseBusyError if "locked" in str(error.orig) else DatabaseError
            raise kind(f"{self.name}: {_advice(error, self.path)}") from error
        except UnicodeEncodeError as error:
            character = f"{error.object[error.start : error.end]!a}"
            raise DatabaseError(f"{self.name}: a text has {character}, half of a character; correct it") from error


def _advice(error: sa.exc.DBAPIError, path: Path | None) -> str:
    message = str(error.orig).strip().splitlines()[0]
    if path and (advice := geopackage.access_advice(path, message)):
        return advice
    if "locked" in message:
        return f"another program has been writing for {geopackage.BUSY_SECONDS:.0f} s; end it, or try again"
    if isinstance(error, sa.exc.IntegrityError):
        return f"{message}; the database refuses a record that breaks its rules, nothing was written"
    if "user-defined function" in message:
        return "an outline is damaged; find it with: tsmu db check"
    if "malformed" in message or "not a database" in message:
        return f"{message}; restore it from a backup"
    return f"{message}; check that it can be reached, is a database of tsmu, and has room"
