"""The rule of merging: which observations are of one landslide, and what is believed of it then."""

import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely
import sqlalchemy as sa
from typer.testing import CliRunner

from tests.database.conftest import RUN, scene, squares
from tests.database.drawing import LIVE, STEP, areas, cells, draw
from tests.database.test_building import NEWER, STRICT, add, as_shown, outlines, shown, table
from tsmu import database as db
from tsmu.cli import app
from tsmu.database import event_table as event
from tsmu.database import observation_table as observation
from tsmu.database.merging import group_observations
from tsmu.database.storage import encode
from tsmu.errors import DatabaseError
from tsmu.issues import IssueLog
from tsmu.workspace import LandslideDatabase


def test_years_of_one_slide_become_one_with_the_outline_that_shows_most(database: db.Database) -> None:
    for year, side in ((2014, 3), (2013, 4), (2016, 2)):
        draw(database, year, cells(0, 0, side, 4))
    assert db.query(database).empty
    done = db.merge(database, by="eva")
    assert (done.observations, done.landslides, done.made, done.relinked) == (3, 1, 1, 3)
    found = db.query(database).iloc[0]
    assert found.geometry.equals(cells(0, 0, 4, 4))
    assert (found["date_min"].year, found["date_max"].year) == (2013, 2013)
    assert found["status"] == "candidate"
    assert table(database, observation)["landslide_id"].nunique() == 1
    assert db.merge(database, by="eva").merging_id is None
    assert len(db.history(database, found["id"])) == 1


def test_of_several_runs_of_one_model_the_outline_of_the_one_asked_for_last_counts(database: db.Database) -> None:
    loose, strict = outlines(shapely.box(7, 46, 7.01, 46.01)), outlines(shapely.box(7, 46, 7.008, 46.009))
    for asked, run in ((loose, RUN), (strict, STRICT), (loose, RUN), (strict, STRICT)):
        add(database, asked, run)
        assert shown(database) == as_shown(asked)
        db.merge(database, by="eva")
        assert shown(database) == as_shown(asked)
    assert db.check(database).empty


ONE_TO_MANY = {  # outlines of the earlier and of the later year, and the areas of the landslides
    "split: one": ([(0, 0, 10, 4)], [(0, 0, 4, 4), (6, 0, 10, 4)], [40]),
    "amalgamated: two": ([(0, 0, 5, 4), (6, 0, 10, 4)], [(0, 0, 10, 4)], [16, 20]),
    "grown over: one": ([(0, 0, 2, 2), (8, 0, 10, 2)], [(0, 0, 10, 4)], [40]),
    "a quarter in common: two": ([(0, 0, 4, 4)], [(3, 0, 7, 4)], [16, 16]),
    "neighbours: two": ([(0, 0, 4, 4)], [(4, 0, 8, 4)], [16, 16]),
}


@pytest.mark.parametrize("order", [1, -1])
def test_one_to_many(database: db.Database, order: int) -> None:
    for year in (2013, 2015)[::order]:
        drawn = [
            cells(west, south + 20 * place, east, north + 20 * place)
            for place, case in enumerate(ONE_TO_MANY.values())
            for west, south, east, north in case[year == 2015]
        ]
        draw(database, year, *drawn)
    db.merge(database, by="eva")
    assert table(database, observation)["landslide_id"].notna().all()
    found = db.query(database)
    case = ((found.geometry.bounds["miny"] - 46) / STEP / 20).round().astype(int)
    for place, (name, (_, _, expected)) in enumerate(ONE_TO_MANY.items()):
        assert sorted(round(shape.area / STEP**2) for shape in found.geometry[case == place]) == expected, name


def test_what_is_drawn_as_one_goes_to_the_part_that_it_is_most_like_and_blurs_nothing_later() -> None:
    shapes = [cells(0, 0, 4, 4), cells(5, 0, 10, 4), cells(0, 0, 10, 4), cells(1, 0, 4, 4)]
    found = group_observations(np.array(shapes, dtype=object), np.arange(4))
    assert found.founder.tolist() == [0, 1, 1, 0]
    assert found.amalgamated.tolist() == [False, False, True, False]
    assert len(set(found.component.tolist())) == 1


