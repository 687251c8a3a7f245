"""From files of every known source to events: fields, repairs, and the rows that are told."""

import json
import warnings
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tsmu.errors import InventoryError, TsmuError
from tsmu.inventory import EVENT_COLUMNS, ROLES
from tsmu.issues import format_ranges

from .conftest import Read

PUBLISHED = "inventories/usgs_events_deepldb/Identified_events_from_USGS_inventory"
FUZZ = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def test_the_published_csv_comes_in_whole(shared_data: Path, read: Read) -> None:
    result = read(shared_data / f"{PUBLISHED}.csv")
    events = result.events
    assert (result.source, result.rows, result.blank, result.left_out) == ("usgs", 1928, 10, 0)
    assert events.region.str.replace("_", " ").value_counts().to_dict() == {
        "NORTHWESTERN FORESTED MOUNTAINS": 1014, "NORTH AMERICAN DESERTS": 728,
        "EASTERN TEMPERATE FORESTS": 112, "MARINE WEST COAST FOREST": 64,
    }  # fmt: skip
    assert events.inventory.value_counts().to_dict() == {
        "USGS": 985, "AZ GS": 723, "NASA": 78, "North Carolina GS": 59, "KGS": 34, "OR Slido": 30, "NJ GS": 9,
    }  # fmt: skip
    assert events.confidence_code.value_counts().to_dict() == {5: 1840, 8: 78}
    assert events.confidence.nunique() == 2
    assert events.date_precision.value_counts().to_dict() == {"day": 1917, "year": 1}
    assert (events.loc[events.inventory == "USGS", "date_min"] == "2013-09-09").all()
    assert events.loc[events.inventory == "AZ GS", "date_max"].dt.strftime("%F").value_counts().to_dict() == {
        "2014-09-08": 695, "2014-08-12": 28,
    }  # fmt: skip
    year_only = events.set_index("event_id").loc["usgs:19544"]
    assert [f"{year_only[name]:%F}" for name in ("date_min", "date_max")] == ["2014-01-01", "2014-12-31"]
    assert events.event_id.is_unique
    assert events.crs == "EPSG:4326"


def test_each_published_defect_is_told_with_its_row(shared_data: Path, read: Read) -> None:
    read(shared_data / f"{PUBLISHED}.csv")
    raw = pd.read_csv(shared_data / f"{PUBLISHED}.csv", encoding="utf-8-sig", dtype=str, keep_default_na=False)
    raw.index += 2

    def told(problem: str, column: str | None) -> set[int | None]:
        return {issue.row for issue in read.log if problem in issue.problem and issue.column == column}

    ids = raw["LS_ID"].str.strip()
    assert told("rounded by a spreadsheet", "LS_ID") == set(raw.index[ids.str.contains("E+", regex=False)])
    assert len(told("rounded by a spreadsheet", "LS_ID")) == 23
    assert told("already", "LS_ID") == set(raw.index[ids.duplicated() & (ids != "")])
    assert len(told("already", "LS_ID")) == 19
    assert told("control characters", "Inventory") == set(raw.index[raw["Inventory"].str.contains("\t")])
    assert len(told("control characters", "Inventory")) == 19
    assert told("another spelling", "US Level I ecoregion") == set(
        raw.index[raw["US Level I ecoregion"] == "NORTH_AMERICAN_DESERTS"]
    )
    assert len(told("lies exactly where", None)) == 4
    assert told("year only", "Date") == set(raw.index[raw["OBJECTID"] == "19544"])
    assert told("YYYYMMDD", "Date") == set(raw.index[raw["Date"].str.fullmatch(r"\d{8}")])
    layout = next(issue for issue in read.log if "873 dates are written M/D/Y" in issue.problem)
    assert layout.row == raw.index[raw["Date"].str.fullmatch(r"\d+/\d+/\d{4}")][0]
    assert not read.log.errors


