"""The layout of GVLM: one large image pair with a mask for each place is cut into chips.

A table names the place of each chip, so that chips of a place are kept in the same split. The sides of images are
seldom multiples of a chip's side, so the last chips of a row or column overlap the ones before. Pixels that two chips
show are unknown in the mask of the second chip, so that no pixel is learned from or scored twice.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from tsmu.errors import DataError
from tsmu.files import write_text
from tsmu.public_data.layouts.chip_writer import UNKNOWN, find_files, write_chip
from tsmu.public_data.layouts.laid_out import LaidOut, ShowChips

SIZE = 512  # pixels of a chip's side
BANDS = ("red", "green", "blue")
LEAST_MARGIN = 64  # pixels; a narrower rest at the right or lower edge of an image is dropped
MAX_PIXELS = 1 << 30


def lay_out(source: Path, out: Path, show: ShowChips) -> LaidOut:
    """Cut `PLACE/im1.png` (before), `im2.png` (after) and `ref.png` (mask) into chips, and write `groups.csv`."""
    places = [path.parent for path in find_files(source, "im2.*")]
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # beyond Pillow's limit for pictures of unknown origin
    laid_out, groups, pixels, dropped = LaidOut(), ["name,group"], 0, 0
    for done, place in enumerate(places, start=1):
        pre, post, mask = (_read(place, name) for name in ("im1", "im2", "ref"))
        if not pre.shape == post.shape == (*mask.shape[:2], len(BANDS)):
            raise DataError(
                f"{place}: its images and mask are of the shapes {pre.shape}, {post.shape} and {mask.shape}"
            )
        height, width = post.shape[:2]
        # The mask in which pixels become UNKNOWN as soon as a chip shows them.
        remaining = ((mask if mask.ndim == 2 else mask.max(axis=2)) > 0).astype(np.uint8)
        name = place.name.replace(" ", "_")
        for row in _starts(height):
            for column in _starts(width):
                window = np.s_[row : row + SIZE, column : column + SIZE]
                chip = f"{name}_{row}_{column}"
                image, before = (side[window].transpose(2, 0, 1) for side in (post, pre))
                write_chip(out, chip, image, remaining[window], pre=before, bands=BANDS)
                remaining[window] = UNKNOWN
                groups.append(f"{chip},{name}")
                laid_out.chips["."] += 1
        if min(height, width) < SIZE:
            laid_out.left_out[f"places narrower than a chip of {SIZE} px"] += 1
        else:
            dropped += int((remaining != UNKNOWN).sum())
        pixels += height * width
        show(done, len(places))
    if dropped:
        laid_out.left_out[f"margins narrower than {LEAST_MARGIN} px ({dropped / pixels:.2%} of all pixels)"] += 1
    write_text(out / "groups.csv", "\n".join([*groups, ""]))
    return laid_out


def _starts(length: int) -> list[int]:
    """Give the positions at which chips begin along a side of an image, in pixels.

    The last chip overlaps the one before it; but if the rest of the side is narrower than LEAST_MARGIN, it is dropped.

    Example:
        >>> _starts(1024), _starts(1100), _starts(1030), _starts(500)
        ([0, 512], [0, 512, 588], [0, 512], [])
    """
    starts = list(range(0, length - SIZE + 1, SIZE))
    return [*starts, length - SIZE] if starts and length % SIZE >= LEAST_MARGIN else starts


def _read(place: Path, name: str) -> np.ndarray:
    """Read an image of a place, (H, W, 3), or its mask (`ref`), (H, W) or (H, W, C)."""
    path = find_files(place, f"{name}.*")[0]
    try:
        with Image.open(path) as opened:
            return np.asarray(opened.convert("RGB") if name != "ref" else opened)
    except OSError as problem:
        raise DataError(f"{path}: cannot be read ({problem}); unpack the archive again") from None
