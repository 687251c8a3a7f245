"""QGIS in processes of its own, with the plugin as it is shipped and a `tsmu` that starts at once."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from rasterio.transform import from_origin

from qgis.package.build import build_folder
from tests.conftest import require, write_raster
from tests.database.conftest import RUN, server, squares
from tests.qgis.forking_tsmu import ForkingTsmu
from tests.workspace.conftest import files
from tsmu.database import SceneRecord, add_run, open_database
from tsmu.issues import IssueLog
from tsmu.workspace import Workspace

__all__ = ["files", "server"]

QGIS_PYTHON = "/usr/bin/python3"
QGIS_PROCESS = shutil.which("qgis_process.bin") or shutil.which("qgis_process")  # Debian's script adds an option
DRIVER = Path(__file__).parent / "qgis_driver.py"
LONGEST_S = 600  # that a script in QGIS may take, on a machine with other work
LANDSLIDES = 24
DATABASE = "landslides.gpkg"  # of a workspace, unless its settings say otherwise

Steps = list[dict[str, Any]]
InQgis = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="session")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plugin as it is shipped, in a folder of plugins; returns that folder."""
    require(QGIS_PROCESS is not None and Path("/usr/lib/python3/dist-packages/qgis").is_dir(), "QGIS (Debian: qgis)")
    return build_folder(tmp_path_factory.mktemp("plugins")).parent


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A program `tsmu` that starts at once."""
    with ForkingTsmu(tmp_path_factory.mktemp("program")) as server:
        yield server.program


@pytest.fixture(scope="session")
def qgis_environment(plugin: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a QGIS with a profile of its own, which finds the plugin and no other Python."""
    profile = tmp_path_factory.mktemp("profile")
    profile.chmod(0o700)
    return {
        "PATH": "/usr/bin:/bin", "HOME": str(profile), "XDG_RUNTIME_DIR": str(profile), "LANG": "C.UTF-8",
        "QGIS_CUSTOM_CONFIG_PATH": str(profile), "QGIS_PLUGINPATH": str(plugin), "QT_QPA_PLATFORM": "offscreen",
        "PYTHONDONTWRITEBYTECODE": "1", "TSMU_PLUGINS": str(plugin),
    } | ({"TSMU_TEST_SEED": seed} if (seed := os.environ.get("TSMU_TEST_SEED")) else {})  # fmt: skip


@pytest.fixture(scope="session")
def start_in_qgis(qgis_environment: dict[str, str]) -> InQgis:
    """Start a script in QGIS's Python."""

    def start(script: Path, *words: object, **variables: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [QGIS_PYTHON, str(script), *map(str, words)], env=qgis_environment | variables, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    return start


def review_workspace(root: Path, address: str = DATABASE) -> Path:
    """Make a workspace with one scene, before and after, and its candidates, in a database; returns its folder."""
    Workspace(root)
    settings = root / "tsmu.toml"
    settings.write_text(settings.read_text().replace(f'"{DATABASE}"', f'"{address}"'))
    work = Workspace(root)
    outlines = squares(LANDSLIDES)
    west, south, east, north = outlines.total_bounds
    step = 0.0002
    grid = {"crs": "EPSG:4326", "transform": from_origin(west - 20 * step, north + 20 * step, step, step)}
    size = (int((north - south) / step) + 40, int((east - west) / step) + 40)
    for side, level in (("pre", 90), ("post", 140)):
        pixels = np.random.default_rng(level).integers(level - 20, level + 20, (3, *size), dtype=np.uint8)
        write_raster(work.folder.root / "images" / f"{side}.tif", pixels, photometric="RGB", **grid)
    scene = SceneRecord(
        "ridge", shapely.box(west - 20 * step, south - 20 * step, east + 20 * step, north + 20 * step),
        "images/post.tif", "images/pre.tif", date(2024, 4, 1), date(2024, 5, 1),
    )  # fmt: skip
    with open_database(work.folder.database, create=True) as database:
        add_run(database, outlines, scene, RUN, IssueLog("test"))
    return work.folder.root


def finish(process: "subprocess.Popen[str]", answer: Path) -> Any:
    """Wait for a script that was started in QGIS; returns the JSON that it wrote into a file."""
    said, _ = process.communicate(timeout=LONGEST_S)
    assert answer.is_file(), said
    return json.loads(answer.read_text())
