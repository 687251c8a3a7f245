"""Read and write the Parquet tables of a workspace whose columns name files."""

from collections.abc import Sequence
from pathlib import Path

import geopandas
import pandas as pd
import pyarrow as pa

from tsmu.errors import WorkspaceError
from tsmu.files import atomic_write
from tsmu.workspace_folder import WorkspaceFolder


def read_paths_table(
    workspace: WorkspaceFolder, file: Path, paths: Sequence[str], *, needs: Sequence[str], remedy: str
) -> geopandas.GeoDataFrame | None:
    """Read a GeoParquet table, and make its paths absolute; return None if the file does not exist.

    Args:
        workspace: the workspace; relative paths in the table start from its folder.
        file: the file of the table.
        paths: names of the columns with paths. A column that a table of an older version lacks is added, with None.
        needs: names of the columns that the table must have.
        remedy: what the user can do if the table is damaged; the message ends with it, after a semicolon.

    Raises:
        WorkspaceError: the file is damaged, or lacks one of the columns that it must have.
    """
    if not file.exists():
        return None
    with_geometry = _read(file, needs, remedy, geometry=True)
    return geopandas.GeoDataFrame(_with_paths(workspace, with_geometry, paths))


def read_plain_paths_table(
    workspace: WorkspaceFolder, file: Path, paths: Sequence[str], *, needs: Sequence[str], remedy: str
) -> pd.DataFrame | None:
    """Read a table without geometry as `read_paths_table` does."""
    return _with_paths(workspace, _read(file, needs, remedy, geometry=False), paths) if file.exists() else None


def _read(file: Path, needs: Sequence[str], remedy: str, *, geometry: bool) -> pd.DataFrame:
    try:
        table = geopandas.read_parquet(file) if geometry else pd.read_parquet(file)
    except (OSError, ValueError, TypeError, KeyError, pa.ArrowException) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise WorkspaceError(f"{file}: damaged ({reason}); {remedy}") from error
    if missing := [name for name in needs if name not in table]:
        raise WorkspaceError(f"{file}: has no column {missing[0]}, so it is another table; {remedy}")
    return table


def _with_paths(workspace: WorkspaceFolder, table: pd.DataFrame, paths: Sequence[str]) -> pd.DataFrame:
    for column in paths:
        stored = table[column] if column in table else [None] * len(table)
        paths_of = [None if pd.isna(path) else str(workspace.root / path) for path in stored]
        table[column] = pd.Series(paths_of, table.index, dtype=object)  # a column of strings would have NaN for None
    return table


def write_paths_table(
    workspace: WorkspaceFolder, table: geopandas.GeoDataFrame, file: Path, paths: Sequence[str]
) -> None:
    """Write a table by `atomic_write`; paths inside the workspace become relative, so that it can be moved."""
    stored = table.copy()
    for column in paths:
        stored[column] = [None if pd.isna(path) else workspace.stored_path(Path(path)) for path in stored[column]]
    with atomic_write(file) as temporary:
        stored.to_parquet(temporary, index=False)
