"""Inventory files as layers: every cell as text, with the row in which a spreadsheet would show it.

A layer is a table, or a layer of a map file with points and polygons in EPSG:4326.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from tsmu.errors import InventoryError, TableError
from tsmu.issues import IssueLog
from tsmu.tabular import TABLE_SUFFIXES, cell_text, read_table, unique_column_names
from tsmu.vectors import VECTOR_SUFFIXES, VectorLayer, find_vector_files, layer_names, reproject, unpack_archive
from tsmu.vectors import read_layers as read_map_layers

WGS84 = "EPSG:4326"


@dataclass
class InventoryLayer:
    """One table or map layer of an inventory file, without its blank rows.

    Attributes:
        file: the file's name for messages, with the archive before it where there is one.
        name: of the layer; None for a table.
        rows: number of all rows below the header.
        blank: number of rows with nothing in them.
        cells: text ("" where empty) under unique column names, indexed by spreadsheet row (the header is row 1).
        shapes: geometries in EPSG:4326 under the same index; None for a table.
        unreadable: by row what is wrong with geometries that cannot be read.
    """

    file: str
    name: str | None
    rows: int
    blank: int
    cells: pd.DataFrame
    shapes: gpd.GeoSeries | None
    unreadable: dict[int, str] = field(default_factory=dict)


def read_layers(file: Path, log: IssueLog, layers: Sequence[str] = ()) -> list[InventoryLayer]:
    """Read the layers of an inventory file, or of all inventory files in a zip archive.

    Args:
        file: a table, a map file or a zip archive of them.
        log: receives what is wrong with cells and geometries.
        layers: names of the map layers to read; by default all, and the tables.

    Raises:
        InventoryError: the file is missing, of an unknown kind, damaged or empty.
    """
    if not file.exists():
        raise InventoryError(f"{file}: no such file; check the path")
    try:
        result = list((_from_zip if file.suffix.lower() == ".zip" else _from_file)(file, log, list(layers)))
    except TableError as error:
        raise InventoryError(str(error)) from None
    except OSError as error:
        raise InventoryError(f"{file}: cannot be read ({error}); replace it") from None
    if not any(len(layer.cells) for layer in result):
        raise InventoryError(f"{file}: has no rows with anything in them; give an inventory")
    return result


def _from_file(file: Path, log: IssueLog, layers: list[str]) -> Iterator[InventoryLayer]:
    """Read the layers of a single file."""
    if file.suffix.lower() in TABLE_SUFFIXES:
        _refuse_unknown_layers(file, layers, [])
        yield _read_table(file.name, None, file.suffix, file.read_bytes(), log)
    else:
        yield from _read_map_file(file, file.name, log, layers)


def _from_zip(file: Path, log: IssueLog, layers: list[str]) -> Iterator[InventoryLayer]:
    """Read the layers of all files in a zip archive; where layers are named, tables are left out."""
    with unpack_archive(file, InventoryError) as folder:
        tables = [
            path for path in sorted(folder.rglob("*")) if path.suffix.lower() in TABLE_SUFFIXES and path.is_file()
        ]
        map_files = find_vector_files(folder)
        inside = sorted([*([] if layers else tables), *map_files])
        if not inside:
            kinds = ", ".join((*TABLE_SUFFIXES, *VECTOR_SUFFIXES))
            raise InventoryError(f"{file}: no inventory in this archive; it may hold {kinds}")
        names_of = {path: layer_names(path, InventoryError) for path in map_files} if layers else {}
        _refuse_unknown_layers(file, layers, [name for names in names_of.values() for name in names])
        for path in inside:
            display_name = f"{file.name}/{path.relative_to(folder).as_posix()}"
            if path.suffix.lower() in TABLE_SUFFIXES:
                yield _read_table(display_name, path.stem, path.suffix, path.read_bytes(), log)
                continue
            chosen = [name for name in layers if name in names_of[path]]
            if chosen or not layers:
                yield from _read_map_file(path, display_name, log, chosen)


def _refuse_unknown_layers(file: Path, layers: list[str], names: list[str]) -> None:
    if missing := [name for name in layers if name not in names]:
        raise InventoryError(f"{file}: no layer {missing[0]!r}; its layers are: {', '.join(names) or 'none'}")


def _read_table(file: str, name: str | None, suffix: str, content: bytes, log: IssueLog) -> InventoryLayer:
    cells, rows = read_table(file, suffix.lower(), content, log)
    filled = ~_is_blank(cells)
    return InventoryLayer(file, name, rows, int((~filled).sum()), cells[filled], None)


def _read_map_file(path: Path, file: str, log: IssueLog, layers: list[str]) -> Iterator[InventoryLayer]:
    """Read the layers with geometry of a map file.

    Invalid polygons are repaired, which is logged; heights are dropped; a multipoint of one point becomes a point.
    Other geometries than points and polygons stay as they are, for `event_geometries` to reject.
    """
    for layer in read_map_layers(path, log, InventoryError, layers, display_name=file):
        cells, shapes = _attributes_as_text(layer.attributes), _to_degrees(layer)
        empty = (shapes.isna() | shapes.is_empty) & ~shapes.index.isin(list(layer.unreadable))
        filled = ~(_is_blank(cells) & empty)
        blank = int((~filled).sum())
        yield InventoryLayer(file, layer.name, len(cells), blank, cells[filled], shapes[filled], layer.unreadable)


def _is_blank(cells: pd.DataFrame) -> pd.Series:
    """Tell which rows have nothing in any cell."""
    blank = pd.Series(True, index=cells.index)
    for column in cells.columns:
        blank &= cells[column].str.strip() == ""
    return blank


def _attributes_as_text(attributes: pd.DataFrame) -> pd.DataFrame:
    names = unique_column_names([str(name) for name in attributes.columns])
    columns = {
        name: np.array([cell_text(_as_cell(value)) for value in attributes.iloc[:, i]], dtype=object)
        for i, name in enumerate(names)
    }
    return pd.DataFrame(columns, dtype="str", index=attributes.index)


def _as_cell(value: object) -> object:
    """Turn an attribute into what a spreadsheet's cell may have: lists become text, missing values None."""
    if isinstance(value, np.ndarray):  # a GeoJSON list
        return ", ".join(map(str, value.tolist()))
    return None if value is pd.NaT or value is pd.NA else value


def _to_degrees(layer: VectorLayer) -> gpd.GeoSeries:
    """Project the geometries of a map layer to EPSG:4326; multipoints of one point become points."""
    shapes = layer.shapes.copy()
    single = (shapely.get_type_id(shapes) == shapely.GeometryType.MULTIPOINT) & (
        shapely.get_num_geometries(shapes) == 1
    )
    shapes[single] = shapely.get_geometry(shapes[single], 0)
    return gpd.GeoSeries(reproject(shapes, layer.crs, WGS84), index=layer.attributes.index, crs=WGS84)
