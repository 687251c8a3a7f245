"""Rasters by window: named bands, validity apart from values, one kind of error."""

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj
import rasterio
from PIL import Image
from rasterio._err import CPLE_BaseError  # what shutil and warp raise; it has no public name
from rasterio.crs import CRS
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.transform import Affine
from rasterio.windows import Window
from scipy import ndimage

from tsmu.errors import ImageError
from tsmu.geodesy import pixel_size
from tsmu.projecting import of_the_earth

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".vrt")
LOOKED_AT = 1024  # px a side, at most, on which an empty border is looked for
GDAL_OPTIONS = {
    "GDAL_ERROR_ON_LIBJPEG_WARNING": True,  # otherwise a truncated JPEG reads as grey
    "GDAL_PAM_ENABLED": False,  # never leave .aux.xml files beside what is written
    "GDAL_CACHEMAX": 192 << 20,  # bytes; GDAL's own default is 5 % of the machine
}
READING = GDAL_OPTIONS | {"GDAL_PAM_ENABLED": True}  # a CRS, a place and no-data may stand in an .aux.xml beside it
BESIDE = "GDAL_DISABLE_READDIR_ON_OPEN"  # whether files that belong to an image are looked for beside it
REMOTE = {  # a server that stops answering is an error after a minute or two, not a wait for ever
    "GDAL_HTTP_CONNECTTIMEOUT": 10,
    "GDAL_HTTP_TIMEOUT": 30,
    "GDAL_HTTP_MAX_RETRY": 2,
    "GDAL_HTTP_RETRY_DELAY": 1,
    BESIDE: "EMPTY_DIR",  # no requests for files that may lie beside it
}

# Plain pictures have no georeference; that is known here and not worth a warning each.
warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)

Pixels = npt.NDArray[Any]
Valid = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class RasterInfo:
    """What a raster file says of itself; alpha is not among its bands."""

    path: Path
    width: int
    height: int
    bands: tuple[str, ...]
    dtype: str
    crs: CRS | None
    transform: Affine
    nodata: float | None

    @property
    def georeferenced(self) -> bool:
        """Whether the pixels have a place on a map."""
        return self.crs is not None and not self.transform.is_identity

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north in its CRS."""
        return corner_bounds(self.transform, self.width, self.height)

    @property
    def on_earth(self) -> bool:
        """Whether the CRS, if there is one, describes the Earth and not another planet."""
        return self.crs is None or of_the_earth(pyproj.CRS.from_user_input(self.crs))

    @property
    def pixel_size(self) -> float | None:
        """Side of a pixel of the same area in metres, at the raster's centre; None without a CRS."""
        if not self.georeferenced:
            return None
        assert self.crs is not None
        return pixel_size(self.crs, self.transform, self.width, self.height)


def corner_bounds(transform: Affine, width: int, height: int) -> tuple[float, float, float, float]:
    """The box around the corners of a raster, which may be rotated: west, south, east, north in its CRS."""
    xs, ys = zip(*(transform @ corner for corner in ((0, 0), (width, 0), (0, height), (width, height))), strict=True)
    return min(xs), min(ys), max(xs), max(ys)


@contextmanager
def open_raster(path: Path | str) -> Iterator[DatasetReader]:
    """Open a raster for reading; whatever GDAL complains of inside becomes an ImageError.

    An address must be a str: a Path would lose a slash of it.
    """
    if not is_remote(path) and Path(path).is_dir():
        raise ImageError(f"{path}: is a folder; give one image file")
    if not is_remote(path) and not Path(path).is_file():
        raise ImageError(f"{path}: no such image file; check the path")
    with image_errors(path):
        if Path(path).suffix.lower() == ".png" and not is_remote(path):
            _verify_png(Path(path))
        beside = {BESIDE: REMOTE[BESIDE] if is_remote(path) else "FALSE"}  # whatever holds around this block
        with rasterio.Env(**READING | beside), rasterio.open(path) as dataset:
            yield dataset


def is_remote(path: Path | str) -> bool:
    """Whether a raster lies on a server, or in another of GDAL's virtual file systems."""
    return str(path).startswith(("http://", "https://", "/vsi"))


def file_identity(file: str | Path) -> tuple[str, int, int]:
    """Name, size and time of change, so that it stays the same where a folder is moved; zeros on a server."""
    path = Path(file)
    if is_remote(file) or not path.exists():
        return str(file), 0, 0
    status = path.stat()
    return path.name, status.st_size, status.st_mtime_ns


@contextmanager
def image_errors(path: Path | str) -> Iterator[None]:
    """Turn what GDAL complains of while reading `path` into an ImageError."""
    try:
        yield
    except (RasterioError, CPLE_BaseError) as error:
        reason = str(error.__cause__ or error).replace("\n", " ")
        raise ImageError(f"{path}: cannot be read as an image ({reason}); replace or remove it") from error


def _verify_png(path: Path) -> None:
    """Check a PNG's chunks: GDAL reads a truncated one without complaint, its last rows being noise."""
    try:
        with Image.open(path) as image:
            image.verify()
    except (OSError, SyntaxError) as error:
        raise RasterioError(f"damaged PNG: {error}") from None


