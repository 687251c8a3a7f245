"""The regions that a benchmark learns."""

from collections.abc import Sequence
from pathlib import Path

import geopandas
import pandas as pd

from tsmu.chips.folder import chips_from_folder
from tsmu.chips.index import bands_of
from tsmu.errors import BenchmarkError
from tsmu.issues import IssueLog


def read_regions(data: Path, regions: Sequence[str]) -> dict[str, geopandas.GeoDataFrame]:
    """Read a chips folder (`images/`, `masks/`) per region, from `data/REGION` or from `data/*/REGION`.

    Raises:
        BenchmarkError: there is no such folder, or several, or a file cannot be used; figures of some of
            the chips would not compare.
        ChipError: there are no chips, or the regions have different bands.
    """
    chips = {region: _read_region(_folder_of(data, region), region) for region in regions}
    bands_of(pd.concat(list(chips.values())))
    return chips


def check_order(regions: Sequence[str]) -> None:
    """Refuse an order of regions in which nothing can be forgotten, or in which one stands twice.

    Raises:
        BenchmarkError: fewer than two regions, or one without a name, or the same one twice.
    """
    if len(regions) < 2 or len(set(regions)) < len(regions) or not all(regions):
        raise BenchmarkError(
            f"--regions {','.join(regions)}: learning one after the other needs at least two regions, each named "
            "once; for one region alone take: tsmu benchmark peers"
        )


def _folder_of(data: Path, region: str) -> Path:
    if (data / region).is_dir():
        return data / region
    found = sorted(folder for folder in data.glob(f"*/{region}") if folder.is_dir())
    if len(found) != 1:
        shown = ", ".join(map(str, found)) or "none"
        raise BenchmarkError(f"{data}: one folder {region} is needed, in it or one level below; there are: {shown}")
    return found[0]


def _read_region(folder: Path, region: str) -> geopandas.GeoDataFrame:
    log = IssueLog(folder)
    chips = chips_from_folder(folder, region, log)
    if log.errors:
        raise BenchmarkError(
            f"{folder}: {len(log.errors)} files left out, first {log.errors[0]}; a benchmark needs all"
        )
    return chips
