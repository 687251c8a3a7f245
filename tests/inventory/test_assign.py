"""Events get their regions, and what the inventory says otherwise is listed."""

from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from tsmu.inventory import assign_regions, read_events, write_events
from tsmu.issues import IssueLog
from tsmu.regions import RegionMap, import_region_map

from .conftest import Read

REGIONS = RegionMap.from_frame(
    gpd.GeoDataFrame({"name": ["west", "east"]}, geometry=[shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)], crs=4326)
)


def test_points_get_regions_and_differences_are_listed(read: Read, tmp_path: Path) -> None:
    text = "id,lat,lon,region\na,.5,.5,WEST\nb,.5,1.5,\nc,.5,.99,east\nd,.5,2.01,east\ne,9,9,moon\n"
    write_events(read(text).events, tmp_path / "events.gpkg")
    events = read_events(tmp_path / "events.gpkg")
    assigned, differ = assign_regions(events, REGIONS, 2000, log := IssueLog("x"))
    assert assigned.region.fillna("").tolist() == ["west", "east", "west", "east", ""]
    assert differ.row.tolist() == [4, 6]
    assert differ.distance_m[0] == pytest.approx(1113, rel=0.01)
    assert differ.distance_m.isna().tolist() == [False, True]
    assert [(issue.file, issue.row) for issue in log] == [("events.csv", 6)]
    written = write_events(assigned, tmp_path / "events.gpkg")
    assert written.total == 5
    again, differ_again = assign_regions(read_events(tmp_path / "events.gpkg"), REGIONS, 2000, log)
    assert again.region.fillna("").tolist() == assigned.region.fillna("").tolist()
    assert len(differ_again) == 2


def test_a_polygon_gets_the_region_with_its_largest_share(read: Read) -> None:
    shapes = gpd.GeoDataFrame({"id": [1]}, geometry=[shapely.box(0.5, 0.1, 1.2, 0.2)], crs=4326)
    events, _ = assign_regions(read(shapes.to_json(), name="e.geojson").events, REGIONS, 0, IssueLog("x"))
    assert events.region.tolist() == ["west"]


def test_the_published_events_differ_only_near_borders(read: Read, shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "ecoregions_us" / "us_epa_l3_l1_simplified.geojson"
    regions = import_region_map(source, "NA_L1NAME", tmp_path / "regions.gpkg", IssueLog(source))
    folder = shared_data / "inventories" / "usgs_events_deepldb"
    events = read(folder / "Identified_events_from_USGS_inventory.csv").events
    assigned, differ = assign_regions(events, regions, 0, IssueLog("x"))
    assert len(assigned) - len(differ) >= 1801
    assert differ.distance_m.max() < 2100
    assert differ.distance_m.is_monotonic_decreasing
