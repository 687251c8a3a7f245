"""Draw a part of a labelled pair: the images before and after, the truth, and how a map agrees with the truth.

    python benchmarks/scripts/pair_picture.py PAIR PROBABILITY.tif PERCENT LEFT,TOP,WIDTH,HEIGHT OUT.jpg

PAIR is a folder with `pre.tif`, `post.tif` and `mask.tif` on one grid. PROBABILITY.tif is a map of `tsmu map` on the
same grid. PERCENT is the probability from which a pixel counts as landslide. The window is in pixels. Unknown ground is
coloured in neither of the two lower pictures. docs/iburi.jpg was drawn in this way, from the window 722,378,560,345.
"""

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from rasterio.windows import Window

from tsmu.imagery import read_raster
from tsmu.labels import LANDSLIDE, UNKNOWN

GAP = 6  # px between the pictures
FONT_PX = 20
RIGHT, MISSED, WRONG = (86, 196, 92), (226, 62, 48), (240, 190, 60)
BRIGHTEST, GAMMA = (1, 99), 0.8  # percentiles of a band that become black and white; exponent of the brightness

Picture = npt.NDArray[np.uint8]


def draw_pair(folder: Path, probability: Path, percent: int, window: Window) -> Image.Image:
    """Draw the four pictures of a window, two in a row.

    Args:
        folder: the folder of the pair.
        probability: the map.
        percent: probability from which a pixel counts as landslide, whole percent.
        window: the window in pixels.
    """
    pre, post, mask, mapped = (
        read_raster(path, window)[0]
        for path in (folder / "pre.tif", folder / "post.tif", folder / "mask.tif", probability)
    )
    known, truth = mask[0] != UNKNOWN, mask[0] == LANDSLIDE
    found = (mapped[0] >= percent) & (mapped[0] <= 100) & known
    grey = np.repeat(_stretched(post).mean(axis=2, keepdims=True) * 0.6, 3, axis=2).astype(np.uint8)
    pictures = {
        "before": _stretched(pre),
        "after": _stretched(post),
        "truth": _painted(grey, {MISSED: truth}),
        "map: right (green), missed (red), not in the truth (yellow)": _painted(
            grey, {RIGHT: found & truth, MISSED: truth & ~found, WRONG: found & ~truth}
        ),
    }
    height, width = truth.shape
    sheet = Image.new("RGB", (2 * width + GAP, 2 * height + GAP), "white")
    drawing, font = ImageDraw.Draw(sheet), ImageFont.load_default(FONT_PX)
    for number, (title, picture) in enumerate(pictures.items()):
        left, top = (number % 2) * (width + GAP), (number // 2) * (height + GAP)
        sheet.paste(Image.fromarray(picture), (left, top))
        box = drawing.textbbox((left + 8, top + 6), title, font=font)
        drawing.rectangle((left, top, box[2] + 8, box[3] + 8), fill="black")
        drawing.text((left + 8, top + 6), title, fill="white", font=font)
    return sheet


def _stretched(image: npt.NDArray[np.generic]) -> Picture:
    """Convert an image (3, H, W) to bytes (H, W, 3), with each band stretched between two of its percentiles."""
    bands = image.astype(np.float64)
    low, high = (np.percentile(bands[:, bands.any(axis=0)], share, axis=1)[:, None, None] for share in BRIGHTEST)
    bytes_ = 255 * ((bands - low) / (high - low)).clip(0, 1) ** GAMMA
    return np.moveaxis(bytes_, 0, -1).astype(np.uint8)


def _painted(picture: Picture, colours: dict[tuple[int, int, int], npt.NDArray[np.bool_]]) -> Picture:
    """Copy a picture (H, W, 3), and colour in the copy the pixels that the mask (H, W) of each colour marks."""
    painted = picture.copy()
    for colour, where in colours.items():
        painted[where] = colour
    return painted


if __name__ == "__main__":
    pair, probability, percent, window, out = sys.argv[1:]
    draw_pair(Path(pair), Path(probability), int(percent), Window(*map(int, window.split(",")))).save(out, quality=85)
