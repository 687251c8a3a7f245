"""The situation report of an event: a page of two sheets to print, and the layers beside it for QGIS and the field.

The names that other rooms (packages) use are listed here and loaded when they are first used; other rooms import from
this module only, not from its submodules.
The room receives paths and tables and writes files; it neither fetches imagery nor maps it, and opens no database.
Its modules depend on each other in this order:

    inputs      the situation: event, area, rasters of its zones, landslides, imagery, the earlier response
    facts       what is counted: ground seen and not seen, landslides by district and size, what is new
    pictures    the map, the figures, and pictures of the largest landslides before and after
    page        the facts in words, and the HTML page
    layers      GeoPackage, FlatGeobuf, KMZ, COGs, their styles for QGIS, and a STAC catalogue of them all
    report      all of it into one folder

Example:
    >>> from tsmu import situation
    >>> files = situation.write_report(seen_event, Path("report"))
    >>> files.page.name, files.catalogue.name
    ('report.html', 'catalog.json')
"""

from typing import TYPE_CHECKING

from tsmu.lazy_names import lazy_names

if TYPE_CHECKING:
    from tsmu.situation.inputs import (
        ZONE_RASTERS,
        Districts,
        FormerSituation,
        MapMethod,
        Situation,
        ZoneRasters,
        read_former,
    )
    from tsmu.situation.layers import probability_raster_style
    from tsmu.situation.report import ReportFiles, write_report

__all__ = [
    "ZONE_RASTERS",
    "Districts",
    "FormerSituation",
    "MapMethod",
    "ReportFiles",
    "Situation",
    "ZoneRasters",
    "probability_raster_style",
    "read_former",
    "write_report",
]

_NAMES = {  # the public names, listed under the submodule that defines them
    "inputs": "ZONE_RASTERS Districts FormerSituation MapMethod Situation ZoneRasters read_former",
    "layers": "probability_raster_style",
    "report": "ReportFiles write_report",
}

__getattr__, __dir__ = lazy_names(__name__, _NAMES)
