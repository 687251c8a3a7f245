"""A run's polygons come in once; a newer run redraws what nobody touched and proposes the rest."""

from datetime import date

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely
import sqlalchemy as sa

from tests.database.conftest import RUN, scene, squares
from tsmu.database import AddedRun, Database, RunRecord, SceneRecord, add_run, check, read_frame
from tsmu.database import landslide_table as landslide
from tsmu.database import landslide_version_table as landslide_version
from tsmu.database import mapped_area_table as mapped_area
from tsmu.database import observation_table as observation
from tsmu.database import review as review_landslide
from tsmu.database import review_table as review
from tsmu.database import run_table as run
from tsmu.database import scene_table as scene_table
from tsmu.errors import DatabaseError
from tsmu.issues import IssueLog

NEWER = RunRecord("v002", "def", "alps", "alps", 50, "torch", {"tile": 512})


def add(
    database: Database, polygons: geopandas.GeoDataFrame, by: RunRecord = RUN, seen: SceneRecord | None = None
) -> AddedRun:
    return add_run(database, polygons, seen or scene(), by, IssueLog("test"))


def table(database: Database, of: sa.Table) -> geopandas.GeoDataFrame:
    with database.read() as connection:
        return read_frame(connection, sa.select(of).order_by(of.c.fid))


def counts(database: Database) -> dict[str, int]:
    tables = (scene_table, run, mapped_area, landslide, landslide_version, observation, review)
    return {of.name: len(table(database, of)) for of in tables}


@pytest.mark.parametrize("count", [5, 1500])  # one by one, and in bulk
def test_a_run_comes_in_whole(database: Database, count: int) -> None:
    added = add(database, squares(count))
    assert (added.observations, added.candidates, added.redrawn, added.proposed) == (count, count, 0, 0)
    found, seen = table(database, landslide), table(database, observation)
    assert set(found["id"]) == set(seen["landslide_id"])
    assert set(found["status"]) == {"candidate"}
    assert set(found["version"]) == {1}
    np.testing.assert_array_equal(shapely.normalize(seen.geometry), shapely.normalize(_multi(squares(count))))
    np.testing.assert_allclose(seen["mean_probability"], squares(count)["mean_probability"])
    assert found["area_m2"].between(214_000, 216_000).all()  # 0.005 degrees at 46 degrees north
    assert table(database, mapped_area).geometry.iloc[0].equals(scene().footprint)
    assert table(database, run)["bundle"].item() == "v001"


def _multi(polygons: geopandas.GeoDataFrame) -> np.ndarray:
    return np.array([shapely.multipolygons([shape]) for shape in polygons.geometry])


def test_the_same_run_again_changes_nothing(database: Database) -> None:
    first = add(database, squares(5))
    before = counts(database)
    again = add(database, squares(5))
    assert again.already_stored
    assert (again.run_id, again.observations) == (first.run_id, 0)
    assert counts(database) == before


def test_another_scene_or_threshold_is_another_run(database: Database) -> None:
    add(database, squares(2))
    add(database, squares(2, 0.5), seen=scene("other"))
    add(database, squares(2), RunRecord("v001", "abc", "alps", "alps", 60, "torch", {"tile": 512}))
    found = counts(database)
    assert (found["scene"], found["run"], found["observation"], found["landslide"]) == (2, 3, 6, 4)
    assert found["review"] == 0  # the same outlines again say nothing new


def test_a_newer_run_redraws_what_nobody_touched_and_keeps_the_former_version(database: Database) -> None:
    add(database, squares(3))
    old = table(database, landslide).set_index("id")
    moved = add(database, squares(3, 0.001), NEWER)
    assert (moved.observations, moved.candidates, moved.redrawn, moved.proposed) == (3, 0, 3, 0)
    new = table(database, landslide).set_index("id").loc[old.index]
    assert set(new["version"]) == {2}
    assert set(new["changed_by"]) == {f"run {moved.run_id}"}
    assert new.total_bounds == pytest.approx(squares(3, 0.001).total_bounds)
    kept = table(database, landslide_version).set_index("id").loc[old.index]
    assert kept.geometry.geom_equals(old.geometry).all()
    assert set(kept["version"]) == {1}


