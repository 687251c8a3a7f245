"""The landslide table, first version: candidates that a mapping run found."""

import uuid
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import geopandas
import pandas as pd
import sqlalchemy as sa
from shapely.geometry import MultiPolygon

from tsmu.database.geopackage import SRS_ID, connect, create_layer, encode
from tsmu.errors import DatabaseError

LAYER = "landslides"
COLUMNS = {
    "id": "str",  # UUID
    "region": "str",
    "scene": "str",
    "bundle": "str",  # version and digest
    "date_pre": "str",  # ISO 8601, empty where unknown
    "date_post": "str",
    "area_m2": "float64",  # geodesic, WGS 84
    "max_probability": "float64",
    "mean_probability": "float64",
    "threshold": "int64",  # whole percent
    "status": "str",  # candidate until somebody decides
    "created": "str",  # UTC, ISO 8601
}
TABLE = sa.table(LAYER, sa.column("geom", sa.LargeBinary), *(sa.column(name) for name in COLUMNS))


@dataclass(frozen=True)
class MappedBy:
    """Where a set of candidates comes from; dates are ISO 8601 or None."""

    scene: str
    bundle: str
    region: str
    threshold: int
    date_pre: str | None = None
    date_post: str | None = None


def add_candidates(path: Path, polygons: geopandas.GeoDataFrame, source: MappedBy) -> int:
    """Put a scene's polygons into the database in one transaction; the file is made if need be.

    Candidates of the same scene and bundle are replaced, so mapping a scene again adds nothing
    twice. Records with another status are never touched.

    Args:
        path: the GeoPackage.
        polygons: any CRS; columns `area_m2`, `max_probability`, `mean_probability`.
        source: the mapping run.

    Returns:
        The number of records written.
    """
    if not path.exists():
        empty = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in COLUMNS.items()})
        create_layer(path, LAYER, geopandas.GeoDataFrame(empty, geometry=[], crs=SRS_ID))
    rows = _rows(polygons, source)
    same_run = sa.and_(TABLE.c.scene == source.scene, TABLE.c.bundle == source.bundle, TABLE.c.status == "candidate")
    with connect(path) as connection:
        connection.execute(sa.delete(TABLE).where(same_run))
        if rows:
            connection.execute(sa.insert(TABLE), rows)
        _note_extent(connection)
    return len(rows)


def _rows(polygons: geopandas.GeoDataFrame, source: MappedBy) -> list[dict[str, object]]:
    created = datetime.now(UTC).isoformat(timespec="seconds")
    run = {name: value or "" if name.startswith("date") else value for name, value in asdict(source).items()}
    if polygons.crs is None:
        raise DatabaseError(f"{source.scene}: polygons without a CRS cannot be stored; give the scene a CRS")
    return [
        {
            "geom": encode(row.geometry if isinstance(row.geometry, MultiPolygon) else MultiPolygon([row.geometry])),
            "id": str(uuid.uuid4()),
            "area_m2": row.area_m2,
            "max_probability": row.max_probability,
            "mean_probability": row.mean_probability,
            "status": "candidate",
            "created": created,
            **run,
        }
        for row in polygons.to_crs(SRS_ID).itertuples()
    ]


def _note_extent(connection: sa.Connection) -> None:
    """Keep the layer's extent and time of change in gpkg_contents, which QGIS zooms to."""
    connection.execute(
        sa.text(
            f"""
            UPDATE gpkg_contents SET last_change = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),
                min_x = box.min_x, min_y = box.min_y, max_x = box.max_x, max_y = box.max_y
            FROM (SELECT min(minx) AS min_x, min(miny) AS min_y, max(maxx) AS max_x, max(maxy) AS max_y
                  FROM rtree_{LAYER}_geom) AS box
            WHERE table_name = '{LAYER}'
            """
        )
    )
