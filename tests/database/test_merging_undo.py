"""Merging is idempotent, independent of order and undoable, also in random worlds."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.database.conftest import scene
from tests.database.drawing import areas, cells, draw, live, same
from tests.database.test_building import add
from tsmu import database as db
from tsmu.database import TABLES
from tsmu.database.merging import group_observations
from tsmu.errors import DatabaseError


def test_undoing_restores_all_but_what_was_changed_since(database: db.Database) -> None:
    draw(database, 2014, cells(0, 0, 2, 2), cells(8, 0, 10, 2), cells(20, 0, 24, 4))
    db.merge(database, by="eva")
    before = live(database)
    draw(database, 2015, cells(0, 0, 10, 4), cells(20, 0, 24, 6))
    with_new = live(database)
    second = db.merge(database, by="eva")
    merged = live(database)
    undone = db.undo_merge(database, by="eva")
    assert (undone.landslides, undone.observations, undone.left) == (3, 3, 0)
    assert same(live(database), before)
    assert same(live(database), with_new)
    assert db.merge(database, by="eva").merging_id != second.merging_id
    assert same(live(database), merged)
    far = db.query(database, db.Filters(where="area_m2 > 0", bbox=(7.02, 46, 7.024, 46.01)))["id"].item()
    db.review(database, far, status="confirmed", by="jo", why="seen")
    undone = db.undo_merge(database, by="eva")
    assert (undone.landslides, undone.left) == (2, 1)
    assert areas(database) == [4, 4, 24]
    assert db.query(database, db.Filters(status=["confirmed"]))["id"].item() == far
    first = db.undo_merge(database, by="eva")  # the first merging, where it still can be
    assert (first.landslides, first.left) == (2, 1)
    with pytest.raises(DatabaseError, match="nothing to undo"):
        db.undo_merge(database, by="eva")
    with pytest.raises(DatabaseError, match="undone by eva already"):
        db.undo_merge(database, by="eva", merging_id=second.merging_id)
    assert db.check(database).empty


Look = tuple[int, str, tuple[tuple[int, int, int, int], ...]]


SIDES = st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(1, 5), st.integers(1, 5))


LOOKS = st.lists(
    st.tuples(st.integers(2013, 2016), st.sampled_from(["", "v001", "v002"]), st.lists(SIDES, min_size=1, max_size=4)),
    min_size=1,
    max_size=5,
    unique_by=lambda look: look[:2],
)


def take(database: db.Database, look: Look) -> None:
    year, bundle, rectangles = look
    shapes = [cells(west, south, west + wide, south + high) for west, south, wide, high in dict.fromkeys(rectangles)]
    if not bundle:
        draw(database, year, *shapes)
        return
    values = {"max_probability": 0.9, "mean_probability": 0.8}
    outlines = geopandas.GeoDataFrame(values, geometry=shapes, crs=4326, index=range(len(shapes)))
    by = db.RunRecord(bundle, bundle, "alps", "alps", 50)
    add(database, outlines, by, scene(f"of {year}", date_post=date(year, 12, 31)))


@pytest.fixture
def afresh(target: Path | str, tmp_path: Path) -> Callable[[], object]:
    """Give an empty database again and again."""
    with db.open_database(target, create=True):
        pass

    @contextmanager
    def opened() -> Iterator[db.Database]:
        if isinstance(target, Path):
            path = Path(shutil.copy(target, tmp_path / "again.gpkg"))
            with db.open_database(path) as database:
                yield database
            return
        with db.open_database(target) as database:
            with database.write() as connection:
                connection.exec_driver_sql(f"TRUNCATE {', '.join(f'{of.name}' for of in TABLES)}")
            yield database

    return opened


PROPERTY = settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])


@PROPERTY
@given(looks=LOOKS, data=st.data())
def test_the_order_of_import_and_of_merging_decides_nothing(
    afresh: Callable[[], object], looks: list[Look], data: st.DataObject
) -> None:
    with afresh() as database:  # type: ignore[attr-defined]
        for look in looks:
            take(database, look)
        db.merge(database, by="eva")
        expected = live(database)
        assert db.merge(database, by="eva").merging_id is None
        assert same(live(database), expected)
    with afresh() as database:  # type: ignore[attr-defined]
        for look in data.draw(st.permutations(looks)):
            take(database, look)
            if data.draw(st.booleans()):
                db.merge(database, by="eva")
        db.merge(database, by="eva")
        assert same(live(database), expected)
        assert db.check(database).empty


@PROPERTY
@given(looks=LOOKS, data=st.data())
def test_undoing_restores_and_persons_are_never_overwritten(
    afresh: Callable[[], object], looks: list[Look], data: st.DataObject
) -> None:
    states = []
    with afresh() as database:  # type: ignore[attr-defined]
        kept: dict[str, pd.DataFrame] = {}
        for look in looks:
            take(database, look)
            found = live(database)
            if len(found) and data.draw(st.booleans()):
                chosen = data.draw(st.sampled_from(found["id"].to_list()))
                db.review(database, chosen, status="rejected", by="jo", why="a quarry")
                kept[chosen] = db.history(database, chosen).tail(1).reset_index(drop=True)
        for _ in range(2):
            before = live(database)
            done = db.merge(database, by="eva")
            states.append(live(database))
            for chosen, row in kept.items():
                assert db.history(database, chosen).tail(1).reset_index(drop=True).equals(row)
            if done.merging_id:
                assert db.undo_merge(database, by="eva").left == 0
                assert same(live(database), before)
        assert same(*states)
        assert db.check(database).empty


@given(looks=LOOKS)
def test_groups_are_within_components_and_founded_by_the_first(looks: list[Look]) -> None:
    rectangles = [(number, sides) for number, (_, _, drawn) in enumerate(looks) for sides in drawn]
    shapes = np.array([cells(w, s, w + wide, s + high) for _, (w, s, wide, high) in rectangles], dtype=object)
    found = group_observations(shapes, np.array([number for number, _ in rectangles]))
    assert (found.founder <= np.arange(len(shapes))).all()
    assert (found.founder[found.founder] == found.founder).all()
    assert (found.component[found.founder] == found.component).all()
    assert not found.amalgamated[found.founder].any()
