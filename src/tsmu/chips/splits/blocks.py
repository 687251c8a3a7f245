"""One ground cut into contiguous blocks for training, validation and test, by meridians or parallels.

A region with too few places for three sides has its largest places cut so. Where they were cut is
kept in the workspace's `blocks.parquet`: ground that was tested once is never learned later, whatever
is built anew.

Columns:
    ground: str, the spatial group that was cut, by the name that it had then
    split: `train`, `val` or `test`
    axis: `longitude` or `latitude`, along which the blocks follow each other
    low, high: float, degrees, the lines between the blocks, in the middle of the gap; infinite at the ends
    geometry: what the block has of the footprints of the ground's pairs, of now and before, EPSG:4326
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations

import geopandas
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from rasterio.crs import CRS
from rasterio.warp import transform as transform_points
from rasterio.windows import Window

from tsmu.chips.splits.contiguous import KNOWN_SHARE, SPLITS, TRAIN_SHARE, Split
from tsmu.files import written_whole
from tsmu.imagery.grids import WGS84, Grid
from tsmu.projecting import within_180
from tsmu.tables import read_paths_table
from tsmu.workspace_folder import WorkspaceFolder

Axis = str
AXES: tuple[Axis, ...] = ("longitude", "latitude")
COLUMNS = ("ground", "split", "axis", "low", "high")
SHARES: dict[Split, float] = {"train": TRAIN_SHARE, "val": KNOWN_SHARE - TRAIN_SHARE, "test": 1 - KNOWN_SHARE}
SHORTEST_DEGREE = (
    110_500.0  # metres; no degree on the ellipsoid's surface is shorter, save of longitude by the latitude
)
CELL_PX = 16  # px; the grain in which known pixels and landslides are counted
LANDSLIDE_WEIGHT = 2.0  # against known pixels, in how well the shares are met: they are scarcer
BORDER_SAMPLES = 17  # on a border of an image's column or row, whose places are taken
CANDIDATE_LINES = 64  # places, at most, where a line is tried
MIN_BLOCK = 64  # px; a narrower block shows hardly what lies around a landslide

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Block:
    """A strip of the ground between two meridians or two parallels.

    Attributes:
        ground: the name of the ground that was cut.
        split: the side of all chips in it.
        axis: `longitude` or `latitude`.
        low, high: degrees, infinite where the strip is open.
    """

    ground: str
    split: Split
    axis: Axis
    low: float
    high: float

    @property
    def group(self) -> str:
        """The group of its chips in the index."""
        return f"{self.ground}:{self.split}"

    def within(self, bounds: Sequence[float]) -> shapely.Polygon:
        """The block inside a bounding box (west, south, east, north), EPSG:4326."""
        west, south, east, north = bounds
        if self.axis == "longitude":
            return shapely.box(max(west, self.low), south, min(east, self.high), north)
        return shapely.box(west, max(south, self.low), east, min(north, self.high))

    def window(self, grid: Grid, gap_m: float) -> Window | None:
        """The part of an image in the block, half a gap away from its lines; over the image's whole height or width.

        Returns:
            None where it is narrower than `MIN_BLOCK`, unless it is the whole image.
        """
        half = gap_in_degrees(gap_m, self.axis, grid.footprint.bounds) / 2
        along_columns = _varies_along_columns(grid, self.axis)
        low, high = _borders(grid, self.axis, along_columns)
        inside = (np.minimum(low[:-1], low[1:]) >= self.low + half) & (
            np.maximum(high[:-1], high[1:]) <= self.high - half
        )
        (found,) = np.nonzero(inside)
        if not inside.all() and (len(found) < MIN_BLOCK or found[-1] - found[0] + 1 != len(found)):
            return None
        first, count = int(found[0]), len(found)
        return Window(first, 0, count, grid.height) if along_columns else Window(0, first, grid.width, count)


@dataclass(frozen=True)
class CellCounts:
    """An image's known ground in small squares of `CELL` px, (R, C).

    Attributes:
        grid: of the image.
        known: known pixels.
        landslide: landslide pixels.
    """

    grid: Grid
    known: Values
    landslide: Values

    def add(self, window: Window, known: npt.NDArray[np.bool_], landslide: npt.NDArray[np.bool_]) -> None:
        """Count the known and the landslide pixels (H, W) of a window that begins at the corner of a cell."""
        rows, columns = -(-window.height // CELL_PX), -(-window.width // CELL_PX)
        padding = ((0, rows * CELL_PX - window.height), (0, columns * CELL_PX - window.width))
        row, column = window.row_off // CELL_PX, window.col_off // CELL_PX
        for counts, mask in ((self.known, known), (self.landslide, landslide)):
            squares = np.pad(mask, padding).reshape(rows, CELL_PX, columns, CELL_PX)
            counts[row : row + rows, column : column + columns] = squares.sum(axis=(1, 3))

    def within(self, window: Window) -> tuple[float, float]:
        """About how many known pixels and how many landslide pixels a window has."""
        rows = slice(round(window.row_off / CELL_PX), round((window.row_off + window.height) / CELL_PX))
        columns = slice(round(window.col_off / CELL_PX), round((window.col_off + window.width) / CELL_PX))
        return float(self.known[rows, columns].sum()), float(self.landslide[rows, columns].sum())

    @property
    def places(self) -> Values:
        """Longitude and latitude of the cells with known pixels, (n, 2)."""
        rows, columns = np.nonzero(self.known)
        x = np.minimum((columns + 0.5) * CELL_PX, (columns * CELL_PX + self.grid.width) / 2)
        y = np.minimum((rows + 0.5) * CELL_PX, (rows * CELL_PX + self.grid.height) / 2)
        return _lonlat(self.grid, x, y)


def empty_cell_counts(grid: Grid) -> CellCounts:
    """Make the cells of an image, with all counts at 0."""
    shape = -(-grid.height // CELL_PX), -(-grid.width // CELL_PX)
    return CellCounts(grid, np.zeros(shape), np.zeros(shape))


def gap_in_degrees(gap_m: float, axis: Axis, bounds: Sequence[float]) -> float:
    """A distance along an axis, in degrees that are nowhere in the bounds (degrees) shorter than it."""
    up = gap_m / SHORTEST_DEGREE
    if axis == "latitude":
        return up
    return up / math.cos(math.radians(min(max(abs(bounds[1]), abs(bounds[3])) + up, 89.9)))


def share_deviation(side: Split, share: npt.ArrayLike) -> Values:
    """How far shares are from the one that a side should have: the logarithm of the ratio, infinite for nothing.

    So a hundredth of the landslides instead of a sixth is worse than a third.
    """
    ratio = np.asarray(share, float) / SHARES[side]
    return np.asarray(np.where(ratio > 0, abs(np.log(np.maximum(ratio, 1e-300))), np.inf))


def candidate_divisions(ground: str, cells: Sequence[CellCounts], gap_m: float, least_m: float) -> list[list[Block]]:
    """Ways to cut a ground into three blocks.

    Good is a way that gives the blocks 64, 16 and 20 % of the known pixels and of the landslide
    pixels. Each block is at least `least_m` wide, and has landslides if the ground has any.

    Args:
        ground: its name.
        cells: what is known of it, by image.
        gap_m: metres between two blocks.
        least_m: metres.

    Returns:
        For each axis and order of the three the best way there is.
    """
    places = np.concatenate([part.places for part in cells])
    known = np.concatenate([part.known[part.known > 0] for part in cells])
    landslide = np.concatenate([part.landslide[part.known > 0] for part in cells])
    found: list[list[Block]] = []
    for axis in AXES:
        at = places[:, AXES.index(axis)]
        bounds = (*places.min(axis=0), *places.max(axis=0))
        half, least = (gap_in_degrees(metres, axis, bounds) for metres in (gap_m / 2, least_m))
        for order in permutations(SPLITS):
            lines = _best_lines(at, known, landslide, order, half, least)
            if lines is not None:
                edges = (-math.inf, *lines, math.inf)
                found.append([Block(ground, side, axis, edges[i], edges[i + 1]) for i, side in enumerate(order)])
    return found


def read_blocks(workspace: WorkspaceFolder) -> geopandas.GeoDataFrame:
    """Read where ground was cut before; an empty table if it never was."""
    remedy = "restore it from a backup; without it, ground would be cut anew and change its side"
    table = read_paths_table(workspace, workspace.blocks, (), needs=COLUMNS, remedy=remedy)
    return block_rows([], shapely.Polygon()) if table is None else table


def write_blocks(workspace: WorkspaceFolder, blocks: geopandas.GeoDataFrame) -> None:
    """Replace the whole table. The caller holds the workspace's lock."""
    if len(blocks):
        with written_whole(workspace.blocks) as temporary:
            blocks.to_parquet(temporary, index=False)


