"""The scenes that are to be mapped: files, addresses, or a table of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath

import pandas as pd

from tsmu.errors import MapError, TableError
from tsmu.files import listed_file
from tsmu.imagery.raster import is_remote
from tsmu.issues import IssueLog
from tsmu.spreadsheets import day_of, named_columns, read_date_columns, read_table_file

COLUMNS = ("post", "pre", "region", "date_pre", "date_post", "name")


@dataclass(frozen=True)
class SceneOrder:
    """One scene to be mapped.

    Attributes:
        post, pre: rasters, absolute paths or addresses; `pre` is None for models of post-event images.
        name: the scene's name, fit for a folder.
        region: whose decoder; None asks the region map.
        date_pre, date_post: ISO 8601, None if unknown.
    """

    post: Path | str
    pre: Path | str | None
    name: str
    region: str | None = None
    date_pre: str | None = None
    date_post: str | None = None


def place_of(text: str) -> Path | str:
    """An address as it is, anything else as a path."""
    return text if is_remote(text) else Path(text).expanduser()


def scene_name(name: str) -> str:
    """Check that a name can be a folder's.

    Raises:
        MapError: it cannot.
    """
    if name in ("", ".", "..") or Path(name).name != name:
        raise MapError(
            f"scene name {name!r}: cannot be a folder's name; give another: --name, or a table's column name"
        )
    return name


def name_of(place: Path | str) -> str:
    """A scene's name where none is given: that of its file."""
    return scene_name(PurePosixPath(str(place).partition("?")[0]).stem if is_remote(place) else Path(place).stem)


def read_scene_table(path: Path, log: IssueLog) -> list[tuple[int, SceneOrder | str]]:
    """Read a table with the column `post` and, where wanted, `pre`, `region`, `date_pre`, `date_post`, `name`.

    Paths are relative to the table's folder. What was taken for granted, as the order of day and month, goes to
    `log`.

    Returns:
        For each row its number, the header being row 1, and the scene, or what is wrong with the row.

    Raises:
        MapError: the table cannot be read, or its columns are others.
    """
    try:
        table = read_table_file(path, log)
    except TableError as error:
        raise MapError(f"{error}; correct it") from None
    columns = named_columns(table, {name: (name,) for name in COLUMNS})
    unknown = [str(name) for name in table if name not in columns.values()]
    if unknown := unknown or ([] if "post" in columns else ["no post"]):
        raise MapError(f"{path}: columns must be {', '.join(COLUMNS)}, found {', '.join(unknown)}; rename them")
    cells = pd.DataFrame({name: table[column].str.strip() for name, column in columns.items()}, index=table.index)
    dates = read_date_columns(cells, [name for name in COLUMNS[3:5] if name in cells], path, log)
    rows = []
    for at, row in enumerate(cells.index):
        try:
            days = {name: day_of(name, cells[name].iloc[at], column, at) for name, column in dates.items()}
            rows.append((int(row), _order(dict(cells.iloc[at]), days, path.parent)))
        except (MapError, TableError) as error:
            rows.append((int(row), str(error)))
    return rows


def _order(cells: Mapping[str, str], days: Mapping[str, date | None], folder: Path) -> SceneOrder | str:
    given = {name: cells.get(name, "") for name in COLUMNS}
    if not given["post"]:
        return "no post-event raster is named"
    post = _listed(given["post"], folder)
    name = scene_name(given["name"]) if given["name"] else name_of(post)
    pre = _listed(given["pre"], folder) if given["pre"] else None
    texts = [day.isoformat() if (day := days.get(name)) else None for name in COLUMNS[3:5]]
    return SceneOrder(post, pre, name, given["region"] or None, *texts)


def _listed(cell: str, folder: Path) -> Path | str:
    return cell if is_remote(cell) else listed_file(folder, cell)


def check_names(orders: Sequence[SceneOrder]) -> None:
    """Refuse two scenes of one name: the second's map would take the first's place.

    Raises:
        MapError: two have one name.
    """
    seen: dict[str, SceneOrder] = {}
    for order in orders:
        if order.name in seen:
            raise MapError(
                f"{order.post} and {seen[order.name].post}: both scenes would be named {order.name}; "
                "map them apart with --name, or give a table with a column name"
            )
        seen[order.name] = order
