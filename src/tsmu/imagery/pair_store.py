"""The workspace's image pairs: sources add up, and importing one again replaces what it gave before."""

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pandas as pd

from tsmu.errors import ImageError
from tsmu.files import remove
from tsmu.imagery.pair_sources import Ids
from tsmu.tables import read_paths_table, write_paths_table
from tsmu.workspace import Workspace

PATHS = ("pre", "post", "source_pre", "source_post", "source")

Read = Callable[[Ids], gpd.GeoDataFrame]


def read_pairs(workspace: Workspace) -> gpd.GeoDataFrame | None:
    """The imported pairs as `pairs.import_pairs` gives them, and `source`; None before the first import."""
    return read_paths_table(workspace, workspace.pairs, PATHS)


def write_pairs(workspace: Workspace, pairs: gpd.GeoDataFrame) -> None:
    """Replace the whole table. The caller holds the workspace's lock."""
    write_paths_table(workspace, pairs, workspace.pairs, PATHS)


def require_pairs(workspace: Workspace) -> gpd.GeoDataFrame:
    """The imported pairs; ImageError when there are none."""
    pairs = read_pairs(workspace)
    if pairs is None or pairs.empty:
        raise ImageError(f"{workspace.pairs}: no image pairs yet; import some with: tsmu import pairs DIR")
    return pairs


def store_pairs(workspace: Workspace, source: Path, read: Read) -> gpd.GeoDataFrame:
    """Read a source's pairs and put them into the workspace's table.

    Args:
        workspace: locked by the caller.
        source: the folder or table that is read; its earlier pairs are replaced.
        read: reads it; gets the ids that pairs have already.

    Returns:
        The pairs read.
    """
    named = str(source.resolve())
    stored = read_pairs(workspace)
    if stored is None:
        others, ids = None, Ids()
    else:
        own = stored["source"] == named
        others = stored[~own]
        ids = Ids(set(others["id"]), dict(zip(stored[own]["source_post"], stored[own]["id"], strict=True)))
    pairs = read(ids).assign(source=named)
    table = pairs if others is None or others.empty else pd.concat([others, pairs], ignore_index=True)
    write_pairs(workspace, table)
    if stored is not None:
        for gone in set(stored["id"]) - set(table["id"]):
            remove(workspace.pair_files / gone)
    return pairs
