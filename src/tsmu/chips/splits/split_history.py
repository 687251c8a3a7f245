"""Which splits ground, images and groups were in before, kept in the workspace's `sides.parquet`.

The chips index holds the chips of the last build only, and a chip that was put into no split has none there. What a
model may have learned or been tested on in earlier builds is known from this table, to which rows are only added.

Columns:
    region, source, group, post, content, geometry: of a chip, as the index has them; group is None for a chip that
        is a group of its own
    split: `train`, `val` or `test`, the split that the chip was in
"""

from collections.abc import Collection, Sequence

import geopandas
import numpy as np
import pandas as pd
import shapely

from tsmu.chips.splits.contiguous import GAP
from tsmu.workspace_folder import WorkspaceFolder
from tsmu.workspace_tables import read_paths_table, write_paths_table

COLUMNS = ("region", "source", "group", "split", "post", "content")
PATHS = ("post", "source")
REQUIRED_COLUMNS = (*COLUMNS[:4], "geometry")
# Part of the smaller footprint's area that two chips must have in common to share ground; by the rounding of their
# corners, neighbours have less than that in common.
MIN_SHARED = 1e-6


def read_split_history(workspace: WorkspaceFolder, index: geopandas.GeoDataFrame) -> geopandas.GeoDataFrame:
    """Read all splits that chips were in, those of the present index last; one row per chip, split and place.

    Raises:
        WorkspaceError: the stored table is damaged.

    Example:
        >>> len(read_split_history(workspace, chips))
        10
    """
    remedy = "restore it from a backup; without it, what a model was tested on may come to be learned"
    stored = read_paths_table(workspace, workspace.sides, PATHS, needs=REQUIRED_COLUMNS, remedy=remedy)
    return history_rows(index) if stored is None else _join(stored, history_rows(index))


def write_split_history(
    workspace: WorkspaceFolder, history: geopandas.GeoDataFrame, index: geopandas.GeoDataFrame
) -> geopandas.GeoDataFrame:
    """Store the history with the splits of an index added to it. The caller holds the workspace's lock."""
    joined = _join(history, history_rows(index))
    write_paths_table(workspace, joined, workspace.sides, PATHS)
    return joined


def history_rows(index: geopandas.GeoDataFrame) -> geopandas.GeoDataFrame:
    """Make the rows of the table for the chips of an index that are in a split."""
    in_split = index[index["split"] != GAP]
    columns = in_split[[*COLUMNS, "geometry"]].astype({"group": object})
    return columns.assign(group=columns["group"].where(in_split["group"] != in_split["id"], None))


def drop_from_history(history: geopandas.GeoDataFrame, regions: Collection[str], source: str) -> geopandas.GeoDataFrame:
    """Leave out the chips of these regions that came from a source, because no model has learned them.

    Example:
        >>> history = read_split_history(workspace, chips)
        >>> len(drop_from_history(history, ["andes"], str(Path("scenes").resolve())))
        0
    """
    return history[~(history["region"].isin(list(regions)) & (history["source"] == source))]


def earlier_splits_of_ground(footprints: geopandas.GeoSeries, history: geopandas.GeoDataFrame) -> list[set[str]]:
    """Find the splits of each footprint's ground: those of all earlier chips that share ground with it."""
    splits_of: list[set[str]] = [set() for _ in footprints]
    placed = history[history.geometry.notna()]
    earlier, now = placed.geometry.to_numpy(), footprints.to_numpy()
    footprint, chip = shapely.STRtree(earlier).query(now, predicate="intersects")
    shared = shapely.area(shapely.intersection(now[footprint], earlier[chip]))
    least = MIN_SHARED * np.minimum(shapely.area(now[footprint]), shapely.area(earlier[chip]))
    splits = placed["split"].to_numpy()
    for number, position in zip(footprint[shared > least], chip[shared > least], strict=True):
        splits_of[number].add(splits[position])
    return splits_of


def earlier_splits_of_pairs(
    pairs: geopandas.GeoDataFrame, history: geopandas.GeoDataFrame, source: str, block_groups: Collection[str]
) -> dict[str, set[str]]:
    """Find the splits of pairs whose ground was in one as a whole, whatever their files and ids were then.

    A pair of which a larger part was divided into blocks than was in a split as a whole, because other pairs overlap
    it, is not among them.

    Args:
        pairs: with id and footprint.
        history: all earlier splits.
        source: whose chips count.
        block_groups: groups that are blocks: their ground is divided.

    Returns:
        The splits by id of the pair.

    Example:
        >>> history = read_split_history(workspace, placed_chips)
        >>> earlier_splits_of_pairs(pairs, history, "pairs.parquet", block_groups=())
        {'a': {'train'}}
    """
    of_source = history["source"] == source
    in_block = history["group"].isin(list(block_groups))
    undivided, divided = history[of_source & ~in_block], history[of_source & in_block]
    undivided_area, divided_area = (_shared_areas(pairs.geometry, chips) for chips in (undivided, divided))
    splits_of = earlier_splits_of_ground(pairs.geometry, undivided)
    return {
        pair: splits
        for pair, splits, whole, parts in zip(pairs["id"], splits_of, undivided_area, divided_area, strict=True)
        if splits and whole >= parts
    }


def _shared_areas(footprints: geopandas.GeoSeries, chips: geopandas.GeoDataFrame) -> list[float]:
    """Measure how much of each footprint the chips cover, square degrees."""
    covered = shapely.union_all(chips[chips.geometry.notna()].geometry.to_numpy())
    return [float(area) for area in shapely.area(shapely.intersection(footprints.to_numpy(), covered))]


def _join(first: geopandas.GeoDataFrame, second: geopandas.GeoDataFrame) -> geopandas.GeoDataFrame:
    """Put two tables together; of equal rows the last is kept."""
    parts: Sequence[geopandas.GeoDataFrame] = [part for part in (first, second) if len(part)]
    if not parts:
        return second
    both = pd.concat(parts, ignore_index=True)
    keys = both[list(COLUMNS)].assign(place=shapely.to_wkb(both.geometry.to_numpy()))
    return both[~keys.duplicated(keep="last")].reset_index(drop=True)
