"""A database, or the landslides that fulfil conditions and what belongs to them, into another database."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import shapely
import sqlalchemy as sa
from shapely.geometry.base import BaseGeometry

from tsmu.database.opening import open_database
from tsmu.database.queries import EVERYTHING, Filters
from tsmu.database.schema import (
    TABLES,
    area_landslide,
    event,
    has_shape,
    landslide,
    landslide_version,
    mapped_area,
    merged_observation,
    merging,
    observation,
    record_columns,
    review,
    run,
    scene,
)
from tsmu.database.storage import Database, decode, insert_features, write_new_file
from tsmu.errors import DatabaseError

Rows = list[sa.Row[Any]]
ROWS_AT_ONCE = 20_000  # held in memory


def copy(source: Database, target: Path | str, filters: Filters = EVERYTHING) -> dict[str, int]:
    """Copy into a new database of either kind, whole or not at all; ids stay.

    Without conditions everything is copied; with them the landslides that fulfil them
    and what belongs to these: versions, events, observations, the scenes, runs and mapped areas of
    these, and review entries, but not those about an observation that is another landslide's.

    Args:
        source: open; it may be written to meanwhile, what is copied is one moment of it.
        target: a path where nothing is yet, or the address of a server's database that has no rows of ours.
        filters: which landslides.

    Returns:
        Rows by table.

    Raises:
        DatabaseError: the target is not free.

    Example:
        >>> copy(database, Path("copy.gpkg"), Filters(region="alps"))["landslide"]
        12
    """
    if isinstance(target, str):
        with open_database(target, create=True) as opened:
            return _copy(source, opened, filters)
    with write_new_file(target) as temporary, open_database(temporary, create=True) as opened:
        return _copy(source, opened, filters)


def _copy(source: Database, target: Database, filters: Filters) -> dict[str, int]:
    copied: dict[str, int] = {}
    conditions, area = filters.conditions(source.backend), filters.area
    belonging = _belonging_rows(conditions) if conditions else {}
    chosen = sa.select(landslide.c.id).where(*conditions) if conditions else None
    kept: set[str] = set()  # ids of the landslides that touch the area, where one is asked for
    with source.read() as reading, target.write() as writing:
        merge_targets = set(reading.execute(sa.select(landslide.c.merged_into).where(*conditions)).scalars())
        for table in TABLES:
            if writing.execute(sa.select(table.c.fid).limit(1)).first():
                raise DatabaseError(f"{target.name}: has rows in {table.name} already; copy into an empty database")
        for table in TABLES:
            copied[table.name] = 0
            for rows in iter_rows(reading, table, belonging.get(table), chosen):
                if area is not None:
                    rows = _rows_in_area(table, rows, area, kept, merge_targets)
                if rows:
                    copied[table.name] += insert_copied(writing, table, rows)
    return copied


def _belonging_rows(conditions: list[sa.ColumnElement[bool]]) -> dict[sa.Table, sa.ColumnElement[bool]]:
    """Which rows of each table belong to the landslides that fulfil conditions."""
    ids = sa.select(landslide.c.id).where(*conditions)
    observations = sa.select(observation.c.id).where(observation.c.landslide_id.in_(ids))
    scenes = sa.select(observation.c.scene_id).where(observation.c.landslide_id.in_(ids))
    of_own_observations = sa.or_(review.c.observation_id.is_(None), review.c.observation_id.in_(observations))
    return {
        event: event.c.id.in_(sa.select(landslide.c.event_id).where(*conditions)),
        scene: scene.c.id.in_(scenes),
        run: run.c.scene_id.in_(scenes),
        mapped_area: mapped_area.c.scene_id.in_(scenes),
        landslide: sa.and_(*conditions),
        landslide_version: landslide_version.c.id.in_(ids),
        observation: observation.c.landslide_id.in_(ids),
        review: sa.and_(review.c.landslide_id.in_(ids), of_own_observations),
        area_landslide: area_landslide.c.landslide_id.in_(ids),
        merging: sa.false(),  # a part of what a merging did cannot be undone
        merged_observation: sa.false(),
    }


def _rows_in_area(table: sa.Table, rows: Rows, area: BaseGeometry, kept: set[str], merge_targets: set[str]) -> Rows:
    """Landslides that touch the area itself, and what belongs to them; the spatial index returns a few too many.

    Landslides into which others were merged stay, because the others name them.
    """
    if table is landslide:
        touch = shapely.intersects(area, decode([row.geom for row in rows]))
        rows = [row for row, yes in zip(rows, touch, strict=True) if yes or row.id in merge_targets]
        kept.update(row.id for row in rows)
    elif table is landslide_version:
        return [row for row in rows if row.id in kept]
    elif "landslide_id" in table.columns:
        return [row for row in rows if row.landslide_id in kept]
    return rows


def iter_rows(
    connection: sa.Connection,
    table: sa.Table,
    condition: sa.ColumnElement[bool] | None = None,
    chosen: sa.Select[tuple[str]] | None = None,
) -> Iterator[Rows]:
    """The rows of a table, without their `fid`, some at a time.

    Args:
        connection: within a `Database.read` block.
        table: one of the schema's.
        condition: which rows.
        chosen: the landslides that come along; a link to one that does not is left out.
    """
    columns: list[sa.ColumnElement[Any]] = list(record_columns(table))
    if chosen is not None and "merged_into" in table.columns:
        link = sa.case((table.c.merged_into.in_(chosen), table.c.merged_into)).label("merged_into")
        columns = [link if column is table.c.merged_into else column for column in columns]
    query = sa.select(*columns).order_by(table.c.fid)
    if condition is not None:
        query = query.where(condition)
    result = connection.execution_options(yield_per=ROWS_AT_ONCE).execute(query)
    for part in result.partitions():
        yield list(part)


def insert_copied(connection: sa.Connection, table: sa.Table, rows: Rows) -> int:
    """Insert rows that came from `iter_rows`, and return their number."""
    if not has_shape(table):
        connection.execute(sa.insert(table), [dict(row._mapping) for row in rows])
        return len(rows)
    columns = dict(zip(rows[0]._fields, map(list, zip(*rows, strict=True)), strict=True))
    return insert_features(connection, table, columns, decode(columns.pop("geom")))