def test_the_published_xlsx_gives_the_same_events(shared_data: Path, read: Read) -> None:
    from_csv, from_xlsx = read(shared_data / f"{PUBLISHED}.csv"), read(shared_data / f"{PUBLISHED}.xlsx")
    assert (from_xlsx.rows, from_xlsx.blank) == (1928, 10)
    assert not [issue for issue in read.log if "rounded" in issue.problem]  # the sheet has the ids in full
    first, second = from_csv.events, from_xlsx.events
    same = [name for name in EVENT_COLUMNS if name not in ("file", "source_id")]
    pd.testing.assert_frame_equal(first[same], second[same])
    assert first.geometry.geom_equals_exact(second.geometry, 1e-12).all()
    differ = (first.source_id.fillna("") != second.source_id.fillna("")).to_numpy()
    assert differ.sum() == 23
    assert np.allclose(first.source_id[differ].astype(float), second.source_id[differ].astype(float), rtol=1e-3)
    originals = [name for name in first.columns if name.startswith("src_")]
    assert len(originals) == 12
    assert originals == [name for name in second.columns if name.startswith("src_")]


def test_polygons_in_a_projected_crs_come_in(shared_data: Path, read: Read) -> None:
    file = shared_data / "inventories" / "brazil_relict_spamlab" / "relict_scars_epsg32723.geojson"
    events = read(file).events
    assert len(events) == 276
    assert set(events.geom_type) == {"MultiPolygon"}
    assert events.is_valid.all()
    truth = gpd.read_file(file).to_crs(4326)
    assert events.geometry.geom_equals_exact(truth.geometry, 1e-9).all()


def test_all_years_of_a_zipped_inventory_come_in(shared_data: Path, read: Read) -> None:
    result = read(shared_data / "inventories" / "bhuyan_multitemporal" / "Nepal.zip")
    counts = {"2013": 35, "2014": 21, "2015": 98, "2016": 28, "2017": 18, "2018": 12, "2019": 24}
    assert result.events.layer.value_counts(sort=False).to_dict() == counts
    assert (result.events.date_min.dt.year.astype(str) == result.events.layer).all()
    assert set(result.events.date_precision) == {"year"}
    assert result.events.is_valid.all()
    repaired = [issue for issue in read.log if issue.action == "repaired"]
    assert [(issue.file, issue.row) for issue in repaired] == [("Nepal.zip/Nepal/2015.shp", 59)]
    assert result.events.event_id.is_unique


def test_points_of_a_geojson_come_in(shared_data: Path, read: Read) -> None:
    events = read(shared_data / "inventories" / "sen12_patch_locations" / "patch_locations.geojson").events
    assert len(events) == 4988
    assert events.inventory.nunique() == 13
    assert events.source_id.iloc[0] == "usa_puertorico_1045"


def test_usgs_version_3_is_recognised_and_repaired(read: Read) -> None:
    result = read(
        "USGS_ID,Date_Min,Date_Max,Fatalities,Confidence,LS_Type,Inventory,Inv_URL,Info_Source,Notes,Lat_N,Lon_W\n"
        "a1,1996/01/01 00:00:00,1996/12/31 00:00:00,,8,debris flow,OR SLIDO,http://x,,,45.5,-122.5\n"
        "a2,2010/02/03 10:20:00,2010/02/03 10:20:00,,4,,OR SLIDO,,,,45.5,122.4\n"
        "a3,2010/02/05,2010/02/03,,3,,,,,,-122.6,45.6\n"
        "a4,2010/02/03,,,1,,,,,,95,10\n"
        "a5,,2010/02/03,,1,,,,,,13.4,144.8\n"
    )
    events = result.events.set_index("event_id")
    assert result.source == "usgs-v3"
    assert result.left_out == 1
    assert events.date_precision.to_dict() == {
        "usgs-v3:a1": "year", "usgs-v3:a2": "day", "usgs-v3:a3": "interval", "usgs-v3:a5": "open",
    }  # fmt: skip
    assert [(point.x, point.y) for point in events.geometry] == [
        (-122.5, 45.5), (-122.4, 45.5), (-122.6, 45.6), (144.8, 13.4),
    ]  # fmt: skip
    assert events.date_min["usgs-v3:a3"] == pd.Timestamp("2010-02-03")
    assert pd.isna(events.date_min["usgs-v3:a5"])
    assert events.movement_type["usgs-v3:a1"] == "debris flow"
    problems = {issue.row: issue.problem for issue in read.log if issue.column != "Date_Min"}
    assert "lost the sign" in problems[3] or "none of 1, 2, 3, 5, 8" in problems[3]
    assert {issue.row for issue in read.log.errors} == {5}
    assert {"usgs-v3:a2"} == set(events.index[events.confidence.isna()])


