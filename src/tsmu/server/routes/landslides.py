"""The routes of landslides: many by conditions, one with its history and observations, and an export as a file."""

import tempfile
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import geopandas
import pandas as pd
import shapely
import sqlalchemy as sa
from fastapi import APIRouter, Query, Response

from tsmu.database import (
    BlindView,
    Database,
    Filters,
    history,
    landslide_table,
    nearest_landslides,
    query,
    query_page,
    read_frame,
    review_state,
    review_texts,
    reviews,
    verdicts,
)
from tsmu.database import observation_table as observation
from tsmu.database import run_table as run
from tsmu.database import scene_table as scene
from tsmu.server import geojson
from tsmu.server.context import Context, View
from tsmu.server.query_parameters import MAX_FID, MAX_PAGE, FiltersQuery

router = APIRouter(prefix="/api", tags=["landslides"])

# A spreadsheet takes a text that begins with one of these for a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@router.get("/landslides", response_class=Response, responses=geojson.OPENAPI_RESPONSE)
def landslides(
    context: Context,
    filters: FiltersQuery,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 1000,
    after: Annotated[int, Query(ge=0, le=MAX_FID, description="`next` of the page before")] = 0,
) -> Response:
    """List the newest versions of landslides as GeoJSON; `next` is the `after` of the next page, or null."""
    columns = (*landslide_table.columns, review_state(filters.view))
    page = query_page(context.database, filters, limit, after, columns)
    body = geojson.feature_collection(page.drop(columns="fid"), {"next": page.attrs["last_fid"]})
    return Response(body, media_type=geojson.MEDIA_TYPE)


@router.get("/landslides/{landslide_id}")
def landslide(context: Context, view: View, landslide_id: str) -> dict[str, Any]:
    """Give one landslide: its newest version (`feature`), and its `versions`, `observations`, `reviews` and `verdicts`.

    `verdicts` has the last valid verdict of each person, and `disputed` says whether these differ. In a blind review
    `reviews`, `verdicts` and `disputed` are based on what the user may see of others.
    """
    return landslide_details(context.database, landslide_id, view)


def landslide_details(database: Database, landslide_id: str, view: BlindView | None) -> dict[str, Any]:
    """Gather one landslide as JSON: its newest version as a feature, all versions, observations, reviews and verdicts.

    Args:
        database: the landslide database.
        landslide_id: id of the landslide.
        view: what the user may see of a blind review; None if the review is not blind.
    """
    versions = history(database, landslide_id)
    valid_verdicts = verdicts(database, [landslide_id], view)
    with database.read() as connection:
        state = connection.execute(sa.select(review_state(view)).where(landslide_table.c.id == landslide_id)).scalar()
    feature = geojson.feature(versions, len(versions) - 1)
    feature["properties"]["review_state"] = state
    return {
        "feature": feature,
        "versions": geojson.json_rows(pd.DataFrame(versions.drop(columns="geometry"))),
        "observations": geojson.json_rows(_observations(database, landslide_id)),
        "reviews": geojson.json_rows(reviews(database, landslide_id, view)),
        "verdicts": geojson.json_rows(valid_verdicts),
        "disputed": bool(valid_verdicts["verdict"].nunique() > 1),
    }


def _observations(database: Database, landslide_id: str) -> pd.DataFrame:
    """Read the observations on which a landslide is based, each with its scene and the version of the model."""
    names = (
        "id", "scene_id", "run_id", "mapper", "area_m2", "max_probability", "mean_probability", "mean_deviation",
        "created_at",
    )  # fmt: skip
    selected = (
        sa.select(*(observation.c[name] for name in names), run.c.bundle, scene.c.name.label("scene"))
        .join_from(observation, scene, scene.c.id == observation.c.scene_id)
        .outerjoin(run, run.c.id == observation.c.run_id)
        .where(observation.c.landslide_id == landslide_id)
        .order_by(observation.c.fid)
    )
    with database.read() as connection:
        return pd.DataFrame(read_frame(connection, selected))


@router.get("/landslides/{landslide_id}/neighbours", response_class=Response)
def neighbours(
    context: Context, view: View, landslide_id: str, limit: Annotated[int, Query(ge=1, le=50)] = 5
) -> Response:
    """List the landslides nearest to one, with which it may be merged, as GeoJSON: the nearest first."""
    centre = history(context.database, landslide_id).geometry.iloc[-1].envelope.centroid
    filters = Filters(status=("candidate", "confirmed"), view=view)
    nearest = nearest_landslides(context.database, filters, (centre.x, centre.y), limit + 1)
    others = nearest[nearest["id"] != landslide_id].iloc[:limit]
    return Response(geojson.feature_collection(others), media_type=geojson.MEDIA_TYPE)


class ExportFormat(StrEnum):
    """The file format of an export."""

    GEOJSON = "geojson"
    CSV = "csv"
    GPKG = "gpkg"


@router.get("/export.{suffix}", response_class=Response)
def export(context: Context, suffix: ExportFormat, filters: FiltersQuery) -> Response:
    """Export all landslides that fulfil the filters as one file: GeoJSON, CSV with outlines as WKT, or GeoPackage.

    Besides the columns of the landslide table, the file has `review_state`, `opinions` (each reviewer's last verdict)
    and `comments`. In a blind review they have only what the user may see of others, and the file's name says so.
    """
    write, media_type = _EXPORTS[suffix]
    name = "landslides" if filters.view is None else "landslides-as-you-may-see-them"
    headers = {"Content-Disposition": f'attachment; filename="{name}.{suffix}"'}
    columns = tuple(column for column in landslide_table.columns if column.name != "fid")
    table = query(context.database, filters, (*columns, review_state(filters.view)))
    texts = review_texts(context.database, filters.view).reindex(table["id"])
    table = table.assign(**{name: texts[name].to_numpy(object) for name in ("opinions", "comments")})
    return Response(write(table), media_type=media_type, headers=headers)


def _as_csv(table: geopandas.GeoDataFrame) -> str:
    """Write a table as CSV with outlines as WKT; a text that a spreadsheet would run gets an apostrophe in front."""
    names = [name for name in table.columns if name != "geometry"]
    values = [{name: _without_formula(value) for name, value in row.items()} for row in geojson.json_rows(table)]
    rows = pd.DataFrame(values, columns=names)
    outlines = shapely.to_wkt(table.geometry.array, rounding_precision=9)
    return rows.assign(wkt=outlines).to_csv(index=False)


def _without_formula(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def _as_geopackage(table: geopandas.GeoDataFrame) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "landslides.gpkg"
        table.to_file(path, layer="landslide", driver="GPKG")
        return path.read_bytes()


_EXPORTS: dict[ExportFormat, tuple[Callable[[geopandas.GeoDataFrame], str | bytes], str]] = {
    ExportFormat.GEOJSON: (geojson.feature_collection, geojson.MEDIA_TYPE),
    ExportFormat.CSV: (_as_csv, "text/csv; charset=utf-8"),
    ExportFormat.GPKG: (_as_geopackage, "application/geopackage+sqlite3"),
}
