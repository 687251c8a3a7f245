"""The chips index: one GeoParquet table per workspace that says where each chip's pixels are.

Columns:
    id: str, `<region>/<stem>`, unique
    region: str
    split: `train`, `val` or `test`
    group: str, chips that must stay on one side of a split
    source: str, the folder or file they were imported from
    pre, post, mask: str or None, image files; relative to the workspace when they lie inside it
    mask_convention: str, the name of the labels.masks convention that the mask file follows
    col_off, row_off, width, height: int, the chip's window in those images, pixels
    bands: list of str, such as `pre:red` or `post:red`, pre-event bands first
    pixel_size: float, metres, NaN where unknown
    landslide_pixels, known_pixels: int, of the mask (known: not 255)
    geometry: footprint in EPSG:4326, None for images without georeference
"""

from collections.abc import Sequence
from pathlib import Path

import geopandas
import pandas as pd

from tsmu.chips.splits import keep_tested
from tsmu.errors import ChipError
from tsmu.files import written_whole
from tsmu.workspace import Workspace

PATHS = ("pre", "post", "mask")
COLUMNS = (
    *("id", "region", "split", "group", "source", *PATHS, "mask_convention"),
    *("col_off", "row_off", "width", "height", "bands", "pixel_size", "landslide_pixels", "known_pixels"),
)
CRS = "EPSG:4326"


def make_index(rows: Sequence[dict[str, object]]) -> geopandas.GeoDataFrame:
    """Build an index table from one dict per chip, with the columns named above."""
    frame = pd.DataFrame(list(rows), columns=[*COLUMNS, "geometry"])
    return geopandas.GeoDataFrame(frame, geometry="geometry", crs=CRS)


def read_index(workspace: Workspace) -> geopandas.GeoDataFrame:
    """Read the workspace's chips with absolute paths; an empty table when there are none."""
    if not workspace.chips.exists():
        return make_index([])
    try:
        chips = geopandas.read_parquet(workspace.chips)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ChipError(f"{workspace.chips}: damaged ({reason}); remove it and import the chips again") from error
    for column in PATHS:
        chips[column] = [None if pd.isna(path) else str(workspace.root / path) for path in chips[column]]
    return chips


def add_to_index(workspace: Workspace, chips: geopandas.GeoDataFrame) -> geopandas.GeoDataFrame:
    """Add chips to the workspace's index; a chip of the same id, or of the same region and source, is replaced.

    A group that was in test stays in test, however the new chips were split: what has been
    learned from cannot be tested on later.

    Returns:
        The whole index, as `read_index` gives it.
    """
    index = read_index(workspace)
    index = index[[not stale for stale in _replaced(index, chips)]]
    tested = {(row.region, row.group) for row in read_index(workspace).itertuples() if row.split == "test"}
    chips = chips.copy()
    keys = [f"{region}/{group}" for region, group in zip(chips["region"], chips["group"], strict=True)]
    chips["split"] = keep_tested(keys, list(chips["split"]), {f"{region}/{group}" for region, group in tested})
    index = pd.concat([index, chips], ignore_index=True) if len(index) else chips
    stored = index.copy()
    for column in PATHS:
        stored[column] = [None if path is None else workspace.stored_path(Path(path)) for path in stored[column]]
    with written_whole(workspace.chips) as temporary:
        stored.to_parquet(temporary, index=False)
    return index


def _replaced(index: geopandas.GeoDataFrame, chips: geopandas.GeoDataFrame) -> list[bool]:
    ids = set(chips["id"])
    sources = set(zip(chips["region"], chips["source"], strict=True))
    return [row.id in ids or (row.region, row.source) in sources for row in index.itertuples()]


def bands_beside(chips: geopandas.GeoDataFrame, region: str, source: Path) -> tuple[str, ...] | None:
    """The band list that chips of `region` from `source` have to share; None when they are the only ones."""
    others = chips[(chips["region"] != region) | (chips["source"] != str(source.resolve()))]
    return bands_of(others) if len(others) else None


def select(chips: geopandas.GeoDataFrame, region: str, *splits: str) -> geopandas.GeoDataFrame:
    """The chips of one region, of the given splits or of all of them."""
    chosen = chips[chips["region"] == region]
    return chosen[chosen["split"].isin(splits)] if splits else chosen


def bands_of(chips: geopandas.GeoDataFrame) -> tuple[str, ...]:
    """The one band list that these chips share.

    Raises:
        ChipError: there is none, or there are several.
    """
    lists = sorted({tuple(bands) for bands in chips["bands"]})
    if len(lists) != 1:
        found = "; ".join(", ".join(bands) for bands in lists) or "none"
        raise ChipError(f"chips must share one band list, found: {found}; import them with the same bands")
    return lists[0]
