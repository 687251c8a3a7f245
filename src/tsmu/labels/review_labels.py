"""Labels out of reviewed outlines: known where a person looked, unknown everywhere else."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import geopandas
import numpy as np
import numpy.typing as npt
import pandas as pd
import rasterio
import shapely
from shapely.affinity import affine_transform, translate
from shapely.geometry.base import BaseGeometry

from tsmu.errors import LabelError
from tsmu.files import atomic_write
from tsmu.geodesy import ground_matrix
from tsmu.imagery import RasterInfo, add_pairs, describe_raster, is_remote
from tsmu.issues import IssueLog
from tsmu.labels.label_layers import to_pixels
from tsmu.labels.label_table import store_labels
from tsmu.labels.mask_conventions import BACKGROUND, LANDSLIDE, UNKNOWN, Mask
from tsmu.labels.mask_writer import MaskWriter
from tsmu.labels.rasterization import ClassPolygons, rasterize_polygons
from tsmu.workspace_folder import WorkspaceFolder

REVIEW_FOLDER = "review"  # below the workspace's masks
SCENE_COLUMNS = ("id", "post", "pre", "date_pre", "date_post", "region")  # of the table of pairs that is written
REVIEW_MARGIN_M = 50.0  # around an outline that a person decided on, the ground was looked at, too


def is_review_mask(workspace: WorkspaceFolder, mask: Path) -> bool:
    """Tell whether a mask file was made out of reviews.

    Example:
        >>> is_review_mask(workspace, workspace.label_files / "review" / "ridge.tif")
        True
    """
    return mask.is_relative_to(workspace.label_files / REVIEW_FOLDER)


@dataclass(frozen=True)
class ReviewedOutlines:
    """What people decided on one image; outlines in any CRS.

    Attributes:
        landslides: confirmed or drawn landslides.
        rejected: what was mapped as a landslide and is none: background.
        undecided: what nobody has decided on, or not for sure: unknown.
        mapped_areas: areas in which all landslides are drawn; the rest of them is background.
        shift_m: metres (east, north) by which the image has to be moved to lie under the outlines.
        around_m: metres around landslides and rejected outlines within which the ground is known as well.
    """

    landslides: geopandas.GeoSeries
    rejected: geopandas.GeoSeries
    undecided: geopandas.GeoSeries
    mapped_areas: geopandas.GeoSeries
    shift_m: tuple[float, float] = (0.0, 0.0)
    around_m: float = REVIEW_MARGIN_M


class ReviewEvidence(Protocol):
    """One reviewed scene, as `database.scene_evidence` gives it; outlines in EPSG:4326.

    Attributes:
        scene: its row: name, post, pre, date_post, date_pre, shift_east_m, shift_north_m.
        region: in which it lies; None where there is none.
        landslides, rejected, undecided, mapped_areas: as in `ReviewedOutlines`.
    """

    @property
    def scene(self) -> Mapping[str, Any]: ...  # noqa: D102

    @property
    def region(self) -> str | None: ...  # noqa: D102

    @property
    def landslides(self) -> geopandas.GeoSeries: ...  # noqa: D102

    @property
    def rejected(self) -> geopandas.GeoSeries: ...  # noqa: D102

    @property
    def undecided(self) -> geopandas.GeoSeries: ...  # noqa: D102

    @property
    def mapped_areas(self) -> geopandas.GeoSeries: ...  # noqa: D102


@dataclass(frozen=True)
class ReviewLabels:
    """The labels that were made out of reviewed scenes.

    Attributes:
        table: one row per mask, as `import_labels` gives them.
        evidence: the scenes that labels were made of.
    """

    table: pd.DataFrame
    evidence: list[ReviewEvidence]


def label_reviewed_scenes(
    workspace: WorkspaceFolder,
    evidence: Sequence[ReviewEvidence],
    log: IssueLog,
    *,
    around_m: float = REVIEW_MARGIN_M,
) -> ReviewLabels:
    """Make the reviewed scenes pairs of a workspace, and write and store a label of each.

    An imported label of the same pair counts where the review says nothing.

    Args:
        workspace: locked by the caller.
        evidence: what people decided, by scene.
        log: receives the scenes whose images are not on this machine.
        around_m: metres around a decided outline within which the ground is known, too.

    Raises:
        LabelError: an image has no CRS.
        ImageError: an image cannot be read.

    Example:
        >>> labels = label_reviewed_scenes(workspace, [reviewed], log)
        >>> labels.table["id"].tolist(), labels.table["landslides"].tolist()
        (['ridge'], [1])
    """
    scenes = workspace.label_files / REVIEW_FOLDER / "scenes.csv"
    evidence_of_post = _write_scene_table(workspace, evidence, scenes, log)
    pairs = add_pairs(workspace, scenes, log)
    writer = MaskWriter(pairs, log, workspace.label_files / REVIEW_FOLDER, None)
    for pair, post in zip(pairs["id"], pairs["post"], strict=True):
        reviewed = evidence_of_post[str(Path(post).resolve())]
        east, north = (reviewed.scene[f"shift_{way}_m"] or 0.0 for way in ("east", "north"))
        outlines = ReviewedOutlines(
            reviewed.landslides, reviewed.rejected, reviewed.undecided, reviewed.mapped_areas, (east, north), around_m
        )
        mask = review_mask(outlines, Path(post), workspace.label_files / f"{pair}.tif")
        writer.write(pair, scenes, mask, len(reviewed.landslides))
    table = writer.table()
    store_labels(workspace, table)
    return ReviewLabels(table, list(evidence_of_post.values()))


def review_mask(reviewed: ReviewedOutlines, image: Path, earlier_mask: Path | None = None) -> Mask:
    """Burn reviewed outlines onto an image's grid.

    Args:
        reviewed: what people decided on this image.
        image: georeferenced raster.
        earlier_mask: another mask of the image, which counts where the review says nothing.

    Returns:
        (H, W): 0 background, 1 landslide, 255 unknown.

    Raises:
        LabelError: the image has no CRS.
        ImageError: it cannot be read.
    """
    info = describe_raster(image)
    landslides, rejected, undecided, mapped = (
        _outlines_in_pixels(info, outlines, reviewed.shift_m)
        for outlines in (reviewed.landslides, reviewed.rejected, reviewed.undecided, reviewed.mapped_areas)
    )
    known = shapely.union_all([*mapped, *_buffered(info, [*landslides, *rejected], reviewed.around_m)])
    polygons: ClassPolygons = [(known, BACKGROUND), *((outline, UNKNOWN) for outline in undecided)]
    polygons += [(outline, BACKGROUND) for outline in rejected] + [(outline, LANDSLIDE) for outline in landslides]
    mask, _ = rasterize_polygons(polygons, info.height, info.width, UNKNOWN)
    if earlier_mask is not None and earlier_mask.is_file():
        with rasterio.open(earlier_mask) as dataset:
            earlier = dataset.read(1)
        if earlier.shape == mask.shape:
            mask = np.where(mask == UNKNOWN, earlier, mask)
    return mask


def _write_scene_table(
    workspace: WorkspaceFolder, evidence: Sequence[ReviewEvidence], table: Path, log: IssueLog
) -> dict[str, ReviewEvidence]:
    """Write the scenes whose images lie on this machine as a table of pairs; return them by their post image."""
    listed: dict[str, ReviewEvidence] = {}
    with atomic_write(table) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        rows = csv.DictWriter(file, SCENE_COLUMNS)
        rows.writeheader()
        for reviewed in evidence:
            scene = reviewed.scene
            images = {role: scene[role] for role in ("post", "pre")}
            if not images["post"] or any(image and is_remote(image) for image in images.values()):
                log.error(scene["name"], "its images are not on this machine", "no labels made")
                continue
            paths = {role: str((workspace.root / image).resolve()) if image else "" for role, image in images.items()}
            if paths["post"] in listed:
                log.error(scene["name"], "its post image is that of another reviewed scene", "no labels made")
                continue
            dates = {name: scene[name] or "" for name in ("date_pre", "date_post")}
            rows.writerow({"id": scene["name"], "region": reviewed.region or ""} | paths | dates)
            listed[paths["post"]] = reviewed
    return listed


def _buffered(image: RasterInfo, outlines: list[BaseGeometry], metres: float) -> list[BaseGeometry]:
    """Widen outlines in an image's pixels, which need not be square on the ground, by a distance on the ground."""
    to_ground = _ground_matrix(image)
    to_image = np.asarray(np.linalg.inv(to_ground), np.float64)
    buffered = [_transform(outline, to_ground).buffer(metres) for outline in outlines]
    return [_transform(outline, to_image) for outline in buffered]


def _outlines_in_pixels(
    image: RasterInfo, outlines: geopandas.GeoSeries, shift_m: tuple[float, float]
) -> list[BaseGeometry]:
    """Turn outlines into an image's pixels; an image that is to be moved east shows them further west."""
    right, down = np.linalg.solve(_ground_matrix(image), shift_m).tolist()
    return [translate(shape, -right, -down) for shape in to_pixels(outlines, image)] if len(outlines) else []


def _ground_matrix(image: RasterInfo) -> npt.NDArray[np.float64]:
    """Return the matrix (2, 2) that turns pixels (right, down) into metres (east, north)."""
    if image.crs is None:
        raise LabelError(f"{image.path}: has no CRS; reviewed outlines cannot be laid on it")
    return ground_matrix(image.crs, image.transform, image.width, image.height)


def _transform(shape: BaseGeometry, matrix: npt.NDArray[np.float64]) -> BaseGeometry:
    return affine_transform(shape, [*matrix.ravel().tolist(), 0, 0])
