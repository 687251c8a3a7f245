"""Rows and files that are wrong: the good rows come in, the others are told, and nothing else happens."""

import json
import zipfile
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tsmu.errors import InventoryError, TsmuError
from tsmu.inventory import EVENT_COLUMNS
from tsmu.issues import format_ranges

from .conftest import Read

FUZZ = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def test_bad_rows_are_left_out_and_good_rows_come_in(read: Read) -> None:
    result = read(
        "id,lat,lon,date,type\n1,46,7,2014-01-02,slide\n,,,,\n2,north,7,2014-01-02,slide\n3,46,,2014-01-02,slide\n"
        "4,95,7,2014-01-02,slide\n5,105,40,,\n6,46,7.1,14/2/3,\n7,46,7.2,2999-01-01,\n8,46,7.3,1900-01-01,\n"
        "1,46,7.4,2014,fall\n"
    )
    assert result.events.row.tolist() == [2, 8, 9, 10, 11]
    assert (result.rows, result.blank, result.left_out) == (10, 1, 4)
    assert {issue.row for issue in read.log.errors} == {4, 5, 6, 7}
    assert "exchanged?" in next(issue.problem for issue in read.log if issue.row == 7)
    warned = {issue.row: issue.problem for issue in read.log if issue.severity == "warning"}
    assert "cannot be read" in warned[8]
    assert "future" in warned[9]
    assert "unknown" in warned[10]
    assert result.events.date_min.isna().tolist() == [False, True, False, True, False]
    assert result.events.event_id.is_unique


def test_many_rows_with_one_defect_become_one_issue_that_names_them(read: Read) -> None:
    lines = [f"{i},46.{i:04d},7,{'' if i % 2 else '2014-01-02'}" for i in range(500)]
    read("\n".join(["id,lat,lon,date", *lines]))
    (issue,) = list(read.log)
    assert issue.row == 3
    assert "250 rows in all: 3, 5, 7" in issue.problem
    assert format_ranges([5, 2, 3, 9]) == "2-3, 5, 9"


def test_a_column_full_of_first_days_is_told(read: Read) -> None:
    lines = [f"{i},46.{i:04d},7,2014-{i % 12 + 1:02d}-{1 if i % 3 else 17:02d}" for i in range(60)]
    read("\n".join(["id,lat,lon,date", *lines]))
    assert "40 of 60 dates are the first of a month" in read.log.issues[0].problem


def test_undecided_days_and_months_are_told(read: Read) -> None:
    result = read("id,lat,lon,date\n1,46,7,3/2/2014\n2,46,7.1,4/4/2014\n")
    assert result.events.date_min.dt.strftime("%F").tolist() == ["2014-03-02", "2014-04-04"]
    assert "1 date could be M/D/Y or D/M/Y (nothing in the column says which): rows 2" in read.log.issues[0].problem


def test_reading_again_gives_the_same_ids_and_order_does_not_matter(read: Read) -> None:
    lines = ["a,46,7,2014-01-02", "b,46,7.1,2014-01-02", ",46,7.2,2014-01-02"]
    first = read("\n".join(["id,lat,lon,date", *lines])).events
    again = read("\n".join(["id,lat,lon,date", *reversed(lines)])).events
    assert set(first.event_id) == set(again.event_id)
    assert first.event_id.nunique() == 3
    other = read("id,lat,lon,date\na,46,7,2015-01-02").events
    assert not set(other.event_id) & set(first.event_id)


def test_strict_stops_at_the_first_warning(read: Read) -> None:
    with pytest.raises(TsmuError, match=r"row 3.*stopped by `strict`"):
        read("id,lat,lon\na,46,7\na,46,8", strict=True)


