"""Making any polygon layer the region map of a workspace."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

from tsmu.errors import RegionError
from tsmu.files import written_whole
from tsmu.issues import IssueLog
from tsmu.projecting import Shapes, across_180, cut_at_180, joined_at_180, polygon_parts, transformed
from tsmu.regions.region_map import LAYER, MAP_CRS, RegionMap
from tsmu.regions.region_names import clean_region_name, region_key
from tsmu.rowlog import reject_rows
from tsmu.vector_files import as_text, read_polygons

SHARED = 0.01  # share of a layer's ground that may lie under other layers too: neighbours overlap along borders


def import_region_map(file: Path, name_field: str, out: Path, log: IssueLog, layer: str | None = None) -> RegionMap:
    """Make the polygons of a file the region map of a workspace.

    Polygons of one name become one region; invalid polygons are repaired; characters that file
    names cannot have become `-`; of several spellings of one name the first stands.

    Args:
        file: Any file of polygons, as `vector_files.read_polygons` takes it, in any CRS of the Earth.
        name_field: The column with the region names.
        out: The region map to write; replaced if it is there.
        log: Takes what was repaired or left out, with the feature's row (the header is row 1).
        layer: Which layer of `file`; by default all, which then must not cover the same ground.

    Raises:
        RegionError: the file cannot be read, has no CRS, no such field, or no usable polygon; or its layers lie
            over each other.
    """
    parts = [
        _of_layer(frame, name_field, log) for frame in read_polygons(file, log, RegionError, [layer] if layer else [])
    ]
    if not any(map(len, parts)):
        raise RegionError(f"{file}: no polygon with a name in {name_field!r}; choose another layer or field")
    _refuse_layers_over_each_other(file, parts)
    kept = pd.concat([part for part in parts if len(part)], ignore_index=True)
    names = _one_spelling(kept["name"].tolist(), kept["file"].tolist(), kept["row"].tolist(), name_field, log)
    merged = kept.assign(name=names).dissolve("name", sort=False).reset_index()[["name", "geometry"]]
    merged.geometry = [shapely.multipolygons(polygon_parts(np.array([one]))) for one in merged.geometry]
    with written_whole(out) as temporary:
        pyogrio.write_dataframe(merged, temporary, layer=LAYER, driver="GPKG", geometry_type="MultiPolygon")
    return RegionMap.from_frame(merged)


def _of_layer(frame: gpd.GeoDataFrame, name_field: str, log: IssueLog) -> gpd.GeoDataFrame:
    """The named polygons of one layer in EPSG:4326, with `name`, `file` and `row`."""
    file = frame.attrs["file"]
    fields = [str(column) for column in frame.columns if column != "geometry"]
    if name_field not in fields:
        raise RegionError(
            f"{file}: no field {name_field!r}; its fields are: {', '.join(fields) or 'none'}; choose another field, or "
            "layers with --layer"
        )
    rows = frame.index.tolist()
    names = _clean_names(frame[name_field].tolist(), rows, file, name_field, log)
    shapes = _in_degrees(frame)
    finite = np.asarray(np.isfinite(shapely.bounds(shapes).reshape(-1, 4)).all(axis=1))
    lost = [row for row, good in zip(rows, finite, strict=True) if not good]
    reject_rows(log, file, None, lost, "coordinates that are no place on Earth")
    good = [place for place, name in enumerate(names) if name and finite[place]]
    columns = {"name": [names[place] for place in good], "file": file, "row": [rows[place] for place in good]}
    return gpd.GeoDataFrame(columns, geometry=shapes[good], crs=MAP_CRS)


def _in_degrees(frame: gpd.GeoDataFrame) -> Shapes:
    """Valid polygons within -180 to 180 degrees; infinite where they have no place there."""
    shapes = transformed(np.array(frame.geometry.array, dtype=object), frame.crs, MAP_CRS)
    finite = np.isfinite(shapely.bounds(shapes).reshape(-1, 4)).all(axis=1)
    across = finite & across_180(shapes)
    shapes[across] = joined_at_180(shapes[across])
    broken = finite & ~shapely.is_valid(shapes)
    shapes[broken] = shapely.make_valid(shapes[broken], method="structure", keep_collapsed=False)
    shapes[finite] = cut_at_180(shapes[finite])
    return shapes


def _refuse_layers_over_each_other(file: Path, parts: Sequence[gpd.GeoDataFrame]) -> None:
    """Layers that divide the same ground are different maps, such as coarse and fine ecoregions."""
    filled = [part for part in parts if len(part)]
    if len(filled) < 2:
        return
    whole = [(part["file"].iloc[0], shapely.union_all(part.geometry.array)) for part in filled]
    for place, (_, ground) in enumerate(whole):
        for _, other in whole[:place]:
            if shapely.area(shapely.intersection(ground, other)) > SHARED * min(ground.area, other.area):
                names = ", ".join(name.rpartition("layer ")[2] for name, _ in whole)
                raise RegionError(
                    f"{file}: has several layers ({names}) that cover the same ground; name one with --layer"
                )


def _clean_names(values: list[Any], rows: list[int], file: str, field: str, log: IssueLog) -> list[str | None]:
    """One name per feature, None where it has none; what was changed is logged once per name."""
    cleaned: dict[str, str | None] = {}
    names: list[str | None] = []
    for row, value in zip(rows, values, strict=True):
        given = as_text(value)
        if not given:
            log.error(file, "a polygon without a region name", row=row, column=field)
            names.append(None)
            continue
        if given not in cleaned:
            cleaned[given] = _clean_name(given, file, field, row, log)
        names.append(cleaned[given])
    return names


def _clean_name(given: str, file: str, field: str, row: int, log: IssueLog) -> str | None:
    try:
        name = clean_region_name(given)
    except RegionError as error:
        log.error(file, str(error), row=row, column=field)
        return None
    if name != given:
        log.warning(file, f"region name {given!r} cannot name files", f"read as {name!r}", row=row, column=field)
    return name


def _one_spelling(names: list[str], files: list[str], rows: list[int], field: str, log: IssueLog) -> list[str]:
    """Each name in the first of its spellings; that there are others is logged once for each."""
    first: dict[str, str] = {}
    told: set[str] = set()
    for name, file, row in zip(names, files, rows, strict=True):
        spelling = first.setdefault(region_key(name), name)
        if name != spelling and name not in told:
            told.add(name)
            problem = f"{name!r} is another spelling of {spelling!r}"
            log.warning(file, problem, "read as one region", row=row, column=field)
    return [first[region_key(name)] for name in names]
