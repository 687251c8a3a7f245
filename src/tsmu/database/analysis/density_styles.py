"""How QGIS draws density maps: styles (QML) with classes that go up by factors of ten, as densities spread."""

from itertools import pairwise
from xml.etree import ElementTree as ET

PER_KM2 = "per_km2"  # the column of cells, and the first band of a raster
NONE_COLOUR = "#f4f1e8"
BREAKS = (0.0, 0.1, 1.0, 10.0, 100.0, 1e9)  # landslides per km2
COLOURS = ("#ffffb2", "#fecc5c", "#fd8d3c", "#f03b20", "#bd0026")  # YlOrRd of ColorBrewer
LABELS = ("up to 0.1", "0.1 to 1", "1 to 10", "10 to 100", "over 100")


def density_raster_style() -> str:
    """The QML style of the first band of a raster of landslide density; cells without a value are transparent.

    Example:
        >>> "singlebandpseudocolor" in density_raster_style()
        True
    """
    root = ET.Element("qgis", version="3.22", styleCategories="Symbology")
    renderer = ET.SubElement(
        ET.SubElement(root, "pipe"), "rasterrenderer", type="singlebandpseudocolor", band="1", opacity="1",
        alphaBand="-1", nodataColor="", classificationMin="0", classificationMax="100",
    )  # fmt: skip
    ET.SubElement(renderer, "rasterTransparency")
    shader = ET.SubElement(
        ET.SubElement(renderer, "rastershader"), "colorrampshader", colorRampType="DISCRETE", classificationMode="1",
        clip="0", minimumValue="0", maximumValue="100",
    )  # fmt: skip
    ET.SubElement(shader, "item", value="0", label="none", color=NONE_COLOUR, alpha="255")
    for value, label, colour in zip(BREAKS[1:], LABELS, COLOURS, strict=True):
        upper = "inf" if value == BREAKS[-1] else f"{value:g}"
        ET.SubElement(shader, "item", value=upper, label=label, color=colour, alpha="255")
    return _text(root)


def density_cells_style() -> str:
    """The style of the cells of a density map as polygons.

    Example:
        >>> 'attr="per_km2"' in density_cells_style()
        True
    """
    root = ET.Element("qgis", version="3.22", styleCategories="Symbology")
    renderer = ET.SubElement(
        root, "renderer-v2", type="graduatedSymbol", attr=PER_KM2, symbollevels="0", graduatedMethod="GraduatedColor"
    )
    ranges, symbols = ET.SubElement(renderer, "ranges"), ET.SubElement(renderer, "symbols")
    classes = zip([(0.0, 0.0), *pairwise(BREAKS)], ("none", *LABELS), (NONE_COLOUR, *COLOURS), strict=True)
    for number, ((low, high), label, colour) in enumerate(classes):
        name = str(number)
        ET.SubElement(ranges, "range", lower=f"{low:g}", upper=f"{high:g}", symbol=name, label=label, render="true")
        symbol = ET.SubElement(symbols, "symbol", type="fill", name=name, alpha="0.85")
        layer = ET.SubElement(symbol, "layer", {"class": "SimpleFill", "enabled": "1", "pass": "0", "locked": "0"})
        table = ET.SubElement(layer, "Option", type="Map")
        for key, value in {"color": _rgba(colour), "style": "solid", "outline_style": "no"}.items():
            ET.SubElement(table, "Option", type="QString", name=key, value=value)
            ET.SubElement(layer, "prop", k=key, v=value)  # QGIS before 3.26
    return _text(root)


def _rgba(colour: str) -> str:
    return ",".join(str(int(colour[place : place + 2], 16)) for place in (1, 3, 5)) + ",255"


def _text(root: ET.Element) -> str:
    return "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n" + ET.tostring(root, encoding="unicode")
