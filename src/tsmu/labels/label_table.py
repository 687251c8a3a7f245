"""The workspace's table of labels: one row per labelled pair; a new label of a pair replaces the one before."""

from pathlib import Path

import geopandas as gpd
import pandas as pd

from tsmu.errors import LabelError
from tsmu.files import atomic_write
from tsmu.workspace_folder import WorkspaceFolder
from tsmu.workspace_tables import read_plain_paths_table

PATHS = ("mask", "source_post")  # columns with paths


def read_labels(workspace: WorkspaceFolder) -> pd.DataFrame | None:
    """Read the labels with absolute paths and the columns that `import_labels` gives; None before the first import.

    Example:
        >>> read_labels(workspace)["id"].tolist()
        ['a']
    """
    remedy = "restore it from a backup, or remove it and import the labels again: tsmu import labels DIR"
    return read_plain_paths_table(workspace, workspace.labels, PATHS, needs=("id", *PATHS), remedy=remedy)


def require_labels(workspace: WorkspaceFolder) -> pd.DataFrame:
    """Read the labels of a workspace that needs some.

    Raises:
        LabelError: there are none.

    Example:
        >>> len(require_labels(workspace))
        1
    """
    labels = read_labels(workspace)
    if labels is None or labels.empty:
        raise LabelError(f"{workspace.labels}: no labels yet; import some with: tsmu import labels DIR")
    return labels


def with_masks(pairs: gpd.GeoDataFrame, labels: pd.DataFrame | None) -> gpd.GeoDataFrame:
    """Add the column `mask` to pairs: the path of the mask file, None where there is no label.

    A label belongs to an id together with the post image that it was drawn on: where another image has taken over
    the id, the label does not belong to it.

    Example:
        >>> with_masks(pairs, read_labels(workspace))["mask"].notna().tolist()
        [True, False]
    """
    if labels is None:
        return pairs.assign(mask=None)
    return pairs.merge(labels[["id", "source_post", "mask"]], on=["id", "source_post"], how="left")


def store_labels(workspace: WorkspaceFolder, labels: pd.DataFrame) -> int:
    """Add labels to the workspace's table in place of those of the same pairs.

    Args:
        workspace: locked by the caller.
        labels: as `import_labels` gives them.

    Returns:
        How many labels were replaced.

    Example:
        >>> store_labels(workspace, read_labels(workspace))
        1
    """
    stored = read_labels(workspace)
    replaced = stored["id"].isin(labels["id"]) if stored is not None else pd.Series(dtype=bool)
    table = labels if stored is None else pd.concat([stored[~replaced], labels])
    paths = {name: [workspace.stored_path(Path(path)) for path in table[name]] for name in PATHS}
    with atomic_write(workspace.labels) as temporary:
        table.assign(**paths).to_parquet(temporary)
    return int(replaced.sum())
