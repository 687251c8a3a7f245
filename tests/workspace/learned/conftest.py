"""Workspaces whose model has learned, without training, and a scene that it has mapped."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from rasterio.transform import from_origin

from tests.conftest import write_chips, write_raster
from tests.networks import BLOB, NETWORK, learn_at_once
from tsmu.workspace import Workspace

PLACE = {"crs": "EPSG:32610", "transform": from_origin(500_000, 5_000_000, 10, 10), "photometric": "RGB"}
BOX = (-124.0, 44.0, -122.0, 46.0)  # around it, degrees
FEW = {"steps": 2, "batch_size": 4}


def scene_pixels(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Ground (3, H, W), uint8, with bright squares of 20 px every 90 px."""
    pixels = np.random.default_rng(seed).normal(110, 12, (3, height, width))
    for top in range(30, height, 90):
        for left in range(40, width, 90):
            pixels[:, top : top + 20, left : left + 20] += BLOB
    return pixels.clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scene, and folders of chips with bright and with dark landslides."""
    folder = tmp_path_factory.mktemp("files")
    write_raster(folder / "post.tif", scene_pixels(80, 120), **PLACE)
    write_chips(folder / "alps", bright=True)
    write_chips(folder / "andes", bright=False, seed=1)
    return folder


@pytest.fixture(scope="session")
def surveyed(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with one version, which finds the bright landslides of the alps, and one mapped scene."""
    work = Workspace(tmp_path_factory.mktemp("workspaces") / "survey")
    work.add_chips(files / "alps", region="alps")
    work.add_chips(files / "andes", region="andes")
    with pytest.MonkeyPatch.context() as patch:
        learn_at_once(patch, alps=BLOB)
        work.update("alps", **FEW, **NETWORK)
    work.map(files / "post.tif", engine="torch", any_resolution=True)
    return work.folder.root


@pytest.fixture
def work(surveyed: Path, tmp_path: Path) -> Workspace:
    """A copy of it of the test's own."""
    return Workspace(shutil.copytree(surveyed, tmp_path / "survey"))


@pytest.fixture
def learn_andes(monkeypatch: pytest.MonkeyPatch) -> Callable[[Workspace], None]:
    """Let a workspace learn the andes as well, without forgetting the alps."""

    def learn(work: Workspace) -> None:
        learn_at_once(monkeypatch, alps=BLOB, andes=-BLOB)
        work.update("andes", **FEW)

    return learn