def test_what_a_person_decided_is_only_proposed_to(database: Database) -> None:
    add(database, squares(3))
    ids = table(database, landslide)["id"]
    decided = {"status": "confirmed", "author": "person", "changed_by": "eva", "version": 2}
    with database.write() as connection:
        connection.execute(sa.update(landslide).where(landslide.c.id == ids[0]).values(**decided))
    before = table(database, landslide).set_index("id").loc[ids[0]]
    added = add(database, squares(3, 0.001), NEWER)
    assert (added.redrawn, added.proposed) == (2, 1)
    assert table(database, landslide).set_index("id").loc[ids[0]].equals(before)
    proposal = table(database, review).iloc[0]
    assert (proposal["landslide_id"], proposal["decision"], proposal["status_after"]) == (
        ids[0], "proposed", "confirmed",
    )  # fmt: skip
    newest = table(database, observation).set_index("id").loc[proposal["observation_id"]]
    assert newest["landslide_id"] == ids[0]
    assert newest["run_id"] == added.run_id


def test_what_is_not_one_to_one_is_only_proposed(database: Database) -> None:
    add(database, squares(2))
    both = squares(1)
    both.loc[0, "geometry"] = shapely.box(7, 46, 7.015, 46.005)  # over both
    added = add(database, both, NEWER)
    assert (added.candidates, added.redrawn, added.proposed) == (0, 0, 1)
    assert set(table(database, landslide)["version"]) == {1}


def test_neighbours_that_only_touch_are_two(database: Database) -> None:
    add(database, squares(1))
    added = add(database, squares(1, 0.005), NEWER)
    assert (added.candidates, added.redrawn, added.proposed) == (1, 0, 0)


def test_the_order_of_the_polygons_decides_nothing(database: Database) -> None:
    add(database, squares(4))
    add(database, squares(4, 0.001).iloc[::-1], NEWER)
    found = table(database, observation)
    assert found.groupby("landslide_id").size().to_list() == [2] * 4


def test_a_run_without_polygons_leaves_the_area_that_was_looked_at(database: Database) -> None:
    assert add(database, squares(0)).observations == 0
    assert counts(database)["mapped_area"] == 1


def test_rows_that_break_a_rule_are_refused_and_nothing_is_written(database: Database) -> None:
    with pytest.raises(DatabaseError, match="threshold"):
        add_run(database, squares(3), scene(), RunRecord("v1", "x", "a", "a", 500), IssueLog("test"))
    assert set(counts(database).values()) == {0}


def test_other_crs_are_turned_into_degrees_and_none_is_refused(database: Database) -> None:
    add(database, squares(1).to_crs(32632))
    assert table(database, landslide).total_bounds == pytest.approx(tuple(squares(1).total_bounds), abs=1e-9)
    with pytest.raises(DatabaseError, match="CRS"):
        add(database, squares(1).set_crs(None, allow_override=True), NEWER)


def test_a_run_whose_images_were_replaced_is_superseded(database: Database) -> None:
    first = add(database, squares(3))
    replaced = add(database, squares(2, 0.2))  # the same images by name, scene, model and settings
    assert not replaced.already_stored
    assert (replaced.supersedes, replaced.candidates, replaced.withdrawn) == (first.run_id, 2, 3)
    found = table(database, landslide)
    assert found["status"].tolist() == ["rejected"] * 3 + ["candidate"] * 2
    assert set(found["author"]) == {"run"}  # no person's rejection: neither labels nor figures count it
    assert set(table(database, landslide_version)["status"]) == {"candidate"}
    assert "replaced" in found["change_reason"].iloc[0]
    before = counts(database)
    assert add(database, squares(2, 0.2)).already_stored
    assert counts(database) == before
    back = add(database, squares(3))  # the first images again: what was rejected is no obstacle
    assert (back.supersedes, back.candidates, back.withdrawn) == (replaced.run_id, 3, 2)
    assert add(database, squares(3)).already_stored


