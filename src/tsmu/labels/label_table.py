"""The workspace's labels: one row per labelled pair; a new label of a pair replaces the one before."""

from pathlib import Path

import geopandas as gpd
import pandas as pd

from tsmu.errors import LabelError
from tsmu.files import written_whole
from tsmu.tables import read_plain_paths_table
from tsmu.workspace_folder import WorkspaceFolder

PATHS = ("mask", "source_post")


def read_labels(workspace: WorkspaceFolder) -> pd.DataFrame | None:
    """The labels as `imports.import_labels` gives them, with absolute paths; None before the first import."""
    remedy = "restore it from a backup, or remove it and import the labels again: tsmu import labels DIR"
    return read_plain_paths_table(workspace, workspace.labels, PATHS, needs=("id", *PATHS), remedy=remedy)


def require_labels(workspace: WorkspaceFolder) -> pd.DataFrame:
    """The labels; LabelError when there are none."""
    labels = read_labels(workspace)
    if labels is None or labels.empty:
        raise LabelError(f"{workspace.labels}: no labels yet; import some with: tsmu import labels DIR")
    return labels


def with_masks(pairs: gpd.GeoDataFrame, labels: pd.DataFrame | None) -> gpd.GeoDataFrame:
    """Add the column `mask` to pairs: the path, None where there is no label.

    A label belongs to an id and the post image that it was drawn on: an id that another image has
    taken over does not take the label with it.
    """
    if labels is None:
        return pairs.assign(mask=None)
    return pairs.merge(labels[["id", "source_post", "mask"]], on=["id", "source_post"], how="left")


def store_labels(workspace: WorkspaceFolder, labels: pd.DataFrame) -> int:
    """Put labels into the workspace's table and count those replaced. The caller holds the workspace's lock."""
    stored = read_labels(workspace)
    again = stored["id"].isin(labels["id"]) if stored is not None else pd.Series(dtype=bool)
    table = labels if stored is None else pd.concat([stored[~again], labels])
    paths = {name: [workspace.stored_path(Path(path)) for path in table[name]] for name in PATHS}
    with written_whole(workspace.labels) as temporary:
        table.assign(**paths).to_parquet(temporary)
    return int(again.sum())
