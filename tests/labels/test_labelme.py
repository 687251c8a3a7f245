"""labelme files: every kind of shape onto the grid of the post image, and every bad file named once."""

import base64
import json
from io import BytesIO
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.labels.made_labels import HEIGHT, SQUARE, WIDTH, content, imported, label, mask_of, shape
from tsmu.errors import LabelError
from tsmu.imagery import describe_raster
from tsmu.labels.label_table import with_masks
from tsmu.labels.labelme_files import read_labelme
from tsmu.labels.rasterization import rasterize_polygons


def test_labelme_onto_the_post_grid(tmp_path: Path, pairs: gpd.GeoDataFrame) -> None:
    folder = label(tmp_path / "labels", "a_post.json", shape(SQUARE))
    table, log = imported(folder, pairs)
    assert len(log) == 0 and table["id"].tolist() == ["a"] and table["landslides"].tolist() == [1]
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    expected[20:50, 10:30] = 1
    assert (mask_of(table) == expected).all()
    assert table["landslide_share"][0] == pytest.approx(600 / expected.size)
    mask, post = describe_raster(Path(table["mask"][0])), describe_raster(Path(pairs["post"][0]))
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
@example([(0.0, 0.0), (0.0, 1.192092896e-07), (17.0, 0.0)])  # in no pixel by GDAL's arithmetic
def test_no_slide_vanishes(points: list[tuple[float, float]]) -> None:
    polygon = shapely.Polygon(points)
    inside = polygon.buffer(0).intersection(shapely.box(0, 0, 40, 40))
    mask, _ = rasterize_polygons([(polygon.buffer(0), 1)], 40, 40)
    assert mask.any() or not inside.area
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


@pytest.mark.parametrize("classes", [None, {"Landslide": 1}])
@pytest.mark.parametrize(
    ("background", "ignored"),
    [("_background_", "__ignore__"), ("_BACKGROUND_", "__Ignore__"), ("Background-1", "__ignore__-2")],
)
def test_reserved_names_of_labelme_are_no_landslides(
    tmp_path: Path, pairs: gpd.GeoDataFrame, classes: dict[str, int] | None, background: str, ignored: str
) -> None:
    hole = shape([[15, 25], [20, 25], [20, 30], [15, 30]], label=background)
    cloud = shape([[60, 10], [70, 10], [70, 20], [60, 20]], label=ignored)
    folder = label(tmp_path / "labels", "a.json", shape(SQUARE, label="landslide-1"), hole, cloud)
    table, log = imported(folder, pairs, classes=classes)
    mask = mask_of(table)
    assert ((mask == 1).sum(), (mask == 255).sum(), len(log)) == (600 - 25, 100, 0)
    assert not mask[25:30, 15:20].any() and (mask[10:20, 60:70] == 255).all()


def test_a_reserved_name_can_be_given_another_value(tmp_path: Path, pairs: gpd.GeoDataFrame) -> None:
    folder = label(tmp_path / "labels", "a.json", shape(SQUARE, label="unknown"))
    assert mask_of(imported(folder, pairs, classes={"Unknown": 1})[0]).sum() == 600
    assert "all but unknown" in imported(
        label(folder, "a.json", *(shape(SQUARE, label=name) for name in ("slide", "scarp", "unknown"))), pairs
    )[1].issues[0].action  # fmt: skip


def test_the_image_is_found_in_any_unicode_form(tmp_path: Path, pairs: gpd.GeoDataFrame) -> None:
    named = pairs.assign(source_post=[post.replace("a_post", "\u00e9te\u0301_post") for post in pairs["source_post"]])
    for name in ("\u00e9t\u00e9_post.tif", "e\u0301te\u0301_post.tif", "C:\\fotos\\e\u0301t\u00e9_POST.TIF"):
        folder = label(tmp_path / "labels", "x.json", shape(SQUARE), imagePath=name)
        table, log = imported(folder, named)
        assert (table["id"].tolist(), len(log)) == (["a"], 0)


def test_background_round_a_whole_slide_lies_under_it(tmp_path: Path, pairs: gpd.GeoDataFrame) -> None:
    frame = [[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]]
    hole = shape([[15, 25], [20, 25], [20, 30], [15, 30]], label="_background_")
    drawn = shape(frame, label="_background_"), shape(SQUARE), hole
    for shapes in (drawn, drawn[::-1]):
        table, log = imported(label(tmp_path / "labels", "a.json", *shapes), pairs)
        assert mask_of(table).sum() == 600 - 25 and len(log) == 0
