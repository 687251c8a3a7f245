"""Validation chips that the workspace retains when a region's images are removed."""

from pathlib import Path

import geopandas
import numpy as np
import rasterio

from tsmu.chips.dataset import ChipDataset
from tsmu.chips.index import PATHS, REQUIRED_COLUMNS, available_chips, select_chips
from tsmu.files import atomic_write, remove
from tsmu.labels import UNKNOWN, ZERO_ONE
from tsmu.workspace_folder import WorkspaceFolder
from tsmu.workspace_tables import read_paths_table, write_paths_table

INDEX = "chips.parquet"
PROFILE = {"driver": "GTiff", "compress": "deflate"}


def retain_chips(workspace: WorkspaceFolder, region: str, chips: geopandas.GeoDataFrame) -> None:
    """Copy chips into the workspace, in place of those that were retained of this region before.

    Each becomes an image with all its bands, NaN where there is no data, and a mask. Where there are no chips, those
    retained before stay.

    Args:
        workspace: locked by the caller.
        region: of the chips.
        chips: rows of the chips index with absolute paths.

    Example:
        >>> retain_chips(workspace, "andes", select_chips(chips, "andes", "val"))
        >>> len(validation_chips(workspace, "andes", chips))
        2
    """
    if not len(chips):
        return
    folder = workspace.kept / region
    with atomic_write(folder) as temporary:
        temporary.mkdir()
        dataset = ChipDataset(chips, cache_bytes=0)
        for number in range(len(dataset)):
            sample = dataset[number]
            _write(temporary / f"{number}_image.tif", sample["image"].numpy(), np.nan)
            _write(temporary / f"{number}_mask.tif", sample["mask"].numpy().astype(np.uint8)[None], UNKNOWN)
        numbers = range(len(dataset))
        index = chips.assign(
            source=str(folder),
            pre=None,
            terrain=None,
            post=[str(folder / f"{number}_image.tif") for number in numbers],
            mask=[str(folder / f"{number}_mask.tif") for number in numbers],
            mask_convention=ZERO_ONE.name,
            col_off=0,
            row_off=0,
        )
        write_paths_table(workspace, index, temporary / INDEX, PATHS)
        remove(folder)


def validation_chips(workspace: WorkspaceFolder, region: str, index: geopandas.GeoDataFrame) -> geopandas.GeoDataFrame:
    """Return the validation chips of a region that can still be read: those retained, else those of the index.

    Example:
        >>> validation_chips(workspace, "andes", chips)["split"].tolist()
        ['val', 'val']
    """
    folder = workspace.kept / region
    remedy = f"remove {folder}; the region is then checked on the chips of the index"
    retained = read_paths_table(workspace, folder / INDEX, PATHS, needs=REQUIRED_COLUMNS, remedy=remedy)
    if retained is not None and len(retained):
        return retained
    return available_chips(select_chips(index, region, "val"))


def _write(path: Path, bands: np.ndarray, nodata: float) -> None:
    """Write pixels (C, H, W) as a GeoTIFF without georeference."""
    count, height, width = bands.shape
    shape = {"count": count, "height": height, "width": width, "dtype": bands.dtype, "nodata": nodata}
    with rasterio.open(path, "w", **PROFILE, **shape) as dataset:
        dataset.write(bands)
