"""The scenes that are to be mapped: files, addresses, or a table of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath

import pandas as pd

from tsmu.errors import MapError
from tsmu.imagery.raster import is_remote

COLUMNS = ("post", "pre", "region", "date_pre", "date_post", "name")
TABLE = ".csv"


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


def place_of(text: str, folder: Path | None = None) -> Path | str:
    """An address as it is, anything else as a path, from `folder` on."""
    return text if is_remote(text) else (folder or Path()) / Path(text).expanduser()


def scene_name(name: str) -> str:
    """Check that a name can be a folder's.

    Raises:
        MapError: it cannot.
    """
    if name in ("", ".", "..") or Path(name).name != name:
        raise MapError(f"scene name {name!r}: cannot be a folder's name; give another with --name")
    return name


def name_of(place: Path | str) -> str:
    """A scene's name where none is given: that of its file."""
    return scene_name(PurePosixPath(str(place).partition("?")[0]).stem if is_remote(place) else Path(place).stem)


def read_scene_table(path: Path) -> list[tuple[int, SceneOrder | str]]:
    """Read a CSV with the column `post` and, where wanted, `pre`, `region`, `date_pre`, `date_post`, `name`.

    Paths are relative to the table's folder.

    Returns:
        For each row its number, the header being row 1, and the scene, or what is wrong with the row.

    Raises:
        MapError: the table cannot be read, or its columns are others.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise MapError(f"{path}: cannot be read as a CSV table ({str(error).splitlines()[0]}); correct it") from None
    if unknown := [str(name) for name in table if name not in COLUMNS] or ("post" not in table and ["no post"]):
        raise MapError(f"{path}: columns must be {', '.join(COLUMNS)}, found {', '.join(unknown)}; rename them")
    rows = [{str(name): str(cell) for name, cell in cells.items()} for cells in table.to_dict("records")]
    return [(row, _order(cells, path.parent)) for row, cells in enumerate(rows, start=2)]


def _order(cells: dict[str, str], folder: Path) -> SceneOrder | str:
    found = {name: cells.get(name, "").strip() for name in COLUMNS}
    if not found["post"]:
        return "no post-event raster is named"
    try:
        dates = [date.fromisoformat(found[name]).isoformat() if found[name] else None for name in COLUMNS[3:5]]
        post = place_of(found["post"], folder)
        name = scene_name(found["name"]) if found["name"] else name_of(post)
    except ValueError:
        return f"dates {found['date_pre']!r} and {found['date_post']!r}: must be like 2024-08-31"
    except MapError as error:
        return str(error)
    pre = place_of(found["pre"], folder) if found["pre"] else None
    return SceneOrder(post, pre, name, found["region"] or None, *dates)


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
