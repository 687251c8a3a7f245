"""From files of every known source to events: fields, repairs, and the rows that are told."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from tsmu.errors import InventoryError
from tsmu.inventory import EVENT_COLUMNS, ROLES

from .conftest import Read

PUBLISHED = "inventories/usgs_events_deepldb/Identified_events_from_USGS_inventory"


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
