"""Read labelme files: the shapes drawn on an image become polygons in its pixel coordinates."""

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
from tsmu.imagery import UPRIGHT_ORIENTATIONS, read_orientation
from tsmu.wording import counted

LINE_WIDTH = 10.0  # px; what labelme itself draws for a line
POINT_RADIUS = 5.0  # px; likewise for a point
MAX_PIXEL = 1e7  # a larger number is no pixel coordinate
MIN_HALF_WIDTH = 0.01  # px; given to a shape without area
SHAPE_TYPES = ("polygon", "rectangle", "oriented_rectangle", "circle", "linestrip", "line", "point", "mask")

Points = list[tuple[float, float]]


@dataclass(frozen=True)
class LabelmeFile:
    """The content of a labelme file.

    Attributes:
        image_name: file name of the labelled image without its folders; None where the file names none.
        width: of that image, px; None where the file does not tell.
        height: likewise.
        shapes: class name and valid polygon or multipolygon in pixel coordinates: x right, y down, (0, 0) the outer
            corner of the first pixel.
        untouched: whether it is an exported draft that nobody has changed or approved.
    """

    image_name: str | None
    width: int | None
    height: int | None
    shapes: tuple[tuple[str, BaseGeometry], ...]
    untouched: bool


def read_labelme(path: Path, *, line_width: float = LINE_WIDTH, point_radius: float = POINT_RADIUS) -> LabelmeFile:
    """Read a labelme file of any version, with or without embedded image data.

    It may hold polygons, rectangles, circles (the centre and a point of the rim), linestrips and lines, points, and
    the masks of labelme's AI tools. A polygon that crosses itself is made valid.

    Args:
        path: the JSON file.
        line_width: width given to lines, px.
        point_radius: radius given to points, px.

    Raises:
        LabelError: the file is no labelme file, or one of its shapes cannot be understood. Without that shape its
            ground would count as background, so the file is refused as a whole.
    """
    content = read_json(path)
    if not isinstance(content, dict) or not isinstance(content.get("shapes"), list):
        raise LabelError(f"{path}: is no labelme file (it has no list of shapes)")
    shapes = []
    for number, shape in enumerate(content["shapes"]):
        try:
            shapes.append(_read_shape(shape, line_width, point_radius))
        except LabelError as error:
            raise LabelError(f"{path}: shapes[{number}] {error}; correct it in labelme") from None
    _check_upright(path, content.get("imageData"))
    name = content.get("imagePath")
    name = re.split(r"[\\/]", name)[-1] if isinstance(name, str) else None
    width, height = _image_size(content)
    return LabelmeFile(name or None, width, height, tuple(shapes), is_untouched_draft(content))


def draft_flag(shapes: list[dict[str, Any]]) -> str:
    """Return the flag of a draft, which labelme shows as a box to untick; it contains a hash of the shapes."""
    points = json.dumps([[shape.get("label"), shape.get("points")] for shape in shapes])
    return f"draft {hashlib.sha256(points.encode()).hexdigest()[:8]}"


def is_untouched_draft(content: dict[str, Any]) -> bool:
    """Tell whether the content of a labelme file is a draft whose shapes are unchanged and whose flag is ticked."""
    flags, shapes = content.get("flags"), content.get("shapes")
    if not isinstance(flags, dict) or not isinstance(shapes, list):
        return False
    return all(isinstance(shape, dict) for shape in shapes) and flags.get(draft_flag(shapes)) is True


