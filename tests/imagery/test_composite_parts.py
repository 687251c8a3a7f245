"""Areas, windows of days, cloud masks, bands and tiles of the imagery of an event."""

from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pystac
import pytest
import shapely
from rasterio.windows import Window

from tsmu.errors import FetchError
from tsmu.imagery import AreaOfInterest, CompositeOptions
from tsmu.imagery.composites.band_names import find_bands
from tsmu.imagery.composites.cloud_masks import CloudMask
from tsmu.imagery.composites.event_scenes import EventScene
from tsmu.imagery.composites.options import SidePeriod
from tsmu.imagery.composites.tile_composite import median_of_observations
from tsmu.imagery.composites.zone_tiles import MAX_STACK_BYTES, TILE_SIDES, ZoneGrid, choose_tile_side
from tsmu.imagery.stac.scene_reader import needs_signature
from tsmu.issues import IssueLog

WAYS_TO_WRITE = ["7,46,7.5,46.2", " 7, 46, 7.5, 46.2 ", (7, 46, 7.5, 46.2)]


@pytest.mark.parametrize("text", WAYS_TO_WRITE)
def test_a_box(text: Any) -> None:
    assert AreaOfInterest.parse(text, IssueLog("x")).geometry.equals(shapely.box(7, 46, 7.5, 46.2))


def test_a_file_of_polygons_in_another_crs(tmp_path: Path) -> None:
    polygons = [shapely.Point(x, 5_000_000).buffer(2000) for x in (500_000, 503_000)] + [shapely.Point(500_000, 5e6)]
    gpd.GeoDataFrame(geometry=polygons, crs=32632).to_file(tmp_path / "area.gpkg")
    log = IssueLog("x")
    area = AreaOfInterest.parse(str(tmp_path / "area.gpkg"), log)
    assert area.geometry.geom_type == "Polygon"  # the two overlap
    (zone,) = area.zones()
    assert shapely.hausdorff_distance(zone.shape, shapely.union(*polygons[:2])) < 1
    assert ["not a polygon" in issue.problem for issue in log] == [True]


def without_crs(path: Path) -> None:
    gpd.GeoDataFrame(geometry=[shapely.box(7, 46, 7.1, 46.1)]).to_file(path)


def points(path: Path) -> None:
    gpd.GeoDataFrame(geometry=[shapely.Point(7, 46)], crs=4326).to_file(path)


def nothing(path: Path) -> None:
    gpd.GeoDataFrame(geometry=[], crs=4326).to_file(path)


def fiji(path: Path) -> None:
    gpd.GeoDataFrame(geometry=[shapely.box(178, -18, 180, -16), shapely.box(-180, -18, -179, -16)], crs=4326).to_file(
        path
    )


@pytest.mark.parametrize(
    ("write", "says"),
    [
        (without_crs, "has no coordinate reference system"),
        (points, "has no polygon with an area"),
        (nothing, "has no polygon with an area"),
        (fiji, "lies across the 180th meridian"),
        (None, "no such file"),
    ],
)
@pytest.mark.filterwarnings("ignore:'crs' was not provided")
def test_a_file_that_is_no_area(tmp_path: Path, write: Any, says: str) -> None:
    path = tmp_path / "area.gpkg"
    if write:
        write(path)
    with pytest.raises(FetchError, match=says) as told:
        AreaOfInterest.parse(path, IssueLog("x"))
    assert "area.gpkg" in str(told.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("7,46,7", "has 3 numbers"),
        ("7,46,7,47", "is empty"),
        ("7,47,8,46", "is empty"),
        ("179,-17,-179,-16", "across the 180th meridian"),
        ("7,84,8,85", "UTM grids reach"),
        ("7,46,8,nan", "no box in degrees"),
        ("7,46,8,99", "no box in degrees"),
        ("nowhere.gpkg", "no such file"),
    ],
)
def test_a_text_that_is_no_area(text: str, says: str) -> None:
    with pytest.raises(FetchError, match=says) as told:
        AreaOfInterest.parse(text, IssueLog("x"))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("box", "zones"),
    [
        ((7, 46, 8, 47), ["EPSG_32632"]),
        ((5.9, 45, 6.1, 45.1), ["EPSG_32631", "EPSG_32632"]),
        ((5.99, 45, 6.5, 45.1), ["EPSG_32632"]),  # a kilometre in the other zone is not a grid of its own
        ((5.5, 45, 6.04, 45.1), ["EPSG_32631"]),
        ((5.9, 45, 12.1, 45.1), ["EPSG_32631", "EPSG_32632", "EPSG_32633"]),
        ((5.98, 45, 6.02, 45.1), ["EPSG_32632"]),
        ((30.1, -1, 30.2, 0.5), ["EPSG_32736"]),
        ((30.1, -0.5, 30.2, 1), ["EPSG_32636"]),
        ((179.5, -17, 180, -16), ["EPSG_32760"]),
    ],
)
def test_zones_of_an_area(box: tuple[float, float, float, float], zones: list[str]) -> None:
    area = AreaOfInterest.from_box(*box)
    parts = area.zones()
    assert [zone.name for zone in parts] == zones
    assert shapely.union_all([zone.geometry for zone in parts]).equals(area.geometry)


