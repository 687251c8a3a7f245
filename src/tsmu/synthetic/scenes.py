"""Scenes of the synthetic world: where they lie, and writing them in any size."""

from pathlib import Path
from typing import Any

import rasterio
from rasterio.windows import Window
from rasterio.windows import transform as window_transform

from tsmu.files import atomic_write
from tsmu.synthetic.raster_files import BAND_NAMES, raster_profile, require_empty
from tsmu.synthetic.territory import REGIONS, SIZE
from tsmu.synthetic.world import World

ROWS_AT_ONCE = 512  # px of height that are drawn and written at once; also the side of a scene's tiles
SPARSE_DENSITY = 0.03  # landslide_density of sparse scenes: less than 1 % of the pixels are landslide


def scene_windows(size: int) -> dict[str, Window]:
    """Windows of scenes in pixels of the world, all of them far from the training chips.

    Args:
        size: side of the windows in pixels.

    Returns:
        The window of each scene by its name: `crossing` lies in the middle of the world, where the four regions meet;
        each of the others lies within the region of its name.

    Example:
        >>> list(scene_windows(512))
        ['crossing', 'northwest_mountains', 'north_deserts', 'marine_coast', 'eastern_forests']
    """
    middle, quadrant = SIZE // 2, SIZE // 2
    windows = {"crossing": Window(middle - size // 2, middle - size // 2, size, size)}
    for index, region in enumerate(REGIONS):
        left, top = quadrant * (index % 2), quadrant * (index // 2)
        windows[region] = Window(left + 1024, top + 1024, size, size)
    return windows


def write_scene(world: World, folder: Path, window: Window) -> Path:
    """Write a scene as `pre.tif`, `post.tif` (red, green, blue) and `truth.tif` (1 landslide, 0 none).

    Memory does not grow with the scene's height: it is drawn and written in strips of 512 rows.

    Args:
        world: world to be drawn.
        folder: a new or empty folder.
        window: window of the scene, in pixels of the world.

    Returns:
        The folder.

    Raises:
        WorkspaceError: the folder holds something already.

    Example:
        >>> folder = write_scene(World(0), Path("scene"), scene_windows(64)["crossing"])
        >>> sorted(path.name for path in folder.iterdir())
        ['post.tif', 'pre.tif', 'truth.tif']
    """
    require_empty(folder)
    column, row, width, height = (int(value) for value in window.flatten())
    transform = window_transform(window, world.transform)
    with atomic_write(folder) as temporary:
        temporary.mkdir(parents=True)
        shapes = {"pre": (3, height, width), "post": (3, height, width), "truth": (1, height, width)}
        options: dict[str, Any] = {
            "tiled": True,
            "blockxsize": ROWS_AT_ONCE,
            "blockysize": ROWS_AT_ONCE,
            "bigtiff": "if_safer",
        }
        files = {
            name: rasterio.open(temporary / f"{name}.tif", "w", **raster_profile(transform, shape, **options))
            for name, shape in shapes.items()
        }
        try:
            for top in range(0, height, ROWS_AT_ONCE):
                rows = min(ROWS_AT_ONCE, height - top)
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
