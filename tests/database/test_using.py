"""Queries, reviews, history, copies, backups and checks, on both backends alike."""

import json
import re
from datetime import date
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely
import sqlalchemy as sa
from geopandas.testing import assert_geodataframe_equal
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from tests.database.conftest import RUN, scene, squares
from tests.database.test_building import NEWER, add, counts, table
from tsmu import database as db
from tsmu.cli import app
from tsmu.database import TABLES, QueueOrder, has_shape, next_landslides, select_boxes
from tsmu.database import landslide_table as landslide
from tsmu.database.queries import parse_where
from tsmu.database.storage import encode
from tsmu.errors import DatabaseError

DAYS = {"date_pre": date(2024, 4, 1), "date_post": date(2024, 5, 1)}


@pytest.fixture
def filled(database: db.Database) -> db.Database:
    add(database, squares(50), seen=scene(**DAYS))
    first = db.query(database)["id"].iloc[0]
    db.review(database, first, status="confirmed", by="eva", why="seen in the field")
    return database


def test_a_box_gives_what_it_touches(filled: db.Database) -> None:
    window = (7.1, 46.0, 7.1249, 46.01)
    expected = squares(50).cx[window[0] : window[2], window[1] : window[3]]
    found = db.query(filled, db.Filters(bbox=window))
    assert len(found) == len(expected) == 3
    assert found.crs.to_epsg() == 4326
    assert db.query(filled, db.Filters(bbox=(7.0051, 46, 7.0099, 46.01))).empty  # between two
    assert len(db.query(filled, db.Filters(bbox=(170.0, 40, 7.001, 50)))) == 1  # across the 180th meridian


def test_filters_agree_with_what_python_says(filled: db.Database) -> None:
    everything = db.query(filled)
    limit = float(everything["area_m2"].median())
    assert len(db.query(filled, db.Filters(status=["confirmed"]))) == 1
    assert len(db.query(filled, db.Filters(status=["candidate", "confirmed"], region="alps"))) == 50
    assert db.query(filled, db.Filters(region="jura")).empty
    assert len(db.query(filled, db.Filters(min_area=limit))) == (everything["area_m2"] >= limit).sum()
    assert len(db.query(filled, db.Filters(dates=(date(2024, 4, 30), None)))) == 50
    assert db.query(filled, db.Filters(dates=(date(2024, 5, 2), None))).empty
    assert db.query(filled, db.Filters(dates=(None, date(2024, 3, 31)))).empty
    assert set(everything["date_max"].dt.strftime("%Y-%m-%d")) == {"2024-05-01"}


