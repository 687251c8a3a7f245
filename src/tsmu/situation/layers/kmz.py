"""Landslides as KMZ for phones in the field: a symbol, an outline and a description of each landslide.

Placemarks are written one after the other, so that memory does not grow with their number. The icons lie in the file,
so that nothing has to be loaded from elsewhere.
"""

import io
import zipfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import geopandas
import numpy as np
import shapely
from PIL import Image, ImageDraw
from shapely.geometry.base import BaseGeometry

from tsmu.database import Status
from tsmu.situation.inputs import SHOWN, Observed, Situation
from tsmu.situation.numbers import area_text, day_text, percent_text, place_text
from tsmu.situation.pictures.style import EDGE, FILL, LABELS, OBSERVED_LABELS, plain_text
from tsmu.vectors import GROUND_LAYER, polygon_parts

DECIMALS = 6  # decimals of degrees that are written: a tenth of a metre
ICON_SIDE = 32  # pixels
FILL_ALPHA, UNSEEN_FILL, LINE_WIDTH = "80", "b0ffffff", "1.5"  # KML writes colours as alpha, blue, green, red
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="http://www.opengis.net/kml/2.2"><Document>'
# Estimated bytes of text for a point and for a placemark without its points; texts above `LARGE` bytes need ZIP64.
POINT_BYTES, PLACEMARK_BYTES, LARGE = 25, 2000, 1 << 30
SIMPLER = 0.0002  # degrees: tolerance when outlines of unseen ground are simplified, so that phones draw them fast


def write_kmz(
    situation: Situation, landslides: geopandas.GeoDataFrame, observed: geopandas.GeoDataFrame, path: Path
) -> None:
    """Write the landslides, the area, and the ground that was not seen.

    Args:
        situation: the event as it is known now.
        landslides: the result of `vectors.landslide_table`.
        observed: the result of `vectors.observed_table`.
        path: the file to write.
    """
    moment = max(situation.made, datetime(1980, 1, 1, tzinfo=situation.made.tzinfo))
    with zipfile.ZipFile(path, "w") as archive:
        points = int(shapely.get_num_coordinates(np.concatenate([landslides.geometry, observed.geometry])).sum())
        # ZIP64 is used only where it is needed, because old readers do not know it.
        is_large = points * POINT_BYTES + len(landslides) * PLACEMARK_BYTES > LARGE
        with archive.open(_entry("doc.kml", moment), "w", force_zip64=is_large) as file:
            for text in _document(situation, landslides, observed):
                file.write(text.encode())
        for status in SHOWN:
            archive.writestr(_entry(f"icons/{status}.png", moment), _icon(status))


def _entry(name: str, moment: datetime) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, moment.timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry


def _document(situation: Situation, landslides: Any, observed: Any) -> Iterable[str]:
    yield HEAD
    yield _element("name", f"{plain_text(situation.name, 90)}: landslides, {day_text(situation.made.date())}")
    yield _element("open", "1")
    for status in SHOWN:
        yield _status_style(status)
    yield _plain_style("unseen", "ff606060", UNSEEN_FILL)
    yield _plain_style("area", "ff000000", "00ffffff")
    for status in SHOWN:
        rows = landslides[landslides["status"] == status]
        yield f"<Folder>{_element('name', f'Landslides: {LABELS[status]} ({len(rows):,})')}"
        for row in rows.itertuples():
            yield _placemark(row, status)
        yield "</Folder>"
    yield f"<Folder>{_element('name', GROUND_LAYER)}"
    for row in observed.itertuples():
        if row[observed.columns.get_loc("class") + 1] != Observed.SEEN:
            shape = shapely.simplify(row.geom, SIMPLER)
            yield _area_placemark(f"{row.label}: {area_text(row.area_m2)}", "unseen", shape)
    yield _area_placemark(f"Area ({OBSERVED_LABELS[Observed.SEEN]}, or hatched white)", "area", situation.area)
    yield "</Folder></Document></kml>\n"


def _element(name: str, text: str) -> str:
    element = ET.Element(name)
    element.text = text
    return ET.tostring(element, encoding="unicode")


def _status_style(status: Status) -> str:
    style = ET.Element("Style", id=str(status))
    icon = ET.SubElement(style, "IconStyle")
    ET.SubElement(icon, "scale").text = "0.6"
    ET.SubElement(ET.SubElement(icon, "Icon"), "href").text = f"icons/{status}.png"
    ET.SubElement(ET.SubElement(style, "LabelStyle"), "scale").text = "0.7"
    line = ET.SubElement(style, "LineStyle")
    ET.SubElement(line, "color").text = _colour("ff", EDGE[status])
    ET.SubElement(line, "width").text = LINE_WIDTH
    ET.SubElement(ET.SubElement(style, "PolyStyle"), "color").text = _colour(FILL_ALPHA, FILL[status])
    return ET.tostring(style, encoding="unicode")


