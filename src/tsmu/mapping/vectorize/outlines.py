"""The landslides of a raster, outlined strip of rows by strip of rows, and merged where one crosses strips.

Pixels that share an edge are one landslide; parts that touch only at a corner stay apart, because
merged they would be an invalid polygon. The result is what `rasterio.features.shapes` with
4-connectivity gives for the whole mask at once, for any height of the strips. In memory are one strip,
and the outlines, not the pixels, of landslides that reach its last row.
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

from tsmu.mapping.arrays import NO_DATA, Percent
from tsmu.mapping.scene.region_weights import RegionWeights, blended_threshold
from tsmu.mapping.vectorize.tracing import Labels, Polygons, trace

Strips = Iterable[tuple[int, Percent]]  # (first row, layers (L, H, W)) from top to bottom without a gap
Numbers = npt.NDArray[np.int64]
Groups = npt.NDArray[np.int32]


@dataclass(frozen=True)
class LandslideOutlines:
    """Outlines of landslides, or of pieces of them, with sums over their pixels; all arrays are of one length.

    Attributes:
        polygons: in pixel coordinates (column, row).
        pixels: counts of pixels.
        total: sums of the pixels' percents.
        squares: sums of their squares.
        highest: the highest of them.
        deviation: sums of the standard deviations in percent, 0 where they are not known.
        weights: sums of the regions' weights in percent, (landslides, regions).
    """

    polygons: Polygons
    pixels: Numbers
    total: Numbers
    squares: Numbers
    highest: Numbers
    deviation: Numbers
    weights: Numbers

    def __len__(self) -> int:
        """Count the landslides."""
        return len(self.polygons)

    def select(self, index: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> "LandslideOutlines":
        """Give some of the landslides, by a mask or by their positions."""
        return LandslideOutlines(*(getattr(self, name)[index] for name in self.__dataclass_fields__))

    @classmethod
    def concatenate(cls, parts: "Iterable[LandslideOutlines]") -> "LandslideOutlines":
        """Put several lists of landslides one after the other."""
        several = list(parts)
        return cls(*(np.concatenate([getattr(part, name) for part in several]) for name in cls.__dataclass_fields__))

    def merge(self) -> "LandslideOutlines":
        """Make one landslide of pieces that share edges; one piece is given back as it is."""
        if len(self) == 1:
            return self
        whole = shapely.union_all(self.polygons)
        assert isinstance(whole, shapely.Polygon)
        pixels, total, squares, deviation = (
            values.sum(keepdims=True) for values in (self.pixels, self.total, self.squares, self.deviation)
        )
        highest = self.highest.max(keepdims=True)
        weights = self.weights.sum(axis=0, keepdims=True)
        outline = np.array([_without_straight_vertices(whole)], dtype=object)
        return LandslideOutlines(outline, pixels, total, squares, highest, deviation, weights)


def outline_landslides(
    strips: Strips, thresholds: Sequence[int], weights: RegionWeights
) -> Iterator[LandslideOutlines]:
    """Yield the landslides of a probability raster, each when its last row has been read.

    Args:
        strips: (first row, layers (1 or 2, H, W)) from top to bottom without a gap: whole percents, and
            their standard deviations where those are known; 255 = no data.
        thresholds: for each region, pixels of at least this percentage are landslide.
        weights: how much each region counts at each pixel.
    """
    open_landslides: list[LandslideOutlines] = []  # for each landslide that reached the last row, its pieces
    open_labels: Labels | None = None  # (W,): which of them, from 1 on, each pixel of that row belongs to; 0 for none
    for row, layers in strips:
        percent = layers[0]
        height, width = percent.shape
        strip_weights = weights.percent(Window(0, row, width, height))
        above = (percent >= blended_threshold(strip_weights, thresholds)) & (percent != NO_DATA)
        framed, count = ndimage.label(np.pad(above, 1))
        if count == 0 and not open_landslides:
            continue
        label = framed[1:-1, 1:-1]
        pieces = _outline_strip(framed, count, layers, strip_weights, row)
        row_above = np.zeros(label.shape[1], np.int32) if open_labels is None else open_labels
        groups = _group_pieces(row_above, label[0], len(open_landslides), count)
        # In `groups` the open landslides come first, then the pieces of this strip: piece k is at that offset + k - 1.
        in_last_row = np.unique(label[-1][label[-1] > 0])
        continues = np.zeros(groups.max(initial=-1) + 1, bool)
        continues[groups[len(open_landslides) + in_last_row - 1]] = True
        finished, open_landslides, numbers = _divide_finished(open_landslides, pieces, groups, continues)
        # From the number of a piece in this strip to the number of its landslide among the open ones.
        renumbered = np.zeros(count + 1, np.int32)
        renumbered[1:] = numbers[groups[len(groups) - count :]]
        open_labels = renumbered[label[-1]]
        if len(finished):
            yield finished
    if open_landslides:
        yield LandslideOutlines.concatenate(pieces.merge() for pieces in open_landslides)


def _outline_strip(framed: Labels, count: int, layers: Percent, weights: Percent, row: int) -> LandslideOutlines:
    """Outline the labelled pieces 1 to `count` of one strip, and sum up their pixels.

    Args:
        framed: the labels with a frame of zeros, (H + 2, W + 2).
        count: number of pieces.
        layers: percents, and perhaps their standard deviations, (1 or 2, H, W).
        weights: of the regions, (regions, H, W).
        row: first row of the strip.
    """
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
        np.bincount(owner, terms, minlength=count).astype(np.int64) for terms in (None, value, value**2, spread)
    )
    sums = _weight_sums(owner, inside, weights, pixels)
    return LandslideOutlines(polygons, pixels, total, squares, highest, deviation, sums)


def _weight_sums(owner: Labels, inside: tuple[npt.NDArray[np.intp], ...], weights: Percent, pixels: Numbers) -> Numbers:
    """Sum up the regions' weights over the pixels of each piece, (pieces, regions); at a pixel they sum to 100."""
    sums = np.empty((len(pixels), len(weights)), np.int64)
    for region, weight in enumerate(weights[:-1]):
        sums[:, region] = np.bincount(owner, weight[inside], len(pixels))
    sums[:, -1] = 100 * pixels - sums[:, :-1].sum(axis=1)
    return sums