def test_a_grid_lies_on_the_pixels_of_its_scenes() -> None:
    (zone,) = AreaOfInterest.from_box(7, 46, 7.05, 46.05).zones()
    grid = zone.grid(30, origin=(300_015, 5_100_015))
    assert (grid.transform.c - 300_015) % 30 == (grid.transform.f - 5_100_015) % 30 == 0
    left, bottom, right, top = zone.shape.bounds
    west, south, east, north = grid.bounds
    assert 0 <= left - west < 30
    assert 0 <= bottom - south < 30
    assert 0 <= east - right < 30
    assert 0 <= north - top < 30


def test_windows_widen_up_to_their_limit_and_never_into_the_future() -> None:
    options = CompositeOptions("https://example.org", "scenes")
    assert options.windows("pre") == (30, 60, 120, 240, 365)
    assert options.windows("post") == (30, 60, 120)
    event, today = date(2024, 4, 3), date(2024, 4, 20)
    after = SidePeriod("post", event, options.windows("post"), today)
    assert (after.first, after.last) == (date(2024, 4, 4), today)
    before = SidePeriod("pre", event, options.windows("pre"), today)
    assert (before.first, before.last) == (date(2023, 4, 4), date(2024, 4, 2))
    assert [before.window(day) for day in (date(2024, 3, 4), date(2024, 3, 3), date(2023, 4, 4))] == [0, 1, 4]
    assert SidePeriod("post", today, (30,), today).last < SidePeriod("post", today, (30,), today).first
    with pytest.raises(FetchError, match="`pre_days=0`: give 1 or more"):
        CompositeOptions("https://example.org", "scenes", pre_days=0)


def test_masks_of_classes_and_of_bits() -> None:
    classes = np.arange(12, dtype=np.uint8)
    (scl, qa_pixel) = (CloudMask.of_collection([_item(name)]) for name in ("scl", "qa_pixel"))
    assert scl is not None
    assert qa_pixel is not None
    assert classes[scl.clear(classes)].tolist() == [2, 4, 5, 6, 7]
    # clear land; clear water; cloud; cloud shadow; dilated cloud; snow; fill
    quality = np.array([21824, 21952, 22280, 23888, 21826, 30048, 1], np.uint16)
    assert qa_pixel.clear(quality).tolist() == [True, True, False, False, False, False, False]
    for text in ("SCL", "SCL:", ":3", "SCL:cloud", "SCL:9-3", "SCL:bit40"):
        with pytest.raises(FetchError, match="cloud_mask"):
            CloudMask.parse(text)


def _item(*assets: str, **fields: dict[str, Any]) -> pystac.Item:
    item = pystac.Item(
        "a", None, None, None, {"start_datetime": "2024-01-01T00:00:00Z", "end_datetime": "2024-01-01T00:00:00Z"}
    )
    for name in assets:
        item.add_asset(name, pystac.Asset(f"{name}.tif"))
    for name, extra in fields.items():
        item.add_asset(name, pystac.Asset(f"{name}.tif", roles=extra.pop("roles", None), extra_fields=extra))
    return item


COLOURS = ("red", "green", "blue", "nir")


