"""Functions that all layouts share: writing a chip as `tsmu import chips` reads it, and finding the files of a set."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.crs import CRS
from rasterio.transform import Affine

from tsmu.errors import DataError
from tsmu.imagery import GDAL_OPTIONS

Array = npt.NDArray[np.generic]
UNKNOWN = 255  # the value of unknown pixels in masks


def write_chip(
    folder: Path,
    name: str,
    image: Array,
    mask: Array,
    *,
    pre: Array | None = None,
    bands: Sequence[str] = (),
    crs: CRS | None = None,
    transform: Affine | None = None,
) -> None:
    """Write a chip into `images/`, `masks/` and, for pairs, `pre/`.

    Args:
        folder: the folder in which these folders lie; all are made if need be.
        name: the name of the files, without ending.
        image: the image after the event, (C, H, W).
        mask: the mask, (H, W): 0 background, 1 landslide, 255 unknown.
        pre: the image before the event, (C, H, W), if there is one.
        bands: the names of the images' bands.
        crs: the CRS of the images, if they are georeferenced.
        transform: from the images' pixels to the CRS.

    Example:
        >>> write_chip(Path("alps"), "ridge_1", np.ones((1, 64, 64), np.uint8), np.zeros((64, 64)), bands=("red",))
        >>> sorted(path.as_posix() for path in Path("alps").rglob("*.tif"))
        ['alps/images/ridge_1.tif', 'alps/masks/ridge_1.tif']
    """
    layers = {"images": image, "masks": mask.astype(np.uint8)[None]} | ({"pre": pre} if pre is not None else {})
    for kind, pixels in layers.items():
        path = folder / kind / f"{name}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        count, height, width = pixels.shape
        profile = {"driver": "GTiff", "count": count, "height": height, "width": width, "dtype": pixels.dtype}
        place = {"crs": crs, "transform": transform} if crs else {}
        if kind == "masks":  # declared as no data, because in a mask of 0 and 255 alone 255 could mean landslide
            profile["nodata"] = UNKNOWN
        with (
            rasterio.Env(**GDAL_OPTIONS),
            rasterio.open(path, "w", **profile, **place, compress="deflate", interleave="pixel") as dataset,
        ):
            dataset.write(pixels)
            if kind != "masks":
                dataset.descriptions = tuple(bands) or (None,) * count


def find_folder(source: Path, name: str) -> Path:
    """Find a folder by the end of its path, such as `landslide/image`.

    Raises:
        DataError: no folder or several folders have this path.
    """
    parts = name.split("/")
    found = [
        path for path in sorted(source.rglob(parts[-1])) if path.is_dir() and path.parts[-len(parts) :] == (*parts,)
    ]
    if len(found) != 1:
        raise DataError(
            f"{source}: has {len(found) or 'no'} folders {name}/ in it, where one was expected; {_OTHER_FILES}"
        )
    return found[0]


def find_files(source: Path, pattern: str) -> list[Path]:
    """Find files by the pattern of their names, in the order of their paths.

    Raises:
        DataError: no file matches the pattern.
    """
    found = sorted(path for path in source.rglob(pattern) if path.is_file() and not path.name.startswith("."))
    if not found:
        raise DataError(f"{source}: has no file {pattern} in it; {_OTHER_FILES}")
    return found


_OTHER_FILES = "these are other files than the set's own, or its authors have changed how they are arranged"