def test_coolr_is_recognised(read: Read) -> None:
    result = read(
        "source_name,source_link,event_id,event_date,location_accuracy,landslide_category,landslide_trigger,"
        "event_import_source,event_import_id,longitude,latitude\n"
        "AGU,http://a,684,08/01/2008 12:00:00 AM,unknown,landslide,rain,glc,684,107.45,32.5625\n"
        "BBC,http://b,956,2009/01/02 02:00:00+00,5km,mudslide,downpour,glc,956,-122.663,45.42\n"
        "CNN,http://c,7,1217548800000,exact,rock_fall,,glc,,0,0\n"
        "CNN,http://c,8,1217548800000,exact,rock_fall,unknown,,,10,0\n"
    )
    assert result.source == "coolr"
    assert result.events.event_id.tolist() == ["coolr:684", "coolr:956", "coolr:8"]
    np.testing.assert_array_equal(result.events.positional_accuracy_m, [np.nan, 5000, 0])
    assert result.events.date_min.dt.strftime("%F").tolist() == ["2008-08-01", "2009-01-02", "2008-08-01"]
    assert result.events.trigger.tolist()[:2] == ["rain", "downpour"]
    assert [issue.row for issue in read.log.errors] == [4]


def test_slido_layers_come_in_and_what_has_no_geometry_is_told(read: Read, tmp_path: Path) -> None:
    file = tmp_path / "slido.gpkg"
    points = gpd.GeoDataFrame(
        {"UNIQUE_ID": ["P1", "P2"], "TYPE_MOVE": ["Flow", "Slide"], "YEAR": [1996, None], "CONFIDENCE": ["High", None]},
        geometry=[shapely.Point(-122, 45), shapely.Point(-122.1, 45)], crs=4326,
    )  # fmt: skip
    points.to_file(file, layer="Historic_Landslide_Points")
    deposits = gpd.GeoDataFrame(
        {"UNIQUE_ID": ["D1", "D2"]}, crs=4326,
        geometry=[shapely.box(-123, 45, -122.9, 45.1), shapely.LineString([(0, 0), (1, 1)])],
    ).to_crs(2994)  # fmt: skip
    deposits.to_file(file, layer="Deposits")
    result = read(file)
    assert result.source == "slido"
    assert sorted(result.events.event_id) == ["slido:D1", "slido:P1", "slido:P2"]
    assert result.events.set_index("event_id").date_precision.to_dict() == {
        "slido:P1": "year", "slido:P2": "unknown", "slido:D1": "unknown",
    }  # fmt: skip
    assert [(issue.row, "LineString" in issue.problem) for issue in read.log.errors] == [(3, True)]


def test_columns_of_an_unknown_table_are_guessed_and_can_be_given(read: Read) -> None:
    text = "Nr;LAT;Long.;Datum;Event Date\n1;46,5;7,25;x;25/02/2014\n2;46,6;7,35;y;3/2/2014\n"
    result = read(text)
    assert result.columns == {"": {"latitude": "LAT", "longitude": "Long.", "date": "Event Date"}}
    assert result.events.date_min.dt.strftime("%F").tolist() == ["2014-02-25", "2014-02-03"]
    given_columns = read(text, columns={"source_id": "Nr", "notes": "Datum"})
    assert given_columns.events.source_id.tolist() == ["1", "2"]
    assert given_columns.events.notes.tolist() == ["x", "y"]
    assert given_columns.events.src_event_date.tolist() == ["25/02/2014", "3/2/2014"]


def test_a_mapping_that_cannot_be_is_refused_in_one_line(read: Read) -> None:
    text = "a,b\n1,2\n"
    with pytest.raises(InventoryError, match=r"latitude=COLUMN,longitude=COLUMN; the columns are: a, b"):
        read(text)
    with pytest.raises(InventoryError, match=r"no role 'latitud' .* did you mean latitude"):
        read(text, columns={"latitud": "a"})
    with pytest.raises(InventoryError, match=r"no column 'c' for latitude; the columns are: a, b"):
        read(text, columns={"latitude": "c"})
    with pytest.raises(InventoryError, match=r"no inventory source 'nasa'; the sources are: usgs, "):
        read(text, source="nasa")
    with pytest.raises(InventoryError, match="no column for latitude"):
        read(text, source="coolr")
    assert "latitude" in ROLES


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
)  # fmt: skip
NAMES = st.sampled_from(["id", "lat", "lon", "date", "date_min", "date_max", "region", "accuracy", "type", "", "LAT"])


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