def test_what_persons_decided_and_what_others_see_stays_when_images_are_replaced(database: Database) -> None:
    add(database, squares(4))
    ids = table(database, landslide)["id"]
    decide_on = {"by": "eva", "why": "seen in the field"}
    review_landslide(database, ids[0], status="confirmed", **decide_on)
    add(database, squares(4).iloc[1:2], NEWER)  # another run sees the second one
    beside = shapely.box(*squares(4).iloc[2:3].total_bounds)  # the new images show the third one's ground only
    added = add_run(database, squares(0), scene(), RUN, IssueLog("test"), shapely.MultiPolygon([beside]))
    assert added.withdrawn == 1
    assert table(database, landslide)["status"].tolist() == ["confirmed", "candidate", "rejected", "candidate"]


def test_images_without_landslides_are_told_by_the_ground_that_they_show(database: Database) -> None:
    half = shapely.MultiPolygon([shapely.box(7, 46, 7.1, 46.1)])
    first = add(database, squares(0))
    assert add(database, squares(0)).already_stored
    second = add_run(database, squares(0), scene(), RUN, IssueLog("test"), half)
    assert second.supersedes == first.run_id
    assert add_run(database, squares(0), scene(), RUN, IssueLog("test"), half).already_stored


STRICT = RunRecord("v001", "abc", "alps", "alps", 60, "torch", {"tile": 512})  # the model of RUN from another threshold


def outlines(*shapes: shapely.Geometry) -> geopandas.GeoDataFrame:
    values = {"max_probability": 0.9, "mean_probability": 0.7}
    return geopandas.GeoDataFrame(values, index=range(len(shapes)), geometry=list(shapes), crs=4326)


def shown(database: Database) -> list[bytes]:
    """The outlines of the candidates."""
    found = table(database, landslide)
    return sorted(shapely.to_wkb(shapely.normalize(found.geometry[found["status"] == "candidate"])))


def as_shown(polygons: geopandas.GeoDataFrame) -> list[bytes]:
    return sorted(shapely.to_wkb(shapely.normalize(_multi(polygons))))


def test_candidates_follow_the_threshold_that_was_asked_for_last(database: Database) -> None:
    loose = outlines(*(shapely.box(7 + west, 46, 7.01 + west, 46.01) for west in (0, 0.1, 0.2)))
    strict = outlines(  # the first in two parts, the second smaller, the third not at all
        shapely.box(7, 46, 7.004, 46.01), shapely.box(7.006, 46, 7.01, 46.008), shapely.box(7.1, 46, 7.108, 46.01)
    )
    first = add(database, loose)
    added = add(database, strict, STRICT)
    assert (added.candidates, added.redrawn, added.proposed, added.withdrawn, added.kept) == (1, 2, 0, 1, 0)
    assert shown(database) == as_shown(strict)
    back = add(database, loose)
    assert (back.run_id, back.already_stored) == (first.run_id, True)
    assert (back.redrawn, back.shown_again, back.withdrawn, back.kept) == (2, 1, 1, 0)
    assert shown(database) == as_shown(loose)
    before = counts(database)
    assert add(database, loose) == AddedRun(first.run_id, already_stored=True)
    assert counts(database) == before
    assert add(database, strict, STRICT).shown_again == 1
    assert shown(database) == as_shown(strict)
    assert check(database).empty


def test_one_outline_for_several_candidates_of_the_same_model_takes_their_place(database: Database) -> None:
    add(database, squares(2))
    both = outlines(shapely.box(7, 46, 7.015, 46.005))
    added = add(database, both, STRICT)
    assert (added.redrawn, added.proposed, added.withdrawn) == (1, 0, 1)
    assert shown(database) == as_shown(both)
    add(database, squares(2))
    assert shown(database) == as_shown(squares(2))


