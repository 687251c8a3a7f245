"""Inventory files as layers: every cell as text, with the row a spreadsheet would show it in."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import pandas as pd

from tsmu.archives import unpacked
from tsmu.errors import InventoryError, TableError
from tsmu.inventory.vector_layers import read_vector_layers
from tsmu.issues import IssueLog
from tsmu.spreadsheets import TABLES, read_table
from tsmu.vector_files import SUFFIXES, layer_names, vector_files


@dataclass
class InventoryLayer:
    """One table or map layer of an inventory file, blank rows already taken out.

    `cells` holds text ("" where empty) under unique column names, indexed by spreadsheet row (the header
    is row 1); `shapes` the geometry in EPSG:4326 under the same index, None for a table.
    `rows` counts all rows below the header, `blank` those with nothing in them; `unreadable` says by row what is
    wrong with geometries that cannot be read.
    """

    file: str
    name: str | None
    rows: int
    blank: int
    cells: pd.DataFrame
    shapes: gpd.GeoSeries | None
    unreadable: dict[int, str] = field(default_factory=dict)


def read_layers(file: Path, log: IssueLog, only: Sequence[str] = ()) -> list[InventoryLayer]:
    """Read all layers of an inventory file, or of all inventory files in a zip archive; or those named in `only`.

    Raises:
        InventoryError: the file is missing, of an unknown kind, damaged or empty.
    """
    if not file.exists():
        raise InventoryError(f"{file}: no such file; check the path")
    try:
        layers = list((_from_zip if file.suffix.lower() == ".zip" else _from_file)(file, log, list(only)))
    except TableError as error:
        raise InventoryError(str(error)) from None
    except OSError as error:
        raise InventoryError(f"{file}: cannot be read ({error}); replace it") from None
    if not any(len(layer.cells) for layer in layers):
        raise InventoryError(f"{file}: has no rows with anything in them; give an inventory")
    return layers


def _from_file(file: Path, log: IssueLog, only: list[str]) -> Iterator[InventoryLayer]:
    if file.suffix.lower() in TABLES:
        _refuse_layer_names(file, only, [])
        yield _table(file.name, None, file.suffix, file.read_bytes(), log)
    else:
        yield from _vector(file, file.name, log, only)


def _from_zip(file: Path, log: IssueLog, only: list[str]) -> Iterator[InventoryLayer]:
    with unpacked(file, InventoryError) as folder:
        tables = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in TABLES and path.is_file()]
        vectors = vector_files(folder)
        inside = sorted([*([] if only else tables), *vectors])
        if not inside:
            kinds = ", ".join((*TABLES, *SUFFIXES))
            raise InventoryError(f"{file}: no inventory in this archive; it may hold {kinds}")
        found = {path: layer_names(path, InventoryError) for path in vectors} if only else {}
        _refuse_layer_names(file, only, [name for names in found.values() for name in names])
        for path in inside:
            shown = f"{file.name}/{path.relative_to(folder).as_posix()}"
            if path.suffix.lower() in TABLES:
                yield _table(shown, path.stem, path.suffix, path.read_bytes(), log)
                continue
            chosen = [name for name in only if name in found[path]]
            if chosen or not only:
                yield from _vector(path, shown, log, chosen)


def _refuse_layer_names(file: Path, only: list[str], names: list[str]) -> None:
    if missing := [name for name in only if name not in names]:
        raise InventoryError(f"{file}: no layer {missing[0]!r}; its layers are: {', '.join(names) or 'none'}")


def _table(file: str, name: str | None, suffix: str, content: bytes, log: IssueLog) -> InventoryLayer:
    cells, rows = read_table(file, suffix.lower(), content, log)
    filled = ~_blank(cells)
    return InventoryLayer(file, name, rows, int((~filled).sum()), cells[filled], None)


def _vector(path: Path, file: str, log: IssueLog, only: list[str]) -> Iterator[InventoryLayer]:
    for name, cells, shapes, unreadable in read_vector_layers(path, file, log, only):
        empty = (shapes.isna() | shapes.is_empty) & ~shapes.index.isin(list(unreadable))
        filled = ~(_blank(cells) & empty)
        yield InventoryLayer(file, name, len(cells), int((~filled).sum()), cells[filled], shapes[filled], unreadable)


def _blank(cells: pd.DataFrame) -> pd.Series:
    blank = pd.Series(True, index=cells.index)
    for column in cells.columns:
        blank &= cells[column].str.strip() == ""
    return blank
