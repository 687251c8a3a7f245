"""Outlines of the landslides of a mask, found by bands of rows and joined where a band cuts one.

Regions of pixels that share an edge are one landslide; regions that touch only at a corner stay
apart, because joined they would be invalid polygons. The result is what `rasterio.features.shapes`
with 4-connectivity gives for the whole mask at once, for any height of the bands. Held in memory
are one band, and of landslides that reach its last row their outlines, not their pixels.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from rasterio.windows import Window
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tsmu.mapping.outputs.cog import NO_DATA, Percent
from tsmu.mapping.scene.region_weights import AnyShares, Shares, thresholds
from tsmu.mapping.vectorize.tracing import Labels, Polygons, trace

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Outlines:
    """Landslides in pixel coordinates (column, row), and sums over the percents of their pixels.

    All arrays are of the same length: polygons; counts of pixels; sums; sums of squares; maxima; sums
    of the deviations in percent, 0 where they are not known; and sums over the regions' shares in
    percent, (landslides, regions).
    """

    polygons: Polygons
    pixels: Numbers
    total: Numbers
    squares: Numbers
    highest: Numbers
    deviation: Numbers
    shares: Numbers

    def __len__(self) -> int:
        """Count the landslides."""
        return len(self.polygons)

    def take(self, which: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> "Outlines":
        """Choose some of them."""
        return Outlines(*(getattr(self, name)[which] for name in self.__dataclass_fields__))

    @classmethod
    def together(cls, parts: "Iterable[Outlines]") -> "Outlines":
        """Put several lists one after the other."""
        several = list(parts)
        return cls(*(np.concatenate([getattr(part, name) for part in several]) for name in cls.__dataclass_fields__))

    def joined(self) -> "Outlines":
        """Make one landslide of these pieces, which share edges."""
        whole = shapely.union_all(self.polygons)
        assert isinstance(whole, shapely.Polygon)
        pixels, total, squares, deviation = (
            values.sum(keepdims=True) for values in (self.pixels, self.total, self.squares, self.deviation)
        )
        highest = self.highest.max(keepdims=True)
        shares = self.shares.sum(axis=0, keepdims=True)
        outline = np.array([_without_straight_points(whole)], dtype=object)
        return Outlines(outline, pixels, total, squares, highest, deviation, shares)


Bands = Iterable[tuple[int, Percent]]


def outlines(bands: Bands, percents: Sequence[int], shares: AnyShares) -> Iterator[Outlines]:
    """Yield the landslides of a probability raster, each when its last row has been read.

    Args:
        bands: (first row, layers (1 or 2, H, width): percents, and their deviations where those are
            known) from top to bottom without a gap; 255 = no data.
        percents: for each region, pixels of at least this percentage are landslide.
        shares: how much each region counts where.
    """
    open_pieces: list[Outlines] = []  # per landslide that reached the last row so far, its pieces
    open_at: Labels | None = None  # which of them, from 1 on, each pixel of that row belongs to
    for row, layers in bands:
        percent = layers[0]
        height, width = percent.shape
        here_shares = shares.percent(Window(0, row, width, height))
        framed, count = ndimage.label(np.pad((percent >= thresholds(here_shares, percents)) & (percent != NO_DATA), 1))
        if count == 0 and not open_pieces:
            continue
        label = framed[1:-1, 1:-1]
        here = _of_band(framed, count, layers, here_shares, row)
        above = np.zeros(label.shape[1], np.int32) if open_at is None else open_at
        member = _members(above, label[0], len(open_pieces), count)
        goes_on = np.zeros(member.max(initial=-1) + 1, bool)
        goes_on[member[len(open_pieces) + np.unique(label[-1][label[-1] > 0]) - 1]] = True
        finished, open_pieces, number = _sort_out(open_pieces, here, member, goes_on)
        renamed = np.zeros(count + 1, np.int32)
        renamed[1:] = number[member[len(member) - count :]]
        open_at = renamed[label[-1]]
        if len(finished):
            yield finished
    if open_pieces:
        yield Outlines.together(pieces.joined() if len(pieces) > 1 else pieces for pieces in open_pieces)


def _of_band(framed: Labels, count: int, layers: Percent, shares: Shares, row: int) -> Outlines:
    """Outline the regions 1 to count of one band with a frame of zeros, and sum up their pixels."""
    polygons = trace(framed, count, row)
    label = framed[1:-1, 1:-1]
    inside = np.nonzero(label)
    owner = label[inside] - 1
    value, *deviations = (layer[inside].astype(np.int64) for layer in layers)
    highest = np.zeros(count, np.int64)
    np.maximum.at(highest, owner, value)
    # Sums of whole numbers below 2^53 are exact in bincount's floats.
    spread = deviations[0] if deviations else np.zeros_like(value)
    pixels, total, squares, deviation = (
        np.bincount(owner, weights, minlength=count).astype(np.int64) for weights in (None, value, value**2, spread)
    )
    return Outlines(polygons, pixels, total, squares, highest, deviation, _shares_of(owner, inside, shares, pixels))


def _shares_of(owner: Labels, inside: tuple[npt.NDArray[np.intp], ...], shares: Shares, pixels: Numbers) -> Numbers:
    """Sum up the shares (regions, H, W) over the pixels of each landslide; they are 100 together."""
    found = np.empty((len(pixels), len(shares)), np.int64)
    for region, share in enumerate(shares[:-1]):
        found[:, region] = np.bincount(owner, share[inside], len(pixels))
    found[:, -1] = 100 * pixels - found[:, :-1].sum(axis=1)
    return found


def _members(above: Labels, first_row: Labels, open_count: int, count: int) -> npt.NDArray[np.int32]:
    """Number the landslides that open ones and a band's regions are pieces of; two share edges there."""
    touching = (above > 0) & (first_row > 0)
    edges = above[touching] - 1, open_count + first_row[touching] - 1
    size = open_count + count
    graph = coo_array((np.ones(len(edges[0]), bool), edges), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1])


