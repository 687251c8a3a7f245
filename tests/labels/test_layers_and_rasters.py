"""Labels from polygon layers in any CRS and from mask rasters."""

import shutil
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from PIL import Image
from rasterio.transform import Affine

from tests.labels.made_labels import GRID, HEIGHT, SQUARE, WIDTH, imported, label, mask_of, raster, shape
from tests.made_vectors import BAD_ROWS, KINDS, bad_features, vector_file
from tsmu.errors import LabelError
from tsmu.imagery import describe_raster
from tsmu.imagery.pairs import import_pairs
from tsmu.issues import IssueLog
from tsmu.labels.label_import import import_labels
from tsmu.labels.label_layers import read_mapped_area, to_pixels
from tsmu.labels.rasterization import rasterize_polygons
from tsmu.labels.review_labels import ReviewedOutlines, review_mask


def ground(pixels: shapely.Polygon, pair: int = 0) -> shapely.Polygon:
    grid = Affine.translation(2000 * pair, 0) @ GRID
    return shapely.affinity.affine_transform(pixels, [grid.a, grid.b, grid.d, grid.e, grid.c, grid.f])


@pytest.mark.parametrize("suffix", ["geojson", "gpkg", "shp", "json", "zip"])
@pytest.mark.parametrize("crs", ["EPSG:32645", "EPSG:4326", "EPSG:3857"])
def test_polygon_layers_in_any_crs(tmp_path: Path, pairs: gpd.GeoDataFrame, suffix: str, crs: str) -> None:
    slides = [
        ground(shapely.Polygon(SQUARE)),
        ground(shapely.box(90, 70, 120, 90)),
        ground(shapely.box(300, 0, 310, 9)),
    ]
    layer = gpd.GeoDataFrame({"kind": ["slide", "flow", "slide"]}, geometry=slides, crs="EPSG:32645").to_crs(crs)
    folder = tmp_path / "labels"
    folder.mkdir()
    if suffix == "zip":
        layer.to_file(tmp_path / "x.shp")
        with zipfile.ZipFile(folder / "x.zip", "w") as archive:
            for part in tmp_path.glob("x.*"):
                archive.write(part, part.name)
    else:
        layer.to_file(folder / f"x.{suffix}", driver="GeoJSON" if "json" in suffix else None)
    table, log = imported(folder, pairs)
    assert table["id"].tolist() == ["a", "b"][: len(table)]
    mask = mask_of(table)
    assert mask.sum() == pytest.approx(600 + 100, abs=4) and mask[20:50, 10:30].mean() > 0.99
    assert any("lie in no imported pair" in issue.problem for issue in log) == (len(table) == 1)
    table, _ = imported(folder, pairs, class_field="kind", classes={"flow": 1})
    assert mask_of(table).sum() == pytest.approx(100, abs=2)


def two_in_degrees() -> tuple[shapely.Polygon, shapely.Polygon]:
    """Pixels 10 to 30 by 20 to 50, and 60 to 80 by 20 to 30, of pair a: 600 and 200."""
    slides = [ground(shapely.box(10, 20, 30, 50)), ground(shapely.box(60, 20, 80, 30))]
    first, second = gpd.GeoSeries(slides, crs="EPSG:32645").to_crs(4326)
    return first, second


def test_ground_outside_the_mapped_area_is_unknown_and_ground_inside_is_background(
    tmp_path: Path, pairs: gpd.GeoDataFrame
) -> None:
    slides = gpd.GeoDataFrame(geometry=[ground(shapely.box(10, 20, 30, 50))], crs="EPSG:32645")
    slides.to_file(tmp_path / "slides.gpkg")
    looked_at = [ground(shapely.box(0, 0, 40, 60)), ground(shapely.box(20, 0, 60, 30), pair=1)]
    area = gpd.GeoDataFrame(geometry=looked_at, crs="EPSG:32645").to_crs(4326)
    area.to_file(tmp_path / "area.gpkg")
    read = read_mapped_area(tmp_path / "area.gpkg", IssueLog("area"))
    table, _ = imported(tmp_path / "slides.gpkg", pairs, mapped_area=read)
    assert table["id"].tolist() == ["a", "b"]
    assert table["landslides"].tolist() == [1, 0]
    first, second = (rasterio.open(mask).read(1) for mask in table["mask"])
    assert (first == 1).sum() == 600 and (first[:60, :40] != 255).all() and (first[:, 41:] == 255).all()
    assert (second[:30, 20:60] == 0).all() and (second != 255).sum() == 30 * 40


