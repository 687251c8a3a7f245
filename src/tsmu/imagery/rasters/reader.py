"""Read rasters by window: named bands, pixel values apart from their validity, and one kind of error.

Every pixel of a user's image is read by `RasterReader`. Which pixels are valid is defined in `validity`; how a raster
is read on another grid, in `resampling`.
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

from tsmu.errors import ImageError
from tsmu.geodesy import pixel_size
from tsmu.imagery.rasters.band_colours import assumed_colours
from tsmu.imagery.rasters.orientation import check_upright
from tsmu.imagery.rasters.validity import BandLayout, Pixels, Valid, find_band_layout, read_with_validity
from tsmu.vectors import is_earth_crs

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".vrt")
GDAL_OPTIONS = {
    "GDAL_ERROR_ON_LIBJPEG_WARNING": True,  # otherwise a truncated JPEG reads as grey
    "GDAL_PAM_ENABLED": False,  # never leave .aux.xml files beside what is written
    "GDAL_CACHEMAX": 192 << 20,  # bytes; GDAL's own default is 5 % of the machine
}
# A CRS, a geotransform and a no-data value may stand in an .aux.xml file beside the image.
READ_OPTIONS = GDAL_OPTIONS | {"GDAL_PAM_ENABLED": True}
SIDECAR_LOOKUP = "GDAL_DISABLE_READDIR_ON_OPEN"  # whether GDAL looks for files that belong to an image beside it
REMOTE_OPTIONS = {  # a server that stops answering is an error after a minute or two, not a wait for ever
    "GDAL_HTTP_CONNECTTIMEOUT": 10,
    "GDAL_HTTP_TIMEOUT": 30,
    "GDAL_HTTP_MAX_RETRY": 2,
    "GDAL_HTTP_RETRY_DELAY": 1,
    SIDECAR_LOOKUP: "EMPTY_DIR",  # no requests for files that may lie beside it
}

# Plain pictures have no georeference; this is expected and not worth a warning for each.
warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)


@dataclass(frozen=True)
class RasterInfo:
    """What a raster's header says; a band of alpha is not among its bands.

    Attributes:
        path: the file. As a `Path`, an address has lost one of its slashes.
        width: pixels in a row.
        height: pixels in a column.
        bands: the names of the bands.
        dtype: type of the values, such as `uint8`; where the file has a palette, the type of its colours.
        crs: the coordinate reference system, or None.
        transform: from pixels (column, row) to the CRS; the identity where the file has no georeference.
        nodata: the no-data value that all bands share; None where there is none, or where a mask or alpha decides.
        declares_validity: whether the file declares which of its pixels are valid.
        scaling: (scale, offset) of each band, by which stored values become physical ones; mostly (1, 0).
        assumptions: what was concluded from the pixel values, each a sentence without the file's name.
        files: the file and the files that belong to it, such as the sources of a VRT or a mask beside the image.
    """

    path: Path
    width: int
    height: int
    bands: tuple[str, ...]
    dtype: str
    crs: CRS | None
    transform: Affine
    nodata: float | None
    declares_validity: bool = True
    scaling: tuple[tuple[float, float], ...] = ()
    assumptions: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    @property
    def georeferenced(self) -> bool:
        """Whether the raster has both a CRS and a geotransform."""
        return self.crs is not None and not self.transform.is_identity

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north in the raster's CRS."""
        return corner_bounds(self.transform, self.width, self.height)

    @property
    def on_earth(self) -> bool:
        """Whether the CRS, if there is one, describes the Earth and not another planet."""
        return self.crs is None or is_earth_crs(pyproj.CRS.from_user_input(self.crs))

    @property
    def pixel_size(self) -> float | None:
        """Side in metres of a square as large as the pixel at the raster's centre; None without a georeference."""
        if not self.georeferenced:
            return None
        assert self.crs is not None
        return pixel_size(self.crs, self.transform, self.width, self.height)


def corner_bounds(transform: Affine, width: int, height: int) -> tuple[float, float, float, float]:
    """Find the box around the corners of a raster, which may be rotated: west, south, east, north in its CRS."""
    xs, ys = zip(*(transform @ corner for corner in ((0, 0), (width, 0), (0, height), (width, height))), strict=True)
    return min(xs), min(ys), max(xs), max(ys)


