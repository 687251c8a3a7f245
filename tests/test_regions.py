"""The region map: assignment, shares, distances, and what is refused or repaired on the way in."""

import time
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from tests.made_vectors import bad_features, curves, vector_file
from tsmu.errors import RegionError, TsmuError
from tsmu.issues import IssueLog
from tsmu.regions import RegionMap, check_region_name, import_region_map, region_key

GEOD = pyproj.Geod(ellps="WGS84")
WEST, EAST = shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)

Use = Callable[..., RegionMap]


@pytest.fixture
def use(tmp_path: Path) -> Use:
    """Write a frame to a file and make it the region map; the log is `use.log`."""

    def make(frame: gpd.GeoDataFrame, field: str = "eco", suffix: str = ".gpkg", strict: bool = False) -> RegionMap:
        file = tmp_path / f"source{suffix}"
        frame.to_file(file)
        make.log = IssueLog(file, strict=strict)
        return import_region_map(file, field, tmp_path / "regions.gpkg", make.log)

    return make


def frame(names: list[object], shapes: list[object], crs: object = "EPSG:4326") -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"eco": names}, geometry=shapes, crs=crs)


def two_regions() -> RegionMap:
    return RegionMap.from_frame(frame(["west", "east"], [WEST, EAST]).rename(columns={"eco": "name"}))


@pytest.mark.parametrize(
    "name", ["Northwestern Forested Mountains", "åäö", "a", "x" * 80, "AZ_NM & (west)", "WÜSTE, NORD-OST"]
)
def test_a_good_name_is_kept(name: str) -> None:
    assert check_region_name(name) == name


@pytest.mark.parametrize(
    "name", ["", " a", "a ", "-a", ".a", "a/b", "a\\b", "a:b", "*", "a?", '"', "<", ">", "|", "a.b", "a\nb", "x" * 81]
)
def test_a_bad_name_is_refused(name: str) -> None:
    with pytest.raises(RegionError, match="region name"):
        check_region_name(name)


@given(st.text(max_size=90))
def test_a_name_that_passes_can_name_a_file(name: str) -> None:
    try:
        check_region_name(name)
    except RegionError:
        return
    assert Path(f"{name}.safetensors").name == f"{name}.safetensors"
    assert Path(name).stem == name
    assert not set(name) & set('/\\:*?"<>|\0')


def test_points_get_their_region_and_border_points_the_first() -> None:
    names, distance = two_regions().assign_points([0.5, 1.5, 1.0, 3.0, np.nan, 200.0], [0.5, 0.5, 0.5, 0.5, 0.5, 0.5])
    assert names.tolist() == ["west", "east", "west", None, None, None]
    np.testing.assert_array_equal(distance, [0, 0, 0, np.nan, np.nan, np.nan])


def test_a_point_that_just_misses_gets_the_nearest_region_within_the_distance() -> None:
    names, distance = two_regions().assign_points([2.01, 2.01, -0.02], [0.5, 60.0, 0.5], max_distance_m=3000)
    assert names.tolist() == ["east", None, "west"]
    _, _, metres = GEOD.inv(2.0, 0.5, 2.01, 0.5)
    assert distance[0] == pytest.approx(metres, rel=1e-4)
    assert two_regions().assign_points([2.01], [0.5], max_distance_m=1000).names.tolist() == [None]


def test_the_nearest_region_is_measured_in_metres_not_degrees() -> None:
    # At 80 degrees north one degree of longitude is a sixth of a degree of latitude.
    regions = RegionMap.from_frame(
        gpd.GeoDataFrame(
            {"name": ["north", "east"]}, geometry=[shapely.box(0, 80.2, 1, 81), shapely.box(1.4, 79, 2, 80)], crs=4326
        )
    )
    assert regions.assign_points([0.5], [79.9], max_distance_m=100_000).names.tolist() == ["east"]


def test_the_nearest_region_may_lie_across_the_date_line() -> None:
    regions = RegionMap.from_frame(
        gpd.GeoDataFrame(
            {"name": ["far", "near"]}, geometry=[shapely.box(179, 0, 179.9, 1), shapely.box(-180, 0, -179, 1)], crs=4326
        )
    )
    names, distance = regions.assign_points([179.98], [0.5], max_distance_m=10_000)
    assert names.tolist() == ["near"]
    assert distance[0] == pytest.approx(GEOD.inv(179.98, 0.5, -180, 0.5)[2], rel=1e-3)


