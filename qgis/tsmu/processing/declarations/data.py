"""Workspace, inventories, image pairs, labels and chips."""

from __future__ import annotations

from ...qt import ANY_VECTOR
from ...translation import tr
from ..declaration import Declaration
from ..outputs import Output
from ..parameters import Choice, Field, Flag, Number, Parameter, Path, Raster, Text, Vector


def declarations() -> list[Declaration]:
    """The algorithms of this group."""
    return [
        _workspace(), _regions(), _inventory(), _pairs(), _labels(), _label_layer(), _labels_to_chips(),
        _ready_chips(), _build_chips(),
    ]  # fmt: skip


def _group() -> str:
    return tr("1 Workspace and training data")


def _workspace() -> Declaration:
    return Declaration(
        "workspace", tr("Make a workspace"), _group(),
        tr("Makes a folder a workspace, in which everything else works: image pairs, labels, the model, maps and the "
           "landslide database. A folder that already is one stays as it is."),
        (("init",),),
        (Path("FOLDER", tr("Folder"), optional=False, folder=True),),
        (Output("WORKSPACE", tr("Workspace"), "folder", "workspace"),),
        needs_workspace=False,
    )  # fmt: skip


def _regions() -> Declaration:
    return Declaration(
        "regions", tr("Use a layer as the region map"), _group(),
        tr("Makes a polygon layer the ecoregion map of the workspace: it says in which region images, events and "
           "scenes lie, and so which decoder maps them."),
        (("regions", "use"),),
        (
            Vector("LAYER", tr("Regions"), optional=False, layer_option=True),
            Field("NAME_FIELD", tr("Field with the region's name"), "--name-field", optional=False, of="LAYER"),
        ),
        (Output("REGIONS", tr("Regions"), "file", "regions"),),
    )  # fmt: skip


def _inventory() -> Declaration:
    return Declaration(
        "import_inventory", tr("Import an inventory as events"), _group(),
        tr("Takes a landslide inventory (points, polygons or a table) into the events of the workspace. Reading a file "
           "again replaces what it gave. Columns are recognised by their names and values."),
        (("import", "inventory"),),
        (
            Vector("INVENTORY", tr("Inventory"), optional=False, layer_option=True, types=(ANY_VECTOR,),
                   help=tr("A layer, or a file: CSV, XLSX, GeoPackage, shapefile, KML, or a zip of them.")),
            Choice("SOURCE", tr("Whose inventory it is"), "--source", advanced=True,
                   options=("", "usgs", "usgs-v3", "coolr", "slido", "generic"),
                   labels=(tr("recognise it"), "USGS", "USGS 3", "COOLR", "SLIDO", tr("any other"))),
            Text("COLUMNS", tr("Columns, as ROLE=COLUMN,..."), "--columns", advanced=True,
                 help=tr("Where the guess is wrong, such as: date=When,latitude=Y")),
        ),
        (Output("EVENTS", tr("Events"), "vector", "events"),),
    )  # fmt: skip


def _pairs() -> Declaration:
    return Declaration(
        "import_pairs", tr("Import image pairs"), _group(),
        tr("Takes images before and after: GeoTIFFs matched by name, Google Earth screenshots, or a table that lists "
           "them. They are checked and brought onto one grid; nothing is copied."),
        (("import", "pairs"),),
        (
            Path("SOURCE", tr("Folder of images"), folder=True),
            Path("TABLE", tr("or a table that lists them"), filter=tr("Tables (*.csv *.xlsx)")),
            Text("REGION", tr("Region"), "--region", help=tr("By default it is found in the region map.")),
            Flag("REPAIR", tr("Apply repairs of footprints that are unambiguous"), "--repair", advanced=True),
            Flag("CORRECT_SHIFT", tr("Move pre images that lie off"), "--correct-shift", advanced=True),
            *_terrain(),
        ),
    )  # fmt: skip


def _terrain() -> tuple[Parameter, ...]:
    return (
        Raster("DEM", tr("Elevations (metres)"), "--dem", advanced=True,
               help=tr("Give the images terrain bands. A model that learns them needs elevations to map.")),
        Text("TERRAIN", tr("Terrain bands"), "--terrain", advanced=True, help="slope,height_500m"),
    )  # fmt: skip


