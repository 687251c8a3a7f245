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
    """Read a chips folder (`images/`, `masks/`) per region.

    Raises:
        BenchmarkError: a file cannot be used; figures of some of the chips would not compare.
        ChipError: there are no chips, or the regions have different bands.
    """
    chips = {region: _read_region(data / region, region) for region in regions}
    bands_of(pd.concat(list(chips.values())))
    return chips


def _read_region(folder: Path, region: str) -> geopandas.GeoDataFrame:
    log = IssueLog(folder)
    chips = chips_from_folder(folder, region, log)
    if log.errors:
        raise BenchmarkError(
            f"{folder}: {len(log.errors)} files left out, first {log.errors[0]}; a benchmark needs all"
        )
    return chips