def blocks_of_ground(table: geopandas.GeoDataFrame, ground: str) -> list[Block]:
    """Read the blocks of one ground from the table."""
    rows = table[table["ground"] == ground]
    return [Block(*row) for row in rows[list(COLUMNS)].itertuples(index=False)]


def blocks_of_pairs(
    pairs: geopandas.GeoDataFrame, table: geopandas.GeoDataFrame, gap_m: float, whole: Collection[str]
) -> dict[str, list[Block]]:
    """Find the pairs on ground that was cut before, and the new ones of the same regions beside it.

    A pair belongs to the ground that has most of its footprint, and so keeps its blocks for ever, for the
    footprints of its pairs are the ground's. Only then does ground grow: by pairs that have no ground,
    nearer to one of its pairs of the same region than the gap.

    Args:
        pairs: id, region and footprint.
        table: where ground was cut.
        gap_m: metres.
        whole: ids of pairs that have one side as a whole.

    Returns:
        The blocks by id of the pair. What new pairs add to a ground belongs to its blocks' open ends.
    """
    free = pairs[~pairs["id"].isin(list(whole))]
    ground_of = _own_ground(free, table)
    grown = set(ground_of)
    while grown:
        old, new = free[free["id"].isin(list(grown))], free[~free["id"].isin(list(ground_of))]
        grown = set()
        for here, beside in _nearest_first(old, new, gap_m):
            if beside not in ground_of:
                ground_of[beside] = ground_of[here]
                grown.add(beside)
    return {pair: blocks_of_ground(table, ground) for pair, ground in ground_of.items()}


