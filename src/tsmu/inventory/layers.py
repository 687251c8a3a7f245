"""Inventory files as layers: every cell as text, with the row a spreadsheet would show it in."""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import geopandas as gpd
import pandas as pd

from tsmu.errors import InventoryError, TableError
from tsmu.inventory.vectors import VECTORS, read_vectors
from tsmu.issues import IssueLog
from tsmu.spreadsheets import TABLES, read_table

MOST_EXPANDED = 100  # times its size; map layers and tables expand to some 3 to 20 times
FREELY_EXPANDED = 64_000_000  # bytes that an archive may expand to anyway


@dataclass
class Layer:
    """One table or map layer of an inventory file, blank rows already taken out.

    `cells` holds text ("" where empty) under unique column names, indexed by spreadsheet row (the header
    is row 1); `shapes` the geometry in EPSG:4326 under the same index, None for a table.
    `rows` counts all rows below the header, `blank` those with nothing in them.
    """

    file: str
    name: str | None
    rows: int
    blank: int
    cells: pd.DataFrame
    shapes: gpd.GeoSeries | None


def read_layers(file: Path, log: IssueLog) -> list[Layer]:
    """Read all layers of an inventory file, or of all inventory files in a zip archive.

    Raises:
        InventoryError: the file is missing, of an unknown kind, damaged or empty.
    """
    if not file.exists():
        raise InventoryError(f"{file}: no such file; check the path")
    try:
        layers = list(_from_zip(file, log) if file.suffix.lower() == ".zip" else _from_file(file, log))
    except TableError as error:
        raise InventoryError(str(error)) from None
    except (OSError, zipfile.BadZipFile) as error:
        raise InventoryError(f"{file}: cannot be read ({error}); replace it") from None
    if not any(len(layer.cells) for layer in layers):
        raise InventoryError(f"{file}: has no rows with anything in them; give an inventory")
    return layers


def _from_file(file: Path, log: IssueLog) -> Iterator[Layer]:
    if file.suffix.lower() in TABLES:
        yield _table(file.name, None, file.suffix, file.read_bytes(), log)
    else:
        yield from _vector(str(file), file.name, log)


def _from_zip(file: Path, log: IssueLog) -> Iterator[Layer]:
    with zipfile.ZipFile(file) as archive:
        _refuse_bomb(file, archive)
        names = [name for name in archive.namelist() if not name.startswith("__MACOSX/")]
        inside = [name for name in names if PurePosixPath(name).suffix.lower() in (*TABLES, *VECTORS)]
        inside += sorted({name[: name.lower().index(".gdb/") + 4] for name in names if ".gdb/" in name.lower()})
        if not inside:
            kinds = ", ".join((*TABLES, *VECTORS, ".gdb"))
            raise InventoryError(f"{file}: no inventory in this archive; it may hold {kinds}")
        for name in inside:
            path = PurePosixPath(name)
            shown = f"{file.name}/{name}"
            if path.suffix.lower() in TABLES:
                yield _table(shown, path.stem, path.suffix, archive.read(name), log)
            else:
                yield from _vector(f"/vsizip/{file.resolve()}/{name}", shown, log)


def _refuse_bomb(file: Path, archive: zipfile.ZipFile) -> None:
    """An archive that would fill the memory is refused by what it says of itself; zipfile and GDAL hold it to that."""
    expanded = sum(info.file_size for info in archive.infolist())
    if expanded > FREELY_EXPANDED + MOST_EXPANDED * file.stat().st_size:
        raise InventoryError(f"{file}: would expand to {expanded / 1e9:.1f} GB; unpack it yourself if you trust it")


def _table(file: str, name: str | None, suffix: str, content: bytes, log: IssueLog) -> Layer:
    cells, rows = read_table(file, suffix.lower(), content, log)
    filled = ~_blank(cells)
    return Layer(file, name, rows, int((~filled).sum()), cells[filled], None)


def _vector(path: str, file: str, log: IssueLog) -> Iterator[Layer]:
    for name, cells, shapes in read_vectors(path, file, log):
        filled = ~(_blank(cells) & (shapes.isna() | shapes.is_empty))
        yield Layer(file, name, len(cells), int((~filled).sum()), cells[filled], shapes[filled])


def _blank(cells: pd.DataFrame) -> pd.Series:
    blank = pd.Series(True, index=cells.index)
    for column in cells.columns:
        blank &= cells[column].str.strip() == ""
    return blank
