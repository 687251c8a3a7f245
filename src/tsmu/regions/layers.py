"""Map layers as they come: read in one way, with a CRS of the Earth or a plain refusal."""

from pathlib import Path

import geopandas as gpd
import pyogrio
import pyproj
from pyogrio.errors import DataLayerError, DataSourceError

from tsmu.errors import RegionError
from tsmu.regions.borders import SEMI_MAJOR_M


def read_layer(file: Path, layer: str | None) -> gpd.GeoDataFrame:
    """Read the one layer of a file, or the one that is named.

    Raises:
        RegionError: the file or layer is missing, cannot be read, or has no geometry.
    """
    if not file.exists():
        raise RegionError(f"{file}: no such file; check the path")
    try:
        layers = [str(name) for name in pyogrio.list_layers(file)[:, 0]]
        if layer is None and len(layers) > 1:
            raise RegionError(f"{file}: has several layers ({', '.join(layers)}); name one with --layer")
        if layer is not None and layer not in layers:
            raise RegionError(f"{file}: no layer {layer!r}; its layers are: {', '.join(layers)}")
        frame = pyogrio.read_dataframe(file, layer=layer)
    except (DataSourceError, DataLayerError, ValueError) as error:
        reason = str(error).replace("\n", " ")
        raise RegionError(f"{file}: cannot be read as a map layer ({reason}); give a polygon layer") from None
    if not isinstance(frame, gpd.GeoDataFrame):
        raise RegionError(f"{file}: has no geometry; give a polygon layer")
    return frame


def earth_crs(crs: pyproj.CRS | None, place: str) -> pyproj.CRS:
    """Return the CRS of `place` (how messages call it) if it has one and that is of the Earth.

    Raises:
        RegionError: otherwise.
    """
    if crs is None:
        raise RegionError(f"{place}: has no coordinate reference system; assign one, with ogr2ogr -a_srs for instance")
    ellipsoid = crs.ellipsoid
    if ellipsoid is not None and abs(ellipsoid.semi_major_metre / SEMI_MAJOR_M - 1) > 0.005:
        raise RegionError(f"{place}: its coordinate reference system {crs.name!r} is not one of the Earth")
    return crs
