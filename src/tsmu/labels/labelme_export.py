"""Back to labelme: an image it opens, with polygons to start from."""

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

from tsmu.files import written_whole
from tsmu.imagery.raster import describe
from tsmu.labels.labelme_files import draft_flag
from tsmu.labels.pair_pictures import rgb_picture

LABELME_VERSION = "5.5.0"  # the form of the file; labelme of any version 4 or later reads it


def draft_polygons(
    probability: npt.NDArray[np.floating[Any]], *, threshold: float = 0.5, tolerance: float = 1.0, min_area: float = 9.0
) -> list[shapely.Polygon]:
    """Outline where a probability reaches the threshold, with few enough points to drag about.

    Args:
        probability: (H, W), 0 to 1; NaN where nothing is known. A mask of 0 and 1 will do.
        threshold: probability from which a pixel counts.
        tolerance: px by which an outline may be simplified.
        min_area: px2; smaller areas are left out.

    Returns:
        Polygons in pixel coordinates (x right, y down), holes kept.
    """
    with np.errstate(invalid="ignore"):
        found = (probability >= threshold).astype(np.uint8)
    areas = (shapely.geometry.shape(s) for s, _ in outlines(found, mask=found > 0, connectivity=4))
    simple = (shapely.simplify(area, tolerance) for area in areas if area.area >= min_area)
    return [part for area in simple for part in shapely.get_parts(area) if part.area >= min_area]


def labelme_json(
    image_name: str, polygons: Iterable[tuple[str, BaseGeometry]], *, width: int, height: int, draft: bool = False
) -> dict[str, Any]:
    """Build the content of a labelme file.

    Args:
        image_name: path of the image as seen from the JSON file.
        polygons: class name and outline in pixel coordinates; labelme knows no holes, so a polygon
            with holes is cut into parts without.
        width: of the image, px.
        height: of the image, px.
        draft: flag the file as nobody's work yet (see `labelme.is_untouched_draft`).
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

    Named by the pair's id, the corrected file finds its way back through `import_labels`. The
    picture shows red, green and blue, else the first band in grey; invalid pixels are black.
    A JSON file that is already there is left as it is: it may hold somebody's work.

    Args:
        image: any raster that `imagery.raster` reads.
        polygons: class names and outlines in the image's pixel coordinates.
        out: the folder.
        name: of both files, without suffix.
        draft: nobody has drawn or checked these polygons.

    Returns:
        The path of the JSON file.

    Raises:
        ImageError: the image cannot be read.
    """
    info = describe(image)
    with written_whole(out / f"{name}.png") as temporary:
        Image.fromarray(rgb_picture(image)).save(temporary)
    target = out / f"{name}.json"
    if not target.exists():
        content = labelme_json(f"{name}.png", polygons, width=info.width, height=info.height, draft=draft)
        with written_whole(target) as temporary:
            temporary.write_text(json.dumps(content, indent=2), encoding="utf-8")
    return target


def _without_holes(geometry: BaseGeometry) -> list[shapely.Polygon]:
    """Cut polygons upright through their holes until none has any."""
    done: list[shapely.Polygon] = []
    todo = list(shapely.get_parts(shapely.get_parts(geometry)))
    while todo:
        part = todo.pop()
        if part.geom_type != "Polygon" or part.area == 0:
            continue
        if not part.interiors:
            done.append(part)
            continue
        left, bottom, right, top = part.bounds
        hole = shapely.Polygon(part.interiors[0]).bounds
        cut = (hole[0] + hole[2]) / 2
        halves = (shapely.box(left, bottom, cut, top), shapely.box(cut, bottom, right, top))
        todo += [piece for half in halves for piece in shapely.get_parts(part.intersection(half))]
    return done
