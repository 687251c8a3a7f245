"""The workspace's table of image pairs: sources add up, and importing one again replaces what it gave before."""

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pandas as pd

from tsmu.errors import ImageError
from tsmu.files import remove
from tsmu.imagery.sources import PairIds
from tsmu.workspace_folder import WorkspaceFolder
from tsmu.workspace_tables import read_paths_table, write_paths_table

PATH_COLUMNS = ("pre", "post", "terrain", "source_pre", "source_post", "source")
REQUIRED_COLUMNS = ("id", "region", "source_post", "source")


def read_pairs(workspace: WorkspaceFolder) -> gpd.GeoDataFrame | None:
    """Read the imported pairs as `import_pairs` gives them, with `source`; None before the first import.

    Raises:
        WorkspaceError: the table is damaged, or is another table.

    Example:
        >>> read_pairs(WorkspaceFolder.create(Path("new_survey"))) is None
        True
    """
    remedy = "restore it from a backup, or remove it and import the pairs again: tsmu import pairs DIR"
    return read_paths_table(workspace, workspace.pairs, PATH_COLUMNS, needs=REQUIRED_COLUMNS, remedy=remedy)


def require_pairs(workspace: WorkspaceFolder) -> gpd.GeoDataFrame:
    """Read the imported pairs as `read_pairs` does.

    Raises:
        ImageError: there are none.
        WorkspaceError: the table is damaged, or is another table.

    Example:
        >>> require_pairs(WorkspaceFolder.create(Path("new_survey")))
        Traceback (most recent call last):
        tsmu.errors.ImageError: new_survey/pairs.parquet: no image pairs yet; ...
    """
    pairs = read_pairs(workspace)
    if pairs is None or pairs.empty:
        raise ImageError(f"{workspace.pairs}: no image pairs yet; import some with: tsmu import pairs DIR")
    return pairs


def write_pairs(workspace: WorkspaceFolder, pairs: gpd.GeoDataFrame) -> None:
    """Replace the whole table. The caller holds the workspace's lock.

    Example:
        >>> space = WorkspaceFolder.create(Path("survey"))
        >>> pairs = add_pairs(space, Path("images"), log)
        >>> write_pairs(space, pairs.assign(region="nepal"))
        >>> read_pairs(space)["region"].tolist()
        ['nepal']
    """
    write_paths_table(workspace, pairs, workspace.pairs, PATH_COLUMNS)


def replace_pairs_of_source(
    workspace: WorkspaceFolder, source: Path, read_source: Callable[[PairIds], gpd.GeoDataFrame]
) -> gpd.GeoDataFrame:
    """Read a source's pairs and put them into the workspace's table, in place of its earlier pairs.

    Args:
        workspace: locked by the caller.
        source: the folder or table that is read; its earlier pairs are replaced, and so is any
            pair of the same images that another source gave.
        read_source: reads it; called with the ids that pairs have already.

    Returns:
        The pairs read.
    """
    source_name = str(source.resolve())
    stored = read_pairs(workspace)
    known_ids = {} if stored is None else dict(zip(_image_paths(stored), stored["id"], strict=True))
    pairs = read_source(known_ids).assign(source=source_name)
    if stored is None:
        write_pairs(workspace, pairs)
        return pairs
    stays = (stored["source"] != source_name) & ~stored["id"].isin(set(pairs["id"]))
    write_pairs(workspace, pd.concat([stored[stays], pairs], ignore_index=True) if stays.any() else pairs)
    for removed in set(stored[~stays]["id"]) - set(pairs["id"]):
        remove(workspace.pair_files / removed)
    return pairs


def store_terrain(space: WorkspaceFolder, pairs: gpd.GeoDataFrame) -> None:
    """Write into the workspace's table which terrain some of its pairs have now.

    Args:
        space: locked by the caller.
        pairs: with `terrain` and `dem`, as `add_terrain` gives them.

    Example:
        >>> space = WorkspaceFolder.create(Path("survey"))
        >>> pairs = add_pairs(space, Path("images"), log)
        >>> store_terrain(space, add_terrain(pairs, TerrainOptions("dem.tif"), space.pair_files, log))
        >>> read_pairs(space)["dem"].tolist()
        ['dem.tif']
    """
    stored = read_pairs(space)
    if stored is None:
        return
    for column in ("terrain", "dem"):
        new = dict(zip(pairs["id"], pairs[column], strict=True))
        old = stored.get(column, [None] * len(stored))  # a table from an older version has no such column
        values = [new.get(name, value) for name, value in zip(stored["id"], old, strict=True)]
        stored[column] = pd.Series(values, stored.index, dtype=object)
    write_pairs(space, stored)


def _image_paths(pairs: gpd.GeoDataFrame) -> list[tuple[str, str]]:
    return list(zip(pairs["source_post"], pairs["source_pre"].fillna(""), strict=True))
