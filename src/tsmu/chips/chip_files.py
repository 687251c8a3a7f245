"""The files of chips: a digest of their contents, and a check that they can be read before a long work begins."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import geopandas
import rasterio
from rasterio.errors import RasterioError

from tsmu.chips.dataset import ChipDataset
from tsmu.chips.index import IMAGE_ROLES
from tsmu.errors import ChipError, ImageError, LabelError
from tsmu.files import content_digest
from tsmu.imagery import describe_raster
from tsmu.wording import counted

SIDECARS = (".msk", ".aux.xml", ".ovr.msk")  # suffixes of files beside an image that change what is read from it


def contents_digest(chips: geopandas.GeoDataFrame) -> str:
    """Return a digest of chips: of their rows, and of the contents of all files that decide what they show.

    A mask that is painted over in place, with the same size and the same time of change, changes the digest; copying
    or touching a file does not, up to the size in `files.content_digest`.

    Args:
        chips: rows of the chips index with absolute paths; a missing file counts as missing.

    Returns:
        SHA-256 in hexadecimal digits.

    Example:
        >>> contents_digest(chips) == contents_digest(chips.copy())
        True
    """
    rows = json.loads(chips.drop(columns="geometry").to_json(orient="records"))
    files = {file for path in _paths(chips) for file in _with_sidecars(path)}
    return hashlib.sha256(
        json.dumps([rows, [[str(file), content_digest(file)] for file in sorted(files)]], sort_keys=True).encode()
    ).hexdigest()


def require_files(chips: geopandas.GeoDataFrame, purpose: str, *, decoded: bool) -> None:
    """Check that the files of chips exist and can be read.

    Args:
        chips: rows of the chips index with absolute paths.
        purpose: what they are needed as, such as `test chips of andes`; for the error.
        decoded: whether to decode each chip, a millisecond or two each; otherwise only the headers of the files are
            read.

    Raises:
        ChipError: files are missing, or one is damaged or does not fit its row.

    Example:
        >>> require_files(chips, "test chips of andes", decoded=True)
    """
    missing = [path for path in _paths(chips) if not path.exists()]
    if missing:
        more = f" and {counted(len(missing) - 1, 'more file')}" if len(missing) > 1 else ""
        raise ChipError(f"{missing[0]}{more}: missing, needed as {purpose}; put them back, or import the chips anew")
    if not decoded:
        for path in _paths(chips):
            with _needed_as(purpose):
                describe_raster(path)
        return
    dataset = ChipDataset(chips, cache_bytes=0)
    for number, bands in enumerate(chips["bands"]):
        try:
            with _needed_as(purpose):
                channels = len(dataset[number]["image"])
        except ValueError as error:
            raise ChipError(
                f"{chips['mask'].iloc[number]}: image and mask do not fit each other any more, needed as {purpose}; "
                "import the chips anew"
            ) from error
        if channels != len(bands):
            raise ChipError(
                f"{chips['post'].iloc[number]}: now has other bands than {', '.join(bands)}, needed as {purpose}; "
                "import the chips anew"
            )


@contextmanager
def _needed_as(purpose: str) -> Iterator[None]:
    """Add to the error of a file that cannot be read what it is needed as."""
    try:
        yield
    except (ImageError, LabelError) as error:
        raise ChipError(f"{error} (needed as {purpose})") from error


def _paths(chips: geopandas.GeoDataFrame) -> list[Path]:
    """Return all files that chips name, each once, in alphabetical order."""
    return [
        Path(path) for path in sorted({path for column in (*IMAGE_ROLES, "mask") for path in chips[column].dropna()})
    ]


def _with_sidecars(path: Path) -> Iterator[Path]:
    """Give a raster's file, those beside it that GDAL reads with it, and those that a VRT takes its pixels from."""
    yield path
    yield from (sidecar for suffix in SIDECARS if (sidecar := path.with_name(path.name + suffix)).exists())
    if path.suffix.lower() == ".vrt" and path.exists():
        try:
            with rasterio.open(path) as dataset:
                yield from (Path(file) for file in dataset.files if file != str(path))
        except RasterioError:  # whoever reads it reports what is wrong
            return
