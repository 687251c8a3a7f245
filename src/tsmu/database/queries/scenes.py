"""Which scenes the database holds."""

from typing import Any

import geopandas
import sqlalchemy as sa

from tsmu.database.schema import record_columns, scene
from tsmu.database.storage import Database, read_frame
from tsmu.errors import MissingRecordError


def scenes(database: Database) -> geopandas.GeoDataFrame:
    """All scenes by name, with the columns that docs/schema.md lists, without `fid`.

    Example:
        >>> scenes(database)["name"].tolist()
        ['ridge']
    """
    with database.read() as connection:
        return read_frame(connection, sa.select(*record_columns(scene)).order_by(scene.c.name, scene.c.fid))


def scene_by_id(database: Database, scene_id: str) -> dict[str, Any]:
    """One scene's row without its footprint.

    Raises:
        MissingRecordError: there is no scene of that id.

    Example:
        >>> scene_by_id(database, scene_id)["post"]
        'ridge.tif'
    """
    query = sa.select(*record_columns(scene, geometry=False)).where(scene.c.id == scene_id)
    with database.read() as connection:
        row = connection.execute(query).mappings().first()
    if row is None:
        raise MissingRecordError(f"no scene {scene_id}; look at the list of scenes")
    return dict(row)