def _sort_out(
    open_pieces: list[Outlines], here: Outlines, member: npt.NDArray[np.int32], goes_on: npt.NDArray[np.bool_]
) -> tuple[Outlines, list[Outlines], npt.NDArray[np.int32]]:
    """Part the landslides into finished and open ones; also gives each open one's number from 1 on."""
    own = member[len(open_pieces) :]
    crossing = goes_on.copy()
    crossing[member[: len(open_pieces)]] = True
    finished = [here.take(~crossing[own])]
    pieces: dict[int, list[Outlines]] = {}
    for landslide, part in zip(member, open_pieces, strict=False):
        pieces.setdefault(int(landslide), []).append(part)
    for position in np.flatnonzero(crossing[own]):
        pieces.setdefault(int(own[position]), []).append(here.take(np.array([position])))
    still_open, number = [], np.zeros(len(goes_on), np.int32)
    for landslide in sorted(pieces):
        group = Outlines.together(pieces[landslide])
        if goes_on[landslide]:
            still_open.append(group)
            number[landslide] = len(still_open)
        else:
            finished.append(group.joined() if len(group) > 1 else group)
    return Outlines.together(finished), still_open, number


def _without_straight_points(polygon: shapely.Polygon) -> shapely.Polygon:
    """Drop the vertices at which an outline does not turn: where a band cut it."""
    exterior, *interiors = (_corners(shapely.get_coordinates(ring)) for ring in (polygon.exterior, *polygon.interiors))
    return shapely.Polygon(exterior, interiors)


def _corners(ring: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    points = ring[:-1]  # the last one is the first
    step = np.roll(points, -1, axis=0) - points
    before = np.roll(step, 1, axis=0)
    return np.asarray(points[before[:, 0] * step[:, 1] != before[:, 1] * step[:, 0]])
