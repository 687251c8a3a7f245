"""Small parts of the real data, for tests that follow a user's way on them."""

import shutil
from pathlib import Path

import rasterio
from rasterio.windows import Window

# Of the Iburi pair, where both images and the mask are known.
PART = Window.from_slices(slice(560, 860), slice(600, 900))


def copy_chips(source: Path, target: Path, count: int) -> Path:
    """Make a folder with the first chips of another one."""
    for name in ("images", "masks"):
        (target / name).mkdir(parents=True)
        for file in sorted((source / name).iterdir())[:count]:
            shutil.copy(file, target / name)
    return target


def cut_raster(source: Path, target: Path) -> None:
    """Write the part of a raster that `PART` covers, at its place."""
    with rasterio.open(source) as dataset:
        values, transform = dataset.read(window=PART), dataset.window_transform(PART)
        size = {"height": PART.height, "width": PART.width}
        profile = dataset.profile | size | {"transform": transform, "tiled": False}
    target.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(target, "w", **profile) as dataset:
        dataset.write(values)
