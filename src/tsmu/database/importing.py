"""Files into the database, in one transaction: good rows in, the others told; the same file again changes nothing.

- A landslide database (GeoPackage) or a file that `export` wrote: landslides as they are, by their ids.
- STAC items that `export` wrote: scenes, runs and their mapped areas.
- Any other inventory: see `inventories`.
"""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from tsmu.database import inventories, stac
from tsmu.database.absorbing import absorb
from tsmu.database.arrow import COLUMNS
from tsmu.database.flat import Rows, read_flat
from tsmu.database.outlines import clean, geodesic_areas
from tsmu.database.store import Database
from tsmu.database.taking import Taken, take_landslides, with_known_links
from tsmu.database.typed import typed
from tsmu.database.types import now
from tsmu.database.versions import open_database
from tsmu.database.vocabulary import Author, Status
from tsmu.errors import DatabaseError
from tsmu.issues import IssueLog
from tsmu.rowlog import reject_rows
from tsmu.vector_files import divide_layers

AREA = 0.01  # share by which an area may differ from that of its outline, as in `checks`
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def import_file(
    database: Database,
    path: Path,
    log: IssueLog,
    *,
    by: str | None = None,
    looked: Path | None = None,
    layers: Sequence[str] = (),
) -> Taken:
    """Bring a file into the database.

    Args:
        database: open.
        path: the file.
        log: takes what was left out or repaired, with its row.
        by: who drew the polygons of a foreign inventory; by default the inventory's name.
        looked: a file of polygons in which a foreign inventory's author looked for landslides.
        layers: the names of the layers that are read of a foreign inventory and of `looked`; by default all.

    Returns:
        What it brought.

    Raises:
        TsmuError: the file cannot be read or understood; then nothing was changed.
    """
    if not path.exists():
        raise DatabaseError(f"{path}: no such file; check the path")
    taken = Taken()
    if is_database(path):
        if database.path and path.samefile(database.path):
            raise DatabaseError(f"{path}: is this very database; give another file")
        with open_database(path) as source, source.read() as reading, database.write() as connection:
            absorb(connection, reading, path.name, log, taken)
        return taken
    if (items := stac.read_items(path)) is not None:
        with database.write() as connection:
            stac.take_items(connection, items, path.name, log, taken)
        return taken
    rows = read_flat(path, log)
    if rows is None:
        chosen = divide_layers(layers, [path, *([looked] if looked else [])], DatabaseError)
        inventory = inventories.read(path, log, by, looked, chosen)
        with database.write() as connection:
            inventories.take(connection, inventory, log, taken)
        return taken
    with database.write() as connection:
        _take_flat(connection, rows, path, log, taken)
    return taken


def is_database(path: Path) -> bool:
    """Whether a file is a landslide database of tsmu: looked up through sqlite3, never through GDAL."""
    if path.is_dir():  # such as a file geodatabase
        return False
    with path.open("rb") as handle:
        if handle.read(16) != b"SQLite format 3\0":
            return False
    query = "SELECT count(*) FROM sqlite_master WHERE name IN ('landslide', 'observation', 'mapped_area')"
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        try:
            return bool(connection.execute(query).fetchone()[0] == 3)
        except sqlite3.DatabaseError as error:
            raise DatabaseError(f"{path}: is a damaged GeoPackage ({error}); replace it") from None


def _take_flat(connection: sa.Connection, parts: Iterator[Rows], path: Path, log: IssueLog, taken: Taken) -> None:
    seen: dict[str, int] = {}
    default: dict[str, Any] = {"status": Status.CANDIDATE.value, "author": Author.PERSON.value, "changed_at": now()}
    default |= {"changed_by": f"import of {path.name}", "change_reason": f"imported from {path.name}"}
    for part in parts:
        kept, believed = _typed(part, seen, path.name, log)
        places, shapes = clean(part.shapes.iloc[kept], path.name, log, np.array(part.numbers)[kept].tolist())
        believed, numbers = believed.iloc[places], np.array(part.numbers)[kept][places]
        shapes, believed, numbers = _with_areas(shapes, believed, numbers, path.name, log)
        believed = with_known_links(connection, believed, numbers, path.name, log)
        layout = "changed_at" not in part.values
        take_landslides(
            connection, believed, shapes, numbers.tolist(), path.name, log, taken, default=default, silent=layout
        )


def _typed(part: Rows, seen: dict[str, int], name: str, log: IssueLog) -> tuple[list[int], pd.DataFrame]:
    """Rows whose values are what the schema allows: their positions, and the values."""
    values = part.values.assign(version=1)  # the former ones are not in the file
    bad: dict[int, str] = {}
    columns = {}
    for column in COLUMNS:
        if column.name not in values or column.name == "area_m2":
            continue
        columns[column.name], wrong = typed(column, values[column.name])
        bad = {place: f"{column.name} {problem}" for place, problem in wrong.items()} | bad
    for place, landslide_id in enumerate(columns["id"]):
        if landslide_id is None or place in bad:
            continue
        if not _UUID.fullmatch(landslide_id):
            bad[place] = f"id {landslide_id[:60]!r} is no UUID"
        elif seen.setdefault(landslide_id, part.numbers[place]) != part.numbers[place]:
            bad[place] = f"id {landslide_id} stands in row {seen[landslide_id]} already"
    for place, (first, last) in enumerate(zip(*(columns.get(n, []) for n in ("date_min", "date_max")), strict=False)):
        if first and last and first > last:
            bad.setdefault(place, f"date_min {first} is after date_max {last}")
    reject_rows(log, name, None, [part.numbers[place] for place in sorted(bad)], [bad[place] for place in sorted(bad)])
    kept = [place for place in range(len(values)) if place not in bad]
    table = pd.DataFrame({key: pd.Series(column, dtype=object) for key, column in columns.items()}).iloc[kept]
    given = pd.to_numeric(values.get("area_m2", pd.Series(np.nan, index=values.index)), errors="coerce")
    return kept, table.assign(area_m2=given.to_numpy(np.float64)[kept])


def _with_areas(
    shapes: Any, values: pd.DataFrame, numbers: Any, name: str, log: IssueLog
) -> tuple[Any, pd.DataFrame, Any]:
    """Areas as they are given where they are right, else computed; without what has none on the ellipsoid."""
    areas = geodesic_areas(shapes)
    none = areas <= 0
    reject_rows(log, name, None, numbers[none].tolist(), "has no area")
    shapes, values, numbers, areas = shapes[~none], values[~none], numbers[~none], areas[~none]
    given = values["area_m2"].to_numpy(np.float64)
    right = np.abs(given - areas) <= AREA * areas
    for place in np.flatnonzero(~right & ~np.isnan(given)).tolist():
        problem = f"area {given[place]:.6g} m2 is not that of the outline, {areas[place]:.6g}"
        log.warning(name, problem, "computed anew", row=int(numbers[place]), column="area_m2")
    return shapes, values.assign(area_m2=np.where(right, given, areas)), numbers
