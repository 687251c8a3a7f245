"""Where ground was divided into blocks, kept in the workspace's `blocks.parquet`.

Ground that was tested once is never learned later, whatever is built anew, so the lines between blocks stay.

Columns:
    ground: str, the spatial group that was divided, by the name that it had then
    split: `train`, `val` or `test`
    axis: `longitude` or `latitude`, along which the blocks follow each other
    low, high: float, degrees, the lines between the blocks, in the middle of the gap; infinite at the ends
    geometry: the part of the ground that lies in the block, EPSG:4326; the ground is the footprints of all pairs that
        were ever on it
"""

from collections.abc import Collection, Mapping, Sequence

import geopandas
import numpy as np
import pandas as pd
import shapely

from tsmu.chips.splits.blocks import AXES, Block, gap_in_degrees
from tsmu.files import atomic_write
from tsmu.imagery import WGS84
from tsmu.workspace_folder import WorkspaceFolder
from tsmu.workspace_tables import read_paths_table

COLUMNS = ("ground", "split", "axis", "low", "high")


def read_blocks(workspace: WorkspaceFolder) -> geopandas.GeoDataFrame:
    """Read where ground was divided before; an empty table if it never was.

    Example:
        >>> len(read_blocks(workspace))
        0
    """
    remedy = "restore it from a backup; without it, ground would be divided anew and change its split"
    table = read_paths_table(workspace, workspace.blocks, (), needs=COLUMNS, remedy=remedy)
    return no_blocks() if table is None else table


def write_blocks(workspace: WorkspaceFolder, blocks: geopandas.GeoDataFrame) -> None:
    """Replace the whole table; an empty one is not written. The caller holds the workspace's lock.

    Example:
        >>> write_blocks(workspace, blocks)
        >>> read_blocks(workspace)["split"].tolist()
        ['train', 'val', 'test']
    """
    if len(blocks):
        with atomic_write(workspace.blocks) as temporary:
            blocks.to_parquet(temporary, index=False)


def no_blocks() -> geopandas.GeoDataFrame:
    """Make an empty table."""
    return _rows([], shapely.Polygon())


def blocks_of_ground(table: geopandas.GeoDataFrame, ground: str) -> list[Block]:
    """Return the blocks of one ground.

    Example:
        >>> [block.split for block in blocks_of_ground(blocks, "valley")]
        ['train', 'val', 'test']
    """
    rows = table[table["ground"] == ground]
    return [Block(*row) for row in rows[list(COLUMNS)].itertuples(index=False)]


def block_groups(table: geopandas.GeoDataFrame) -> set[str]:
    """Name the groups of the chips index that are blocks.

    Example:
        >>> sorted(block_groups(blocks))
        ['valley:test', 'valley:train', 'valley:val']
    """
    return {block.group for ground in set(table["ground"]) for block in blocks_of_ground(table, ground)}


def blocks_of_pairs(
    pairs: geopandas.GeoDataFrame, table: geopandas.GeoDataFrame, gap_m: float, undivided: Collection[str]
) -> dict[str, list[Block]]:
    """Find the pairs on ground that was divided before, and the new ones of the same regions beside it.

    A pair belongs to the ground that covers the largest part of its footprint. So it keeps its blocks for ever, because
    the ground is made up of the footprints of its pairs. After that, each pair without a ground joins that of a pair of
    the same region which is nearer than the gap, and so do the pairs near to it in turn.

    Args:
        pairs: with id, region and footprint.
        table: where ground was divided.
        gap_m: metres.
        undivided: ids of pairs that are in one split as a whole.

    Returns:
        The blocks by id of the pair. What new pairs add to a ground belongs to its blocks' open ends.
    """
    free = pairs[~pairs["id"].isin(list(undivided))]
    ground_of = _ground_of_pairs(free, table)
    added = set(ground_of)
    while added:
        old, new = free[free["id"].isin(list(added))], free[~free["id"].isin(list(ground_of))]
        added = set()
        for near, pair in _near_pairs(old, new, gap_m):
            if pair not in ground_of:
                ground_of[pair] = ground_of[near]
                added.add(pair)
    return {pair: blocks_of_ground(table, ground) for pair, ground in ground_of.items()}


def add_ground(
    table: geopandas.GeoDataFrame, pairs: geopandas.GeoDataFrame, divided: Mapping[str, Sequence[Block]]
) -> geopandas.GeoDataFrame:
    """Return the table with the ground of these pairs in it.

    Args:
        table: where ground was divided before.
        pairs: with id and footprint.
        divided: the blocks of the pairs on divided ground, by id.
    """
    grounds = {ground: blocks_of_ground(table, ground) for ground in table["ground"]}
    grounds |= {blocks[0].ground: list(blocks) for blocks in divided.values()}
    parts = []
    for ground, blocks in sorted(grounds.items()):
        on_ground = pairs[[pair in divided and divided[pair][0].ground == ground for pair in pairs["id"]]]
        parts.append(_rows(blocks, shapely.union_all([_footprint(table, ground), *on_ground.geometry])))
    return geopandas.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=WGS84) if parts else table


def _rows(blocks: Sequence[Block], footprint: shapely.Geometry) -> geopandas.GeoDataFrame:
    """Make the rows of the table for the blocks of one ground with this footprint."""
    columns = {name: [getattr(block, name) for block in blocks] for name in COLUMNS}
    parts = [shapely.intersection(footprint, block.within(tuple(shapely.bounds(footprint)))) for block in blocks]
    return geopandas.GeoDataFrame(columns, geometry=parts, crs=WGS84)


def _footprint(table: geopandas.GeoDataFrame, ground: str) -> shapely.Geometry:
    """Return the footprints of a ground's pairs, of now and before."""
    return shapely.union_all(table[table["ground"] == ground].geometry.to_numpy())


def _ground_of_pairs(pairs: geopandas.GeoDataFrame, table: geopandas.GeoDataFrame) -> dict[str, str]:
    """Find the ground that has most of a pair's footprint, by id; pairs on none are missing."""
    names = sorted(set(table["ground"]))
    areas = shapely.area(pairs.geometry.to_numpy())
    shares = np.zeros((len(names), len(pairs)))
    for number, name in enumerate(names):
        shared = shapely.intersection(pairs.geometry.to_numpy(), _footprint(table, name))
        shares[number] = np.round(shapely.area(shared) / areas, 6)  # by rounding equal shares are equal
    if not len(names):
        return {}
    best, largest = shares.argmax(axis=0), shares.max(axis=0)
    return {pair: names[at] for pair, at, share in zip(pairs["id"], best, largest, strict=True) if share > 0}


def _near_pairs(old: geopandas.GeoDataFrame, new: geopandas.GeoDataFrame, gap_m: float) -> list[tuple[str, str]]:
    """Find ids of old and new pairs of one region whose bounding boxes are nearer than a gap, the nearest first."""
    near_pairs = []
    for region, pair, shape in zip(new["region"], new["id"], new.geometry, strict=True):
        x, y = (gap_in_degrees(gap_m, axis, shape.bounds) for axis in AXES)
        west, south, east, north = shape.bounds
        widened = shapely.box(west - x, south - y, east + x, north + y)
        near = old[(old["region"] == region) & shapely.intersects(shapely.envelope(old.geometry.to_numpy()), widened)]
        for name, other in zip(near["id"], near.geometry, strict=True):
            near_pairs.append((shape.distance(other), name, pair))
    return [(name, pair) for _, name, pair in sorted(near_pairs)]
