"""Writes docs/schema.md from the schema: `python -m tsmu.database.integrity.schema_page > docs/schema.md`."""

import sys
from collections.abc import Iterator

import sqlalchemy as sa

from tsmu.database import vocabulary
from tsmu.database.files import FORMATS
from tsmu.database.schema import TABLES, shape_kind
from tsmu.database.vocabulary import Confidence

_HEAD = """\
# The landslide database

Written from `src/tsmu/database/schema.py` and `vocabulary.py`; do not edit here.

One schema for a GeoPackage and for PostGIS. A *landslide* is one landslide as believed now; every version
that another one has replaced is kept. An *observation* is one delineation of it, and never changes but for
its link to a landslide. Geometry is in EPSG:4326, longitude first, and does not cross the 180th meridian:
polygons are cut there. Days are days in UTC, intervals include both ends. Triggers keep these rules whoever
writes, QGIS and psql too: a changed landslide leaves its former version; landslides are rejected and not
deleted; observations, past versions and review entries are neither changed nor deleted.
"""
_CROSSWALK = """\
## Crosswalk

What other inventories call a field. USGS: compilation v3 (`Confidence`: earlier versions). COOLR: NASA's
Cooperative Open Online Landslide Repository. EMS: Copernicus Emergency Management Service, vector package.
INSPIRE: Natural Risk Zones.
"""
_NAMES = {"usgs": "USGS", "coolr": "COOLR", "ems": "EMS", "inspire": "INSPIRE"}


def as_markdown() -> str:
    """The whole page as Markdown."""
    parts = [_HEAD]
    parts += ["\n".join(_fields(table)) for table in TABLES]
    parts += [_CROSSWALK + "\n" + "\n".join(_crosswalk()), "\n".join(_vocabularies()), "\n".join(_formats())]
    return "\n".join(parts)


def _fields(table: sa.Table) -> Iterator[str]:
    yield f"## {table.name}\n\n{table.comment}.\n\n| field | type | required | meaning |\n|---|---|---|---|"
    for column in table.columns:
        links = "".join(f"; -> {key.target_fullname}" for key in column.foreign_keys)
        words = column.info.get("vocabulary")
        kind = f"text ({words.__name__})" if words else _kind(column)
        required = "" if column.nullable else "yes"
        yield f"| `{column.name}` | {kind} | {required} | {column.comment}{links} |"
    yield ""


def _kind(column: sa.Column[object]) -> str:
    if column.name == "geom":
        return "polygons" if shape_kind(column.table) == "MULTIPOLYGON" else "any geometry"
    names = {"Integer": "integer", "Text": "text", "Double": "number", "Date": "day", "Moment": "moment"}
    return names[type(column.type).__name__]


def _crosswalk() -> Iterator[str]:
    yield f"| field | {' | '.join(_NAMES.values())} |\n|---|{'---|' * len(_NAMES)}"
    for table in TABLES:
        if table.name == "landslide_version":  # the same fields as landslide
            continue
        for column in table.columns:
            if set(column.info) & set(_NAMES):
                theirs = " | ".join(column.info.get(name, "") for name in _NAMES)
                yield f"| `{table.name}.{column.name}` | {theirs} |"
    yield ""


def _vocabularies() -> Iterator[str]:
    yield "## Vocabularies\n"
    for name in ("Status", "Confidence", "MovementType", "Material", "Trigger", "Author", "Decision", "Action"):
        words = getattr(vocabulary, name)
        summary = (words.__doc__ or "").splitlines()[0]
        listed = [f"{word} (USGS {word.usgs})" if isinstance(word, Confidence) else str(word) for word in words]
        yield f"**{name}**: {summary} {', '.join(listed)}.\n"


_FORMATS = """\
## Formats

`tsmu db export FILE` writes landslides by the ending of FILE, `tsmu db import FILE` takes them back by their ids:
what is new comes in, what exists and is the same stays, what exists and differs is left out and reported.
Of a landslide that exists, a GeoPackage also brings the versions and review entries that it has and this database
lacks. Where both have changed or judged a landslide since the last version that they share, it stays as it is here,
and that is reported. A file of `export` is known by its columns, so also zipped, under another name, or saved by
another program as a GeoPackage or XLSX; one that has lost some of these columns is refused.
All carry geometry to the last micrometre, days, and texts in UTF-8. In CSV a text that a spreadsheet would take for
a formula gets a ' before it, and loses it again on import; the column `outline` holds the polygon as WKT, the
layout's own columns a point in it; days that a spreadsheet has rewritten there are read in the order of day and month
that their columns show, and left out where none shows and two days are possible. Of other inventories `tsmu db import`
makes observations and candidates (polygons) or events (points), which keep their id there (`record`, `records`) and
all columns of their row (`attributes`). The same row imported again changes nothing; one that was corrected since is
left out and reported, as is a polygon of less than 1 m2 or more than 4,000 km2. The same polygons under another file's
name come in and are told.

GeoParquet, GeoJSON, FlatGeobuf and shapefiles say, besides the fields of a landslide, how far its review has come
(`review_state`: open, unsure, bad imagery, accepted, rejected, withdrawn), the last verdict of each person
(`opinions`) and what people remarked (`comments`). These three are for the reader; an import leaves them alone.

All but CSV hold the landslides that were rejected or merged into others too, so that nothing is lost where a file
comes back: whoever counts landslides or adds up their areas leaves out those whose `status` is `rejected` or
`merged`, or exports with `--status candidate,confirmed`.
"""


def _formats() -> Iterator[str]:
    yield f"{_FORMATS}\n| format | ending | cannot carry |\n|---|---|---|"
    for known in FORMATS:
        yield f"| {known.name} | `{known.suffix}` | {known.lacks} |"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(as_markdown())
