"""The inventories that are known by name, and the roles of their columns.

The columns are named as in the published files: USGS compilation version 3 (2025) and earlier, NASA COOLR / Global
Landslide Catalog, Oregon SLIDO (protocol SP-42).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from tsmu.errors import InventoryError
from tsmu.files import to_nfc
from tsmu.tabular import Order, normalise_name

ROLES = {
    "record_id": "id of the record in this file, unique within the source",
    "source_id": "id that the originating inventory gave",
    "latitude": "degrees north, WGS 84",
    "longitude": "degrees east, WGS 84",
    "date": "when it happened, where the file has one column for it",
    "year": "year, where year, month and day stand in columns of their own",
    "month": "month, as a number or a name, where it stands in a column of its own",
    "day": "day of the month, where it stands in a column of its own",
    **{
        f"{part}_{end}": f"{part} of the {name} day, where it stands in a column of its own"
        for end, name in (("min", "earliest"), ("max", "latest"))
        for part in ("year", "month", "day")
    },
    "date_min": "earliest day on which it can have happened",
    "date_max": "latest day on which it can have happened",
    "accuracy": "radius in metres (or such as 5km) round the point in which it lies",
    "trigger": "what set it off",
    "movement_type": "how it moved",
    "confidence": "how sure the source is",
    "inventory": "originating inventory",
    "region": "ecoregion that the file names",
    "url": "where the source can be read",
    "notes": "remarks",
}

USGS_CONFIDENCE = {
    1: "possible landslide in the area",
    2: "probable landslide in the area",
    3: "likely landslide at or near the location",
    5: "confident consequential landslide at the location",
    8: "high confidence in extent or nature",
}


@dataclass(frozen=True)
class InventorySource:
    """How to read one kind of inventory; column names are compared without case, blanks and punctuation.

    Attributes:
        name: name of the source, such as `usgs`.
        columns: for each role the names that its column may have, the preferred one first.
        signature: names of columns; a file that has all of them is recognised as this source.
        order: the order of day, month and year in its dates; None where files differ.
        united_states: whether all its events lie in the United States, so that a lost sign can be restored.
        confidence: the named class of each confidence number.
    """

    name: str
    columns: Mapping[str, tuple[str, ...]]
    signature: tuple[str, ...] = ()
    order: Order | None = None
    united_states: bool = False
    confidence: Mapping[int, str] = field(default_factory=dict)


USGS = InventorySource(
    "usgs",
    {
        "record_id": ("OBJECTID",),
        "source_id": ("LS_ID",),
        "latitude": ("Latitude",),
        "longitude": ("Longitude",),
        "date": ("Date",),
        "confidence": ("Confidence",),
        "inventory": ("Inventory",),
        "region": ("US Level I ecoregion", "ecoregion"),
        "url": ("InventoryURL",),
        "notes": ("Notes",),
    },
    signature=("OBJECTID", "Date", "Confidence", "Inventory", "LS_ID"),
    order="M/D/Y",
    united_states=True,
    confidence=USGS_CONFIDENCE,
)
USGS_V3 = InventorySource(
    "usgs-v3",
    {
        "record_id": ("USGS_ID",),
        "source_id": ("USGS_ID",),
        "latitude": ("Lat_N",),
        "longitude": ("Lon_W",),
        "date_min": ("Date_Min",),
        "date_max": ("Date_Max",),
        "movement_type": ("LS_Type",),
        "confidence": ("Confidence",),
        "inventory": ("Inventory",),
        "url": ("Inv_URL", "InventoryURL"),
        "notes": ("Notes",),
    },
    signature=("USGS_ID", "Date_Min", "Date_Max"),
    order="M/D/Y",
    united_states=True,
    confidence=USGS_CONFIDENCE,
)
COOLR = InventorySource(
    "coolr",
    {
        "record_id": ("event_id",),
        "source_id": ("event_import_id", "event_id"),
        "latitude": ("latitude",),
        "longitude": ("longitude",),
        "date": ("event_date",),
        "accuracy": ("location_accuracy",),
        "trigger": ("landslide_trigger",),
        "movement_type": ("landslide_category",),
        "inventory": ("event_import_source", "source_name"),
        "url": ("source_link",),
        "notes": ("notes", "comments"),
    },
    signature=("event_id", "event_date", "landslide_category"),
    order="M/D/Y",
)
SLIDO = InventorySource(
    "slido",
    {
        "record_id": ("UNIQUE_ID",),
        "source_id": ("UNIQUE_ID",),
        "latitude": ("Latitude", "LAT"),
        "longitude": ("Longitude", "LONG", "LON"),
        "date": ("DATE_MOVE", "DATE"),
        "year": ("YEAR",),
        "month": ("MONTH",),
        "day": ("DAY",),
        "trigger": ("CONTR_FACT", "TRIGGER"),
        "movement_type": ("TYPE_MOVE", "MOVE_CLASS"),
        "confidence": ("CONFIDENCE",),
        "inventory": ("REF_ID_COD", "SOURCE"),
        "url": ("URL",),
        "notes": ("COMMENTS", "DESCRIPTION", "NOTES"),
    },
    signature=("UNIQUE_ID", "TYPE_MOVE"),
    order="M/D/Y",
    united_states=True,
)


def _parts_of(end: str, words: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return names of columns such as `start_year` and `year_start`, by role."""
    return {
        f"{part}_{end}": tuple(name for word in words for name in (f"{word}_{part}", f"{part}_{word}"))
        for part in ("year", "month", "day")
    }


