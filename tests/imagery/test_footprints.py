import math
from datetime import date
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from tsmu.errors import ImageError
from tsmu.imagery import LatLonBox, check_footprints, overlapping_footprints, read_footprints
from tsmu.imagery.footprints import check_box, check_pair_dates
from tsmu.imagery.pairs.regions_and_events import match_events
from tsmu.issues import IssueLog

boxes = st.builds(
    lambda lat, lon, height, aspect: LatLonBox(
        lat, lon, lat + height, lon + height * aspect / math.cos(math.radians(lat))
    ),
    st.floats(-60, 60),
    st.floats(-170, 170),
    st.floats(0.0005, 0.008),
    st.floats(1.0, 2.0),
).filter(lambda b: min(map(abs, b)) > 0.1)  # at the equator a sign says little
anything = st.floats() | st.floats(-200, 200)


@given(boxes)
def test_good_boxes_are_good(box: LatLonBox) -> None:
    assert check_box(box) is None


@given(boxes, st.integers(0, 3))
def test_one_wrong_sign_is_repaired(box: LatLonBox, at: int) -> None:
    broken = LatLonBox(*(-v if i == at else v for i, v in enumerate(box)))
    finding = check_box(broken)
    assert finding is not None and finding.severity == "error"
    assert finding.repaired == box


@given(boxes)
def test_swapped_latitudes_are_repaired(box: LatLonBox) -> None:
    finding = check_box(LatLonBox(box.north, box.west, box.south, box.east))
    assert finding is not None and finding.kind == "swapped latitudes"
    assert finding.repaired == box


@given(boxes)
def test_both_longitude_signs_need_a_partner(box: LatLonBox) -> None:
    broken = LatLonBox(box.south, -box.west, box.north, -box.east)
    alone, paired = check_box(broken), check_box(broken, partner=box)
    assert alone is not None and alone.repaired is None
    assert paired is not None and paired.repaired == box


@given(anything, anything, anything, anything)
def test_any_numbers_have_an_answer(south: float, west: float, north: float, east: float) -> None:
    finding = check_box(LatLonBox(south, west, north, east))
    if finding is None:
        assert LatLonBox(south, west, north, east).is_plausible
    elif finding.repaired is not None:
        assert check_box(finding.repaired) is None or finding.repaired.is_plausible


def test_dates() -> None:
    early, late = date(2012, 10, 7), date(2013, 10, 6)
    assert check_pair_dates(early, late) is None and check_pair_dates(None, late) is None
    same, reverse = check_pair_dates(late, late), check_pair_dates(late, early)
    assert same is not None and same.kind == "pre = post date"
    assert reverse is not None and reverse.kind == "pre after post"


def test_touching_boxes_do_not_overlap() -> None:
    squares = [shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1), shapely.box(0.5, 0.5, 1.5, 1.5)]
    assert overlapping_footprints(squares).tolist() == [[0, 2], [1, 2]]
    assert overlapping_footprints([]).shape == (0, 2)


