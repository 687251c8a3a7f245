"""Many rows at once: the same checks, indexes and R-tree as one by one."""

from pathlib import Path

import numpy as np
import pytest
import shapely
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from tests.database.conftest import RUN, scene, squares
from tests.database.test_building import add
from tsmu import database as db
from tsmu.database import landslide_table as landslide
from tsmu.database import utc_now
from tsmu.database.storage import BULK_ROWS, insert_features
from tsmu.database.storage import rtree as rtrees
from tsmu.errors import DatabaseError
from tsmu.issues import IssueLog


def test_indexes_triggers_and_tree_are_in_step_after_each_of_several(tmp_path: Path) -> None:
    with db.open_database(tmp_path / "landslides.gpkg", create=True) as database:
        for number, count in enumerate(
            (BULK_ROWS, 3, BULK_ROWS, 7 * BULK_ROWS, BULK_ROWS)
        ):  # packed, one by one, packed beside what is there
            add(database, squares(count, 0.0001 * number).iloc[::-1], seen=scene(f"{number}"))
            assert db.check(database).empty, number
        box = (7.1, 46.0, 7.1249, 46.01)
        touching = shapely.intersects(shapely.box(*box), db.query(database).geometry.array)
        assert len(db.query(database, db.Filters(bbox=box))) == touching.sum() > 0


@pytest.mark.parametrize("status", ["candidate", "perhaps"])
def test_a_row_that_breaks_a_rule_is_refused_among_many(database: db.Database, status: str) -> None:
    count = BULK_ROWS + 1
    values = {"id": [f"{i}" for i in range(count)], "area_m2": 1.0, "version": 1, "author": "run", "changed_by": "x"}
    values |= {"changed_at": utc_now(), "change_reason": "x", "status": ["candidate"] * BULK_ROWS + [status]}
    shapes = shapely.multipolygons([[shape] for shape in squares(count).geometry])

    def write() -> None:
        with database.write() as connection:
            insert_features(connection, landslide, values, shapes)

    if status == "candidate":
        write()
        assert db.info(database)["rows"]["landslide"] == count
        return
    with pytest.raises(DatabaseError, match="ck_landslide_status"):
        write()
    assert db.info(database)["rows"]["landslide"] == 0
    with pytest.raises(DatabaseError, match="ck_run_threshold"):  # checks are on again
        db.add_run(database, squares(1), scene(), db.RunRecord("v1", "x", "a", "a", 500), IssueLog("test"))
    assert db.add_run(database, squares(BULK_ROWS), scene(), RUN, IssueLog("test")).candidates == BULK_ROWS
    if database.path:
        assert db.check(database).empty


@given(st.integers(1, 4000), st.integers(0, 4000), st.integers(0, 120), st.integers(0, 2**32 - 1))
def test_trees_hold_every_box_once(count: int, more: int, last: int, seed: int) -> None:
    chance = np.random.default_rng(seed)
    low = chance.uniform(-180, 179, (count + more + last, 2))
    bounds = np.column_stack([low, low + chance.uniform(0, 1, low.shape)])
    ids = chance.permutation(len(low)) + 1
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE VIRTUAL TABLE tree USING rtree(id, minx, maxx, miny, maxy)")
        for part in (slice(0, count), slice(count, count + more), slice(count + more, None)):
            if len(ids[part]):
                rtrees.add_boxes(connection, "tree", ids[part], bounds[part])
        assert connection.exec_driver_sql("SELECT rtreecheck('tree')").scalar() == "ok"
        rows = np.array(connection.exec_driver_sql("SELECT * FROM tree ORDER BY id").fetchall())
        kept = bounds[np.argsort(ids)]
        np.testing.assert_array_equal(rows[:, 0], np.arange(1, len(ids) + 1))
        assert (rows[:, [1, 3]] <= kept[:, :2]).all()
        assert (rows[:, [2, 4]] >= kept[:, 2:]).all()
        np.testing.assert_allclose(rows[:, [1, 3, 2, 4]], kept, atol=2e-5)
        connection.exec_driver_sql("DELETE FROM tree WHERE id <= ?", (len(ids) // 2,))
        connection.exec_driver_sql("INSERT INTO tree VALUES (?, 0, 1, 0, 1)", (10**9,))
        assert connection.exec_driver_sql("SELECT rtreecheck('tree')").scalar() == "ok"
    engine.dispose()
