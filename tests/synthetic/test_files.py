"""What the synthetic world looks like on disk."""

import json
import re
from datetime import timedelta
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import rasterio
from PIL import Image, ImageDraw
from rasterio.windows import Window
from shapely import Point

from tsmu.errors import ChipError, RegionError, WorkspaceError
from tsmu.imagery import describe_raster, read_raster
from tsmu.imagery.footprints import LatLonBox
from tsmu.imagery.stac.catalogue import StacCatalogue
from tsmu.synthetic import (
    REGIONS,
    World,
    training_window,
    write_chips,
    write_google_earth,
    write_practice,
    write_scene,
    write_world,
)  # fmt: skip
from tsmu.synthetic.practice import EVENT

NAME = re.compile(r"GE_(-?\d+\.\d{6})_(-?\d+\.\d{6})_(-?\d+\.\d{6})_(-?\d+\.\d{6})_(LS_\d+_US)_(\d{8})_(PRE|POST)\.jpg")


@pytest.fixture(scope="module")
def world() -> World:
    return World(seed=5)


@pytest.fixture(scope="module")
def chips(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chips") / "marine_coast"
    write_chips(world, folder, "marine_coast", count=20, size=64, negatives=0.25)
    return folder


def test_chips_are_three_files_of_one_name(chips: Path) -> None:
    names = sorted(path.name for path in (chips / "images").iterdir())
    assert names == [f"marine_coast_{n:04d}.tif" for n in range(20)]
    for kind in ("pre", "masks"):
        assert sorted(path.name for path in (chips / kind).iterdir()) == names
    image, mask = describe_raster(chips / "images" / names[3]), describe_raster(chips / "masks" / names[3])
    assert image.bands == ("red", "green", "blue") and mask.bands == ("landslide",)
    assert image.crs.to_epsg() == 32610 and image.transform == mask.transform
    assert (image.width, image.height, image.dtype) == (64, 64, "uint8")
    with rasterio.open(chips / "pre" / names[3]) as dataset:
        assert dataset.tags(ns="IMAGE_STRUCTURE")["INTERLEAVE"] == "PIXEL" and dataset.colorinterp[0].name == "red"


def test_a_chip_is_the_world_at_its_place(world: World, chips: Path) -> None:
    polygon = world.regions().set_index("name").geometry["marine_coast"]
    for path in sorted((chips / "images").iterdir())[:3]:
        info = describe_raster(path)
        column, row = ~world.transform @ (info.transform.c, info.transform.f)
        drawn = world.render(Window(round(column), round(row), 64, 64))
        np.testing.assert_array_equal(read_raster(path)[0], drawn.post)
        np.testing.assert_array_equal(read_raster(chips / "pre" / path.name)[0], drawn.pre)
        np.testing.assert_array_equal(read_raster(chips / "masks" / path.name)[0][0], drawn.mask)
        assert polygon.contains(Point(info.transform @ (32, 32)))


def test_a_quarter_of_the_chips_is_without_landslides(chips: Path) -> None:
    shares = [read_raster(path)[0].mean() for path in sorted((chips / "masks").iterdir())]
    assert [n for n, share in enumerate(shares) if share == 0] == [3, 7, 11, 15, 19]
    assert np.mean([share for share in shares if share > 0]) > 0.05


def test_neighbours_by_name_are_neighbours_on_the_ground(chips: Path) -> None:
    places = [describe_raster(path).transform for path in sorted((chips / "images").iterdir())]
    corners = np.array([(t.c, t.f) for t in places])
    steps = np.abs(np.diff(corners, axis=0)).max(axis=1)
    side = 8192 * 10 / 5  # five places per row
    assert steps.max() < 1.3 * side
    apart = np.abs(corners[:, None] - corners[None]).max(axis=2)[~np.eye(20, dtype=bool)]
    assert apart.min() > 64 * 10  # none overlap


def test_chips_that_do_not_fit(world: World, tmp_path: Path) -> None:
    with pytest.raises(ChipError, match="do not fit"):
        write_chips(world, tmp_path / "a", "marine_coast", count=40_000, size=64)
    with pytest.raises(ChipError):
        write_chips(world, tmp_path / "a", "marine_coast", count=0)
    with pytest.raises(RegionError, match=r"atlantis.*marine_coast"):
        write_chips(world, tmp_path / "a", "atlantis")
    assert not (tmp_path / "a").exists()


def test_nothing_is_overwritten(world: World, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("kept")
    window = Window(0, 0, 64, 64)
    for write in (
        lambda: write_chips(world, tmp_path, "marine_coast", count=1),
        lambda: write_scene(world, tmp_path, window),
        lambda: write_google_earth(world, tmp_path, "marine_coast"),
        lambda: write_world(tmp_path),
    ):
        with pytest.raises(WorkspaceError, match="exists already"):
            write()
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_scene_in_bands_is_the_window_in_one_piece(world: World, tmp_path: Path) -> None:
    window = Window(20_100, 20_200, 333, 1100)  # three bands, the last one short; across the borders
    write_scene(world, tmp_path / "scene", window)
    drawn = world.render(window)
    for name, expected in (("pre", drawn.pre), ("post", drawn.post), ("truth", drawn.mask[None])):
        path = tmp_path / "scene" / f"{name}.tif"
        np.testing.assert_array_equal(read_raster(path)[0], expected)
        info = describe_raster(path)
        assert info.transform.almost_equals(drawn.transform) and info.pixel_size == pytest.approx(10)
        with rasterio.open(path) as dataset:
            assert dataset.block_shapes[0] == (512, 512)


@pytest.fixture(scope="module")
def google_earth(world: World, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_google_earth(world, tmp_path_factory.mktemp("ge") / "pairs", "northwest_mountains", count=3, size=128)


def test_google_earth_names_say_where_and_when(world: World, google_earth: list[Path]) -> None:
    polygon = world.regions().to_crs(4326).set_index("name").geometry["northwest_mountains"]
    assert len(google_earth) == 3
    for post in google_earth:
        match = NAME.fullmatch(post.name)
        assert match is not None
        south, west, north, east = (float(value) for value in match.groups()[:4])
        assert polygon.contains(Point((west + east) / 2, (south + north) / 2))
        metres = pyproj.Geod(ellps="WGS84").line_length([west, west], [south, north])
        assert metres == pytest.approx(1280, rel=0.05)
        pre = [path for path in post.parent.glob("*_PRE.jpg") if match[5] in path.name]
        assert len(pre) == 1 and NAME.fullmatch(pre[0].name)[6] < match[6]
        assert Image.open(pre[0]).size == Image.open(post).size == (128, 128)


def test_google_earth_images_lie_where_they_say(world: World, google_earth: list[Path]) -> None:
    for post in google_earth:
        south, west, north, east = (float(value) for value in NAME.fullmatch(post.name).groups()[:4])
        longitude = west + (np.arange(128) + 0.5) / 128 * (east - west)
        latitude = north - (np.arange(128) + 0.5) / 128 * (north - south)
        to_map = pyproj.Transformer.from_crs(4326, world.crs, always_xy=True)
        x, y = to_map.transform(*np.meshgrid(longitude, latitude))
        columns, rows = (np.floor(v).astype(int) for v in ~world.transform @ (x, y))
        left, top = int(columns.min()), int(rows.min())
        drawn = world.render(Window(left, top, int(columns.max()) - left + 1, int(rows.max()) - top + 1))
        expected = drawn.post[:, rows - top, columns - left].transpose(1, 2, 0).astype(float)
        image = np.asarray(Image.open(post)).astype(float)
        assert np.corrcoef(image.ravel(), expected.ravel())[0, 1] > 0.93

        labelled = Image.new("L", (128, 128))
        content = json.loads(post.with_suffix(".json").read_text(encoding="utf-8"))
        for shape in content["shapes"]:
            ImageDraw.Draw(labelled).polygon([tuple(point) for point in shape["points"]], fill=1)
        found, truth = np.asarray(labelled) == 1, drawn.mask[rows - top, columns - left] == 1
        assert (found & truth).sum() / (found | truth).sum() > 0.8


def test_labels_follow_labelme(google_earth: list[Path]) -> None:
    content = json.loads(google_earth[0].with_suffix(".json").read_text(encoding="utf-8"))
    assert set(content) == {"version", "flags", "shapes", "imagePath", "imageData", "imageHeight", "imageWidth"}
    assert content["imagePath"] == google_earth[0].name and content["imageData"] is None
    assert (content["imageHeight"], content["imageWidth"]) == (128, 128) and content["shapes"]
    for shape in content["shapes"]:
        assert set(shape) == {"label", "points", "group_id", "shape_type", "flags"}
        assert shape["label"] == "landslide" and shape["shape_type"] == "polygon" and len(shape["points"]) >= 3


def test_the_whole_world_in_a_folder(tmp_path: Path) -> None:
    world = write_world(tmp_path / "world", seed=2, chips=4, chip_size=32, scene_size=200, sparse_scenes=("crossing",))
    root = tmp_path / "world"
    regions = gpd.read_file(root / "regions.gpkg", layer="regions")
    assert set(regions["name"]) == set(REGIONS) == {path.name for path in (root / "chips").iterdir()}
    assert regions.geom_equals_exact(world.regions().geometry, 1e-6).all()
    assert {path.name for path in (root / "scenes").iterdir()} == {"crossing", "crossing_sparse", "eastern_forests"}
    assert {path.name for path in (root / "scenes" / "crossing").iterdir()} == {"pre.tif", "post.tif", "truth.tif"}
    dense, sparse = (read_raster(root / "scenes" / name / "truth.tif")[0] for name in ("crossing", "crossing_sparse"))
    assert (dense >= sparse).all() and dense.sum() > sparse.sum()
    assert not list(root.parent.glob(".*"))


def test_training_windows_lie_in_their_regions(world: World) -> None:
    regions = world.regions().set_index("name").geometry
    for region in REGIONS:
        square = training_window(region)
        for column in (square.col_off, square.col_off + square.width):
            for row in (square.row_off, square.row_off + square.height):
                assert regions[region].contains(Point(world.transform @ (column, row)))


def test_the_data_of_the_tutorials_have_what_goes_wrong(tmp_path: Path) -> None:
    small = {"chips": 4, "chip_size": 32, "pairs": 4, "pair_size": 64, "scene_size": 64}
    practice = tmp_path / "practice"
    write_practice(practice, **small)
    screenshots = practice / "screenshots"
    wrong = [path.name for path in screenshots.glob("*.jpg") if not path.name.split("_")[4].startswith("-")]
    assert [name.split("_")[-1] for name in wrong] == ["PRE.jpg"]  # a longitude without its minus
    assert len(list(screenshots.glob("*.jpg"))) == 8
    assert len(list(screenshots.glob("*.json"))) == 2  # the others are for drafts
    rows = (practice / "inventory.csv").read_text().splitlines()
    assert len(rows) == 5
    assert "2012-02-31" in rows[-1]
    catalogue = StacCatalogue(str(practice / "catalogue" / "catalog.json"), "practice-scenes")
    area = gpd.read_file(practice / "area.geojson").total_bounds
    box = LatLonBox(south=area[1], west=area[0], north=area[3], east=area[2])
    before = catalogue.scenes(box, EVENT - timedelta(60), EVENT)
    after = catalogue.scenes(box, EVENT, EVENT + timedelta(60))
    assert (len(before), len(after)) == (2, 2)
    assert all(Path(asset.get_absolute_href()).exists() for item in after for asset in item.assets.values())
    with pytest.raises(WorkspaceError, match="exists already"):
        write_practice(practice, **small)
