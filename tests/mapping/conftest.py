"""Scenes to map: small georeferenced rasters, and a network that can be checked by hand."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from rasterio.transform import Affine
from scipy.ndimage import gaussian_filter

from tests.conftest import write_raster
from tsmu.mapping.inference.engine import Engine, synchronous

GRID = {"crs": "EPSG:32651", "transform": Affine(10, 0, 500_000, 0, -10, 2_600_000)}  # Taiwan, 10 m
RGB = {"photometric": "rgb"}
RADIUS = 9  # px that the network below looks around


def ground(height: int, width: int, seed: int = 0, bands: int = 3) -> np.ndarray:
    """Smooth random bands (C, H, W), uint8 from 1 on."""
    noise = np.random.default_rng(seed).normal(size=(bands, height, width))
    smooth = np.stack([gaussian_filter(band, 4, mode="wrap") for band in noise])
    return (smooth / (smooth.std() or 1) * 50 + 128).clip(1, 255).astype(np.uint8)


def blur(values: np.ndarray) -> np.ndarray:
    """A network: logits (N, H, W) that depend on the bands at most RADIUS px away; no data counts as 0."""
    values = np.nan_to_num(values).mean(axis=1)
    blurred = [gaussian_filter(band, RADIUS / 3, radius=RADIUS, mode="constant") for band in values]
    return ((np.stack(blurred) - 128) / 15).astype(np.float32)


def engine(predict: Callable[[np.ndarray], np.ndarray]) -> Engine:
    """A function as the mapper's engine, told from others by its name."""
    return Engine(synchronous(predict), predict.__qualname__, "numpy", "cpu", "float32", "a test")


def content(out: Path) -> dict[str, bytes]:
    """What lies in a folder of results, hidden files too."""
    files = (path for path in out.rglob("*") if path.is_file())
    return {str(path.relative_to(out)): path.read_bytes() for path in files if path.name != ".tsmu-map.lock"}


@pytest.fixture
def scene_file(tmp_path: Path) -> Callable[..., Path]:
    """Write pixels as a georeferenced scene."""

    def write(pixels: np.ndarray, name: str = "post", **profile: object) -> Path:
        return write_raster(tmp_path / f"{name}.tif", pixels, **GRID | profile)

    return write
