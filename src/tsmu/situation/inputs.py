"""The input of a situation report: paths and tables, checked before anything is written."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import pyogrio
import pyproj
import shapely
from pyogrio.errors import DataLayerError, DataSourceError
from shapely.geometry.base import BaseGeometry

from tsmu.database import Status
from tsmu.errors import SituationError
from tsmu.files import read_json_object
from tsmu.imagery import describe_raster, is_remote

ZONE_RASTERS = ("pre", "post", "observed", "probability")  # the rasters of a zone that become layers of the report
ZONE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
SHOWN = (Status.CONFIRMED, Status.CANDIDATE)  # the landslides that are counted, drawn and exported
LANDSLIDE_COLUMNS = ("id", "status", "area_m2")
SOURCE_COLUMNS = ("item_id", "datetime", "collection", "side", "cloud_cover", "share")
SIDES = {"pre": "before", "post": "after"}
FACTS_FILE, LAYERS_FOLDER, LAYERS_FILE = "report.json", "layers", "situation.gpkg"
LANDSLIDE_LAYER, SEEN_LAYER = "landslides", "observed"  # names of layers of the GeoPackage


class Observed(IntEnum):
    """The classes of a zone's `observed.tif`: whether a pixel was seen clearly before and after the event."""

    OUTSIDE = 0
    SEEN = 1
    NOT_BEFORE = 2
    NOT_AFTER = 3
    NEITHER = 4


@dataclass(frozen=True)
class ZoneRasters:
    """The rasters of one UTM zone.

    Attributes:
        name: the zone's name, such as `EPSG_32651`, made of letters, digits, `_` and `-`; the folder of its layers
            has this name.
        pre: the composite image before the event. If optical, its bands are red, green, blue and perhaps nir, in
            reflectance x 10000 with 0 = no data. If radar, its bands are vv and perhaps vh, in linear power with
            NaN = no data.
        post: the composite image after the event, on the same grid as `pre`.
        observed: a uint8 raster with the classes of `Observed`: 0 outside the area, 1 seen clearly before and after
            the event, 2 not seen before, 3 not seen after, 4 seen neither before nor after. The observed pixels of
            two zones do not overlap.
        probability: the landslide map, uint8 percent with 255 = no data, on any grid; None where nothing was mapped.
        dem: path or address of a raster of elevations in metres, from which the map's relief is drawn; without it
            (None) the map shows a grey image instead.
    """

    name: str
    pre: Path
    post: Path
    observed: Path
    probability: Path | None = None
    dem: Path | str | None = None


@dataclass(frozen=True)
class MapMethod:
    """How the map was made.

    Attributes:
        name: `change` for a map of what changed between the two images; else the name of the model's decoder.
        version: the model's version, such as `v003`; None for a map by change.
        threshold: the probability in whole percent from which a pixel counts as landslide; None where parts of the
            map had different thresholds.
        calibrated_on: the data on which the map's probabilities were calibrated, such as `18 Sentinel-2 sites`; None
            where they are not calibrated.
        model: path of the model's STAC item with the MLM extension (`bundle.json`); None for a map by change.
    """

    name: str
    version: str | None = None
    threshold: int | None = None
    calibrated_on: str | None = None
    model: Path | None = None


@dataclass(frozen=True)
class Districts:
    """Districts by which landslides are counted.

    Attributes:
        polygons: the districts' polygons, in any CRS; rows with the same name belong to one district.
        name: the column that holds the districts' names.
    """

    polygons: geopandas.GeoDataFrame
    name: str


@dataclass(frozen=True)
class FormerSituation:
    """The content of an earlier report of the same event; `read_former` reads it.

    Attributes:
        made: the time at which the earlier report was made.
        ids: the ids of the landslides that it listed.
        seen: the ground that it counted as seen both before and after the event, EPSG:4326.
    """

    made: datetime
    ids: frozenset[str]
    seen: BaseGeometry


@dataclass(frozen=True)
class Situation:
    """An event as it is known now.

    Attributes:
        name: the event's name.
        day: the day of the event.
        made: the time at which this report is made; the report uses no other clock.
        area: the polygon in which landslides were looked for, EPSG:4326.
        zones: the rasters of each UTM zone.
        landslides: the database's records of the event, EPSG:4326, with the columns `id`, `status`, `area_m2`, and if
            known `probability` (0 to 1, the mean within the outline), `date_min`, `date_max`, and `dates` (on how
            many days of imagery after the event the landslide is seen).
        sources: the imagery, with the columns of the `sources.csv` that lies beside an event's imagery: `item_id`,
            `datetime`, `collection`, `side` (`pre` or `post`), `cloud_cover` (percent), `share` (0 to 1, the share of
            the area for which the scene was used), and perhaps `left_out` (why a scene was not used).
        method: how the map was made.
        districts: the districts by which landslides are counted; None counts none.
        former: the earlier report of this event, if there is one.
        remarks: sentences for the readers of this report, one remark each.

    Raises:
        SituationError: something is missing or does not fit.
    """

    name: str
    day: date
    made: datetime
    area: BaseGeometry
    zones: Sequence[ZoneRasters]
    landslides: geopandas.GeoDataFrame
    sources: pd.DataFrame
    method: MapMethod
    districts: Districts | None = None
    former: FormerSituation | None = None
    remarks: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Check what can be checked without opening a raster."""
        _check_area(self.area)
        _check_zones(self.zones)
        _check_landslides(self.landslides)
        _check_model(self.method)
        _check_columns("sources", self.sources, SOURCE_COLUMNS)
        if unknown := set(self.sources["side"]) - set(SIDES):
            raise SituationError(f"sources: side is {sorted(map(str, unknown))[0]}; it may be pre or post")
        if self.districts is not None:
            _check_columns("districts", self.districts.polygons, (self.districts.name,))
            if self.districts.polygons.crs is None:
                raise SituationError("districts: have no CRS; give one")

    @property
    def is_radar(self) -> bool:
        """Whether the imagery is radar, decided by the name of the first band of the first zone's `post` raster."""
        return describe_raster(self.zones[0].post).bands[0] in ("vv", "vh", "hh", "hv")

    def shown(self) -> geopandas.GeoDataFrame:
        """The landslides that are confirmed or candidates, the largest first; `probability` NaN where unknown."""
        shown = self.landslides[self.landslides["status"].isin(SHOWN)].copy()
        for column in ("probability", "dates"):
            if column not in shown:
                shown[column] = np.nan
            shown[column] = pd.to_numeric(shown[column], errors="coerce")
        for column in ("date_min", "date_max"):
            if column not in shown:
                shown[column] = None
        return shown.sort_values(["area_m2", "id"], ascending=[False, True], ignore_index=True)


