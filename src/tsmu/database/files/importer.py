"""Files into the database, in one transaction: good rows come in, bad ones are reported.

The same file again changes nothing.

- A landslide database (GeoPackage) or a file that `export` wrote, zipped, renamed or in another format too:
  landslides as they are, by their ids.
- STAC items that `export` wrote: scenes, runs and their mapped areas.
- Any other inventory: see `inventory_reading` and `foreign_inventories`.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from tsmu.database.files import stac_items
from tsmu.database.files.database_copy import Rows, insert_copied, iter_rows
from tsmu.database.files.flat_files import FileRows, read_flat
from tsmu.database.files.flat_rows import insert_flat_rows
from tsmu.database.files.foreign_inventories import insert_inventory
from tsmu.database.files.inventory_reading import ForeignInventory, read_inventory
from tsmu.database.files.known_landslides import (
    LEFT_OUT,
    FileLandslides,
    ImportResult,
    insert_new_landslides,
    rows_by_id,
)
from tsmu.database.files.shared_histories import SharedHistories, compare_histories, write_added_versions
from tsmu.database.opening import open_database
from tsmu.database.schema import (
    TABLES,
    area_landslide,
    area_reviewer,
    landslide,
    landslide_version,
    merged_observation,
    merging,
    observation,
    review,
    review_area,
)
from tsmu.database.storage import Database, decode, geopackage
from tsmu.errors import DatabaseError
from tsmu.issues import IssueLog
from tsmu.tabular import TABLE_SUFFIXES
from tsmu.vectors import ZIP_SUFFIX, divide_layers, find_vector_files, unpack_archive

Insert = Callable[[Database, ImportResult], None]
"""Brings what was read of a file into a database, in one transaction, and counts the rows."""


def import_file(
    database: Database,
    path: Path,
    log: IssueLog,
    *,
    by: str | None = None,
    mapped_area: Path | None = None,
    layers: Sequence[str] = (),
    columns: Mapping[str, str] | None = None,
) -> ImportResult:
    r"""Bring a file into the database.

    Args:
        database: open.
        path: the file.
        log: takes what was left out or repaired, with its row.
        by: who drew the polygons of a foreign inventory; by default the inventory's name.
        mapped_area: a file of polygons in which a foreign inventory's author looked for landslides.
        layers: the names of the layers that are read of a foreign inventory and of `mapped_area`; by default all.
        columns: column of a foreign inventory by role (`tsmu.inventory.ROLES`), where the guess is wrong.

    Returns:
        What it brought.

    Raises:
        TsmuError: the file cannot be read or understood, or columns are named of a file that tsmu wrote; then nothing
            was changed.

    Example:
        >>> export(database, Path("landslides.parquet"), log)
        12
        >>> with open_database("other.gpkg", create=True) as other:
        ...     import_file(other, Path("landslides.parquet"), log).added
        {'landslide': 12}
        >>> Path("points.csv").write_text("id,northing,easting\n1,46.2,8.1\n")
        31
        >>> columns = {"latitude": "northing", "longitude": "easting"}
        >>> import_file(database, Path("points.csv"), log, columns=columns).added
        {'event': 1}
    """
    with read_import(path, log, by=by, mapped_area=mapped_area, layers=layers, columns=columns) as store:
        return store(database)


@contextmanager
def read_import(
    path: Path,
    log: IssueLog,
    *,
    by: str | None = None,
    mapped_area: Path | None = None,
    layers: Sequence[str] = (),
    columns: Mapping[str, str] | None = None,
) -> Iterator[Callable[[Database], ImportResult]]:
    """Read a file for a database that may not exist yet, so that none is made for a file that cannot be read.

    The arguments and errors are those of `import_file`.

    Yields:
        A function that brings what was read into a database and returns what it brought; for use within the block.

    Example:
        >>> export(database, Path("sent.parquet"), log)
        12
        >>> with read_import(Path("sent.parquet"), log) as store:
        ...     with open_database("new.gpkg", create=True) as new:
        ...         store(new).added
        {'landslide': 12}
    """
    if not path.exists():
        raise DatabaseError(f"{path}: no such file; check the path")
    if columns and is_written_by_tsmu(path):
        raise DatabaseError(f"{path}: was written by tsmu, which knows its columns; leave --columns out")
    with ExitStack() as unpacked:
        insert = None if columns else _read_export(path, log, unpacked)
        if insert is None:
            layers_of = divide_layers(layers, [path, *([mapped_area] if mapped_area else [])], DatabaseError)
            inventory = read_inventory(path, log, by, mapped_area, layers_of, columns)
            insert = partial(_insert_inventory, inventory, log)

        def store(database: Database) -> ImportResult:
            result = ImportResult()
            insert(database, result)
            return result

        yield store


def _read_export(path: Path, log: IssueLog, unpacked: ExitStack) -> Insert | None:
    """Read a file that tsmu wrote, or a zip archive of one; None where it is another one.

    Args:
        path: the file.
        log: takes what is left out.
        unpacked: keeps the content of an archive until it is stored.

    Raises:
        DatabaseError: an archive holds such a file and others.
    """
    if path.suffix.lower() != ZIP_SUFFIX:
        return _read_exported_file(path, path.name, log)
    folder = unpacked.enter_context(unpack_archive(path, DatabaseError))
    unpacked.enter_context(_named_by_archive(folder, path))
    files = _tables_and_layers(folder)
    if len(files) == 1:
        return _read_exported_file(files[0], f"{path.name}/{files[0].relative_to(folder).as_posix()}", log)
    if exported := [file.relative_to(folder).as_posix() for file in files if _is_exported_file(file)]:
        raise DatabaseError(
            f"{path}: tsmu wrote {exported[0]}, and there are other files; unpack it, import each alone"
        )
    return None


@contextmanager
def _named_by_archive(folder: Path, archive: Path) -> Iterator[None]:
    """Name an archive in errors, instead of the temporary folder into which it was unpacked."""
    try:
        yield
    except DatabaseError as error:
        raise DatabaseError(str(error.args[0]).replace(f"{folder}", f"{archive}")) from None


def is_written_by_tsmu(path: Path) -> bool:
    """Whether a file, or one in a zip archive, is a landslide database or an export of one.

    Raises:
        DatabaseError: it is one, and damaged.
    """
    if not path.is_file():  # such as a file geodatabase, which is a folder
        return False
    if path.suffix.lower() != ZIP_SUFFIX:
        return _is_exported_file(path)
    with unpack_archive(path, DatabaseError) as folder:
        return any(map(_is_exported_file, _tables_and_layers(folder)))


def _tables_and_layers(folder: Path) -> list[Path]:
    """The tables and the files of map layers in a folder and below it."""
    tables = [file for file in folder.rglob("*") if file.suffix.lower() in TABLE_SUFFIXES and file.is_file()]
    return sorted([*tables, *find_vector_files(folder)])


def _is_exported_file(path: Path) -> bool:
    """Whether tsmu wrote a file, which is no archive."""
    if is_landslide_database(path) or stac_items.read_items(path) is not None:
        return True
    return read_flat(path, IssueLog(path)) is not None


def _read_exported_file(path: Path, name: str, log: IssueLog) -> Insert | None:
    """Read a file that tsmu wrote, which messages call by a name; None where it is another one."""
    if is_landslide_database(path):
        return partial(_insert_database, path, name, log)
    if (items := stac_items.read_items(path)) is not None:
        return partial(_insert_items, items, name, log)
    rows = read_flat(path, log)
    return None if rows is None else partial(_insert_rows, rows, name, log)


def _insert_inventory(inventory: ForeignInventory, log: IssueLog, database: Database, result: ImportResult) -> None:
    with database.write() as connection:
        insert_inventory(connection, inventory, log, result)


def _insert_database(path: Path, name: str, log: IssueLog, database: Database, result: ImportResult) -> None:
    if database.path and path.samefile(database.path):
        raise DatabaseError(f"{path}: is this very database; give another file")
    with open_database(path) as other, other.read() as source, database.write() as connection:
        _import_database(connection, source, name, log, result)


def _insert_items(items: list[Any], name: str, log: IssueLog, database: Database, result: ImportResult) -> None:
    with database.write() as connection:
        stac_items.import_items(connection, items, name, log, result)


def _insert_rows(rows: Iterator[FileRows], name: str, log: IssueLog, database: Database, result: ImportResult) -> None:
    with database.write() as connection:
        insert_flat_rows(connection, rows, name, log, result)


def is_landslide_database(path: Path) -> bool:
    """Whether a file is a landslide database of tsmu; sqlite3 looks, never GDAL."""
    if path.is_dir():  # such as a file geodatabase
        return False
    with path.open("rb") as handle:
        if handle.read(16) != b"SQLite format 3\0":
            return False
    query = "SELECT count(*) FROM sqlite_master WHERE name IN ('landslide', 'observation', 'mapped_area')"
    with closing(sqlite3.connect(geopackage.read_address(path), uri=True)) as connection:
        try:
            return bool(connection.execute(query).fetchone()[0] == 3)
        except sqlite3.OperationalError as error:
            advice = geopackage.access_advice(path, str(error)) or f"cannot be read ({error}); check its permissions"
            raise DatabaseError(f"{path}: {advice}") from None
        except sqlite3.DatabaseError as error:
            raise DatabaseError(f"{path}: is a damaged GeoPackage ({error}); replace it") from None


def _import_database(
    connection: sa.Connection, source: sa.Connection, name: str, log: IssueLog, result: ImportResult
) -> None:
    """Insert the rows of another landslide database that this one does not have.

    Of a landslide that both have, new observations come in, and newer versions and review entries where only the
    other database has gone on from what both share (see `shared_histories`).

    Args:
        connection: within a `Database.write` block.
        source: within a `Database.read` block of the other database.
        name: of the other database, for the issues.
        log: takes the landslides that say something else here.
        result: counts rows.
    """
    histories = compare_histories(connection, source)
    for table in TABLES:
        if table in (merging, merged_observation, review_area, area_reviewer, area_landslide):
            continue  # what merging did in the other database cannot be undone here; who reviews what is said here
        first = 1
        for rows in iter_rows(source, table):
            if table is landslide:
                landslides = _file_landslides(rows, first)
                landslides = _without_settled(landslides, histories, name, log, result)
                insert_new_landslides(connection, landslides, name, log, result)
            else:
                new = _new_rows(connection, table, rows, histories, result)
                if new:
                    result.count(table, insert_copied(connection, table, new))
            first += len(rows)
        if table is landslide and histories.added:  # they may have gone into landslides that are new
            result.count(landslide_version, write_added_versions(connection, histories))
            result.continued = len(histories.added)


def _without_settled(
    landslides: FileLandslides, histories: SharedHistories, name: str, log: IssueLog, result: ImportResult
) -> FileLandslides:
    """Those that are new or to be compared: not those whose histories say already what becomes of them."""
    ids = landslides.values["id"]
    for landslide_id, number in zip(ids, landslides.numbers.tolist(), strict=True):
        if landslide_id in histories.left_out:
            log.error(name, histories.left_out[landslide_id], LEFT_OUT, row=number)
    is_behind = ids.isin(histories.behind - histories.left_out.keys())
    result.unchanged += int(is_behind.sum())
    is_settled = is_behind | ids.isin(histories.left_out.keys() | histories.added.keys())
    return landslides[~is_settled.to_numpy(bool)]


def _new_rows(
    connection: sa.Connection, table: sa.Table, rows: Rows, histories: SharedHistories, result: ImportResult
) -> Rows:
    """Rows that the database does not have, but for those of landslides that stay as they are here."""
    if table is landslide_version:  # those of known landslides are kept as newer ones are written
        return [row for row in rows if row.id in result.ids]
    known = rows_by_id(connection, table, [row.id for row in rows])
    rows = [row for row in rows if row.id not in known]
    if table is observation:
        return [row for row in rows if row.landslide_id not in histories.absent]
    if table is review:
        rows = [row for row in rows if row.landslide_id not in histories.left_out]
        about = [row.observation_id for row in rows if row.observation_id]
        here = {None, *rows_by_id(connection, observation, about)}
        return [row for row in rows if row.observation_id in here]  # the others are about what is left out
    return rows


def _file_landslides(rows: Rows, first: int) -> FileLandslides:
    columns = dict(zip(rows[0]._fields, map(list, zip(*rows, strict=True)), strict=True))
    outlines = decode(columns.pop("geom"))
    values = pd.DataFrame({name: pd.Series(column, dtype=object) for name, column in columns.items()})
    return FileLandslides(values, outlines, np.arange(first, first + len(rows)))
