"""How large tiles are, from the engine and the machine's memory."""

import math
import os
from dataclasses import dataclass

from tsmu.mapping.engine import Engine

SIDES = (1024, 768, 512, 384, 256)  # px
BUDGET = 700e6  # bytes; with the program itself and GDAL's cache this stays under 1.5 GB
SHARE = 0.25  # of the machine's memory
# Bytes that a U-Net with ResNet-34 takes per pixel of a tile, measured with OpenVINO on tiles of 512
# and 1,024 px. Other encoders take more or less; --tile is for them.
BYTES_PER_PIXEL = {"float32": 480, "bfloat16": 280}


@dataclass(frozen=True)
class Tiling:
    """Side of a tile and pixels that tiles share at least, and tiles given to the network at once."""

    tile: int
    overlap: int
    batch: int


def plan_tiling(engine: Engine, bands: int, width: int, tile: int | None, overlap: int) -> Tiling:
    """Choose the tile, unless it is given.

    Large tiles compute little twice: with 128 px shared, tiles of 512 px compute each pixel 1.8
    times and tiles of 1,024 px 1.3 times. Memory is what bounds them.

    Args:
        engine: what computes, and how many tiles at the same time.
        bands: of the scene.
        width: of the scene, pixels.
        tile: side of a tile, if it is given.
        overlap: pixels that tiles share.
    """
    room = min(BUDGET, SHARE * _memory())
    batch = max(engine.at_once, 1)
    fitting = [side for side in SIDES if _bytes(engine, bands, width, side, batch) <= room]
    smallest = max(64, math.ceil(2 * overlap / 32) * 32)
    tile = tile or next((side for side in fitting if side >= smallest), smallest)
    return Tiling(tile, overlap, batch)


def _bytes(engine: Engine, bands: int, width: int, side: int, batch: int) -> float:
    """Memory for tiles in the network, tiles that wait for it, and the row of tiles being blended."""
    network = batch * side**2 * BYTES_PER_PIXEL[engine.precision]
    waiting = 5 * batch * side**2 * bands * 4
    return network + waiting + 10 * width * side


def _memory() -> float:
    """Bytes that the machine has; where the system does not tell, as if there were plenty.

    Not those that are free now: a run that goes on must come to the tiles of the one before it.
    """
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):
        return BUDGET / SHARE
