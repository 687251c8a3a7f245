"""Reading labelme files: shapes drawn on an image become polygons in its pixel coordinates."""

import base64
import hashlib
import io
import json
import math
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from PIL import Image
from rasterio.features import shapes as outlines
from rasterio.transform import Affine
from shapely.geometry.base import BaseGeometry

from tsmu.errors import LabelError
from tsmu.imagery.orientation import UPRIGHT, read_orientation

LINE_WIDTH = 10.0  # px; what labelme itself draws for a line
POINT_RADIUS = 5.0  # px; likewise for a point
FAR = 1e7  # px; beyond, a number is no pixel
HAIR = 0.01  # px; the half width given to a shape without area
KINDS = ("polygon", "rectangle", "oriented_rectangle", "circle", "linestrip", "line", "point", "mask")


@dataclass(frozen=True)
class LabelmeFile:
    """What a labelme file says.

    Coordinates: x right, y down, in pixels, (0, 0) the outer corner of the first pixel.
    """

    image_name: str | None  # file name of the labelled image, folders taken off
    width: int | None  # px; None where the file does not tell
    height: int | None
    shapes: tuple[tuple[str, BaseGeometry], ...]  # class name, valid polygon or multipolygon
    untouched: bool  # an exported draft that nobody has changed or unticked


def read_labelme(path: Path, *, line_width: float = LINE_WIDTH, point_radius: float = POINT_RADIUS) -> LabelmeFile:
    """Read a labelme file of any version, with or without embedded image data.

    Takes polygons, rectangles, circles (centre and a point of the rim), linestrips and lines
    (`line_width` px wide), points (`point_radius` px) and the masks of labelme's AI tools. A polygon
    that crosses itself is made valid.

    Raises:
        LabelError: the file is no labelme file, or one of its shapes cannot be understood. Without
            that shape its ground would count as background, so the file is refused as a whole.
    """
    content = read_json(path)
    if not isinstance(content, dict) or not isinstance(content.get("shapes"), list):
        raise LabelError(f"{path}: is no labelme file (it has no list of shapes)")
    shapes = []
    for at, shape in enumerate(content["shapes"]):
        try:
            shapes.append(_shape(shape, line_width, point_radius))
        except LabelError as error:
            raise LabelError(f"{path}: shapes[{at}] {error}; correct it in labelme") from None
    _check_upright(path, content.get("imageData"))
    name = content.get("imagePath")
    name = re.split(r"[\\/]", name)[-1] if isinstance(name, str) else None
    width, height = _size(content)
    return LabelmeFile(name or None, width, height, tuple(shapes), is_untouched_draft(content))


def draft_flag(shapes: list[dict[str, Any]]) -> str:
    """The flag of a draft, which labelme shows as a box to untick; it knows the shapes by their hash."""
    points = json.dumps([[shape.get("label"), shape.get("points")] for shape in shapes])
    return f"draft {hashlib.sha256(points.encode()).hexdigest()[:8]}"


def is_untouched_draft(content: dict[str, Any]) -> bool:
    """Whether a labelme file is an exported draft that nobody has changed, nor unticked as checked."""
    flags, shapes = content.get("flags"), content.get("shapes")
    if not isinstance(flags, dict) or not isinstance(shapes, list):
        return False
    return all(isinstance(shape, dict) for shape in shapes) and flags.get(draft_flag(shapes)) is True