@pytest.mark.parametrize("kind", KINDS)
def test_all_layers_of_all_kinds_of_files_are_labels(tmp_path: Path, pairs: gpd.GeoDataFrame, kind: str) -> None:
    path = vector_file(tmp_path, kind, two_in_degrees())
    table, log = imported(path, pairs)
    mask = mask_of(table)
    assert mask[20:50, 10:30].all() and mask[20:30, 60:80].all() and mask.sum() == 800
    assert not log.errors
    if kind.startswith("layers"):
        assert mask_of(imported(path, pairs, layers=["two"])[0]).sum() == 200
        with pytest.raises(LabelError, match="`layer=three`"):
            imported(path, pairs, layers=["three"])


def test_bad_features_are_no_labels_and_are_told(tmp_path: Path, pairs: gpd.GeoDataFrame) -> None:
    table, log = imported(bad_features(tmp_path, two_in_degrees()), pairs)
    assert mask_of(table).sum() == 800
    assert [issue.row for issue in log.errors] == list(BAD_ROWS)


def test_a_polygon_without_a_class_is_left_out_and_told(tmp_path: Path, pairs: gpd.GeoDataFrame) -> None:
    path = bad_features(tmp_path, two_in_degrees())
    content = path.read_text().replace('"type": "GeometryCollection"', '"type": "Star"')
    path.write_text(content)
    table, log = imported(path, pairs, class_field="class", classes={"a": 1})
    assert mask_of(table).sum() == 600
    assert [(issue.row, issue.column) for issue in log.errors][-1] == (4, "class")


def test_a_zip_of_labelme_files(tmp_path: Path, pairs: gpd.GeoDataFrame) -> None:
    folder = label(tmp_path / "x", "a_post.json", shape(SQUARE))
    label(folder, "nothing.json", shape(SQUARE))
    archive = tmp_path / "labels.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for part in sorted(folder.iterdir()):
            packed.write(part, f"project/{part.name}")
    table, log = imported(archive, pairs)
    assert mask_of(table).sum() == 600
    assert table["source"].tolist() == [f"{archive}/project/a_post.json"]
    assert [issue.file for issue in log.errors] == [f"{archive}/project/nothing.json"]
    assert f"already has a label, from {archive}/project/a_post.json" in log.errors[0].problem
    shutil.copy(archive, tmp_path / "x/again.zip")
    (tmp_path / "x/a_post.json").unlink()
    assert mask_of(imported(tmp_path / "x", pairs)[0]).sum() == 600


def test_a_mask_without_a_pairs_name_is_found_by_its_folder_or_its_place(
    tmp_path: Path, pairs: gpd.GeoDataFrame
) -> None:
    values = np.zeros((HEIGHT, WIDTH), np.uint8)
    values[20:50, 10:30] = 1
    elsewhere = raster(tmp_path / "labels/inventory_2015.tif", values, Affine.translation(2000, 0) @ GRID)
    table, log = imported(elsewhere, pairs)
    assert table["id"].tolist() == ["b"] and not len(log)
    assert mask_of(table, "b").sum() == 600
    both = np.zeros((HEIGHT, 4 * WIDTH), np.uint8)
    assert "lies on several pairs: a, b" in imported(raster(tmp_path / "wide.tif", both), pairs)[1].issues[0].problem
    nowhere = raster(tmp_path / "away.tif", values, Affine.translation(90_000, 0) @ GRID)
    assert "belongs to no imported pair" in imported(nowhere, pairs)[1].issues[0].problem

    folder = tmp_path / "one"
    pixels = np.random.default_rng(0).integers(1, 255, (3, HEIGHT, WIDTH), np.uint8)
    for side in ("pre", "post"):
        raster(folder / f"{side}.tif", pixels)
    one = import_pairs(folder, IssueLog(folder), out=tmp_path / "out", root=tmp_path)
    Image.fromarray(values * 255).save(folder / "mask.png")  # without a place
    raster(folder / "dem.tif", values * 7)
    table, log = imported(folder, one)
    assert table["id"].tolist() == ["one"] and not len(log)
    assert mask_of(table, "one").sum() == 600