def test_files_that_are_no_inventory_are_refused(read: Read, tmp_path: Path) -> None:
    with pytest.raises(InventoryError, match="no such file"):
        read(tmp_path / "absent.csv")
    with pytest.raises(InventoryError, match="no rows"):
        read("id,lat,lon\n,,\n")
    with pytest.raises(InventoryError, match=r"not one of 2 rows can be used; the first problem: .*row 2"):
        read("id,lat,lon\na,x,7\nb,46,y")
    with pytest.raises(InventoryError, match=r"broken\.zip"):
        read(b"PK\x03\x04nothing", name="broken.zip")
    with pytest.raises(InventoryError, match=r"broken\.xlsx"):
        read(b"no sheet", name="broken.xlsx")
    with pytest.raises(InventoryError, match=r"broken\.shp"):
        read(b"no shapes", name="broken.shp")
    with zipfile.ZipFile(tmp_path / "pictures.zip", "w") as archive:
        archive.writestr("a.jpg", b"x")
    with pytest.raises(InventoryError, match="no inventory in this archive"):
        read(tmp_path / "pictures.zip")
    with pytest.warns(UserWarning, match="crs"):
        gpd.GeoDataFrame({"id": [1]}, geometry=[shapely.Point(4e5, 5e6)]).to_file(tmp_path / "no_crs.shp")
    with pytest.raises(InventoryError, match="no coordinate reference system"):
        read(tmp_path / "no_crs.shp")


def test_what_gdal_complains_of_is_told(read: Read) -> None:
    good = {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [7, 46]}}
    bad = {"type": "Feature", "properties": {}, "geometry": {"type": "Star", "coordinates": [7, 46]}}
    text = json.dumps({"type": "FeatureCollection", "features": [good, bad]})
    result = read(text, name="star.geojson")
    assert (len(result.events), result.blank) == (1, 1)
    assert "Unsupported geometry type" in read.log.issues[0].problem


def test_a_csv_in_a_zip_comes_in(read: Read, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "both.zip", "w") as archive:
        archive.writestr("a/one.csv", "id,lat,lon\na,46,7\n")
        archive.writestr("a/two.csv", "id,lat,lon\nb,46,8\n")
        archive.writestr("__MACOSX/a/two.csv", "x")
    assert read(tmp_path / "both.zip").events.layer.tolist() == ["one", "two"]


def test_files_of_one_name_in_a_zip_have_columns_of_their_own(read: Read, tmp_path: Path) -> None:
    gpd.GeoDataFrame({"name": ["c"], "fecha": ["2021-08-05"]}, geometry=[shapely.Point(8, 47)], crs=4326).to_file(
        tmp_path / "slides.geojson"
    )
    with zipfile.ZipFile(tmp_path / "years.zip", "w") as archive:
        archive.writestr("2019/slides.csv", "id,lat,lon,date\na,46,7,2021-08-03\n")
        archive.writestr("2020/slides.csv", "code,latitude,longitude,event_date\nb,46,8,2021-08-04\n")
        archive.write(tmp_path / "slides.geojson", "2021/slides.geojson")
    events = read(tmp_path / "years.zip").events
    assert events["date_min"].dt.day.tolist() == [3, 4, 5]
    assert events["layer"].tolist() == ["2019/slides.csv", "2020/slides.csv", "2021/slides.geojson/slides"]


def test_what_is_no_table_of_events_in_a_zip_does_not_stop_the_others(read: Read, tmp_path: Path) -> None:
    gpd.GeoDataFrame({"id": [1]}, geometry=[shapely.Point(7, 46)], crs=4326).to_file(tmp_path / "slides.geojson")
    for inside in ("slides.geojson", "points.csv"):
        with zipfile.ZipFile(tmp_path / "both.zip", "w") as archive:
            if inside == "points.csv":
                archive.writestr(inside, "id,lat,lon\na,46,7\n")
            else:
                archive.write(tmp_path / inside, inside)
            archive.writestr("README.txt", 'Please cite us, and "others.\n\nOne, two, three, four, five.\n')
            archive.writestr("fields.csv", "name,meaning\nid,number of the slide\n")
        result = read(tmp_path / "both.zip")
        assert (len(result.events), result.left_out) == (1, 0)
        assert [(issue.file, issue.severity) for issue in read.log] == [
            ("both.zip/README.txt", "warning"), ("both.zip/fields.csv", "error"),
        ]  # fmt: skip
    with zipfile.ZipFile(tmp_path / "both.zip", "w") as archive:
        archive.writestr("README.txt", "Please cite us.\n")
        archive.writestr("points.txt", "id,north,east\na,46,7\n")
    assert len(read(tmp_path / "both.zip", columns={"latitude": "north", "longitude": "east"}).events) == 1
    with pytest.raises(InventoryError, match="no column for latitude and longitude"):
        read(tmp_path / "both.zip")


