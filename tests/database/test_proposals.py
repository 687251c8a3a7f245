"""Persons are only proposed to, and their answers hold."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import geopandas
import pandas as pd
import pytest
import sqlalchemy as sa
from shapely.geometry.base import BaseGeometry
from typer.testing import CliRunner

from tests.database.conftest import scene
from tests.database.drawing import areas, cells, decided, draw, live, same
from tests.database.test_building import NEWER, add, table
from tsmu import database as db
from tsmu.cli import app
from tsmu.database import landslide_table as landslide
from tsmu.database import observation_table as observation
from tsmu.errors import DatabaseError


@pytest.mark.parametrize("status", ["confirmed", "rejected"])
def test_what_a_person_decided_is_only_proposed_to(database: db.Database, status: str) -> None:
    first = decided(database, status)
    before = live(database)
    done = db.merge(database, by="jo")
    assert (done.proposed, done.made) == (1, 1)
    after = live(database)
    assert same(after[after["id"] == first].reset_index(drop=True), before)
    waiting = db.proposals(database)
    assert waiting["landslide_id"].to_list() == [first]
    assert db.merge(database, by="jo").merging_id is None  # proposed once
    other = waiting["from_landslide"].item()
    assert db.accept(database, waiting["id"].item(), by="eva", why="the same") == first
    assert db.query(database, db.Filters(status=["merged"]))["merged_into"].to_list() == [first]
    assert set(table(database, observation)["landslide_id"]) == {first}
    assert db.history(database, other)["changed_by"].to_list()[-1] == "eva"
    assert db.reviews(database, first)["decision"].to_list() == ["decided", "proposed", "accepted"]
    assert db.proposals(database).empty
    assert db.merge(database, by="jo").merging_id is None
    with pytest.raises(DatabaseError, match="no open proposal"):
        db.accept(database, waiting["id"].item(), by="eva", why="again")


def test_what_a_person_edited_is_kept_and_a_declined_proposal_stays_declined(database: db.Database) -> None:
    draw(database, 2014, cells(0, 0, 4, 4))
    db.merge(database, by="eva")
    with database.write() as connection:  # as QGIS does
        connection.execute(sa.update(landslide).values(material="rock"))
    draw(database, 2013, cells(0, 0, 4, 5))
    db.merge(database, by="jo")
    before = live(database)
    with pytest.raises(DatabaseError, match="who decides"):
        db.decline(database, db.proposals(database)["id"].item(), by="", why="no")
    db.decline(database, db.proposals(database)["id"].item(), by="eva", why="another slide")
    assert db.merge(database, by="jo").merging_id is None
    assert db.proposals(database).empty
    assert same(live(database), before)


def test_a_proposal_of_a_run_is_accepted_by_drawing(database: db.Database) -> None:
    outline = geopandas.GeoDataFrame(
        {"max_probability": [0.9], "mean_probability": [0.8]}, geometry=[cells(0, 0, 4, 4)], crs=4326
    )
    add(database, outline)
    first = db.query(database)["id"].item()
    db.review(database, first, status="confirmed", by="eva", why="seen")
    add(database, outline.set_geometry([cells(0, 0, 4, 5)], crs=4326), NEWER)
    db.accept(database, db.proposals(database)["id"].item(), by="eva", why="better")
    assert areas(database) == [20]
    assert db.query(database)["status"].item() == "confirmed"
    assert db.check(database).empty


@pytest.mark.parametrize("status", ["confirmed", "rejected", "candidate"])
def test_what_a_run_finds_under_a_decided_outline_becomes_landslides_of_their_own(
    database: db.Database, status: str
) -> None:
    def detections(*shapes: BaseGeometry) -> geopandas.GeoDataFrame:
        values = {"max_probability": [0.9] * len(shapes), "mean_probability": [0.8] * len(shapes)}
        return geopandas.GeoDataFrame(values, geometry=list(shapes), crs=4326)

    add(database, detections(cells(0, 0, 10, 10)))
    whole = db.query(database)["id"].item()
    db.review(database, whole, status=status, by="eva", why="seen")
    seen = scene("later", date_pre=date(2025, 5, 1), date_post=date(2025, 6, 1))
    added = add(database, detections(cells(1, 1, 4, 4), cells(6, 6, 9, 9), cells(1, 6, 3, 8)), NEWER, seen)
    assert (added.proposed, added.candidates) == (3, 0)
    first, second, third = db.proposals(database)["id"]
    one = db.accept_as_new(database, first, by="eva", why="a fresh scar")
    two = db.accept_as_new(database, second, by="eva", why="another one")
    assert db.decline(database, third, by="eva", why="a field") == whole
    assert areas(database) == [9, 9, 100]
    slides = db.query(database).set_index("id")
    assert slides.loc[[one, two], "status"].to_list() == ["confirmed"] * 2
    assert slides.loc[whole, "status"] == status
    assert slides.loc[one, "region"] == "alps"
    assert (slides.loc[one, "date_min"], slides.loc[one, "date_max"]) == (
        pd.Timestamp(2025, 5, 1),
        pd.Timestamp(2025, 6, 1),
    )
    links = table(database, observation).groupby("landslide_id").size()
    assert links.loc[[whole, one, two]].to_list() == [2, 1, 1]
    assert db.reviews(database, whole)["decision"].to_list()[1:] == ["proposed"] * 3 + ["declined"] * 3
    assert db.reviews(database, one)[["decision", "action"]].values.tolist() == [["decided", "accept"]]
    assert db.proposals(database).empty
    assert db.check(database).empty
    # The next model finds each of them again, a little larger.
    newest = replace(NEWER, bundle="v003")
    again = add(database, detections(cells(1, 1, 4, 5), cells(6, 6, 9, 10)), newest, seen)
    assert again.proposed == 2
    assert set(db.proposals(database)["landslide_id"]) == {one, two}
    assert db.merge(database, by="jo").merging_id is None


def test_what_a_merging_proposes_becomes_a_confirmed_landslide(database: db.Database) -> None:
    first = decided(database)
    db.merge(database, by="jo")
    waiting = db.proposals(database)
    other = waiting["from_landslide"].item()
    with pytest.raises(DatabaseError, match="who decides"):
        db.accept_as_new(database, waiting["id"].item(), by="eva", why=" ")
    assert db.accept_as_new(database, waiting["id"].item(), by="eva", why="beside it") == other
    assert set(db.query(database, db.Filters(status=["confirmed"]))["id"]) == {first, other}
    assert areas(database) == [16, 20]
    assert db.history(database, other)["changed_by"].to_list()[-1] == "eva"
    assert db.proposals(database).empty
    assert db.merge(database, by="jo").merging_id is None
    with pytest.raises(DatabaseError, match="no open proposal"):
        db.accept_as_new(database, waiting["id"].item(), by="eva", why="again")


def test_the_command_line_merges_proposes_and_undoes(target: Path | str) -> None:
    with db.open_database(target, create=True) as database:
        first = decided(database)
    terminal = CliRunner()

    def ask(*arguments: object, code: int = 0) -> dict[str, object]:
        done = terminal.invoke(app, ["db", *map(str, arguments), "--database", str(target), "--json"])
        assert done.exit_code == code, done.stderr
        return dict(json.loads(done.stdout))

    merged = ask("merge")
    assert (merged["made"], merged["proposed"]) == (1, 1)
    assert ask("merge")["merging_id"] is None
    waiting = ask("proposals")["proposals"]
    assert [entry["landslide_id"] for entry in waiting] == [first]  # type: ignore[attr-defined]
    declined = ask("proposals", "--decline", waiting[0]["id"], "--by", "eva", "--why", "no")  # type: ignore[index]
    assert declined["accepted"] is False
    refused = ask("proposals", "--decline", "x", "--accept-as-new", "x", "--by", "eva", "--why", "no", code=2)
    assert "give one of them" in str(refused["error"])
    assert "no open proposal" in str(ask("proposals", "--accept-as-new", "x", "--by", "eva", "--why", "no", code=2))
    assert ask("merge", "--undo")["merging_id"] == merged["merging_id"]
    assert "no such merging" in str(ask("merge", "--undo", "--merging", "x", code=2)["error"])
    assert "give --undo" in str(ask("merge", "--merging", "x", code=2)["error"])


def test_a_part_of_what_was_merged_is_copied_without_naming_what_stays(database: db.Database, tmp_path: Path) -> None:
    decided(database, "confirmed")
    db.merge(database, by="jo")
    db.accept(database, db.proposals(database)["id"].item(), by="eva", why="the same")
    db.copy(database, tmp_path / "gone.gpkg", db.Filters(status=["merged"]))
    db.copy(database, tmp_path / "all.gpkg", db.Filters(bbox=(-180, -90, 180, 90)))
    with db.open_database(tmp_path / "gone.gpkg") as gone, db.open_database(tmp_path / "all.gpkg") as everything:
        assert db.query(gone)["merged_into"].isna().all()
        assert db.query(everything)["merged_into"].notna().sum() == 1
        for copied in (gone, everything):
            assert len(db.query(copied))
            assert db.check(copied).empty