def test_table_without_corners(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("name,lat\nx,1\n")
    (tmp_path / "b.xlsx").write_text("no workbook")
    for name in ("a.csv", "b.xlsx", "absent.csv"):
        with pytest.raises(ImageError, match=name):
            read_footprints(tmp_path / name)


def test_damaged_workbook(shared_data: Path, tmp_path: Path) -> None:
    whole = shared_data / "inventories/usgs_events_deepldb/Coordinates for all the images.xlsx"
    (tmp_path / "cut.xlsx").write_bytes(whole.read_bytes()[:5000])
    with pytest.raises(ImageError, match=r"cut\.xlsx"):
        read_footprints(tmp_path / "cut.xlsx")


HEADER = "No.,LL latitude,LL longitude,UR latitude,UR longitude,Pre date,Post date\n"
cells = st.sampled_from(["", "1", "-122.5", "40.1", "nan", "inf", "1e400", '"', "20131006", "9" * 400, "\0", "\n"])
lines = st.lists(st.lists(cells | st.text(max_size=4), max_size=9).map(",".join), max_size=6).map("\n".join)


@given(lines.map(lambda body: (HEADER + body).encode(errors="replace")) | st.binary(max_size=100))
def test_fuzzed_table(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed.csv"
    path.write_bytes(data)
    log = IssueLog(path)
    try:
        checked = check_footprints(read_footprints(path), log, file=path, repair=True)
    except ImageError as error:
        assert "\n" not in str(error)
    else:
        assert (~checked["usable"]).sum() <= len(log.errors)


def test_bad_rows_do_not_stop_the_table(tmp_path: Path) -> None:
    path = tmp_path / "boxes.csv"
    path.write_text(
        "List of boxes\n\nNo.,LL latitude,LL longitude,UR latitude,UR longitude,Pre-event date,Post-event date\n"
        "1,10,20,10.001,20.0015,20100101,20110101\n"
        "2,ten,20,10.001,20.0015,20100101,20110101\n"
        "3,10.0005,20,10.0015,20.0015,20100101,20110101\n"
    )
    log = IssueLog(path)
    result = check_footprints(read_footprints(path), log, file=path)
    assert result["usable"].tolist() == [True, False, True]
    assert result["overlap_count"].tolist() == [1, 0, 1]
    assert [(i.row, i.severity) for i in log] == [(5, "error"), (None, "warning")]


@pytest.fixture(scope="module")
def published(shared_data: Path) -> pd.DataFrame:
    return read_footprints(shared_data / "inventories/usgs_events_deepldb/Coordinates for all the images.xlsx")


@pytest.mark.parametrize("repair", [False, True])
def test_published_defects_and_no_others(published: pd.DataFrame, repair: bool) -> None:
    log = IssueLog("list")
    checked = check_footprints(published, log, file="list", repair=repair)
    defects = checked.dropna(subset="defect").groupby("defect")["id"].apply(list).to_dict()
    assert defects == {
        "swapped latitudes": ["173", "334", "491"],
        "pre = post date": ["313"],
        "impossible box": ["147", "280", "449", "455"],
        "odd box": ["142", "152", "382"],
        "very large box": ["99", "461"],
    }
    left_out = {"313", "147", "280", "449", "455", "491"} | (set() if repair else {"173", "334"})
    assert set(checked.loc[~checked["usable"], "id"]) == left_out
    assert {issue.row for issue in log.errors} == {int(no) + 6 for no in left_out}
    assert len(checked) == 497 and len(log) == 14
    sides = checked.geometry.bounds
    assert (sides["miny"] < sides["maxy"]).all()


def test_published_overlaps(published: pd.DataFrame) -> None:
    checked = check_footprints(published, IssueLog("list"), file="list")
    swapped = checked["defect"] == "swapped latitudes"
    without = overlapping_footprints(checked.loc[~swapped].geometry.to_numpy())
    assert len(without) == 212 and len(set(without.ravel())) == 164
    assert len(overlapping_footprints(checked.geometry.to_numpy())) == 218


def test_published_events(published: pd.DataFrame, shared_data: Path) -> None:
    footprints = check_footprints(published, IssueLog("list"), file="list")
    table = pd.read_csv(
        shared_data / "inventories/usgs_events_deepldb/Identified_events_from_USGS_inventory.csv", encoding="utf-8-sig"
    ).dropna(subset="Latitude")
    text = table["Date"].str.strip()
    first = pd.to_datetime(text, format="%Y/%m/%d", errors="coerce")
    days = first.fillna(pd.to_datetime(text, format="%m/%d/%Y", errors="coerce"))
    places = gpd.points_from_xy(table["Longitude"], table["Latitude"])
    events = gpd.GeoDataFrame(
        {"id": table["OBJECTID"], "date_min": days, "date_max": days}, geometry=places, crs="EPSG:4326"
    )
    found = match_events(footprints, events.to_crs("EPSG:5070"))
    assert (found["event_ids"] != "").sum() == 436
    outside = footprints.loc[~found["between"], "id"].tolist()
    assert outside == ["4", "9", "10", "20", "46", "98", "313", "481"]
