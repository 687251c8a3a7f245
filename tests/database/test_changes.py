"""What has changed since a mark, exact counts in a box, and extents: the same on both backends."""

import numpy as np
import pytest
import shapely

from tests.database.conftest import squares
from tests.database.test_building import add
from tsmu import database as db


def test_changes_are_told_from_mark_to_mark(database: db.Database) -> None:
    empty = db.change_mark(database)
    add(database, squares(3))
    mark, changed = db.changes_since(database, empty)
    assert (changed["landslides"], len(changed["ids"]), changed["runs"], changed["scenes"]) == (3, 3, 1, True)
    assert db.ChangeMark.parse(str(mark)) == mark == db.change_mark(database)
    landslide_id = changed["ids"][0]
    db.review(database, landslide_id, status="rejected", by="jo", why="a quarry")
    mark, changed = db.changes_since(database, mark)
    assert (changed["ids"], changed["runs"], changed["scenes"]) == ([landslide_id], 0, False)
    [told] = changed["decisions"]
    assert (told["by"], told["action"], told["status_after"], told["why"]) == ("jo", "reject", "rejected", "a quarry")
    db.shift_scene(database, db.scenes(database)["id"][0], 3, 4)
    mark, changed = db.changes_since(database, mark)
    assert (changed["landslides"], changed["decisions"], changed["scenes"]) == (0, [], True)
    assert db.changes_since(database, mark)[0] == mark


def test_counts_in_a_box_are_exact(database: db.Database) -> None:
    assert db.spatial_extent(database) is None
    add(database, squares(6))
    slides = db.query(database)
    for box in ((7.0, 46.0, 7.0449, 46.1), (7.0051, 46.0, 7.0099, 46.1), (7.002, 45.9, 7.013, 46.002)):
        inside = shapely.intersects(shapely.box(*box), slides.geometry.array)
        assert db.count_landslides(database, db.Filters(bbox=box)) == inside.sum()
    assert db.count_landslides(database, db.Filters(bbox=(179.0, -10.0, 8.0, 50.0))) == 6
    extent = db.spatial_extent(database)
    assert extent is not None
    np.testing.assert_allclose(extent, slides.total_bounds, atol=2e-5)


@pytest.mark.parametrize("text", ["", "a", "a-1-2-3", "a-1-2-3-4-5", "a-1-2-3-x", f"a-{'9' * 30}-0-0-0"])
def test_what_is_no_mark_is_none(text: str) -> None:
    assert db.ChangeMark.parse(text) is None
