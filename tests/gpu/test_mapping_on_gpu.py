"""Maps that a GPU computes have the masks of those that a CPU computes."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.windows import Window

from tests.gpu.conftest import gpu_allocations, without_gpu
from tsmu.benchmark import train_synthetic_bundle
from tsmu.benchmark.mapping.agreement import iou
from tsmu.mapping import MapOptions, MapSession, SceneRequest
from tsmu.model import serving_bundle
from tsmu.synthetic import World, scene_windows, write_scene
from tsmu.workspace_folder import WorkspaceFolder

pytestmark = pytest.mark.gpu

REGION = "eastern_forests"
SIDE = 1024  # px of the scene


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> WorkspaceFolder:
    """A workspace with a version that was trained on the machine's device."""
    workspace = WorkspaceFolder.create(tmp_path_factory.mktemp("gpu") / "survey")
    train_synthetic_bundle(workspace, REGION, "resnet18", steps=100, seed=0)
    return workspace


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pair of another world, which the version has not seen."""
    folder, start = tmp_path_factory.mktemp("gpu") / "scene", scene_windows(SIDE)[REGION]
    write_scene(World(1), folder, Window(start.col_off, start.row_off, SIDE, SIDE))
    return folder


def landslides(survey: WorkspaceFolder, scene: Path, precision: str, out: Path) -> np.ndarray:
    """Map the scene in tiles with torch, and give its mask."""
    options = MapOptions(engine="torch", precision=precision, tile=512)
    request = SceneRequest(scene / "post.tif", scene / "pre.tif", out.name, region=REGION)
    mapped = MapSession(options, survey).map(request, out)
    with rasterio.open(mapped.result.probability) as dataset:
        return dataset.read(1) >= serving_bundle(survey.models, REGION).record.regions[REGION].threshold


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])  # those that the engine has on a GPU
def test_the_mask_is_that_of_the_cpu(survey: WorkspaceFolder, scene: Path, precision: str, tmp_path: Path) -> None:
    with without_gpu():
        expected = landslides(survey, scene, "float32", tmp_path / "cpu")
    before = gpu_allocations()
    mask = landslides(survey, scene, precision, tmp_path / "gpu")
    assert gpu_allocations() > before
    assert 0.01 < expected.mean() < 0.5
    assert (iou(mask, expected) or 0) >= 0.995
