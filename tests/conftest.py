"""What all tests share: the real data, small folders of chips, commands, and how a missing part is reported.

No test may hang on what a few training steps happen to give: processors round differently. To see that none does, run
those that train with other threads, in another precision, and from another seed, in this process and in those it
starts (tests/variants):

    OMP_NUM_THREADS=2 TSMU_TEST_PRECISION=float32 TSMU_TEST_SEED=1 .venv/bin/python -m pytest tests/update tests/cli
"""

import gc
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import settings

# Tiny images train no faster on several threads, and much slower beside another process.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command line has it
settings.register_profile("tsmu", max_examples=50, deadline=None)
settings.load_profile("tsmu")

VARIANTS = Path(__file__).parent / "variants"
if os.environ.get("TSMU_TEST_PRECISION") or os.environ.get("TSMU_TEST_SEED"):
    import_module("tests.variants.sitecustomize")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(VARIANTS), os.environ.get("PYTHONPATH")]))

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"


def require(present: bool, what: str) -> None:
    """Skip, naming what is missing; fail instead where TSMU_REQUIRE=all says it must be there."""
    if not present:
        if os.environ.get("TSMU_REQUIRE") == "all":
            pytest.fail(f"missing, though TSMU_REQUIRE=all: {what}")
        pytest.skip(f"left out, missing: {what}")


def pytest_collection_finish() -> None:
    """Leave all that was loaded out of the later collections of garbage, half the time of a training of few steps."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """Take it back: bindings complain of what is left when Python ends."""
    gc.unfreeze()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Say how a test process died: nothing that it had to say itself comes through."""
    if error:
        print(f"{node.gateway.id} ended with {node.gateway._io.popen.wait(timeout=60)} (-9: killed)", flush=True)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real test data, beside the repository."""
    require(SHARED_DATA.is_dir(), "real data in ../shared/data")
    return SHARED_DATA


def write_raster(path: Path, pixels: np.ndarray, **profile: object) -> Path:
    """Write (C, H, W) or (H, W) pixels in the format of the suffix."""
    pixels = pixels if pixels.ndim == 3 else pixels[None]
    drivers = {".png": "PNG", ".tif": "GTiff", ".jpg": "JPEG"}
    path.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = pixels.shape
    settings = {"driver": drivers[path.suffix], "count": count, "height": height, "width": width, "dtype": pixels.dtype}
    with rasterio.open(path, "w", **settings | profile) as dataset:
        dataset.write(pixels)
    return path


def write_chips(
    folder: Path, count: int = 10, size: int = 32, *, bright: bool = True, pre: bool = False, seed: int = 0
) -> Path:
    """Write chips with one blob each: brighter than the ground, or darker."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:size, :size]
    for number in range(count):
        ground = random.normal(110, 12, (3, size, size))
        row, column = random.uniform(0.25 * size, 0.75 * size, 2)
        blob = (rows - row) ** 2 + (columns - column) ** 2 < (0.2 * size) ** 2
        if pre:
            write_raster(folder / "pre" / f"chip_{number}.png", ground.clip(0, 255).astype(np.uint8))
        image = ground + blob * (80 if bright else -80) + random.normal(0, 5, ground.shape)
        write_raster(folder / "images" / f"chip_{number}.png", image.clip(0, 255).astype(np.uint8))
        write_raster(folder / "masks" / f"chip_{number}.png", blob.astype(np.uint8) * 255)
    return folder


@pytest.fixture(scope="session")
def bright_chips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten chips with bright landslides."""
    return write_chips(tmp_path_factory.mktemp("bright"), bright=True)


@pytest.fixture(scope="session")
def dark_chips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten chips with dark landslides."""
    return write_chips(tmp_path_factory.mktemp("dark"), bright=False, seed=1)


Tsmu = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def tsmu() -> Tsmu:
    """Run a tsmu command within this process: loading torch and GDAL anew takes longer than most commands."""

    def run(*arguments: object, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
        from tsmu.cli import main

        words = ["tsmu", *map(str, arguments)]
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
        with (
            pytest.MonkeyPatch.context() as patch,
            chdir(cwd or Path.cwd()),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            patch.setattr(sys, "argv", words)
            with pytest.raises(SystemExit) as ended:
                main()
        texts = []
        for stream in (out, err):
            stream.flush()
            texts.append(stream.buffer.getvalue().decode())
        return subprocess.CompletedProcess(words, int(ended.value.code or 0), *texts)

    return run


@pytest.fixture(scope="session")
def tsmu_process() -> Tsmu:
    """Run a tsmu command in a process of its own, as a user does."""

    def run(*arguments: object, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "tsmu", *map(str, arguments)]
        return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=1500, check=False)

    return run


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium without a screen, one for all tests of a process: Playwright's event loop runs from then on."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium")
    require(path is not None, "a browser for the page (Debian: chromium)")
    software = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]  # WebGL without a GPU
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=path, args=software)
        yield started
        started.close()