class RasterReader:
    """Reads windows of an open raster; `open_raster` makes one.

    Args:
        path: the file or address, for messages.
        dataset: the raster, opened by rasterio.
        assumed_nodata: the no-data value to assume if the raster does not declare which of its pixels are valid.

    Attributes:
        info: what the header says.
        layout: which bands hold values, and what decides on validity.
        fill_pixel_count: how many of the pixels read so far are not valid only because they hold a fill value that
            the file does not declare, such as -9999.

    Raises:
        ImageError: the raster has no band with values, or bands that cannot be read together.
    """

    def __init__(self, path: Path | str, dataset: DatasetReader, assumed_nodata: float | None = None) -> None:
        self.path, self.dataset = path, dataset
        self.layout: BandLayout = find_band_layout(dataset, assumed_nodata)
        self.assumed_nodata = assumed_nodata
        self.fill_pixel_count = 0
        self._check_bands()
        self.info = self._describe()

    def read(self, window: Window | None = None) -> tuple[Pixels, Valid]:
        """Read all bands with values, or a window of them, and which pixels are valid.

        Returns:
            Values (C, H, W) in the file's own type, except that float64 becomes float32 and a palette is expanded
            to red, green and blue; and validity (H, W), as the module `validity` defines it.

        Raises:
            ImageError: the window reaches beyond the raster.
        """
        values, valid = self._read(window)
        if self.layout.palette is not None:
            values = self.layout.palette[values[0], :3].transpose(2, 0, 1)
        elif values.dtype.kind == "f":
            values = values.astype(np.float32, copy=False)
        return values, valid

    def read_first_band(self, window: Window | None = None) -> tuple[Pixels, Valid]:
        """Read the stored numbers of the first band (H, W), a palette's indices among them, and their validity."""
        values, valid = self._read(window)
        return values[0], valid

    def _read(self, window: Window | None) -> tuple[Pixels, Valid]:
        if window is not None:
            _check_inside(self.dataset, window)
        values, valid, fill_pixels = read_with_validity(self.dataset, self.layout, window)
        self.fill_pixel_count += fill_pixels
        return values, valid

    def _check_bands(self) -> None:
        if not self.layout.bands:
            raise ImageError(f"{self.path}: has no band besides alpha; give an image with at least one")
        types = {self.dataset.dtypes[index - 1] for index in self.layout.bands}
        if len(types) > 1:
            raise ImageError(f"{self.path}: has bands of the types {', '.join(sorted(types))}; convert them to one")
        colours = [self.dataset.colorinterp[index - 1] for index in self.layout.bands]
        if len(colours) > 1 and ColorInterp.palette in colours:
            raise ImageError(f"{self.path}: has a palette among {len(colours)} bands; expand it to red, green and blue")

    def _describe(self) -> RasterInfo:
        dataset, layout = self.dataset, self.layout
        names = tuple(_band_name(dataset, index) for index in layout.bands)
        assumptions = [*layout.assumptions]
        if layout.palette is not None:
            names = ("red", "green", "blue")
        elif len(set(names)) < len(names):
            if repeated := sorted({name for name in names if name and names.count(name) > 1}):
                assumptions.append(f"has several bands named {repeated[0]}: no band's name used, they are numbered")
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
            declares_validity=layout.declares_validity,
            scaling=tuple((dataset.scales[index - 1], dataset.offsets[index - 1]) for index in layout.bands),
            assumptions=(*assumptions, *assumed_colours(names)),
            files=tuple(dataset.files),
        )


@contextmanager
def open_raster(path: Path | str, *, assumed_nodata: float | None = None) -> Iterator[RasterReader]:
    """Open a raster for reading by window; errors of GDAL inside the block become an ImageError.

    Args:
        path: the file or address. An address must be a str, because a `Path` loses one of its slashes.
        assumed_nodata: the no-data value to assume if the raster does not declare which of its pixels are valid.

    Raises:
        ImageError: the file is missing, damaged, stored turned (see `orientation`), or has no band besides alpha.

    Example:
        >>> from rasterio.windows import Window
        >>> with open_raster("post.tif") as reader:
        ...     values, valid = reader.read(Window(10, 20, 64, 32))  # column, row, width, height
        >>> values.shape, valid.shape
        ((3, 32, 64), (32, 64))
    """
    if not is_remote(path) and Path(path).is_dir():
        raise ImageError(f"{path}: is a folder; give one image file")
    if not is_remote(path) and not Path(path).is_file():
        raise ImageError(f"{path}: no such image file; check the path")
    with gdal_errors_as_image_errors(path):
        if Path(path).suffix.lower() == ".png" and not is_remote(path):
            _verify_png(Path(path))
        # An `Env` of the caller must not decide whether files beside this image are looked for.
        lookup = {SIDECAR_LOOKUP: REMOTE_OPTIONS[SIDECAR_LOOKUP] if is_remote(path) else "FALSE"}
        with rasterio.Env(**READ_OPTIONS | lookup), rasterio.open(path) as dataset:
            for file in dataset.files:  # the sources of a VRT are among them
                if not is_remote(file):
                    check_upright(Path(file))
            yield RasterReader(path, dataset, assumed_nodata)


