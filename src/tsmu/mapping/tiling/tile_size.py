"""How large tiles are and how much they share, from the networks and the machine's memory."""

import math
import os
from dataclasses import dataclass
from pathlib import Path

from tsmu.mapping.inference.engine import Engine

SIDES = (1024, 768, 512, 384, 256)  # px
BUDGET = 700e6  # bytes; with the program itself and GDAL's cache this stays under 1.5 GB
SHARE = 0.25  # of the machine's memory
CONTAINER_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
# Bytes that a U-Net with ResNet-34 takes per pixel of a tile, measured with OpenVINO on tiles of 512
# and 1,024 px; int8 takes less than bfloat16, whose figure it has. Other encoders take more or less;
# --tile is for them.
BYTES_PER_PIXEL = {"float32": 480, "bfloat16": 280, "int8": 280}


@dataclass(frozen=True)
class Tiling:
    """Side of a tile and pixels that tiles share at least, and tiles given to the network at once."""

    tile: int
    overlap: int
    batch: int


def plan_tiling(engine: Engine, bands: int, width: int, tile: int | None, overlap: int, networks: int = 1) -> Tiling:
    """Choose the tile, unless it is given.

    Large tiles compute little twice: with 128 px shared, tiles of 512 px compute each pixel 1.8
    times and tiles of 1,024 px 1.3 times. Memory is what bounds them.

    Args:
        engine: what computes, and how many tiles at the same time.
        bands: of the scene.
        width: of the scene, pixels.
        tile: side of a tile, if it is given.
        overlap: pixels that tiles share.
        networks: how many are ready at the same time, each with memory of its own.
    """
    room = min(BUDGET, SHARE * _memory())
    batch = max(engine.at_once, 1)
    fitting = [side for side in SIDES if _bytes(engine, bands, width, side, batch, networks) <= room]
    smallest = max(64, math.ceil(2 * overlap / 32) * 32)
    tile = tile or next((side for side in fitting if side >= smallest), smallest)
    return Tiling(tile, overlap, batch)


def _bytes(engine: Engine, bands: int, width: int, side: int, batch: int, networks: int) -> float:
    """Memory for tiles in the networks, tiles that wait for it, and the row of tiles being blended."""
    network = networks * batch * side**2 * BYTES_PER_PIXEL[engine.precision]
    waiting = 5 * batch * side**2 * bands * 4
    return network + waiting + 10 * width * side


def _memory() -> float:
    """Bytes that this process may use, by the machine or its container; plenty where the system does not tell.

    Not those that are free now: a run that goes on must come to the tiles of the one before it.
    """
    allowed = [_number(file) for file in CONTAINER_LIMITS]
    try:
        allowed.append(float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")))
    except (AttributeError, ValueError, OSError):
        allowed.append(BUDGET / SHARE)
    return min(allowed)


def _number(file: Path) -> float:
    """The number in a file of the system; infinity where there is none."""
    try:
        return float(file.read_text())
    except (OSError, ValueError):
        return math.inf
