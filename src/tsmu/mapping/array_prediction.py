"""Landslide probabilities of an image in memory, by the tiles and the blending that `tsmu map` has."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch

from tsmu.errors import MapError
from tsmu.imagery import describe_raster, find_undeclared_fill, image_channels, read_stack
from tsmu.mapping.inference.engine import Engine
from tsmu.mapping.scene.value_checks import measure_reach, shared_factor
from tsmu.mapping.tiling.row_blending import RowBlender, RowStitcher
from tsmu.mapping.tiling.tile_axis import TileAxis

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


class ImageSource(Protocol):
    """An image that is read by window; an open scene of the mapper is one, too.

    Example:
        >>> image: ImageSource = ArrayImage(np.zeros((3, 64, 96), np.float32))
        >>> values, valid = image.read(0, 0, 64, 64)
        >>> values.shape, valid.all()
        ((3, 64, 64), np.True_)
    """

    @property
    def width(self) -> int:
        """Columns."""

    @property
    def height(self) -> int:
        """Rows."""

    def read(self, row: int, column: int, height: int, width: int) -> tuple[Floats, Mask]:
        """Read a window that may reach beyond the bottom and right edge, where the edge is repeated.

        Returns:
            Raw values float32 (C, height, width), NaN where there is no data; and validity (height, width).
        """


@dataclass(frozen=True)
class ArrayImage:
    """An image in memory, float32 (C, H, W), NaN in any band = no data.

    Example:
        >>> ArrayImage(np.zeros((3, 64, 96), np.float32)).width
        96
    """

    values: Floats

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.values.shape[2])

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.values.shape[1])

    def read(self, row: int, column: int, height: int, width: int) -> tuple[Floats, Mask]:
        """Read a window, the edge repeated beyond the image as the network itself pads."""
        inside = self.values[:, row : row + height, column : column + width]
        beyond = height - inside.shape[1], width - inside.shape[2]
        valid = np.pad(np.isfinite(inside).all(axis=0), ((0, beyond[0]), (0, beyond[1])))
        values = np.pad(inside, ((0, 0), (0, beyond[0]), (0, beyond[1])), mode="edge")
        values[:, : inside.shape[1], : inside.shape[2]][:, ~valid[: inside.shape[1], : inside.shape[2]]] = np.nan
        return values, valid


def checked_array(image: npt.ArrayLike, bands: Sequence[str]) -> Floats:
    """An image (C, H, W) as float32, once its shape is checked.

    Args:
        image: numbers of any type, or booleans; a tensor, too. What a masked array masks is no data.
        bands: the model's band list.

    Raises:
        MapError: it has another shape or number of bands, or is empty.

    Example:
        >>> checked_array(np.zeros((3, 4, 5)), ["post:red", "post:green", "post:blue"]).dtype
        dtype('float32')
    """
    values = _as_array(image)
    if values.ndim != 3 or len(values) != len(bands) or not values.size or values.dtype.kind not in "buif":
        raise MapError(
            f"image of shape {values.shape} and type {values.dtype}: must be an array of numbers (bands, rows, "
            f"columns) with the {len(bands)} bands of the training in their order: {', '.join(bands)}"
        )
    numbers = np.array(values, dtype=np.float32)  # a copy: the caller's stays as it is
    if isinstance(image, np.ma.MaskedArray):  # as rasterio reads with masked=True
        numbers[np.ma.getmaskarray(image)] = np.nan
    return numbers


def _as_array(image: npt.ArrayLike) -> npt.NDArray[Any]:
    """What is given as an image as an array; also a tensor on a graphics card, or one that requires a gradient."""
    try:
        return np.asarray(image.detach().float().cpu() if isinstance(image, torch.Tensor) else image)
    except (TypeError, ValueError, RuntimeError) as error:
        raise MapError(f"image: cannot be read as an array ({error}); give numbers (bands, rows, columns)") from None


def check_numbers(
    values: Floats, bands: Sequence[str], mean: Sequence[float], std: Sequence[float], *, any_size: bool
) -> None:
    """Refuse an array with a fill value, or of another order of size than the training images, such as 0 to 1.

    Args:
        values: (C, H, W), NaN = no data.
        bands: their names; terrain is not checked, it has one unit everywhere.
        mean: per band, of the training images, raw units.
        std: likewise.
        any_size: accept values of any order of size, because the caller scales them to that of the training.

    Raises:
        MapError: many pixels have one value that looks like a fill value, or the values are of another order of size.

    Example:
        >>> check_numbers(np.full((1, 4, 4), 0.5, np.float32), ["post:red"], [110.0], [30.0], any_size=False)
        Traceback (most recent call last):
        tsmu.errors.MapError: image: its values reach about 0.5, those of the training images about 170; ...
    """
    images = image_channels(bands)
    if fill := find_undeclared_fill(values[images], np.asarray(np.isfinite(values[images]).all(axis=0))):
        position, value, count = fill
        raise MapError(
            f"image: {count} pixels of {bands[images[position]]} are {value:.10g}, far from all others; if that means "
            "no data, make them NaN"
        )
    reaches = measure_reach(values, bands, mean, std)
    for reach in reaches:
        if not any_size and not reach.fits:
            factor = shared_factor(reaches)
            if factor is None:
                advice = f"give its {reach.role} bands in the unit of the training images"
            else:
                advice = f"say how to scale them with scale=FACTOR (perhaps {factor:.2g}; 1 takes them as they are)"
            raise MapError(
                f"image: its values reach about {reach.here:.3g}, those of the training images about "
                f"{reach.learned:.3g}; give the raw values, or {advice}"
            )


def predict_probabilities(
    image: ImageSource,
    engine: Engine,
    axes: tuple[TileAxis, TileAxis],
    progress: Callable[[int, int, str], object],
) -> Floats:
    """Predict an image tile by tile, blended where tiles overlap.

    Args:
        image: raw values in the band order of the training.
        engine: the network of a region.
        axes: how its rows and its columns are cut into tiles.
        progress: called with (tiles done, all tiles, a note).

    Returns:
        Probabilities float32 (H, W), 0 to 1; NaN where the image has no data.

    Example:
        >>> image, axis = ArrayImage(np.zeros((3, 64, 64), np.float32)), TileAxis.plan(64, 64, 0)
        >>> predict_probabilities(image, engine, (axis, axis), lambda done, total, note: None).shape
        (64, 64)
    """
    rows, columns = axes
    blender, stitcher = RowBlender(rows, columns), RowStitcher(rows)
    result = np.empty((image.height, image.width), np.float32)
    for row, top in enumerate(rows.starts):
        for column, left in enumerate(columns.starts):
            values, valid = image.read(top, left, rows.tile, columns.tile)
            if valid.any():
                logits = engine.predict(np.ascontiguousarray(values[None]))
                blender.add(row, column, engine.probabilities(logits), valid)
            progress(row * len(columns) + column + 1, len(rows) * len(columns), "")
        (probability,), valid = stitcher.stitch(row, blender.finish_row())
        result[top : top + len(valid)] = np.where(valid, probability.clip(0, 1), np.float32(np.nan))
    return result


def is_plain_picture(path: Path | str) -> bool:
    """Whether an image has no place on Earth, so that it cannot be opened as a scene.

    Example:
        >>> is_plain_picture("post.tif")
        False
    """
    info = describe_raster(path)
    return not (info.georeferenced and info.on_earth)


def read_plain_pictures(post: Path, pre: Path | None, bands: Sequence[str]) -> Floats:
    """Read images without a place on Earth, which must be of one size, as the array that a model takes.

    Args:
        post: the post-event image.
        pre: the pre-event image, for models that take one.
        bands: the model's band list; images that name none of their bands are taken by position.

    Returns:
        (C, H, W) float32, NaN where there is no data.

    Raises:
        ImageError: an image cannot be read.
        MapError: bands are missing, or the sizes differ.

    Example:
        >>> read_plain_pictures(Path("post.tif"), None, ["post:red", "post:green", "post:blue"]).shape
        (3, 128, 128)
    """
    paths = [path for path in (pre, post) if path is not None]
    infos = [describe_raster(path) for path in paths]
    if len({(info.width, info.height) for info in infos}) > 1:
        raise MapError(f"{post}: of another size than {pre}, and without a place on Earth; give images of one grid")
    roles = ("post",) if pre is None else ("pre", "post")
    names = [f"{role}:{band}" for role, info in zip(roles, infos, strict=True) for band in info.bands]
    unnamed = all(band.startswith("band_") for info in infos for band in info.bands)
    if set(bands) - set(names) and not (unnamed and len(names) == len(bands)):
        raise MapError(f"{post}: has the bands {', '.join(names)}, the model takes {', '.join(bands)}")
    parts, valid = read_stack(paths)
    values = np.concatenate(parts, dtype=np.float32, casting="unsafe")
    values[:, ~valid] = np.nan
    return values if set(bands) - set(names) else values[[names.index(band) for band in bands]]
