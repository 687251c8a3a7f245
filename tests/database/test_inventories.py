"""Inventories of others: what their rows say is kept, and a file that was corrected, renamed or misplaced is told."""

import json
from pathlib import Path
from typing import Any

import geopandas
import pandas as pd
import pytest
import shapely

from tests.database.conftest import squares
from tests.database.test_building import table
from tsmu import database as db
from tsmu.database import event_table, mapped_area_table, observation_table, scene_table
from tsmu.errors import DatabaseError
from tsmu.issues import IssueLog

BOXES = squares(4).geometry.tolist()
YEARS = ["2018-07-05", "2018-07-05", "2019-07-06", ""]


@pytest.fixture
def database(target: Path | str) -> Any:
    with db.open_database(target, create=True) as opened:
        yield opened


def write(path: Path, shapes: list[shapely.Geometry], crs: int = 4326, **columns: object) -> Path:
    """Write an inventory of these outlines, whose records are called a, b, c, ..."""
    path.parent.mkdir(exist_ok=True)
    frame = geopandas.GeoDataFrame({"id": list("abcdefgh"[: len(shapes)]), **columns}, geometry=shapes, crs=crs)
    frame.to_file(path)
    return path


def take(database: db.Database, path: Path, area: Path | None = None) -> tuple[dict[str, int], list[str]]:
    """Import a file; the rows added, by table, and the issues as texts."""
    log = IssueLog(path)
    result = db.import_file(database, path, log, mapped_area=area)
    return result.added, [str(issue) for issue in log]


def days(database: db.Database) -> list[tuple[str, str]]:
    """First and last day of each landslide, in the order of their ids; "none" where one is not known."""
    found = db.query(database).sort_values("id")
    first, last = (found[name].dt.strftime("%Y-%m-%d").fillna("none") for name in ("date_min", "date_max"))
    return list(zip(first, last, strict=True))


def test_merging_keeps_the_days_of_an_inventory_whose_landslides_differ_in_them(
    database: db.Database, tmp_path: Path
) -> None:
    take(database, write(tmp_path / "dated.geojson", BOXES, date=YEARS))
    before = days(database)
    assert sorted({first for first, _ in before}) == ["2018-07-05", "2019-07-06", "none"]
    assert db.merge(database, by="eva").merging_id is None
    assert days(database) == before
    other = [shapely.affinity.translate(box, 0.0005) for box in BOXES[:3]]
    take(database, write(tmp_path / "other.geojson", other, date=["2017-01-01", "2018-08-01", "2020-01-01"]))
    merged = db.merge(database, by="eva")
    assert merged.landslides == 4
    shown = db.query(database, db.Filters(status=["candidate"])).dropna(subset=["date_max"])
    assert sorted(str(day) for day in shown["date_max"]) == [
        "2017-01-01 00:00:00",
        "2018-07-05 00:00:00",
        "2019-07-06 00:00:00",
    ]
    db.undo_merge(database, merging_id=merged.merging_id, by="eva")
    assert set(before) <= set(days(database))


def test_landslides_of_an_older_database_keep_their_days(database: db.Database, tmp_path: Path) -> None:
    take(database, write(tmp_path / "dated.geojson", BOXES, date=YEARS))
    before = days(database)
    with database.write() as connection:
        fixed = "observation_is_fixed" + ("" if database.path else " ON observation")
        connection.exec_driver_sql(f"DROP TRIGGER {fixed}")
        connection.exec_driver_sql("UPDATE observation SET date_min = NULL, date_max = NULL, attributes = NULL")
    db.merge(database, by="eva")
    assert days(database) == before
    assert take(database, tmp_path / "dated.geojson")[0] == {}


def test_all_columns_of_a_row_are_kept(database: db.Database, tmp_path: Path) -> None:
    path = write(tmp_path / "rich.gpkg", BOXES[:2], date=["2018", "2019"], Fatalities=[0, 2], Source=["a map", None])
    assert take(database, path)[1] == []
    observed = table(database, observation_table).sort_values("record")
    assert observed["record"].tolist() == ["a", "b"]
    assert [json.loads(text) for text in observed["attributes"]] == [
        {"id": "a", "date": "2018", "fatalities": "0", "source": "a map"},
        {"id": "b", "date": "2019", "fatalities": "2"},
    ]
    points = tmp_path / "points.csv"
    points.write_text(
        "event_id,event_date,event_title,location_accuracy,landslide_category,landslide_trigger,latitude,longitude\n"
        "1,07/25/2018,Big slide,5km,mudslide,downpour,46.03,8.001\n"
    )
    take(database, points)
    event = table(database, event_table).iloc[0]
    assert event["positional_accuracy_m"] == 5000
    assert json.loads(event["attributes"])["event_title"] == "Big slide"


