import base64
import json
import zipfile
from io import BytesIO
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from rasterio.transform import Affine

from tsmu.errors import LabelError
from tsmu.imagery.pairs import import_pairs
from tsmu.imagery.raster import describe, read
from tsmu.issues import IssueLog
from tsmu.labels.burn import burn
from tsmu.labels.drafts import draft_polygons, export_labelme, labelme_json
from tsmu.labels.imports import import_labels
from tsmu.labels.labelme import read_labelme
from tsmu.labels.masks import detect_convention
from tsmu.labels.pictures import pair_picture
from tsmu.labels.store import with_masks
from tsmu.labels.vectors import to_pixels

GRID = Affine(10, 0, 600_000, 0, -10, 3_100_000)
HEIGHT, WIDTH = 80, 100
SQUARE = [[10, 20], [30, 20], [30, 50], [10, 50]]


def raster(path: Path, values: np.ndarray, transform: Affine = GRID, crs: str = "EPSG:32645") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    bands = values if values.ndim == 3 else values[None]
    options = {"driver": "GTiff", "count": len(bands), "height": bands.shape[1], "width": bands.shape[2]}
    with rasterio.open(path, "w", dtype=bands.dtype, crs=crs, transform=transform, **options) as dataset:
        dataset.write(bands)
    return path


@pytest.fixture
def pairs(tmp_path: Path) -> gpd.GeoDataFrame:
    """Two pairs side by side, 1 km apart: `a` and `b`."""
    for at, key in enumerate("ab"):
        for side in ("pre", "post"):
            pixels = np.random.default_rng(at).integers(1, 255, (3, HEIGHT, WIDTH), np.uint8)
            raster(tmp_path / f"images/{key}_{side}.tif", pixels, Affine.translation(2000 * at, 0) @ GRID)
    return import_pairs(tmp_path / "images", IssueLog("images"), out=tmp_path / "pairs", root=tmp_path)


def shape(points: list[list[float]], kind: str = "polygon", label: str = "landslide") -> dict[str, object]:
    return {"label": label, "points": points, "shape_type": kind, "group_id": None, "flags": {}}


def content(*shapes: dict[str, object], **more: object) -> dict[str, object]:
    base = {"version": "5.5.0", "flags": {}, "shapes": list(shapes), "imagePath": "..\\images\\a_post.tif"}
    return {**base, "imageData": None, "imageHeight": HEIGHT, "imageWidth": WIDTH, **more}


def label(folder: Path, name: str, *shapes: dict[str, object], **more: object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(content(*shapes, **more)))
    return folder


def imported(source: Path, pairs: gpd.GeoDataFrame, **options: object) -> tuple[pd.DataFrame, IssueLog]:
    log = IssueLog(source)
    return import_labels(source, pairs, log, out=source.parent / "masks", **options), log  # type: ignore[arg-type]


def mask_of(table: pd.DataFrame, pair: str = "a") -> np.ndarray:
    path = Path(table.set_index("id").at[pair, "mask"])
    return detect_convention([path]).read(path)


def test_labelme_onto_the_post_grid(tmp_path: Path, pairs: gpd.GeoDataFrame) -> None:
    folder = label(tmp_path / "labels", "a_post.json", shape(SQUARE))
    table, log = imported(folder, pairs)
    assert len(log) == 0 and table["id"].tolist() == ["a"] and table["landslides"].tolist() == [1]
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    expected[20:50, 10:30] = 1
    assert (mask_of(table) == expected).all()
    assert table["landslide_share"][0] == pytest.approx(600 / expected.size)
    mask, post = describe(Path(table["mask"][0])), describe(Path(pairs["post"][0]))
    assert (mask.crs, mask.transform, mask.width, mask.height) == (post.crs, post.transform, post.width, post.height)


