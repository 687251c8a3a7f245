"""Colours, sizes and hatches that all pictures of a report share, and how a figure becomes SVG.

The colours of candidates and confirmed landslides differ in lightness, so that they can be distinguished with any
colour vision and in greyscale.
"""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from tsmu.database import Status
from tsmu.situation.inputs import Observed

MILLIMETRE = 1 / 25.4  # inches
FILL = {Status.CANDIDATE: "#f7a11b", Status.CONFIRMED: "#b11f04"}
EDGE = {Status.CANDIDATE: "#3d1d00", Status.CONFIRMED: "#2b0500"}
LABELS = {Status.CANDIDATE: "candidate, undecided", Status.CONFIRMED: "confirmed by people"}
OBSERVED_LABELS = {
    Observed.SEEN: "seen before and after",
    Observed.NOT_BEFORE: "not seen before",
    Observed.NOT_AFTER: "not seen after",
    Observed.NEITHER: "not seen at all",
}
HATCH_PERIOD = 10  # pixels between two lines of a hatch
HATCH_GREY = 70  # grey of the lines, 0 to 255
UNSEEN_WHITE = 0.72  # how far unseen ground is whitened under the lines, 0 to 1
# Text in the SVG stays text, drawn in a font of the reader's, because names may be in any script.
_SVG: dict[Any, Any] = {
    "svg.fonttype": "none", "svg.hashsalt": "tsmu", "font.family": "sans-serif",
    "font.sans-serif": ["Arial", "Liberation Sans", "DejaVu Sans"], "font.size": 7, "text.parse_math": False,
}  # fmt: skip
_HARD_PIXELS = re.compile("image-rendering: ?[a-z-]+;? ?")
# Characters that XML cannot hold, and control characters that change the direction of the surrounding text.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]")

Picture = npt.NDArray[np.uint8]


@contextmanager
def figure_style() -> Iterator[None]:
    """A context in which figures are drawn in the report's style.

    matplotlib's warnings about characters missing from its font are silenced: it only measures texts with that font,
    and the reader's font draws them.
    """
    with matplotlib.rc_context(_SVG), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
        yield


def svg_text(figure: Figure, dpi: float = 200) -> str:
    """A figure as the text of an SVG element; the same figure always gives the same text."""
    buffer = StringIO()
    figure.savefig(buffer, format="svg", dpi=dpi, metadata={"Date": None, "Creator": None})
    # matplotlib asks browsers to scale images without smoothing, which would make hatches vanish at some sizes.
    text = _HARD_PIXELS.sub("", buffer.getvalue())
    return text[text.index("<svg") :]


def plain_text(text: object, most: int = 200) -> str:
    r"""A text from users as one line without control characters, cut to at most `most` characters.

    Example:
        >>> plain_text("two\nlines"), plain_text("abcdef", most=4)
        ('two lines', 'abc…')
    """
    line = " ".join(_UNPRINTABLE.sub("", str(text)).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def hatch_lines(observed: Observed, shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """The pixels (H, W) of the hatch for a class of ground that was not seen.

    Lines rise from left to right on ground not seen after the event, fall on ground not seen before it, and cross on
    ground not seen at all.
    """
    rows, columns = np.indices(shape)
    rising = (rows + columns) % HATCH_PERIOD == 0
    falling = (rows - columns) % HATCH_PERIOD == 0
    none = np.zeros(shape, bool)
    return (rising if observed in (Observed.NOT_AFTER, Observed.NEITHER) else none) | (
        falling if observed in (Observed.NOT_BEFORE, Observed.NEITHER) else none
    )


def hatch_unseen(picture: Picture, classes: npt.NDArray[np.uint8]) -> Picture:
    """Whiten and hatch the ground that was not seen.

    Args:
        picture: (H, W, 3), 0 to 255; it is not changed.
        classes: the class of `Observed` of each pixel, (H, W).

    Returns:
        A new picture of the same shape.
    """
    drawn = picture.astype(np.float32)
    unseen = classes > Observed.SEEN
    drawn[unseen] += (255 - drawn[unseen]) * UNSEEN_WHITE
    for observed in (Observed.NOT_BEFORE, Observed.NOT_AFTER, Observed.NEITHER):
        drawn[(classes == observed) & hatch_lines(observed, classes.shape)] = HATCH_GREY
    return np.asarray(drawn.astype(np.uint8))