def read_json(path: Path) -> Any:
    """Read a JSON file with any content.

    Raises:
        LabelError: the file cannot be read, or is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise LabelError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        reason = str(error).replace("\n", " ")
        raise LabelError(f"{path}: is no JSON ({reason})") from error


def _read_shape(shape: object, line_width: float, point_radius: float) -> tuple[str, BaseGeometry]:
    """Read the class name and the polygon of one shape; the errors complete the sentence `shapes[0] ...`."""
    if not isinstance(shape, dict):
        raise LabelError("is no object")
    label, shape_type = shape.get("label"), shape.get("shape_type") or "polygon"
    if not isinstance(label, str) or not label.strip():
        raise LabelError("has no label")
    if shape_type not in SHAPE_TYPES:
        raise LabelError(f"has the type {str(shape_type)[:40]!r}, not one of {', '.join(SHAPE_TYPES)}")
    points = _read_points(shape.get("points"))
    needed = {"polygon": 3, "point": 1}.get(shape_type, 2)
    if len(points) < needed:
        raise LabelError(f"is a {shape_type} of {counted(len(points), 'point')}; it needs {needed}")
    if shape_type == "mask":
        return label.strip(), _outline_of_mask(shape.get("mask"), points[0])
    return label.strip(), _polygon_of_shape(shape_type, points, line_width, point_radius)


def _outline_of_mask(data: object, corner: tuple[float, float]) -> BaseGeometry:
    """Outline an embedded mask picture whose first pixel lies at `corner`."""
    image = _decode_picture(data)
    if image is None:
        raise LabelError("is a mask whose picture cannot be read")
    drawn = np.asarray(image.convert("L")) > 0
    offset = Affine.translation(round(corner[0]), round(corner[1]))
    parts = [shapely.geometry.shape(s) for s, _ in outlines(drawn.astype(np.uint8), mask=drawn, transform=offset)]
    if not parts:
        raise LabelError("is a mask with nothing in it")
    return shapely.union_all(parts)


def _decode_picture(data: object) -> Image.Image | None:
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
        orientation = read_orientation(io.BytesIO(base64.b64decode(data)))
    except (ValueError, OSError, struct.error):
        return
    if orientation not in UPRIGHT_ORIENTATIONS:
        raise LabelError(
            f"{path}: its picture is stored turned (its EXIF orientation is {orientation}); turn its pixels, then "
            "label it"
        )


def _polygon_of_shape(shape_type: str, points: Points, line_width: float, point_radius: float) -> BaseGeometry:
    """Turn the points of any shape but a mask into a valid polygon."""
    geometry: BaseGeometry
    if shape_type == "circle":
        geometry = shapely.Point(points[0]).buffer(math.dist(points[0], points[1]), quad_segs=32)
    elif shape_type in ("linestrip", "line"):
        geometry = shapely.LineString(points).buffer(line_width / 2)
    elif shape_type == "point":
        geometry = shapely.Point(points[0]).buffer(point_radius)
    elif shape_type == "rectangle" and len(points) < 4:
        geometry = shapely.MultiPoint(points).envelope
    else:
        geometry = shapely.Polygon(points)
    return _make_valid(geometry, points)


def _make_valid(geometry: BaseGeometry, points: Points) -> BaseGeometry:
    """Make a shape valid; one without area gets a little width."""
    valid = geometry if geometry.is_valid else shapely.make_valid(geometry)
    areas = [part for part in shapely.get_parts(shapely.get_parts(valid)) if part.area > 0]
    if areas:
        return shapely.union_all(areas)
    return shapely.MultiPoint(points).convex_hull.buffer(MIN_HALF_WIDTH)


def _read_points(values: object) -> Points:
    if not isinstance(values, list):
        raise LabelError("has no points")
    points = []
    for value in values:
        if not isinstance(value, list) or len(value) != 2 or not all(map(_is_pixel, value)):
            raise LabelError(f"has a point that is no pixel: {str(value)[:60]}")
        points.append((float(value[0]), float(value[1])))
    return points


def _is_pixel(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -MAX_PIXEL < value < MAX_PIXEL


def _image_size(content: dict[str, Any]) -> tuple[int | None, int | None]:
    """Width and height of the labelled image, px, as the file says or as its embedded picture has."""
    size = content.get("imageWidth"), content.get("imageHeight")
    if all(isinstance(length, int) and 0 < length < MAX_PIXEL for length in size):
        return size
    image = _decode_picture(content.get("imageData"))
    return image.size if image else (None, None)
