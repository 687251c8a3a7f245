"""Labels of scenes that people have reviewed: pairs, masks and rows of the table, and what is left out."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from rasterio.transform import Affine

from tests.labels.made_labels import GRID, HEIGHT, WIDTH, raster
from tsmu.errors import ImageError, LabelError
from tsmu.issues import IssueLog
from tsmu.labels import is_review_mask, label_reviewed_scenes, read_labels
from tsmu.labels.review_labels import ReviewedOutlines, review_mask
from tsmu.workspace_folder import WorkspaceFolder

CRS = "EPSG:32645"


@pytest.fixture
def workspace(tmp_path: Path) -> WorkspaceFolder:
    return WorkspaceFolder.create(tmp_path / "survey")


def series(*boxes: tuple[float, float, float, float]) -> gpd.GeoSeries:
    """Boxes of pixels of `GRID` (left, top, right, bottom), in degrees."""
    shapes = [shapely.box(*(GRID @ (left, bottom)), *(GRID @ (right, top))) for left, top, right, bottom in boxes]
    return gpd.GeoSeries(shapes, crs=CRS).to_crs(4326)


def evidence(name: str, post: str, **outlines: gpd.GeoSeries) -> Any:
    scene = {"name": name, "post": post, "pre": None, "date_pre": None, "date_post": "2024-05-01"}
    kinds = dict.fromkeys(("landslides", "rejected", "undecided", "mapped_areas"), series())
    scene |= {"shift_east_m": None, "shift_north_m": 0.0}
    return SimpleNamespace(scene=scene, region="alps", drawn_by_runs=pd.Index([]), **kinds | outlines)


def image(workspace: WorkspaceFolder, name: str) -> str:
    pixels = np.random.default_rng(0).integers(1, 255, (3, HEIGHT, WIDTH), np.uint8)
    raster(workspace.root / "scenes" / f"{name}.tif", pixels, Affine.identity() @ GRID)
    return f"scenes/{name}.tif"


def mask_of(workspace: WorkspaceFolder) -> np.ndarray:
    labels = read_labels(workspace)
    assert labels is not None
    [path] = labels["mask"]
    assert is_review_mask(workspace, Path(path))
    with rasterio.open(path) as dataset:
        return np.asarray(dataset.read(1))


def test_a_reviewed_scene_becomes_a_pair_with_a_label(workspace: WorkspaceFolder) -> None:
    outlines = {"landslides": series((10, 20, 30, 50)), "rejected": series((60, 20, 80, 30))}
    seen = evidence("ridge", image(workspace, "ridge"), **outlines, undecided=series((60, 60, 80, 70)))
    log = IssueLog("review")
    made = label_reviewed_scenes(workspace, [seen], log, around_m=50)
    assert (made.table["id"].tolist(), made.table["landslides"].tolist()) == (["ridge"], [1])
    assert made.evidence == [seen]
    assert len(log) == 0
    mask = mask_of(workspace)
    assert (mask[21:49, 11:29] == 1).all()
    assert (mask[21:29, 61:79] == 0).all()
    assert (mask[61:69, 61:79] == 255).all()
    assert mask[35, 33] == 0, "30 m from a decided outline"
    assert mask[35, 45] == 255, "nobody looked there"
    assert pd.read_parquet(workspace.pairs)[["id", "region"]].values.tolist() == [["ridge", "alps"]]


def test_an_earlier_label_counts_where_the_review_says_nothing(workspace: WorkspaceFolder) -> None:
    seen = evidence("ridge", image(workspace, "ridge"), landslides=series((10, 20, 30, 50)))
    earlier = np.full((HEIGHT, WIDTH), 255, np.uint8)
    earlier[:, 90:] = 1
    raster(workspace.label_files / "ridge.tif", earlier)
    label_reviewed_scenes(workspace, [seen], IssueLog("review"))
    mask = mask_of(workspace)
    assert (mask[:, 90:] == 1).all()
    assert (mask[21:49, 11:29] == 1).all()


def test_scenes_whose_images_are_elsewhere_are_left_out(workspace: WorkspaceFolder) -> None:
    slides = series((10, 20, 30, 50))
    here = evidence("ridge", image(workspace, "ridge"), landslides=slides)
    remote = evidence("remote", "https://example.org/post.tif", landslides=slides)
    log = IssueLog("review")
    assert label_reviewed_scenes(workspace, [here, remote], log).evidence == [here]
    assert [(issue.file, issue.problem) for issue in log.errors] == [("remote", "its images are not on this machine")]


def test_scenes_of_one_post_image_give_one_label_with_the_decisions_of_all(workspace: WorkspaceFolder) -> None:
    post = image(workspace, "ridge")
    both, other = series((10, 20, 30, 50)), series((60, 20, 80, 30))
    first = evidence("ridge", post, landslides=both)
    second = evidence("ridge again", post, landslides=pd.concat([both, other]), undecided=series((60, 60, 80, 70)))
    first.scene["date_post"] = None
    second.scene |= {"pre": image(workspace, "before"), "date_pre": "2024-04-01"}
    log = IssueLog("review")
    made = label_reviewed_scenes(workspace, [first, second], log)
    assert (made.table["id"].tolist(), made.table["landslides"].tolist()) == (["ridge"], [2])
    assert made.evidence == [first, second]
    assert "ridge again" not in [issue.file for issue in log]
    mask = mask_of(workspace)
    assert (mask[21:49, 11:29] == 1).all() and (mask[21:29, 61:79] == 1).all()
    assert (mask[61:69, 61:79] == 255).all()
    [pair] = pd.read_parquet(workspace.pairs).to_dict("records")
    assert (Path(pair["pre"]).name, str(pair["date_pre"])[:10]) == ("before.tif", "2024-04-01")
    assert str(pair["date_post"])[:10] == "2024-05-01"


def test_each_scene_of_one_post_image_has_its_own_shift(workspace: WorkspaceFolder) -> None:
    post = image(workspace, "ridge")
    first = evidence("ridge", post, landslides=series((10, 20, 30, 50)))
    second = evidence("shifted", post, landslides=series((60, 20, 80, 30)))
    second.scene["shift_east_m"] = 100.0
    label_reviewed_scenes(workspace, [first, second], IssueLog("review"))
    mask = mask_of(workspace)
    assert (mask[21:49, 11:29] == 1).all() and (mask[21:29, 51:69] == 1).all()


def test_a_shift_moves_the_labels_of_what_people_drew_and_not_of_what_a_run_drew(workspace: WorkspaceFolder) -> None:
    slides, rejected = series((10, 20, 30, 50), (60, 20, 80, 30)), series((60, 60, 80, 70))
    seen = evidence("ridge", image(workspace, "ridge"), landslides=slides, rejected=rejected.set_axis([2]))
    seen.scene["shift_east_m"], seen.drawn_by_runs = 50.0, pd.Index([0])
    log = IssueLog("review")
    label_reviewed_scenes(workspace, [seen], log)
    mask = mask_of(workspace)
    assert mask[30, 11:29].tolist() == [1] * 18 and mask[30, 6] == 0
    assert mask[25, 56:74].tolist() == [1] * 18 and mask[25, 77] == 0
    told = "its images are shifted by 50, 0 m, 1 outline of its runs not"
    assert told in [issue.problem for issue in log]


def test_scenes_of_one_post_image_that_differ_otherwise_are_told(workspace: WorkspaceFolder) -> None:
    post = image(workspace, "ridge")
    first, second = (evidence(name, post, landslides=series((10, 20, 30, 50))) for name in ("ridge", "again"))
    first.scene["pre"], second.scene["pre"] = image(workspace, "before"), image(workspace, "long before")
    second.scene["date_post"] = "2024-05-09"
    log = IssueLog("review")
    label_reviewed_scenes(workspace, [first, second], log)
    told = [(issue.file, issue.severity, issue.problem) for issue in log if issue.file == "again"]
    assert told == [("again", "warning", "its post image is that of ridge, but not its image before and date post")]
    [pair] = pd.read_parquet(workspace.pairs).to_dict("records")
    assert Path(pair["pre"]).name == "before.tif"


def test_an_image_without_a_crs_gets_no_label(workspace: WorkspaceFolder) -> None:
    pixels = np.ones((3, HEIGHT, WIDTH), np.uint8)
    bare = workspace.root / "scenes" / "bare.tif"
    bare.parent.mkdir()
    with rasterio.open(bare, "w", driver="GTiff", count=3, height=HEIGHT, width=WIDTH, dtype="uint8") as dataset:
        dataset.write(pixels)
    seen = evidence("bare", "scenes/bare.tif", landslides=series((10, 20, 30, 50)))
    log = IssueLog("review")
    with pytest.raises(ImageError, match=r"no pair in it can be imported; the first: .*scenes\.csv, row 2: "):
        label_reviewed_scenes(workspace, [seen], log)
    assert [(Path(issue.file).name, issue.row) for issue in log.errors] == [("scenes.csv", 2)]


def test_a_mask_of_an_image_without_a_crs_is_refused(tmp_path: Path) -> None:
    bare = tmp_path / "bare.tif"
    with rasterio.open(bare, "w", driver="GTiff", count=1, height=4, width=4, dtype="uint8") as dataset:
        dataset.write(np.ones((1, 4, 4), np.uint8))
    none = series()
    with pytest.raises(LabelError, match="has no CRS"):
        review_mask([ReviewedOutlines(none, none, none, none)], bare)
