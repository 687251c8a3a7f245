"""How far around a pixel a network looks, measured, and how much tiles have to share for it.

Near the edge of a tile an answer lacks what lies beyond it. How far in that can be seen depends on the
network, its weights included: the theoretical field of a U-Net with ResNet-34 is larger than any
tile, untrained networks look that far, and trained ones hardly 50 px. So a large picture and a piece
cut out of its middle are answered, and their answers compared ring by ring from the edge of the
piece inwards.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import ndimage

from tsmu.files import write_json
from tsmu.mapping.inference.engine import Engine
from tsmu.mapping.scene.raster import Values
from tsmu.mapping.tiling.tile_axis import RAMP_SHARE
from tsmu.model.bundle import Bundle

WHOLE, PIECE = 512, 256  # px
RING = 8  # px
# Difference of logits, as a share of their standard deviation. Random ground upsets a network more than real
# ground does: with a U-Net with ResNet-34 that differed by 0.09 to 0.2 in the rings that an overlap leaves out,
# the masks of 2,048 px of landscape had an IoU of 0.9965 (overlap 64), 0.9973 (128) and 0.9986 (256) with the
# whole picture's, of which bfloat16 alone takes 0.0014.
NOTICEABLE = 0.15
GRAINS = (1, 6, 24)  # px; sizes of what the picture shows
STEP = 16  # px; overlaps are multiples of it
SMALLEST, LARGEST = 64, 128  # px; with 32 the IoU was 0.994, and more than 128 brings next to nothing


def measured_overlap(engine: Engine, bundle: Bundle, decoder: str, cache: Path, tile: int | None = None) -> int:
    """Give what tiles have to share so that only answers count that lack nothing which can be noticed.

    Args:
        engine: the decoder's network.
        bundle: that it is from.
        decoder: its name.
        cache: the workspace's folder for what can be made again; what was measured lies there.
        tile: side of a tile, if it is given.

    Returns:
        Pixels: 64 to 128, and at most half a tile.
    """
    file = cache / bundle.digest / "reach" / f"{decoder}.json"
    wanted = overlap_for(measured_reach(engine, bundle.record.mean, bundle.record.std, file))
    return min(max(wanted, SMALLEST), LARGEST, (tile or 2 * LARGEST) // 2)


def overlap_for(reach: int) -> int:
    """Give what tiles have to share so that only answers at least `reach` px away from their edges count."""
    return math.ceil(2 * reach / (1 - RAMP_SHARE) / STEP) * STEP


def measured_reach(engine: Engine, mean: Sequence[float], std: Sequence[float], file: Path) -> int:
    """Measure from which distance to a tile's edge on its answers are those of the whole scene, once.

    Args:
        engine: the network.
        mean: per band, of the images that it was trained on, raw units.
        std: likewise.
        file: where the result is kept, in the cache of the bundle.

    Returns:
        Pixels, a multiple of 8; half of the piece that was looked at, 128, if they never are.
    """
    if file.exists():
        return int(json.loads(file.read_text(encoding="utf-8"))["reach"])
    whole = _picture(mean, std)
    start = (WHOLE - PIECE) // 2
    inner = np.s_[..., start : start + PIECE, start : start + PIECE]
    expected = engine.predict(whole[None])[0]
    off = engine.predict(np.ascontiguousarray(whole[inner])[None])[0] - expected[inner]
    rings = _by_ring(off) / max(float(expected.std()), 1e-12)
    noticed = np.flatnonzero(rings > NOTICEABLE)
    reach = RING * (int(noticed[-1]) + 1) if len(noticed) else 0
    found = {"reach": reach, "difference_by_ring": rings.tolist(), "ring": RING, "engine": str(engine)}
    write_json(file, found)
    return reach


def _by_ring(off: Values) -> Values:
    """Root mean square of differences (S, S) in rings of 8 px from the edge inwards."""
    place = np.minimum(np.arange(PIECE), np.arange(PIECE)[::-1])
    ring = np.minimum(place[:, None], place) // RING
    squares = np.bincount(ring.ravel(), off.ravel() ** 2) / np.bincount(ring.ravel())
    return np.sqrt(squares).astype(np.float32)


def _picture(mean: Sequence[float], std: Sequence[float]) -> Values:
    """Random ground (C, H, W) of fine and coarse grains, with the statistics given; always the same."""
    random = np.random.default_rng(0)
    total = np.zeros((len(mean), WHOLE, WHOLE), np.float32)
    for grain in GRAINS:
        noise = random.normal(size=total.shape)
        smooth = np.stack([ndimage.gaussian_filter(band, grain, mode="wrap") for band in noise])
        total += (smooth / smooth.std()).astype(np.float32)
    total /= total.std()
    return total * np.asarray(std, np.float32)[:, None, None] + np.asarray(mean, np.float32)[:, None, None]
