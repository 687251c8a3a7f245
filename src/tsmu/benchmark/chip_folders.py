"""Read the chips of the regions that a benchmark uses."""

from collections.abc import Sequence
from pathlib import Path

import geopandas
import pandas as pd

from tsmu.chips import chips_from_folder, shared_bands
from tsmu.errors import BenchmarkError
from tsmu.issues import IssueLog
from tsmu.wording import counted


def read_regions(data: Path, regions: Sequence[str]) -> dict[str, geopandas.GeoDataFrame]:
    """Read one chips folder (`images/`, `masks/`) per region, from `data/REGION` or from `data/*/REGION`.

    Args:
        data: the folder that holds the chips folders, directly or one level below.
        regions: names of the regions, which are the names of their folders.

    Returns:
        For each region its chips as rows of a chips index, divided into `train`, `val` and `test`.

    Raises:
        BenchmarkError: a region has no folder or several, or a file in it cannot be used; figures of only a part of
            the chips would not be comparable.
        ChipError: there are no chips, or the regions have different bands.

    Example:
        >>> chips = read_regions(Path("data"), ["hills", "coast"])
        >>> chips["hills"]["split"].value_counts().sort_index().to_dict()
        {'test': 2, 'train': 6, 'val': 2}
    """
    chips = {region: _read_folder(_find_folder(data, region), region) for region in regions}
    shared_bands(pd.concat(list(chips.values())))
    return chips


def check_order(regions: Sequence[str]) -> None:
    """Check an order of regions in which they are learned.

    Raises:
        BenchmarkError: the order has fewer than two regions, so that nothing can be forgotten, or has an empty name,
            or names a region twice.

    Example:
        >>> check_order(["hills", "coast"])
        >>> check_order(["hills"])
        Traceback (most recent call last):
        tsmu.errors.BenchmarkError: --regions hills: learning one after the other needs at least two regions, ...
    """
    if len(regions) < 2 or len(set(regions)) < len(regions) or not all(regions):
        raise BenchmarkError(
            f"--regions {','.join(regions)}: learning one after the other needs at least two regions, each named "
            "once; to learn one region alone, import its chips into a workspace and run: tsmu update REGION"
        )


def _find_folder(data: Path, region: str) -> Path:
    if (data / region).is_dir():
        return data / region
    folders = sorted(folder for folder in data.glob(f"*/{region}") if folder.is_dir())
    if len(folders) != 1:
        names = ", ".join(map(str, folders)) or "none"
        raise BenchmarkError(f"{data}: one folder {region} is needed, in it or one level below; there are: {names}")
    return folders[0]


def _read_folder(folder: Path, region: str) -> geopandas.GeoDataFrame:
    log = IssueLog(folder)
    chips = chips_from_folder(folder, region, log)
    if errors := log.errors:
        files = counted(len(errors), "file")
        raise BenchmarkError(f"{folder}: {files} cannot be used, first {errors[0]}; a benchmark needs all of them")
    return chips
