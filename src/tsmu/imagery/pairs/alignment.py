"""Bring the pre-event image of a pair onto the grid of the post-event image, and find how far it lies off."""

import math
from dataclasses import dataclass
from pathlib import Path

from rasterio.windows import Window

from tsmu.imagery.pairs.registration import ImageShift, estimate_shift, is_reliable
from tsmu.imagery.rasters import Grid, read_stack, resample_to_file, units_mismatch
from tsmu.issues import IssueLog

COMPARED_SIDE = 2048  # px in the middle of the pair, on which the shift is estimated
MIN_CORRECTED_SHIFT = 0.5  # px; resampling blurs more than a smaller shift harms
COARSER = 1.5  # pre images whose pixels are more than so many times as wide as the post image's are logged
MIN_REPORTED_SHIFT = 2.0  # px of shift, left as it is, that are worth a line in the log

UNITS_ACTION = "used as they are; if their units differ, bring both to one, such as reflectance"


@dataclass(frozen=True)
class AlignedImage:
    """A pre image on the grid of its post image.

    Attributes:
        path: the raster to read.
        shift: how far its content lay off; None where it cannot be estimated.
        shift_corrected: whether it was moved back.
        resampled: whether its pixels are not those of the file given.
    """

    path: Path
    shift: ImageShift | None
    shift_corrected: bool
    resampled: bool


def align_pre_image(
    pre: Path,
    own: Grid,
    post: Path,
    grid: Grid,
    target: Path,
    log: IssueLog,
    *,
    file: str,
    row: int | None,
    correct: bool,
) -> AlignedImage:
    """Resample a pre image onto the grid of its post image where need be, and estimate how far it lies off.

    Args:
        pre: the pre image.
        own: its grid.
        post: the post image.
        grid: its grid.
        target: the file for a resampled pre image.
        log: takes a shift that stays, and what speaks against the same units of both images.
        file: the file that the log names.
        row: its row, if it is a table.
        correct: resample a pre image that certainly lies at least half a pixel off, so that it does not.
    """
    resampled = not own.same_as(grid)
    path = resample_to_file(pre, own, grid, target) if resampled else pre
    if (coarser := own.relative_pixel_size(grid)) > COARSER:
        problem = f"the pixels of the pre image are {coarser:.2g} times as wide as those of the post image"
        log.warning(file, problem, "interpolated onto the post image's grid", row=row)
    (post_pixels, pre_pixels), valid = read_stack([post, path], _middle(grid))
    shift = estimate_shift(post_pixels, pre_pixels, valid)
    is_large = shift is not None and math.hypot(shift.x, shift.y) >= MIN_CORRECTED_SHIFT
    reliable = shift is not None and is_large and is_reliable(shift, post_pixels, pre_pixels, valid)
    mismatch = units_mismatch(pre_pixels, post_pixels, valid)
    if pre_pixels.shape == post_pixels.shape and (pre_pixels == post_pixels)[:, valid].all():
        problem = "the pre image shows the same pixels as the post image"
        log.warning(file, problem, "used; give the image from before the event", row=row)
    elif mismatch is not None:
        log.warning(file, mismatch, UNITS_ACTION, row=row)
    if correct and reliable and shift is not None:
        path = resample_to_file(pre, own, grid, target, content_shift=(shift.x, shift.y))
        return AlignedImage(path, shift, shift_corrected=True, resampled=True)
    if shift is not None:
        _log_shift(shift, log, file, row, reliable=reliable, correct=correct)
    return AlignedImage(path, shift, shift_corrected=False, resampled=resampled)


def _middle(grid: Grid) -> Window:
    """The middle of a pair, on which its images are compared."""
    width, height = min(grid.width, COMPARED_SIDE), min(grid.height, COMPARED_SIDE)
    return Window((grid.width - width) // 2, (grid.height - height) // 2, width, height)


def _log_shift(shift: ImageShift, log: IssueLog, file: str, row: int | None, *, reliable: bool, correct: bool) -> None:
    """Log a shift that stays: a large one, or one that was to be corrected."""
    size = math.hypot(shift.x, shift.y)
    if size < (MIN_CORRECTED_SHIFT if correct else MIN_REPORTED_SHIFT):
        return
    offset = f"{shift.x:.1f} px right and {shift.y:.1f} px down of the post image"
    if reliable:
        log.warning(file, f"the pre image lies {offset}", "kept; --correct-shift moves it back", row=row)
    else:
        problem = f"the pre image seems to lie {offset}, but parts of it do not agree (blurred, or much has changed)"
        log.warning(file, problem, "kept where it is; compare the two in a GIS", row=row)
