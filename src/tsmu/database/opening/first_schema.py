"""Upgrades the database of the first `tsmu map`, one layer of candidates, to the schema of today.

An empty database of today is made beside it, its tables and triggers are made again in the old file,
the candidates go in as observations and landslides, and the old layer goes: in one transaction.
"""

import tempfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import shapely
import sqlalchemy as sa

from tsmu.database.ids import content_id
from tsmu.database.schema import observation
from tsmu.database.storage import Shapes, decode, geopackage, insert_features
from tsmu.database.types import utc_now
from tsmu.database.vocabulary import Author, Status
from tsmu.database.writing import RunRecord, SceneRecord, Stamp, insert_landslides, insert_run

LAYER = "landslides"
COLUMNS = (
    "geom", "id", "region", "scene", "bundle", "date_pre", "date_post", "area_m2", "max_probability",
    "mean_probability", "threshold", "status", "created",
)  # fmt: skip
_RUN = ["scene", "bundle", "region", "threshold", "date_pre", "date_post"]


def is_first_schema(connection: sa.Connection) -> bool:
    """Whether a GeoPackage is of the first version."""
    inspector = sa.inspect(connection)
    return inspector.has_table(LAYER) and set(COLUMNS) <= {column["name"] for column in inspector.get_columns(LAYER)}


def upgrade_first_schema(connection: sa.Connection, revision: str) -> None:
    """Turn a database of the first version into one of today, within the connection's transaction."""
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "empty.gpkg"
        geopackage.create(empty, revision)
        geopackage.create_missing_parts(connection, empty)
    table = sa.table(LAYER, *map(sa.column, COLUMNS))
    old = pd.DataFrame(connection.execute(sa.select(table)).fetchall(), columns=list(COLUMNS))
    for values, rows in old.groupby(_RUN, dropna=False, sort=True):
        _insert_run_candidates(connection, dict(zip(_RUN, values, strict=True)), rows)
    connection.exec_driver_sql(f"DROP TABLE rtree_{LAYER}_geom")
    connection.exec_driver_sql(f"DROP TABLE {LAYER}")
    for register_of_layers in ("gpkg_extensions", "gpkg_geometry_columns", "gpkg_ogr_contents", "gpkg_contents"):
        connection.exec_driver_sql(f"DELETE FROM {register_of_layers} WHERE table_name = '{LAYER}'")


def _insert_run_candidates(connection: sa.Connection, run_values: dict[str, Any], rows: pd.DataFrame) -> None:
    """Insert the candidates of one run; their ids become the landslides'."""
    shapes, areas = decode(rows["geom"].tolist()), rows["area_m2"].to_numpy()
    scene_record, run_record = _records(run_values, shapes)
    created, run_id = utc_now(), run_record.id(scene_record.id)
    insert_run(connection, scene_record, run_record, created)
    known = rows["status"].isin(list(Status))
    columns = {
        "id": rows["id"].to_numpy(),
        "region": run_record.region,
        "date_min": scene_record.date_pre,
        "date_max": scene_record.date_post,
        "status": rows["status"].where(known, Status.CANDIDATE.value).to_numpy(),
        "area_m2": areas,
    }
    insert_landslides(connection, columns, shapes, _stamp(rows["status"], run_id, created))
    observations = {
        "id": [content_id("observation", landslide_id) for landslide_id in rows["id"]],
        "landslide_id": rows["id"].to_numpy(),
        "scene_id": scene_record.id,
        "run_id": run_id,
        "area_m2": areas,
        "max_probability": rows["max_probability"].to_numpy(),
        "mean_probability": rows["mean_probability"].to_numpy(),
        "created_at": created,
    }
    insert_features(connection, observation, observations, shapes)


def _records(run_values: dict[str, Any], shapes: Shapes) -> tuple[SceneRecord, RunRecord]:
    footprint = shapely.box(*shapely.total_bounds(shapes))
    before, after = _day(run_values["date_pre"]), _day(run_values["date_post"])
    bundle, _, digest = str(run_values["bundle"]).partition("-")
    region, threshold = str(run_values["region"]), int(run_values["threshold"])
    run_record = RunRecord(bundle, digest, region, region, threshold, settings={"from": "schema 0001"})
    return SceneRecord(str(run_values["scene"]), footprint, date_pre=before, date_post=after), run_record


def _stamp(status: "pd.Series[str]", run_id: str, created: datetime) -> Stamp:
    """A landslide whose status somebody has set is a person's, all others are the run's."""
    known = status.isin(list(Status))
    decided = (known & (status != Status.CANDIDATE)).tolist()
    return Stamp(
        author=[Author.PERSON.value if by_person else Author.RUN.value for by_person in decided],
        changed_by=["somebody before schema 0002" if by_person else f"run {run_id}" for by_person in decided],
        change_reason=[
            "found" if is_known else f"status was {text!r}" for is_known, text in zip(known, status, strict=True)
        ],
        changed_at=created,
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text[:10]) if text else None
