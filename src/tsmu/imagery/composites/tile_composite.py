"""One tile of a composite: of each pixel the median of its clear observations in the narrowest window that has any.

Why the median, and not the clearest scene first: a cloud's edge, a thin cloud or a shadow that the mask missed is in
one scene of several, and the median is none of them; and scenes that lie a fraction of a pixel off average out. Why by
pixel and not by area: ground that was seen within 30 days is not mixed with another season because a cloud stood
elsewhere.
"""

import json
import zipfile
from collections.abc import Callable, Sequence, Set
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from tsmu.errors import SceneError, ServerError
from tsmu.files import atomic_write
from tsmu.imagery.composites.event_scenes import EventScene
from tsmu.imagery.composites.observations import NOT_SEEN_OPTICAL, Observation, ObservationReader
from tsmu.imagery.rasters import Grid, Pixels, Valid

ROWS_AT_ONCE = 32  # whose observations are sorted at once


@dataclass
class TileResult:
    """The composite of one tile.

    Attributes:
        pixels: (C, H, W); uint16 with 0, or float32 with NaN, where nothing was seen clear.
        seen: id of a scene -> pixels of the area in whose median it is.
        failed: id of a scene that could not be read -> why.
        answered: whether any scene could be read.
    """

    pixels: Pixels
    seen: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    answered: bool = False


def compose_tile(
    reader: ObservationReader,
    scenes: Sequence[Sequence[EventScene]],
    band_count: int,
    grid: Grid,
    inside: Valid,
    pool: Executor,
    is_answering: Callable[[EventScene], bool],
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
        is_answering: whether the servers that a scene comes from answer at all.

    Raises:
        ServerError: the servers do not answer any more.
    """
    nothing = 0 if reader.kind == "optical" else np.nan
    result = TileResult(np.full((band_count, *inside.shape), nothing, dtype=reader.dtype))
    needed = inside.copy()
    for window in scenes:
        if not needed.any():
            break
        observations = _read_all(partial(_read_once_more, reader, is_answering, grid, needed), window, pool, result)
        if observations:
            seen = np.logical_or.reduce([one.clear for one in observations])
            for row in range(0, grid.height, ROWS_AT_ONCE):
                rows = slice(row, row + ROWS_AT_ONCE)
                medians = median_of_observations(np.stack([one.values[:, rows] for one in observations]))
                np.copyto(result.pixels[:, rows], medians, where=seen[rows])
            needed &= ~seen
    return result


def _read_once_more(
    reader: ObservationReader,
    is_answering: Callable[[EventScene], bool],
    grid: Grid,
    needed: Valid,
    scene: EventScene,
) -> Observation | SceneError | None:
    """Read a scene; where that fails although its servers answer, once more, so that a short failure does no harm.

    Returns:
        What the scene shows, None where it shows nothing that counts, or the error if it is the scene that fails.

    Raises:
        ServerError: the servers do not answer any more, so that nothing can be said of the scene.
    """
    try:
        return reader.read(scene, grid, needed)
    except ServerError:
        if not is_answering(scene):
            raise
    except SceneError as error:
        return error
    try:
        return reader.read(scene, grid, needed)
    except SceneError as error:
        return error


def _read_all(
    read: Callable[[EventScene], Observation | SceneError | None],
    scenes: Sequence[EventScene],
    pool: Executor,
    result: TileResult,
) -> list[Observation]:
    """Read all scenes of one window of days; what they contribute, and those that fail, go into the result."""
    read_scenes = []
    for scene, answer in zip(scenes, pool.map(read, scenes), strict=True):
        if isinstance(answer, SceneError):
            result.failed[scene.item.id] = str(answer)
            continue
        result.answered = True
        if answer is not None:
            read_scenes.append((scene, answer))
    return _join_passes(read_scenes, result)


def _join_passes(read_scenes: Sequence[tuple[EventScene, Observation]], result: TileResult) -> list[Observation]:
    """Make one observation of the scenes of one pass, so that ground which two of them show does not count twice.

    Of two scenes that show the same ground, the one in the zone of the grid is taken, which is not resampled.
    """
    passes: dict[object, Observation] = {}
    for scene, own in sorted(read_scenes, key=lambda one: (one[1].is_resampled, one[0].order)):
        joined = passes.setdefault(scene.acquisition, own)
        added = own.clear if joined is own else own.clear & ~joined.clear
        if joined is not own:
            joined.values[:, added] = own.values[:, added]
            joined.clear[added] = True
        if added.any():
            result.seen[scene.item.id] = int(added.sum())
    return [passes[key] for key in sorted(passes, key=str)]


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
        return np.asarray((middle[0].astype(np.uint32) + middle[1] + 1) // 2, dtype=np.uint16)
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
