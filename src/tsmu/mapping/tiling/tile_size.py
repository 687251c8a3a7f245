"""How large tiles are, how much they share, and how many are computed at once: by the networks and the memory."""

import math
import os
from dataclasses import dataclass
from pathlib import Path

from tsmu.mapping.inference.engine import NETWORK_STRIDE, Engine
from tsmu.mapping.inference.receptive_field import measure_receptive_field
from tsmu.mapping.tiling.tile_axis import RAMP_SHARE
from tsmu.model import Bundle

SIDES = (1024, 768, 512, 384, 256)  # px
MEMORY_BUDGET = 700e6  # bytes; with the program itself and GDAL's cache this stays under 1.5 GB
MEMORY_SHARE = 0.25  # of the machine's memory
CONTAINER_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
# Bytes that a U-Net with ResNet-34 takes per pixel of a tile, measured with OpenVINO on tiles of 512
# and 1,024 px; int8 takes less than bfloat16, whose figure it has. Other encoders take more or less;
# --tile is for them.
BYTES_PER_PIXEL = {"float32": 480, "bfloat16": 280, "int8": 280}
OVERLAP_STEP = 16  # px; overlaps are multiples of it
MIN_OVERLAP, MAX_OVERLAP = 64, 128  # px; with 32 the IoU was 0.994, and more than 128 brings next to nothing


@dataclass(frozen=True)
class Tiling:
    """How a scene is divided into tiles.

    Attributes:
        tile: side of a tile, px.
        overlap: pixels that neighbouring tiles share at least.
        batch: tiles that go into the network at once.
    """

    tile: int
    overlap: int
    batch: int


def plan_tiling(engine: Engine, bands: int, width: int, tile: int | None, overlap: int, networks: int = 1) -> Tiling:
    """Choose the side of the tiles, unless it is given, and the size of a batch.

    With large tiles little is computed twice: if 128 px are shared, tiles of 512 px compute each pixel
    1.8 times and tiles of 1,024 px 1.3 times. Their size is bounded by the memory.

    Args:
        engine: computes the tiles.
        bands: of the scene.
        width: of the scene, px.
        tile: side of a tile, if it is given.
        overlap: pixels that neighbouring tiles share.
        networks: how many are loaded at the same time, each with memory of its own.

    Example:
        >>> plan_tiling(engine, bands=6, width=10_000, tile=512, overlap=128)
        Tiling(tile=512, overlap=128, batch=1)
    """
    available = min(MEMORY_BUDGET, MEMORY_SHARE * _memory())
    batch = max(engine.parallel_tiles, 1)
    fitting = [side for side in SIDES if _bytes_needed(engine, bands, width, side, batch, networks) <= available]
    smallest = max(2 * NETWORK_STRIDE, math.ceil(2 * overlap / NETWORK_STRIDE) * NETWORK_STRIDE)
    tile = tile or next((side for side in fitting if side >= smallest), smallest)
    return Tiling(tile, overlap, batch)


def measure_overlap(engine: Engine, bundle: Bundle, decoder: str, cache: Path, tile: int | None = None) -> int:
    """Give how much tiles share so that predictions count only where they lack nothing that can be noticed.

    Args:
        engine: the decoder's network.
        bundle: the model version.
        decoder: the name of the decoder.
        cache: the workspace's folder of what can be computed again, which keeps the measurement.
        tile: side of a tile, if it is given.

    Returns:
        Pixels: 64 to 128, and at most half a tile.

    Example:
        >>> measure_overlap(engine, bundle, "alps", space.cache)
        64
    """
    file = cache / bundle.digest / "reach" / f"{decoder}.json"
    overlap = overlap_for(measure_receptive_field(engine, bundle.record.mean, bundle.record.std, file))
    return min(max(overlap, MIN_OVERLAP), MAX_OVERLAP, (tile or 2 * MAX_OVERLAP) // 2)


def overlap_for(margin: int) -> int:
    """Give how many pixels tiles share so that predictions count only at least `margin` px from the tiles' edges."""
    return math.ceil(2 * margin / (1 - RAMP_SHARE) / OVERLAP_STEP) * OVERLAP_STEP


def _bytes_needed(engine: Engine, bands: int, width: int, side: int, batch: int, networks: int) -> float:
    """Estimate the memory of tiles in the networks, of tiles that wait, and of the row of tiles being blended."""
    computing = networks * batch * side**2 * BYTES_PER_PIXEL[engine.precision]
    waiting = 5 * batch * side**2 * bands * 4  # bytes of five batches of float32 values
    return computing + waiting + 10 * width * side


def _memory() -> float:
    """Give the bytes of memory of the machine or, if that allows less, of the container that this process runs in.

    The memory that is free at the moment does not count, because a run that is continued must choose the same tiles as
    before. Where the system does not tell its memory, it is taken to be enough for `MEMORY_BUDGET`.
    """
    limits = [_number_in(file) for file in CONTAINER_LIMITS]
    try:
        limits.append(float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")))
    except (AttributeError, ValueError, OSError):
        limits.append(MEMORY_BUDGET / MEMORY_SHARE)
    return min(limits)


def _number_in(file: Path) -> float:
    """Read the number in a file of the system; infinity where there is none."""
    try:
        return float(file.read_text())
    except (OSError, ValueError):
        return math.inf