CELL = st.one_of(
    st.text(max_size=12), st.integers().map(str), st.floats(-200, 200).map(str), st.dates().map(str),
    st.sampled_from(["", " ", '"', "=1+1", "2.01E+11", "\0", "\t", "1/2/2014", "NaN", "é", "'", "\n", "\r", "#REF!"]),
    st.sampled_from(["POINT (7 46)", "SRID=32632;POLYGON((5 5,6 6,7 5,5 5))", "POLYGON((7 46", "POLYGON EMPTY"]),
)  # fmt: skip
NAMES = st.sampled_from(
    ["id", "lat", "lon", "date", "date_min", "date_max", "region", "accuracy", "type", "", "LAT", "wkt"]
)


@FUZZ
@given(
    st.lists(NAMES, min_size=1, max_size=8), st.lists(st.lists(CELL, max_size=9), max_size=8),
    st.sampled_from([",", ";", "\t"]), st.sampled_from(["utf-8", "utf-16", "cp1252", "utf-8-sig"]),
    st.sampled_from([None, "usgs", "generic"]),
)  # fmt: skip
@example(["lat", "lon", "accuracy"], [["1", "2", "5km"], ["3", "4", "x"]], ",", "utf-8", None)
def test_any_table_gives_events_or_one_line(
    read: Read, header: list[str], rows: list[list[str]], delimiter: str, encoding: str, source: str | None
) -> None:
    text = "\n".join(delimiter.join(cells) for cells in [header, *rows])
    _events_or_one_line(read, text.encode(encoding, "replace"), "fuzz.csv", source)


@settings(FUZZ, max_examples=50)
@given(st.binary(max_size=200))
def test_any_bytes_give_events_or_one_line(read: Read, tail: bytes) -> None:
    _events_or_one_line(read, b"id,lat,lon,date\na,46,7,2014\n" + tail, "fuzz.csv")
    _events_or_one_line(read, tail, "fuzz.csv")


NUMBER = st.one_of(st.floats(), st.integers(-(10**12), 10**12), st.none(), st.text(max_size=3))
POSITION = st.one_of(st.lists(NUMBER, max_size=3), st.tuples(st.floats(-180, 180), st.floats(-90, 90)).map(list))
LINE = st.lists(POSITION, max_size=6)
GEOMETRY = st.one_of(
    st.none(), st.text(max_size=5),
    st.fixed_dictionaries({"type": st.just("Point"), "coordinates": POSITION}),
    st.fixed_dictionaries({"type": st.just("Polygon"), "coordinates": st.lists(LINE, max_size=2)}),
    st.fixed_dictionaries({"type": st.sampled_from(["MultiPoint", "LineString", "Star"]), "coordinates": LINE}),
)  # fmt: skip
VALUE = st.recursive(st.one_of(NUMBER, st.booleans()), lambda inner: st.lists(inner, max_size=3), max_leaves=4)
FEATURE = st.fixed_dictionaries(
    {"type": st.just("Feature"), "geometry": GEOMETRY, "properties": st.dictionaries(NAMES, VALUE, max_size=4)}
)


@settings(FUZZ, max_examples=50)
@given(st.lists(FEATURE, max_size=4))
def test_any_geojson_gives_events_or_one_line(read: Read, features: list[object]) -> None:
    text = json.dumps({"type": "FeatureCollection", "features": features})
    _events_or_one_line(read, text.encode(), "fuzz.geojson")


def _events_or_one_line(read: Read, content: bytes, name: str, source: str | None = None) -> None:
    try:
        result = read(content, source, name=name)
    except TsmuError as error:
        assert "\n" not in str(error)
        return
    events = result.events
    assert result.left_out >= 0
    assert list(events.columns[: len(EVENT_COLUMNS)]) == list(EVENT_COLUMNS)
    assert events.event_id.is_unique
    west, south, east, north = events.total_bounds
    assert -180 <= west <= east <= 180 and -90 <= south <= north <= 90
    both = events[events.date_min.notna() & events.date_max.notna()]
    assert (both.date_min <= both.date_max).all()