AREAS = {
    "rectangle": ([[30, 50], [10, 20]], 600),
    "circle": ([[50, 40], [60, 40]], np.pi * 100),
    "linestrip": ([[20, 40], [60, 40]], 40 * 10 + np.pi * 25),
    "line": ([[20, 40], [60, 40]], 40 * 10 + np.pi * 25),
    "point": ([[50, 40]], np.pi * 25),
    "oriented_rectangle": ([[20, 20], [40, 40], [30, 50], [10, 30]], 400),
    "polygon": ([[20, 20], [40, 40], [40, 20], [20, 40]], 200),  # crosses itself
}


@pytest.mark.parametrize("kind", AREAS)
def test_shape_types(tmp_path: Path, pairs: gpd.GeoDataFrame, kind: str) -> None:
    points, area = AREAS[kind]
    table, log = imported(label(tmp_path / "labels", "x.json", shape(points, kind)), pairs)
    assert mask_of(table).sum() == pytest.approx(area, rel=0.06) and len(log) == 0


def test_line_width_and_point_radius(tmp_path: Path, pairs: gpd.GeoDataFrame) -> None:
    folder = label(tmp_path / "labels", "a.json", shape([[50, 40]], "point"), shape([[0, 10], [100, 10]], "line"))
    table, _ = imported(folder, pairs, line_width=2, point_radius=10)
    assert mask_of(table).sum() == pytest.approx(200 + np.pi * 100, rel=0.03)


def test_masks_of_the_ai_tools(tmp_path: Path, pairs: gpd.GeoDataFrame) -> None:
    drawn, picture = np.ones((30, 20), bool), BytesIO()
    drawn[:5, :5] = False
    Image.fromarray(drawn).save(picture, "PNG")
    area = {**shape([[10, 20], [29, 49]], "mask"), "mask": base64.b64encode(picture.getvalue()).decode()}
    mask = mask_of(imported(label(tmp_path / "labels", "a.json", area), pairs)[0])
    assert (mask[20:50, 10:30] == drawn).all() and mask.sum() == drawn.sum()


def test_classes(tmp_path: Path, pairs: gpd.GeoDataFrame) -> None:
    hole = shape([[15, 25], [20, 25], [20, 30], [15, 30]], label="Forest")
    cloud = shape([[60, 10], [70, 10], [70, 20], [60, 20]], label="cloud")
    road = shape([[80, 10], [90, 10], [90, 20], [80, 20]], label="road")
    folder = label(tmp_path / "labels", "a.json", hole, shape(SQUARE), cloud, road)
    table, log = imported(folder, pairs, classes={"Landslide": 1, "forest": 0, "cloud": 255})
    mask = mask_of(table)
    assert ((mask == 1).sum(), (mask == 255).sum()) == (600 - 25, 100)
    assert [i.problem for i in log] == ["classes not asked for: road (1)"]
    table, log = imported(folder, pairs)
    assert mask_of(table).sum() == 600 + 200 and "several classes" in log.issues[0].problem


def test_empty_label_is_a_negative(tmp_path: Path, pairs: gpd.GeoDataFrame) -> None:
    table, log = imported(label(tmp_path / "labels", "a.json"), pairs)
    assert not mask_of(table).any() and len(log) == 0


def test_thin_slides_are_kept(tmp_path: Path, pairs: gpd.GeoDataFrame) -> None:
    thin = shape([[5.6, 10], [5.9, 10], [5.9, 40], [5.6, 40]])
    dot, degenerate = shape([[50.6, 50.6], [50.9, 50.6], [50.9, 50.9]]), shape([[60, 60], [70, 60], [80, 60]])
    table, log = imported(label(tmp_path / "labels", "a.json", thin, dot, degenerate), pairs)
    mask = mask_of(table)
    assert mask[10:40, 5].all() and mask[50, 50] == 1 and mask[59:61, 60:80].any()
    assert "3 landslides are thinner" in log.issues[0].problem and log.issues[0].severity == "warning"


