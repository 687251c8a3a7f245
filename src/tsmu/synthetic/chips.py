"""The synthetic world on disk: training chips, scenes, and all of it in one folder."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.transform import Affine
from rasterio.windows import Window

from tsmu.errors import ChipError, RegionError, WorkspaceError
from tsmu.files import written_whole
from tsmu.synthetic.noise import subseed, uniform
from tsmu.synthetic.scars import POINTS
from tsmu.synthetic.territory import REGIONS, SIZE
from tsmu.synthetic.world import World

TRAINING_SIDE = 8192  # px; chips come from a square of this side in the middle of their region's quadrant
BAND = 512  # px, rows written at a time, and the tiles of a scene
_BANDS = {3: ("red", "green", "blue"), 1: ("landslide",)}


def training_window(region: str) -> Window:
    """The square, in pixels of the world, from which a region's chips are taken.

    Raises:
        RegionError: the world has no such region.
    """
    if region not in REGIONS:
        raise RegionError(f"{region}: no such region in the synthetic world; it has {', '.join(REGIONS)}")
    quadrant, index = SIZE // 2, REGIONS.index(region)
    start = (quadrant - TRAINING_SIDE) // 2
    return Window(start + quadrant * (index % 2), start + quadrant * (index // 2), TRAINING_SIDE, TRAINING_SIDE)


def write_chips(
    world: World, folder: Path, region: str, count: int = 60, size: int = 96, negatives: float = 0.2
) -> list[Path]:
    """Write the training chips of a region: `images/` (after), `pre/` and `masks/`, same names in each.

    Chips lie on a grid of places that is walked in a serpentine: neighbours in the order of the names are
    neighbours on the ground, and a block of consecutive names is a patch of ground.

    Args:
        world: to be drawn.
        folder: to be made; must not hold anything yet.
        region: one of `REGIONS`.
        count: number of chips.
        size: side of a chip in pixels.
        negatives: share of the chips without a landslide: the same ground, had nothing slid there.

    Returns:
        The images, in order.

    Raises:
        RegionError: the world has no such region.
        ChipError: so many chips of this size do not fit into the training square.
        WorkspaceError: the folder holds something already.
    """
    squares = places(region, count, size)
    quiet = World(world.seed, world.pixel_size, landslide_density=0)
    check_free(folder)
    with written_whole(folder) as temporary:
        for kind in ("images", "pre", "masks"):
            (temporary / kind).mkdir(parents=True)
        for number, place in enumerate(squares):
            # Spread evenly over the sequence, as floor((n + 1) * share) steps up
            negative = math.floor((number + 1) * negatives) > math.floor(number * negatives)
            window = choose_window(world, place, size)
            drawn = (quiet if negative else world).render(window)
            name = f"{region}_{number:04d}.tif"
            for kind, pixels in (("images", drawn.post), ("pre", drawn.pre), ("masks", drawn.mask[None])):
                profile = _profile(world, drawn.transform, pixels.shape, compress="deflate")
                with rasterio.open(temporary / kind / name, "w", **profile) as dataset:
                    dataset.write(pixels)
                    dataset.descriptions = _BANDS[len(pixels)]
    return [folder / "images" / f"{region}_{number:04d}.tif" for number in range(count)]


def choose_window(world: World, place: Window, size: int) -> Window:
    """Choose a square window inside a place, over the middle of one of its landslides if it has any."""
    column, row = int(place.col_off), int(place.row_off)
    draw = [
        float(uniform(subseed(world.seed, name), np.array([column]), np.array([row]))[0])
        for name in ("chip landslide", "chip column", "chip row")
    ]
    middles = world.landslide_axes(place)[:, POINTS // 2]
    inside = (middles >= (column, row)).all(axis=1) & (middles < (column + place.width, row + place.height)).all(axis=1)
    room = np.array([place.width - size, place.height - size])
    corner = np.array(draw[1:]) * (room + 1)
    if inside.any():
        middle = middles[inside][int(draw[0] * inside.sum())]
        corner = middle - (column, row) - (0.2 + 0.6 * np.array(draw[1:])) * size  # not always in the middle
    corner = np.clip(np.floor(corner), 0, room).astype(int)
    return Window(column + int(corner[0]), row + int(corner[1]), size, size)


def write_scene(world: World, folder: Path, window: Window) -> Path:
    """Write a scene as `pre.tif`, `post.tif` and `truth.tif` (1 landslide, 0 none), in bands of rows.

    Memory does not grow with the scene's height.

    Raises:
        WorkspaceError: the folder holds something already.
    """
    check_free(folder)
    column, row, width, height = (int(value) for value in window.flatten())
    transform = rasterio.windows.transform(window, world.transform)
    with written_whole(folder) as temporary:
        temporary.mkdir(parents=True)
        shapes = {"pre": (3, height, width), "post": (3, height, width), "truth": (1, height, width)}
        options: dict[str, Any] = {"tiled": True, "blockxsize": BAND, "blockysize": BAND, "bigtiff": "if_safer"}
        options |= {"compress": "deflate", "zlevel": 1}
        files = {
            name: rasterio.open(temporary / f"{name}.tif", "w", **_profile(world, transform, shape, **options))
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
                file.descriptions = _BANDS[file.count]
        finally:
            for file in files.values():
                file.close()
    return folder


def places(region: str, count: int, size: int) -> list[Window]:
    """Squares of a region's training window, in a serpentine, one for each chip.

    Raises:
        RegionError: the world has no such region.
        ChipError: so many chips of this size do not fit.
    """
    square = training_window(region)
    per_row = math.ceil(math.sqrt(count))
    side = TRAINING_SIDE // per_row if per_row else 0
    if count < 1 or side < size:
        raise ChipError(f"{count} chips of {size} px do not fit into {TRAINING_SIDE} px; ask for 1 or more, or fewer")
    squares = []
    for number in range(count):
        row, column = divmod(number, per_row)
        column = column if row % 2 == 0 else per_row - 1 - column
        squares.append(Window(square.col_off + column * side, square.row_off + row * side, side, side))
    return squares


def _profile(world: World, transform: Affine, shape: tuple[int, ...], **options: Any) -> dict[str, Any]:
    count, height, width = shape
    profile = {"driver": "GTiff", "dtype": "uint8", "count": count, "height": height, "width": width}
    photometric = {"photometric": "rgb"} if count == 3 else {}
    return profile | photometric | {"crs": world.crs, "transform": transform} | options


def check_free(folder: Path) -> None:
    """Make sure that a folder can be made here.

    Raises:
        WorkspaceError: it holds something already.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise WorkspaceError(f"{folder}: is there already; remove it or name another folder")
