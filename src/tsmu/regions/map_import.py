"""Make the region map of a workspace from any polygon layer."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

from tsmu.errors import RegionError
from tsmu.files import atomic_write
from tsmu.issues import IssueLog, reject_rows
from tsmu.regions.region_map import LAYER, MAP_CRS, RegionMap
from tsmu.regions.region_names import clean_region_name, region_key
from tsmu.vectors import (
    Shapes,
    attribute_text,
    crosses_antimeridian,
    join_at_antimeridian,
    polygon_parts,
    read_polygons,
    reproject,
    split_at_antimeridian,
)

# The largest share of a layer's ground that another layer may cover too, since neighbours overlap along their border.
MAX_LAYER_OVERLAP = 0.01


def import_region_map(file: Path, name_field: str, out: Path, log: IssueLog, layer: str | None = None) -> RegionMap:
    """Make the region map of a workspace from the polygons of a file.

    Polygons with the same name become one region; invalid polygons are repaired; characters that file names cannot
    have become `-`; where a name has several spellings, the first one is used for all.

    Args:
        file: any file of polygons that `tsmu.vectors.read_polygons` reads, in any CRS of the Earth.
        name_field: the column with the names of the regions.
        out: path of the region map to write; an existing one is replaced.
        log: receives repairs and features that were left out, with the feature's row (the header is row 1).
        layer: the layer of the file to read; None reads all layers, which then must not cover the same ground.

    Raises:
        RegionError: the file cannot be read, or has no CRS, no field with this name or no usable polygon; or its
            layers cover the same ground.

    Example:
        >>> shapes = geopandas.GeoDataFrame({"eco": ["Coast", "coast"]}, geometry=[west, east], crs="EPSG:4326")
        >>> shapes.to_file("ecoregions.geojson")
        >>> regions = import_region_map(Path("ecoregions.geojson"), "eco", Path("regions.gpkg"), log)
        >>> regions.regions
        ['Coast']
        >>> log.issues[-1].problem
        "'coast' is another spelling of 'Coast'"
    """
    frames = read_polygons(file, log, RegionError, [layer] if layer else [])
    parts = [_named_polygons(frame, name_field, log) for frame in frames]
    if not any(map(len, parts)):
        raise RegionError(f"{file}: no polygon with a name in {name_field!r}; choose another layer or field")
    _refuse_overlapping_layers(file, parts)
    usable = pd.concat([part for part in parts if len(part)], ignore_index=True)
    names = _unify_spellings(usable["name"].tolist(), usable["file"].tolist(), usable["row"].tolist(), name_field, log)
    merged = usable.assign(name=names).dissolve("name", sort=False).reset_index()[["name", "geometry"]]
    merged.geometry = [shapely.multipolygons(polygon_parts(np.array([one]))) for one in merged.geometry]
    with atomic_write(out) as temporary:
        pyogrio.write_dataframe(merged, temporary, layer=LAYER, driver="GPKG", geometry_type="MultiPolygon")
    return RegionMap.from_frame(merged)


def _named_polygons(frame: gpd.GeoDataFrame, name_field: str, log: IssueLog) -> gpd.GeoDataFrame:
    """Return the usable polygons of one layer in EPSG:4326 with the columns `name`, `file` and `row`."""
    file = frame.attrs["file"]
    fields = [str(column) for column in frame.columns if column != "geometry"]
    if name_field not in fields:
        raise RegionError(
            f"{file}: no field {name_field!r}; its fields are: {', '.join(fields) or 'none'}; choose another field, or "
            "layers with --layer"
        )
    rows = frame.index.tolist()
    names = _clean_names(frame[name_field].tolist(), rows, file, name_field, log)
    shapes = _to_degrees(frame)
    finite = np.asarray(np.isfinite(shapely.bounds(shapes).reshape(-1, 4)).all(axis=1))
    rows_off_earth = [row for row, on_earth in zip(rows, finite, strict=True) if not on_earth]
    reject_rows(log, file, None, rows_off_earth, "coordinates that are no place on Earth")
    usable = [position for position, name in enumerate(names) if name and finite[position]]
    columns = {"name": [names[i] for i in usable], "file": file, "row": [rows[i] for i in usable]}
    return gpd.GeoDataFrame(columns, geometry=shapes[usable], crs=MAP_CRS)


def _to_degrees(frame: gpd.GeoDataFrame) -> Shapes:
    """Project polygons to EPSG:4326, make them valid, and split them at 180 degrees of longitude.

    Polygons that cannot be projected have coordinates that are not finite.
    """
    shapes = reproject(np.array(frame.geometry.array, dtype=object), frame.crs, MAP_CRS)
    finite = np.isfinite(shapely.bounds(shapes).reshape(-1, 4)).all(axis=1)
    across = finite & crosses_antimeridian(shapes)
    shapes[across] = join_at_antimeridian(shapes[across])
    invalid = finite & ~shapely.is_valid(shapes)
    shapes[invalid] = shapely.make_valid(shapes[invalid], method="structure", keep_collapsed=False)
    shapes[finite] = split_at_antimeridian(shapes[finite])
    return shapes


def _refuse_overlapping_layers(file: Path, parts: Sequence[gpd.GeoDataFrame]) -> None:
    """Raise RegionError for layers that cover the same ground: different maps, such as coarse and fine ecoregions."""
    filled = [part for part in parts if len(part)]
    if len(filled) < 2:
        return
    layers = [(part["file"].iloc[0], shapely.union_all(part.geometry.array)) for part in filled]
    for position, (_, ground) in enumerate(layers):
        for _, other in layers[:position]:
            if shapely.area(shapely.intersection(ground, other)) > MAX_LAYER_OVERLAP * min(ground.area, other.area):
                names = ", ".join(name.rpartition("layer ")[2] for name, _ in layers)
                raise RegionError(
                    f"{file}: has several layers ({names}) that cover the same ground; name one with --layer"
                )


def _clean_names(values: list[Any], rows: list[int], file: str, field: str, log: IssueLog) -> list[str | None]:
    """Return one region name per feature, None where a feature has none; each changed name is logged once."""
    clean: dict[str, str | None] = {}
    names: list[str | None] = []
    for row, value in zip(rows, values, strict=True):
        given = attribute_text(value)
        if not given:
            log.error(file, "a polygon without a region name", row=row, column=field)
            names.append(None)
            continue
        if given not in clean:
            clean[given] = _clean_name(given, file, field, row, log)
        names.append(clean[given])
    return names


def _clean_name(given: str, file: str, field: str, row: int, log: IssueLog) -> str | None:
    """Return a region name from which file names can be made, and log changes; None where nothing usable is left."""
    try:
        name = clean_region_name(given)
    except RegionError as error:
        log.error(file, str(error), row=row, column=field)
        return None
    if name != given:
        log.warning(file, f"region name {given!r} cannot name files", f"read as {name!r}", row=row, column=field)
    return name


def _unify_spellings(names: list[str], files: list[str], rows: list[int], field: str, log: IssueLog) -> list[str]:
    """Replace each name by the spelling of it that comes first; each other spelling is logged once."""
    first: dict[str, str] = {}
    logged: set[str] = set()
    for name, file, row in zip(names, files, rows, strict=True):
        spelling = first.setdefault(region_key(name), name)
        if name != spelling and name not in logged:
            logged.add(name)
            problem = f"{name!r} is another spelling of {spelling!r}"
            log.warning(file, problem, "read as one region", row=row, column=field)
    return [first[region_key(name)] for name in names]