@given(st.lists(st.tuples(st.floats(-5, 45), st.floats(-5, 45)), min_size=3, max_size=8))
def test_no_slide_vanishes(points: list[tuple[float, float]]) -> None:
    polygon = shapely.Polygon(points)
    inside = polygon.buffer(0).intersection(shapely.box(0, 0, 40, 40))
    mask, _ = burn([(polygon.buffer(0), 1)], 40, 40)
    assert mask.any() or inside.area < 1e-6
    assert mask.sum() <= shapely.box(0, 0, 40, 40).intersection(inside.buffer(1.5)).area + 4


def test_scaled_and_misfitting_images(tmp_path: Path, pairs: gpd.GeoDataFrame) -> None:
    folder = label(tmp_path / "labels", "a.json", shape(SQUARE), imageWidth=2 * WIDTH, imageHeight=2 * HEIGHT)
    label(folder, "b.json", shape(SQUARE), imageWidth=WIDTH, imageHeight=WIDTH, imagePath="b_post.tif")
    table, log = imported(folder, pairs)
    assert table["id"].tolist() == ["a"] and mask_of(table).sum() == 150
    assert [issue.severity for issue in log] == ["warning", "error"]
    picture = BytesIO()
    Image.new("RGB", (2 * WIDTH, 2 * HEIGHT)).save(picture, "JPEG")
    data = base64.b64encode(picture.getvalue()).decode()
    label(folder, "a.json", shape(SQUARE), imageWidth=None, imageHeight=None, imageData=data)
    assert mask_of(imported(folder, pairs)[0]).sum() == 150, "the size stands in the embedded image"
    label(folder, "a.json", shape(SQUARE), imageWidth=None, imageHeight=None, imageData="###")
    assert mask_of(imported(folder, pairs)[0]).sum() == 600


BAD_FILES = {
    "broken.json": "{",
    "list.json": "[]",
    "no_shapes.json": "{}",
    "latin.json": b'{"shapes": "\xe9"}',
    "deep.json": "[" * 100_000,
    "stranger.json": json.dumps(content(shape(SQUARE), imagePath="nowhere.jpg")),
    "a_pre.json": json.dumps(content(shape(SQUARE), imagePath="a_pre.tif")),
    "b_post.json": json.dumps(content(shape(SQUARE), imagePath="a_post.tif")),
    "two.json": json.dumps(content(shape([[1, 1], [2, 2]]), imagePath="a_post.tif")),
    "nan.json": json.dumps(content(shape([[1, 1], [2, float("nan")], [3, 1]]), imagePath="a_post.tif")),
    "text.json": json.dumps(content(shape([[1, 1], [2, "3"], [3, 1]]), imagePath="a_post.tif")),  # type: ignore[list-item]
    "kind.json": json.dumps(content(shape(SQUARE, "mask"), imagePath="a_post.tif")),
    "star.json": json.dumps(content(shape(SQUARE, "star"), imagePath="a_post.tif")),
    "unnamed.json": json.dumps(content({**shape(SQUARE), "label": None}, imagePath="a_post.tif")),
}


def test_every_bad_file_is_named_once(tmp_path: Path, pairs: gpd.GeoDataFrame) -> None:
    folder = label(tmp_path / "labels", "a_post.json", shape(SQUARE))
    label(folder, "a.json", shape(SQUARE))
    for name, text in BAD_FILES.items():
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    table, log = imported(folder, pairs)
    assert table["id"].tolist() == ["a"]
    assert sorted(Path(i.file).name for i in log.errors) == sorted([*BAD_FILES, "a_post.json"]), "a.json came first"
    assert len(log) == len(log.errors) and not any("\n" in str(issue) for issue in log)


