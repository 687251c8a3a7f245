"""How large tiles are and how much they share, from the network and the memory at hand."""

import os
from dataclasses import dataclass

from tsmu.mapping.engine import Engine

SIDES = (1024, 768, 512, 384, 256)  # px
BUDGET = 700e6  # bytes; with the program itself and GDAL's cache this stays under 1.5 GB
SHARE = 0.25  # of the free memory
# Bytes that a U-Net with ResNet-34 takes per pixel of a tile, measured with OpenVINO on 512 and
# 1,024 px; other encoders come near enough to be chosen for.
BYTES_PER_PIXEL = {"float32": 480, "bfloat16": 280}
# Four of the network's coarsest pixels: what it says there depends on what lies further off by less
# than the rounding to whole percents, for the networks measured.
OVERLAP = 4 * 32


@dataclass(frozen=True)
class Tiling:
    """Side of a tile, pixels that tiles share at least, and tiles given to the network at once."""

    tile: int
    overlap: int
    batch: int


def plan_tiling(engine: Engine, bands: int, width: int, tile: int | None = None, overlap: int | None = None) -> Tiling:
    """Choose what is not given.

    Large tiles compute little twice: with 128 px shared, tiles of 512 px compute each pixel 1.8
    times and tiles of 1,024 px 1.3 times. Memory is what bounds them.

    Args:
        engine: what computes, and how many tiles at the same time.
        bands: of the scene.
        width: of the scene, pixels.
        tile: side of a tile, if it is given.
        overlap: pixels to share, if they are given.
    """
    room = min(BUDGET, SHARE * _free_memory())
    batch = max(engine.at_once, 1)
    fitting = [side for side in SIDES if _bytes(engine, bands, width, side, batch) <= room]
    tile = tile or (fitting or SIDES[-1:])[0]
    return Tiling(tile, min(OVERLAP, tile // 2) if overlap is None else overlap, batch)


def _bytes(engine: Engine, bands: int, width: int, side: int, batch: int) -> float:
    """Memory for tiles in the network, tiles that wait for it, and the row of tiles being blended."""
    network = batch * side**2 * BYTES_PER_PIXEL[engine.precision]
    waiting = 5 * batch * side**2 * bands * 4
    return network + waiting + 10 * width * side


def _free_memory() -> float:
    """Bytes that are free; where the system does not tell, as if there were plenty."""
    try:
        return float(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):
        return BUDGET / SHARE