def test_two_of_one_look_are_two(database: db.Database) -> None:
    draw(database, 2013, cells(0, 0, 4, 4), cells(0, 0, 4, 3))
    db.merge(database, by="eva")
    assert areas(database) == [12, 16]


@pytest.mark.parametrize(("older", "newer"), [("v001", "v002"), ("v999", "v1000")])
def test_of_two_models_on_a_scene_the_newer_draws(database: db.Database, older: str, newer: str) -> None:
    for by, side in ((replace(NEWER, bundle=newer), 3), (replace(RUN, bundle=older), 4)):
        outline = geopandas.GeoDataFrame(
            {"max_probability": [0.9], "mean_probability": [0.8]}, geometry=[cells(0, 0, side, 4)], crs=4326
        )
        add(database, outline, by, scene(date_post=date(2015, 1, 1)))
    db.merge(database, by="eva")
    assert areas(database) == [12]
    assert db.query(database, db.Filters(status=LIVE))["region"].item() == "alps"


def test_landslides_that_went_into_another_say_so(database: db.Database) -> None:
    draw(database, 2014, cells(0, 0, 2, 2), cells(8, 0, 10, 2))
    db.merge(database, by="eva")
    assert areas(database) == [4, 4]
    draw(database, 2015, cells(0, 0, 10, 4))
    done = db.merge(database, by="eva")
    assert (done.landslides, done.merged, done.changed) == (1, 1, 1)
    gone = db.query(database, db.Filters(status=["merged"]))
    left = db.query(database, db.Filters(status=["candidate"]))
    assert gone["merged_into"].item() == left["id"].item()
    assert db.history(database, gone["id"].item())["status"].to_list() == ["candidate", "merged"]
    with pytest.raises(DatabaseError, match=left["id"].item()):
        db.review(database, gone["id"].item(), status="confirmed", by="eva", why="seen")
    assert db.check(database).empty


EVENTS = [  # id, place in steps, first and last day
    ("a", (2, 2), date(2014, 7, 1), date(2014, 7, 1)),  # inside, in the interval
    ("b", (2, 2), date(2015, 7, 1), date(2015, 7, 1)),  # inside, another year
    ("c", (5, 2), date(2014, 7, 1), date(2014, 7, 1)),  # near, in the interval
    ("d", (30, 2), date(2014, 7, 1), date(2014, 7, 1)),  # far away
    ("e", (22, 2), date(2014, 12, 1), date(2015, 1, 31)),  # half of its days
    ("f", (43, 2), None, None),  # near, no day
]


def test_events_near_the_place_and_on_the_days_are_linked(database: db.Database) -> None:
    shapes = np.array([shapely.Point(7 + x * STEP, 46 + y * STEP) for _, (x, y), _, _ in EVENTS], dtype=object)
    with database.write() as connection:
        for (name, _, first, last), shape in zip(EVENTS, encode(shapes, database.backend), strict=True):
            row = {"id": name, "name": name, "date_min": first, "date_max": last, "geom": shape}
            connection.execute(sa.insert(event), [row])
    draw(database, 2014, cells(0, 0, 4, 4), cells(20, 0, 24, 4), cells(40, 0, 42, 4), cells(60, 0, 64, 4))
    assert db.merge(database, by="eva").with_event == 3
    found = db.query(database).sort_values("event_id")
    assert found["event_id"].fillna("").to_list() == ["a", "e", "f", ""]
    reasons = dict(zip(found["event_id"], found["change_reason"], strict=True))
    assert reasons["a"].endswith("event 0 m away, score 1.00")
    assert reasons["e"].endswith("event 0 m away, score 0.50")
    metres = STEP * np.pi / 180 * 6_388_000 * np.cos(np.radians(46))  # of a step eastward, to a few centimetres
    assert f"event {metres:.0f} m away, score {0.5 * (1 - metres / 500):.2f}" in reasons["f"]
    assert db.merge(database, by="eva").merging_id is None
    assert db.merge(database, by="eva", near=0).merging_id is None  # an event once found is kept


