"""Outlines that people draw: which are refused, which are repaired and told, and where they may lie."""

import pytest
import shapely

from tests.database.conftest import squares
from tests.database.test_building import add
from tsmu import database as db
from tsmu.database.storage import (
    SceneFootprint,
    clean_drawn_area,
    clean_drawn_outline,
    cut_to_scene,
    require_near,
    require_on_scene,
)
from tsmu.errors import DatabaseError

SQUARE = shapely.box(7, 46, 7.01, 46.01)
SCENE = SceneFootprint("ridge", shapely.box(7, 46, 7.1, 46.1))


@pytest.mark.parametrize(
    ("shape", "told", "area_degrees"),
    [
        (SQUARE, (), 1e-4),
        (  # two squares that touch in a corner, drawn in one line
            shapely.Polygon([(7, 46), (7.01, 46), (7.01, 46.01), (7.02, 46.01), (7.02, 46.02), (7.01, 46.02),
                             (7.01, 46.01), (7, 46.01)]),
            ("it touched itself at 7.010000, 46.010000 and was divided there",),
            2e-4,
        ),
        (
            shapely.MultiPolygon([SQUARE, shapely.box(7.005, 46, 7.015, 46.01)]),
            ("its parts overlapped and were united",),
            1.5e-4,
        ),
    ],
)  # fmt: skip
def test_what_has_one_meaning_is_repaired_and_told(
    shape: shapely.Geometry, told: tuple[str, ...], area_degrees: float
) -> None:
    outline = clean_drawn_outline(shape)
    assert outline.repairs == told
    assert outline.shape.is_valid
    assert outline.shape.area == pytest.approx(area_degrees)


def test_an_outline_lies_on_the_images_where_they_are_shown() -> None:
    at_border = shapely.box(7.096, 46.05, 7.103, 46.06)  # more than half on them
    require_on_scene(at_border, SCENE)
    moved = SceneFootprint("ridge", SCENE.shape, (-1000.0, 0.0))
    with pytest.raises(DatabaseError, match=r"lies at 7.0995, 46.0550, beside the images of scene ridge"):
        require_on_scene(at_border, moved)


def test_an_edit_may_move_an_outline_a_little_also_across_the_180th_meridian() -> None:
    require_near(shapely.box(-179.999, 10, -179.99, 10.01), shapely.box(179.99, 10, 179.999, 10.01))
    with pytest.raises(DatabaseError, match="more than 1 km from"):
        require_near(shapely.box(7.03, 46, 7.04, 46.01), SQUARE)


def test_an_area_that_was_looked_at_is_cut_to_the_images() -> None:
    inside = clean_drawn_area(SQUARE)
    assert cut_to_scene(inside, SCENE) == inside
    wide = cut_to_scene(clean_drawn_area(shapely.box(7, 46, 7.11, 46.1)), SCENE)
    assert wide.repairs == ("cut to the images of scene ridge",)
    assert shapely.equals(wide.shape, SCENE.shape)
    with pytest.raises(DatabaseError, match="beside the images"):
        cut_to_scene(clean_drawn_area(shapely.box(8, 46, 8.01, 46.1)), SCENE)


def test_areas_keep_to_the_rules_of_outlines(database: db.Database) -> None:
    add(database, squares(1))
    scene_id = db.scenes(database)["id"].item()
    assert db.record_mapped_area(database, scene_id, shapely.box(5.9, 45, 9, 48), by="eva").repairs
    for shape, told in (
        (shapely.box(0, 0, 1, 1), "beside the images"),
        (shapely.Polygon([(7, 46), (7.01, 46.01), (7.01, 46), (7, 46.01)]), "crosses itself"),
    ):
        with pytest.raises(DatabaseError, match=told):
            db.record_mapped_area(database, scene_id, shape, by="eva")
