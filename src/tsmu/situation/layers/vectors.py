"""Landslides, observed ground, area and districts as a GeoPackage, and landslides as FlatGeobuf."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import pyogrio
import shapely
from pyogrio.errors import DataSourceError
from rasterio.enums import Resampling
from rasterio.features import shapes
from rasterio.transform import Affine

from tsmu.database import landslide_style
from tsmu.errors import SituationError
from tsmu.imagery import open_raster
from tsmu.situation.facts import Facts
from tsmu.situation.facts.ground import measure_area, usable_polygons
from tsmu.situation.inputs import LANDSLIDE_LAYER, SEEN_LAYER, Observed, Situation, ZoneRasters
from tsmu.situation.layers.styles import qml_styles
from tsmu.situation.pictures.style import OBSERVED_LABELS, plain_text
from tsmu.vectors import LONGITUDE_LATITUDE, polygon_parts, reproject

LONGEST_SIDE = 2048  # pixels; rasters with a longer side are read coarser before they are outlined
# The columns of landslides that every report's layer has; others follow them.
COLUMNS = ("id", "status", "probability", "area_m2", "date_min", "date_max", "dates")


def landslide_table(situation: Situation) -> geopandas.GeoDataFrame:
    """The landslides shown as a layer in EPSG:4326, the largest first.

    The columns are `number` (1 for the largest landslide), those of `COLUMNS`, the other columns of the database's
    records, and the geometry `geom`.
    """
    shown = situation.shown()
    others = [name for name in shown.columns if name not in COLUMNS and name != shown.geometry.name]
    table = shown[[*COLUMNS, *others, shown.geometry.name]].rename_geometry("geom")
    table.insert(0, "number", np.arange(1, len(table) + 1))
    table["dates"] = table["dates"].astype("Int64")
    for name in table.columns:
        if name != "geom" and table[name].dtype == object:
            table[name] = table[name].map(lambda value: value if _is_missing(value) else _plain(value))
    return table


def observed_table(situation: Situation) -> geopandas.GeoDataFrame:
    """The observed ground of all zones in EPSG:4326, one multipolygon per zone and class of `Observed`.

    The columns are `zone`, `class`, `label`, `area_m2` and the geometry `geom`.
    """
    rows = [row for zone in situation.zones for row in _outline_zone(zone)]
    return geopandas.GeoDataFrame(
        rows, columns=["zone", "class", "label", "area_m2", "geom"], geometry="geom", crs=LONGITUDE_LATITUDE
    )


def district_table(situation: Situation, facts: Facts) -> geopandas.GeoDataFrame:
    """The districts with their counts in EPSG:4326, one multipolygon per name.

    Landslides outside all districts have no row here.
    """
    assert situation.districts is not None
    names, polygons = usable_polygons(situation.districts)
    counts = {row.name: row for row in facts.districts}
    rows = []
    for name in dict.fromkeys(names):
        count = counts.get(name)
        shape = shapely.union_all([polygon for own, polygon in zip(names, polygons, strict=True) if own == name])
        values = (count.landslides, count.confirmed, count.area_m2, count.ground_m2, count.seen_share) if count else ()
        rows.append([name, *(values or (0, 0, 0.0, 0.0, None)), _multipolygon(shape)])
    columns = ["name", "landslides", "confirmed", "area_m2", "ground_m2", "seen_share", "geom"]
    return geopandas.GeoDataFrame(rows, columns=columns, geometry="geom", crs=LONGITUDE_LATITUDE)


def write_vectors(
    situation: Situation, facts: Facts, landslides: Any, observed: Any, package: Path, flat: Path
) -> None:
    """Write the GeoPackage with all layers and their styles, and the landslides as FlatGeobuf.

    Args:
        situation: the event as it is known now.
        facts: the figures that were counted for it.
        landslides: the result of `landslide_table`.
        observed: the result of `observed_table`.
        package: path of the GeoPackage to write.
        flat: path of the FlatGeobuf file to write.

    Raises:
        SituationError: a file cannot be written.
    """
    layers = {LANDSLIDE_LAYER: landslides, SEEN_LAYER: observed, "area": _area_table(situation)}
    if situation.districts is not None:
        layers["districts"] = district_table(situation, facts)
    moment = situation.made.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    with _write_errors(package), _clock_stopped_at(moment):
        for name, table in layers.items():
            pyogrio.write_dataframe(table, package, layer=name, geometry_type="MultiPolygon", promote_to_multi=True,
                                    layer_options={"GEOMETRY_NAME": "geom"})  # fmt: skip
        pyogrio.write_dataframe(
            _style_table(layers, moment), package, layer="layer_styles", layer_options={"FID": "id"}
        )
        pyogrio.write_dataframe(landslides, flat, layer=LANDSLIDE_LAYER, geometry_type="MultiPolygon",
                                promote_to_multi=True)  # fmt: skip


def _area_table(situation: Situation) -> geopandas.GeoDataFrame:
    values = {
        "event": [plain_text(situation.name)],
        "day": [situation.day.isoformat()],
        "area_m2": [measure_area(situation.area)],
    }
    return geopandas.GeoDataFrame(
        values | {"geom": [_multipolygon(situation.area)]}, geometry="geom", crs=LONGITUDE_LATITUDE
    )


def _style_table(layers: dict[str, Any], moment: str) -> pd.DataFrame:
    """The table `layer_styles`, in which QGIS looks for styles in a GeoPackage.

    Args:
        layers: the layers of the GeoPackage by name.
        moment: the time at which the styles were made, as ISO text.
    """
    styles = [(LANDSLIDE_LAYER, "status", landslide_style(), True)]
    styles += [(layer, name, qml, layer != LANDSLIDE_LAYER) for layer, name, qml in qml_styles() if layer in layers]
    return pd.DataFrame(
        [
            {
                "f_table_catalog": "", "f_table_schema": "", "f_table_name": layer, "f_geometry_column": "geom",
                "styleName": name, "styleQML": qml, "styleSLD": "", "useAsDefault": default, "description": name,
                "owner": "", "ui": None, "update_time": moment,
            }
            for layer, name, qml, default in styles
        ]
    ).astype({"ui": object})  # fmt: skip


def _outline_zone(zone: ZoneRasters) -> Iterator[list[Any]]:
    """Outline the observed ground of a zone: one row of `observed_table` for each class that occurs."""
    with open_raster(zone.observed) as reader:
        info = reader.info
        coarse = max(1.0, max(info.width, info.height) / LONGEST_SIDE)
        height, width = (max(1, round(side / coarse)) for side in (info.height, info.width))
        classes = reader.dataset.read(1, out_shape=(height, width), resampling=Resampling.mode)
    transform = info.transform @ Affine.scale(info.width / width, info.height / height)
    parts: dict[int, list[Any]] = {}
    # Parts that touch only at a corner stay apart: merged, they would be invalid polygons.
    known = (classes > 0) & (classes <= max(Observed))
    for shape, value in shapes(classes, mask=known, connectivity=4, transform=transform):
        parts.setdefault(int(value), []).append(shapely.Polygon(shape["coordinates"][0], shape["coordinates"][1:]))
    for value in sorted(parts):
        outlines = reproject(np.array([*parts[value], None], dtype=object)[:-1], info.crs, LONGITUDE_LATITUDE)
        area = _multipolygon(shapely.union_all(outlines))
        yield [zone.name, value, OBSERVED_LABELS[Observed(value)], measure_area(area), area]


def _multipolygon(area: Any) -> shapely.MultiPolygon:
    return shapely.MultiPolygon(polygon_parts(np.array([area], dtype=object)).tolist())


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value))


def _plain(value: Any) -> Any:
    """A value as text that GDAL writes: days and times as ISO text, everything else by `str`."""
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


@contextmanager
def _clock_stopped_at(moment: str) -> Iterator[None]:
    """Let GDAL write this time into GeoPackages instead of the current one, so that equal layers are equal bytes.

    Args:
        moment: the time as ISO text.
    """
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": moment})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


@contextmanager
def _write_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (DataSourceError, RuntimeError, OSError) as error:
        reason = " ".join(str(error).split())
        raise SituationError(f"{path.parent}: layers cannot be written ({reason}); make room there") from error
