"""Dates, coordinates, names of columns and encodings as the tables of many countries have them."""

import warnings
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from .conftest import Read


def test_year_month_and_day_in_columns_of_their_own_are_one_date(read: Read) -> None:
    events = read(
        "sep=;\nid;lat;lon;Year;Month;Day\n1;46,1;7,1;2018;7;5\n2;46,2;7,2;2018;July;\n3;46,3;7,3;2018;;\n"
        "4;46,4;7,4;2018;13;1\n5;46,5;7,5;;;\n"
    ).events
    days = events[["date_min", "date_max"]].astype("str").to_numpy().tolist()
    assert days[:3] == [["2018-07-05"] * 2, ["2018-07-01", "2018-07-31"], ["2018-01-01", "2018-12-31"]]
    assert events.date_precision.tolist() == ["day", "month", "year", "unknown", "unknown"]
    assert [(issue.row, "are no date" in issue.problem) for issue in read.log] == [(5, True), (6, False)]


def test_a_date_and_its_parts_go_together(read: Read) -> None:
    events = read(
        "id,lat,lon,date,year,month,day\n1,46.1,7.1,2018,2018,7,5\n2,46.2,7.2,,2018,7,6\n3,46.3,7.3,2017-01-02,2018,7,5\n"
    ).events
    assert events.date_min.dt.strftime("%F").tolist() == ["2018-07-05", "2018-07-06", "2017-01-02"]
    assert any(issue.row == 4 and "say 2018-07-05" in issue.problem for issue in read.log)


@pytest.mark.parametrize("name", ["landslide_date", "occurrence_date", "date_of_occurrence", "date_occurred"])
def test_names_that_a_shapefile_cuts_are_known(read: Read, tmp_path: Path, name: str) -> None:
    file = tmp_path / "cut.shp"
    frame = gpd.GeoDataFrame(
        {name: ["2018-07-05", "2018-07-06"], "landslide_trigger": ["rain", "quake"]},
        geometry=[shapely.Point(7, 46), shapely.Point(7.1, 46)], crs=4326,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the names
        frame.to_file(file)
    events = read(file).events
    assert events.date_min.dt.strftime("%F").tolist() == ["2018-07-05", "2018-07-06"]
    assert any("cut to ten characters" in issue.problem and issue.action == "read as date" for issue in read.log)


def test_dates_under_a_name_that_is_not_known_are_taken_or_told(read: Read) -> None:
    row = "46,7,2018-07-05\n46,7.1,2018-07-06\n"
    assert read(f"lat,lon,DatumDesEreignisses\n{row}").columns == {
        "": {"latitude": "lat", "longitude": "lon", "date": "DatumDesEreignisses"}
    }
    assert "read as date" in read.log.issues[0].action
    assert read(f"lat,lon,created\n{row}").events.date_min.isna().all()
    assert "`columns` date=created" in read.log.issues[0].action
    assert read("lat,lon,datum\n46,7,WGS84\n").columns == {"": {"latitude": "lat", "longitude": "lon"}}


def test_rows_with_exchanged_coordinates_are_turned_back_and_told(read: Read, tmp_path: Path) -> None:
    lines = [f"{i},{46 + i / 10:.1f},{7 + i / 10:.1f}" for i in range(12)]
    lines[4] = "4,7.4,46.4"
    points = read("\n".join(["id,lat,lon", *lines])).events.geometry
    assert [(round(point.x, 1), round(point.y, 1)) for point in points][4] == (7.4, 46.4)
    (issue,) = list(read.log)
    assert (issue.row, issue.action) == (6, "exchanged back")
    boxes = [shapely.box(7 + i / 10, 46, 7.05 + i / 10, 46.05) for i in range(8)]
    boxes[2] = shapely.transform(boxes[2], lambda corners: corners[:, ::-1])
    gpd.GeoDataFrame({"name": list("abcdefgh")}, geometry=boxes, crs=4326).to_file(tmp_path / "boxes.geojson")
    assert read(tmp_path / "boxes.geojson").events.total_bounds == pytest.approx([7, 46, 7.75, 46.05])
    assert [(issue.row, issue.action) for issue in read.log] == [(4, "exchanged back")]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-8-sig", "utf-16-le"])
def test_a_table_as_spreadsheets_of_many_countries_write_it(read: Read, encoding: str) -> None:
    text = "sep=;\r\nid;Latitud;Longitud;Año;Fecha;Notas\r\n1;46,5;7,25;2018;5 de agosto de 2018;peña\r\n"
    events = read(text.encode(encoding)).events
    assert (events.geometry.x[0], events.geometry.y[0], f"{events.date_min[0]:%F}") == (7.25, 46.5, "2018-08-05")
    assert events.src_notas[0] == "peña"
    assert read(text.encode(encoding), columns={"date": "An\u0303o"}).events.date_precision[0] == "year"


def test_first_and_last_day_may_stand_in_six_columns(read: Read) -> None:
    events = read(
        "id,lat,lon,start_year,start_month,start_day,end_year,end_month,end_day\n1,46.1,7.1,2018,7,5,2018,7,8\n"
    ).events
    assert [f"{events[name][0]:%F}" for name in ("date_min", "date_max")] == ["2018-07-05", "2018-07-08"]
    events = read("Nr;lat;lon;Jahr;Monat;Tag\n1;46,1;7,1;2018;März;5\n2;46,2;7,2;2018;April;6\n").events
    assert events.date_min.dt.strftime("%F").tolist() == ["2018-03-05", "2018-04-06"]
    events = read("id;lat;lon;year;month;tag\n1;46,1;7,1;2018;3;slide\n").events
    assert events.date_precision.tolist() == ["month"], "a tag is a day only where it holds days"
