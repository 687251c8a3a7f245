"""Images without a georeference: a VRT that gives one, or the command that the user can give one with."""

import os
from pathlib import Path
from xml.etree import ElementTree

import rasterio
import rasterio.shutil
from rasterio.errors import RasterioError

from tsmu.files import atomic_write
from tsmu.imagery.rasters.grids import Grid
from tsmu.imagery.rasters.reader import GDAL_OPTIONS, REMOTE_OPTIONS, open_raster


def write_georeferenced_vrt(source: Path, grid: Grid, target: Path, *, root: Path, nodata: float | None = None) -> Path:
    """Write a small VRT that gives an image a georeference, and a no-data value if it needs one.

    Args:
        source: the image.
        grid: where it lies.
        target: the VRT to write.
        root: a folder around `target` that may be moved; an image in it is named by a relative path.
        nodata: the no-data value of an image that declares none; None leaves it so.

    Returns:
        The path `target`.

    Raises:
        ImageError: the source cannot be read.
    """
    with open_raster(source.resolve()) as reader, atomic_write(target) as temporary:
        with rasterio.Env(**GDAL_OPTIONS):  # which write no file beside it
            rasterio.shutil.copy(reader.dataset, temporary, driver="VRT")
            with rasterio.open(temporary, "r+") as vrt:
                vrt.crs, vrt.transform = grid.crs, grid.transform
                if nodata is not None:
                    vrt.nodata = nodata
        if source.resolve().is_relative_to(root.resolve()):
            _set_relative_source(temporary, os.path.relpath(source.resolve(), target.resolve().parent))
    return target


def _set_relative_source(vrt: Path, name: str) -> None:
    """Rename the source of a VRT: GDAL itself writes relative names only for files below the VRT's folder."""
    tree = ElementTree.parse(vrt)
    for source in tree.iter("SourceFilename"):
        source.text = name
        source.set("relativeToVRT", "1")
    tree.write(vrt, encoding="unicode")


def georeferencing_advice(path: Path | str) -> str:
    """Say what an image without a georeference lacks, and the command that adds it.

    Args:
        path: the image; one that cannot be opened lacks everything.

    Returns:
        Half a sentence that follows the image's name and a colon.

    Example:
        >>> georeferencing_advice("missing.tif").split(";")[0]
        'has no CRS and no place'
    """
    try:
        with rasterio.Env(**REMOTE_OPTIONS), rasterio.open(path) as dataset:
            control_points, coefficients = dataset.gcps[0], dataset.rpcs
            has_transform, has_crs = not dataset.transform.is_identity, dataset.crs is not None
    except RasterioError:
        control_points, coefficients, has_transform, has_crs = [], None, False, False
    name = Path(path).name
    if control_points and not has_transform:
        return f"has ground control points and no grid; warp it onto one: gdalwarp -tps -r bilinear {name} OUT.tif"
    if coefficients is not None and not has_transform:
        return (
            "has rational polynomial coefficients and no grid; orthorectify it: "
            f"gdalwarp -rpc -to RPC_DEM=DEM.tif -r bilinear {name} OUT.tif"
        )
    if has_transform and not has_crs:
        return f"has a place but no CRS; give it the one that it is in: gdal_translate -a_srs EPSG:CODE {name} OUT.tif"
    missing = "has a CRS but no place" if has_crs else "has no CRS and no place"
    return (
        f"{missing}; give it both: gdal_translate -a_srs EPSG:CODE -a_ullr WEST NORTH EAST SOUTH {name} OUT.tif, or "
        "georeference it in QGIS"
    )