def test_an_inventory_comes_in_once(database: db.Database) -> None:
    draw(database, 2014, cells(0, 0, 2, 2))
    draw(database, 2014, cells(0, 0, 2, 2))
    assert len(table(database, observation)) == 1
    with pytest.raises(DatabaseError, match="another name"):
        draw(database, 2014, cells(0, 0, 3, 2))
    log = IssueLog("test")
    twice = geopandas.GeoSeries([cells(0, 0, 2, 2), cells(0, 0, 2, 2).reverse()], crs=4326)
    db.add_inventory(database, twice, log, name="twice", mapper="jo", dates=(None, date(2014, 1, 1)))
    assert [issue.row for issue in log.errors] == [2]


def test_an_empty_database_merges_to_nothing(database: db.Database) -> None:
    assert db.merge(database, by="eva") == db.MergeResult(None)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_hundred_thousand_observations_merge_in_under_a_minute(database: db.Database) -> None:
    random_numbers, sites, corners = np.random.default_rng(0), 20_000, 40
    turns = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    middles = np.column_stack([7 + 4 * STEP * np.arange(sites) % 0.6, 46 + 4 * STEP * (np.arange(sites) // 150)])
    for year in range(2013, 2018):
        radii = STEP * random_numbers.uniform(0.8, 1.2, (sites, 1, 1)) * (1 + 0.2 * np.sin(3 * turns))[:, None]
        outlines = middles[:, None] + radii * np.column_stack([np.cos(turns), np.sin(turns)])
        draw(database, year, *shapely.polygons(outlines))
    started = time.process_time()  # other programs' share of the processor is not ours; nor is the server's
    done = db.merge(database, by="eva")
    seconds = time.process_time() - started
    assert done.observations == 5 * sites
    assert done.landslides == pytest.approx(sites, rel=0.01)
    assert seconds < 60, seconds
    assert db.merge(database, by="eva").merging_id is None
    assert db.undo_merge(database, by="eva").landslides == done.made


@pytest.mark.parametrize("suffix", [".geojson", ".gpkg", ".csv"])
def test_messages_count_none_of_the_landslides_that_were_merged_or_rejected(tmp_path: Path, suffix: str) -> None:
    records = LandslideDatabase(tmp_path / "landslides.gpkg")
    for year in (2013, 2014):
        squares(3).assign(date=f"{year}-07-05").to_file(tmp_path / f"{year}.geojson")
        records.add_file(tmp_path / f"{year}.geojson", by=f"of {year}")
    records.merge(by="eva")
    records.review(records.query(status="candidate").id[0], status="rejected", by="eva", why="a quarry")
    assert len(records.query()) == 6
    whole, expected = records.query(status="candidate")["area_m2"].sum(), "1 rejected and 3 merged into others"
    assert records.info()["area_m2"] == whole
    command = ["db", "query", "--database", str(records.place)]
    told = CliRunner().invoke(app, command).stdout.splitlines()[0]
    assert told == f"2 landslides, {whole / 1e6:.3f} km2, besides {expected}"
    layout = ["--layout", "usgs"] if suffix == ".csv" else []
    for conditions, besides in (
        ([], f", besides {expected}"),
        (["--status", "rejected,candidate"], ", besides 1 rejected"),
    ):
        file = tmp_path / f"{len(conditions)}{suffix}"
        command = ["db", "export", str(file), *layout, *conditions, "--database", str(records.place)]
        told = CliRunner().invoke(app, command).stdout.splitlines()[0]
        assert told == f"2 landslides{'' if layout and not conditions else besides}: {file}"