def is_remote(path: Path | str) -> bool:
    """Whether a raster lies on a server, or in another of GDAL's virtual file systems.

    Example:
        >>> is_remote("https://example.org/dem.tif"), is_remote("dem.tif")
        (True, False)
    """
    return str(path).startswith(("http://", "https://", "/vsi"))


def file_identity(file: str | Path) -> tuple[str, int, int]:
    """Name, size in bytes and time of change in nanoseconds; size and time are 0 for a file on a server.

    The identity stays the same where the folder around the file is moved.

    Example:
        >>> name, size, changed = file_identity("post.tif")
        >>> name, size > 0
        ('post.tif', True)
    """
    path = Path(file)
    if is_remote(file) or not path.exists():
        return str(file), 0, 0
    status = path.stat()
    return path.name, status.st_size, status.st_mtime_ns


@contextmanager
def gdal_errors_as_image_errors(path: Path | str) -> Iterator[None]:
    """Turn errors of GDAL while reading `path` into an ImageError.

    Example:
        >>> with gdal_errors_as_image_errors("pairs.csv"):
        ...     rasterio.open("pairs.csv")
        Traceback (most recent call last):
        tsmu.errors.ImageError: pairs.csv: cannot be read as an image (...); replace or remove it
    """
    try:
        yield
    except (RasterioError, CPLE_BaseError) as error:
        reason = str(error.__cause__ or error).replace("\n", " ")
        raise ImageError(f"{path}: cannot be read as an image ({reason}); replace or remove it") from error


def _verify_png(path: Path) -> None:
    """Check the chunks of a PNG: GDAL reads a truncated one without an error, its last rows being noise."""
    try:
        with Image.open(path) as image:
            image.verify()
    except (OSError, SyntaxError) as error:
        raise RasterioError(f"damaged PNG: {error}") from None


def describe_raster(path: Path | str) -> RasterInfo:
    """Read the header of a raster.

    A band is named by its description, otherwise by its colour, otherwise `band_1`, `band_2` and so on.

    Raises:
        ImageError: the file is missing, no raster, or has no band besides alpha.

    Example:
        >>> info = describe_raster("post.tif")
        >>> info.bands, info.dtype, info.width, info.height, info.pixel_size
        (('red', 'green', 'blue'), 'uint8', 150, 100, 10.0)
    """
    with open_raster(path) as reader:
        return reader.info


def read_raster(path: Path, window: Window | None = None) -> tuple[Pixels, Valid]:
    """Read the bands of a raster, or a window of them, and which pixels are valid.

    Returns:
        Values (C, H, W) and validity (H, W), as `RasterReader.read` gives them.

    Raises:
        ImageError: the file is missing or damaged, or the window reaches beyond the raster.

    Example:
        >>> values, valid = read_raster(Path("post.tif"))
        >>> values.shape, values.dtype, bool(valid.all())
        ((3, 100, 150), dtype('uint8'), True)
    """
    with open_raster(path) as reader:
        return reader.read(window)


def _band_name(dataset: DatasetReader, index: int) -> str:
    description = dataset.descriptions[index - 1]
    if description:
        return str(description).strip().lower().replace(" ", "_")
    colour = dataset.colorinterp[index - 1]
    # Whether a band that is declared as alpha is one, `validity` decides; as a band with values it has no name.
    has_name = colour not in (ColorInterp.undefined, ColorInterp.gray, ColorInterp.alpha)
    return str(colour.name).lower() if has_name else f"band_{index}"


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
