"""Write labelme files: a picture that labelme opens, with polygons to start from."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from PIL import Image
from rasterio.features import shapes as outlines
from shapely.geometry.base import BaseGeometry

from tsmu.files import atomic_write
from tsmu.imagery import describe_raster
from tsmu.labels.labelme_files import draft_flag
from tsmu.labels.pair_pictures import rgb_picture

LABELME_VERSION = "5.5.0"  # of the format; labelme of any version from 4 on reads it


def draft_polygons(
    probability: npt.NDArray[np.floating[Any]], *, threshold: float = 0.5, tolerance: float = 1.0, min_area: float = 9.0
) -> list[shapely.Polygon]:
    """Outline where a probability reaches the threshold, with so few vertices that a person can move them.

    Args:
        probability: (H, W), 0 to 1; NaN where nothing is known. A mask of 0 and 1 is possible, too.
        threshold: probability from which a pixel counts.
        tolerance: px by which an outline may be simplified.
        min_area: px2; smaller areas are left out.

    Returns:
        Polygons in pixel coordinates (x right, y down), with their holes.

    Example:
        >>> probability = np.zeros((20, 20))
        >>> probability[5:10, 5:15] = 0.9
        >>> [polygon] = draft_polygons(probability)
        >>> polygon.bounds
        (5.0, 5.0, 15.0, 10.0)
    """
    with np.errstate(invalid="ignore"):
        positive = (probability >= threshold).astype(np.uint8)
    areas = (shapely.geometry.shape(s) for s, _ in outlines(positive, mask=positive > 0, connectivity=4))
    simplified = (shapely.simplify(area, tolerance) for area in areas if area.area >= min_area)
    return [part for area in simplified for part in shapely.get_parts(area) if part.area >= min_area]


def labelme_json(
    image_name: str, polygons: Iterable[tuple[str, BaseGeometry]], *, width: int, height: int, draft: bool = False
) -> dict[str, Any]:
    """Build the content of a labelme file.

    Args:
        image_name: path of the image as seen from the JSON file.
        polygons: class name and outline in pixel coordinates; labelme has no holes, so a polygon with holes is cut
            into parts without.
        width: of the image, px.
        height: of the image, px.
        draft: whether to flag the file as checked by nobody yet (see `labelme_files.is_untouched_draft`).
    """
    frame = shapely.box(0, 0, width, height)
    parts = [(name, part) for name, polygon in polygons for part in _without_holes(polygon.intersection(frame))]
    shapes: list[dict[str, Any]] = [
        {
            "label": name,
            "points": [[round(x, 2), round(y, 2)] for x, y in part.exterior.coords[:-1]],
            "group_id": None,
            "description": "",
            "shape_type": "polygon",
            "flags": {},
        }
        for name, part in parts
    ]
    return {
        "version": LABELME_VERSION,
        "flags": {draft_flag(shapes): True} if draft else {},
        "shapes": shapes,
        "imagePath": image_name,
        "imageData": None,
        "imageHeight": height,
        "imageWidth": width,
    }


def export_labelme(
    image: Path, polygons: Iterable[tuple[str, BaseGeometry]], out: Path, name: str, *, draft: bool
) -> Path:
    """Write `out/NAME.png`, an 8-bit picture of an image, and `out/NAME.json` with polygons on it.

    `import_labels` takes the corrected file back where its name is the id of a pair. The picture shows red, green
    and blue, else the first band in grey; invalid pixels are black. An existing JSON file is left as it is, because
    it may contain somebody's work.

    Args:
        image: any raster that `imagery.open_raster` reads.
        polygons: class names and outlines in the image's pixel coordinates.
        out: the folder.
        name: of both files, without suffix.
        draft: whether nobody has drawn or checked these polygons.

    Returns:
        The path of the JSON file.

    Raises:
        ImageError: the image cannot be read.

    Example:
        >>> slide = shapely.box(10, 20, 30, 50)
        >>> export_labelme(Path(pairs["post"][0]), [("landslide", slide)], Path("drawn"), "a", draft=False).as_posix()
        'drawn/a.json'
    """
    info = describe_raster(image)
    with atomic_write(out / f"{name}.png") as temporary:
        Image.fromarray(rgb_picture(image)).save(temporary)
    target = out / f"{name}.json"
    if not target.exists():
        content = labelme_json(f"{name}.png", polygons, width=info.width, height=info.height, draft=draft)
        with atomic_write(target) as temporary:
            temporary.write_text(json.dumps(content, indent=2), encoding="utf-8")
    return target


def _without_holes(geometry: BaseGeometry) -> list[shapely.Polygon]:
    """Cut polygons along vertical lines through their holes until none has a hole."""
    whole: list[shapely.Polygon] = []
    remaining = list(shapely.get_parts(shapely.get_parts(geometry)))
    while remaining:
        part = remaining.pop()
        if part.geom_type != "Polygon" or part.area == 0:
            continue
        if not part.interiors:
            whole.append(part)
            continue
        left, bottom, right, top = part.bounds
        hole = shapely.Polygon(part.interiors[0]).bounds
        middle = (hole[0] + hole[2]) / 2
        halves = (shapely.box(left, bottom, middle, top), shapely.box(middle, bottom, right, top))
        remaining += [piece for half in halves for piece in shapely.get_parts(part.intersection(half))]
    return whole
