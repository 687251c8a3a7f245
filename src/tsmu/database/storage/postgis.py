"""A landslide database on a PostgreSQL server with PostGIS, by its address `postgresql://user@host/database`."""

import os
import shutil
import subprocess
from pathlib import Path

import sqlalchemy as sa

from tsmu.database.storage.triggers import create_tables_and_triggers
from tsmu.errors import DatabaseError

WRITER_LOCK = 0x74736D75  # "tsmu"; held by a writing transaction, so that writers wait and never deadlock


def engine(url: sa.URL) -> sa.Engine:
    """An engine on a PostgreSQL server."""
    return sa.create_engine(url, connect_args={"options": "-c timezone=utc"}, pool_pre_ping=True)


def create(connection: sa.Connection, revision: str) -> None:
    """Make the schema in a database where it is not yet, within the connection's transaction."""
    try:
        with connection.begin_nested():
            connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS postgis")
    except sa.exc.DBAPIError as error:
        raise DatabaseError(
            f"{connection.engine.url.database}: has no PostGIS and this user may not add it "
            f"({str(error.orig).splitlines()[0]}); let an administrator run: CREATE EXTENSION postgis"
        ) from error
    create_tables_and_triggers(connection)
    connection.exec_driver_sql("CREATE TABLE alembic_version (version_num TEXT NOT NULL PRIMARY KEY)")
    connection.execute(sa.text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revision})


def backup(url: sa.URL, to: Path) -> None:
    """Write what `pg_restore` takes, by `pg_dump` of this machine.

    Raises:
        DatabaseError: there is no pg_dump, or it fails.
    """
    program = shutil.which("pg_dump")
    if program is None:
        raise DatabaseError("pg_dump: not found; install PostgreSQL's client programs, they make the backup")
    # The password goes by the environment, where other users do not see it.
    password = {"PGPASSWORD": url.password} if url.password else {}
    address = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    command = [program, "--format=custom", f"--file={to}", f"--dbname={address}"]
    done = subprocess.run(command, env=os.environ | password, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DatabaseError(f"{url.database}: pg_dump fails ({done.stderr.strip().splitlines()[-1]})")
