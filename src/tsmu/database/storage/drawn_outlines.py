"""The rules for outlines that people draw or edit, in one place for decisions and mapped areas.

An outline must be one or several valid polygons, as large as a landslide can be, and lie where the person looked:
on the footprint of the scene that is named, and for an edit at or near the outline that it replaces. What a
person meant is never guessed: an outline that crosses itself is refused. Only where there is one meaning is an
outline repaired, and the repair is told.
"""

from dataclasses import dataclass

import geopandas
import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from tsmu.database.storage.geometry_cleaning import as_multipolygons, clean_polygons, geodesic_areas
from tsmu.database.types import SRS_ID
from tsmu.errors import DatabaseError
from tsmu.geodesy import METRES_PER_DEGREE, shift_in_degrees
from tsmu.issues import IssueLog

MOST_POINTS = 10_000  # of a drawn outline; more than anybody draws, few enough to be quick with
LEAST_AREA_M2 = 1.0  # a slip of the pointer; the pixels of most imagery are larger
# The largest known landslide on land, the Markagunt gravity slide in Utah, covers more than 3,400 km2: Hacker, Biek
# and Rowley, Geology 42 (2014), 943-946.
MOST_AREA_M2 = 4e9
MOST_MOVED_M = 1000.0  # between an outline and the one that replaces it; images are never shifted further
LEAST_SHARE_ON_SCENE = 0.5  # of an outline: a landslide may go on beyond the border of the images


@dataclass(frozen=True)
class DrawnOutline:
    """An outline that a person drew, in the database's form.

    Attributes:
        shape: valid MultiPolygon in EPSG:4326.
        repairs: what was changed in it, one sentence each, for the person who drew it.
    """

    shape: BaseGeometry
    repairs: tuple[str, ...] = ()


@dataclass(frozen=True)
class SceneFootprint:
    """Where the images of a scene lie on the map.

    Attributes:
        name: of the scene, for messages.
        shape: footprint of the images as georeferenced, EPSG:4326.
        shift_m: by how much they are moved east and north, m.
    """

    name: str
    shape: BaseGeometry
    shift_m: tuple[float, float] = (0.0, 0.0)

    @property
    def shifted(self) -> BaseGeometry:
        """The footprint moved by `shift_m`, so that it lies where the map shows the images; EPSG:4326."""
        degrees = shift_in_degrees(*self.shift_m, self.shape.centroid.y)
        moved: BaseGeometry = shapely.transform(self.shape, lambda points: points + degrees)
        return moved


def clean_drawn_outline(shape: BaseGeometry) -> DrawnOutline:
    """Bring the outline of a landslide that a person drew into the database's form.

    Raises:
        DatabaseError: it is no valid polygon on Earth, has more than `MOST_POINTS` points, or is smaller or
            larger than a landslide can be.

    Example:
        >>> bow_tie = shapely.Polygon([(7, 46), (7.01, 46.01), (7.01, 46), (7, 46.01)])
        >>> clean_drawn_outline(bow_tie)
        Traceback (most recent call last):
        tsmu.errors.DatabaseError: outline: crosses itself at 7.005000, 46.005000; move its corners apart there
    """
    outline = clean_drawn_area(shape)
    area_m2 = float(geodesic_areas(np.array([outline.shape], dtype=object))[0])
    if area_m2 < LEAST_AREA_M2:
        raise DatabaseError(f"outline: has {area_m2:.2g} m2, less than {LEAST_AREA_M2:g}; draw it again")
    if area_m2 > MOST_AREA_M2:
        most = f"more than any known landslide ({MOST_AREA_M2 / 1e6:,.0f})"
        raise DatabaseError(f"outline: has {area_m2 / 1e6:,.0f} km2, {most}; draw it again")
    return outline


def clean_drawn_area(shape: BaseGeometry) -> DrawnOutline:
    """Bring an area of any size that a person drew into the database's form.

    Raises:
        DatabaseError: it is no valid polygon on Earth, or has more than `MOST_POINTS` points.
    """
    check_number_of_points(shape)
    if shape.geom_type not in ("Polygon", "MultiPolygon"):
        raise DatabaseError(f"outline: is no polygon but a {shape.geom_type}; draw it again")
    _check_coordinates(shape)
    valid, repairs = _as_valid(shape)
    log = IssueLog("outline")
    _, shapes = clean_polygons(geopandas.GeoSeries([valid], crs=SRS_ID), "outline", log)
    if not len(shapes):
        raise DatabaseError(f"outline: {log.errors[0].problem}; draw it again")
    return DrawnOutline(shapes[0], repairs)


