"""The ecoregion map: which region is this point or footprint in, and how far is the next border.

A region is a name; its area may come in many polygons. The workspace keeps the map as
`regions.gpkg`: one layer `regions`, column `name`, valid polygons in EPSG:4326.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Self

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyogrio
import pyproj
import shapely
from pyogrio.errors import DataLayerError, DataSourceError
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry

from tsmu.errors import RegionError
from tsmu.files import written_whole
from tsmu.issues import IssueLog

LAYER = "regions"
MAP_CRS = "EPSG:4326"
EQUAL_AREA = "EPSG:6933"
FORBIDDEN = r'/\:*?"<>|.'
MAX_NAME = 80
POINTS_AT_ONCE = 500_000  # bounds the memory of an assignment to some 200 MB
QUERIES_AT_ONCE = 2_000
RUN = 32  # vertices per piece of border that is indexed
FIRST_REACH_M = 5_000.0
WIDEST_REACH_M = 20_100_000.0  # half the Earth's circumference
SEMI_MAJOR_M = 6_378_137.0  # WGS 84
ECCENTRICITY_2 = 0.006_694_379_990_14  # WGS 84

Floats = npt.NDArray[np.float64]


def check_region_name(name: str) -> str:
    """Return `name` if it can name a region and the files made for it; else raise RegionError."""
    if not 1 <= len(name) <= MAX_NAME:
        problem = f"has {len(name)} characters, not 1 to {MAX_NAME}"
    elif not name.isprintable():
        problem = "has characters that cannot be printed"
    elif found := [c for c in name if c in FORBIDDEN]:
        problem = f"contains {found[0]}"
    elif name != name.strip():
        problem = "begins or ends with a blank"
    elif name.startswith("-"):
        problem = "begins with -"
    else:
        return name
    raise RegionError(f"region name {name!r} {problem}; files are named after regions, so choose another name")


def clean_region_name(text: str) -> str:
    """Make a region name of `text`: characters that file names cannot have become `-`; else RegionError."""
    name = "".join("-" if c in FORBIDDEN else c if c.isprintable() else " " for c in text)
    return check_region_name(name.strip().lstrip("-").strip())


def region_key(name: str) -> str:
    """What two spellings of one region have in common: case, blanks and underscores do not count."""
    return re.sub(r"[\s_]+", " ", name).strip().casefold()


class Assigned(NamedTuple):
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
        frame = _read_layer(path, LAYER)
        if "name" not in frame.columns:
            raise RegionError(f"{path}: no column name; make it again with: tsmu regions use FILE --name-field FIELD")
        return cls.of_frame(frame)

    @classmethod
    def of_frame(cls, frame: gpd.GeoDataFrame) -> Self:
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

    def of_points(self, lon: npt.ArrayLike, lat: npt.ArrayLike, max_distance_m: float = 0.0) -> Assigned:
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
        return Assigned(np.array([*self.names, None], object)[polygon], distance)

    def of_footprint(
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
        return self.of_points(centre.x, centre.y, max_distance_m).names[0], {}

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
    def _borders(self) -> "_Borders":
        return _Borders(self.polygons)

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


class _Borders:
    """The rings of polygons in short runs, indexed for distances in metres."""

    def __init__(self, polygons: npt.NDArray[np.object_]) -> None:
        rings, owner = shapely.get_rings(polygons, return_index=True)
        corners, ring = shapely.get_coordinates(rings, return_index=True)
        count = np.bincount(ring, minlength=len(rings))
        place = np.arange(len(ring)) - np.repeat(np.cumsum(count) - count, count)
        # A run shares its last vertex with the next, so vertices at the joints are taken twice.
        twice = (place % RUN == 0) & (place > 0)
        opens = (place % RUN == 0) & (place < np.repeat(count, count) - 1)
        order = np.sort(np.concatenate([np.arange(len(ring)), np.flatnonzero(twice & opens)]))
        second = np.append(False, order[1:] == order[:-1])
        starts = (place[order] == 0) | second
        run = np.cumsum(starts) - 1
        self.runs = shapely.linestrings(corners[order], indices=run)
        self.owner = owner[ring[order[starts]]]
        self.tree = shapely.STRtree(self.runs)

    def within(self, x: Floats, y: Floats, reach: float) -> tuple[npt.NDArray[np.int64], Floats]:
        """For each point the polygon whose border is nearest, and metres to it; inf beyond `reach`."""
        sine = np.sin(np.radians(y))
        across = SEMI_MAJOR_M / np.sqrt(1 - ECCENTRICITY_2 * sine**2)
        along = across * (1 - ECCENTRICITY_2) / (1 - ECCENTRICITY_2 * sine**2)
        metres_lat = np.radians(along)
        metres_lon = np.maximum(np.radians(across * np.cos(np.radians(y))), 1e-3)
        # The box is a tenth wider than the reach because a degree is not equally long all over it.
        dx, dy = np.minimum(1.1 * reach / metres_lon, 180), np.minimum(1.1 * reach / metres_lat, 180)
        nearest, metres = np.zeros(len(x), np.int64), np.full(len(x), np.inf)
        for shift in (0.0, 360.0, -360.0):  # the border may lie across the date line
            crosses = np.flatnonzero((shift == 0) | ((x + shift - dx <= 180) & (x + shift + dx >= -180)))
            if not len(crosses):
                continue
            sx = x[crosses] + shift
            boxes = shapely.box(sx - dx[crosses], y[crosses] - dy[crosses], sx + dx[crosses], y[crosses] + dy[crosses])
            query, run = self.tree.query(boxes)
            point = crosses[query]
            corners, pair = shapely.get_coordinates(self.runs[run], return_index=True)
            of = point[pair]
            local = (corners - np.column_stack([x[of] + shift, y[of]])) * np.column_stack(
                [metres_lon[of], metres_lat[of]]
            )
            distance = shapely.distance(shapely.linestrings(local, indices=pair), shapely.Point(0, 0))
            order = np.lexsort((self.owner[run], distance, point))
            first = order[np.unique(point[order], return_index=True)[1]]
            closer = first[distance[first] < metres[point[first]]]
            nearest[point[closer]], metres[point[closer]] = self.owner[run[closer]], distance[closer]
        metres[metres > reach] = np.inf
        return nearest, metres


def use_region_map(file: Path, name_field: str, out: Path, log: IssueLog, layer: str | None = None) -> RegionMap:
    """Make a polygon layer the region map of a workspace.

    Polygons of one name become one region; invalid polygons are repaired; characters that file
    names cannot have become `-`; of several spellings of one name the first stands.

    Args:
        file: Any polygon layer that GDAL reads, in any CRS of the Earth.
        name_field: The column with the region names.
        out: The region map to write; replaced if it is there.
        log: Takes what was repaired or left out, with the feature's row (the header is row 1).
        layer: Which layer of `file`, where it has several.

    Raises:
        RegionError: the file cannot be read, has no CRS, no such field, or no usable polygon.
    """
    frame = _read_layer(file, layer)
    fields = [str(column) for column in frame.columns if column != frame.geometry.name]
    if name_field not in fields:
        raise RegionError(f"{file}: no field {name_field!r}; its fields are: {', '.join(fields) or 'none'}")
    earth_crs(frame.crs, str(file))
    names = _clean_names(frame[name_field].tolist(), file, name_field, log)
    shapes = _clean_polygons(frame, file, log)
    good = [i for i, (name, shape) in enumerate(zip(names, shapes, strict=True)) if name and shape is not None]
    if not good:
        raise RegionError(f"{file}: no polygon with a name in {name_field!r}; choose another layer or field")
    kept = gpd.GeoDataFrame({"name": [names[i] for i in good]}, geometry=[shapes[i] for i in good], crs=MAP_CRS)
    merged = kept.dissolve("name", sort=False).reset_index()[["name", "geometry"]]
    merged.geometry = [shapely.multipolygons(_polygon_parts(shape)) for shape in merged.geometry]
    with written_whole(out) as temporary:
        pyogrio.write_dataframe(merged, temporary, layer=LAYER, driver="GPKG", geometry_type="MultiPolygon")
    return RegionMap.of_frame(merged)


def _read_layer(file: Path, layer: str | None) -> gpd.GeoDataFrame:
    if not file.exists():
        raise RegionError(f"{file}: no such file; check the path")
    try:
        layers = [str(name) for name in pyogrio.list_layers(file)[:, 0]]
        if layer is None and len(layers) > 1:
            raise RegionError(f"{file}: has several layers ({', '.join(layers)}); name one with --layer")
        if layer is not None and layer not in layers:
            raise RegionError(f"{file}: no layer {layer!r}; its layers are: {', '.join(layers)}")
        frame = pyogrio.read_dataframe(file, layer=layer)
    except (DataSourceError, DataLayerError, ValueError) as error:
        reason = str(error).replace("\n", " ")
        raise RegionError(f"{file}: cannot be read as a map layer ({reason}); give a polygon layer") from None
    if not isinstance(frame, gpd.GeoDataFrame):
        raise RegionError(f"{file}: has no geometry; give a polygon layer")
    return frame


def earth_crs(crs: pyproj.CRS | None, place: str) -> pyproj.CRS:
    """Return the CRS of `place` (how messages call it) if it has one and that is of the Earth.

    Raises:
        RegionError: otherwise.
    """
    if crs is None:
        raise RegionError(f"{place}: has no coordinate reference system; assign one, with ogr2ogr -a_srs for instance")
    ellipsoid = crs.ellipsoid
    if ellipsoid is not None and abs(ellipsoid.semi_major_metre / SEMI_MAJOR_M - 1) > 0.005:
        raise RegionError(f"{place}: its coordinate reference system {crs.name!r} is not one of the Earth")
    return crs


def _clean_names(values: list[Any], file: Path, field: str, log: IssueLog) -> list[str | None]:
    """One name per feature, None where it has none; what was changed is logged once per spelling."""
    spelling: dict[str, str] = {}
    cleaned: dict[str, str | None] = {}
    names: list[str | None] = []
    for row, value in enumerate(values, start=2):
        given = _as_text(value)
        if not given:
            log.error(file, "a polygon without a region name", row=row, column=field)
            names.append(None)
            continue
        if given not in cleaned:
            cleaned[given] = _clean_name(given, spelling, file, field, row, log)
        names.append(cleaned[given])
    return names


def _clean_name(given: str, spelling: dict[str, str], file: Path, field: str, row: int, log: IssueLog) -> str | None:
    try:
        name = clean_region_name(given)
    except RegionError as error:
        log.error(file, str(error), row=row, column=field)
        return None
    if name != given:
        log.warning(file, f"region name {given!r} cannot name files", f"read as {name!r}", row=row, column=field)
    first = spelling.setdefault(region_key(name), name)
    if first != name:
        log.warning(file, f"{name!r} is another spelling of {first!r}", "read as one region", row=row, column=field)
    return first


def _as_text(value: Any) -> str:
    if value is None or value != value:  # NaN is not equal to itself
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def _clean_polygons(frame: gpd.GeoDataFrame, file: Path, log: IssueLog) -> list[BaseGeometry | None]:
    """Valid polygons in EPSG:4326, None where a feature has none."""
    projected = not frame.crs.is_geographic
    shapes: list[BaseGeometry | None] = []
    for row, (given, shape) in enumerate(zip(frame.geometry, frame.geometry.to_crs(MAP_CRS), strict=True), start=2):
        if shape is None or shape.is_empty or shape.geom_type not in ("Polygon", "MultiPolygon"):
            kind = "no geometry" if shape is None or shape.is_empty else f"a {shape.geom_type}, not a polygon"
            log.error(file, kind, row=row)
            shapes.append(None)
            continue
        if not np.isfinite(shapely.get_coordinates(shape)).all():
            log.error(file, "coordinates that are no place on Earth", row=row)
            shapes.append(None)
            continue
        if not given.is_valid:
            log.warning(file, f"invalid polygon ({shapely.is_valid_reason(given)})", "repaired", row=row)
        parts = [piece for part in _polygon_parts(shape) for piece in _wrapped(part, projected)]
        shapes.append(shapely.union_all(parts) if parts else None)
    return shapes


def _wrapped(polygon: BaseGeometry, projected: bool) -> list[BaseGeometry]:
    """Cut a polygon that crosses the date line, so that its longitudes lie in -180..180."""
    west, _, east, _ = polygon.bounds
    if projected and east - west > 180:  # reprojecting sent its two ends to opposite sides of the map
        polygon = shapely.transform(polygon, lambda c: np.column_stack([c[:, 0] % 360, c[:, 1]]))
        west, _, east, _ = polygon.bounds
    polygon = shapely.make_valid(polygon, method="structure")
    if west >= -180 and east <= 180:
        return _polygon_parts(polygon)
    pieces: list[BaseGeometry] = []
    for shift in (-360, 0, 360):
        cut = shapely.intersection(polygon, shapely.box(shift - 180, -90, shift + 180, 90))
        pieces += [translate(piece, -shift) for piece in _polygon_parts(cut)]
    return pieces


def _polygon_parts(shape: BaseGeometry) -> list[BaseGeometry]:
    parts = shapely.get_parts(shape)
    nested = [inner for part in parts for inner in shapely.get_parts(part)]
    return [part for part in nested if part.geom_type == "Polygon" and not part.is_empty]


def _to_map_crs(footprint: BaseGeometry, crs: Any) -> BaseGeometry:
    try:
        source = earth_crs(pyproj.CRS.from_user_input(crs), "footprint")
    except pyproj.exceptions.CRSError:
        raise RegionError(f"footprint: unknown coordinate reference system {crs!r}") from None
    if source == pyproj.CRS(MAP_CRS):
        return footprint
    west, south, east, north = footprint.bounds
    step = max(east - west, north - south) / 20  # straight edges are curves in the other CRS
    dense = shapely.segmentize(footprint, step) if step > 0 else footprint
    placed: BaseGeometry = gpd.GeoSeries([dense], crs=source).to_crs(MAP_CRS).iloc[0]
    return placed


def _equal_area(shapes: npt.NDArray[np.object_]) -> Floats:
    """Areas in square metres of polygons in EPSG:4326."""
    areas: Floats = gpd.GeoSeries(shapes, crs=MAP_CRS).to_crs(EQUAL_AREA).area.to_numpy(float)
    return areas