numbers = st.floats() | st.integers() | st.floats(0, 100)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)
kinds = st.sampled_from(
    ["polygon", "rectangle", "circle", "linestrip", "line", "point", "mask", "oriented_rectangle", None, "", 3]
)
point_lists = st.lists(st.lists(numbers, min_size=2, max_size=2), max_size=6)
fuzzed_shapes = st.fixed_dictionaries(
    {},
    optional={
        "label": st.text(max_size=3) | json_values,
        "points": point_lists | json_values,
        "shape_type": kinds,
        "mask": json_values,
    },
)
sizes = st.sampled_from([WIDTH, HEIGHT, None, 0, -1, 1e400, "100", True]) | numbers
fuzzed = st.fixed_dictionaries(
    {"shapes": st.lists(fuzzed_shapes | json_values, max_size=3) | json_values},
    optional={
        "imagePath": json_values,
        "imageData": json_values | st.binary(max_size=9).map(lambda b: base64.b64encode(b).decode()),
        "imageWidth": sizes,
        "imageHeight": sizes,
    },
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fuzzed | json_values)
def test_fuzzed_labelme_is_read_or_named(tmp_path: Path, pairs: gpd.GeoDataFrame, value: object) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(value))
    table, log = imported(path, pairs)
    assert len(table) + len(log.errors) == 1
    if len(table):
        assert set(np.unique(mask_of(table))) <= {0, 1}


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200) | st.text(alphabet='{}[]",:0123456789eE.-tfnulshapes ').map(str.encode))
def test_fuzzed_bytes(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.json").write_bytes(data)
    with pytest.raises(LabelError):
        read_labelme(tmp_path / "a.json")


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
    bowtie = ground(shapely.Polygon(AREAS["polygon"][0]))
    gpd.GeoDataFrame(geometry=[bowtie], crs="EPSG:32645").to_file(tmp_path / "x.gpkg")
    table, log = imported(tmp_path / "x.gpkg", pairs)
    assert mask_of(table).sum() == pytest.approx(200, rel=0.06)
    assert [issue.problem for issue in log] == ["1 of 1 polygons are invalid"]


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


def test_draft_and_back(tmp_path: Path, pairs: gpd.GeoDataFrame) -> None:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    distance = np.hypot(rows - 40, columns - 50)
    probability = np.where((distance < 30) & (distance > 10), 0.9, 0.1)
    probability[0, 0] = 0.9  # a speck
    probability[-1] = np.nan
    drafts = draft_polygons(probability)
    assert len(drafts) == 1 and len(drafts[0].interiors) == 1
    assert shapely.count_coordinates(drafts[0]) < 100
    named = [("landslide", polygon) for polygon in drafts]
    path = export_labelme(Path(pairs["post"][0]), named, tmp_path / "drafts", "a", draft=True)
    picture = Image.open(path.with_suffix(".png"))
    assert (np.moveaxis(np.asarray(picture), -1, 0) == read(Path(pairs["post"][0]))[0]).all()
    assert "nobody has changed" in imported(tmp_path / "drafts", pairs)[1].issues[0].problem
    draft = json.loads(path.read_text())
    path.write_text(json.dumps(draft | {"flags": dict.fromkeys(draft["flags"], False)}))
    table, log = imported(tmp_path / "drafts", pairs)
    truth, back = (distance < 30) & (distance > 10), mask_of(table) == 1
    assert (truth & back).sum() / (truth | back).sum() > 0.97 and len(log) == 0

    path.write_text(json.dumps(content()))
    export_labelme(Path(pairs["post"][0]), named, tmp_path / "drafts", "a", draft=True)
    assert json.loads(path.read_text()) == content(), "somebody's work is not overwritten"


@given(st.lists(st.tuples(st.floats(5, 75), st.floats(5, 75), st.floats(1, 12)), min_size=1, max_size=6))
def test_holes_survive_labelme(holes: list[tuple[float, float, float]]) -> None:
    polygon = shapely.box(0, 0, 80, 80)
    for x, y, radius in holes:
        polygon = polygon - shapely.Point(x, y).buffer(radius, quad_segs=3)
    shapes = labelme_json("a.png", [("landslide", polygon)], width=80, height=80)["shapes"]
    total = shapely.union_all([shapely.make_valid(shapely.Polygon(s["points"])) for s in shapes])
    assert total.symmetric_difference(polygon).area < 0.02 * polygon.length


def test_a_label_stays_with_the_image_it_was_drawn_on(tmp_path: Path, pairs: gpd.GeoDataFrame) -> None:
    table, _ = imported(label(tmp_path / "labels", "a_post.json", shape(SQUARE)), pairs)
    assert with_masks(pairs, table)["mask"].notna().tolist() == [True, False]
    swapped = pairs.assign(source_post=pairs["source_post"].to_list()[::-1])
    assert with_masks(swapped, table)["mask"].isna().all()
    assert with_masks(pairs, None)["mask"].isna().all()


def test_classes_that_fit_no_shape_write_no_mask(tmp_path: Path, pairs: gpd.GeoDataFrame) -> None:
    table, log = imported(label(tmp_path / "labels", "a_post.json", shape(SQUARE)), pairs, classes={"scarr": 1})
    assert len(table) == 0
    assert "none of its classes" in log.errors[0].problem


def test_masks_are_taken_beside_a_stray_json(tmp_path: Path, pairs: gpd.GeoDataFrame) -> None:
    folder = tmp_path / "labels"
    folder.mkdir()
    raster(folder / "a.tif", np.zeros((1, HEIGHT, WIDTH), np.uint8))
    (folder / "metadata.json").write_text('{"made": 2020}')
    table, log = imported(folder, pairs)
    assert table["id"].tolist() == ["a"]
    assert [Path(issue.file).name for issue in log.errors] == ["metadata.json"]


def test_picture_of_other_images(tmp_path: Path) -> None:
    floats = np.linspace(-3, 9, 4 * 64 * 64, dtype=np.float32).reshape(4, 64, 64)
    floats[:, 0, 0] = np.nan
    path = export_labelme(raster(tmp_path / "x.tif", floats), [], tmp_path / "out", "x", draft=True)
    shown = np.asarray(Image.open(path.with_suffix(".png")))
    assert shown.shape == (64, 64, 3) and not shown[0, 0].any() and shown.max() == 255 and len(np.unique(shown)) > 100


def test_a_pair_beside_its_label(tmp_path: Path) -> None:
    ground = np.full((3, 64, 64), 90, np.uint8)
    mask = np.zeros((1, 64, 64), np.uint8)
    mask[0, 20:30, 20:30], mask[0, 50:] = 1, 255
    pre, post, label = (
        raster(tmp_path / name, values)
        for name, values in (("pre.tif", ground), ("post.tif", ground + 20), ("mask.tif", mask))
    )
    shown = np.asarray(Image.open(pair_picture(pre, post, label, tmp_path / "out" / "pair.png")))
    assert shown.shape == (64, 3 * 64 + 2 * 8, 3)
    before, after, labelled = shown[:, :64], shown[:, 72:136], shown[:, 144:]
    assert (before == 90).all() and (after == 110).all()
    assert (labelled[25, 19] == (255, 235, 0)).all() and (labelled[25, 25] == 110).all() and labelled[60, 5].max() < 40


def test_polygons_of_an_inventory_in_pixels(shared_data: Path, tmp_path: Path) -> None:
    brazil = gpd.read_file(next((shared_data / "inventories/brazil_relict_spamlab").glob("*.geojson")))
    largest = brazil.geometry[brazil.area.idxmax()]
    west, south, east, north = largest.buffer(200).bounds
    grid = Affine(10, 0, west, 0, -10, north)
    shape_ = (int((north - south) / 10), int((east - west) / 10))
    image = raster(tmp_path / "post.tif", np.zeros(shape_, np.uint8), grid, str(brazil.crs))
    polygons = to_pixels(brazil.geometry.to_crs("EPSG:4326"), describe(image))
    mask, _ = burn([(polygon, 1) for polygon in polygons if polygon.area], *shape_)
    expected = brazil.union_all().intersection(shapely.box(west, north - 10 * shape_[0], west + 10 * shape_[1], north))
    assert mask.sum() * 100 == pytest.approx(expected.area, rel=0.03)
