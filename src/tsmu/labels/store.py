"""The workspace's labels: one row per labelled pair; a new label of a pair replaces the one before."""

from pathlib import Path

import pandas as pd

from tsmu.errors import LabelError
from tsmu.files import written_whole
from tsmu.workspace import Workspace


def read_labels(workspace: Workspace) -> pd.DataFrame | None:
    """The labels as `imports.import_labels` gives them, masks by absolute path; None before the first import."""
    if not workspace.labels.exists():
        return None
    table = pd.read_parquet(workspace.labels)
    return table.assign(mask=[str(workspace.root / path) for path in table["mask"]])


def masks_by_pair(workspace: Workspace) -> dict[str, Path]:
    """The mask of each labelled pair."""
    labels = read_labels(workspace)
    if labels is None:
        return {}
    return {str(name): Path(mask) for name, mask in zip(labels["id"], labels["mask"], strict=True)}


def require_labels(workspace: Workspace) -> pd.DataFrame:
    """The labels; LabelError when there are none."""
    labels = read_labels(workspace)
    if labels is None or labels.empty:
        raise LabelError(f"{workspace.labels}: no labels yet; import some with: tsmu import labels DIR")
    return labels


def store_labels(workspace: Workspace, labels: pd.DataFrame) -> None:
    """Put labels into the workspace's table. The caller holds the workspace's lock."""
    stored = read_labels(workspace)
    table = labels if stored is None else pd.concat([stored[~stored["id"].isin(labels["id"])], labels])
    with written_whole(workspace.labels) as temporary:
        table.assign(mask=[workspace.stored_path(Path(path)) for path in table["mask"]]).to_parquet(temporary)
