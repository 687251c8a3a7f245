"""Coordinate reference systems by reference (OGC API - Features, Part 2, OGC 18-058r1).

Landslides are stored in CRS84: degrees, longitude first. Coordinates in another system have the order of axes that its
authority defines: in EPSG:4326 the latitude comes first.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from tsmu.server.errors import RequestError

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
MAX_LATITUDE = 89.99  # latitudes are clipped to it before projection: in web mercator the poles are infinitely far away
WORLD_EDGE_M = math.pi * 6_378_137.0  # easting of 180 degrees in web mercator

Points = npt.NDArray[np.float64]


@dataclass(frozen=True)
class OutputCrs:
    """A coordinate reference system that requests and answers may use.

    Attributes:
        uri: the system's name in requests and answers.
        epsg: the EPSG code of the system, apart from the order of its axes.
        northing_first: whether the coordinate to the north comes before that to the east.
    """

    uri: str
    epsg: int
    northing_first: bool = False

    def from_degrees(self, shapes: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
        """Project geometries from longitude and latitude (CRS84) to this system."""
        if self.uri == CRS84:
            return shapes
        return np.asarray(shapely.transform(shapes, self._project), dtype=object)

    def to_degrees(self, points: Points) -> Points:
        """Convert points (n, 2) in this system to longitude and latitude (CRS84), (n, 2).

        Eastings of web mercator beyond the edge of the world are moved to the edge, because their longitudes would
        otherwise start again at the other side.
        """
        east_north = points[:, ::-1] if self.northing_first else points
        if self.epsg == 4326:
            return east_north
        east_north = np.column_stack([np.clip(east_north[:, 0], -WORLD_EDGE_M, WORLD_EDGE_M), east_north[:, 1]])
        return np.column_stack(_transformer(self.epsg, 4326).transform(*east_north.T))

    def _project(self, points: Points) -> Points:
        if self.epsg != 4326:
            latitude = np.clip(points[:, 1], -MAX_LATITUDE, MAX_LATITUDE)
            points = np.column_stack(_transformer(4326, self.epsg).transform(points[:, 0], latitude))
        return points[:, ::-1] if self.northing_first else points


CRS_BY_URI = {
    crs.uri: crs
    for crs in (
        OutputCrs(CRS84, 4326),
        OutputCrs("http://www.opengis.net/def/crs/EPSG/0/4326", 4326, northing_first=True),
        OutputCrs("http://www.opengis.net/def/crs/EPSG/0/3857", 3857),
    )
}


def read_crs(parameter: str, uri: str | None) -> OutputCrs:
    """Find the system that a parameter names; CRS84 if the parameter is not given.

    Args:
        parameter: the name of the parameter, for the message.
        uri: the value of the parameter.

    Raises:
        RequestError: the API does not know this system.

    Example:
        >>> read_crs("crs", None).uri == CRS84
        True
    """
    crs = CRS_BY_URI.get(uri or CRS84)
    if crs is None:
        raise RequestError(400, f"{parameter}: no such system here; known are {', '.join(CRS_BY_URI)}")
    return crs


def box_in_degrees(text: str, crs: OutputCrs) -> str:
    """Convert a `bbox` in a system to west,south,east,north in degrees; two heights among six numbers are ignored.

    A `bbox` in CRS84 is returned unchanged.

    Example:
        >>> box_in_degrees("46,7,47,8", read_crs("bbox-crs", "http://www.opengis.net/def/crs/EPSG/0/4326"))
        '7.0,46.0,8.0,47.0'
        >>> box_in_degrees("1e9,0,2e9,0", read_crs("bbox-crs", "http://www.opengis.net/def/crs/EPSG/0/3857"))
        '180.0,0.0,180.0,0.0'
    """
    if crs.uri == CRS84:
        return text
    try:
        sides = [float(part) for part in text.split(",")]
    except ValueError:
        sides = []
    if len(sides) not in (4, 6) or not np.isfinite(sides).all():
        raise RequestError(400, "bbox: not four numbers, the lower corner first; correct it")
    half = len(sides) // 2
    corners = crs.to_degrees(np.array([sides[:2], sides[half : half + 2]]))
    return ",".join(map(str, corners.ravel().tolist()))


def filter_in_degrees(node: Any, crs: OutputCrs) -> Any:
    """Convert the geometries of a condition in CQL2-JSON, or of a part of it, from a system to CRS84."""
    if crs.uri == CRS84:
        return node
    if isinstance(node, list):
        return [filter_in_degrees(part, crs) for part in node]
    if not isinstance(node, dict):
        return node
    if "bbox" in node:
        sides = box_in_degrees(",".join(map(str, node["bbox"])), crs)
        return {"bbox": [float(side) for side in sides.split(",")]}
    if "coordinates" in node:
        return node | {"coordinates": _positions_in_degrees(node["coordinates"], crs)}
    return {name: filter_in_degrees(value, crs) for name, value in node.items()}


def _positions_in_degrees(positions: Any, crs: OutputCrs) -> Any:
    """Convert the coordinates of a GeoJSON geometry, however deep they are nested, to CRS84."""
    if positions and isinstance(positions[0], int | float):
        return crs.to_degrees(np.array([positions[:2]], dtype=float))[0].tolist()
    return [_positions_in_degrees(part, crs) for part in positions]


@lru_cache
def _transformer(source: int, target: int) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(source, target, always_xy=True)
