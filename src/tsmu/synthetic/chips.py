"""Write the training chips of the synthetic world, images and masks, into folders."""

import math
from pathlib import Path

import numpy as np
import rasterio
from rasterio.windows import Window

from tsmu.errors import ChipError, RegionError
from tsmu.files import atomic_write
from tsmu.synthetic.noise import subseed, uniform
from tsmu.synthetic.raster_files import BAND_NAMES, raster_profile, require_empty
from tsmu.synthetic.scars import POINTS
from tsmu.synthetic.territory import REGIONS, SIZE
from tsmu.synthetic.world import World

TRAINING_SIDE = 8192  # pixels; chips come from a square with this side in the middle of their region's quadrant
SEARCH = 4  # a landslide for a chip is searched in a square with so many times the chip's side


def training_window(region: str) -> Window:
    """The square, in pixels of the world, from which a region's chips are taken.

    Raises:
        RegionError: the world has no such region.

    Example:
        >>> square = training_window("eastern_forests")
        >>> square.col_off, square.row_off, square.width, square.height
        (26624, 26624, 8192, 8192)
    """
    if region not in REGIONS:
        raise RegionError(f"{region}: no such region in the synthetic world; it has {', '.join(REGIONS)}")
    quadrant, index = SIZE // 2, REGIONS.index(region)
    start = (quadrant - TRAINING_SIDE) // 2
    return Window(start + quadrant * (index % 2), start + quadrant * (index // 2), TRAINING_SIDE, TRAINING_SIDE)


def write_chips(
    world: World, folder: Path, region: str, count: int = 60, size: int = 96, negatives: float = 0.2
) -> list[Path]:
    """Write the training chips of a region: `images/` (post-event), `pre/` and `masks/`, with the same names in each.

    Each chip lies in a square of its own; the squares form a grid and are numbered in a serpentine. So neighbours in
    the order of the names are neighbours on the ground, and a block of consecutive names is a patch of ground.

    Args:
        world: world to be drawn.
        folder: a new or empty folder.
        region: one of `REGIONS`.
        count: number of chips.
        size: side of a chip in pixels.
        negatives: share of the chips that are drawn without landslides, as if the same ground had never had any.

    Returns:
        The paths of the images, in order.

    Raises:
        RegionError: the world has no such region.
        ChipError: so many chips of this size do not fit into the training square.
        WorkspaceError: the folder holds something already.

    Example:
        >>> [path.name for path in write_chips(World(0), Path("hills"), "eastern_forests", count=2, size=32)]
        ['eastern_forests_0000.tif', 'eastern_forests_0001.tif']
    """
    squares = chip_squares(region, count, size)
    quiet = World(world.seed, world.pixel_size, landslide_density=0)
    require_empty(folder)
    with atomic_write(folder) as temporary:
        for kind in ("images", "pre", "masks"):
            (temporary / kind).mkdir(parents=True)
        for number, square in enumerate(squares):
            # Chips without landslides are spread evenly over the sequence: where floor((n + 1) * share) increases.
            negative = math.floor((number + 1) * negatives) > math.floor(number * negatives)
            window = choose_window(world, square, size)
            drawn = (quiet if negative else world).render(window)
            name = f"{region}_{number:04d}.tif"
            for kind, pixels in (("images", drawn.post), ("pre", drawn.pre), ("masks", drawn.mask[None])):
                profile = raster_profile(drawn.transform, pixels.shape)
                with rasterio.open(temporary / kind / name, "w", **profile) as dataset:
                    dataset.write(pixels)
                    dataset.descriptions = BAND_NAMES[len(pixels)]
    return [folder / "images" / f"{region}_{number:04d}.tif" for number in range(count)]


def choose_window(world: World, square: Window, size: int) -> Window:
    """Choose the window of a chip in the middle part of its square, over a landslide if this part has any.

    Args:
        world: the world.
        square: the chip's square, in pixels of the world.
        size: side of the chip in pixels.
    """
    side = min(int(square.width), SEARCH * size)
    column = int(square.col_off) + (int(square.width) - side) // 2
    row = int(square.row_off) + (int(square.height) - side) // 2
    choice, *shift = (
        float(uniform(subseed(world.seed, name), np.array([column]), np.array([row]))[0])
        for name in ("chip landslide", "chip column", "chip row")
    )
    middles = world.landslide_axes(Window(column, row, side, side))[:, POINTS // 2] - (column, row)
    middles = middles[((middles >= 0) & (middles < side)).all(axis=1)]
    if len(middles):
        corner = middles[int(choice * len(middles))] - (0.2 + 0.6 * np.array(shift)) * size
    else:
        corner = np.array(shift) * (side - size + 1)
    left, top = np.clip(np.floor(corner), 0, side - size).astype(int)
    return Window(column + int(left), row + int(top), size, size)


def chip_squares(region: str, count: int, size: int) -> list[Window]:
    """Divide a region's training window into a grid of squares, one for each chip, numbered in a serpentine.

    Raises:
        RegionError: the world has no such region.
        ChipError: so many chips of this size do not fit.
    """
    training = training_window(region)
    per_row = math.ceil(math.sqrt(count))
    side = TRAINING_SIDE // per_row if per_row else 0
    if count < 1 or side < size:
        raise ChipError(f"{count} x {size} px do not fit into {TRAINING_SIDE} px; ask for 1 chip or more, or fewer")
    squares = []
    for number in range(count):
        row, column = divmod(number, per_row)
        column = column if row % 2 == 0 else per_row - 1 - column
        squares.append(Window(training.col_off + column * side, training.row_off + row * side, side, side))
    return squares