def _labels() -> Declaration:
    return Declaration(
        "import_labels", tr("Import labels from files"), _group(),
        tr("Takes labels of the imported pairs (labelme JSON, files of polygons, mask rasters) and writes one mask per "
           "pair, on the grid of its post image."),
        (("import", "labels"),),
        (
            Path("SOURCE", tr("Folder of labels"), folder=True),
            Path("FILE", tr("or one file")),
            *_classes(),
            Text("CLASS_FIELD", tr("Field with the class, in files of polygons"), "--class-field"),
            _mapped_area(),
        ),
        (Output("LABELS", tr("Labels"), "file", "labels"),),
    )  # fmt: skip


def _classes() -> tuple[Parameter, ...]:
    return (
        Text("CLASSES", tr("Classes, as NAME=VALUE,..."), "--classes",
             help=tr("1 landslide, 0 background, 255 unknown, such as: slide=1,road=0,cloud=255. Without them every "
                     "class is landslide, save those named unknown and background.")),
    )  # fmt: skip


def _mapped_area() -> Parameter:
    return Vector(
        "MAPPED_AREA", tr("Mapped area (where you looked)"), "--mapped-area",
        help=tr("Ground inside it without a polygon is background; ground outside is unknown and teaches nothing. "
                "Without it, all ground of the images on which you drew counts as looked at."),
    )  # fmt: skip


def _layer_parameters() -> tuple[Parameter, ...]:
    return (
        Vector("LAYER", tr("Polygons that you drew"), optional=False),
        Field("CLASS_FIELD", tr("Field with the class"), "--class-field", of="LAYER",
              help=tr("Without it every polygon is a landslide.")),
        *_classes(),
        _mapped_area(),
    )  # fmt: skip


def _label_layer() -> Declaration:
    return Declaration(
        "label_layer", tr("Make training polygons from a layer"), _group(),
        tr("Makes labels of the polygons that you drew in QGIS: each imported image pair that they touch, or that the "
           "mapped area touches, gets a mask on the grid of its post image."),
        (("import", "labels"),), _layer_parameters(),
        (Output("LABELS", tr("Labels"), "file", "labels"),),
    )  # fmt: skip


def _labels_to_chips() -> Declaration:
    return Declaration(
        "labels_to_chips", tr("Labels to chips"), _group(),
        tr("Makes labels of the polygons that you drew in QGIS, and cuts all labelled pairs into chips: the training "
           "set, ready for an update. Chips have 512 pixels a side; Build chips has more settings."),
        (("import", "labels"), ("chips", "build")), _layer_parameters(),
        (
            Output("LABELS", tr("Labels"), "file", "labels"),
            Output("CHIPS", tr("Chips"), "file", "chips"),
        ),
    )  # fmt: skip


def _ready_chips() -> Declaration:
    return Declaration(
        "import_chips", tr("Import ready-made chips"), _group(),
        tr("Takes a folder of image chips and masks, matched by file name; nothing is copied."),
        (("import", "chips"),),
        (
            Path("FOLDER", tr("Folder"), optional=False, folder=True,
                 help=tr("Holds images/, masks/ and, for pairs, pre/.")),
            Text("REGION", tr("Region"), "--region", optional=False),
        ),
        (Output("CHIPS", tr("Chips"), "file", "chips"),),
    )  # fmt: skip


def _build_chips() -> Declaration:
    return Declaration(
        "build_chips", tr("Build chips"), _group(),
        tr("Cuts the labelled pairs into chips and splits them into training, validation and test without leaks: "
           "chips of different splits lie apart."),
        (("chips", "build"),),
        (
            Number("SIZE", tr("Side of a chip (pixels)"), "--size", whole=True, low=32, default=512),
            Number("STRIDE", tr("From one chip to the next (pixels)"), "--stride", advanced=True, whole=True, low=1),
            Number("NEGATIVES", tr("Chips without landslides per chip with one"), "--negatives", advanced=True, low=0,
                   high=1000, default=0.5),
            Number("GAP", tr("Distance between splits (metres)"), "--gap", advanced=True, low=0, default=200),
            *_terrain(),
        ),
        (Output("CHIPS", tr("Chips"), "file", "chips"),),
    )  # fmt: skip
