"""Image pairs of the synthetic world like those saved from Google Earth, with polygons as drawn in labelme."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import rasterio.features
import rasterio.warp
from PIL import Image
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.transform import from_bounds
from rasterio.windows import Window
from rasterio.windows import from_bounds as window_from_bounds
from shapely import LinearRing

from tsmu.files import atomic_write
from tsmu.synthetic.chips import chip_squares, choose_window
from tsmu.synthetic.raster_files import require_empty
from tsmu.synthetic.world import Bytes, World

QUALITY = 92  # of the JPEG files
TOLERANCE = 0.5  # pixels by which a labelled outline may deviate from the true one, like one drawn by hand
_LATLON = CRS.from_epsg(4326)


def write_google_earth(world: World, folder: Path, region: str, count: int = 6, size: int = 256) -> list[Path]:
    """Write image pairs whose names carry their position, and the polygons labelled on the post-event images.

    The files are `GE_<lat>_<lon>_<lat>_<lon>_LS_<n>_US_<yyyymmdd>_PRE.jpg` and `..._POST.jpg`, with the lower left and
    the upper right corner in degrees, and `..._POST.json` in labelme's format. The images are in plain latitude and
    longitude (EPSG:4326); only their names tell where they lie, because JPEG carries no georeference.

    Args:
        world: world to be drawn.
        folder: a new or empty folder.
        region: one of `REGIONS`.
        count: number of pairs.
        size: width and height of the images in pixels; their pixels are about as large as the world's.

    Returns:
        The paths of the post-event images.

    Raises:
        RegionError: the world has no such region.
        ChipError: so many images of this size do not fit into the training square.
        WorkspaceError: the folder holds something already.

    Example:
        >>> [post] = write_google_earth(World(0), Path("google_earth"), "marine_coast", count=1, size=64)
        >>> post.name
        'GE_44.215723_-124.288381_44.221573_-124.280245_LS_1_US_20090101_POST.jpg'
    """
    squares = chip_squares(region, count, 2 * size)
    require_empty(folder)
    posts = []
    with atomic_write(folder) as temporary:
        temporary.mkdir(parents=True)
        for number, square in enumerate(squares):
            box = _latlon_box(world, choose_window(world, square, size))
            pre, post, mask = _render_latlon(world, box, size)
            stem = f"GE_{'_'.join(f'{value:.6f}' for value in box)}_LS_{number + 1}_US"
            year, day = 2009 + number % 7, f"{number % 12 + 1:02d}{number % 28 + 1:02d}"
            _save(temporary / f"{stem}_{year - 1}{day}_PRE.jpg", pre)
            path = temporary / f"{stem}_{year}{day}_POST.jpg"
            _save(path, post)
            text = json.dumps(_labelme(path.name, mask), indent=2)
            path.with_suffix(".json").write_text(text, encoding="utf-8")
            posts.append(folder / path.name)
    return posts


def _latlon_box(world: World, window: Window) -> tuple[float, float, float, float]:
    """South, west, north and east of a window in degrees, rounded as in the names of the files."""
    t = world.transform
    left, top = t @ (window.col_off, window.row_off)
    right, bottom = t @ (window.col_off + window.width, window.row_off + window.height)
    west, south, east, north = rasterio.warp.transform_bounds(world.crs, _LATLON, left, bottom, right, top)
    return round(south, 6), round(west, 6), round(north, 6), round(east, 6)


def _render_latlon(world: World, box: tuple[float, float, float, float], size: int) -> tuple[Bytes, Bytes, Bytes]:
    """Draw the world around a box and resample it to latitude and longitude."""
    south, west, north, east = box
    bounds = rasterio.warp.transform_bounds(_LATLON, world.crs, west, south, east, north)
    around = window_from_bounds(*bounds, transform=world.transform)
    left, top = int(around.col_off) - 2, int(around.row_off) - 2
    drawn = world.render(Window(left, top, int(around.width) + 5, int(around.height) + 5))
    target = from_bounds(west, south, east, north, size, size)

    def warp(source: Bytes, resampling: Resampling) -> Bytes:
        output = np.zeros((len(source), size, size), np.uint8)
        rasterio.warp.reproject(
            source, output, src_transform=drawn.transform, src_crs=world.crs,
            dst_transform=target, dst_crs=_LATLON, resampling=resampling,
        )  # fmt: skip
        return output

    mask = warp(drawn.mask[None], Resampling.nearest)[0]
    return warp(drawn.pre, Resampling.bilinear), warp(drawn.post, Resampling.bilinear), mask


def _labelme(image_name: str, mask: Bytes) -> dict[str, Any]:
    shapes: list[dict[str, Any]] = []
    for geometry, _ in rasterio.features.shapes(mask, mask=mask.astype(bool), connectivity=4):
        outline = LinearRing(geometry["coordinates"][0]).simplify(TOLERANCE)  # labelme's polygons have no holes
        points = [[float(x), float(y)] for x, y in outline.coords[:-1]]
        shapes.append({"label": "landslide", "points": points, "group_id": None, "shape_type": "polygon", "flags": {}})
    height, width = mask.shape
    return {
        "version": "5.5.0", "flags": {}, "shapes": shapes, "imagePath": image_name, "imageData": None,
        "imageHeight": height, "imageWidth": width,
    }  # fmt: skip


def _save(path: Path, pixels: Bytes) -> None:
    Image.fromarray(pixels.transpose(1, 2, 0)).save(path, quality=QUALITY, subsampling=0)