def read_former(folder: Path) -> FormerSituation:
    """Read an earlier report of an event.

    Args:
        folder: the folder into which `write_report` wrote it.

    Raises:
        SituationError: the folder holds no report, or the report cannot be read.

    Example:
        >>> _ = write_report(seen_event, Path("first"))
        >>> former = read_former(Path("first"))
        >>> len(former.ids), former.made == seen_event.made
        (3, True)
    """
    facts, layers = read_json_object(folder / FACTS_FILE), folder / LAYERS_FOLDER / LAYERS_FILE
    try:
        made = datetime.fromisoformat(str(facts["made"]))
        landslides = pyogrio.read_dataframe(layers, layer=LANDSLIDE_LAYER, columns=["id"], read_geometry=False)
        observed = pyogrio.read_dataframe(layers, layer=SEEN_LAYER, columns=["class"])
    except (KeyError, ValueError, OSError, DataSourceError, DataLayerError) as error:
        reason = " ".join(str(error).split())
        raise SituationError(
            f"{folder}: holds no situation report ({reason}); name the folder of the earlier one"
        ) from None
    seen = observed.geometry[observed["class"] == Observed.SEEN]
    return FormerSituation(made, frozenset(map(str, landslides["id"])), shapely.union_all(seen.to_numpy()))


def _check_area(area: BaseGeometry) -> None:
    if area.is_empty or not area.area or area.geom_type not in ("Polygon", "MultiPolygon"):
        raise SituationError(f"area: is {'empty' if area.is_empty else f'a {area.geom_type}'}; give a polygon")
    west, south, east, north = area.bounds
    if west < -180 or east > 180 or south < -90 or north > 90:
        raise SituationError("area: reaches beyond 180 degrees of longitude or 90 of latitude; give it in EPSG:4326")


def _check_zones(zones: Sequence[ZoneRasters]) -> None:
    if not zones:
        raise SituationError("zones: there is none; give the rasters of one at least")
    names = [zone.name for zone in zones]
    for name in names:
        if not ZONE_NAME.fullmatch(name):
            raise SituationError(f"zone {name!r}: a name has letters, digits, _ and - only; name it so")
        if names.count(name) > 1:
            raise SituationError(f"zone {name}: there are two of this name; give each its own")
    for zone in zones:
        for path in (zone.pre, zone.post, zone.observed, zone.probability, zone.dem):
            if path is not None and not is_remote(path) and not Path(path).is_file():
                raise SituationError(f"zone {zone.name}: no such raster {path}; check the path")


def _check_model(method: MapMethod) -> None:
    if method.model is not None and "stac_version" not in read_json_object(method.model):
        raise SituationError(f"{method.model}: is no STAC item of a model; give a bundle's bundle.json")


def _check_landslides(landslides: geopandas.GeoDataFrame) -> None:
    _check_columns("landslides", landslides, LANDSLIDE_COLUMNS)
    if landslides.crs is None or pyproj.CRS(landslides.crs).to_epsg() != 4326:
        raise SituationError("landslides: are not in EPSG:4326; reproject them")
    if unknown := set(landslides["status"]) - set(Status):
        raise SituationError(f"landslides: status is {sorted(map(str, unknown))[0]}; it may be {', '.join(Status)}")
    if not landslides["id"].is_unique:
        twice = landslides["id"][landslides["id"].duplicated()].iloc[0]
        raise SituationError(f"landslides: two have the id {twice}; give each landslide once")
    if (landslides.geometry.isna() | landslides.geometry.is_empty).any():
        raise SituationError("landslides: one has no outline; leave it out")
    if not (pd.to_numeric(landslides["area_m2"], errors="coerce") > 0).all():
        raise SituationError("landslides: area_m2 is missing or not above 0 in one; leave it out or measure it")


def _check_columns(name: str, table: Any, columns: Sequence[str]) -> None:
    if missing := [column for column in columns if column not in table]:
        raise SituationError(f"{name}: column {missing[0]} is missing; there are {', '.join(map(str, table.columns))}")