def check_number_of_points(shape: BaseGeometry) -> None:
    """Refuse a drawn shape that has more than `MOST_POINTS` points."""
    if shapely.get_num_coordinates(shape) > MOST_POINTS:
        raise DatabaseError(f"outline: has more than {MOST_POINTS} points; simplify it")


def require_on_scene(outline: BaseGeometry, scene: SceneFootprint) -> None:
    """Refuse an outline of which less than half lies on the images in which it is said to be seen.

    Args:
        outline: in EPSG:4326.
        scene: where the images lie.

    Raises:
        DatabaseError: most of it lies beside the images.
    """
    if outline.intersection(scene.shifted).area < LEAST_SHARE_ON_SCENE * outline.area:
        raise DatabaseError(
            f"outline: lies at {_place(outline.envelope.centroid)}, beside the images of scene {scene.name}; "
            "draw it on them, or name the scene in which it is seen"
        )


def cut_to_scene(area: DrawnOutline, scene: SceneFootprint) -> DrawnOutline:
    """The part of an area that lies on a scene's images: nobody can have looked at the rest in them.

    Raises:
        DatabaseError: most of it lies beside the images.
    """
    require_on_scene(area.shape, scene)
    footprint = scene.shifted
    if footprint.covers(area.shape):
        return area
    cut = as_multipolygons(np.array([area.shape.intersection(footprint)], dtype=object))[0]
    return DrawnOutline(cut, (*area.repairs, f"cut to the images of scene {scene.name}"))


def require_near(outline: BaseGeometry, former: BaseGeometry) -> None:
    """Refuse an edited outline that lies more than `MOST_MOVED_M` from the one that it replaces.

    Args:
        outline: in EPSG:4326.
        former: the landslide's present outline, in EPSG:4326.

    Raises:
        DatabaseError: it lies further away.
    """
    place = former.envelope.centroid
    distance_m = shapely.distance(*(_in_metres(shape, place.x, place.y) for shape in (outline, former)))
    if distance_m > MOST_MOVED_M:
        raise DatabaseError(
            f"outline: lies more than {MOST_MOVED_M / 1000:g} km from the landslide that it is to be; "
            "edit it where it lies, or draw another landslide"
        )


def _as_valid(shape: BaseGeometry) -> tuple[BaseGeometry, tuple[str, ...]]:
    """A shape as valid polygons, and what was repaired; refused where that could be done in several ways."""
    if shape.is_valid:
        return shape, ()
    parts = shapely.get_parts(shape)
    reason, place = _defect(shape)
    if shapely.is_valid(parts).all():  # parts that overlap: they mean their union
        return shapely.union_all(parts), ("its parts overlapped and were united",)
    if reason == "Ring Self-intersection":  # touches itself in a point, which leaves no doubt what is inside
        return shapely.make_valid(shape, method="structure", keep_collapsed=False), (
            f"it touched itself at {place} and was divided there",
        )
    if reason == "Self-intersection":
        raise DatabaseError(f"outline: crosses itself at {place}; move its corners apart there")
    raise DatabaseError(f"outline: is no valid polygon ({reason.lower()} at {place}); draw it again")


def _defect(shape: BaseGeometry) -> tuple[str, str]:
    """What is wrong with the first part that is not valid, and where, such as 7.005000, 46.005000."""
    wrong = next((part for part in shapely.get_parts(shape) if not part.is_valid), shape)
    reason, _, place = str(shapely.is_valid_reason(wrong)).rstrip("]").partition("[")
    longitude, latitude = (float(number) for number in place.split()[:2])
    return reason, f"{longitude:.6f}, {latitude:.6f}"


def _check_coordinates(shape: BaseGeometry) -> None:
    """Refuse places that are nowhere on Earth, before anything is said about them."""
    points = shapely.get_coordinates(shape)
    if not len(points):
        raise DatabaseError("outline: has no geometry; draw it again")
    if not ((np.abs(points[:, 1]) <= 90) & (points[:, 0] >= -180) & (points[:, 0] <= 360)).all():
        raise DatabaseError("outline: lies nowhere on Earth; draw it again")


def _in_metres(shape: BaseGeometry, longitude: float, latitude: float) -> BaseGeometry:
    """A shape in EPSG:4326 in metres east and north of a place, across the 180th meridian too; right near the place."""
    scale = np.array([np.cos(np.radians(latitude)), 1.0]) * METRES_PER_DEGREE

    def project(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        east = (points[:, 0] - longitude + 180) % 360 - 180
        return np.column_stack([east, points[:, 1] - latitude]) * scale

    moved: BaseGeometry = shapely.transform(shape, project)
    return moved


def _place(point: BaseGeometry) -> str:
    x, y = point.coords[0]
    return f"{x:.4f}, {y:.4f}"
