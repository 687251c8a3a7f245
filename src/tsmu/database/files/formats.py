"""The formats in which landslides leave and come back, and what each of them cannot carry."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tsmu.errors import DatabaseError

Layout = Literal["usgs", "coolr"]
LAYOUTS: tuple[Layout, ...] = ("usgs", "coolr")
_FLAT = (
    "observations, scenes, runs, mapped areas, events, reviews and former versions: `version` starts again at 1, and "
    "`event_id` and `merged_into` stay only where what they name is there already"
)


@dataclass(frozen=True)
class FileFormat:
    """One file format.

    Attributes:
        name: as people call it.
        suffix: of its files.
        driver: GDAL's driver, where GDAL writes it; else None.
        lacks: what it cannot carry, for docs/schema.md.
        layout: of a CSV file.
    """

    name: str
    suffix: str
    driver: str | None
    lacks: str
    layout: Layout | None = None


FORMATS = (
    FileFormat("GeoPackage", ".gpkg", None, "nothing: it is a landslide database itself, with all that belongs"),
    FileFormat("GeoParquet 1.1", ".parquet", None, _FLAT),
    FileFormat("GeoJSON", ".geojson", "GeoJSON", f"{_FLAT}; the order of a ring's corners (RFC 7946 prescribes it)"),
    FileFormat(
        "FlatGeobuf",
        ".fgb",
        "FlatGeobuf",
        f"{_FLAT}; the order of the rows (they lie by place; its index takes some 120 bytes of memory per landslide)",
    ),
    FileFormat(
        "Shapefile",
        ".shp",
        "ESRI Shapefile",
        f"{_FLAT}; texts of more than 254 bytes (cut, and reported), names of more than 10 letters (`movement_type` is "
        "`move_type` there, `change_reason` is `chg_reason`, `merged_into` is `merged_in`, `review_state` is "
        "`rev_state`), the order of a ring's corners",
    ),
    FileFormat(
        "CSV, USGS v3 layout",
        ".csv",
        None,
        f"{_FLAT}; material, trigger, confidence, status (rejected and merged landslides are left out unless asked "
        "for; what comes back is a candidate), region, area (computed anew) and who changed what",
        "usgs",
    ),
    FileFormat(
        "CSV, COOLR layout",
        ".csv",
        None,
        f"{_FLAT}; what the USGS layout lacks, but for the trigger; the last day; movements and triggers that COOLR "
        "has no class for",
        "coolr",
    ),
    FileFormat("STAC items", ".json", None, "landslides and what belongs to them: it holds scenes and runs only"),
)

# A shapefile's names have 10 letters.
SHORT_NAMES = {
    "movement_type": "move_type",
    "change_reason": "chg_reason",
    "merged_into": "merged_in",
    "review_state": "rev_state",
}


def format_of(path: Path, layout: str | None) -> FileFormat:
    """The format that a file's ending, and for CSV the layout, name.

    Raises:
        DatabaseError: there is none, or the layout does not fit.
    """
    suffix = path.suffix.lower()
    if (suffix == ".csv") != (layout is not None) or layout not in (None, *LAYOUTS):
        raise DatabaseError(f"{path}: CSV, and only CSV, has a layout; give --layout {' or --layout '.join(LAYOUTS)}")
    fitting = [known for known in FORMATS if (known.suffix, known.layout) == (suffix, layout)]
    if not fitting:
        suffixes = ", ".join(dict.fromkeys(known.suffix for known in FORMATS))
        raise DatabaseError(f"{path}: no format has this ending; it may be {suffixes}")
    return fitting[0]
