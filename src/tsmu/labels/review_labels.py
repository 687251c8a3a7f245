"""Masks out of reviewed outlines: known where a person looked, unknown everywhere else."""

from dataclasses import dataclass
from pathlib import Path

import geopandas
import numpy as np
import numpy.typing as npt
import rasterio
import shapely
from shapely.affinity import affine_transform, translate
from shapely.geometry.base import BaseGeometry

from tsmu.errors import LabelError
from tsmu.geodesy import ground_matrix
from tsmu.imagery.raster import RasterInfo, describe
from tsmu.labels.label_layers import to_pixels
from tsmu.labels.mask_conventions import BACKGROUND, LANDSLIDE, UNKNOWN, Mask
from tsmu.labels.rasterization import ClassPolygons, rasterize_polygons
from tsmu.workspace_folder import WorkspaceFolder

REVIEW_FOLDER = "review"  # below the workspace's masks
REVIEW_MARGIN_M = 50.0  # around an outline that a person decided on, the ground was looked at, too


def is_review_mask(workspace: WorkspaceFolder, mask: Path) -> bool:
    """Whether a mask came out of reviews."""
    return mask.is_relative_to(workspace.label_files / REVIEW_FOLDER)


@dataclass(frozen=True)
class ReviewedOutlines:
    """What people say of one image; outlines in any CRS.

    Attributes:
        landslides: what is one.
        rejected: what was taken for one and is none: background.
        undecided: what nobody knows.
        looked: areas in which all landslides are drawn; the rest of them is background.
        shift_m: by how much, east and north, the image is to be moved to lie under the outlines.
        around_m: how far around landslides and rejected ones the ground is known as well.
    """

    landslides: geopandas.GeoSeries
    rejected: geopandas.GeoSeries
    undecided: geopandas.GeoSeries
    looked: geopandas.GeoSeries
    shift_m: tuple[float, float] = (0.0, 0.0)
    around_m: float = REVIEW_MARGIN_M


def review_mask(said: ReviewedOutlines, image: Path, base: Path | None = None) -> Mask:
    """Burn what people say onto an image's grid.

    Args:
        said: of this image.
        image: georeferenced.
        base: an older mask of the image; it speaks where people say nothing now.

    Returns:
        (H, W): 0 background, 1 landslide, 255 unknown.

    Raises:
        LabelError: the image has no CRS.
        ImageError: it cannot be read.
    """
    info = describe(image)
    landslides, rejected, undecided, looked = (
        _on(info, outlines, said.shift_m) for outlines in (said.landslides, said.rejected, said.undecided, said.looked)
    )
    known = shapely.union_all([*looked, *_grown(info, [*landslides, *rejected], said.around_m)])
    shapes: ClassPolygons = [(known, BACKGROUND), *((outline, UNKNOWN) for outline in undecided)]
    shapes += [(outline, BACKGROUND) for outline in rejected] + [(outline, LANDSLIDE) for outline in landslides]
    mask, _ = rasterize_polygons(shapes, info.height, info.width, UNKNOWN)
    if base is not None and base.is_file():
        with rasterio.open(base) as dataset:
            older = dataset.read(1)
        if older.shape == mask.shape:
            mask = np.where(mask == UNKNOWN, older, mask)
    return mask


def _grown(info: RasterInfo, outlines: list[BaseGeometry], metres: float) -> list[BaseGeometry]:
    """Outlines in an image's pixels, which need not be square on the ground, and so many metres around them."""
    ground = _ground(info)
    back = np.asarray(np.linalg.inv(ground), np.float64)
    grown = [_turned(outline, ground).buffer(metres) for outline in outlines]
    return [_turned(outline, back) for outline in grown]


def _on(info: RasterInfo, outlines: geopandas.GeoSeries, shift_m: tuple[float, float]) -> list[BaseGeometry]:
    """Outlines in an image's pixels; an image that is to be moved east shows them further west."""
    right, down = np.linalg.solve(_ground(info), shift_m).tolist()
    return [translate(shape, -right, -down) for shape in to_pixels(outlines, info)] if len(outlines) else []


def _ground(info: RasterInfo) -> npt.NDArray[np.float64]:
    """The matrix that turns pixels (right, down) into metres (east, north)."""
    if info.crs is None:
        raise LabelError(f"{info.path}: has no CRS; reviewed outlines cannot be laid on it")
    return ground_matrix(info.crs, info.transform, info.width, info.height)


def _turned(shape: BaseGeometry, matrix: npt.NDArray[np.float64]) -> BaseGeometry:
    return affine_transform(shape, [*matrix.ravel().tolist(), 0, 0])