def _own_ground(pairs: geopandas.GeoDataFrame, table: geopandas.GeoDataFrame) -> dict[str, str]:
    """By id the ground that has most of a pair's footprint; pairs on none are missing."""
    names = sorted(set(table["ground"]))
    areas = shapely.area(pairs.geometry.to_numpy())
    shares = np.zeros((len(names), len(pairs)))
    for number, name in enumerate(names):
        shared = shapely.intersection(pairs.geometry.to_numpy(), _ground(table, name))
        shares[number] = np.round(shapely.area(shared) / areas, 6)  # by rounding equal shares are equal
    if not len(names):
        return {}
    first, most = shares.argmax(axis=0), shares.max(axis=0)
    return {pair: names[at] for pair, at, share in zip(pairs["id"], first, most, strict=True) if share > 0}


def _nearest_first(old: geopandas.GeoDataFrame, new: geopandas.GeoDataFrame, gap_m: float) -> list[tuple[str, str]]:
    """Ids of old and new pairs of one region whose bounding boxes are nearer than a gap, the nearest first."""
    found = []
    for region, name, shape in zip(new["region"], new["id"], new.geometry, strict=True):
        x, y = (gap_in_degrees(gap_m, axis, shape.bounds) for axis in AXES)
        west, south, east, north = shape.bounds
        widened = shapely.box(west - x, south - y, east + x, north + y)
        near = old[(old["region"] == region) & shapely.intersects(shapely.envelope(old.geometry.to_numpy()), widened)]
        found += [(shape.distance(other), here, name) for here, other in zip(near["id"], near.geometry, strict=True)]
    return [(here, name) for _, here, name in sorted(found)]


def _ground(table: geopandas.GeoDataFrame, ground: str) -> shapely.Geometry:
    """The footprints of a ground's pairs, of now and before."""
    return shapely.union_all(table[table["ground"] == ground].geometry.to_numpy())


def add_ground(
    table: geopandas.GeoDataFrame, pairs: geopandas.GeoDataFrame, cut: Mapping[str, Sequence[Block]]
) -> geopandas.GeoDataFrame:
    """The table with the ground of these pairs in it, by the blocks that each of them is cut into."""
    grounds = {ground: blocks_of_ground(table, ground) for ground in table["ground"]}
    grounds |= {blocks[0].ground: list(blocks) for blocks in cut.values()}
    parts = []
    for ground, blocks in sorted(grounds.items()):
        mine = pairs[[pair in cut and cut[pair][0].ground == ground for pair in pairs["id"]]]
        parts.append(block_rows(blocks, shapely.union_all([_ground(table, ground), *mine.geometry])))
    return geopandas.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=WGS84) if parts else table