@pytest.mark.parametrize(
    ("where", "count"),
    [
        ("status = 'confirmed'", 1),
        ("not status = 'confirmed' and region = 'alps'", 49),
        ("status in ('confirmed', 'rejected') or version > 1", 1),
        ("trigger is null and region like 'AL%'", 50),
        ("trigger is not null", 0),
        ("date_max between '2024-05-01' and '2024-06-01' and (version = 2)", 1),
        ("changed_at > '2020-01-01' and changed_by = 'eva'", 1),
        ("region = 'it''s'", 0),
        ("region not in ('jura')", 50),
        ("area_m2 > -1.5e3", 50),
        ("area_m2 > 0 or region = 'jura' and region = 'alps'", 50),  # and before or
        ("not region = 'jura' and status = 'confirmed'", 1),  # not before and
        ("1 <= VERSION and 2 > version", 49),
        ("false or (true and status = 'confirmed')", 1),
        ("date_max = DATE('2024-05-01')", 50),
        ("changed_at > TIMESTAMP('2020-01-01T00:00:00Z')", 50),
        ("S_INTERSECTS(geom, BBOX(6.9, 45.9, 7.016, 46.1))", 2),
        ("S_INTERSECTS(geom, BBOX(170, 45.9, 7.016, 46.1))", 2),  # across the 180th meridian
        ("s_intersects(geom, POINT(7.0025 46.0025))", 1),
        ("S_WITHIN(geom, POLYGON((6.9 45.9, 7.013 45.9, 7.013 46.1, 6.9 46.1, 6.9 45.9)))", 1),
        ("not S_INTERSECTS(geom, BBOX(6.9, 45.9, 7.016, 46.1))", 48),
        ("S_DISJOINT(geom, BBOX(6.9, 45.9, 7.016, 46.1)) and region = 'alps'", 48),
        ("S_INTERSECTS(geom, POLYGON((7 46.1, 7.006 46.1, 7.006 46.0051, 7 46.0051, 7 46.1)))", 0),  # beside
        ('{"op": "in", "args": [{"property": "status"}, ["confirmed", "rejected"]]}', 1),
        ('{"op": "not", "args": [{"op": "isNull", "args": [{"property": "trigger"}]}]}', 0),
    ],
)
def test_where(filled: db.Database, where: str, count: int) -> None:
    assert len(db.query(filled, db.Filters(where=where))) == count


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        ("1 = 1", "expected a column, not 1.0; compare a column with a value"),
        ("status = 'confirmed'; DROP TABLE landslide", "and, or, an operator or the end at character 21"),
        ("area > 3", "no column area; the nearest is area_m2"),
        ("status = 'sure'", "status is never 'sure'; it is one of candidate"),
        ("area_m2 > 'big'", "area_m2: expected a number, not 'big'"),
        ("area_m2 = true", "area_m2: expected a number, not True"),
        ("area_m2 > 1e999", "no number to compare"),
        ("area_m2 > .5", "expected a column or a value at character 11"),
        ("region = alps", "region: expected a text in single quotes, not alps"),
        ("region = null", "is null"),
        ("date_min = 'spring'", "date_min: 'spring' is no day"),
        ("changed_at > '0001-01-01T00:00:00+10:00'", "no day"),
        ("region = 'alps' or", "expected a column"),
        ("region = 'alps' and\nversion >", "expected a column or a value at character 30"),
        ("area_m2 like 'x'", "is no text"),
        ("region like 5", "expected a text"),
        ("geom is null", "geom is the outline; use it in S_INTERSECTS"),
        ("area_m2 + 1 > 5", "expected a column, not"),
        ("t_after(date_min, DATE('2024-05-01'))", "no operator t_after; there are and, or, =,"),
        ("region", "expected a comparison such as"),
        ("S_INTERSECTS(region, POINT(7 46))", "outline geom"),
        ("S_INTERSECTS(geom, region)", "expected a geometry, not region"),
        ("S_INTERSECTS(geom, POINT EMPTY)", "not CQL2"),
        ("S_INTERSECTS(geom, POLYGON((7 46, 8 47, 8 46, 7 47, 7 46)))", "not valid"),
        ("S_INTERSECTS(geom, POINT(500000 5000000))", "not in degrees"),
        ("S_INTERSECTS(geom, BBOX(7, 47, 8, 46))", "not west,south,east,north"),
        ("(" * 11 + "version = 1" + ")" * 11, "deep"),
        ("(" * 5000 + "version = 1" + ")" * 5000, "deep"),
        ('"\'" = 1 or ' + "(" * 5000 + 'version or "\'" = 1', "deep"),  # quotes of both kinds do not hide them
        ("not " * 60 + "version = 1", "deep"),
        ("", "expected a column"),
        ("region = 'alps", "at character 10"),
        ("{", "not CQL2"),
        ('{"op": "=", "args": []}', "= has 2 arguments, not 0"),
        ('{"op": "in", "args": [{"property": "region"}, "alps"]}', "region: expected values in parentheses"),
        ('{"op": "s_within", "args": [{"property": "geom"}, {"bbox": [7, 46]}]}', "a box without west"),
    ],
)
def test_where_refuses_what_is_no_such_condition(where: str, reason: str) -> None:
    with pytest.raises(DatabaseError, match=re.escape(reason)) as caught:
        parse_where(where, landslide)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


@given(st.text(max_size=60))
def test_where_never_lets_a_text_through_to_the_database(text: str) -> None:
    quoted = text.replace("'", "''")
    compiled = parse_where(f"region = '{quoted}'", landslide).compile()
    assert list(compiled.params.values()) == [text]
    assert str(compiled) == "landslide.region = :region_1"
    try:
        statement = str(parse_where(text, landslide).compile())
    except DatabaseError:
        return
    assert statement.startswith(("landslide.", "NOT", "(", "true", "false"))


def test_a_review_makes_a_version_and_history_tells_all(filled: db.Database) -> None:
    first = db.query(filled, db.Filters(status=["confirmed"]))["id"].item()
    assert db.review(filled, first, status="rejected", by="jo", why="a quarry") == 3
    versions = db.history(filled, first)
    assert versions["version"].to_list() == [1, 2, 3]
    assert versions["status"].to_list() == ["candidate", "confirmed", "rejected"]
    assert versions["changed_by"].to_list()[1:] == ["eva", "jo"]
    assert versions["change_reason"].to_list() == ["found", "seen in the field", "a quarry"]
    assert versions["changed_at"].is_monotonic_increasing
    entries = db.reviews(filled, first)
    assert entries["status_before"].to_list() == ["candidate", "confirmed"]
    assert len(db.query(filled)) == 50


