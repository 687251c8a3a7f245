"""Rasters by window: named bands, validity apart from values, one kind of error.

All pixels of users' images are read here, by `RasterReader`; where they are resampled, by way of
`imagery.resampling`. Which pixels are valid is said in `imagery.validity`.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyproj
import rasterio
from PIL import Image
from rasterio._err import CPLE_BaseError  # what shutil and warp raise; it has no public name
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.transform import Affine
from rasterio.windows import Window
from scipy import ndimage

from tsmu.errors import ImageError
from tsmu.geodesy import pixel_size
from tsmu.imagery.rasters.orientation import check_upright
from tsmu.imagery.rasters.validity import Layout, layout_of, read_valid
from tsmu.imagery.rasters.validity import Pixels as Pixels
from tsmu.imagery.rasters.validity import Valid as Valid
from tsmu.vectors.projection import of_the_earth

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


@dataclass(frozen=True)
class RasterInfo:
    """What a raster file says of itself; alpha is not among its bands.

    Attributes:
        path: the file; of an address, a slash of it is lost.
        width, height: pixels.
        bands: their names.
        dtype: type of the values, such as uint8; that of the colours where the file has a palette.
        crs, transform: its place; a CRS is None and the transform identity where it has none.
        nodata: the no-data value that all bands share; None where there is none, or a mask or alpha decides.
        declared: whether the file declares which of its pixels are valid.
        scaling: (scale, offset) of each band, which make physical values of the file's numbers; (1, 0) mostly.
        assumptions: what was concluded from the values, each a sentence without the file's name.
        files: the file and all others that belong to it, such as those behind a VRT and masks beside the image.
    """

    path: Path
    width: int
    height: int
    bands: tuple[str, ...]
    dtype: str
    crs: CRS | None
    transform: Affine
    nodata: float | None
    declared: bool = True
    scaling: tuple[tuple[float, float], ...] = ()
    assumptions: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

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


class RasterReader:
    """An open raster, whose values are read together with which pixels are valid.

    Args:
        path: the file or address.
        dataset: it, opened by rasterio.
        assumed_nodata: the no-data value of a raster that does not declare which of its pixels are valid.

    Attributes:
        filled: how many pixels, of all that were read so far, are not valid only because they hold a fill value
            that is not declared, such as -9999.

    Raises:
        ImageError: it has no band with values, or bands that cannot be read together.
    """

    def __init__(self, path: Path | str, dataset: DatasetReader, assumed_nodata: float | None = None) -> None:
        self.path, self.dataset = path, dataset
        self.layout: Layout = layout_of(dataset, assumed_nodata)
        self.assumed_nodata = assumed_nodata
        self.filled = 0
        self._check()
        self.info = self._described()

    def _check(self) -> None:
        if not self.layout.bands:
            raise ImageError(f"{self.path}: has no band besides alpha; give an image with at least one")
        types = {self.dataset.dtypes[index - 1] for index in self.layout.bands}
        if len(types) > 1:
            raise ImageError(f"{self.path}: has bands of the types {', '.join(sorted(types))}; convert them to one")
        colours = [self.dataset.colorinterp[index - 1] for index in self.layout.bands]
        if len(colours) > 1 and ColorInterp.palette in colours:
            raise ImageError(f"{self.path}: has a palette among {len(colours)} bands; expand it to red, green and blue")

    def _described(self) -> RasterInfo:
        dataset, layout = self.dataset, self.layout
        names = tuple(_band_name(dataset, index) for index in layout.bands)
        if layout.palette is not None:
            names = ("red", "green", "blue")
        elif len(set(names)) < len(names):
            names = tuple(f"band_{index}" for index in layout.bands)
        return RasterInfo(
            path=Path(self.path),
            width=dataset.width,
            height=dataset.height,
            bands=names,
            dtype=str(dataset.dtypes[layout.bands[0] - 1]) if layout.palette is None else "uint8",
            crs=dataset.crs,
            transform=dataset.transform,
            nodata=layout.common_nodata,
            declared=layout.declared,
            scaling=tuple((dataset.scales[index - 1], dataset.offsets[index - 1]) for index in layout.bands),
            assumptions=layout.assumptions,
            files=tuple(dataset.files),
        )

    def read(self, window: Window | None = None) -> tuple[Pixels, Valid]:
        """Read the bands, or a window of them, and which pixels are valid.

        Returns:
            Values (C, H, W) in the file's own type (float64 becomes float32), a palette expanded to
            red, green, blue; and validity (H, W), as `imagery.validity` defines it.

        Raises:
            ImageError: the window leaves the raster.
        """
        values, valid = self._read(window)
        if self.layout.palette is not None:
            values = self.layout.palette[values[0], :3].transpose(2, 0, 1)
        elif values.dtype.kind == "f":
            values = values.astype(np.float32, copy=False)
        return values, valid

    def read_numbers(self, window: Window | None = None) -> tuple[Pixels, Valid]:
        """Read the first band (H, W) as the numbers that stand in it, of a palette those of its colours."""
        values, valid = self._read(window)
        return values[0], valid

    def _read(self, window: Window | None) -> tuple[Pixels, Valid]:
        if window is not None:
            _check_inside(self.dataset, window)
        values, valid, filled = read_valid(self.dataset, self.layout, window)
        self.filled += filled
        return values, valid


@contextmanager
def open_raster(path: Path | str, *, assumed_nodata: float | None = None) -> Iterator[RasterReader]:
    """Open a raster for reading; whatever GDAL complains of inside becomes an ImageError.

    An address must be a str: a Path would lose a slash of it.

    Args:
        path: the file or address.
        assumed_nodata: the no-data value of a raster that does not declare which of its pixels are valid.

    Raises:
        ImageError: the file is missing, damaged, stored turned, or has no band besides alpha.
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
            for file in dataset.files:  # of a VRT its sources, too
                if not is_remote(file):
                    check_upright(Path(file))
            yield RasterReader(path, dataset, assumed_nodata)


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
    with open_raster(path) as reader:
        return reader.info


