"""Landslides: many by conditions, one with its whole story, and what is filtered as a file."""

import tempfile
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import geopandas
import pandas as pd
import shapely
import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Response

from tsmu.database import Filters, history, nearest_landslides, query, query_page, read_frame, reviews, verdicts
from tsmu.database import observation_table as observation
from tsmu.database import run_table as run
from tsmu.database import scene_table as scene
from tsmu.server import geojson
from tsmu.server.context import Desk, TheDesk
from tsmu.server.schemas import LARGEST, filters

router = APIRouter(prefix="/api", tags=["landslides"])
MOST = 10_000
GEOJSON = "application/geo+json"

TheFilters = Annotated[Filters, Depends(filters)]


@router.get("/landslides", response_class=Response, responses={200: {"content": {GEOJSON: {}}}})
def landslides(
    desk: TheDesk,
    wanted: TheFilters,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 1000,
    after: Annotated[int, Query(ge=0, le=LARGEST, description="`next` of the page before")] = 0,
) -> Response:
    """Landslides as believed now, as GeoJSON; `next` is where the following page goes on, or null."""
    found = query_page(desk.records, wanted, limit, after)
    return Response(
        geojson.collection(found.drop(columns="fid"), {"next": found.attrs["last_fid"]}), media_type=GEOJSON
    )


@router.get("/landslides/{landslide_id}")
def landslide(desk: TheDesk, landslide_id: str) -> dict[str, Any]:
    """One landslide: what is believed now (`feature`) and was before, what it rests on, who says what.

    `disputed` says whether people disagree: their last verdicts that hold are in `verdicts`.
    """
    return story(desk, landslide_id)


def story(desk: Desk, landslide_id: str) -> dict[str, Any]:
    """One landslide with its versions, observations, reviews and verdicts."""
    versions = history(desk.records, landslide_id)
    said = verdicts(desk.records, [landslide_id])
    return {
        "feature": geojson.one(versions, len(versions) - 1),
        "versions": geojson.rows(pd.DataFrame(versions.drop(columns="geometry"))),
        "observations": geojson.rows(_observations(desk, landslide_id)),
        "reviews": geojson.rows(reviews(desk.records, landslide_id)),
        "verdicts": geojson.rows(said),
        "disputed": bool(said["verdict"].nunique() > 1),
    }


def _observations(desk: Desk, landslide_id: str) -> pd.DataFrame:
    own: list[sa.ColumnElement[Any]] = [
        observation.c[n] for n in ("id", "scene_id", "run_id", "mapper", "area_m2", "max_probability")
    ]
    own += [
        observation.c.mean_probability,
        observation.c.mean_deviation,
        observation.c.created_at,
        run.c.bundle,
        scene.c.name.label("scene"),
    ]
    asked = (
        sa.select(*own)
        .join_from(observation, scene, scene.c.id == observation.c.scene_id)
        .outerjoin(run, run.c.id == observation.c.run_id)
        .where(observation.c.landslide_id == landslide_id)
    )
    with desk.records.read() as connection:
        return pd.DataFrame(read_frame(connection, asked.order_by(observation.c.fid)))


@router.get("/landslides/{landslide_id}/neighbours", response_class=Response)
def neighbours(desk: TheDesk, landslide_id: str, limit: Annotated[int, Query(ge=1, le=50)] = 5) -> Response:
    """The landslides nearest to one, such as to merge with it: the nearest first, as GeoJSON."""
    mine = history(desk.records, landslide_id).geometry.iloc[-1].envelope.centroid
    among = Filters(status=("candidate", "confirmed"))
    found = nearest_landslides(desk.records, among, (mine.x, mine.y), limit + 1)
    return Response(geojson.collection(found[found["id"] != landslide_id].iloc[:limit]), media_type=GEOJSON)


class Format(StrEnum):
    """What an export is written as."""

    GEOJSON = "geojson"
    CSV = "csv"
    GPKG = "gpkg"


@router.get("/export.{suffix}", response_class=Response)
def export(desk: TheDesk, suffix: Format, wanted: TheFilters) -> Response:
    """All landslides that are filtered, as one file: GeoJSON, CSV with outlines as WKT, or GeoPackage."""
    found = query(desk.records, wanted)
    body, kind = _WRITERS[suffix](found)
    return Response(
        body, media_type=kind, headers={"Content-Disposition": f'attachment; filename="landslides.{suffix}"'}
    )


def _as_geojson(found: geopandas.GeoDataFrame) -> tuple[str | bytes, str]:
    return geojson.collection(found), GEOJSON


def _as_csv(found: geopandas.GeoDataFrame) -> tuple[str | bytes, str]:
    table = pd.DataFrame(geojson.rows(found), columns=[name for name in found.columns if name != "geometry"])
    for name in found.select_dtypes("object").columns:  # a spreadsheet would run a text that begins so
        risky = table[name].astype(str).str.startswith(("=", "+", "-", "@", "\t", "\r"))
        table.loc[risky, name] = "'" + table.loc[risky, name].astype(str)
    return table.assign(wkt=shapely.to_wkt(found.geometry.array, rounding_precision=9)).to_csv(
        index=False
    ), "text/csv; charset=utf-8"


def _as_gpkg(found: geopandas.GeoDataFrame) -> tuple[str | bytes, str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "landslides.gpkg"
        found.to_file(path, layer="landslide", driver="GPKG")
        return path.read_bytes(), "application/geopackage+sqlite3"


_WRITERS: dict[Format, Callable[[geopandas.GeoDataFrame], tuple[str | bytes, str]]] = {
    Format.GEOJSON: _as_geojson,
    Format.CSV: _as_csv,
    Format.GPKG: _as_gpkg,
}