def test_bands_of_catalogues() -> None:
    def band(name: str, **more: object) -> dict[str, Any]:
        return {"eo:bands": [{"name": "x", "common_name": name}], **more}

    earth_search = _item(
        "red", "green", "blue", "nir", "nir08", visual={"eo:bands": [{"common_name": c} for c in COLOURS]}
    )
    assert find_bands(earth_search, COLOURS) == {name: name for name in COLOURS}
    planetary_computer = _item("B02", "B03", "B04", "B08", "SCL")
    assert list(find_bands(planetary_computer, COLOURS).values()) == ["B04", "B03", "B02", "B08"]
    landsat = _item("red", "green", "blue", nir08=band("nir08"))
    assert find_bands(landsat, COLOURS)["nir"] == "nir08"
    assert find_bands(_item("SR_B2", "SR_B3", "SR_B4", "SR_B5", "SR_B6"), COLOURS)["red"] == "SR_B4"
    assert find_bands(_item("SR_B1", "SR_B2", "SR_B3", "SR_B4", "SR_B5"), COLOURS)["red"] == "SR_B3"
    two_sizes = _item(R20m=band("red", gsd=20), R10m=band("red", gsd=10), preview=band("red", roles=["overview"]))
    assert find_bands(two_sizes, COLOURS) == {"red": "R10m"}
    version_2 = _item(data={"bands": [{"eo:common_name": name} for name in ("blue", "green", "red")]})
    assert find_bands(version_2, COLOURS) == {"red": "data.3", "green": "data.2", "blue": "data.1"}
    assert find_bands(_item("VV", "vh"), ("vv", "vh")) == {"vv": "VV", "vh": "vh"}
    assert find_bands(_item("data"), COLOURS) == {}


def test_only_scenes_of_the_planetary_computer_have_their_addresses_signed() -> None:
    ours, theirs, signed = _item(), _item(), _item()
    for item in (theirs, signed):
        item.add_link(pystac.Link("self", "https://planetarycomputer.microsoft.com/api/stac/v1/"))
    for item in (ours, theirs):
        item.add_asset("vv", pystac.Asset("https://store.blob.core.windows.net/s1/vv.tif"))
    signed.add_asset("vv", pystac.Asset("https://store.blob.core.windows.net/s1/vv.tif?sig=x"))
    assert [needs_signature(item) for item in (ours, theirs, signed)] == [False, True, False]


@pytest.mark.filterwarnings("ignore:All-NaN")
def test_medians_leave_out_what_shows_nothing() -> None:
    generator = np.random.default_rng(0)
    values = generator.integers(1, 9000, (7, 2, 20, 30)).astype(np.uint16)
    hidden = generator.random((7, 1, 20, 30)) < 0.5
    hidden[:, :, 0, 0] = True
    expected = np.nanmedian(np.where(hidden, np.nan, values), axis=0)
    got = median_of_observations(np.where(hidden, np.uint16(65535), values))
    assert got.dtype == np.uint16
    assert (got[:, 0, 0] == 65535).all()
    known = np.isfinite(expected)
    assert (got[known] == np.floor(expected[known] + 0.5)).all()
    power = np.where(hidden, np.nan, values / 7).astype(np.float32)
    np.testing.assert_allclose(median_of_observations(power.copy()), np.nanmedian(power, axis=0), rtol=1e-6)


@pytest.mark.parametrize("degrees", [0.2, 0.6])
def test_the_memory_of_a_tile_does_not_grow_with_the_area(degrees: float) -> None:
    (zone,) = AreaOfInterest.from_box(7, 46, 7 + degrees, 46 + degrees).zones()
    grid = ZoneGrid(zone, zone.grid(10))
    for count, side in ((20, 1024), (100, 512), (600, 256)):
        scenes = [_scene(zone.geometry, number) for number in range(count)]
        assert choose_tile_side(grid, scenes, 8) == side
        assert side == TILE_SIDES[-1] or side**2 * 8 * count <= MAX_STACK_BYTES
    # Twenty strips of a hundred scenes each: what counts is how many meet one tile.
    strips = [(7 + degrees * n / 20, 46, 7 + degrees * (n + 1) / 20, 46 + degrees) for n in range(20)]
    scenes = [_scene(shapely.box(*strip), number) for strip in strips for number in range(5)]
    assert choose_tile_side(grid, scenes, 8) == (512 if degrees < 0.5 else 1024)


def test_tiles_cover_the_area_once() -> None:
    shape = shapely.Point(7.2, 46.2).buffer(0.1)
    (zone,) = AreaOfInterest(shape, "circle").zones()
    grid = ZoneGrid(zone, zone.grid(100))
    whole = grid.inside(Window(0, 0, grid.grid.width, grid.grid.height))
    together = np.zeros_like(whole)
    for window in grid.windows(32):
        rows, columns = window.toslices()
        together[rows, columns] = grid.inside(window)
    assert (together == whole).all()
    assert whole.sum() * 100**2 == pytest.approx(zone.shape.area, rel=0.01)
    assert len(list(grid.windows(16))) < len(range(0, whole.shape[0], 16)) * len(range(0, whole.shape[1], 16))


def _scene(footprint: Any, number: int) -> EventScene:
    item = _item("red")
    item.id = str(number)
    return EventScene(item, "pre", 0, footprint)
