"""Parts of a scene that need not be mapped."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
import rasterio.warp
import shapely
from rasterio.transform import Affine
from rasterio.windows import Window

from tests.made_vectors import BAD_ROWS, KINDS, bad_features, curves, vector_file
from tests.mapping.conftest import GRID, blur, engine, ground
from tsmu.errors import ImageError, MapError
from tsmu.imagery import Grid
from tsmu.issues import IssueLog
from tsmu.mapping.map_run import map_scene
from tsmu.mapping.outputs.map_files import MapResult
from tsmu.mapping.scene.masks import PolygonMask, RasterMask, SceneMask, SlopeMask, exclusion_mask
from tsmu.mapping.scene.raster import Scene
from tsmu.mapping.vectorize.polygons import PolygonOptions

SceneFile = Callable[..., Path]
GRID_OF = Grid(400, 300, rasterio.CRS.from_user_input(GRID["crs"]), GRID["transform"])
WHOLE = Window(0, 0, 400, 300)


def check_windows(limit: SceneMask) -> np.ndarray:
    """What is said of a window does not depend on how the scene is cut."""
    whole = limit.selection(WHOLE)
    assert whole.shape == (300, 400)
    for window in (Window(0, 0, 64, 64), Window(100, 30, 50, 90), Window(336, 236, 64, 64), Window(399, 299, 1, 1)):
        np.testing.assert_array_equal(limit.selection(window), whole[window.toslices()])
    return whole


def area_file(folder: Path, *polygons: shapely.Polygon, crs: str = GRID["crs"]) -> Path:
    path = folder / "area.gpkg"
    geopandas.GeoDataFrame(geometry=list(polygons), crs=GRID["crs"]).to_crs(crs).to_file(path)
    return path


def test_an_area_in_any_crs(tmp_path: Path) -> None:
    x, y = GRID["transform"] @ (50, 40)
    box = shapely.box(x, y - 1000, x + 2000, y)
    whole = check_windows(PolygonMask(area_file(tmp_path, box, crs="EPSG:4326"), GRID_OF))
    expected = np.zeros((300, 400), bool)
    expected[40:140, 50:250] = True
    assert (whole ^ expected).sum() < 40  # straight edges of one CRS bend in the other


def test_an_area_elsewhere_or_without_polygons_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MapError, match=r"area\.gpkg: its only polygon does not lie in the scene"):
        PolygonMask(area_file(tmp_path, shapely.box(0, 0, 1, 1)), GRID_OF)
    (tmp_path / "text.json").write_text("{}")
    with pytest.raises(MapError, match=r"text\.json: cannot be read as polygons"):
        PolygonMask(tmp_path / "text.json", GRID_OF)
    (tmp_path / "table.csv").write_text("name,size\na,1\n")
    with pytest.raises(MapError, match=r"table\.csv: holds no polygons"):
        PolygonMask(tmp_path / "table.csv", GRID_OF)


def in_degrees(*boxes: tuple[int, int, int, int]) -> tuple[shapely.Polygon, shapely.Polygon]:
    """Rectangles of pixels (left, top, right, bottom) as polygons in degrees."""
    corners = [[GRID["transform"] @ corner for corner in ((box[0], box[3]), (box[2], box[1]))] for box in boxes]
    first, second = geopandas.GeoSeries([shapely.box(*a, *b) for a, b in corners], crs=GRID["crs"]).to_crs(4326)
    return first, second


TWO = (20, 30, 60, 70), (200, 100, 260, 150)  # 1600 and 3000 px


@pytest.mark.parametrize("kind", KINDS)
def test_all_layers_of_all_kinds_of_files_limit(tmp_path: Path, kind: str) -> None:
    path = vector_file(tmp_path, kind, in_degrees(*TWO))
    expected = np.zeros((300, 400), bool)
    for left, top, right, bottom in TWO:
        expected[top:bottom, left:right] = True
    with ExitStack() as stack:
        inside, outside = PolygonMask(path, GRID_OF), exclusion_mask(path, GRID_OF, stack)
        np.testing.assert_array_equal(inside.selection(WHOLE), expected)
        np.testing.assert_array_equal(outside.selection(WHOLE), ~expected)
        if kind.startswith("layers"):
            assert exclusion_mask(path, GRID_OF, stack, layers=["two"]).selection(WHOLE).sum() == 120_000 - 3000


@pytest.mark.parametrize("made", [bad_features, curves])
def test_bad_features_of_an_area_are_left_out_and_told(
    tmp_path: Path, made: Callable[[Path, tuple[shapely.Polygon, shapely.Polygon]], Path]
) -> None:
    path = made(tmp_path, in_degrees(*TWO))
    log = IssueLog(path)
    assert PolygonMask(path, GRID_OF, log=log).selection(WHOLE).sum() == 4600
    assert [issue.row for issue in log.errors] == ([3, 4] if made is curves else list(BAD_ROWS))
    with ExitStack() as stack:
        assert exclusion_mask(path, GRID_OF, stack).selection(WHOLE).sum() == 120_000 - 4600


@pytest.mark.parametrize(
    ("box", "crs"),
    [
        ((-180, -90, 180, 90), 4326),
        ((-179, -89, 179, 89), 4326),
        ((-20_037_508, -20_037_508, 20_037_508, 20_037_508), 3857),
        ((-3e7, -1e7, 3e7, 1.9e7), 32633),
    ],
)
def test_a_polygon_of_the_world_holds_the_scene(tmp_path: Path, box: tuple[float, ...], crs: int) -> None:
    geopandas.GeoDataFrame(geometry=[shapely.box(*box)], crs=crs).to_file(tmp_path / "world.gpkg")
    assert PolygonMask(tmp_path / "world.gpkg", GRID_OF).selection(WHOLE).all()
    assert not PolygonMask(tmp_path / "world.gpkg", GRID_OF, inside=False).selection(WHOLE).any()


def test_the_edge_of_a_coarse_box_in_degrees_is_a_parallel(tmp_path: Path) -> None:
    """Its two ends alone, reprojected, would lie 40 degrees away and the edge far north of the scene."""
    x, y = GRID["transform"] @ (200, 150)
    lon, lat = rasterio.warp.transform(GRID["crs"], "EPSG:4326", [x], [y])
    box = shapely.box(lon[0] - 40, lat[0], lon[0] + 40, 80)
    geopandas.GeoDataFrame(geometry=[box], crs=4326).to_file(tmp_path / "coarse.geojson")
    wanted = PolygonMask(tmp_path / "coarse.geojson", GRID_OF).selection(WHOLE)
    rows, columns = np.mgrid[:300, :400] + 0.5
    xs, ys = GRID["transform"] @ (columns, rows)
    _, latitudes = rasterio.warp.transform(GRID["crs"], "EPSG:4326", xs.ravel(), ys.ravel())
    assert (wanted.ravel() != (np.array(latitudes) > lat[0])).sum() < 40  # nearer than a tenth of a pixel


@pytest.mark.parametrize(("crs", "size"), [("EPSG:32651", 10), ("EPSG:32651", 30), ("EPSG:4326", 1e-4)])
def test_slope_of_a_cone_on_other_grids(scene_file: SceneFile, tmp_path: Path, crs: str, size: float) -> None:
    """Ground that rises by 10 degrees within a kilometre of the middle and is level outside."""
    with ExitStack() as stack:
        left, top = 499_000, 2_601_000
        if crs == "EPSG:4326":
            left, top = 122.985, 23.515
        count = 250 if size == 30 else 500
        transform = Affine(size, 0, left, 0, -size, top)
        columns, rows = np.meshgrid(np.arange(count) + 0.5, np.arange(count) + 0.5)
        x, y = transform @ (columns, rows)
        if crs == "EPSG:4326":
            x, y = rasterio.warp.transform(crs, GRID["crs"], x.ravel(), y.ravel())
            x, y = (np.reshape(axis, columns.shape) for axis in (x, y))
        middle = GRID["transform"] @ (200, 150)
        distance = np.hypot(x - middle[0], y - middle[1])
        height = np.tan(np.radians(10)) * np.minimum(distance, 1000)
        dem = scene_file(height.astype(np.float32), "dem", crs=crs, transform=transform)
        whole = check_windows(SlopeMask(dem, 9.5, GRID_OF, stack, tmp_path))
        assert not SlopeMask(dem, 10.5, GRID_OF, stack, tmp_path).selection(WHOLE)[60:240, 110:290].all()
        rows, columns = np.mgrid[:300, :400]
        away = np.hypot(rows - 149.5, columns - 199.5) * 10
        assert whole[(away > 100) & (away < 900)].mean() > 0.97
        assert not whole[(away > 1100) & (away < 1400)].any()


def test_unknown_slopes_are_mapped(scene_file: SceneFile, tmp_path: Path) -> None:
    dem = scene_file(np.full((300, 200), 5, np.float32) + np.arange(200, dtype=np.float32) / 100, "dem", nodata=-9999)
    with ExitStack() as stack:
        whole = check_windows(SlopeMask(dem, 5, GRID_OF, stack, tmp_path))
    assert not whole[:, :199].any()
    assert whole[:, 201:].all()


def test_slopes_of_whole_metres_are_not_rounded_between_them(scene_file: SceneFile, tmp_path: Path) -> None:
    """Ground that rises by 3 m from pixel to pixel of 40 m: 4.3 degrees everywhere on the scene's grid of 10 m."""
    heights = np.broadcast_to(3 * np.arange(140, dtype=np.int16), (120, 140))
    dem = scene_file(heights, "dem", transform=GRID["transform"] @ Affine.translation(-40, -40) @ Affine.scale(4))
    with ExitStack() as stack:
        assert check_windows(SlopeMask(dem, 4, GRID_OF, stack, tmp_path)).all()
        assert not check_windows(SlopeMask(dem, 4.5, GRID_OF, stack, tmp_path)).any()


