"""Labels out of reviewed outlines: known where a person looked, unknown everywhere else."""

import csv
from collections.abc import Iterable, Mapping, Sequence
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
from tsmu.wording import counted
from tsmu.workspace_folder import WorkspaceFolder

REVIEW_FOLDER = "review"  # below the workspace's masks
SCENE_COLUMNS = ("id", "post", "pre", "date_pre", "date_post", "region")  # of the table of pairs that is written
_DATES = ("date_pre", "date_post")
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
        drawn_by_runs: the index of the outlines that a run drew on these images, which no shift moves.
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

    @property
    def drawn_by_runs(self) -> pd.Index: ...  # noqa: D102


@dataclass(frozen=True)
class ReviewLabels:
    """The labels that were made out of reviewed scenes.

    Attributes:
        table: one row per mask, as `import_labels` gives them.
        evidence: the scenes that labels were made of; several of one post image share a mask.
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

    Scenes of the same post image become one pair, whose label has the decisions of all of them. An imported label of
    the same pair counts where the review says nothing.

    Args:
        workspace: locked by the caller.
        evidence: what people decided, by scene.
        log: receives the scenes whose images are not on this machine, those of one post image that differ in the
            image before or in their dates, and those with a shift that outlines of runs do not follow.
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
    evidence_of_post = _scenes_by_post(workspace, evidence, log)
    _write_pair_table(workspace, evidence_of_post, scenes, log)
    pairs = add_pairs(workspace, scenes, log)
    writer = MaskWriter(pairs, log, workspace.label_files / REVIEW_FOLDER, None)
    for pair, post in zip(pairs["id"], pairs["post"], strict=True):
        reviewed = evidence_of_post[str(Path(post).resolve())]
        outlines = [part for one in reviewed for part in _reviewed_outlines(one, around_m, log)]
        mask = review_mask(outlines, Path(post), workspace.label_files / f"{pair}.tif")
        writer.write(pair, scenes, mask, count_outlines(one.landslides for one in reviewed))
    table = writer.table()
    store_labels(workspace, table)
    return ReviewLabels(table, [one for reviewed in evidence_of_post.values() for one in reviewed])


def count_outlines(outlines: Iterable[geopandas.GeoSeries]) -> int:
    """Count the outlines in several series; the same one, seen in several scenes, counts once.

    Example:
        >>> count_outlines([reviewed.landslides, reviewed.landslides]) == len(reviewed.landslides)
        True
    """
    return len({shape for series in outlines for shape in series.to_wkb()})


def _reviewed_outlines(reviewed: ReviewEvidence, around_m: float, log: IssueLog) -> list[ReviewedOutlines]:
    """The outlines of one scene: those on its images as they are shifted, and those that a run drew on its pixels."""
    shift = reviewed.scene["shift_east_m"] or 0.0, reviewed.scene["shift_north_m"] or 0.0
    kinds = reviewed.landslides, reviewed.rejected, reviewed.undecided
    on_map, on_pixels = (
        [kind[kind.index.isin(reviewed.drawn_by_runs) == by_run] for kind in kinds] for by_run in (False, True)
    )
    count = sum(map(len, on_pixels))
    if shift != (0.0, 0.0) and count:
        moved = f"its images are shifted by {shift[0]:g}, {shift[1]:g} m, {counted(count, 'outline')} of its runs not"
        log.warning(reviewed.scene["name"], moved, "labelled where the runs saw them; on the map they lie off")
    no_areas = reviewed.mapped_areas.iloc[:0]
    return [
        ReviewedOutlines(on_map[0], on_map[1], on_map[2], reviewed.mapped_areas, shift, around_m),
        ReviewedOutlines(on_pixels[0], on_pixels[1], on_pixels[2], no_areas, around_m=around_m),
    ]


def review_mask(reviewed: Sequence[ReviewedOutlines], image: Path, earlier_mask: Path | None = None) -> Mask:
    """Burn reviewed outlines onto an image's grid.

    Args:
        reviewed: what people decided on this image, in one scene or several.
        image: georeferenced raster.
        earlier_mask: another mask of the image, which counts where the review says nothing.

    Returns:
        (H, W): 0 background, 1 landslide, 255 unknown.

    Raises:
        LabelError: the image has no CRS.
        ImageError: it cannot be read.
    """
    info = describe_raster(image)
    landslides: list[BaseGeometry] = []
    rejected: list[BaseGeometry] = []
    undecided: list[BaseGeometry] = []
    looked_at: list[BaseGeometry] = []
    for one in reviewed:
        confirmed, refused = (_outlines_in_pixels(info, kind, one.shift_m) for kind in (one.landslides, one.rejected))
        landslides, rejected = landslides + confirmed, rejected + refused
        undecided += _outlines_in_pixels(info, one.undecided, one.shift_m)
        looked_at += _outlines_in_pixels(info, one.mapped_areas, one.shift_m)
        looked_at += _buffered(info, [*confirmed, *refused], one.around_m)
    known = shapely.union_all(looked_at)
    # Later polygons are burnt over earlier ones: undecided over known ground, rejected over that, landslides over all.
    polygons: ClassPolygons = [(known, BACKGROUND), *((outline, UNKNOWN) for outline in undecided)]
    polygons += [(outline, BACKGROUND) for outline in rejected] + [(outline, LANDSLIDE) for outline in landslides]
    mask, _ = rasterize_polygons(polygons, info.height, info.width, UNKNOWN)
    if earlier_mask is not None and earlier_mask.is_file():
        with rasterio.open(earlier_mask) as dataset:
            earlier = dataset.read(1)
        if earlier.shape == mask.shape:
            mask = np.where(mask == UNKNOWN, earlier, mask)
    return mask


def _scenes_by_post(
    workspace: WorkspaceFolder, evidence: Sequence[ReviewEvidence], log: IssueLog
) -> dict[str, list[ReviewEvidence]]:
    """The scenes whose images lie on this machine, by the path of their post image."""
    listed: dict[str, list[ReviewEvidence]] = {}
    for reviewed in evidence:
        scene = reviewed.scene
        if not scene["post"] or any(image and is_remote(image) for image in (scene["post"], scene["pre"])):
            log.error(scene["name"], "its images are not on this machine", "no labels made")
        else:
            listed.setdefault(_image_path(workspace, scene["post"]), []).append(reviewed)
    return listed


def _image_path(workspace: WorkspaceFolder, image: str | None) -> str:
    """The path of an image that a scene names, which is relative to the workspace; empty where it has none."""
    return str((workspace.root / image).resolve()) if image else ""


def _first(values: Iterable[Any]) -> Any:
    """The first value that is neither None nor empty; an empty text where there is none."""
    return next(filter(None, values), "")


def _write_pair_table(
    workspace: WorkspaceFolder, evidence_of_post: Mapping[str, Sequence[ReviewEvidence]], table: Path, log: IssueLog
) -> None:
    """Write a table of pairs, one for each post image."""
    with atomic_write(table) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        rows = csv.DictWriter(file, SCENE_COLUMNS)
        rows.writeheader()
        for post, reviewed in evidence_of_post.items():
            rows.writerow(_pair_of_scenes(workspace, post, reviewed, log))


def _pair_of_scenes(
    workspace: WorkspaceFolder, post: str, reviewed: Sequence[ReviewEvidence], log: IssueLog
) -> dict[str, Any]:
    """Make one row of the table of pairs out of the scenes that share a post image.

    The pair has the name of the first scene. Its pre image, post date and region are each those of the first scene
    that has one; its pre date is that of the first scene with this pre image that has one. Scenes that say something
    else are logged.
    """
    scenes = [one.scene for one in reviewed]
    pre_images = [_image_path(workspace, scene["pre"]) for scene in scenes]
    pre = _first(pre_images)
    pre_dates = [scene["date_pre"] for scene, image in zip(scenes, pre_images, strict=True) if image == pre]
    pair: dict[str, Any] = {"id": scenes[0]["name"], "post": post, "pre": pre}
    pair |= {"date_pre": _first(pre_dates), "date_post": _first(scene["date_post"] for scene in scenes)}
    for scene, image in zip(scenes[1:], pre_images[1:], strict=True):
        dates = {name.replace("_", " "): (scene[name], pair[name]) for name in _DATES}
        compared = {"image before": (image, pre), **dates}  # what -> (as this scene has it, as the pair has it)
        if differing := [what for what, (own, of_pair) in compared.items() if own and own != of_pair]:
            problem = f"its post image is that of {pair['id']}, but not its {' and '.join(differing)}"
            log.warning(scene["name"], problem, f"its decisions are in the labels of {pair['id']}")
    return pair | {"region": _first(one.region for one in reviewed)}


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
