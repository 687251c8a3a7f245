"""Inventory files as layers: every cell as text, with the row in which a spreadsheet would show it.

A layer is a table, or a layer of a map file with points and polygons in EPSG:4326. A table with geometries as
Well-Known Text is treated like a layer of a map file.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from tsmu.errors import InventoryError, TableError
from tsmu.inventory.known_sources import ROLES, SOURCES, map_columns
from tsmu.inventory.table_shapes import WGS84, find_shapes_column, read_shapes
from tsmu.issues import IssueLog
from tsmu.tabular import TABLE_SUFFIXES, cell_text, read_table, unique_column_names
from tsmu.vectors import VECTOR_SUFFIXES, VectorLayer, find_vector_files, layer_names, reproject, unpack_archive
from tsmu.vectors import read_layers as read_map_layers

PROSE_SUFFIX = ".txt"  # such a file may be a table, or a text about the other files


@dataclass
class InventoryLayer:
    """One table or map layer of an inventory file, without its blank rows.

    Attributes:
        file: the file's name for messages; for a file in an archive, the archive's name comes before it.
        name: name of the layer; None for a table, but the file's name without ending for a table in an archive. No two
            layers of an archive have the same name (`read_layers`).
        rows: number of all rows below the header.
        blank: number of rows in which all cells are empty.
        cells: text ("" where empty) under unique column names, indexed by spreadsheet row (the header is row 1).
        shapes: geometries in EPSG:4326 with the same index; None for a table that has none.
        unreadable: for each row whose geometry cannot be read, what is wrong with it.
    """

    file: str
    name: str | None
    rows: int
    blank: int
    cells: pd.DataFrame
    shapes: gpd.GeoSeries | None
    unreadable: dict[int, str] = field(default_factory=dict)


def read_layers(
    file: Path, log: IssueLog, layers: Sequence[str] = (), columns: Mapping[str, str] | None = None
) -> list[InventoryLayer]:
    """Read the layers of an inventory file, or of all inventory files in a zip archive.

    Tables without coordinates in an archive, such as a README.txt, are skipped and logged, if the archive holds
    anything else. Where several layers of an archive have the same name, the places of their files come before it.

    Args:
        file: a table, a map file or a zip archive of them.
        log: receives the defects of cells and geometries.
        layers: names of the map layers to read; by default all map layers and tables are read.
        columns: the columns that the user has chosen, by role.

    Raises:
        InventoryError: the file is missing, of an unknown kind, damaged or empty.
    """
    if not file.exists():
        raise InventoryError(f"{file}: no such file; check the path")
    try:
        if file.suffix.lower() == ".zip":
            result = list(_from_zip(file, log, list(layers), columns or {}))
        else:
            result = list(_from_file(file, log, list(layers), columns or {}))
    except TableError as error:
        raise InventoryError(str(error)) from None
    except OSError as error:
        raise InventoryError(f"{file}: cannot be read ({error}); replace it") from None
    if not any(len(layer.cells) for layer in result):
        raise InventoryError(f"{file}: has no rows with anything in them; give an inventory")
    return _with_unique_names(result)


def _with_unique_names(layers: list[InventoryLayer]) -> list[InventoryLayer]:
    """Name layers that share a name, such as files of one name in an archive's folders, by their places as well.

    Two layers `slides` become `2019/slides.csv` and `2020/slides.gpkg/slides`; all other names stay.
    """
    counts = Counter(layer.name for layer in layers)
    return [replace(layer, name=_place_in_archive(layer)) if counts[layer.name] > 1 else layer for layer in layers]


def _place_in_archive(layer: InventoryLayer) -> str:
    """The path of a layer's file in its archive, and the layer's name if the file may have several layers."""
    path = layer.file.partition("/")[2]
    return path if path.lower().endswith(TABLE_SUFFIXES) else f"{path}/{layer.name}"


def _from_file(file: Path, log: IssueLog, layers: list[str], columns: Mapping[str, str]) -> Iterator[InventoryLayer]:
    """Read the layers of a single file."""
    if file.suffix.lower() in TABLE_SUFFIXES:
        _refuse_unknown_layers(file, layers, [])
        yield _read_table(file, file.name, None, columns, log)
    else:
        yield from _read_map_file(file, file.name, log, layers)


def _from_zip(file: Path, log: IssueLog, layers: list[str], columns: Mapping[str, str]) -> Iterator[InventoryLayer]:
    """Read the layers of all files in a zip archive; where layers are named, tables are left out."""
    with unpack_archive(file, InventoryError) as folder:
        tables = [
            path for path in sorted(folder.rglob("*")) if path.suffix.lower() in TABLE_SUFFIXES and path.is_file()
        ]
        map_files = find_vector_files(folder)
        if not [*([] if layers else tables), *map_files]:
            kinds = ", ".join((*TABLE_SUFFIXES, *VECTOR_SUFFIXES))
            raise InventoryError(f"{file}: no inventory in this archive; it may hold {kinds}")
        display_names = {path: f"{file.name}/{path.relative_to(folder).as_posix()}" for path in [*tables, *map_files]}
        chosen_tables = [] if layers else _with_coordinates(tables, display_names, columns, log, others=bool(map_files))
        inside = sorted([*chosen_tables, *map_files])
        names_of = {path: layer_names(path, InventoryError) for path in map_files} if layers else {}
        _refuse_unknown_layers(file, layers, [name for names in names_of.values() for name in names])
        for path in inside:
            if path.suffix.lower() in TABLE_SUFFIXES:
                yield _read_table(path, display_names[path], path.stem, columns, log)
                continue
            chosen = [name for name in layers if name in names_of[path]]
            if chosen or not layers:
                yield from _read_map_file(path, display_names[path], log, chosen)


def _with_coordinates(
    tables: list[Path], display_names: Mapping[Path, str], columns: Mapping[str, str], log: IssueLog, *, others: bool
) -> list[Path]:
    """Choose the tables of an archive that have coordinates; all of them if the archive holds nothing else.

    Args:
        tables: text files and workbooks, which may turn out not to be tables.
        display_names: the name of each file in messages.
        columns: the columns that the user has chosen, by role.
        log: receives the files that are skipped.
        others: whether the archive has map layers.
    """
    problems = {path: _problem_of_table(path, columns) for path in tables}
    chosen = [path for path in tables if not problems[path]]
    if not (chosen or others):
        return tables
    for path in tables:
        if path not in chosen and path.suffix.lower() == PROSE_SUFFIX:
            log.warning(display_names[path], "is no table with coordinates", "passed over")
        elif path not in chosen:
            log.error(display_names[path], problems[path])
    return chosen


def _problem_of_table(path: Path, columns: Mapping[str, str]) -> str:
    """Say why a file is no table with coordinates; "" if it is one, read as any source or with the user's columns."""
    try:
        cells, _ = read_table(path.name, path.suffix.lower(), path.read_bytes(), IssueLog(path))
    except TableError:
        return "cannot be read as a table"
    if _has_coordinates(cells, columns) or find_shapes_column(cells, has_coordinates=False):
        return ""
    return "has no column for latitude and longitude; if it has, name them with --columns latitude=COLUMN"


