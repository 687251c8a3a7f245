"""Common properties of the raster files of the synthetic world, and a check of the folder they are written to."""

from pathlib import Path
from typing import Any

from rasterio.transform import Affine

from tsmu.errors import WorkspaceError
from tsmu.synthetic.territory import CRS

BAND_NAMES = {3: ("red", "green", "blue"), 1: ("landslide",)}  # by the number of bands


def raster_profile(transform: Affine, shape: tuple[int, ...], **options: Any) -> dict[str, Any]:
    """The profile with which rasterio creates a GeoTIFF of 8-bit bands; three bands are red, green and blue.

    Args:
        transform: from pixels to metres in the CRS of the world.
        shape: bands, height and width.
        options: further creation options.
    """
    count, height, width = shape
    profile = {"driver": "GTiff", "dtype": "uint8", "count": count, "height": height, "width": width}
    photometric = {"photometric": "rgb"} if count == 3 else {}
    return profile | photometric | {"crs": CRS, "transform": transform, "compress": "deflate", "zlevel": 1} | options


def require_empty(folder: Path) -> None:
    """Refuse a folder that holds something already.

    Raises:
        WorkspaceError: the path is a file, or a folder that is not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise WorkspaceError(f"{folder}: exists already; remove it or name another folder")
