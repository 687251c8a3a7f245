"""Pictures of pairs to look at: before, after, and the label outlined on the picture after."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from tsmu.files import atomic_write
from tsmu.imagery import describe_raster, read_raster
from tsmu.labels.mask_conventions import LANDSLIDE, UNKNOWN, ZERO_ONE

STRETCH = (2.0, 98.0)  # percentiles shown from black to white
OUTLINE_COLOUR = (255, 235, 0)
PANEL_GAP = 8  # pixels between the panels
MAX_PANEL_WIDTH = 1024  # pixels

Bytes = npt.NDArray[np.uint8]


def rgb_picture(image: Path) -> Bytes:
    """Show a raster as 8-bit red, green and blue, else its first band in grey: (H, W, 3), invalid pixels black."""
    bands = describe_raster(image).bands
    values, valid = read_raster(image)
    rgb = [bands.index(name) for name in ("red", "green", "blue") if name in bands]
    picture = values[rgb] if len(rgb) == 3 else np.repeat(values[:1], 3, axis=0)
    if picture.dtype != np.uint8:
        picture = np.stack([_stretch(band, valid) for band in picture])
    return np.ascontiguousarray(np.moveaxis(np.where(valid, picture, 0).astype(np.uint8), 0, -1))


def pair_picture(pre: Path | None, post: Path, mask: Path | None, out: Path) -> Path:
    """Write a PNG with the pre image, the post image, and the post image with the label outlined.

    Unknown pixels of the label are darkened. Large images are shown by every n-th pixel.

    Args:
        pre: raster on the grid of `post`; None for a post-only pair.
        post: the post-event raster.
        mask: raster on the same grid, 0, 1 and 255 (unknown); None where there is no label.
        out: the PNG.

    Returns:
        `out`.

    Example:
        >>> picture = pair_picture(None, Path(pairs["post"][0]), Path(labels["mask"][0]), Path("a.png"))
        >>> describe_raster(picture).width  # two panels of 100 px, 8 px apart
        208
    """
    from scipy import ndimage

    after = rgb_picture(post)
    panels = [after] if pre is None else [rgb_picture(pre), after]
    if mask is not None:
        classes = ZERO_ONE.read(mask)
        landslides = classes == LANDSLIDE
        labelled = after.copy()
        labelled[classes == UNKNOWN] //= 3
        labelled[ndimage.binary_dilation(landslides, iterations=2) & ~landslides] = OUTLINE_COLOUR
        panels.append(labelled)
    step = -(-after.shape[1] // MAX_PANEL_WIDTH)
    gap = np.full((len(after[::step]), PANEL_GAP, 3), 255, np.uint8)
    parts = [part for panel in panels for part in (gap, panel[::step, ::step])][1:]
    with atomic_write(out) as temporary:
        Image.fromarray(np.concatenate(parts, axis=1)).save(temporary, format="PNG")
    return out


def _stretch(band: npt.NDArray[np.generic], valid: npt.NDArray[np.bool_]) -> Bytes:
    """Stretch the values of a band to 0..255 between two percentiles of its valid pixels."""
    if not valid.any():
        return np.zeros(band.shape, np.uint8)
    low, high = np.percentile(band[valid].astype(np.float64), STRETCH)
    scaled = (np.where(valid, band, low).astype(np.float64) - low) / max(float(high - low), 1e-12)
    return np.asarray((np.clip(scaled, 0, 1) * 255).round(), np.uint8)
