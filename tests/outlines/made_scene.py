"""A scene with one landslide: brown on green, and a probability raster that falls off round it."""

from pathlib import Path

import numpy as np
import pyproj
import shapely
from rasterio.crs import CRS
from rasterio.transform import Affine
from scipy import ndimage

from tests.conftest import write_raster
from tsmu.outlines import SceneFiles

SIDE = 160
TRANSFORM = Affine(10, 0, 600_000, 0, -10, 3_100_000)
UTM = CRS.from_epsg(32645)
MIDDLE = (80, 70)  # row and column of the landslide's middle
TO_DEGREES = pyproj.Transformer.from_crs(32645, 4326, always_xy=True)


def landslide_mask() -> np.ndarray:
    """The landslide's pixels: an ellipse, 40 px long and 16 px wide."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    return ((rows - MIDDLE[0]) / 20) ** 2 + ((columns - MIDDLE[1]) / 8) ** 2 <= 1


def place(row: float, column: float) -> tuple[float, float]:
    """Longitude and latitude of the middle of a pixel."""
    longitude, latitude = TO_DEGREES.transform(*(TRANSFORM @ (column + 0.5, row + 0.5)))
    return float(longitude), float(latitude)


def true_outline() -> shapely.Polygon:
    """The landslide's outline in degrees, pixel by pixel."""
    rows, columns = np.nonzero(landslide_mask())
    cells = shapely.union_all(shapely.box(columns, rows, columns + 1, rows + 1))
    on_map = shapely.transform(cells, lambda points: np.column_stack(TRANSFORM @ tuple(points.T)))
    return shapely.transform(on_map, lambda points: np.column_stack(TO_DEGREES.transform(*points.T)))


def iou(one: shapely.Polygon, other: shapely.Polygon) -> float:
    both = one.intersection(other).area
    return both / (one.area + other.area - both)


def write_scene(folder: Path) -> SceneFiles:
    """Write the images and the probability."""
    random = np.random.default_rng(0)
    mask = landslide_mask()
    ground = np.stack([np.full(mask.shape, value) for value in (60.0, 90.0, 50.0)])
    slid = np.stack([np.full(mask.shape, value) for value in (150.0, 120.0, 90.0)])
    profile = {"crs": UTM, "transform": TRANSFORM}
    for name, image in (("pre", ground), ("post", np.where(mask, slid, ground))):
        noisy = image + random.normal(0, 6, image.shape)
        write_raster(folder / f"{name}.tif", noisy.clip(1, 255).astype(np.uint8), photometric="RGB", **profile)
    soft = ndimage.gaussian_filter(np.where(mask, 90.0, 2.0), 3)
    soft[:, -20:] = 255
    write_raster(folder / "probability.tif", soft.astype(np.uint8), nodata=255, **profile)
    return SceneFiles(folder / "probability.tif", folder / "post.tif", folder / "pre.tif")
