"""The landslide database as layers: a GeoPackage or PostGIS, by its tables."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from qgis.core import QgsDataSourceUri, QgsVectorLayer

GEOMETRY = "geom"
KEY = "fid"
SPATIAL = ("event", "landslide", "landslide_version", "mapped_area", "observation", "scene")  # tables with an outline


def table_layer(database: str, table: str, name: str = "") -> QgsVectorLayer:
    """A table of a database as a layer.

    Args:
        database: what tsmu calls it: the path of a GeoPackage, or the address of a PostGIS database.
        table: such as `landslide` or `scene`.
        name: of the layer; by default the table's.
    """
    source, provider = table_source(database, table)
    return QgsVectorLayer(source, name or table, provider)


def table_source(database: str, table: str) -> tuple[str, str]:
    """The source of a table as a layer, and the name of QGIS's provider for it."""
    if "://" not in database:
        return f"{database}|layername={table}", "ogr"
    parts = urlsplit(database)
    uri = QgsDataSourceUri()
    uri.setConnection(
        parts.hostname or "", str(parts.port or 5432), parts.path.strip("/"), unquote(parts.username or ""),
        unquote(parts.password or ""),
    )  # fmt: skip
    uri.setDataSource("", table, GEOMETRY if table in SPATIAL else "", "", KEY)
    return uri.uri(False), "postgres"


def read_rows(database: str, table: str) -> list[dict[str, Any]]:
    """All rows of a table, without their geometry; nothing stays open."""
    layer = table_layer(database, table)
    names = [field.name() for field in layer.fields()]
    rows = [dict(zip(names, feature.attributes())) for feature in layer.getFeatures()]
    del layer
    return rows


def database_of(workspace: str) -> str:
    """The database of a workspace, as its tsmu.toml says: the path of a GeoPackage, or an address."""
    address = "landslides.gpkg"
    settings = Path(workspace) / "tsmu.toml"
    if settings.is_file():
        section = re.search(r"^\[database\]\s*$(.*?)(?=^\[|\Z)", settings.read_text("utf-8"), re.DOTALL | re.MULTILINE)
        stated = re.search(r"^\s*address\s*=\s*[\"']([^\"']+)[\"']", section[1], re.MULTILINE) if section else None
        address = stated[1] if stated else address
    return address if "://" in address else str(Path(workspace) / address)