GENERIC = InventorySource(
    "generic",
    {
        "source_id": ("event_id", "landslide_id", "ls_id", "patch_id", "id", "fid", "objectid", "gid", "uid", "code"),
        "latitude": (
            *("latitude", "lat", "lat_n", "lat_dd", "latitud", "latitudine", "decimal_latitude", "latitude_wgs84"),
            *("y_wgs84", "y"),
        ),
        "longitude": (
            *("longitude", "lon", "long", "lng", "lon_w", "lon_dd", "long_dd", "longitud", "longitudine"),
            *("decimal_longitude", "longitude_wgs84", "x_wgs84", "x"),
        ),
        "date": (
            *("event_date", "date", "landslide_date", "date_occurred", "occurrence_date", "datetime", "date_time"),
            *("date_event", "date_of_event", "date_of_occurrence", "evt_date", "slide_date", "failure_date"),
            *("fecha", "fecha_evento", "fecha_ocurrencia", "date_evenement", "ereignisdatum", "data_evento", "datum"),
            "data",
        ),
        "year": ("year", "event_year", "yr", "yyyy", "annee", "année", "año", "ano", "anno", "jahr"),
        "month": ("month", "event_month", "mon", "mo", "mm", "mois", "mes", "mese", "monat"),
        "day": ("day", "event_day", "day_of_month", "dd", "dy", "jour", "día", "dia", "giorno", "tag"),
        **_parts_of("min", ("start", "begin", "from", "first", "earliest", "min")),
        **_parts_of("max", ("end", "to", "last", "latest", "max")),
        "date_min": (
            *("date_min", "start_date", "date_start", "begin_date", "date_begin", "date_from", "earliest_date"),
            *("first_date", "min_date", "fecha_inicio", "date_debut", "data_inizio"),
        ),
        "date_max": (
            *("date_max", "end_date", "date_end", "date_to", "latest_date", "last_date", "max_date", "fecha_fin"),
            *("date_fin", "data_fine"),
        ),
        "accuracy": ("positional_accuracy_m", "location_accuracy", "positional_accuracy", "accuracy", "uncertainty"),
        "trigger": ("trigger", "landslide_trigger", "cause"),
        "movement_type": ("movement_type", "landslide_type", "ls_type", "type_move", "landslide_category", "type"),
        "confidence": ("confidence", "certainty"),
        "inventory": ("inventory", "catalog", "catalogue", "dataset"),
        "region": ("ecoregion", "region"),
        "url": ("url", "link", "source_link", "source_url"),
        "notes": ("notes", "note", "comments", "comment", "remarks", "description"),
    },
)
SOURCES = {source.name: source for source in (USGS, USGS_V3, COOLR, SLIDO, GENERIC)}


def recognise_source(columns: Iterable[str]) -> InventorySource:
    """Find the source of a file: the one whose signature is contained in the file's columns, else `generic`.

    Example:
        >>> recognise_source(["USGS_ID", "Date_Min", "Date_Max", "Notes"]).name
        'usgs-v3'
    """
    present = {normalise_name(name) for name in columns}
    for source in SOURCES.values():
        if source.signature and present.issuperset(map(normalise_name, source.signature)):
            return source
    return GENERIC


def find_source(name: str) -> InventorySource:
    """Return the source with a name.

    Raises:
        InventoryError: no source has this name.
    """
    if name not in SOURCES:
        raise InventoryError(f"no inventory source {name!r}; the sources are: {', '.join(SOURCES)}")
    return SOURCES[name]


def map_columns(source: InventorySource, columns: list[str], given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Find the column of each role: the user's choice, else the column with the most preferred name of the source.

    Args:
        source: kind of the inventory.
        columns: names of the file's columns.
        given: the columns that the user has chosen, by role.

    Raises:
        InventoryError: a given role or column does not exist.
    """
    given = {role: to_nfc(column) for role, column in (given or {}).items()}
    for role, column in given.items():
        if role not in ROLES:
            near = get_close_matches(role, ROLES, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise InventoryError(f"no role {role!r} for a column; {hint}the roles are: {', '.join(ROLES)}")
        if column not in columns:
            raise InventoryError(f"no column {column!r} for {role}; the columns are: {', '.join(columns)}")
    present: dict[str, str] = {}
    for column in columns:
        present.setdefault(normalise_name(column), column)
    by_name = {
        role: present[normalise_name(name)]
        for role, names in source.columns.items()
        for name in reversed(names)
        if normalise_name(name) in present
    }
    return by_name | given
