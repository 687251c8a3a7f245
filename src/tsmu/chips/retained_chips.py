"""Validation chips that stay with the workspace when a region's images go."""

from pathlib import Path

import geopandas
import numpy as np
import rasterio

from tsmu.chips.dataset import ChipDataset
from tsmu.chips.index import NEEDED, PATHS, available_chips, select_chips
from tsmu.files import remove, written_whole
from tsmu.labels import UNKNOWN, ZERO_ONE
from tsmu.tables import read_paths_table, write_paths_table
from tsmu.workspace_folder import WorkspaceFolder

INDEX = "chips.parquet"
FORM = {"driver": "GTiff", "compress": "deflate"}


def retain_chips(workspace: WorkspaceFolder, region: str, chips: geopandas.GeoDataFrame) -> None:
    """Copy chips into the workspace, in place of those that were kept of this region before.

    Each becomes an image with all its bands, NaN where there is no data, and a mask. Of none,
    nothing is kept, and what was kept before stays.
    """
    if not len(chips):
        return
    folder = workspace.kept / region
    with written_whole(folder) as temporary:
        temporary.mkdir()
        samples = ChipDataset(chips, cache_bytes=0)
        for number in range(len(samples)):
            sample = samples[number]
            _write(temporary / f"{number}_image.tif", sample["image"].numpy(), np.nan)
            _write(temporary / f"{number}_mask.tif", sample["mask"].numpy().astype(np.uint8)[None], UNKNOWN)
        names = range(len(samples))
        index = chips.assign(
            source=str(folder),
            pre=None,
            terrain=None,
            post=[str(folder / f"{number}_image.tif") for number in names],
            mask=[str(folder / f"{number}_mask.tif") for number in names],
            mask_convention=ZERO_ONE.name,
            col_off=0,
            row_off=0,
        )
        write_paths_table(workspace, index, temporary / INDEX, PATHS)
        remove(folder)


def validation_chips(workspace: WorkspaceFolder, region: str, index: geopandas.GeoDataFrame) -> geopandas.GeoDataFrame:
    """The validation chips of a region that can still be read: those kept, else those of the index; or none."""
    folder = workspace.kept / region
    remedy = f"remove {folder}; the region is then checked on the chips of the index"
    kept = read_paths_table(workspace, folder / INDEX, PATHS, needs=NEEDED, remedy=remedy)
    if kept is not None and len(kept):
        return kept
    return available_chips(select_chips(index, region, "val"))


def _write(path: Path, bands: np.ndarray, nodata: float) -> None:
    count, height, width = bands.shape
    shape = {"count": count, "height": height, "width": width, "dtype": bands.dtype, "nodata": nodata}
    with rasterio.open(path, "w", **FORM, **shape) as dataset:
        dataset.write(bands)