@given(st.integers(0, 2**32 - 1))
def test_border_distance_equals_the_geodesic_to_a_dense_border(seed: int) -> None:
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(5, 200)))
    radius = rng.uniform(0.05, 0.3, len(angle))
    latitude = rng.uniform(-70, 70)
    ring = np.column_stack([10 + radius * np.cos(angle), latitude + radius * np.sin(angle)])
    polygon = shapely.Polygon(ring)
    regions = RegionMap(np.array(["r"], object), np.array([polygon], object))
    lon, lat = 10 + rng.uniform(-0.4, 0.4), latitude + rng.uniform(-0.4, 0.4)
    dense = shapely.get_coordinates(shapely.segmentize(polygon.exterior, 0.001))
    nearest = GEOD.inv(np.full(len(dense), lon), np.full(len(dense), lat), dense[:, 0], dense[:, 1])[2].min()
    assert regions.border_distance_m(lon, lat)[0] == pytest.approx(nearest, rel=0.01, abs=60)


def test_border_distance_reaches_any_distance_and_knows_only_its_regions() -> None:
    metres = two_regions().border_distance_m([20.0, 0.25, 0.25, 0.25], [0.5] * 4, ["east", "east", "west", "moon"])
    assert metres[0] == pytest.approx(GEOD.inv(20, 0.5, 2, 0.5)[2], rel=0.01)
    assert metres[1] == pytest.approx(GEOD.inv(0.25, 0.5, 1, 0.5)[2], rel=1e-3)
    assert metres[2] == pytest.approx(GEOD.inv(0.25, 0.5, 0, 0.5)[2], rel=1e-3)
    assert np.isnan(metres[3])


def test_a_footprint_that_straddles_regions_gets_shares() -> None:
    main, shares = two_regions().assign_footprint(shapely.box(0.75, 0.2, 1.75, 0.4))
    assert main == "east"
    assert shares == pytest.approx({"east": 0.75, "west": 0.25}, abs=1e-6)
    main, shares = two_regions().assign_footprint(shapely.box(1.5, 0.2, 2.5, 0.4))
    assert shares == pytest.approx({"east": 0.5}, abs=1e-6)


def test_a_footprint_outside_goes_to_the_nearest_region_within_the_distance() -> None:
    outside = shapely.box(2.01, 0.5, 2.02, 0.51)
    assert two_regions().assign_footprint(outside) == (None, {})
    assert two_regions().assign_footprint(outside, max_distance_m=5000) == ("east", {})


def test_a_footprint_may_come_in_any_crs_of_the_earth() -> None:
    box = shapely.box(0.75, 0.2, 1.75, 0.4)
    mercator = gpd.GeoSeries([box], crs=4326).to_crs(3857).iloc[0]
    assert two_regions().assign_footprint(mercator, "EPSG:3857")[1] == pytest.approx(
        {"east": 0.75, "west": 0.25}, abs=1e-4
    )
    with pytest.raises(RegionError, match="unknown coordinate reference system"):
        two_regions().assign_footprint(box, "EPSG:1")
    with pytest.raises(RegionError, match="not one of the Earth"):
        two_regions().assign_footprint(box, "+proj=eqc +R=3396190")


@pytest.mark.parametrize("suffix", [".gpkg", ".shp", ".geojson"])
def test_a_map_in_another_crs_is_stored_and_loaded_in_degrees(use: Use, tmp_path: Path, suffix: str) -> None:
    crs = 4326 if suffix == ".geojson" else 32631
    used = use(frame(["west", "east"], [WEST, EAST]).to_crs(crs), suffix=suffix)
    loaded = RegionMap.load(tmp_path / "regions.gpkg")
    assert loaded.regions == used.regions == ["west", "east"]
    assert loaded.assign_points([0.5, 1.5], [0.5, 0.5]).names.tolist() == ["west", "east"]
    stored = gpd.read_file(tmp_path / "regions.gpkg", layer="regions")
    assert stored.crs == "EPSG:4326"
    assert stored.columns.tolist() == ["name", "geometry"]


def test_spellings_of_one_region_become_one_and_it_is_said(use: Use) -> None:
    used = use(frame(["North Desert", "NORTH_DESERT", " North Desert "], [WEST, EAST, shapely.box(5, 5, 6, 6)]))
    assert used.regions == ["North Desert"]
    assert used.assign_points([0.5, 1.5, 5.5], [0.5, 0.5, 5.5]).names.tolist() == ["North Desert"] * 3
    assert [(issue.row, issue.severity) for issue in use.log] == [(3, "warning")]
    assert used.canonical_name("north_DESERT") == "North Desert"
    assert used.canonical_name("south desert") is None
    # The line between two polygons of one region is no border.
    assert used.border_distance_m([1.0], [0.5])[0] > 50_000