def read(path: Path, window: Window | None = None) -> tuple[Pixels, Valid]:
    """Read the bands of a raster, or of a window of it, and which pixels are valid, as `RasterReader.read` does.

    Raises:
        ImageError: the file is missing or damaged, or the window leaves it.
    """
    with open_raster(path) as reader:
        return reader.read(window)


def empty_border(path: Path | str) -> float:
    """Measure the largest area that reaches an image's border and is 0 in every band.

    Such an area is most often one that was never imaged. It is looked for on at most 1024 x 1024
    of the pixels, and not in images that declare which pixels are valid.

    Returns:
        Its share of the image; 0 where the image declares a no-data value, has alpha or a mask.
    """
    with open_raster(path) as reader:
        if reader.info.declared or reader.layout.palette is not None:
            return 0.0
        dataset, bands = reader.dataset, list(reader.layout.bands)
        shape = (len(bands), min(dataset.height, LOOKED_AT), min(dataset.width, LOOKED_AT))
        empty = (dataset.read(bands, out_shape=shape) == 0).all(axis=0)
    areas, _ = ndimage.label(empty)
    at_border = np.unique(np.concatenate([areas[0], areas[-1], areas[:, 0], areas[:, -1]]))
    sizes = np.bincount(areas.ravel())[at_border[at_border > 0]]
    return float(sizes.max(initial=0) / empty.size)


def _band_name(dataset: DatasetReader, index: int) -> str:
    description = dataset.descriptions[index - 1]
    if description:
        return str(description).strip().lower().replace(" ", "_")
    colour = dataset.colorinterp[index - 1]
    known = colour not in (ColorInterp.undefined, ColorInterp.gray, ColorInterp.alpha)  # a band of many values is none
    return str(colour.name).lower() if known else f"band_{index}"


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
