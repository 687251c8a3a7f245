"""Dates, coordinates, names of columns and encodings as the tables of many countries have them."""

import warnings
import zipfile
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from tsmu.errors import InventoryError

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


def outlined(count: int) -> gpd.GeoDataFrame:
    """Landslides with days, and the middle of each as latitude and longitude."""
    places = [(7 + 0.01 * number, 46.0) for number in range(count)]
    outlines = [shapely.box(lon, lat, lon + 0.004, lat + 0.003) for lon, lat in places]
    columns = {"name": [f"slide {number}" for number in range(count)], "date": "2019-03-04"}
    columns |= {"lon": [lon for lon, _ in places], "lat": [lat for _, lat in places]}
    return gpd.GeoDataFrame(columns, geometry=outlines, crs=4326)


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".zip"])
def test_outlines_in_a_table_are_read_as_outlines(read: Read, tmp_path: Path, suffix: str) -> None:
    slides = outlined(3)
    table = slides.to_wkt()
    path = tmp_path / f"slides{suffix}"
    if suffix == ".xlsx":
        table.to_excel(path, index=False)
    elif suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("README.txt", "Please cite us.\n")
            archive.writestr("slides.csv", table.drop(columns=["lat", "lon"]).to_csv(index=False))
    else:
        table.to_csv(path, index=False)
    events = read(path).events
    assert shapely.equals_exact(events.geometry.to_numpy(), slides.geometry.to_numpy(), 1e-9).all()
    assert (events["date_min"].dt.strftime("%F") == "2019-03-04").all()
    assert any("column geometry, which names no CRS" in issue.problem for issue in read.log)
    has_both = any("has outlines in column geometry, and coordinates" in issue.problem for issue in read.log)
    assert has_both == (suffix != ".zip")
    if suffix == ".csv":  # unless places are asked for
        assert (read(path, columns={"latitude": "lat", "longitude": "lon"}).events.geom_type == "Point").all()


def test_the_crs_of_outlines_in_a_table_is_what_it_names_or_degrees(read: Read) -> None:
    square = "POLYGON ((500000 5100000, 500100 5100000, 500100 5100100, 500000 5100000))"
    events = read(f'id,geom\n1,"SRID=32632;{square}"\n2,"srid=32632; {square}"\n3,\n4,SRID=32632;POLYGON((1\n').events
    assert events.to_crs(32632).area.tolist() == pytest.approx([5000, 5000], rel=0.001)
    assert [(issue.row, issue.problem) for issue in read.log.errors] == [
        (4, "no geometry"), (5, "a geometry that cannot be read"),
    ]  # fmt: skip
    for table, problem in (
        (f'id,geom\n1,"{square}"\n', "not in degrees, and no CRS is named; save the table as a GeoPackage"),
        (f'id,geom\n1,"SRID=32632;{square}"\n2,"SRID=32633;{square}"\n', "geometries of several CRS"),
        (f'id,geom\n1,"SRID=1;{square}"\n', "names SRID 1, which EPSG does not know"),
    ):
        with pytest.raises(InventoryError, match=problem):
            read(table)


def test_what_else_a_table_has_as_text_of_a_shape_is_left_alone(read: Read) -> None:
    scene = '"POLYGON ((7 46, 8 46, 8 47, 7 46))"'
    assert read(f"lat,lon,footprint\n46.1,7.1,{scene}\n").events.geom_type.tolist() == ["Point"]
    assert read("lat,lon,geometry\n46.1,7.1,POINT (9 9)\n").events.geometry[0].equals(shapely.Point(7.1, 46.1))
    assert read("lat,lon,shape\n46.1,7.1,irregular\n").events.geom_type.tolist() == ["Point"]


def test_a_second_column_of_coordinates_that_says_something_else_is_told(read: Read) -> None:
    events = read("id,lat,LAT,latitude,lon\n1,46,46.00001,46,7\n2,46.5,46.5,46.9,7\n3,46.6,,46.6,7\n").events
    assert events.geometry.y.tolist() == [46, 46.9, 46.6]
    assert [(issue.problem, issue.action) for issue in read.log] == [
        (f"column {name!r} may be the latitude, too, and is not equal to 'latitude', in row 3",
         f"'latitude' read; say which with `columns` latitude={name}") for name in ("lat", "LAT_2")
    ]  # fmt: skip
    chosen = {"latitude": "LAT_2", "longitude": "lon"}
    assert read("lat,LAT,lon\n46,47,7\n", columns=chosen).events.geometry.y.tolist() == [47]