def test_names_that_cannot_name_files_are_changed_and_numbers_are_names(use: Use) -> None:
    used = use(frame(["Arizona/New Mexico", "St. Elias"], [WEST, EAST]))
    assert used.regions == ["Arizona-New Mexico", "St- Elias"]
    assert len(use.log) == 2
    assert use(frame([8.0, 9.0], [WEST, EAST])).regions == ["8", "9"]


def test_an_invalid_polygon_is_repaired_and_said(use: Use, tmp_path: Path) -> None:
    bow_tie = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    used = use(frame(["west", "bow"], [EAST, bow_tie]))
    assert [(issue.row, issue.severity, issue.action) for issue in use.log] == [(3, "warning", "repaired")]
    assert shapely.is_valid(used.polygons).all()
    assert gpd.read_file(tmp_path / "regions.gpkg").is_valid.all()
    with pytest.raises(TsmuError, match="stopped by `strict`"):
        use(frame(["bow"], [bow_tie]), strict=True)


def test_features_without_name_or_area_are_left_out_with_their_row(use: Use) -> None:
    used = use(frame(["a", None, "  ", "point", "none"], [WEST, EAST, EAST, shapely.Point(3, 3), None]))
    assert used.regions == ["a"]
    assert sorted(issue.row for issue in use.log.errors) == [3, 4, 5, 6]


@pytest.mark.parametrize("crs", [4326, 3832])
def test_a_region_across_the_date_line_is_cut(use: Use, crs: int) -> None:
    # 3832 is a Mercator centred on 150 E: there the region is one piece.
    piece = gpd.GeoSeries([shapely.box(175, 50, 185, 55)], crs=4326)
    if crs != 4326:
        scale = pyproj.Transformer.from_crs(4326, crs, always_xy=True).transform
        west, east = scale(175, 50), scale(-175, 55)
        piece = gpd.GeoSeries([shapely.box(*west, *east)], crs=crs)
    used = use(frame(["aleutians"], list(piece), crs))
    assert used.assign_points([178, -178, 0], [52, 52, 52]).names.tolist() == ["aleutians", "aleutians", None]


def test_an_unknown_name_field_is_told_the_fields_there_are(use: Use, tmp_path: Path) -> None:
    with pytest.raises(RegionError, match="no field 'ECO'; its fields are: eco"):
        use(frame(["a"], [WEST]), field="ECO")
    assert not (tmp_path / "regions.gpkg").exists()


def test_layers_that_cannot_be_a_region_map_are_refused(use: Use, tmp_path: Path) -> None:
    with pytest.raises(RegionError, match="no polygon with a name"):
        use(frame(["a"], [shapely.Point(0, 0)]))
    with pytest.warns(UserWarning, match="crs"), pytest.raises(RegionError, match="no coordinate reference system"):
        use(frame(["a"], [WEST], None), suffix=".shp")
    with pytest.raises(RegionError, match="not one of the Earth"):
        use(frame(["a"], [WEST], "+proj=eqc +R=3396190"))
    broken, out = tmp_path / "broken.geojson", tmp_path / "out.gpkg"
    for content in (b"", b"{", b"\x00\xff" * 50, b'{"type": "FeatureCollection", "features": [{"type": 3}]}'):
        broken.write_bytes(content)
        with pytest.raises(RegionError, match=r"broken\.geojson"):
            import_region_map(broken, "name", out, IssueLog(broken))
    with pytest.raises(RegionError, match="no such file"):
        import_region_map(tmp_path / "absent.shp", "name", out, IssueLog(broken))
    with pytest.raises(RegionError, match="tsmu regions use"):
        RegionMap.load(out)


def test_one_of_several_layers_must_be_named(tmp_path: Path) -> None:
    file, log = tmp_path / "two.gpkg", IssueLog("two.gpkg")
    frame(["a"], [WEST]).to_file(file, layer="one")
    frame(["b"], [WEST]).to_file(file, layer="two")
    with pytest.raises(RegionError, match="several layers \\(one, two\\)"):
        import_region_map(file, "eco", tmp_path / "out.gpkg", log)
    with pytest.raises(RegionError, match="no layer 'three'"):
        import_region_map(file, "eco", tmp_path / "out.gpkg", log, layer="three")
    assert import_region_map(file, "eco", tmp_path / "out.gpkg", log, layer="two").regions == ["b"]