def test_a_mask_with_colours_is_read_by_its_numbers(scene_file: SceneFile) -> None:
    water = np.pad(np.ones((40, 60), np.uint8), ((40, 220), (60, 280)))
    mask = scene_file(water, "water")
    with rasterio.open(mask, "r+") as dataset:
        dataset.write_colormap(1, {0: (255, 255, 255, 255), 1: (0, 0, 255, 255)})
    with ExitStack() as stack:
        np.testing.assert_array_equal(check_windows(RasterMask(mask, GRID_OF, stack)), water == 0)


def test_a_mask_of_clouds(scene_file: SceneFile) -> None:
    clouds = np.zeros((150, 200), np.uint8)
    clouds[20:40, 30:60] = 1
    mask = scene_file(clouds, "clouds", transform=GRID["transform"] @ Affine.scale(2))
    with ExitStack() as stack:
        whole = check_windows(RasterMask(mask, GRID_OF, stack))
    expected = np.ones((300, 400), bool)
    expected[40:80, 60:120] = False
    np.testing.assert_array_equal(whole, expected)


def test_what_is_left_out_may_be_polygons_or_a_raster(scene_file: SceneFile, tmp_path: Path) -> None:
    x, y = GRID["transform"] @ (60, 40)
    water = area_file(tmp_path, shapely.box(x, y - 400, x + 600, y), crs="EPSG:4326")
    mask = scene_file(np.pad(np.ones((40, 60), np.uint8), ((40, 220), (60, 280))), "mask")
    with ExitStack() as stack:
        polygons, raster = (check_windows(exclusion_mask(file, GRID_OF, stack)) for file in (water, mask))
        assert (polygons ^ raster).sum() < 40  # straight edges of one CRS bend in the other
        assert (~raster).sum() == 40 * 60
        elsewhere = exclusion_mask(area_file(tmp_path, shapely.box(0, 0, 1, 1)), GRID_OF, stack)
        assert check_windows(elsewhere).all()
        with pytest.raises(ImageError, match=r"gone\.gpkg: no such image file"):
            exclusion_mask(tmp_path / "gone.gpkg", GRID_OF, stack)


