"""Where the synthetic world lies on the map, and which region a pixel belongs to."""

from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyproj
from rasterio.transform import Affine
from shapely import LineString, Polygon, box
from shapely.affinity import affine_transform
from shapely.ops import polygonize, unary_union

from tsmu.synthetic.noise import subseed, uniform

CRS = pyproj.CRS.from_epsg(32610)  # UTM zone 10 north
SIZE = 40_960  # side of the square that the polygons of `regions()` cover, pixels; the world goes on beyond it
# The four regions in the order north-west, north-east, south-west, south-east.
REGIONS = ("northwest_mountains", "north_deserts", "marine_coast", "eastern_forests")
BLEND = 12.0  # px on each side of a border over which the ground changes

_CENTRE = (500_000.0, 5_000_000.0)  # on the zone's central meridian, at 45.2 degrees north
# Pixels between two nodes of a border, and by how much a node may lie off; the borders' slope stays below 1, so that
# the two borders cross only once.
_NODE_SPACING, _WOBBLE = 1024, 280

Doubles = npt.NDArray[np.floating[Any]]


def world_transform(pixel_size: float) -> Affine:
    """Transform from world pixels to metres east and north in `CRS`."""
    half = SIZE / 2 * pixel_size
    return Affine(pixel_size, 0, _CENTRE[0] - half, 0, -pixel_size, _CENTRE[1] + half)


class RegionBorders:
    """The borders of the four regions: two bent lines through the middle of the world."""

    def __init__(self, seed: int) -> None:
        """Bend the lines by the world's seed."""
        self._nodes = np.arange(0, SIZE + 1, _NODE_SPACING)
        self._north_south = self._bend(subseed(seed, "north-south border"))
        self._west_east = self._bend(subseed(seed, "west-east border"))

    def _bend(self, seed: int) -> Doubles:
        return SIZE / 2 + _WOBBLE * (2 * uniform(seed, self._nodes, np.zeros(1, int)).astype(np.float64) - 1)

    def distances(self, x: Doubles, y: Doubles) -> tuple[Any, Any]:
        """How far points lie east of the north-south border and south of the west-east border, in pixels.

        `x` and `y` are pixel coordinates (a pixel's centre is at 0.5) that broadcast against each other. Points on the
        other side have negative distances.
        """
        return x - np.interp(y, self._nodes, self._north_south), y - np.interp(x, self._nodes, self._west_east)

    def region_index(self, x: Doubles, y: Doubles) -> npt.NDArray[np.intp]:
        """The index into `REGIONS` of each point, given in pixel coordinates."""
        east, south = self.distances(x, y)
        return np.asarray(np.greater_equal(east, 0) + 2 * np.greater_equal(south, 0).astype(np.intp))

    def regions(self, transform: Affine) -> gpd.GeoDataFrame:
        """The four territories as polygons: columns `name`, `geometry`, in `CRS`."""
        lines = [
            LineString(np.column_stack([self._north_south, self._nodes])),
            LineString(np.column_stack([self._nodes, self._west_east])),
            box(0, 0, SIZE, SIZE).boundary,
        ]
        by_name: dict[str, Polygon] = {}
        for polygon in polygonize(unary_union(lines)):
            inside = polygon.representative_point()
            name = REGIONS[int(self.region_index(np.array(inside.x), np.array(inside.y)))]
            t = transform
            by_name[name] = affine_transform(polygon, [t.a, t.b, t.d, t.e, t.c, t.f])
        names = sorted(by_name)
        return gpd.GeoDataFrame({"name": names}, geometry=[by_name[name] for name in names], crs=CRS)