def _has_coordinates(cells: pd.DataFrame, columns: Mapping[str, str]) -> bool:
    """Whether a table has columns of latitude and longitude, read as any known source or with the user's columns."""
    names = list(cells.columns)
    given = {role: name for role, name in columns.items() if role in ROLES and name in names}
    return any({"latitude", "longitude"} <= map_columns(source, names, given).keys() for source in SOURCES.values())


def _refuse_unknown_layers(file: Path, layers: list[str], names: list[str]) -> None:
    if missing := [name for name in layers if name not in names]:
        raise InventoryError(f"{file}: no layer {missing[0]!r}; its layers are: {', '.join(names) or 'none'}")


def _read_table(path: Path, file: str, name: str | None, columns: Mapping[str, str], log: IssueLog) -> InventoryLayer:
    """Read a table; outlines as Well-Known Text are used unless the user has chosen a column of latitude or longitude.

    Args:
        path: the table.
        file: its name in messages.
        name: the layer's name.
        columns: the columns that the user has chosen, by role.
        log: receives the defects.
    """
    cells, rows = read_table(file, path.suffix.lower(), path.read_bytes(), log)
    filled = ~_is_blank(cells)
    cells, blank = cells[filled], int((~filled).sum())
    if len(cells) and not {"latitude", "longitude"} & columns.keys():
        has_coordinates = _has_coordinates(cells, columns)
        column = find_shapes_column(cells, has_coordinates=has_coordinates)
        if column is not None:
            if has_coordinates:
                log.warning(file, f"has outlines in column {column}, and coordinates", "the outlines are read")
            found = read_shapes(cells, column, file, log)
            return InventoryLayer(file, name, rows, blank, cells.drop(columns=column), found.shapes, found.unreadable)
    return InventoryLayer(file, name, rows, blank, cells, None)


def _read_map_file(path: Path, file: str, log: IssueLog, layers: list[str]) -> Iterator[InventoryLayer]:
    """Read the layers of a map file that have geometries.

    Invalid polygons are repaired, which is logged; heights are dropped; a multipoint of one point becomes a point.
    Other geometries than points and polygons are kept; `event_geometries` rejects them later.
    """
    for layer in read_map_layers(path, log, InventoryError, layers, display_name=file):
        cells, shapes = _attributes_as_text(layer.attributes), _to_degrees(layer)
        empty = (shapes.isna() | shapes.is_empty) & ~shapes.index.isin(list(layer.unreadable))
        filled = ~(_is_blank(cells) & empty)
        blank = int((~filled).sum())
        yield InventoryLayer(file, layer.name, len(cells), blank, cells[filled], shapes[filled], layer.unreadable)


def _is_blank(cells: pd.DataFrame) -> pd.Series:
    """Tell which rows have only empty cells."""
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
    """Turn an attribute into a value that a spreadsheet's cell can have: lists become text, missing values None."""
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
