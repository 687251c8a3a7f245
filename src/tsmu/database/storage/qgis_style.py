"""How QGIS draws the landslides: the style that lies in the GeoPackage."""

from xml.etree import ElementTree as ET

from tsmu.database.vocabulary import Status

LAYER_STYLES = """
CREATE TABLE layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT, f_table_schema TEXT, f_table_name TEXT,
    f_geometry_column TEXT, styleName TEXT, styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN, description TEXT,
    owner TEXT, ui TEXT, update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')))
"""  # the table that QGIS looks for in a GeoPackage
COLOURS = {  # fill; distinct for people who cannot tell red from green, too
    Status.CANDIDATE: "230,159,0,90",
    Status.CONFIRMED: "213,94,0,140",
    Status.REJECTED: "120,120,120,40",
    Status.MERGED: "86,180,233,60",
}


def landslide_style() -> str:
    """The QML of the landslide layer: one colour per status.

    Example:
        >>> landslide_style()[:13]
        '<!DOCTYPE qgi'
    """
    qgis = ET.Element("qgis", version="3.22", styleCategories="Symbology")
    renderer = ET.SubElement(qgis, "renderer-v2", type="categorizedSymbol", attr="status", symbollevels="0")
    categories, symbols = ET.SubElement(renderer, "categories"), ET.SubElement(renderer, "symbols")
    for number, (status, colour) in enumerate(COLOURS.items()):
        name = str(number)
        ET.SubElement(categories, "category", symbol=name, value=status, label=status.capitalize(), render="true")
        symbol = ET.SubElement(symbols, "symbol", type="fill", name=name, alpha="1")
        layer = ET.SubElement(symbol, "layer", {"class": "SimpleFill", "enabled": "1", "pass": "0", "locked": "0"})
        options = {"color": colour, "style": "solid", "outline_style": "solid", "outline_width": "0.3"}
        options["outline_color"] = colour.rsplit(",", 1)[0] + ",255"
        table = ET.SubElement(layer, "Option", type="Map")
        for key, value in options.items():
            ET.SubElement(table, "Option", type="QString", name=key, value=value)
            ET.SubElement(layer, "prop", k=key, v=value)  # QGIS before 3.26
    return "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n" + ET.tostring(qgis, encoding="unicode")
