"""What gives an image a place on a map that has none that can be used."""

from pathlib import Path

import rasterio
from rasterio.errors import RasterioError

from tsmu.imagery.rasters.reader import REMOTE


def how_to_place(path: Path | str) -> str:
    """Say what an image without a georeference lacks, and the command that gives it.

    Args:
        path: the image; one that cannot be opened lacks everything.

    Returns:
        Half a sentence that follows the image's name and a colon.
    """
    try:
        with rasterio.Env(**REMOTE), rasterio.open(path) as dataset:
            points, coefficients = dataset.gcps[0], dataset.rpcs
            placed, known = not dataset.transform.is_identity, dataset.crs is not None
    except RasterioError:
        points, coefficients, placed, known = [], None, False, False
    name = Path(path).name
    if points and not placed:
        return f"has ground control points and no grid; warp it onto one: gdalwarp -tps -r bilinear {name} OUT.tif"
    if coefficients is not None and not placed:
        return (
            "has rational polynomial coefficients and no grid; orthorectify it: "
            f"gdalwarp -rpc -to RPC_DEM=DEM.tif -r bilinear {name} OUT.tif"
        )
    if placed and not known:
        return f"has a place but no CRS; give it the one that it is in: gdal_translate -a_srs EPSG:CODE {name} OUT.tif"
    what = "has a CRS but no place" if known else "has no CRS and no place"
    return (
        f"{what}; give it both: gdal_translate -a_srs EPSG:CODE -a_ullr WEST NORTH EAST SOUTH {name} OUT.tif, or "
        "georeference it in QGIS"
    )
