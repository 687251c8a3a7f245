"""Chips as small pictures: the image, the label, and what a network makes of it."""

import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from tsmu.labels import BACKGROUND, LANDSLIDE, UNKNOWN

SIDE = 160  # pixels of a picture's panel
GAP = 2  # pixels between two panels
CAPTION_HEIGHT = 14  # pixels
HIT, MISS, FALSE_ALARM = (27, 158, 119), (217, 95, 2), (117, 112, 179)  # green, orange and violet
OUTLINE = (255, 235, 0)  # yellow

Picture = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.int64]
Values = npt.NDArray[np.float32]


def outcome_picture(image: Values, probability: Values, mask: Mask, percent: int) -> Image.Image:
    """A chip's image, label and outcome (hits, misses and false alarms) side by side.

    Args:
        image: (C, H, W), raw units, without terrain.
        probability: (H, W), 0 to 1.
        mask: (H, W), 0, 1 and 255 (unknown).
        percent: threshold of the probability.

    Example:
        >>> ground, nothing = np.full((3, 20, 20), 110, np.float32), np.zeros((20, 20), np.float32)
        >>> outcome_picture(ground, nothing, np.eye(20, dtype=int), percent=50).size
        (484, 160)
    """
    predicted = np.floor(100 * probability + 0.5) >= percent
    label = np.zeros((*mask.shape, 3), np.uint8)
    label[mask == LANDSLIDE] = 255
    label[mask == UNKNOWN] = 128
    outcome = np.zeros_like(label)
    outcome[predicted & (mask == LANDSLIDE)] = HIT
    outcome[~predicted & (mask == LANDSLIDE)] = MISS
    outcome[predicted & (mask == BACKGROUND)] = FALSE_ALARM
    return _side_by_side([_colours(image), label, outcome])


def label_picture(image: Values, mask: Mask) -> Image.Image:
    """A chip with its landslides outlined and unknown pixels darkened; the image before the event, if any, beside it.

    Args:
        image: (C, H, W), raw units, without terrain; of six bands the first three are those before the event.
        mask: (H, W), 0, 1 and 255 (unknown).

    Example:
        >>> label_picture(np.full((6, 20, 20), 110, np.float32), np.eye(20, dtype=int)).size
        (322, 160)
    """
    from scipy import ndimage

    after = _colours(image)
    landslide = mask == LANDSLIDE
    # Enlarged to about the size that is shown before the outline is drawn, so that its line, one pixel wide, does not
    # cover a small landslide.
    scale = max(1, SIDE // max(mask.shape))
    after, unknown, landslide = (
        part.repeat(scale, axis=0).repeat(scale, axis=1) for part in (after, mask == UNKNOWN, landslide)
    )
    after[unknown] //= 3
    after[landslide & ~ndimage.binary_erosion(landslide)] = OUTLINE
    return _side_by_side([_colours(image[:3]), after] if len(image) == 6 else [after])


def captioned_sheet(rows: Sequence[tuple[str, Image.Image]], columns: int = 1) -> bytes:
    """Pictures of one size below and beside each other, each under its caption, as a PNG.

    Args:
        rows: captions and pictures, at least one.
        columns: pictures beside each other.

    Example:
        >>> captioned_sheet([("a chip", Image.new("RGB", (160, 160)))])[1:4]
        b'PNG'
    """
    width, height = rows[0][1].size
    step = (width + GAP, height + CAPTION_HEIGHT + GAP)
    lines = -(-len(rows) // columns)
    sheet = Image.new("RGB", (min(columns, len(rows)) * step[0] - GAP, lines * step[1] - GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for number, (caption, picture) in enumerate(rows):
        left, top = number % columns * step[0], number // columns * step[1]
        drawable = caption.encode("latin-1", "replace").decode("latin-1")  # Pillow's own font may lack other letters
        draw.text((left + GAP, top), drawable, fill="black")
        sheet.paste(picture, (left, top + CAPTION_HEIGHT))
    return png_bytes(sheet)


def png_bytes(picture: Image.Image) -> bytes:
    """A picture as a PNG file.

    Example:
        >>> png_bytes(Image.new("RGB", (2, 2)))[1:4]
        b'PNG'
    """
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _side_by_side(panels: Sequence[Picture]) -> Image.Image:
    """Panels (H, W, 3), each enlarged or reduced to `SIDE` pixels."""
    sheet = Image.new("RGB", (len(panels) * (SIDE + GAP) - GAP, SIDE), "white")
    for number, panel in enumerate(panels):
        scaled = Image.fromarray(panel).resize((SIDE, SIDE), Image.Resampling.NEAREST)
        sheet.paste(scaled, (number * (SIDE + GAP), 0))
    return sheet


def _colours(image: Values) -> Picture:
    """The last three image bands (post-event red, green, blue) stretched between their 2nd and 98th percentiles."""
    bands = image[-3:] if len(image) >= 3 else np.repeat(image[-1:], 3, axis=0)
    if not np.isfinite(bands).any():
        return np.zeros((*bands.shape[1:], 3), np.uint8)
    low, high = np.nanpercentile(bands, (2, 98))
    stretched = np.nan_to_num((bands - low) / max(high - low, 1e-6))
    return np.asarray((255 * stretched.clip(0, 1)).astype(np.uint8).transpose(1, 2, 0))