def describe(path: Path | str) -> RasterInfo:
    """Read a raster's header.

    Bands are named by their descriptions, else by their colour, else `band_1`, `band_2`, ...

    Raises:
        ImageError: the file is missing, not a raster, or has no band besides alpha.
    """
    with open_raster(path) as dataset:
        return describe_open(path, dataset)


def read(path: Path, window: Window | None = None) -> tuple[Pixels, Valid]:
    """Read the bands of a raster, or of a window of it, and which pixels are valid.

    Returns:
        Values (C, H, W) in the file's own type (float64 becomes float32), a palette expanded to
        red, green, blue; and validity (H, W): inside alpha, not no-data, finite in every band.

    Raises:
        ImageError: the file is missing or damaged, or the window leaves it.
    """
    with open_raster(path) as dataset:
        return read_window(dataset, window)


def read_window(dataset: DatasetReader, window: Window | None = None) -> tuple[Pixels, Valid]:
    """Read as `read` does, from a dataset that is already open."""
    if window is not None:
        _check_inside(dataset, window)
    indexes = _band_indexes(dataset)
    values = dataset.read(indexes, window=window)
    valid = _validity(dataset, window, values)
    if _is_palette(dataset):
        values = _expand_palette(dataset, values[0])
    if values.dtype.kind == "f":
        values = values.astype(np.float32, copy=False)
        valid &= np.isfinite(values).all(axis=0)
    return values, valid


def empty_border(path: Path | str) -> float:
    """Measure the largest area that reaches an image's border and is 0 in every band.

    Such an area is most often one that was never imaged. It is looked for on at most 1024 x 1024
    of the pixels, and not in images that declare which pixels are valid.

    Returns:
        Its share of the image; 0 where the image declares a no-data value, has alpha or a mask.
    """
    with open_raster(path) as dataset:
        if any(flags != [MaskFlags.all_valid] for flags in dataset.mask_flag_enums) or _is_palette(dataset):
            return 0.0
        shape = (dataset.count, min(dataset.height, LOOKED_AT), min(dataset.width, LOOKED_AT))
        empty = (dataset.read(out_shape=shape) == 0).all(axis=0)
    areas, _ = ndimage.label(empty)
    at_border = np.unique(np.concatenate([areas[0], areas[-1], areas[:, 0], areas[:, -1]]))
    sizes = np.bincount(areas.ravel())[at_border[at_border > 0]]
    return float(sizes.max(initial=0) / empty.size)


def describe_open(path: Path | str, dataset: DatasetReader) -> RasterInfo:
    """Describe as `describe` does, from a dataset that is already open."""
    indexes = _band_indexes(dataset)
    if not indexes:
        raise ImageError(f"{path}: has no band besides alpha; give an image with at least one")
    names = ("red", "green", "blue") if _is_palette(dataset) else tuple(_band_name(dataset, i) for i in indexes)
    if len(set(names)) < len(names):
        names = tuple(f"band_{index}" for index in indexes)
    return RasterInfo(
        path=Path(path),
        width=dataset.width,
        height=dataset.height,
        bands=names,
        dtype=str(dataset.dtypes[0]),
        crs=dataset.crs,
        transform=dataset.transform,
        nodata=dataset.nodata,
    )


def _band_indexes(dataset: DatasetReader) -> list[int]:
    return [i for i, colour in zip(dataset.indexes, dataset.colorinterp, strict=True) if colour != ColorInterp.alpha]


def _band_name(dataset: DatasetReader, index: int) -> str:
    description = dataset.descriptions[index - 1]
    if description:
        return str(description).strip().lower().replace(" ", "_")
    colour = dataset.colorinterp[index - 1]
    known = colour not in (ColorInterp.undefined, ColorInterp.gray)
    return str(colour.name).lower() if known else f"band_{index}"


def _is_palette(dataset: DatasetReader) -> bool:
    return bool(dataset.colorinterp[0] == ColorInterp.palette)


def _expand_palette(dataset: DatasetReader, indexes: Pixels) -> Pixels:
    table = np.zeros((256, 3), np.uint8)
    for index, colour in dataset.colormap(1).items():
        table[index] = colour[:3]
    return table[indexes].transpose(2, 0, 1)


def _validity(dataset: DatasetReader, window: Window | None, values: Pixels) -> Valid:
    alpha = [i for i, c in zip(dataset.indexes, dataset.colorinterp, strict=True) if c == ColorInterp.alpha]
    if alpha:
        return np.asarray(dataset.read(alpha[0], window=window) > 0)
    if dataset.nodata is not None:
        # A dark pixel may be 0 in one band; no-data is no-data in all of them.
        missing = np.isnan(values) if math.isnan(dataset.nodata) else values == dataset.nodata
        return np.asarray(~np.all(missing, axis=0))
    return np.asarray(dataset.read_masks(1, window=window) > 0)


def _check_inside(dataset: DatasetReader, window: Window) -> None:
    inside = (
        window.col_off >= 0
        and window.row_off >= 0
        and window.col_off + window.width <= dataset.width
        and window.row_off + window.height <= dataset.height
    )
    if not inside:
        raise ImageError(
            f"{dataset.name}: window {window.flatten()} leaves the image of {dataset.width} x {dataset.height} px; "
            "import it again if the image was replaced"
        )