def read_json(path: Path) -> Any:
    """Read a JSON file, whatever it holds.

    Raises:
        LabelError: the file cannot be read, or holds no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise LabelError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        reason = str(error).replace("\n", " ")
        raise LabelError(f"{path}: is no JSON ({reason})") from error


def _shape(shape: object, line_width: float, point_radius: float) -> tuple[str, BaseGeometry]:
    if not isinstance(shape, dict):
        raise LabelError("is no object")
    label, kind = shape.get("label"), shape.get("shape_type") or "polygon"
    if not isinstance(label, str) or not label.strip():
        raise LabelError("has no label")
    if kind not in KINDS:
        raise LabelError(f"has the type {str(kind)[:40]!r}, not one of {', '.join(KINDS)}")
    points = _points(shape.get("points"))
    needed = {"polygon": 3, "point": 1}.get(kind, 2)
    if len(points) < needed:
        raise LabelError(f"is a {kind} of {len(points)} points; it needs {needed}")
    if kind == "mask":
        return label.strip(), _outlined(shape.get("mask"), points[0])
    return label.strip(), _geometry(kind, points, line_width, point_radius)


def _outlined(data: object, corner: tuple[float, float]) -> BaseGeometry:
    """Outline a small picture whose first pixel lies at `corner`."""
    image = _picture(data)
    if image is None:
        raise LabelError("is a mask whose picture cannot be read")
    drawn = np.asarray(image.convert("L")) > 0
    at = Affine.translation(round(corner[0]), round(corner[1]))
    parts = [shapely.geometry.shape(s) for s, _ in outlines(drawn.astype(np.uint8), mask=drawn, transform=at)]
    if not parts:
        raise LabelError("is a mask with nothing in it")
    return shapely.union_all(parts)


def _picture(data: object) -> Image.Image | None:
    """Decode an embedded picture; None where that cannot be done."""
    if not isinstance(data, str) or not data:
        return None
    try:
        image = Image.open(io.BytesIO(base64.b64decode(data)))
        image.load()
    except (ValueError, OSError, SyntaxError, Image.DecompressionBombError):
        return None
    return image


def _check_upright(path: Path, data: object) -> None:
    """Refuse an embedded picture that viewers show turned: nobody knows how its labels lie."""
    if not isinstance(data, str):
        return
    try:
        number = read_orientation(io.BytesIO(base64.b64decode(data)))
    except (ValueError, OSError, struct.error):
        return
    if number not in UPRIGHT:
        raise LabelError(
            f"{path}: its picture is stored turned (its EXIF orientation is {number}); turn its pixels, then label it"
        )


def _geometry(kind: str, points: list[tuple[float, float]], line_width: float, point_radius: float) -> BaseGeometry:
    geometry: BaseGeometry
    if kind == "circle":
        geometry = shapely.Point(points[0]).buffer(math.dist(points[0], points[1]), quad_segs=32)
    elif kind in ("linestrip", "line"):
        geometry = shapely.LineString(points).buffer(line_width / 2)
    elif kind == "point":
        geometry = shapely.Point(points[0]).buffer(point_radius)
    elif kind == "rectangle" and len(points) < 4:
        geometry = shapely.MultiPoint(points).envelope
    else:
        geometry = shapely.Polygon(points)
    return as_valid_polygons(geometry, points)


def as_valid_polygons(geometry: BaseGeometry, points: list[tuple[float, float]]) -> BaseGeometry:
    """Make a shape valid, and a hair wide where it has no area."""
    valid = geometry if geometry.is_valid else shapely.make_valid(geometry)
    areas = [part for part in shapely.get_parts(shapely.get_parts(valid)) if part.area > 0]
    if areas:
        return shapely.union_all(areas)
    return shapely.MultiPoint(points).convex_hull.buffer(HAIR)


def _points(values: object) -> list[tuple[float, float]]:
    if not isinstance(values, list):
        raise LabelError("has no points")
    points = []
    for value in values:
        if not isinstance(value, list) or len(value) != 2 or not all(map(_is_pixel, value)):
            raise LabelError(f"has a point that is no pixel: {str(value)[:60]}")
        points.append((float(value[0]), float(value[1])))
    return points


def _is_pixel(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -FAR < value < FAR


def _size(content: dict[str, Any]) -> tuple[int | None, int | None]:
    sides = content.get("imageWidth"), content.get("imageHeight")
    if all(isinstance(side, int) and 0 < side < FAR for side in sides):
        return sides
    image = _picture(content.get("imageData"))
    return image.size if image else (None, None)