def mapped(scene_file: SceneFile, tmp_path: Path, name: str, *limits: SceneMask) -> tuple[np.ndarray, MapResult]:
    with Scene(scene_file(ground(300, 400))) as scene:
        result = map_scene(
            scene, engine(blur), tmp_path / name, polygons=PolygonOptions(50), tile=128, overlap=64, masks=limits
        )
    with rasterio.open(result.probability) as dataset:
        return dataset.read(1), result


def test_what_is_not_wanted_is_no_data_and_the_rest_as_without(scene_file: SceneFile, tmp_path: Path) -> None:
    x, y = GRID["transform"] @ (20, 30)
    area = PolygonMask(area_file(tmp_path, shapely.Point(x + 400, y - 400).buffer(390)), GRID_OF)
    whole, _ = mapped(scene_file, tmp_path, "whole")
    part, result = mapped(scene_file, tmp_path, "part", area)
    wanted = area.selection(WHOLE)
    np.testing.assert_array_equal(part, np.where(wanted, whole, 255))
    assert result.counts.valid_pixels == wanted.sum()
    assert result.counts.tiles_skipped > result.counts.tiles / 2


def test_a_tile_that_is_not_wanted_is_not_even_read(scene_file: SceneFile, tmp_path: Path) -> None:
    path = scene_file(ground(1000, 200), tiled=True, blockxsize=128, blockysize=128, compress="deflate")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    x, y = GRID["transform"] @ (0, 0)
    with Scene(path) as scene:
        area = PolygonMask(area_file(tmp_path, shapely.box(x, y - 1000, x + 1000, y)), scene.grid)
        result = map_scene(
            scene, engine(blur), tmp_path / "out", polygons=PolygonOptions(50), tile=128, overlap=32, masks=[area]
        )
    assert result.counts.valid_pixels == 100 * 100
