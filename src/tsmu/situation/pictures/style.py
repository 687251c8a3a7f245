"""Colours, sizes and hatches that all pictures of a report share, and how a figure becomes SVG.

Colours tell candidates from confirmed landslides for any colour vision and in greyscale: they differ in lightness.
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
HATCH_PERIOD = 10  # pixels between two lines
HATCH_GREY = 70  # of the lines
UNSEEN_WHITE = 0.72  # how far unseen ground is whitened under the lines
# Text stays text, in whatever font the reader has: names may be in any script.
_SVG: dict[Any, Any] = {
    "svg.fonttype": "none", "svg.hashsalt": "tsmu", "font.family": "sans-serif",
    "font.sans-serif": ["Arial", "Liberation Sans", "DejaVu Sans"], "font.size": 7, "text.parse_math": False,
}  # fmt: skip
_HARD_PIXELS = re.compile("image-rendering: ?[a-z-]+;? ?")
# What XML cannot hold, and what turns the direction of the text around it.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]")

Picture = npt.NDArray[np.uint8]


@contextmanager
def figure_style() -> Iterator[None]:
    """Draw figures in the report's style; characters that the measuring font lacks are the reader's font's."""
    with matplotlib.rc_context(_SVG), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
        yield


def svg_text(figure: Figure, dpi: float = 200) -> str:
    """A figure as an SVG element, the same bytes for the same figure."""
    buffer = StringIO()
    figure.savefig(buffer, format="svg", dpi=dpi, metadata={"Date": None, "Creator": None})
    # matplotlib asks browsers for hard pixels, between which hatches would come and go on a screen.
    text = _HARD_PIXELS.sub("", buffer.getvalue())
    return text[text.index("<svg") :]


def plain_text(text: object, most: int = 200) -> str:
    r"""A text of people in one line without control characters, cut where it is too long.

    Example:
        >>> plain_text("two\nlines"), plain_text("abcdef", most=4)
        ('two lines', 'abc…')
    """
    line = " ".join(_UNPRINTABLE.sub("", str(text)).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def hatch_lines(observed: Observed, shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Where lines run over ground that was not seen: rising not after, falling not before, both for neither."""
    rows, columns = np.indices(shape)
    rising = (rows + columns) % HATCH_PERIOD == 0
    falling = (rows - columns) % HATCH_PERIOD == 0
    none = np.zeros(shape, bool)
    return (rising if observed in (Observed.NOT_AFTER, Observed.NEITHER) else none) | (
        falling if observed in (Observed.NOT_BEFORE, Observed.NEITHER) else none
    )


def hatch_unseen(picture: Picture, classes: npt.NDArray[np.uint8]) -> Picture:
    """Whiten and hatch what was not seen.

    Args:
        picture: (H, W, 3).
        classes: (H, W), of `Observed`.

    Returns:
        Another picture.
    """
    drawn = picture.astype(np.float32)
    unseen = classes > Observed.SEEN
    drawn[unseen] += (255 - drawn[unseen]) * UNSEEN_WHITE
    for observed in (Observed.NOT_BEFORE, Observed.NOT_AFTER, Observed.NEITHER):
        drawn[(classes == observed) & hatch_lines(observed, classes.shape)] = HATCH_GREY
    return np.asarray(drawn.astype(np.uint8))
