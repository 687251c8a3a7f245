"""The verbs of the region map and of inventories: the tables that they give, and the files that they leave."""

from pathlib import Path

import geopandas
import pandas as pd
import pytest

from tests.workspace.conftest import REGION
from tsmu.errors import InventoryError, RegionError, TsmuError
from tsmu.inventory import read_events
from tsmu.workspace import Workspace


def test_a_region_map_is_a_table_and_a_file(empty: Workspace, files: Path) -> None:
    report = empty.use_regions(files / "regions.gpkg", name_field="name")
    assert report.regions is not None
    assert report.regions.crs == "EPSG:4326"
    assert set(report.regions["name"]) == set(geopandas.read_file(empty.folder.regions)["name"])
    assert (report.records, report.details["regions"][0]) == (4, REGION)
    with pytest.raises(RegionError, match="no field 'none'"):
        empty.use_regions(files / "regions.gpkg", name_field="none")


def test_an_inventory_becomes_events_with_regions_and_issues(empty: Workspace, files: Path) -> None:
    empty.use_regions(files / "regions.gpkg", name_field="name")
    report = empty.add_inventory(str(files / "events.csv"), columns={"date": "When"})
    assert report.events is not None
    assert (report.records, report.left_out) == (4, 1)
    assert f"{report.events['date_min'].iloc[1]:%F}" == "2014-01-02"
    assert sorted(report.events["region"]) == sorted(set(geopandas.read_file(files / "regions.gpkg")["name"]))
    assert report.events["event_id"].tolist() == read_events(empty.folder.events)["event_id"].tolist()
    [issue] = report.issues.to_dict("records")
    assert (issue["file"], issue["row"], issue["severity"]) == ("events.csv", 6, "error")
    assert pd.read_csv(empty.folder.issues)["problem"].tolist() == [issue["problem"]]
    page = report._repr_html_()
    assert "4 events, 0 blank, 1 left out" in page
    assert issue["problem"] in page
    assert empty.add_inventory(files / "events.csv").details["replaced"] == 4


@pytest.mark.parametrize("row", ["a,46,7,someday", "a,96,7,2014-01-01\nb,46,7,2014-01-01"], ids=["warning", "left out"])
def test_strict_stops_at_warnings_and_at_rows_left_out(empty: Workspace, tmp_path: Path, row: str) -> None:
    (tmp_path / "odd.csv").write_text(f"id,lat,lon,date\n{row}\n")
    with pytest.raises(TsmuError, match=r"row 2.* stopped by `strict` \(otherwise: "):
        empty.add_inventory(tmp_path / "odd.csv", strict=True)
    assert not empty.folder.events.exists()
    assert pd.read_csv(empty.folder.issues)["row"].tolist() == [2]
    assert empty.add_inventory(tmp_path / "odd.csv").records == 1
    with pytest.raises(InventoryError, match="no such file"):
        empty.add_inventory(tmp_path / "none.csv")


def test_one_layer_is_named_as_a_text_or_in_a_list(empty: Workspace, tmp_path: Path) -> None:
    points = geopandas.GeoDataFrame({"id": [1]}, geometry=geopandas.points_from_xy([7], [46]), crs=4326)
    for layer in ("first", "second"):
        points.to_file(tmp_path / "events.gpkg", layer=layer)
    assert empty.add_inventory(tmp_path / "events.gpkg", layer="second").records == 1
    assert empty.add_inventory(tmp_path / "events.gpkg", layer=["first", "second"]).records == 2


def test_regions_are_assigned_and_disagreements_listed(work: Workspace) -> None:
    report = work.assign_regions()
    assert report.events is not None
    assert report.pairs is not None
    assert report.disagreements is not None
    assert report.records == len(report.events) + len(report.pairs) == 10
    assert report.pairs["region"].unique().tolist() == [REGION]
    assert len(report.disagreements) == 3
    assert len(pd.read_csv(report.outputs["disagreements"])) == 3
    assert set(report.disagreements["region_said"]) == {REGION}


def test_without_a_map_or_anything_to_assign_it_says_what_to_do(empty: Workspace, files: Path) -> None:
    with pytest.raises(RegionError, match="tsmu regions use FILE"):
        empty.assign_regions()
    empty.use_regions(files / "regions.gpkg", name_field="name")
    with pytest.raises(TsmuError, match="no events and no pairs to assign"):
        empty.assign_regions()
