"""GVLM: large pairs with a mask, one for each place, cut into chips; a table keeps the chips of a place together."""

from pathlib import Path

import numpy as np
from PIL import Image

from tsmu.errors import DataError
from tsmu.files import write_text
from tsmu.public_data.layouts.chip_writer import find_files, write_chip
from tsmu.public_data.layouts.laid_out import LaidOut, ShowChips

SIZE = 512  # pixels of a chip's side
BANDS = ("red", "green", "blue")
MAX_PIXELS = 1 << 30


def lay_out(source: Path, out: Path, show: ShowChips) -> LaidOut:
    """Cut `PLACE/im1.png` (before), `im2.png` (after) and `ref.png` (mask) into chips, and write `groups.csv`."""
    places = [path.parent for path in find_files(source, "im2.*")]
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # beyond Pillow's limit for pictures of unknown origin
    laid_out, groups = LaidOut(), ["name,group"]
    for done, place in enumerate(places, start=1):
        pre, post, mask = (_read(place, name) for name in ("im1", "im2", "ref"))
        if not pre.shape == post.shape == (*mask.shape[:2], len(BANDS)):
            raise DataError(
                f"{place}: its images and mask are of the shapes {pre.shape}, {post.shape} and {mask.shape}"
            )
        landslide = (mask if mask.ndim == 2 else mask.max(axis=2)) > 0
        name = place.name.replace(" ", "_")
        for row in range(0, post.shape[0] - SIZE + 1, SIZE):
            for column in range(0, post.shape[1] - SIZE + 1, SIZE):
                window = np.s_[row : row + SIZE, column : column + SIZE]
                chip = f"{name}_{row}_{column}"
                image, before = (pixels[window].transpose(2, 0, 1) for pixels in (post, pre))
                write_chip(out, chip, image, landslide[window], pre=before, bands=BANDS)
                groups.append(f"{chip},{name}")
                laid_out.chips["."] += 1
        show(done, len(places))
    write_text(out / "groups.csv", "\n".join([*groups, ""]))
    return laid_out


def _read(place: Path, name: str) -> np.ndarray:
    """An image of a place, (H, W, C) or (H, W)."""
    path = find_files(place, f"{name}.*")[0]
    try:
        with Image.open(path) as opened:
            return np.asarray(opened.convert("RGB") if name != "ref" else opened)
    except OSError as problem:
        raise DataError(f"{path}: cannot be read ({problem}); unpack the archive again") from None