def _plain_style(name: str, line_colour: str, fill: str) -> str:
    style = ET.Element("Style", id=name)
    line = ET.SubElement(style, "LineStyle")
    ET.SubElement(line, "color").text = line_colour
    ET.SubElement(line, "width").text = LINE_WIDTH
    ET.SubElement(ET.SubElement(style, "PolyStyle"), "color").text = fill
    return ET.tostring(style, encoding="unicode")


def _placemark(row: Any, status: Status) -> str:
    """Write one landslide as a placemark: a point for its symbol, and its outline."""
    point = shapely.get_coordinates(shapely.point_on_surface(row.geom))[0].tolist()
    mark = ET.Element("Placemark", id=f"landslide-{row.number}")
    ET.SubElement(mark, "name").text = f"{row.number}"
    known = {
        "area": area_text(row.area_m2),
        "status": str(status),
        "probability": "" if np.isnan(row.probability) else percent_text(row.probability),
        "first day": plain_text(row.date_min or "", 10),
        "last day": plain_text(row.date_max or "", 10),
        "place": place_text(*point),
        "id": plain_text(row.id, 80),
    }
    ET.SubElement(
        mark, "Snippet", maxLines="1"
    ).text = f"{known['area']}, {known['status']} {known['probability']}".strip()
    # Readers take a description as HTML. So each line is escaped once for HTML here, and again for XML when written.
    lines = [f"{name}: {value}" for name, value in known.items() if value]
    ET.SubElement(mark, "description").text = "<br>".join(escape(line) for line in lines)
    span = ET.Element("TimeSpan")
    for name, day in (("begin", known["first day"]), ("end", known["last day"])):
        if day:
            ET.SubElement(span, name).text = day
    if len(span):
        mark.append(span)
    ET.SubElement(mark, "styleUrl").text = f"#{status}"
    data = ET.SubElement(mark, "ExtendedData")
    for name, value in (known | {"area_m2": f"{row.area_m2:.0f}"}).items():
        if value:
            ET.SubElement(ET.SubElement(data, "Data", name=name.replace(" ", "_")), "value").text = value
    shapes = ET.SubElement(mark, "MultiGeometry")
    ET.SubElement(ET.SubElement(shapes, "Point"), "coordinates").text = _coordinates([point])
    _add_polygons(shapes, row.geom)
    return ET.tostring(mark, encoding="unicode")


def _area_placemark(name: str, style: str, area: BaseGeometry) -> str:
    mark = ET.Element("Placemark")
    ET.SubElement(mark, "name").text = name
    ET.SubElement(mark, "styleUrl").text = f"#{style}"
    _add_polygons(ET.SubElement(mark, "MultiGeometry"), area)
    return ET.tostring(mark, encoding="unicode")


def _add_polygons(parent: ET.Element, area: BaseGeometry) -> None:
    for part in shapely.orient_polygons(polygon_parts(np.array([area], dtype=object))).tolist():
        polygon = ET.SubElement(parent, "Polygon")
        for side, rings in (("outerBoundaryIs", [part.exterior]), ("innerBoundaryIs", part.interiors)):
            for ring in rings:
                line = ET.SubElement(ET.SubElement(polygon, side), "LinearRing")
                ET.SubElement(line, "coordinates").text = _coordinates(shapely.get_coordinates(ring).tolist())


def _coordinates(points: Iterable[Any]) -> str:
    return " ".join(f"{x:.{DECIMALS}f},{y:.{DECIMALS}f}" for x, y in points)


def _colour(alpha: str, web: str) -> str:
    """A colour of the web (`#rrggbb`) as KML writes it: alpha, blue, green, red."""
    red, green, blue = web[1:3], web[3:5], web[5:7]
    return f"{alpha}{blue}{green}{red}"


def _icon(status: Status) -> bytes:
    """Draw the icon of a status, a disc in the colour of the status, as a PNG file."""
    large = Image.new("RGBA", (4 * ICON_SIDE, 4 * ICON_SIDE))
    ImageDraw.Draw(large).ellipse(
        (12, 12, 4 * ICON_SIDE - 12, 4 * ICON_SIDE - 12), FILL[status], EDGE[status], width=10
    )
    buffer = io.BytesIO()
    large.resize((ICON_SIDE, ICON_SIDE), Image.Resampling.LANCZOS).save(buffer, "PNG")
    return buffer.getvalue()