def test_maps_by_change_of_images_that_were_replaced_take_the_place_of_the_earlier_ones(database: Database) -> None:
    first, second = (RunRecord("change", digest, "change", "alps", 20) for digest in ("one", "another"))
    add(database, squares(3), first)
    assert add(database, squares(2, 0.2), second).withdrawn == 3
    assert shown(database) == as_shown(squares(2, 0.2))


def test_what_others_show_or_people_say_does_not_follow_a_threshold(database: Database) -> None:
    add(database, squares(5))
    ids = table(database, landslide)["id"]
    review_landslide(database, ids[0], status="confirmed", by="eva", why="seen in the field")
    add(database, squares(5).iloc[1:2], NEWER)  # another model shows the second one
    add(database, squares(5, 0.001).iloc[2:3], seen=scene("later"))  # the third one is redrawn from other images
    before = table(database, landslide).set_index("id").loc[ids]
    added = add(database, squares(0), STRICT)
    assert (added.withdrawn, added.kept) == (2, 2)
    assert table(database, landslide)["status"].tolist() == ["confirmed", *["candidate"] * 2, *["rejected"] * 2]
    add(database, squares(5))
    after = table(database, landslide).set_index("id").loc[ids]
    assert after["status"].tolist() == ["confirmed", *["candidate"] * 4]
    assert after.geometry.geom_equals(before.geometry).all()


def test_a_model_that_comes_back_redraws_what_another_one_has_redrawn(database: Database) -> None:
    add(database, squares(3))
    add(database, squares(3, 0.001), NEWER)
    assert add(database, squares(3)).redrawn == 3
    assert shown(database) == as_shown(squares(3))


BEFORE, AFTER = date(2018, 4, 1), date(2018, 9, 10)


def days(database: Database) -> list[tuple[date | None, date | None]]:
    found = table(database, landslide)
    plain = found[["date_min", "date_max"]].astype(object).where(found[["date_min", "date_max"]].notna(), None)
    return [tuple(day and pd.Timestamp(day).date() for day in row) for row in plain.itertuples(index=False)]


def test_days_that_are_given_later_reach_the_scene_and_what_nobody_touched(database: Database) -> None:
    first = add(database, squares(3))
    ids = table(database, landslide)["id"]
    review_landslide(database, ids[0], status="confirmed", by="eva", why="seen in the field")
    dated = add(database, squares(3), seen=scene(date_pre=BEFORE, date_post=AFTER))
    assert (dated.run_id, dated.already_stored) == (first.run_id, True)
    assert "2 candidates dated by its scene; 1 other that people" in str(dated.remarks)
    assert days(database) == [(None, None), (BEFORE, AFTER), (BEFORE, AFTER)]
    [row] = table(database, scene_table).to_dict("records")
    assert (str(row["date_pre"])[:10], str(row["date_post"])[:10]) == (str(BEFORE), str(AFTER))
    before = counts(database)
    again = add(database, squares(3), seen=scene(date_pre=BEFORE, date_post=AFTER))
    assert again.already_stored
    assert counts(database) == before
    without = add(database, squares(4), STRICT)  # days that are not given again hold
    assert days(database)[3] == (BEFORE, AFTER)
    assert "2018-04-01 before and 2018-09-10 after was noted earlier" in str(without.remarks)
    assert check(database).empty


def test_days_that_contradict_those_of_the_same_images_are_another_scene_and_it_is_said(database: Database) -> None:
    add(database, squares(2), seen=scene(date_post=AFTER))
    assert days(database) == [(None, AFTER)] * 2
    half = add(database, squares(2), seen=scene(date_pre=BEFORE, date_post=AFTER))  # the missing one comes in
    assert half.already_stored
    assert days(database) == [(BEFORE, AFTER)] * 2
    other = add(database, squares(2), seen=scene(date_pre=BEFORE, date_post=date(2019, 1, 1)))
    assert "other days (2018-04-01 before and 2018-09-10 after)" in str(other.remarks)
    assert counts(database)["scene"] == 2
    assert days(database) == [(BEFORE, AFTER)] * 2
