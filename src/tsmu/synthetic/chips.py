"""Training chips of the synthetic world on disk."""

import math
from pathlib import Path

import numpy as np
import rasterio
from rasterio.windows import Window

from tsmu.errors import ChipError, RegionError
from tsmu.files import atomic_write
from tsmu.synthetic.noise import subseed, uniform
from tsmu.synthetic.output import BAND_NAMES, check_free, raster_profile
from tsmu.synthetic.scars import POINTS
from tsmu.synthetic.territory import REGIONS, SIZE
from tsmu.synthetic.world import World

TRAINING_SIDE = 8192  # px; chips come from a square of this side in the middle of their region's quadrant
SEARCH = 4  # times a chip's side: how far around the middle of its place a landslide is looked for


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
    with atomic_write(folder) as temporary:
        for kind in ("images", "pre", "masks"):
            (temporary / kind).mkdir(parents=True)
        for number, place in enumerate(squares):
            # Spread evenly over the sequence, as floor((n + 1) * share) steps up
            negative = math.floor((number + 1) * negatives) > math.floor(number * negatives)
            window = choose_window(world, place, size)
            drawn = (quiet if negative else world).render(window)
            name = f"{region}_{number:04d}.tif"
            for kind, pixels in (("images", drawn.post), ("pre", drawn.pre), ("masks", drawn.mask[None])):
                profile = raster_profile(drawn.transform, pixels.shape)
                with rasterio.open(temporary / kind / name, "w", **profile) as dataset:
                    dataset.write(pixels)
                    dataset.descriptions = BAND_NAMES[len(pixels)]
    return [folder / "images" / f"{region}_{number:04d}.tif" for number in range(count)]


def choose_window(world: World, place: Window, size: int) -> Window:
    """Choose a square window in the middle of a place, over one of the landslides there if there are any."""
    side = min(int(place.width), SEARCH * size)
    column = int(place.col_off) + (int(place.width) - side) // 2
    row = int(place.row_off) + (int(place.height) - side) // 2
    which, *shift = (
        float(uniform(subseed(world.seed, name), np.array([column]), np.array([row]))[0])
        for name in ("chip landslide", "chip column", "chip row")
    )
    middles = world.landslide_axes(Window(column, row, side, side))[:, POINTS // 2] - (column, row)
    middles = middles[((middles >= 0) & (middles < side)).all(axis=1)]
    if len(middles):
        corner = middles[int(which * len(middles))] - (0.2 + 0.6 * np.array(shift)) * size
    else:
        corner = np.array(shift) * (side - size + 1)
    left, top = np.clip(np.floor(corner), 0, side - size).astype(int)
    return Window(column + int(left), row + int(top), size, size)


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
