"""The landslide database: inventories in, merging, files out, density and comparison."""

from __future__ import annotations

from ...qt import ANY_VECTOR
from ...translation import tr
from ..declaration import Declaration
from ..outputs import Output
from ..parameters import Days, Extent, Flag, NewFile, Number, Parameter, Text, Vector


def declarations() -> list[Declaration]:
    """The algorithms of this group."""
    return [_import(), _merge(), _export(), _density(), _compare()]


def _group() -> str:
    return tr("4 Landslide database")


def _filters() -> tuple[Parameter, ...]:
    return (
        Text("STATUS", tr("Status, as A,B,..."), "--status",
             help=tr("candidate, confirmed, rejected, merged; by default all but merged.")),
        Extent("EXTENT", tr("Extent"), "--bbox"),
        Text("REGION", tr("Region"), "--region"),
        Days("DATES", tr("Happened on"), "--dates"),
        Number("MIN_AREA", tr("Smallest area (m2)"), "--min-area", low=0),
        Text("WHERE", tr("Condition in CQL2"), "--where", advanced=True, help="trigger = 'rainfall' and area_m2 > 1e4"),
    )  # fmt: skip


def _import() -> Declaration:
    return Declaration(
        "import_landslides", tr("Import landslides into the database"), _group(),
        tr("Takes a file into the landslide database. Landslides that tsmu exported come as they are; polygons of "
           "another inventory become observations and candidates, points become events. The same file again changes "
           "nothing."),
        (("db", "import"),),
        (
            Vector("INVENTORY", tr("Inventory"), optional=False, types=(ANY_VECTOR,)),
            Text("BY", tr("Who drew its polygons"), "--by"),
            Vector("MAPPED_AREA", tr("Mapped area (where its author looked)"), "--mapped-area"),
        ),
        (Output("LANDSLIDES", tr("Landslides"), "vector", "database", "status", table="landslide"),),
    )  # fmt: skip


def _merge() -> Declaration:
    return Declaration(
        "merge", tr("Merge observations of the same landslide"), _group(),
        tr("Makes one landslide of what overlapping scenes, dates, runs and inventories saw of it. What a person "
           "decided is only proposed to. Again, it changes nothing; it can be undone."),
        (("db", "merge"),),
        (
            Number("NEAR", tr("How far from an outline an event counts (metres)"), "--near", low=0, default=500),
            Flag("UNDO", tr("Undo the last merging instead"), "--undo"),
            Text("BY", tr("Who asks for it"), "--by", advanced=True),
        ),
    )  # fmt: skip


def _export() -> Declaration:
    formats = "GeoPackage (*.gpkg);;GeoJSON (*.geojson);;GeoParquet (*.parquet);;FlatGeobuf (*.fgb);;"
    formats += "ESRI Shapefile (*.shp);;CSV (*.csv);;STAC (*.json)"
    return Declaration(
        "export", tr("Export landslides"), _group(),
        tr("Writes landslides into a new file. A GeoPackage is a database of its own, with all that belongs to them; "
           "a STAC file holds scenes and runs."),
        (("db", "export"),),
        (NewFile("FILE", tr("New file"), optional=False, filter=formats), *_filters()),
        (
            Output("LANDSLIDES", tr("Exported landslides"), "vector", "file", "status",
                   endings=(".geojson", ".fgb", ".shp")),
            Output("DATABASE", tr("Exported landslides"), "vector", "file", "status", table="landslide",
                   endings=(".gpkg",)),
        ),
    )  # fmt: skip


def _density() -> Declaration:
    return Declaration(
        "density", tr("Density of landslides"), _group(),
        tr("Maps landslides per square kilometre and their share of the ground, in cells of equal area; a picture lies "
           "beside the file. Cells that nobody looked at have no value."),
        (("db", "density"),),
        (
            NewFile("FILE", tr("New file"), optional=False, filter="GeoTIFF (*.tif);;GeoPackage (*.gpkg)"),
            Number("CELL", tr("Side of a cell (metres)"), "--cell", low=0.01),
            Flag("HEXAGONS", tr("Hexagons instead of squares (GeoPackage)"), "--hexagons"),
            Vector("AREA", tr("Area that was looked at"), "--area", layer_option=True,
                   help=tr("Instead of the mapped areas in the database.")),
            Text("TITLE", tr("Title of the picture"), "--title", advanced=True),
            *_filters(),
        ),
        (
            Output("GRID", tr("Landslides per km2"), "raster", "cells", "density", endings=(".tif",)),
            Output("CELLS", tr("Landslides per km2"), "vector", "cells", "density_cells", endings=(".gpkg",)),
            Output("PICTURE", tr("Picture"), "file", "picture"),
        ),
    )  # fmt: skip


def _compare() -> Declaration:
    return Declaration(
        "compare", tr("Compare two inventories"), _group(),
        tr("Measures one inventory against another of the same place: matched, missed and extra landslides, how well "
           "outlines fit, and how areas are distributed. The landslides of a database stand for the database."),
        (("db", "compare"),),
        (
            Vector("A", tr("Inventory to measure against"), optional=False),
            Vector("B", tr("Inventory to be measured"), optional=False),
            NewFile("OUT", tr("Plots"), "--out", optional=False, filter="PNG (*.png)"),
            *_filters(),
        ),
        (
            Output("MATCHED", tr("Matched"), "number", "matched"),
            Output("MISSED", tr("Missed"), "number", "missed"),
            Output("EXTRA", tr("Extra"), "number", "extra"),
        ),
        needs_workspace=False,
    )  # fmt: skip