def _group_pieces(row_above: Labels, first_row: Labels, open_count: int, count: int) -> Groups:
    """Number the landslides that open ones and the pieces of a strip belong to; touching ones are one landslide.

    Args:
        row_above: which open landslide, from 1 on, each pixel of the row above the strip belongs to.
        first_row: which piece, from 1 on, each pixel of the strip's first row belongs to.
        open_count: number of open landslides.
        count: number of pieces.

    Returns:
        The number of the landslide of each open one, followed by those of the pieces.
    """
    touching = (row_above > 0) & (first_row > 0)
    edges = row_above[touching] - 1, open_count + first_row[touching] - 1
    size = open_count + count
    graph = coo_array((np.ones(len(edges[0]), bool), edges), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1])


def _divide_finished(
    open_landslides: list[LandslideOutlines],
    pieces: LandslideOutlines,
    groups: Groups,
    continues: npt.NDArray[np.bool_],
) -> tuple[LandslideOutlines, list[LandslideOutlines], Groups]:
    """Divide the landslides into finished ones and those that reach the last row of the strip.

    Args:
        open_landslides: those that reached the last row of the strip above.
        pieces: the pieces in the strip.
        groups: as `_group_pieces` gives them.
        continues: for each landslide whether it reaches the last row of the strip.

    Returns:
        The finished landslides; the pieces of each open one; and for each landslide its number among
        the open ones, from 1 on.
    """
    piece_groups = groups[len(open_landslides) :]
    # Landslides that reach the strip above or below. All others lie within this strip and consist of one piece.
    crossing = continues.copy()
    crossing[groups[: len(open_landslides)]] = True
    finished = [pieces.select(~crossing[piece_groups])]
    by_landslide: dict[int, list[LandslideOutlines]] = {}
    for landslide, part in zip(groups, open_landslides, strict=False):
        by_landslide.setdefault(int(landslide), []).append(part)
    for position in np.flatnonzero(crossing[piece_groups]):
        by_landslide.setdefault(int(piece_groups[position]), []).append(pieces.select(np.array([position])))
    still_open, numbers = [], np.zeros(len(continues), np.int32)
    for landslide in sorted(by_landslide):
        together = LandslideOutlines.concatenate(by_landslide[landslide])
        if continues[landslide]:
            still_open.append(together)
            numbers[landslide] = len(still_open)
        else:
            finished.append(together.merge())
    return LandslideOutlines.concatenate(finished), still_open, numbers


def _without_straight_vertices(polygon: shapely.Polygon) -> shapely.Polygon:
    """Drop the vertices at which an outline does not turn, which are where a strip cut it."""
    exterior, *interiors = (_turns(shapely.get_coordinates(ring)) for ring in (polygon.exterior, *polygon.interiors))
    return shapely.Polygon(exterior, interiors)


def _turns(ring: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Give the vertices at which a ring turns."""
    points = ring[:-1]  # the last one is the first
    step = np.roll(points, -1, axis=0) - points
    before = np.roll(step, 1, axis=0)
    return np.asarray(points[before[:, 0] * step[:, 1] != before[:, 1] * step[:, 0]])
