"""A scene to be mapped: windows of one or two rasters as one stack of named bands."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rasterio.io import DatasetReader
from rasterio.windows import Window
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from tsmu.errors import MapError
from tsmu.imagery.raster import RasterInfo, Valid, describe, image_errors, open_raster, read_window

RESOLUTION_FACTOR = 2.0  # how far a scene's pixels may be from those of the training chips

Stack = npt.NDArray[np.float32]


class Scene:
    """Post-event raster, and pre-event raster on the same grid where the bands ask for one.

    Args:
        post: description of the post-event raster.
        bands: the model's band list, such as `pre:red`, ..., `post:blue`.
        datasets: the open rasters by role, `pre` before `post`.
        picks: per role the positions of the wanted bands.
    """

    def __init__(
        self, post: RasterInfo, bands: Sequence[str], datasets: dict[str, DatasetReader], picks: dict[str, list[int]]
    ) -> None:
        self.info = post
        self.bands = tuple(bands)
        self._datasets = datasets
        self._picks = picks

    @property
    def height(self) -> int:
        """Rows."""
        return self.info.height

    @property
    def width(self) -> int:
        """Columns."""
        return self.info.width

    @property
    def footprint(self) -> BaseGeometry:
        """The raster's outline in its own CRS."""
        left, top = self.info.transform @ (0, 0)
        right, bottom = self.info.transform @ (self.width, self.height)
        return box(min(left, right), min(top, bottom), max(left, right), max(top, bottom))

    def read(self, row: int, column: int, height: int, width: int) -> tuple[Stack, Valid]:
        """Read a rectangle that may reach beyond the scene.

        Returns:
            Values (C, height, width) in raw units, NaN where there is no data, mirrored at the
            scene's edges; and validity (height, width), False outside the scene.
        """
        top, left = max(row, 0), max(column, 0)
        bottom, right = min(row + height, self.height), min(column + width, self.width)
        window = Window(left, top, right - left, bottom - top)
        parts = []
        valid = np.ones((bottom - top, right - left), bool)
        for role, dataset in self._datasets.items():
            with image_errors(Path(dataset.name)):
                values, known = read_window(dataset, window)
            parts.append(values[self._picks[role]].astype(np.float32))
            valid &= known
        stack = np.concatenate(parts)
        stack[:, ~valid] = np.nan
        outside = ((top - row, row + height - bottom), (left - column, column + width - right))
        return _mirrored(stack, outside), np.pad(valid, outside)


def _mirrored(stack: Stack, outside: tuple[tuple[int, int], tuple[int, int]]) -> Stack:
    """Continue an image beyond its edges, again and again where it is thinner than what is missing."""
    for axis, missing in enumerate(outside, start=1):
        padding = [(0, 0)] * 3
        padding[axis] = missing
        stack = np.pad(stack, padding, mode="reflect" if stack.shape[axis] > 1 else "edge")
    return stack


@contextmanager
def open_scene(post: Path, pre: Path | None, bands: Sequence[str]) -> Iterator[Scene]:
    """Open a scene and find the model's bands in it.

    Raises:
        MapError: no CRS, a CRS that is not on Earth, another grid for pre than for post, or bands
            that are not there.
        ImageError: a raster is missing or damaged.
    """
    infos = {"post": describe(post)} if pre is None else {"pre": describe(pre), "post": describe(post)}
    wanted = {
        role: [band.partition(":")[2] for band in bands if band.startswith(f"{role}:")] for role in ("pre", "post")
    }
    if wanted["pre"] and pre is None:
        raise MapError(f"{post}: the model compares it with a pre-event image; give one with --pre PRE.tif")
    if pre is not None and not wanted["pre"]:
        raise MapError(f"{pre}: the model takes post-event images alone; leave --pre out")
    for info in infos.values():
        _check_place(info)
    if pre is not None:
        _check_same_grid(infos["pre"], infos["post"])
    picks = {role: _pick(info, wanted[role]) for role, info in infos.items()}
    with ExitStack() as stack:
        datasets = {role: stack.enter_context(open_raster(info.path)) for role, info in infos.items()}
        yield Scene(infos["post"], bands, datasets, picks)


def check_resolution(scene: Scene, trained: tuple[float, float] | None) -> None:
    """Refuse a scene whose pixels are more than twice, or less than half, those of the training chips.

    Args:
        scene: the scene.
        trained: smallest and largest pixel size in training, metres; None where it is not known.
    """
    size = scene.info.pixel_size
    if trained is None or size is None:
        return
    low, high = trained[0] / RESOLUTION_FACTOR, trained[1] * RESOLUTION_FACTOR
    if not low <= size <= high:
        raise MapError(
            f"{scene.info.path}: pixels of {size:.3g} m, the model knows {low:.3g} to {high:.3g} m; "
            "resample the scene, or map it all the same with --any-resolution"
        )


def _check_place(info: RasterInfo) -> None:
    if not info.georeferenced:
        raise MapError(f"{info.path}: has no CRS or no transform, so there is nowhere to map to; georeference it first")
    if not info.on_earth:
        name = info.crs.to_dict().get("name") or info.crs.to_wkt().split('"')[1] if info.crs else ""
        raise MapError(f"{info.path}: its CRS ({name}) is not on Earth; areas and regions have no meaning there")


def _check_same_grid(pre: RasterInfo, post: RasterInfo) -> None:
    same_size = (pre.width, pre.height) == (post.width, post.height)
    if pre.crs != post.crs or not same_size or not pre.transform.almost_equals(post.transform, 1e-6):
        raise MapError(f"{pre.path}: is on another grid than {post.path}; warp it onto that one first (gdalwarp)")


def _pick(info: RasterInfo, wanted: list[str]) -> list[int]:
    """Find bands by name; a raster that names none has them in order."""
    nameless = all(band.startswith("band_") for band in info.bands)
    if nameless and len(info.bands) == len(wanted):
        return list(range(len(wanted)))
    missing = [band for band in wanted if band not in info.bands]
    if missing:
        raise MapError(
            f"{info.path}: lacks the bands {', '.join(missing)}; it has {', '.join(info.bands)}, "
            "name its bands in their descriptions"
        )
    return [info.bands.index(band) for band in wanted]