def test_a_newer_run_never_overwrites_a_review(filled: db.Database) -> None:
    before = db.query(filled, db.Filters(status=["confirmed"]))
    added = add(filled, squares(50, 0.001), NEWER, scene(**DAYS))
    assert (added.redrawn, added.proposed) == (49, 1)
    assert_geodataframe_equal(db.query(filled, db.Filters(status=["confirmed"])), before)
    assert "proposed" in db.reviews(filled, before["id"].item())["decision"].to_list()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"status": "sure"}, "one of candidate"),
        ({"status": "merged"}, "merged"),
        ({"by": " "}, "who decides"),
        ({"why": ""}, "why"),
    ],
)
def test_a_review_needs_a_status_a_name_and_a_reason(filled: db.Database, change: dict[str, str], told: str) -> None:
    first = db.query(filled)["id"].iloc[0]
    with pytest.raises(DatabaseError, match=told):
        db.review(filled, first, **{"status": "confirmed", "by": "eva", "why": "seen"} | change)
    with pytest.raises(DatabaseError, match="no landslide nothing"):
        db.review(filled, "nothing", status="confirmed", by="eva", why="seen")
    with pytest.raises(DatabaseError, match="no landslide nothing"):
        db.history(filled, "nothing")


def test_whoever_edits_the_former_version_is_kept(filled: db.Database) -> None:
    first = db.query(filled, db.Filters(status=["candidate"]))["id"].iloc[0]
    with filled.write() as connection:  # as QGIS does, without counting the version
        connection.execute(sa.update(landslide).where(landslide.c.id == first).values(movement_type="debris flow"))
    versions = db.history(filled, first)
    assert versions["version"].to_list() == [1, 2]
    assert versions["movement_type"].to_list() == [None, "debris flow"]
    assert versions[["author", "changed_by"]].iloc[1].to_list() == ["person", "somebody outside tsmu"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE observation SET area_m2 = 0",
        "DELETE FROM observation",
        "DELETE FROM landslide",
        "UPDATE review SET why = 'x'",
        "DELETE FROM review",
        "DELETE FROM landslide_version",
        "UPDATE landslide SET status = 'sure'",
        "UPDATE landslide SET date_min = '2024-06-01'",
        "UPDATE observation SET landslide_id = 'nothing'",
    ],
)
def test_the_database_itself_refuses_to_forget(filled: db.Database, statement: str) -> None:
    before = counts(filled)
    with pytest.raises(DatabaseError), filled.write() as connection:
        connection.exec_driver_sql(statement)
    assert counts(filled) == before
    assert db.check(filled).empty


def test_info_counts(filled: db.Database) -> None:
    told = db.info(filled)
    assert told["rows"]["landslide"] == told["rows"]["observation"] == 50
    assert told["status"] == {"candidate": 49, "confirmed": 1, "rejected": 0, "merged": 0}
    assert (told["date_min"], told["date_max"], told["regions"]) == ("2024-04-01", "2024-05-01", ["alps"])


def everything(database: db.Database) -> dict[str, geopandas.GeoDataFrame]:
    return {of.name: table(database, of).drop(columns="fid") for of in TABLES}


