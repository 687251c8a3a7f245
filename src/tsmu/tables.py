"""GeoParquet tables of a workspace whose columns name files."""

from collections.abc import Sequence
from pathlib import Path

import geopandas
import pandas as pd

from tsmu.errors import WorkspaceError
from tsmu.files import written_whole
from tsmu.workspace import Workspace


def read_paths_table(workspace: Workspace, file: Path, paths: Sequence[str]) -> geopandas.GeoDataFrame | None:
    """Read a table with the columns `paths` as absolute paths; None where there is no such file.

    A column that a table from an older version lacks holds None.

    Raises:
        WorkspaceError: the file is damaged.
    """
    if not file.exists():
        return None
    try:
        table = geopandas.read_parquet(file)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise WorkspaceError(f"{file}: damaged ({reason}); remove it and import again what it listed") from error
    for column in paths:
        stored = table[column] if column in table else [None] * len(table)
        paths_of = [None if pd.isna(path) else str(workspace.root / path) for path in stored]
        table[column] = pd.Series(paths_of, table.index, dtype=object)  # as strings, pandas turns None into NaN
    return table


def write_paths_table(workspace: Workspace, table: geopandas.GeoDataFrame, file: Path, paths: Sequence[str]) -> None:
    """Write a table whole; paths inside the workspace are stored relative to it, so that it can be moved."""
    stored = table.copy()
    for column in paths:
        stored[column] = [None if pd.isna(path) else workspace.stored_path(Path(path)) for path in stored[column]]
    with written_whole(file) as temporary:
        stored.to_parquet(temporary, index=False)
