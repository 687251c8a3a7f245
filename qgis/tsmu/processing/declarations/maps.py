"""Maps: of a scene, and of an event from its place and day."""

from __future__ import annotations

from ...translation import tr
from ..declaration import Declaration
from ..outputs import Output
from ..parameters import Area, Choice, Day, Flag, Number, Parameter, Raster, Text, Vector


def declarations() -> list[Declaration]:
    """The algorithms of this group."""
    return [_map(), _respond()]


def _group() -> str:
    return tr("3 Maps")


def _mapper() -> tuple[Parameter, ...]:
    return (
        Text("REGION", tr("Region whose decoder maps"), "--region", help=tr("By default the region map says which.")),
        Number("THRESHOLD", tr("Threshold (percent)"), "--threshold", whole=True, low=1, high=100,
               help=tr("By default the region's own.")),
    )  # fmt: skip


def _map() -> Declaration:
    return Declaration(
        "map", tr("Map a scene"), _group(),
        tr("Maps landslides in a raster, or in one before and one after an event: a raster of probabilities, and "
           "candidates in the landslide database, to be reviewed. By change needs no model, but both images."),
        (("map",),),
        (
            Raster("POST", tr("Raster after the event"), optional=False),
            Raster("PRE", tr("Raster before it"), "--pre"),
            Choice("BY", tr("Map by"), "--by", options=("decoder", "change"),
                   labels=(tr("the model's decoder"), tr("change between the two images"))),
            *_mapper(),
            Text("NAME", tr("Name of the scene"), "--name"),
            Day("DATE_PRE", tr("Day of the raster before"), "--date-pre"),
            Day("DATE_POST", tr("Day of the raster after"), "--date-post"),
            Number("MIN_AREA", tr("Leave out smaller landslides (m2)"), "--min-area", low=0, default=0),
            Number("MIN_PROBABILITY", tr("Leave out landslides of a smaller mean (percent)"), "--min-probability",
                   advanced=True, low=0, high=100, default=0),
            Vector("AOI", tr("Map only inside these polygons"), "--aoi"),
            Vector("LEAVE_OUT", tr("Clouds or water to leave out"), "--leave-out"),
            Raster("DEM", tr("Elevations (metres)"), "--dem", advanced=True),
            Number("SLOPE_BELOW", tr("Leave out ground flatter than (degrees)"), "--slope-below", advanced=True, low=0,
                   high=90),
            Number("SIMPLIFY", tr("Simplify outlines by (pixels)"), "--simplify", advanced=True, low=0, default=0),
            Number("SCALE", tr("Multiply the values by"), "--scale", advanced=True, low=1e-9, high=1e9),
            Flag("ANY_RESOLUTION", tr("Map whatever the pixel size"), "--any-resolution", advanced=True),
            Flag("TTA", tr("Mean of eight views, and their deviation (slower)"), "--tta", advanced=True),
            Choice("ENGINE", tr("What computes the network"), "--engine", advanced=True,
                   options=("auto", "openvino", "torch")),
            Choice("PRECISION", tr("What it computes in"), "--precision", advanced=True,
                   options=("auto", "float32", "bfloat16", "int8")),
            Flag("FORCE", tr("Compute anew what is finished"), "--force", advanced=True),
        ),
        (
            Output("PROBABILITY", tr("Landslide probability (percent)"), "raster", "probability", "probability"),
            Output("DEVIATION", tr("Deviation of the views (percent)"), "raster", "deviation"),
            Output("LANDSLIDES", tr("Landslides"), "vector", "database", "status", table="landslide"),
            Output("POLYGONS", tr("Polygons (GeoParquet)"), "file", "polygons"),
        ),
    )  # fmt: skip


def _respond() -> Declaration:
    return Declaration(
        "respond", tr("Respond to an event"), _group(),
        tr("From an event's place and day to images before and after it (of any STAC catalogue), a first map, and a "
           "situation report to print, with layers. The same again, with later imagery, says what is new."),
        (("respond",),),
        (
            Area("AOI", tr("Area"), "--aoi", optional=False),
            Day("DATE", tr("Day of the event"), "--date", optional=False),
            Text("STAC", tr("STAC catalogue (address)"), "--stac", optional=False),
            Text("COLLECTION", tr("Collection"), "--collection", optional=False),
            Text("NAME", tr("Name of the event"), "--name"),
            Choice("BY", tr("Map by"), "--by", options=("auto", "decoder", "change", "both"),
                   labels=(tr("the decoder if it fits, else change"), tr("the model's decoder"),
                           tr("change between the two images"), tr("both"))),
            *_mapper(),
            Raster("DEM", tr("Elevations (metres)"), "--dem"),
            Vector("DISTRICTS", tr("Districts to count by"), "--districts"),
            Text("DISTRICT_NAME", tr("Field with the district's name"), "--district-name", advanced=True),
            Text("CLOUD_MASK", tr("Which pixels are clouded, as ASSET:VALUES, or none"), "--cloud-mask", advanced=True),
            Number("MIN_AREA", tr("Leave out smaller landslides (m2)"), "--min-area", low=0, default=900),
            Number("RESOLUTION", tr("Pixel size (metres)"), "--resolution", advanced=True, low=0.01, high=10_000),
            Number("PRE_DAYS", tr("Days before the event for scenes"), "--pre-days", advanced=True, whole=True, low=1,
                   high=36_500, default=365),
            Number("POST_DAYS", tr("Days after the event for scenes"), "--post-days", advanced=True, whole=True, low=1,
                   high=36_500, default=120),
            Number("MAX_CLOUD", tr("Most cloud of a scene (percent)"), "--max-cloud", advanced=True, low=0, high=100,
                   default=100),
        ),
        (
            Output("PAGE", tr("Situation report"), "html", "report"),
            Output("LAYERS", tr("Layers of the report"), "folder", "layers"),
            Output("LANDSLIDES", tr("Landslides"), "vector", "database", "status", table="landslide"),
            Output("CATALOGUE", tr("STAC catalogue of the report"), "file", "catalogue"),
        ),
    )  # fmt: skip
