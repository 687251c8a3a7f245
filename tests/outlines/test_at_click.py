"""Outlines round a click: nested, fitting, from the probability or the images, and refused in one line."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from rasterio.transform import Affine

from tests.conftest import write_raster
from tests.outlines.made_scene import MIDDLE, SIDE, TRANSFORM, UTM, iou, place, true_outline
from tsmu.errors import OutlineError
from tsmu.outlines import NestedOutlines, OutlineSource, SceneFiles, outlines_at, outlines_of


def check_nested(found: NestedOutlines) -> None:
    assert len(found.outlines) > 5
    assert 0 <= found.start < len(found.outlines)
    for outline in found.outlines:
        assert outline.polygon.is_valid
        assert not outline.polygon.interiors
    for small, large in pairwise(found.outlines):
        assert small.area_m2 < large.area_m2


def test_the_probability_outlines_the_landslide(scene: SceneFiles) -> None:
    found = outlines_at(scene, *place(*MIDDLE))
    check_nested(found)
    assert found.source == OutlineSource.PROBABILITY
    assert iou(found.outlines[found.start].polygon, true_outline()) > 0.9
    levels = [outline.level for outline in found.outlines]
    assert levels == sorted(levels, reverse=True)
    for small, large in pairwise(found.outlines):
        assert small.polygon.within(large.polygon.buffer(1e-9))


@pytest.mark.parametrize("row", [MIDDLE[0] - 12, MIDDLE[0], MIDDLE[0] + 14])
def test_the_images_outline_it_too(scene: SceneFiles, row: int) -> None:
    without = replace(scene, probability=None)
    for files, source in ((without, None), (scene, OutlineSource.IMAGE), (replace(without, pre=None), None)):
        found = outlines_at(files, *place(row, MIDDLE[1]), source)
        check_nested(found)
        assert found.source == OutlineSource.IMAGE
        assert all(outline.level is None for outline in found.outlines)
        assert iou(found.outlines[found.start].polygon, true_outline()) > 0.85


def test_where_the_probability_is_low_the_images_are_asked(scene: SceneFiles) -> None:
    away = place(20, 20)
    assert outlines_at(scene, *away).source == OutlineSource.IMAGE
    assert outlines_at(scene, *away, OutlineSource.PROBABILITY).source == OutlineSource.PROBABILITY


def test_areas_are_those_on_the_ellipsoid(scene: SceneFiles) -> None:
    found = outlines_at(scene, *place(*MIDDLE))
    first = found.outlines[found.start]
    pixels = first.polygon.area / shapely.box(*place(0, 0), *place(1, 1)).area
    assert first.area_m2 == pytest.approx(100 * pixels, rel=0.01)


def test_a_landslide_is_redrawn_at_other_levels(scene: SceneFiles) -> None:
    assert scene.probability
    found = outlines_of(scene.probability, true_outline())
    check_nested(found)
    overlaps = [iou(outline.polygon, true_outline()) for outline in found.outlines]
    assert found.start == int(np.argmax(overlaps))
    assert overlaps[found.start] > 0.9
    at_click = outlines_at(scene, *place(*MIDDLE))
    assert found.outlines[-1].polygon.equals(at_click.outlines[-1].polygon)


def test_a_large_landslide_fits_into_the_growing_window(tmp_path: Path) -> None:
    side = 700
    rows, columns = np.mgrid[:side, :side]
    percent = (95 - np.hypot(rows - 350, columns - 350) / 4).clip(0, 100).astype(np.uint8)
    write_raster(tmp_path / "p.tif", percent, nodata=255, crs=UTM, transform=TRANSFORM)
    found = outlines_at(SceneFiles(tmp_path / "p.tif"), *place(350, 350))
    check_nested(found)
    assert found.outlines[-1].area_m2 > 300_000 * 100  # px, and m2 of each
    assert found.outlines[0].area_m2 < 100 * 100


def test_a_landslide_at_the_edge_of_the_scene_is_outlined(tmp_path: Path) -> None:
    percent = np.zeros((50, 60), np.uint8)
    percent[20:30, :8] = 80
    percent[22:28, :6] = 90
    write_raster(tmp_path / "p.tif", percent, nodata=255, crs=UTM, transform=TRANSFORM)
    found = outlines_at(SceneFiles(tmp_path / "p.tif"), *place(25, 2))
    assert [round(outline.area_m2, -2) for outline in found.outlines] == [3600, 8000]


def test_what_cannot_be_outlined_is_said(scene: SceneFiles, tmp_path: Path) -> None:
    cases = {
        "outside the scene; click on its images": (scene, (85.0, 27.0)),
        "neither probability nor image": (SceneFiles(), place(*MIDDLE)),
        "no outline here": (replace(scene, post=None), place(50, SIDE - 5)),  # no data
    }
    for message, (files, at) in cases.items():
        with pytest.raises(OutlineError, match=message):
            outlines_at(files, *at)
    with pytest.raises(OutlineError, match="no probability on this machine"):
        outlines_at(replace(scene, probability=None), *place(*MIDDLE), OutlineSource.PROBABILITY)
    empty = np.zeros((3, SIDE, SIDE), np.uint8)
    write_raster(tmp_path / "post.tif", empty, nodata=0, crs=UTM, transform=TRANSFORM)
    with pytest.raises(OutlineError, match="or there are no data"):
        outlines_at(SceneFiles(post=tmp_path / "post.tif"), *place(*MIDDLE))
    assert scene.probability
    with pytest.raises(OutlineError, match="outside the scene's probability"):
        outlines_of(scene.probability, shapely.box(85.0, 27.0, 85.01, 27.01))
    with pytest.raises(OutlineError, match="0 within this landslide"):
        outlines_of(scene.probability, shapely.box(*place(60, SIDE - 8), *place(50, SIDE - 4)))


def test_the_edge_of_the_scene_is_not_taken_for_a_landslides(scene: SceneFiles) -> None:
    found = outlines_at(replace(scene, probability=None), *place(20, 130))  # nothing but noise
    assert found.outlines[found.start].area_m2 < 0.2 * SIDE**2 * 100


def test_an_image_before_that_lies_off_is_moved(scene: SceneFiles, tmp_path: Path) -> None:
    assert scene.pre
    with rasterio.open(scene.pre) as dataset:
        pixels = dataset.read()
    moved = TRANSFORM @ Affine.translation(30, -20)  # 300 m east, 200 m north
    write_raster(tmp_path / "pre.tif", pixels, crs=UTM, transform=moved, photometric="RGB")
    by_images = replace(scene, probability=None)
    off = replace(by_images, pre=tmp_path / "pre.tif", pre_shift_m=(-300.0, -200.0))
    one, other = (outlines_at(files, *place(*MIDDLE)) for files in (by_images, off))
    assert [outline.area_m2 for outline in one.outlines] == [outline.area_m2 for outline in other.outlines]


def test_where_there_is_no_image_before_the_one_after_is_enough(scene: SceneFiles, tmp_path: Path) -> None:
    write_raster(tmp_path / "pre.tif", np.zeros((3, SIDE, SIDE), np.uint8), nodata=0, crs=UTM, transform=TRANSFORM)
    found = outlines_at(SceneFiles(None, scene.post, tmp_path / "pre.tif"), *place(*MIDDLE))
    assert iou(found.outlines[found.start].polygon, true_outline()) > 0.85


def test_a_click_beside_a_peak_finds_it(tmp_path: Path) -> None:
    percent = np.zeros((60, 60), np.uint8)
    percent[20:30, 23:30] = 80
    write_raster(tmp_path / "p.tif", percent, nodata=255, crs=UTM, transform=TRANSFORM)
    found = outlines_at(SceneFiles(tmp_path / "p.tif"), *place(25, 21))
    assert found.outlines[found.start].area_m2 == pytest.approx(7000, rel=0.01)