def test_a_copy_has_everything_and_can_be_copied_back(
    filled: db.Database, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    add(filled, squares(50, 0.001), NEWER, scene(**DAYS))
    with filled.write() as connection:
        connection.execute(sa.insert(TABLES[0]), [{"id": "e", "name": "Gaya", "trigger": "tropical cyclone"}])
    other: Path | str = tmp_path / "copy.gpkg"
    back: Path | str = request.getfixturevalue("postgis") if filled.path else tmp_path / "back.gpkg"
    assert db.copy(filled, other)["landslide"] == 50
    with db.open_database(other) as copied:
        db.copy(copied, back)
    with db.open_database(back) as returned:
        found = everything(returned)
        assert db.check(returned).empty
    for name, rows in everything(filled).items():
        if has_shape(next(of for of in TABLES if of.name == name)) and len(rows):
            assert found[name].geometry.geom_equals_exact(rows.geometry, 0).all() or name == "event"
        assert (
            found[name].drop(columns="geometry", errors="ignore").equals(rows.drop(columns="geometry", errors="ignore"))
        )
    with pytest.raises(DatabaseError, match=r"already|is there"):
        db.copy(filled, back)


def test_a_backup_is_a_database_of_its_own(filled: db.Database, tmp_path: Path) -> None:
    if filled.path is None:
        saved = db.backup(filled, to=tmp_path / "saved.dump")
        assert saved.read_bytes()[:5] == b"PGDMP"
    else:
        saved = db.backup(filled)
        with db.open_database(saved) as copied:
            assert_geodataframe_equal(db.query(copied), db.query(filled))
        assert not list(saved.parent.glob(f"{saved.name}-*"))
    with pytest.raises(DatabaseError, match="already"):
        db.backup(filled, to=saved)


def test_check_finds_and_repairs(filled: db.Database) -> None:
    assert db.check(filled).empty
    ids = db.query(filled)["id"]
    bow = shapely.MultiPolygon([shapely.Polygon([(7, 46), (7.01, 46.01), (7.01, 46), (7, 46.01)])])
    with filled.write() as connection:
        shape = encode(np.array([bow], dtype=object), filled.backend)[0]
        connection.execute(sa.update(landslide).where(landslide.c.id == ids[3]).values(geom=shape))
        connection.execute(sa.update(landslide).where(landslide.c.id == ids[4]).values(area_m2=5))
    found = db.check(filled)
    assert dict(zip(found["rule"], found["row"], strict=True)) == {"outline valid": ids[3], "area right": ids[4]}
    assert not found["repaired"].any()
    assert db.check(filled, repair=True)["repaired"].all()
    assert db.check(filled).empty
    mended = db.query(filled).set_index("id")
    assert mended.geometry.is_valid.all()
    assert db.history(filled, ids[3])["version"].to_list()[-1] == 3
    assert mended.loc[ids[4], "area_m2"] == pytest.approx(mended.loc[ids[5], "area_m2"], rel=1e-3)


def test_the_command_line(target: Path | str, tmp_path: Path) -> None:
    with db.open_database(target, create=True) as database:
        add(database, squares(5), RUN)
        first = db.query(database)["id"].iloc[0]
    where = ("--database", target, "--json")
    terminal = CliRunner()

    def ask(*arguments: object, code: int = 0) -> dict[str, object]:
        done = terminal.invoke(app, ["db", *map(str, arguments)])
        assert done.exit_code == code, done.stderr
        return dict(json.loads(done.stdout))

    assert ask("info", *where)["rows"]["landslide"] == 5  # type: ignore[index]
    decided = ask("review", first, "--status", "confirmed", "--by", "eva", "--why", "seen", *where)
    assert decided["version"] == 2
    found = ask("query", "--where", "status = 'confirmed'", "--bbox", "6,45,9,48", *where)
    assert found["landslides"]["features"][0]["properties"]["id"] == first  # type: ignore[index]
    assert [v["properties"]["version"] for v in ask("history", first, *where)["versions"]["features"]] == [1, 2]  # type: ignore[index]
    assert ask("check", *where)["findings"] == []
    assert ask("copy", target, tmp_path / "copy.gpkg", "--json")["rows"]["landslide"] == 5  # type: ignore[index]
    assert ask("backup", "--out", tmp_path / "saved", *where)["outputs"] == {"backup": str(tmp_path / "saved")}
    assert "nearest is area_m2" in str(ask("query", "--where", "area > 1", *where, code=2)["error"])


def test_boxes_are_those_of_the_outlines(database: db.Database) -> None:
    add(database, squares(5))
    with database.read() as connection:
        rows = connection.execute(select_boxes(landslide, [landslide.c.id], database.backend)).fetchall()
    found = {of: (west, south, east, north) for of, west, east, south, north in rows}
    table = db.query(database).set_index("id")
    assert found.keys() == set(table.index)
    for of, box in found.items():
        assert box == pytest.approx(table.geometry[of].bounds, abs=1e-5)


def test_what_the_views_differ_on_waits_first_then_what_lies_near_the_threshold(database: db.Database) -> None:
    polygons = squares(4).assign(mean_deviation=[0.1, 0.3, None, None], mean_probability=[0.9, 0.9, 0.8, 0.55])
    add(database, polygons)
    found = next_landslides(database, db.Filters(), QueueOrder.UNCERTAINTY, 10)
    order = np.round((found.geometry.bounds["minx"] - 7) / 0.01).astype(int)
    assert order.to_list() == [1, 0, 3, 2]
