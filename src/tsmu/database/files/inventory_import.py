"""An inventory of others into the database where a person says which of its columns is what."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tsmu.database.files import stac_items
from tsmu.database.files.flat_files import read_flat
from tsmu.database.files.foreign_inventories import insert_inventory, read_inventory
from tsmu.database.files.importer import is_landslide_database
from tsmu.database.files.known_landslides import ImportResult
from tsmu.database.storage import Database
from tsmu.errors import DatabaseError
from tsmu.issues import IssueLog
from tsmu.vectors import divide_layers


def import_inventory_with_columns(
    database: Database,
    path: Path,
    columns: Mapping[str, str],
    log: IssueLog,
    *,
    by: str | None = None,
    mapped_area: Path | None = None,
    layers: Sequence[str] = (),
) -> ImportResult:
    r"""Bring an inventory of others into the database, as `import_file` does, with the columns that a person names.

    Args:
        database: open.
        path: the file.
        columns: column by role (`tsmu.inventory.ROLES`), where the guess is wrong.
        log: takes what was left out or repaired, with its row.
        by: who drew the polygons; by default the inventory's name.
        mapped_area: a file of polygons in which the author looked for landslides.
        layers: the names of the layers that are read of the inventory and of `mapped_area`; by default all.

    Returns:
        What it brought.

    Raises:
        TsmuError: the file cannot be read or understood, or tsmu wrote it; then nothing was changed.

    Example:
        >>> Path("points.csv").write_text("id,northing,easting\n1,46.2,8.1\n")
        31
        >>> columns = {"latitude": "northing", "longitude": "easting"}
        >>> import_inventory_with_columns(database, Path("points.csv"), columns, log).added
        {'event': 1}
    """
    if not path.exists():
        raise DatabaseError(f"{path}: no such file; check the path")
    if is_landslide_database(path) or stac_items.read_items(path) is not None or read_flat(path, IssueLog(path)):
        raise DatabaseError(f"{path}: was written by tsmu, which knows its columns; leave --columns out")
    layers_of = divide_layers(layers, [path, *([mapped_area] if mapped_area else [])], DatabaseError)
    inventory = read_inventory(path, log, by, mapped_area, layers_of, columns)
    result = ImportResult()
    with database.write() as connection:
        insert_inventory(connection, inventory, log, result)
    return result
