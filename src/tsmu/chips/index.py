"""The chips index: one GeoParquet table per workspace that says where each chip's pixels are.

Columns:
    id: str, `<region>/<stem>`, unique
    region: str
    split: `train`, `val` or `test`; `gap` for a chip that is in none of them, because it or its group overlaps chips
        or ground of another split, or lies too near to it
    group: str, chips that must stay in one split, whatever their source and region
    source: str, the folder or file they were imported from
    pre, post, terrain, mask: str or None, image files; relative to the workspace when they lie inside it
    mask_convention: str, the name of the `labels.MaskConvention` that the mask file follows
    col_off, row_off, width, height: int, the chip's window in those images, pixels
    bands: list of str, such as `pre:red`, `post:red` or `terrain:slope`, in the order of `IMAGE_ROLES`
    pixel_size: float, metres, NaN where unknown
    landslide_pixels, known_pixels: int, of the mask (known: not 255)
    content: str or None, digest of the image files, for chips that are whole files; None for windows of larger images
    geometry: footprint in EPSG:4326, None for images without georeference
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd

from tsmu.errors import ChipError
from tsmu.imagery import TERRAIN_ROLE, band_colour
from tsmu.issues import IssueLog
from tsmu.workspace_folder import WorkspaceFolder
from tsmu.workspace_tables import read_paths_table

IMAGE_ROLES = ("pre", "post", "terrain")  # the files of a chip's bands, in the order of its bands
PATHS = (*IMAGE_ROLES, "mask", "source")  # columns with paths
COLUMNS = (
    *("id", "region", "split", "group", *PATHS, "mask_convention"),
    *("col_off", "row_off", "width", "height", "bands", "pixel_size", "landslide_pixels", "known_pixels", "content"),
)
CRS = "EPSG:4326"
REQUIRED_COLUMNS = ("id", "region", "split", "post", "mask", "mask_convention", "bands")  # without which it is no index
REMEDY = (
    "restore it from a backup, or remove it and make the chips again: tsmu import chips DIR --region NAME, "
    "tsmu chips build"
)


def make_index(rows: Sequence[dict[str, object]]) -> geopandas.GeoDataFrame:
    """Build an index table of one dict per chip, with the columns named above; missing images become None."""
    frame = pd.DataFrame([dict.fromkeys(IMAGE_ROLES) | row for row in rows], columns=[*COLUMNS, "geometry"])
    return geopandas.GeoDataFrame(frame, geometry="geometry", crs=CRS)


def read_index(workspace: WorkspaceFolder) -> geopandas.GeoDataFrame:
    """Read the workspace's chips with absolute paths; an empty table when there are none.

    Raises:
        WorkspaceError: the file is damaged, or is another table.

    Example:
        >>> read_index(workspace)[["id", "split"]].iloc[0].tolist()
        ['andes/chip_0', 'train']
    """
    index = read_paths_table(workspace, workspace.chips, PATHS, needs=REQUIRED_COLUMNS, remedy=REMEDY)
    return make_index([]) if index is None else index.reindex(columns=[*COLUMNS, "geometry"])


def select_chips(chips: geopandas.GeoDataFrame, region: str, *splits: str) -> geopandas.GeoDataFrame:
    """Select the chips of one region, of the given splits or of all of them.

    Example:
        >>> len(select_chips(chips, "andes")), len(select_chips(chips, "andes", "val", "test"))
        (10, 4)
    """
    of_region = chips[chips["region"] == region]
    return of_region[of_region["split"].isin(splits)] if splits else of_region


def available_chips(chips: geopandas.GeoDataFrame) -> geopandas.GeoDataFrame:
    """Select the chips all of whose files exist.

    Example:
        >>> len(available_chips(chips.assign(pre="gone.tif")))
        0
    """
    files = chips[[*IMAGE_ROLES, "mask"]].itertuples(index=False)
    exist = [all(path is None or Path(path).exists() for path in row) for row in files]
    return chips[np.array(exist, dtype=bool)]  # an empty list would choose no columns instead of no rows


def regions_without_evaluation(chips: geopandas.GeoDataFrame, source: Path) -> set[str]:
    """Name the regions of which a source gave no validation and no test chips.

    Example:
        >>> regions_without_evaluation(chips, Path("scenes"))
        set()
    """
    of_source = chips[chips["source"] == str(source.resolve())]
    return set(of_source["region"]) - set(of_source[of_source["split"].isin(["val", "test"])]["region"])


def shared_bands(chips: geopandas.GeoDataFrame) -> tuple[str, ...]:
    """Return the one band list that these chips share.

    Raises:
        ChipError: there is none, or there are several.

    Example:
        >>> shared_bands(chips)
        ('post:red', 'post:green', 'post:blue')
    """
    lists = sorted({tuple(bands) for bands in chips["bands"]})
    if len(lists) != 1:
        listing = "; ".join(", ".join(bands) for bands in lists) or "none"
        raise ChipError(f"chips must share one band list, found: {listing}; import them with the same bands")
    return lists[0]


def bands_of_other_sources(chips: geopandas.GeoDataFrame, source: Path) -> tuple[str, ...] | None:
    """Return the band list that chips from `source` have to share with those of other sources; None without others.

    Example:
        >>> bands_of_other_sources(chips, Path("elsewhere"))
        ('post:red', 'post:green', 'post:blue')
    """
    others = chips[chips["source"] != str(source.resolve())]
    return shared_bands(others) if len(others) else None


def keep_one_band_list(rows: list[dict[str, Any]], bands: Sequence[str] | None, log: IssueLog) -> list[dict[str, Any]]:
    """Keep the chips that have `bands`, or by default the most frequent band list; log the others."""
    if not rows:
        return rows
    required = tuple(bands) if bands else Counter(tuple(row["bands"]) for row in rows).most_common(1)[0][0]
    kept = []
    for row in rows:
        if tuple(row["bands"]) == required:
            kept.append(row)
        else:
            problem = f"has the bands {', '.join(row['bands'])}; the other chips have {', '.join(required)}"
            log.error(row["post"], f"{problem}; {_band_remedy(row['bands'], required)}")
    return kept


def _band_remedy(bands: Sequence[str], required: Sequence[str]) -> str:
    """Advise what to do with a chip whose bands are not those that the other chips of the workspace have."""
    images, others = ({band.partition(":")[0] for band in names} - {TERRAIN_ROLE} for names in (bands, required))
    if images != others:
        return "chips with an image from before and chips without one need a workspace each"
    colours, other_colours = (
        [(band.partition(":")[0], band_colour(band.partition(":")[2])) for band in names] for names in (bands, required)
    )
    if colours == other_colours and None not in {colour for _, colour in colours}:
        return "name the same bands alike: rio edit-info --bidx N --description NAME FILE"
    return "chips of other bands need a workspace of their own"
