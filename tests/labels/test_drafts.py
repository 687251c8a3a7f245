"""Drafts for labelme and back, and pictures of pairs and labels."""

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.labels.made_labels import HEIGHT, WIDTH, content, imported, mask_of, raster
from tsmu.imagery import read_raster
from tsmu.labels.labelme_export import draft_polygons, export_labelme, labelme_json
from tsmu.labels.pair_pictures import pair_picture


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
    assert (np.moveaxis(np.asarray(picture), -1, 0) == read_raster(Path(pairs["post"][0]))[0]).all()
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