def test_a_corrected_inventory_is_reported_and_left_out(database: db.Database, tmp_path: Path) -> None:
    path = write(tmp_path / "slides.geojson", BOXES, trigger=["", "", "rainfall", "rainfall"])
    take(database, path)
    before = table(database, observation_table)
    wider = shapely.box(*BOXES[1].bounds[:2], BOXES[1].bounds[2] + 0.001, BOXES[1].bounds[3])
    write(path, [BOXES[0], wider, *BOXES[2:]], trigger=["snowmelt", "", "rainfall", "rainfall"])
    added, issues = take(database, path)
    assert added == {}
    assert ["another trigger" in text for text in issues] == [True, False]
    assert ["another outline or date" in text for text in issues] == [False, True]
    pd.testing.assert_frame_equal(pd.DataFrame(table(database, observation_table)), pd.DataFrame(before))


def test_records_that_name_several_polygons_are_no_corrections(database: db.Database, tmp_path: Path) -> None:
    path = tmp_path / "slides.geojson"
    for boxes in (BOXES[:2], BOXES):
        geopandas.GeoDataFrame({"id": ["same"] * len(boxes)}, geometry=boxes, crs=4326).to_file(path)
        assert take(database, path)[0]["observation"] == 2


def test_the_same_polygons_in_another_file_are_told_and_merged(database: db.Database, tmp_path: Path) -> None:
    take(database, write(tmp_path / "slides.geojson", BOXES))
    added, issues = take(database, write(tmp_path / "renamed.geojson", BOXES))
    assert added["observation"] == 4
    assert len(issues) == 1 and "4 polygons are drawn to the digit as in slides.geojson" in issues[0]
    assert db.merge(database, by="eva").landslides == 4


def test_a_mapped_area_may_come_later(database: db.Database, tmp_path: Path) -> None:
    path = write(tmp_path / "slides.geojson", BOXES)
    area, other = (write(tmp_path / f"{size}.gpkg", [shapely.box(6, 45, size, 47)]) for size in (8, 9))
    take(database, path)
    assert take(database, path, area) == ({"mapped_area": 1}, [])
    assert take(database, path, area) == ({}, [])
    added, issues = take(database, path, other)
    assert (added, len(issues)) == ({}, 1) and "another area" in issues[0]
    assert table(database, mapped_area_table).total_bounds[2] == pytest.approx(8)


def test_an_inventory_of_the_same_name_from_another_place_is_refused(database: db.Database, tmp_path: Path) -> None:
    take(database, write(tmp_path / "slides.geojson", BOXES))
    far = [shapely.affinity.translate(box, 100) for box in BOXES]
    with pytest.raises(DatabaseError, match=r"slides.geojson, slides: an inventory of this name from another place"):
        take(database, write(tmp_path / "far" / "slides.geojson", far))
    assert len(table(database, scene_table)) == 1 and len(table(database, observation_table)) == 4


def test_what_is_as_small_or_large_as_no_landslide_is_left_out(database: db.Database, tmp_path: Path) -> None:
    path = write(tmp_path / "slides.geojson", [*BOXES, shapely.box(0, 40, 40, 70)])
    added, issues = take(database, path)
    assert added["landslide"] == 4
    assert len(issues) == 1 and "m2 is no landslide's; check its CRS" in issues[0]
    degrees = tmp_path / "degrees.gpkg"  # coordinates in degrees, declared as metres
    geopandas.GeoDataFrame({"id": ["a"]}, geometry=BOXES[:1], crs=32632).to_file(degrees)
    added, issues = take(database, degrees)
    assert added == {} and "check its CRS" in issues[0]
    nowhere = geopandas.GeoDataFrame(geometry=[shapely.Point(0, 0), shapely.Point(7, 46)], crs=4326)
    nowhere.to_file(tmp_path / "points.geojson")
    added, issues = take(database, tmp_path / "points.geojson")
    assert added == {"event": 1} and "stands for unknown" in issues[0]
