"""The workspace's image pairs: sources add up, and importing one again replaces what it gave before."""

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pandas as pd

from tsmu.errors import ImageError
from tsmu.files import remove
from tsmu.imagery.sources.discovery import Ids
from tsmu.workspace_folder import WorkspaceFolder
from tsmu.workspace_tables import read_paths_table, write_paths_table

PATHS = ("pre", "post", "terrain", "source_pre", "source_post", "source")

Read = Callable[[Ids], gpd.GeoDataFrame]


def read_pairs(workspace: WorkspaceFolder) -> gpd.GeoDataFrame | None:
    """The imported pairs as `pairs.import_pairs` gives them, and `source`; None before the first import."""
    remedy = "restore it from a backup, or remove it and import the pairs again: tsmu import pairs DIR"
    return read_paths_table(workspace, workspace.pairs, PATHS, needs=("id", "region", *PATHS[-2:]), remedy=remedy)


def write_pairs(workspace: WorkspaceFolder, pairs: gpd.GeoDataFrame) -> None:
    """Replace the whole table. The caller holds the workspace's lock."""
    write_paths_table(workspace, pairs, workspace.pairs, PATHS)


def require_pairs(workspace: WorkspaceFolder) -> gpd.GeoDataFrame:
    """The imported pairs; ImageError when there are none."""
    pairs = read_pairs(workspace)
    if pairs is None or pairs.empty:
        raise ImageError(f"{workspace.pairs}: no image pairs yet; import some with: tsmu import pairs DIR")
    return pairs


def store_pairs(workspace: WorkspaceFolder, source: Path, read: Read) -> gpd.GeoDataFrame:
    """Read a source's pairs and put them into the workspace's table.

    Args:
        workspace: locked by the caller.
        source: the folder or table that is read; its earlier pairs are replaced, and so is any
            pair of the same images that another source gave.
        read: reads it; gets the ids that pairs have already.

    Returns:
        The pairs read.
    """
    named = str(source.resolve())
    stored = read_pairs(workspace)
    known = {} if stored is None else dict(zip(_images(stored), stored["id"], strict=True))
    pairs = read(Ids(known)).assign(source=named)
    if stored is None:
        write_pairs(workspace, pairs)
        return pairs
    stays = (stored["source"] != named) & ~stored["id"].isin(set(pairs["id"]))
    write_pairs(workspace, pd.concat([stored[stays], pairs], ignore_index=True) if stays.any() else pairs)
    for gone in set(stored[~stays]["id"]) - set(pairs["id"]):
        remove(workspace.pair_files / gone)
    return pairs


def _images(pairs: gpd.GeoDataFrame) -> list[tuple[str, str]]:
    return list(zip(pairs["source_post"], pairs["source_pre"].fillna(""), strict=True))
