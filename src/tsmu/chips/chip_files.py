"""The files of chips: what is in them, and whether they can be read before a long work begins."""

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
from tsmu.imagery.raster import describe

SIDECARS = (".msk", ".aux.xml", ".ovr.msk")  # files beside an image that change what is read from it


def contents_digest(chips: geopandas.GeoDataFrame) -> str:
    """Digest of chips: their rows, and the contents of all files that decide what they show.

    A mask that is painted over in place, with the same size and the same time of change, gives another
    digest; a file that is only copied or touched does not, up to the size in `files.content_digest`.

    Args:
        chips: rows of the chips index with absolute paths; missing files count as such.
    """
    rows = json.loads(chips.drop(columns="geometry").to_json(orient="records"))
    files = {file for path in _paths(chips) for file in _read_with(path)}
    return hashlib.sha256(
        json.dumps([rows, [[str(file), content_digest(file)] for file in sorted(files)]], sort_keys=True).encode()
    ).hexdigest()


def require_files(chips: geopandas.GeoDataFrame, purpose: str, *, decoded: bool) -> None:
    """Check that the files of chips are there and can be read.

    Args:
        chips: rows of the chips index with absolute paths.
        purpose: for which they are needed, such as `test chips of andes`; for the error.
        decoded: decode each chip, a millisecond or two each; otherwise only the headers of the files are read.

    Raises:
        ChipError: files are missing, or one is damaged or does not fit its row.
    """
    gone = [path for path in _paths(chips) if not path.exists()]
    if gone:
        more = f" and {len(gone) - 1} more files" if len(gone) > 1 else ""
        raise ChipError(f"{gone[0]}{more}: missing, needed as {purpose}; put them back, or import the chips anew")
    if not decoded:
        for path in _paths(chips):
            with _needed_as(purpose):
                describe(path)
        return
    samples = ChipDataset(chips, cache_bytes=0)
    for number, bands in enumerate(chips["bands"]):
        try:
            with _needed_as(purpose):
                channels = len(samples[number]["image"])
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
    """Say what a file that cannot be read is needed for."""
    try:
        yield
    except (ImageError, LabelError) as error:
        raise ChipError(f"{error} (needed as {purpose})") from error


def _paths(chips: geopandas.GeoDataFrame) -> list[Path]:
    """All files that chips name, each once, in order."""
    return [
        Path(path) for path in sorted({path for column in (*IMAGE_ROLES, "mask") for path in chips[column].dropna()})
    ]


def _read_with(path: Path) -> Iterator[Path]:
    """A raster's file, those beside it that GDAL reads with it, and those that a VRT takes its pixels from."""
    yield path
    yield from (beside for end in SIDECARS if (beside := path.with_name(path.name + end)).exists())
    if path.suffix.lower() == ".vrt" and path.exists():
        try:
            with rasterio.open(path) as dataset:
                yield from (Path(file) for file in dataset.files if file != str(path))
        except RasterioError:  # reading it tells what is wrong
            return
