"""The region map: which ecoregion a point or footprint lies in, and how far the nearest border is.

A region is a name; its area may consist of many polygons. The workspace keeps the map as `regions.gpkg`: one layer
`regions` with the column `name` and valid polygons in EPSG:4326.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Self

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

from tsmu.errors import RegionError
from tsmu.issues import IssueLog
from tsmu.regions.border_index import BorderIndex, Floats
from tsmu.regions.region_names import region_key
from tsmu.vectors import read_polygons, reproject, require_earth_crs

LAYER = "regions"
MAP_CRS = "EPSG:4326"
EQUAL_AREA = "EPSG:6933"
POINTS_AT_ONCE = 500_000  # points assigned at once, which limits the memory to some 200 MB
QUERIES_AT_ONCE = 2_000  # points for which the nearest border is searched at once
FIRST_REACH_M = 5_000.0  # the nearest border is searched within this distance first, then within growing ones
WIDEST_REACH_M = 20_100_000.0  # half the Earth's circumference


class RegionAssignment(NamedTuple):
    """The regions of N points.

    Attributes:
        names: the region of each point, (N,); None for a point without region.
        distance_m: metres from each point to its region, (N,): 0 inside, NaN for a point without region.
    """

    names: npt.NDArray[np.object_]
    distance_m: Floats


@dataclass(frozen=True)
class RegionMap:
    """Named polygons in EPSG:4326.

    Attributes:
        names: the name of each polygon's region, (P,).
        polygons: the polygons, (P,).

    Example:
        >>> table = geopandas.GeoDataFrame({"name": ["west", "east"]}, geometry=[west, east], crs="EPSG:4326")
        >>> regions = RegionMap.from_frame(table)
        >>> regions.assign_points([0.5, 1.5, 9.0], [0.5, 0.5, 0.5]).names.tolist()
        ['west', 'east', None]
        >>> name, shares = regions.assign_footprint(shapely.box(0.75, 0.2, 1.75, 0.4))
        >>> name, float(shares["west"].round(2))
        ('east', 0.25)
    """

    names: npt.NDArray[np.object_]
    polygons: npt.NDArray[np.object_]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the region map of a workspace.

        Raises:
            RegionError: the file does not exist, or is no region map.
        """
        if not path.exists():
            raise RegionError(f"{path}: no region map yet; make one with: tsmu regions use FILE --name-field FIELD")
        (frame,) = read_polygons(path, IssueLog(path), RegionError, [LAYER])
        if "name" not in frame.columns:
            raise RegionError(f"{path}: no column name; make it again with: tsmu regions use FILE --name-field FIELD")
        return cls.from_frame(frame)

    @classmethod
    def from_frame(cls, frame: gpd.GeoDataFrame) -> Self:
        """Make a region map from a table of polygons in EPSG:4326 with the column `name`."""
        parts = frame[["name", "geometry"]].explode(ignore_index=True)
        return cls(parts["name"].to_numpy(object), parts.geometry.to_numpy())

    @property
    def regions(self) -> list[str]:
        """The names of the regions, each once, in the order of the map."""
        return list(dict.fromkeys(self.names))

    def canonical_name(self, name: str) -> str | None:
        """Return a region's name as the map spells it, given any spelling of it; None if the map has no such region."""
        return self._names_by_key.get(region_key(name))

    def assign_points(self, lon: npt.ArrayLike, lat: npt.ArrayLike, max_distance_m: float = 0.0) -> RegionAssignment:
        """Find the region of each point.

        A point on a border, or where regions overlap, belongs to the region that comes first in the map.

        Args:
            lon: longitudes, degrees, (N,); a point that is no place on Earth gets no region.
            lat: latitudes, degrees, (N,).
            max_distance_m: a point outside all regions gets the nearest region if it is no more than so many metres
                away.
        """
        x, y = np.atleast_1d(np.asarray(lon, float)), np.atleast_1d(np.asarray(lat, float))
        placed = (np.abs(x) <= 180) & (np.abs(y) <= 90)
        polygon = np.full(x.shape, len(self.polygons))
        for start in range(0, len(x), POINTS_AT_ONCE):
            chunk = np.flatnonzero(placed[start : start + POINTS_AT_ONCE]) + start
            # The polygons query a tree of points, not the other way round, so that GEOS prepares the polygons.
            tree = shapely.STRtree(np.asarray(shapely.points(x[chunk], y[chunk])))
            containing, point = tree.query(self.polygons, "intersects")
            np.minimum.at(polygon, chunk[point], containing)
        distance = np.where(polygon < len(self.polygons), 0.0, np.nan)
        missed = np.flatnonzero(placed & np.isnan(distance))
        if max_distance_m > 0 and len(missed):
            near, metres = self._nearest_border(x[missed], y[missed], reach_m=max_distance_m)
            close = metres <= max_distance_m
            polygon[missed[close]], distance[missed[close]] = near[close], metres[close]
        return RegionAssignment(np.array([*self.names, None], object)[polygon], distance)

    def assign_footprint(
        self, footprint: BaseGeometry, crs: Any = MAP_CRS, max_distance_m: float = 0.0
    ) -> tuple[str | None, dict[str, float]]:
        """Find the regions that a footprint lies in.

        Args:
            footprint: a polygon in `crs`.
            crs: any CRS that pyproj understands.
            max_distance_m: a footprint outside all regions gets the region nearest to its centre if it is no more than
                so many metres away.

        Returns:
            The region with the largest share, or None; and the share of the footprint's area in each region that it
            touches, largest first. The shares sum to less than 1 where a part lies in no region.

        Raises:
            RegionError: the CRS is unknown, or not one of the Earth.
        """
        placed = _to_map_crs(footprint, crs)
        touched = np.sort(shapely.STRtree(self.polygons).query(placed, "intersects"))
        whole = _equal_area(np.array([placed]))[0]
        parts = _equal_area(shapely.intersection(self.polygons[touched], placed))
        areas: dict[str, float] = {}
        for polygon, area in zip(touched, parts, strict=True):
            areas[self.names[polygon]] = areas.get(self.names[polygon], 0.0) + area
        if whole > 0 and any(areas.values()):
            shares = {name: area / whole for name, area in areas.items() if area > 0}
            shares = dict(sorted(shares.items(), key=lambda item: -item[1]))
            return next(iter(shares)), shares
        centre = placed.centroid
        return self.assign_points(centre.x, centre.y, max_distance_m).names[0], {}

    def border_distance_m(self, lon: npt.ArrayLike, lat: npt.ArrayLike, names: npt.ArrayLike | None = None) -> Floats:
        """Measure the distance from each point to the nearest border, in metres.

        Args:
            lon: longitudes, degrees, (N,).
            lat: latitudes, degrees, (N,).
            names: the region of each point, (N,): only the borders of this region count for it; None counts all
                borders.

        Returns:
            The distances, (N,); NaN for a point that is no place on Earth and for a region that the map does not have.
        """
        x, y = np.atleast_1d(np.asarray(lon, float)), np.atleast_1d(np.asarray(lat, float))
        result = np.full(x.shape, np.nan)
        placed = (np.abs(x) <= 180) & (np.abs(y) <= 90)
        if names is None:
            result[placed] = self._nearest_border(x[placed], y[placed])[1]
            return result
        region_of_point = np.broadcast_to(np.asarray(names, object), x.shape)
        for name in {n for n in region_of_point[placed] if n is not None}:
            own, rows = self.names == name, np.flatnonzero(placed & (region_of_point == name))
            if own.any():
                region = RegionMap(self.names[own], self.polygons[own])
                result[rows] = region._nearest_border(x[rows], y[rows])[1]
        return result

    @cached_property
    def _names_by_key(self) -> dict[str, str]:
        return {region_key(name): name for name in reversed(self.regions)}

    @cached_property
    def _borders(self) -> BorderIndex:
        return BorderIndex(self.polygons)

    def _nearest_border(
        self, x: Floats, y: Floats, reach_m: float | None = None
    ) -> tuple[npt.NDArray[np.int64], Floats]:
        """Find the polygon with the border nearest to each point, and the distance to it.

        Args:
            x: longitudes, degrees, (N,).
            y: latitudes, degrees, (N,).
            reach_m: metres; None searches as far as needed.

        Returns:
            The positions of the polygons, (N,), and the distances in metres, (N,), infinite where no border lies
            within `reach_m`.
        """
        nearest, metres = np.zeros(len(x), np.int64), np.full(len(x), np.inf)
        remaining, reach = np.arange(len(x)), reach_m or FIRST_REACH_M
        while len(remaining):
            for start in range(0, len(remaining), QUERIES_AT_ONCE):
                part = remaining[start : start + QUERIES_AT_ONCE]
                nearest[part], metres[part] = self._borders.nearest(x[part], y[part], reach)
            if reach_m or reach >= WIDEST_REACH_M:
                break
            remaining, reach = remaining[metres[remaining] > reach], min(reach * 4, WIDEST_REACH_M)
        return nearest, metres


def _to_map_crs(footprint: BaseGeometry, crs: Any) -> BaseGeometry:
    """Project a footprint to EPSG:4326."""
    try:
        source = require_earth_crs(pyproj.CRS.from_user_input(crs), "footprint", RegionError)
    except pyproj.exceptions.CRSError:
        raise RegionError(f"footprint: unknown coordinate reference system {crs!r}") from None
    placed: BaseGeometry = reproject(np.array([footprint], dtype=object), source, MAP_CRS)[0]
    return placed


def _equal_area(shapes: npt.NDArray[np.object_]) -> Floats:
    """Areas of polygons in EPSG:4326, square metres."""
    areas: Floats = gpd.GeoSeries(shapes, crs=MAP_CRS).to_crs(EQUAL_AREA).area.to_numpy(float)
    return areas
