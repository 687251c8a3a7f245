"""Scenes of the synthetic world on disk, of any size."""

from pathlib import Path
from typing import Any

import rasterio
from rasterio.windows import Window
from rasterio.windows import transform as window_transform

from tsmu.files import atomic_write
from tsmu.synthetic.output import BAND_NAMES, check_free, raster_profile
from tsmu.synthetic.world import World

BAND = 512  # px, rows written at a time, and the side of a scene's tiles


def write_scene(world: World, folder: Path, window: Window) -> Path:
    """Write a scene as `pre.tif`, `post.tif` and `truth.tif` (1 landslide, 0 none), in bands of rows.

    Memory does not grow with the scene's height.

    Raises:
        WorkspaceError: the folder holds something already.
    """
    check_free(folder)
    column, row, width, height = (int(value) for value in window.flatten())
    transform = window_transform(window, world.transform)
    with atomic_write(folder) as temporary:
        temporary.mkdir(parents=True)
        shapes = {"pre": (3, height, width), "post": (3, height, width), "truth": (1, height, width)}
        options: dict[str, Any] = {"tiled": True, "blockxsize": BAND, "blockysize": BAND, "bigtiff": "if_safer"}
        files = {
            name: rasterio.open(temporary / f"{name}.tif", "w", **raster_profile(transform, shape, **options))
            for name, shape in shapes.items()
        }
        try:
            for top in range(0, height, BAND):
                rows = min(BAND, height - top)
                drawn = world.render(Window(column, row + top, width, rows))
                target = Window(0, top, width, rows)
                files["pre"].write(drawn.pre, window=target)
                files["post"].write(drawn.post, window=target)
                files["truth"].write(drawn.mask[None], window=target)
            for file in files.values():
                file.descriptions = BAND_NAMES[file.count]
        finally:
            for file in files.values():
                file.close()
    return folder
