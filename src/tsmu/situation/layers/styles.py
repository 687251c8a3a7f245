"""Styles for QGIS (QML) that say how it draws the layers; they lie beside the files and in the GeoPackage.

QGIS loads a style by itself if it has the name of its layer. The styles of rasters contain the labels of the legend.
"""

from collections.abc import Iterable
from xml.etree import ElementTree as ET

from tsmu.situation.inputs import Observed
from tsmu.situation.numbers import percent_text
from tsmu.situation.pictures.style import OBSERVED_LABELS

DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
HATCHES = {Observed.NOT_BEFORE: "f_diagonal", Observed.NOT_AFTER: "b_diagonal", Observed.NEITHER: "diagonal_x"}
# Lower limits in percent and their colours, from light yellow to dark red (YlOrRd of ColorBrewer): the order is also
# visible in greyscale.
PROBABILITY_COLOURS = ((10, "#ffffb2"), (30, "#fed976"), (50, "#feb24c"), (70, "#f03b20"), (90, "#bd0026"))
OBSERVED_COLOURS = {
    Observed.SEEN: ("#000000", 0), Observed.NOT_BEFORE: ("#56b4e9", 140), Observed.NOT_AFTER: ("#ffffff", 190),
    Observed.NEITHER: ("#808080", 190),
}  # fmt: skip
PROBABILITY_STEPS = (0.0, 0.5, 0.7, 0.9, 1.0)
STEP_COLOURS = ("255,255,178,110", "254,178,76,130", "240,59,32,150", "189,0,38,170")


def observed_raster_style() -> str:
    """The style of `observed.tif`: ground that was seen is transparent, other classes have a colour and a label."""
    root, renderer = _raster("paletted")
    palette = ET.SubElement(renderer, "colorPalette")
    for observed, (colour, alpha) in OBSERVED_COLOURS.items():
        label = OBSERVED_LABELS[observed]
        ET.SubElement(palette, "paletteEntry", value=str(int(observed)), label=label, color=colour, alpha=str(alpha))
    return _text(root)


def probability_raster_style() -> str:
    """The style of `probability.tif`: transparent below 10 %, then steps from yellow to dark red.

    Returns:
        A QML document, which QGIS reads if it lies beside the raster with the same name.

    Example:
        >>> "10 to" in probability_raster_style()
        True
    """
    root, renderer = _raster("singlebandpseudocolor")
    renderer.set("classificationMin", "0")
    renderer.set("classificationMax", "100")
    shader = ET.SubElement(
        ET.SubElement(renderer, "rastershader"), "colorrampshader", colorRampType="DISCRETE", classificationMode="1",
        clip="0", minimumValue="0", maximumValue="100",
    )  # fmt: skip
    lows = [low for low, _ in PROBABILITY_COLOURS]
    ET.SubElement(shader, "item", value=str(lows[0] - 1), label=f"under {lows[0]} %", color="#ffffb2", alpha="0")
    for (low, colour), high in zip(PROBABILITY_COLOURS, [*lows[1:], 101], strict=True):
        value = "inf" if high > 100 else str(high - 1)  # the `value` of a discrete step is its upper limit
        ET.SubElement(shader, "item", value=value, label=f"{low} to {min(high, 100)} %", color=colour, alpha="255")
    return _text(root)


def probability_style() -> str:
    """The style that colours landslides by their probability."""
    root = _vector()
    renderer = ET.SubElement(
        root,
        "renderer-v2",
        type="graduatedSymbol",
        attr="probability",
        symbollevels="0",
        graduatedMethod="GraduatedColor",
    )
    ranges, symbols = ET.SubElement(renderer, "ranges"), ET.SubElement(renderer, "symbols")
    steps = zip(PROBABILITY_STEPS, PROBABILITY_STEPS[1:], STEP_COLOURS, strict=False)
    for number, (low, high, colour) in enumerate(steps):
        label = f"{percent_text(low)} to {percent_text(high)}"
        ET.SubElement(ranges, "range", lower=str(low), upper=str(high), symbol=str(number), label=label, render="true")
        outline = {"outline_style": "solid", "outline_color": f"{colour.rsplit(',', 1)[0]},255", "outline_width": "0.3"}
        _fill(symbols, str(number), {"color": colour, "style": "solid"} | outline)
    return _text(root)


def observed_style() -> str:
    """The style of the polygons of observed ground: ground that was not seen is hatched."""
    root = _vector()
    renderer = ET.SubElement(root, "renderer-v2", type="categorizedSymbol", attr="class", symbollevels="0")
    categories, symbols = ET.SubElement(renderer, "categories"), ET.SubElement(renderer, "symbols")
    for observed, label in OBSERVED_LABELS.items():
        number = str(int(observed))
        ET.SubElement(categories, "category", symbol=number, value=number, label=label, render="true")
        fill = {"color": "60,60,60,255", "style": HATCHES.get(observed, "no"), "outline_style": "no"}
        _fill(symbols, number, fill)
    return _text(root)


def area_style() -> str:
    """The style of the area and of the districts: a black border without fill."""
    root = _vector()
    renderer = ET.SubElement(root, "renderer-v2", type="singleSymbol", symbollevels="0")
    line = {"style": "no", "outline_style": "solid", "outline_color": "0,0,0,255", "outline_width": "0.5"}
    _fill(ET.SubElement(renderer, "symbols"), "0", line)
    return _text(root)


def qml_styles() -> Iterable[tuple[str, str, str]]:
    """The styles in the GeoPackage, except that of landslides by status: name of the layer, name of the style, QML."""
    yield "landslides", "probability", probability_style()
    yield "observed", "observed", observed_style()
    yield "area", "area", area_style()
    yield "districts", "districts", area_style()


def _vector() -> ET.Element:
    return ET.Element("qgis", version="3.22", styleCategories="Symbology")


def _raster(kind: str) -> tuple[ET.Element, ET.Element]:
    root = ET.Element("qgis", version="3.22", styleCategories="Symbology")
    pipe = ET.SubElement(root, "pipe")
    renderer = ET.SubElement(pipe, "rasterrenderer", type=kind, band="1", opacity="1", alphaBand="-1", nodataColor="")
    ET.SubElement(renderer, "rasterTransparency")
    return root, renderer


def _fill(symbols: ET.Element, name: str, options: dict[str, str]) -> None:
    symbol = ET.SubElement(symbols, "symbol", type="fill", name=name, alpha="1")
    layer = ET.SubElement(symbol, "layer", {"class": "SimpleFill", "enabled": "1", "pass": "0", "locked": "0"})
    table = ET.SubElement(layer, "Option", type="Map")
    for key, value in options.items():
        ET.SubElement(table, "Option", type="QString", name=key, value=value)
        ET.SubElement(layer, "prop", k=key, v=value)  # which QGIS before 3.26 reads


def _text(root: ET.Element) -> str:
    return DOCTYPE + ET.tostring(root, encoding="unicode")
