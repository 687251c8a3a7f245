"""What the files of the synthetic world have in common."""

from pathlib import Path
from typing import Any

from rasterio.transform import Affine

from tsmu.errors import WorkspaceError
from tsmu.synthetic.territory import CRS

BAND_NAMES = {3: ("red", "green", "blue"), 1: ("landslide",)}  # by the number of bands


def raster_profile(transform: Affine, shape: tuple[int, ...], **options: Any) -> dict[str, Any]:
    """What rasterio needs to create a GeoTIFF of 8-bit bands (count, height, width), red, green, blue if three."""
    count, height, width = shape
    profile = {"driver": "GTiff", "dtype": "uint8", "count": count, "height": height, "width": width}
    photometric = {"photometric": "rgb"} if count == 3 else {}
    return profile | photometric | {"crs": CRS, "transform": transform, "compress": "deflate", "zlevel": 1} | options


def check_free(folder: Path) -> None:
    """Make sure that a folder can be made here.

    Raises:
        WorkspaceError: it holds something already.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise WorkspaceError(f"{folder}: is there already; remove it or name another folder")
