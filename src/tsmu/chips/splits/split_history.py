"""The side that ground, images and groups had in the splits before, kept in the workspace's `sides.parquet`.

The chips index holds the chips of the last build only, and a chip that was put on none has no side
there. What a model may have learned of earlier builds is known from this table, which is only added to.

Columns:
    region, source, group, post, content, geometry: of a chip, as the index has them; group is None for a
        chip that is a group of its own
    split: `train`, `val` or `test`, the side that the chip had
"""

from collections.abc import Collection, Sequence

import geopandas
import numpy as np
import pandas as pd
import shapely

from tsmu.chips.splits.contiguous import GAP
from tsmu.tables import read_paths_table, write_paths_table
from tsmu.workspace_folder import WorkspaceFolder

COLUMNS = ("region", "source", "group", "split", "post", "content")
PATHS = ("post", "source")
LEAST_SHARED = 1e-6  # of a footprint's area: what neighbours share by the rounding of their corners is no ground


def read_split_history(workspace: WorkspaceFolder, index: geopandas.GeoDataFrame) -> geopandas.GeoDataFrame:
    """All sides that chips had, those of the present index last; one row per chip, side and place."""
    remedy = "restore it from a backup; without it, what a model was tested on may come to be learned"
    stored = read_paths_table(workspace, workspace.sides, PATHS, needs=(*COLUMNS[:4], "geometry"), remedy=remedy)
    return history_rows(index) if stored is None else _joined(stored, history_rows(index))


def write_split_history(
    workspace: WorkspaceFolder, sides: geopandas.GeoDataFrame, index: geopandas.GeoDataFrame
) -> geopandas.GeoDataFrame:
    """Store these sides with those of an index. The caller holds the workspace's lock."""
    joined = _joined(sides, history_rows(index))
    write_paths_table(workspace, joined, workspace.sides, PATHS)
    return joined


def history_rows(index: geopandas.GeoDataFrame) -> geopandas.GeoDataFrame:
    """The rows of the table for the chips of an index that have a side."""
    sided = index[index["split"] != GAP]
    columns = sided[[*COLUMNS, "geometry"]].astype({"group": object})
    return columns.assign(group=columns["group"].where(sided["group"] != sided["id"], None))


def drop_from_history(sides: geopandas.GeoDataFrame, regions: Collection[str], source: str) -> geopandas.GeoDataFrame:
    """Leave out the chips that a source gave of these regions, which no model has learned."""
    return sides[~(sides["region"].isin(list(regions)) & (sides["source"] == source))]


def undivided_chips(sides: geopandas.GeoDataFrame, source: str, blocks: Collection[str]) -> geopandas.GeoDataFrame:
    """The chips of a source whose ground is not cut into `blocks`, as groups are named."""
    return sides[(sides["source"] == source) & ~sides["group"].isin(list(blocks))]


def earlier_splits_of_ground(footprints: geopandas.GeoSeries, sides: geopandas.GeoDataFrame) -> list[set[str]]:
    """The sides that the ground of each footprint had, wherever it shares ground with a chip of that side."""
    found: list[set[str]] = [set() for _ in footprints]
    placed = sides[sides.geometry.notna()]
    ground, here = placed.geometry.to_numpy(), footprints.to_numpy()
    which, chip = shapely.STRtree(ground).query(here, predicate="intersects")
    shared = shapely.area(shapely.intersection(here[which], ground[chip]))
    least = LEAST_SHARED * np.minimum(shapely.area(here[which]), shapely.area(ground[chip]))
    splits = placed["split"].to_numpy()
    for number, at in zip(which[shared > least], chip[shared > least], strict=True):
        found[number].add(splits[at])
    return found


def earlier_splits_of_pairs(
    pairs: geopandas.GeoDataFrame, sides: geopandas.GeoDataFrame, source: str, blocks: Collection[str]
) -> dict[str, set[str]]:
    """By id the sides of pairs whose ground had one as a whole, whatever their files and ids were then.

    A pair of which more was cut into blocks than had a side as a whole, because other pairs overlap it, is
    not among them.

    Args:
        pairs: id and footprint.
        sides: all sides.
        source: whose chips count.
        blocks: groups that are blocks: their ground is cut.
    """
    uncut = undivided_chips(sides, source, blocks)
    cut = sides[(sides["source"] == source) & sides["group"].isin(list(blocks))]
    of_whole, of_blocks = (_shared_area(pairs.geometry, chips) for chips in (uncut, cut))
    there = earlier_splits_of_ground(pairs.geometry, uncut)
    return {
        pair: had
        for pair, had, as_a_whole, in_blocks in zip(pairs["id"], there, of_whole, of_blocks, strict=True)
        if had and as_a_whole >= in_blocks
    }


def _shared_area(footprints: geopandas.GeoSeries, chips: geopandas.GeoDataFrame) -> list[float]:
    """How much of each footprint the chips cover, square degrees."""
    placed = chips[chips.geometry.notna()].geometry.to_numpy()
    covered = shapely.union_all(placed)
    return [float(area) for area in shapely.area(shapely.intersection(footprints.to_numpy(), covered))]


def _joined(first: geopandas.GeoDataFrame, second: geopandas.GeoDataFrame) -> geopandas.GeoDataFrame:
    """Put two tables of sides together; of equal rows the last is kept."""
    parts: Sequence[geopandas.GeoDataFrame] = [part for part in (first, second) if len(part)]
    if not parts:
        return second
    both = pd.concat(parts, ignore_index=True)
    keys = both[list(COLUMNS)].assign(place=shapely.to_wkb(both.geometry.to_numpy()))
    return both[~keys.duplicated(keep="last")].reset_index(drop=True)
