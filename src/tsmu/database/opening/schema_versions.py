"""Opens a database, which is made, upgraded or refused by the version of its schema."""

from pathlib import Path

import sqlalchemy as sa

from tsmu.database.opening import first_schema
from tsmu.database.storage import Database, backup, create_triggers, geopackage, postgis, write_new_file
from tsmu.errors import DatabaseError

MIGRATIONS = Path(__file__).parents[1] / "migrations"
FIRST = "0001"


def open_database(target: Path | str, *, create: bool = False) -> Database:
    """Open a landslide database.

    One of an older schema is upgraded in place, in one transaction, after a backup beside it (see
    `Database.backup`).

    Args:
        target: a GeoPackage, or an address `postgresql://user@host/database`.
        create: make it where it is not there yet.

    Raises:
        DatabaseError: it is not there, is something else, is newer than this tsmu, or cannot be opened.

    Example:
        >>> with open_database("new.gpkg", create=True) as records:
        ...     records.backend
        'sqlite'
    """
    if isinstance(target, str) and target.startswith(("postgresql:", "postgresql+psycopg:", "postgres:")):
        return _open_postgis(target, create)
    return _open_geopackage(Path(target), create)


def head() -> str:
    """The newest version of the schema."""
    return max(_versions())


def _versions() -> list[str]:
    """The versions of the schema that migrations make; each migration's file is named after its version."""
    return [path.stem[1:5] for path in (MIGRATIONS / "versions").glob("v[0-9][0-9][0-9][0-9]_*.py")]


def _open_geopackage(path: Path, create: bool) -> Database:
    if not path.exists():
        if not create:
            raise DatabaseError(f"{path}: no such database; tsmu map makes it, or give the right path")
        try:
            with write_new_file(path) as temporary:
                geopackage.create(temporary, head())
        except DatabaseError:
            if not path.exists():  # where it does, another process has made it meanwhile
                raise
    geopackage.require_sqlite(path)
    engine = geopackage.engine(path)
    try:
        return Database(engine, path, backup=_upgrade(Database(engine, path)))
    except BaseException:
        engine.dispose()
        raise


def _open_postgis(address: str, create: bool) -> Database:
    try:
        url = sa.make_url(address)
    except sa.exc.ArgumentError:
        raise DatabaseError(f"{address}: not an address; write postgresql://user@host:port/database") from None
    engine = postgis.engine(url.set(drivername="postgresql+psycopg"))
    try:
        database = Database(engine)
        if create:
            with database.write() as connection:
                if _version(connection) is None:
                    postgis.create(connection, head())
        return Database(engine, backup=_upgrade(database))
    except BaseException:
        engine.dispose()
        raise


def _version(connection: sa.Connection) -> str | None:
    """The version of a database's schema; None where it is none of ours."""
    tables = sa.inspect(connection).get_table_names()
    if "alembic_version" in tables:
        return str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar())
    return FIRST if first_schema.is_first_schema(connection) else None


def _upgrade(database: Database) -> Path | None:
    """Upgrade an older database and name the backup; None where it was up to date."""
    with database.read() as connection:
        version = _version(connection)
    if version == head():
        return None
    _check_known(database, version)
    saved: Path | None = None
    with database.write() as connection:
        if (version := str(_version(connection))) == head():  # another process was quicker
            return None
        saved = backup(database, f"schema-{version}")
        if version == FIRST:
            first_schema.upgrade_first_schema(connection, head())
        else:
            from alembic import command  # takes long to load, and few databases need it
            from alembic.config import Config

            config = Config()
            config.set_main_option("script_location", str(MIGRATIONS))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            create_triggers(connection)
    database.close()
    return saved


def _check_known(database: Database, version: str | None) -> None:
    if version is None:
        raise DatabaseError(f"{database.name}: not a landslide database of tsmu; give another path or address")
    if version not in {*_versions(), FIRST}:
        raise DatabaseError(
            f"{database.name}: its schema {version} is newer than this tsmu knows (up to {head()}); update tsmu"
        )
