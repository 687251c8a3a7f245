"""The ecoregion map: which region is this point or footprint in, and how far is the next border.

A region is a name; its area may come in many polygons. The workspace keeps the map as
`regions.gpkg`: one layer `regions`, column `name`, valid polygons in EPSG:4326.
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
from tsmu.projecting import earth_crs, transformed
from tsmu.regions.border_index import BorderIndex, Floats
from tsmu.regions.region_names import region_key
from tsmu.vector_files import read_polygons

LAYER = "regions"
MAP_CRS = "EPSG:4326"
EQUAL_AREA = "EPSG:6933"
POINTS_AT_ONCE = 500_000  # bounds the memory of an assignment to some 200 MB
QUERIES_AT_ONCE = 2_000
FIRST_REACH_M = 5_000.0
WIDEST_REACH_M = 20_100_000.0  # half the Earth's circumference


class RegionAssignment(NamedTuple):
    """Regions of points: names (N,) with None for no region; metres to the region, 0 inside, NaN for none."""

    names: npt.NDArray[np.object_]
    distance_m: Floats


@dataclass(frozen=True)
class RegionMap:
    """Named polygons in EPSG:4326: `polygons[i]` belongs to the region `names[i]`."""

    names: npt.NDArray[np.object_]
    polygons: npt.NDArray[np.object_]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the region map of a workspace.

        Raises:
            RegionError: there is none, or it is not one.
        """
        if not path.exists():
            raise RegionError(f"{path}: no region map yet; make one with: tsmu regions use FILE --name-field FIELD")
        (frame,) = read_polygons(path, IssueLog(path), RegionError, [LAYER])
        if "name" not in frame.columns:
            raise RegionError(f"{path}: no column name; make it again with: tsmu regions use FILE --name-field FIELD")
        return cls.from_frame(frame)

    @classmethod
    def from_frame(cls, frame: gpd.GeoDataFrame) -> Self:
        """Take the column `name` and the geometry of a frame in EPSG:4326."""
        parts = frame[["name", "geometry"]].explode(ignore_index=True)
        return cls(parts["name"].to_numpy(object), parts.geometry.to_numpy())

    @property
    def regions(self) -> list[str]:
        """The names, each once, in the order of the map."""
        return list(dict.fromkeys(self.names))

    def spelled(self, name: str) -> str | None:
        """How the map spells a region that may be written with other case, blanks or underscores."""
        return self._spellings.get(region_key(name))

    def assign_points(self, lon: npt.ArrayLike, lat: npt.ArrayLike, max_distance_m: float = 0.0) -> RegionAssignment:
        """Find the region of each point.

        A point on a border, or where regions overlap, belongs to the one that comes first in the map.

        Args:
            lon: Longitudes in degrees, (N,). What is not a place on Earth gets no region.
            lat: Latitudes in degrees, (N,).
            max_distance_m: A point outside all regions gets the nearest one within so many metres.
        """
        x, y = np.atleast_1d(np.asarray(lon, float)), np.atleast_1d(np.asarray(lat, float))
        placed = (np.abs(x) <= 180) & (np.abs(y) <= 90)
        polygon = np.full(x.shape, len(self.polygons))
        for start in range(0, len(x), POINTS_AT_ONCE):
            chunk = np.flatnonzero(placed[start : start + POINTS_AT_ONCE]) + start
            # Prepared polygons against a tree of points: the other way round nothing is prepared.
            tree = shapely.STRtree(np.asarray(shapely.points(x[chunk], y[chunk])))
            which, point = tree.query(self.polygons, "intersects")
            np.minimum.at(polygon, chunk[point], which)
        distance = np.where(polygon < len(self.polygons), 0.0, np.nan)
        missed = np.flatnonzero(placed & np.isnan(distance))
        if max_distance_m > 0 and len(missed):
            near, metres = self._nearest_border(x[missed], y[missed], reach_m=max_distance_m)
            found = metres <= max_distance_m
            polygon[missed[found]], distance[missed[found]] = near[found], metres[found]
        return RegionAssignment(np.array([*self.names, None], object)[polygon], distance)

    def assign_footprint(
        self, footprint: BaseGeometry, crs: Any = MAP_CRS, max_distance_m: float = 0.0
    ) -> tuple[str | None, dict[str, float]]:
        """Find the regions that a footprint lies in.

        Args:
            footprint: A polygon in `crs`.
            crs: Whatever pyproj takes for a CRS.
            max_distance_m: A footprint outside all regions gets the one nearest to its centre.

        Returns:
            The region with the largest share, None if there is none; and the share of the footprint's
            area in each region it touches, largest first. What lies in no region is missing from the sum.

        Raises:
            RegionError: `crs` is unknown or not one of the Earth.
        """
        placed = _to_map_crs(footprint, crs)
        hits = np.sort(shapely.STRtree(self.polygons).query(placed, "intersects"))
        whole = _equal_area(np.array([placed]))[0]
        areas: dict[str, float] = {}
        for hit, area in zip(hits, _equal_area(shapely.intersection(self.polygons[hits], placed)), strict=True):
            areas[self.names[hit]] = areas.get(self.names[hit], 0.0) + area
        if whole > 0 and any(areas.values()):
            shares = {name: area / whole for name, area in areas.items() if area > 0}
            shares = dict(sorted(shares.items(), key=lambda item: -item[1]))
            return next(iter(shares)), shares
        centre = placed.centroid
        return self.assign_points(centre.x, centre.y, max_distance_m).names[0], {}

    def border_distance_m(self, lon: npt.ArrayLike, lat: npt.ArrayLike, names: npt.ArrayLike | None = None) -> Floats:
        """Metres from each point to the nearest border, of its region in `names` (N,) where given.

        NaN for a point that is no place on Earth and for a region that the map does not have.
        """
        x, y = np.atleast_1d(np.asarray(lon, float)), np.atleast_1d(np.asarray(lat, float))
        result = np.full(x.shape, np.nan)
        placed = (np.abs(x) <= 180) & (np.abs(y) <= 90)
        if names is None:
            result[placed] = self._nearest_border(x[placed], y[placed])[1]
            return result
        wanted = np.broadcast_to(np.asarray(names, object), x.shape)
        for name in {n for n in wanted[placed] if n is not None}:
            own, rows = self.names == name, np.flatnonzero(placed & (wanted == name))
            if own.any():
                region = RegionMap(self.names[own], self.polygons[own])
                result[rows] = region._nearest_border(x[rows], y[rows])[1]
        return result

    @cached_property
    def _spellings(self) -> dict[str, str]:
        return {region_key(name): name for name in reversed(self.regions)}

    @cached_property
    def _borders(self) -> BorderIndex:
        return BorderIndex(self.polygons)

    def _nearest_border(
        self, x: Floats, y: Floats, reach_m: float | None = None
    ) -> tuple[npt.NDArray[np.int64], Floats]:
        """Nearest polygon by its border and the metres to it; no farther than `reach_m` is sought."""
        nearest, metres = np.zeros(len(x), np.int64), np.full(len(x), np.inf)
        todo, reach = np.arange(len(x)), reach_m or FIRST_REACH_M
        while len(todo):
            for start in range(0, len(todo), QUERIES_AT_ONCE):
                part = todo[start : start + QUERIES_AT_ONCE]
                nearest[part], metres[part] = self._borders.within(x[part], y[part], reach)
            if reach_m or reach >= WIDEST_REACH_M:
                break
            todo, reach = todo[metres[todo] > reach], min(reach * 4, WIDEST_REACH_M)
        return nearest, metres


def _to_map_crs(footprint: BaseGeometry, crs: Any) -> BaseGeometry:
    try:
        source = earth_crs(pyproj.CRS.from_user_input(crs), "footprint", RegionError)
    except pyproj.exceptions.CRSError:
        raise RegionError(f"footprint: unknown coordinate reference system {crs!r}") from None
    placed: BaseGeometry = transformed(np.array([footprint], dtype=object), source, MAP_CRS)[0]
    return placed


def _equal_area(shapes: npt.NDArray[np.object_]) -> Floats:
    """Areas in square metres of polygons in EPSG:4326."""
    areas: Floats = gpd.GeoSeries(shapes, crs=MAP_CRS).to_crs(EQUAL_AREA).area.to_numpy(float)
    return areas