def block_groups(table: geopandas.GeoDataFrame) -> set[str]:
    """The groups of the index that are blocks."""
    return {block.group for ground in set(table["ground"]) for block in blocks_of_ground(table, ground)}


def block_rows(blocks: Sequence[Block], footprints: shapely.Geometry) -> geopandas.GeoDataFrame:
    """Rows of the table for the blocks of one ground with these footprints."""
    columns = {name: [getattr(block, name) for block in blocks] for name in COLUMNS}
    parts = [shapely.intersection(footprints, block.within(tuple(shapely.bounds(footprints)))) for block in blocks]
    return geopandas.GeoDataFrame(columns, geometry=parts, crs=WGS84)


def _best_lines(
    at: Values, known: Values, landslide: Values, order: Sequence[Split], half: float, least: float
) -> tuple[float, float] | None:
    """The two lines across an axis that come nearest to the shares in this order; None where none do.

    Args:
        at: places of the cells along the axis, (n,), degrees.
        known: their known pixels.
        landslide: their landslide pixels.
        order: of the sides along the axis.
        half: half the gap, degrees.
        least: width of a block, degrees.
    """
    sort = np.argsort(at, kind="stable")
    at = at[sort]
    distinct = np.unique(at)
    if len(distinct) < len(SPLITS):
        return None
    between = (distinct[1:] + distinct[:-1]) / 2
    lines = between[np.unique(np.linspace(0, len(between) - 1, CANDIDATE_LINES).round().astype(int))]
    first, second = (lines[i] for i in np.triu_indices(len(lines), 1))
    wide = (first - half - at[0] >= least) & (second - first - 2 * half >= least) & (at[-1] - second - half >= least)
    first, second = first[wide], second[wide]
    off = np.zeros(len(first))
    for counted, weight in ((known, 1.0), (landslide, LANDSLIDE_WEIGHT)):
        if counted.any():
            total = np.concatenate([[0.0], np.cumsum(counted[sort])]) / counted.sum()
            ends = [
                total[np.searchsorted(at, line)] for line in (first - half, first + half, second - half, second + half)
            ]
            parts = ends[0], ends[2] - ends[1], 1 - ends[3]
            for side, part in zip(order, parts, strict=True):
                off += weight * share_deviation(side, part)
    if not np.isfinite(off).any():
        return None
    best = int(off.argmin())
    return float(first[best]), float(second[best])


def _varies_along_columns(grid: Grid, axis: Axis) -> bool:
    """Whether an image's columns, rather than its rows, follow an axis."""
    middle = (grid.width / 2, grid.height / 2)
    xs, ys = (np.array([middle[i], middle[i], middle[i]]) + steps for i, steps in enumerate(((0, 1, 0), (0, 0, 1))))
    value = _lonlat(grid, xs, ys)[:, AXES.index(axis)]
    return bool(abs(value[1] - value[0]) >= abs(value[2] - value[0]))


@lru_cache(maxsize=256)
def _borders(grid: Grid, axis: Axis, along_columns: bool) -> tuple[Values, Values]:
    """Least and largest longitude or latitude on the n + 1 borders of an image's columns, or rows."""
    length, width = (grid.width, grid.height) if along_columns else (grid.height, grid.width)
    along, across = np.meshgrid(np.arange(length + 1.0), np.linspace(0, width, BORDER_SAMPLES), indexing="ij")
    x, y = (along, across) if along_columns else (across, along)
    values = _lonlat(grid, x.ravel(), y.ravel())[:, AXES.index(axis)].reshape(along.shape)
    return values.min(axis=1), values.max(axis=1)


def _lonlat(grid: Grid, columns: Values, rows: Values) -> Values:
    """Places in an image's pixels as longitude and latitude, (n, 2)."""
    x, y = grid.transform @ (columns, rows)
    if grid.crs != WGS84:
        x, y = transform_points(CRS.from_user_input(grid.crs), WGS84, x, y)
    return np.stack([within_180(np.asarray(x, float)), np.asarray(y, float)], axis=1)