def test_clouds_beside_a_mask_are_not_the_label(tmp_path: Path) -> None:
    """In a folder a name wins over a place, and a raster without a label's name is taken only where it is alone."""
    folder = tmp_path / "one"
    pixels = np.random.default_rng(0).integers(1, 255, (3, HEIGHT, WIDTH), np.uint8)
    for side in ("pre", "post"):
        raster(folder / f"{side}.tif", pixels)
    one = import_pairs(folder, IssueLog(folder), out=tmp_path / "out", root=tmp_path)
    slides, clouds = np.zeros((2, HEIGHT, WIDTH), np.uint8)
    slides[20:50, 10:30] = 255
    clouds[:, 50:] = 1
    raster(folder / "clouds.tif", clouds)
    table, log = imported(folder, one)
    assert (mask_of(table, "one") == clouds).all()
    assert [issue.action for issue in log] == ["read as its label"]
    assert "lies on pair one" in log.issues[0].problem

    raster(folder / "cloud_mask.tif", clouds)
    table, log = imported(folder, one)
    assert table.empty
    assert [Path(issue.file).name for issue in log.errors] == ["cloud_mask.tif", "clouds.tif"]
    assert all("name it one_mask.tif" in issue.problem for issue in log)
    assert len(imported(raster(tmp_path / "given/clouds.tif", clouds), one)[0]) == 1

    inventory = raster(folder / "a_landslides_2018.tif", slides)
    table, log = imported(folder, one)
    assert table["source"].tolist() == [str(inventory)]
    assert mask_of(table, "one").sum() == 600
    raster(folder / "mask.tif", slides[::-1])
    table, log = imported(folder, one)
    assert table["source"].tolist() == [str(folder / "mask.tif")]
    assert (mask_of(table, "one") == (slides[::-1] > 0)).all()  # clouds of 0 and 1 do not make 255 unknown
    assert any("already has a label" in issue.problem for issue in log.errors)


def test_layers_that_cannot_be_used(tmp_path: Path, pairs: gpd.GeoDataFrame) -> None:
    folder = tmp_path / "labels"
    folder.mkdir()
    square = gpd.GeoDataFrame({"kind": ["slide"]}, geometry=[ground(shapely.Polygon(SQUARE))], crs="EPSG:32645")
    square.to_file(folder / "no_crs.shp")
    (folder / "no_crs.prj").unlink()
    (folder / "broken.gpkg").write_bytes(b"SQLite format 3\0 and no more")
    (folder / "broken.geojson").write_text('{"type": "FeatureCollection", "features": [{')
    square.set_geometry(square.centroid).to_file(folder / "points.geojson")
    table, log = imported(folder, pairs)
    assert table.empty
    assert {Path(i.file).name for i in log.errors} == {"no_crs.shp", "broken.gpkg", "broken.geojson", "points.geojson"}
    square.to_file(folder / "good.gpkg")
    table, log = imported(folder / "good.gpkg", pairs, class_field="class")
    assert table.empty and "no column class; it has kind" in log.issues[0].problem


def test_invalid_polygon_is_repaired_and_said(tmp_path: Path, pairs: gpd.GeoDataFrame) -> None:
    bowtie = ground(shapely.Polygon([[20, 20], [40, 40], [40, 20], [20, 40]]))
    gpd.GeoDataFrame(geometry=[bowtie], crs="EPSG:32645").to_file(tmp_path / "x.gpkg")
    table, log = imported(tmp_path / "x.gpkg", pairs)
    assert mask_of(table).sum() == pytest.approx(200, rel=0.06)
    assert [(issue.row, issue.action) for issue in log] == [(2, "repaired")]
    assert "invalid polygon (Self-intersection" in log.issues[0].problem