@pytest.mark.parametrize("kind", ["layers.gpkg", "folders.kml", "folders.kmz", "plain.fgb", "nested.zip"])
def test_all_layers_make_the_map_where_they_do_not_cover_the_same_ground(tmp_path: Path, kind: str) -> None:
    path = vector_file(tmp_path, kind, (WEST, EAST))
    used = import_region_map(path, "Name", tmp_path / "out.gpkg", IssueLog(path))
    names = ["n", "n"] if kind.startswith("folders") else ["a", "b"]
    assert used.assign_points([0.5, 1.5, 5], [0.5, 0.5, 5]).names.tolist() == [*names, None]


def test_bad_features_of_a_map_are_left_out_with_their_row(tmp_path: Path) -> None:
    path = bad_features(tmp_path, (WEST, EAST))
    log = IssueLog(path)
    used = import_region_map(path, "class", tmp_path / "out.gpkg", log)
    assert used.assign_points([0.5, 1.5], [0.5, 0.5]).names.tolist() == ["a", "a"]
    assert sorted(issue.row or 0 for issue in log.errors) == [3, 4, 5, 6, 7]
    path = curves(tmp_path, (WEST, EAST))
    log = IssueLog(path)
    used = import_region_map(path, "id", tmp_path / "out.gpkg", log)
    assert used.assign_points([0.5, 1.5], [0.5, 0.5]).names.tolist() == ["0", "3"]
    assert [issue.row for issue in log.errors] == [3, 4]


def test_a_region_whose_corners_lie_on_both_sides_of_the_date_line_is_cut_there(use: Use) -> None:
    ring = shapely.Polygon([(175, 50), (-175, 50), (-175, 55), (175, 55)])
    used = use(frame(["aleutians"], [ring]))
    assert used.assign_points([178, -178, 0], [52, 52, 52]).names.tolist() == ["aleutians", "aleutians", None]
    assert [(issue.row, issue.severity) for issue in use.log] == [(2, "warning")]


def test_assigning_is_faster_than_a_million_points_a_minute() -> None:
    rng = np.random.default_rng(0)
    cells = [shapely.box(i, j, i + 1, j + 1).buffer(0.2, quad_segs=64) for i in range(10) for j in range(10)]
    regions = RegionMap(np.array([f"r{i}" for i in range(100)], object), np.array(cells, object))
    lon, lat = rng.uniform(-1, 11, (2, 200_000))
    start = time.process_time()
    regions.assign_points(lon, lat)
    assert 200_000 / (time.process_time() - start) > 1_000_000 / 60


@pytest.mark.soak
def test_ten_million_points_are_assigned_at_over_a_million_a_minute(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "ecoregions_us" / "us_epa_l3_l1_simplified.geojson"
    regions = import_region_map(source, "US_L3NAME", tmp_path / "regions.gpkg", IssueLog(source))
    rng = np.random.default_rng(0)
    lon, lat = rng.uniform(-125, -66, 10_000_000), rng.uniform(25, 49, 10_000_000)
    start = time.process_time()
    names, distance = regions.assign_points(lon, lat, max_distance_m=2_000)
    minutes = (time.process_time() - start) / 60
    assert len(names) == 10_000_000
    assert 0.4 < np.mean(distance == 0) < 0.7
    print(f"{10 / minutes:.1f} million points a minute")
    assert minutes < 10


def test_the_published_events_agree_with_the_ecoregions(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "ecoregions_us" / "us_epa_l3_l1_simplified.geojson"
    regions = import_region_map(source, "NA_L1NAME", tmp_path / "regions.gpkg", log := IssueLog(source))
    assert len(log) == len(gpd.read_file(source).query("~geometry.is_valid")) > 0
    folder = shared_data / "inventories" / "usgs_events_deepldb"
    rows = pd.read_csv(folder / "Identified_events_from_USGS_inventory.csv", encoding="utf-8-sig", dtype=str)
    rows = rows[rows["Latitude"].notna()]
    lon, lat = rows["Longitude"].astype(float), rows["Latitude"].astype(float)
    said = np.array([regions.canonical_name(name) for name in rows["US Level I ecoregion"]], object)
    found, _ = regions.assign_points(lon, lat)
    differ = found != said
    assert len(rows) == 1918
    assert (~differ).sum() >= 1801
    assert regions.border_distance_m(lon[differ], lat[differ], said[differ]).max() < 2100
    assert {region_key(name) for name in said} == {
        "northwestern forested mountains", "north american deserts",
        "eastern temperate forests", "marine west coast forest",
    }  # fmt: skip
