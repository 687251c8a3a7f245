"""Areas that are given to reviewers: each landslide lies in exactly one, and each person has an own queue."""

import shutil
from pathlib import Path

import geopandas
import pytest
import shapely

from tests.database.conftest import squares
from tests.database.test_building import NEWER, add
from tests.database.test_deciding import SEEN, make, of
from tests.database.test_versions import as_schema_0009
from tsmu import database as db
from tsmu.database import BlindView, Filters, ReviewArea, area_progress, assign_areas, open_database
from tsmu.errors import DatabaseError
from tsmu.workspace import LandslideDatabase

WEST, EAST = shapely.box(6.9, 45.9, 7.024, 46.1), shapely.box(7.021, 45.9, 7.0449, 46.1)  # share the third square


@pytest.fixture
def filled(database: db.Database) -> db.Database:
    add(database, squares(6), seen=SEEN)
    return database


def mine(database: db.Database, person: str) -> set[str]:
    return set(db.query(database, Filters(assigned_to=person))["id"])


def test_each_landslide_belongs_to_exactly_one_area_also_what_comes_later(filled: db.Database) -> None:
    areas = [ReviewArea("west", ("eva",), WEST), ReviewArea("east", ("jo", "kim"), EAST)]
    assert assign_areas(filled, areas) == 5
    ids = list(of(filled, *range(6)))
    assert (mine(filled, "eva"), mine(filled, "jo")) == (set(ids[:3]), set(ids[3:5]))  # of two the first
    assert mine(filled, "kim") == mine(filled, "jo")
    assert db.count_landslides(filled, Filters(assigned_to="nobody")) == 0
    assign_areas(filled, areas[::-1])
    assert len(mine(filled, "eva")) == 2
    add(filled, squares(6, 0.001), NEWER, SEEN)  # redrawn to the east, they stay with their reviewers
    assert len(mine(filled, "eva")) == 2
    drawn = make(filled, "draw", shape=shapely.box(6.95, 46.0, 6.955, 46.004), scene_id=SEEN.id).changes[0].id
    assert drawn in mine(filled, "eva")
    queue = db.next_landslides(filled, Filters(assigned_to="jo"), db.QueueOrder.SIZE, 9)
    assert set(queue["id"]) == mine(filled, "jo")
    assert db.check(filled).empty
    assert assign_areas(filled, []) == 0
    assert area_progress(filled) == []


def test_progress_is_told_by_person_and_area(filled: db.Database) -> None:
    assign_areas(filled, [ReviewArea("west", ("eva", "jo"), WEST), ReviewArea("east", ("jo",), EAST)])
    make(filled, "accept", 0)
    request = db.DecisionRequest("blind", db.Action.REJECT, "jo", landslides=of(filled, 1))
    db.decide_blindly(filled, request, BlindView("jo"))
    west, east = {"area": "west", "landslides": 3}, {"area": "east", "reviewer": "jo", "landslides": 2, "decided": 0}
    assert area_progress(filled) == [
        west | {"reviewer": "eva", "decided": 1, "open": 2}, west | {"reviewer": "jo", "decided": 1, "open": 2},
        east | {"open": 2},
    ]  # fmt: skip
    own = [west | {"reviewer": "jo", "decided": 2, "open": 1}, east | {"open": 2}]
    assert area_progress(filled, BlindView("jo")) == own
    eva = west | {"reviewer": "eva", "decided": 1, "open": 2}
    assert area_progress(filled, BlindView("eva")) == [eva]
    assert area_progress(filled, BlindView("ada", adjudicates=True)) == [eva, *own]


def test_areas_come_from_a_file_of_any_projection(tmp_path: Path) -> None:
    with open_database(tmp_path / "landslides.gpkg", create=True) as database:
        add(database, squares(6), seen=SEEN)
    records, path = LandslideDatabase(tmp_path / "landslides.gpkg"), tmp_path / "areas.gpkg"
    people = {"district": ["West", "East"], "reviewer": ["eva", "jo; kim"]}
    table = geopandas.GeoDataFrame(people, geometry=[WEST, EAST], crs=4326)
    table.to_crs(32632).to_file(path)
    told = records.assign(path, name="district")
    assert told[["area", "reviewer", "landslides", "open"]].to_numpy().tolist() == [
        ["West", "eva", 3, 3], ["East", "jo", 2, 2], ["East", "kim", 2, 2],
    ]  # fmt: skip
    assert records.assign().equals(told)
    with pytest.raises(DatabaseError, match="no column 'who'; its columns are: district, reviewer"):
        records.assign(path, field="who")
    table.assign(reviewer=["eva", None]).to_file(path)
    with pytest.raises(DatabaseError, match="row 3, column reviewer: names no reviewer"):
        records.assign(path)
    assert len(records.assign()) == 3  # what was given stays
    copied = records.copy(tmp_path / "copy.gpkg")
    assert copied.assign().equals(told)
    assert records.assign(clear=True).empty


def test_a_database_of_schema_0007_gets_areas_and_blind_review(
    target: Path | str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where a server's backup goes
    with open_database(target, create=True) as database:
        add(database, squares(6), seen=SEEN)
        as_schema_0009(database)
        with database.write() as connection:
            for table in ("area_landslide", "area_reviewer", "review_area"):
                connection.exec_driver_sql(f"DROP TABLE {table}")
                if database.path:
                    for register in ("gpkg_geometry_columns", "gpkg_ogr_contents", "gpkg_contents"):
                        connection.exec_driver_sql(f"DELETE FROM {register} WHERE table_name = '{table}'")
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0007'")
    with open_database(target) as database:
        assert database.backup is not None
        assert assign_areas(database, [ReviewArea("west", ("eva",), WEST)]) == 3
        request = db.DecisionRequest("blind", db.Action.REJECT, "jo", landslides=of(database, 1))
        db.decide_blindly(database, request, BlindView("jo"))
        assert db.check(database).empty
    if isinstance(target, Path):
        assert (
            geopandas.read_file(shutil.copy(target, tmp_path / "copy.gpkg"), layer="review_area")["name"].item()
            == "west"
        )
