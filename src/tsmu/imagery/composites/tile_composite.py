"""One tile of a composite: of each pixel the median of its clear observations in the narrowest window that has any.

Why the median, and not the clearest scene first: a cloud's edge, a thin cloud or a shadow that the mask missed is in
one scene of several, and the median is none of them; and scenes that lie a fraction of a pixel off average out. Why by
pixel and not by area: ground that was seen within 30 days is not mixed with another season because a cloud stood
elsewhere.
"""

import json
import zipfile
from collections.abc import Sequence, Set
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tsmu.errors import SceneError, ServerError
from tsmu.files import atomic_write
from tsmu.imagery.composites.event_scenes import EventScene
from tsmu.imagery.composites.observations import NOT_SEEN_OPTICAL, ObservationReader
from tsmu.imagery.rasters import Grid, Pixels, Valid

ROWS_AT_ONCE = 32  # whose observations are sorted at once


@dataclass
class TileResult:
    """The composite of one tile.

    Attributes:
        pixels: (C, H, W); uint16 with 0, or float32 with NaN, where nothing was seen clear.
        seen: id of a scene -> pixels of the area in whose median it is.
        failed: id of a scene that could not be read -> why.
        unanswered: those among them for which the server failed, while it gave nothing else of that window either.
        answered: whether the server gave anything.
    """

    pixels: Pixels
    seen: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    unanswered: list[str] = field(default_factory=list)
    answered: bool = False


def compose_tile(
    reader: ObservationReader,
    scenes: Sequence[Sequence[EventScene]],
    band_count: int,
    grid: Grid,
    inside: Valid,
    pool: Executor,
) -> TileResult:
    """Compose a tile.

    Wider windows are read only while some pixel of the area was not seen clear in the narrower ones. A scene that
    cannot be read is left out, as if it were not there.

    Args:
        reader: reads scenes.
        scenes: those that meet the tile, by window of days, narrowest first.
        band_count: bands of the composite.
        grid: of the tile.
        inside: which of its pixels lie in the area, (H, W).
        pool: reads several scenes at once.
    """
    nothing = 0 if reader.kind == "optical" else np.nan
    result = TileResult(np.full((band_count, *inside.shape), nothing, dtype=reader.dtype))
    needed = inside.copy()
    for window in scenes:
        if not needed.any():
            break
        observations, clear = _read_all(reader, window, grid, needed, pool, result)
        if observations:
            seen = np.logical_or.reduce(clear)
            for row in range(0, grid.height, ROWS_AT_ONCE):
                rows = slice(row, row + ROWS_AT_ONCE)
                medians = median_of_observations(np.stack([values[:, rows] for values in observations]))
                np.copyto(result.pixels[:, rows], medians, where=seen[rows])
            needed &= ~seen
    return result


def _read_all(
    reader: ObservationReader,
    scenes: Sequence[EventScene],
    grid: Grid,
    needed: Valid,
    pool: Executor,
    result: TileResult,
) -> tuple[list[Pixels], list[Valid]]:
    """Read all scenes of one window of days; what they contribute, and those that fail, go into the result."""

    def read(scene: EventScene) -> tuple[Pixels, Valid] | SceneError | None:
        try:
            return reader.read(scene, grid, needed)
        except SceneError as error:
            return error

    observations, clear, unanswered = [], [], []
    for scene, answer in zip(scenes, pool.map(read, scenes), strict=True):
        if isinstance(answer, SceneError):
            result.failed[scene.item.id] = str(answer)
            if isinstance(answer, ServerError):
                unanswered.append(scene.item.id)
            continue
        result.answered = True
        if answer is not None:
            observations.append(answer[0])
            clear.append(answer[1])
            result.seen[scene.item.id] = int(answer[1].sum())
    # Where the server gave another scene of the same window, it is there, and what failed is the scene.
    if len(unanswered) == len(scenes):
        result.unanswered += unanswered
    return observations, clear


def median_of_observations(stack: Pixels) -> Pixels:
    """The median of the observations of each pixel and band.

    Args:
        stack: (N, C, H, W), which is sorted in place; uint16 with 65535, or float32 with NaN, where a scene shows
            nothing.

    Returns:
        (C, H, W); of an even number the mean of the middle two. Where no scene shows anything: 65535 or NaN.

    Example:
        >>> median_of_observations(np.array([[[[7]]], [[[65535]]], [[[4]]]], dtype=np.uint16))
        array([[[6]]], dtype=uint16)
    """
    stack.sort(axis=0)  # what shows nothing goes to the end
    last = (stack != NOT_SEEN_OPTICAL if stack.dtype == np.uint16 else ~np.isnan(stack)).sum(axis=0) - 1
    middle = [np.take_along_axis(stack, at.clip(0)[None], axis=0)[0] for at in (last // 2, (last + 1) // 2)]
    if stack.dtype == np.uint16:
        return ((middle[0].astype(np.uint32) + middle[1] + 1) // 2).astype(np.uint16)
    return np.asarray((middle[0] + middle[1]) / 2, dtype=np.float32)


def write_tile(path: Path, result: TileResult) -> None:
    """Store a finished tile whole."""
    about = json.dumps({"seen": result.seen, "failed": sorted(result.failed)})
    with atomic_write(path) as temporary:
        np.savez_compressed(temporary, pixels=result.pixels, about=np.array(about))


def tile_is_valid(path: Path, left_out: Set[str]) -> bool:
    """Whether a tile is stored, was composed without what is left out now, and lacks nothing else."""
    seen, failed = read_tile_scenes(path)
    return seen is not None and not (left_out & seen.keys()) and failed <= left_out


def read_tile_scenes(path: Path) -> tuple[dict[str, int] | None, set[str]]:
    """The scenes of a stored tile with their pixels, and those that failed; None where no tile can be read."""
    try:
        with np.load(path) as stored:
            about = json.loads(str(stored["about"]))
            return about["seen"], set(about["failed"])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None, set()


def read_tile_pixels(path: Path) -> Pixels:
    """The pixels (C, H, W) of a stored tile."""
    with np.load(path) as stored:
        pixels: Pixels = stored["pixels"]
    return pixels