def test_mask_rasters(tmp_path: Path, pairs: gpd.GeoDataFrame) -> None:
    folder = tmp_path / "labels"
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[20:50, 10:30] = 255
    folder.mkdir()
    Image.fromarray(mask).save(folder / "a_post_mask.png")
    Image.fromarray(mask.repeat(3, 0).repeat(3, 1)).save(folder / "b.png")
    odd = mask.copy()
    odd[:9] = 7
    Image.fromarray(odd).save(folder / "c.png")
    Image.fromarray(mask).save(folder / "d.png")
    table, log = imported(folder, pairs)
    assert table["id"].tolist() == ["a", "b"] and table["landslides"].isna().all()
    assert (mask_of(table, "a") == mask // 255).all() and (mask_of(table, "b") == mask // 255).all()
    assert [Path(issue.file).name for issue in log.errors] == ["c.png", "d.png"]


def test_mask_on_another_grid(tmp_path: Path, pairs: gpd.GeoDataFrame) -> None:
    fine = np.zeros((4 * HEIGHT, 4 * WIDTH), np.uint8)
    fine[80:200, 40:120] = 1
    fine[240, 200:360] = 1  # a quarter of a pixel thin
    fine[:, 380:] = 255
    quarter = GRID @ Affine.scale(0.25)
    raster(tmp_path / "labels/a.tif", fine[:, :392], quarter)
    raster(tmp_path / "labels/b.tif", fine, quarter)  # lies on a, not on b
    table, log = imported(tmp_path / "labels", pairs)
    mask = mask_of(table)
    assert (mask[20:50, 10:30] == 1).all() and (mask == 1).sum() == 600 + 40
    assert (mask[:, 95:] == 255).all() and not (mask[:, :95] == 255).any()
    assert any("thinner than a pixel" in issue.problem for issue in log)
    assert table.set_index("id").at["b", "unknown_share"] == 1


def test_images_beside_labelme_files_are_no_masks(tmp_path: Path, pairs: gpd.GeoDataFrame) -> None:
    folder = label(tmp_path / "labels", "a_post.json", shape(SQUARE))
    Image.new("RGB", (WIDTH, HEIGHT)).save(folder / "a_post.png")
    table, log = imported(folder, pairs)
    assert len(table) == 1 and len(log) == 0
    beside = label(tmp_path / "images", "a_post.json", shape(SQUARE))
    assert len(imported(beside, pairs)[0]) == 1


def test_sources_without_labels(tmp_path: Path, pairs: gpd.GeoDataFrame) -> None:
    (tmp_path / "none").mkdir()
    for name in ("none", "absent"):
        with pytest.raises(LabelError, match=name):
            import_labels(tmp_path / name, pairs, IssueLog(name), out=tmp_path / "masks")


def test_masks_are_taken_beside_a_stray_json(tmp_path: Path, pairs: gpd.GeoDataFrame) -> None:
    folder = tmp_path / "labels"
    folder.mkdir()
    raster(folder / "a.tif", np.zeros((1, HEIGHT, WIDTH), np.uint8))
    (folder / "metadata.json").write_text('{"made": 2020}')
    table, log = imported(folder, pairs)
    assert table["id"].tolist() == ["a"]
    assert [Path(issue.file).name for issue in log.errors] == ["metadata.json"]


def test_polygons_of_an_inventory_in_pixels(shared_data: Path, tmp_path: Path) -> None:
    brazil = gpd.read_file(next((shared_data / "inventories/brazil_relict_spamlab").glob("*.geojson")))
    largest = brazil.geometry[brazil.area.idxmax()]
    west, south, east, north = largest.buffer(200).bounds
    grid = Affine(10, 0, west, 0, -10, north)
    shape_ = (int((north - south) / 10), int((east - west) / 10))
    image = raster(tmp_path / "post.tif", np.zeros(shape_, np.uint8), grid, str(brazil.crs))
    polygons = to_pixels(brazil.geometry.to_crs("EPSG:4326"), describe_raster(image))
    mask, _ = rasterize_polygons([(polygon, 1) for polygon in polygons if polygon.area], *shape_)
    expected = brazil.union_all().intersection(shapely.box(west, north - 10 * shape_[0], west + 10 * shape_[1], north))
    assert mask.sum() * 100 == pytest.approx(expected.area, rel=0.03)


def test_reviewed_ground_in_degrees_is_measured_in_metres(tmp_path: Path) -> None:
    """At 60 degrees north a pixel of 1e-4 degrees is 5.58 m wide and 11.14 m high."""
    grid = Affine(1e-4, 0, 10, 0, -1e-4, 60)
    image = raster(tmp_path / "post.tif", np.ones((3, 60, 60), np.uint8), grid, "EPSG:4326")
    middle = shapely.box(*(grid @ (28, 32)), *(grid @ (32, 28)))
    none, slides = gpd.GeoSeries([], crs=4326), gpd.GeoSeries([middle], crs=4326)
    mask = review_mask([ReviewedOutlines(slides, none, none, none, around_m=50)], image)
    rows, columns = (np.flatnonzero((mask != 255).any(axis=axis)) for axis in (1, 0))
    assert columns.min() == 28 - 9 and columns.max() == 31 + 9  # 50 m are 8.96 pixels
    assert rows.min() == 28 - 4 and rows.max() == 31 + 4  # 50 m are 4.49 pixels
    moved = review_mask([ReviewedOutlines(slides, none, none, none, (5.58 * 3, 11.14 * 2))], image) == 1
    assert np.array_equal(np.argwhere(moved).min(axis=0), [30, 25])  # the image is to go east and north


def warnings(log: IssueLog) -> str:
    return "; ".join(f"{issue.problem}; {issue.action}" for issue in log if issue.severity == "warning")


def test_a_mapped_area_elsewhere_labels_nothing(tmp_path: Path, pairs: gpd.GeoDataFrame) -> None:
    gpd.GeoDataFrame(geometry=[ground(shapely.box(10, 20, 30, 50))], crs="EPSG:32645").to_file(tmp_path / "s.gpkg")
    table, log = imported(tmp_path / "s.gpkg", pairs, mapped_area=gpd.GeoSeries([shapely.box(9, 9, 10, 10)], crs=4326))
    assert table.empty
    assert "mapped area touches no part of pair a" in log.errors[0].problem


def test_the_outline_of_a_studied_area_is_no_landslide(tmp_path: Path, pairs: gpd.GeoDataFrame) -> None:
    slides = [ground(shapely.box(x, 20, x + 2, 30)) for x in range(10, 70, 5)]
    area = ground(shapely.box(5, 5, 90, 70))
    path = tmp_path / "labels.gpkg"
    gpd.GeoDataFrame(geometry=slides, crs="EPSG:32645").to_file(path, layer="slides")
    gpd.GeoDataFrame(geometry=[area], crs="EPSG:32645").to_crs(4326).to_file(path, layer="study_area")
    table, log = imported(path, pairs)
    assert mask_of(table).sum() == len(slides) * 20
    assert "2 of its layers have polygons: slides, study_area; all read as labels; choose with `layer`" in warnings(log)
    assert "1 polygon holds half of the others or more, as a studied area does; left out" in warnings(log)
    frame = gpd.GeoDataFrame({"kind": ["slide"] * len(slides) + ["background"]}, geometry=[*slides, area], crs=32645)
    frame.to_file(tmp_path / "drawn.gpkg")
    table, log = imported(tmp_path / "drawn.gpkg", pairs, class_field="kind")
    assert mask_of(table).sum() == len(slides) * 20 and "studied area" not in warnings(log)


@pytest.mark.parametrize("word", ["no landslide", "Non-Landslide", "not_landslide", "background", 0])
def test_what_a_column_calls_no_landslide_is_said_or_read_as_background(
    tmp_path: Path, pairs: gpd.GeoDataFrame, word: str | int
) -> None:
    boxes = [ground(shapely.box(10, 20, 30, 50)), ground(shapely.box(60, 20, 80, 30))]
    yes = 1 if word == 0 else "landslide"
    gpd.GeoDataFrame({"class": [yes, word]}, geometry=boxes, crs="EPSG:32645").to_file(tmp_path / "s.gpkg")
    table, log = imported(tmp_path / "s.gpkg", pairs)
    assert mask_of(table).sum() == 800
    assert "its column class has the classes" in warnings(log) and "choose with `class_field` class" in warnings(log)
    if word != 0:
        table, log = imported(tmp_path / "s.gpkg", pairs, class_field="class")
        assert mask_of(table).sum() == 600 and "not looked at" not in warnings(log)


def test_masks_that_are_mostly_landslide_and_such_with_a_declared_value_are_said(
    tmp_path: Path, pairs: gpd.GeoDataFrame
) -> None:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[20:50, 10:30] = 1
    _, log = imported(raster(tmp_path / "inverted" / "a.tif", 1 - mask).parent, pairs)
    assert "landslides cover 92% of its known ground; used as it is; see that landslide and back" in warnings(log)
    for nodata, told in ((0, "declares 0 as no data; 0 read as background"), (1, "")):
        path = raster(tmp_path / f"declared_{nodata}" / "a.tif", mask)
        with rasterio.open(path, "r+") as dataset:
            dataset.nodata = nodata
        table, log = imported(path.parent, pairs)
        assert told in warnings(log)
        assert len(table) == (nodata == 0)
    assert "declares 1 as no data; if that is landslide, take the declaration away" in log.errors[0].problem
