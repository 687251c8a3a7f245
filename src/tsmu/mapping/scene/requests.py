"""The scenes that are to be mapped: files, addresses, or the rows of a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath

import pandas as pd

from tsmu.errors import MapError, TableError
from tsmu.files import listed_file
from tsmu.imagery import is_remote
from tsmu.issues import IssueLog
from tsmu.tabular import find_columns, read_date_columns, read_table_file, single_day

COLUMNS = ("post", "pre", "region", "date_pre", "date_post", "name")
DATE_COLUMNS = ("date_pre", "date_post")


@dataclass(frozen=True)
class SceneRequest:
    """One scene that is to be mapped.

    Attributes:
        post, pre: the post-event and the pre-event raster, absolute paths or addresses; `pre` is None
            for models that take post-event images only.
        name: the scene's name, which its folder and its record in the database get.
        region: the region whose decoder maps the scene; None asks the region map.
        date_pre, date_post: days of the images, ISO 8601; None if unknown.

    Raises:
        MapError: the pre-event image is the later one.

    Example:
        >>> post = Path("images/ridge_2024.tif")
        >>> SceneRequest(post, None, default_scene_name(post), date_post="2024-05-01").name
        'ridge_2024'
    """

    post: Path | str
    pre: Path | str | None
    name: str
    region: str | None = None
    date_pre: str | None = None
    date_post: str | None = None

    def __post_init__(self) -> None:
        if self.date_pre and self.date_post and self.date_pre > self.date_post:
            raise MapError(
                f"{self.post}: the pre image is of {self.date_pre}, after the post image of {self.date_post}; "
                "correct the dates"
            )


def path_or_url(text: str) -> Path | str:
    """Give an address as it is, and anything else as a path.

    Example:
        >>> path_or_url("https://example.org/post.tif")
        'https://example.org/post.tif'
    """
    return text if is_remote(text) else Path(text).expanduser()


def check_scene_name(name: str) -> str:
    """Give back a scene's name, if it can be the name of a folder.

    Raises:
        MapError: it cannot.

    Example:
        >>> check_scene_name("ridge_2024")
        'ridge_2024'
    """
    if not isinstance(name, str) or name in ("", ".", "..") or Path(name).name != name:
        raise MapError(
            f"scene name {name!r}: cannot be a folder's name; give another: --name, or a table's column name"
        )
    return name


def default_scene_name(post: Path | str) -> str:
    """Give the name of a scene that was given none: that of its file without the ending.

    Example:
        >>> default_scene_name("https://example.org/ridge.tif?token=1")
        'ridge'
    """
    return check_scene_name(PurePosixPath(str(post).partition("?")[0]).stem if is_remote(post) else Path(post).stem)


def check_unique_names(requests: Sequence[SceneRequest]) -> None:
    """Refuse two scenes of one name: the map of the second would replace that of the first.

    Raises:
        MapError: two scenes have the same name.

    Example:
        >>> check_unique_names([SceneRequest("a.tif", None, "a"), SceneRequest("b.tif", None, "b")])
    """
    by_name: dict[str, SceneRequest] = {}
    for request in requests:
        if request.name in by_name:
            raise MapError(
                f"{request.post} and {by_name[request.name].post}: both scenes would be named {request.name}; "
                "map them apart with --name, or give a table with a column name"
            )
        by_name[request.name] = request


def read_scene_table(path: Path, log: IssueLog) -> list[tuple[int, SceneRequest | str]]:
    r"""Read a table of scenes, with the column `post` and any of `pre`, `region`, `date_pre`, `date_post`, `name`.

    Args:
        path: CSV or XLSX; paths in it are relative to its folder.
        log: receives what was concluded, such as the order of day and month.

    Returns:
        For each row its number, the header being row 1, and the scene, or what is wrong with the row.

    Raises:
        MapError: the table cannot be read, or has other columns.

    Example:
        >>> _ = Path("scenes.csv").write_text("post,date_post\nridge.tif,2024-05-01\n")
        >>> [(row, scene)] = read_scene_table(Path("scenes.csv"), log)
        >>> row, scene.name, scene.date_post
        (2, 'ridge', '2024-05-01')
    """
    try:
        table = read_table_file(path, log)
    except TableError as error:
        raise MapError(f"{error}; correct it") from None
    columns = find_columns(table, {name: (name,) for name in COLUMNS})
    unknown = [str(name) for name in table if name not in columns.values()]
    if unknown := unknown or ([] if "post" in columns else ["no post"]):
        raise MapError(f"{path}: columns must be {', '.join(COLUMNS)}, found {', '.join(unknown)}; rename them")
    cells = pd.DataFrame({name: table[column].str.strip() for name, column in columns.items()}, index=table.index)
    dates = read_date_columns(cells, [name for name in DATE_COLUMNS if name in cells], path, log)
    requests: list[tuple[int, SceneRequest | str]] = []
    for position, row in enumerate(cells.index):
        try:
            days = {
                name: single_day(name, cells[name].iloc[position], column, position) for name, column in dates.items()
            }
            requests.append((int(row), _request(dict(cells.iloc[position]), days, path.parent)))
        except (MapError, TableError) as error:
            requests.append((int(row), str(error)))
    return requests


def _request(cells: Mapping[str, str], days: Mapping[str, date | None], folder: Path) -> SceneRequest | str:
    """Make the request of a row, or say what is wrong with it."""
    row = {name: cells.get(name, "") for name in COLUMNS}
    if not row["post"]:
        return "no post-event raster is named"
    post = _listed_raster(row["post"], folder)
    name = check_scene_name(row["name"]) if row["name"] else default_scene_name(post)
    pre = _listed_raster(row["pre"], folder) if row["pre"] else None
    dates = [day.isoformat() if (day := days.get(name)) else None for name in DATE_COLUMNS]
    return SceneRequest(post, pre, name, row["region"] or None, *dates)


def _listed_raster(cell: str, folder: Path) -> Path | str:
    return cell if is_remote(cell) else listed_file(folder, cell)
