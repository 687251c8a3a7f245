"""What another program wrote into a GeoPackage and no database of ours would: one line, and the rest is repaired."""

import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import shapely
from typer.testing import CliRunner

from tests.database.conftest import scene, squares
from tests.database.test_building import add
from tsmu import database as db
from tsmu.cli import app
from tsmu.database.storage import encode


@pytest.fixture
def edited(tmp_path: Path) -> Path:
    """A database of five landslides; the first ones are spoilt by the tests."""
    path = tmp_path / "landslides.gpkg"
    with db.open_database(path, create=True) as database:
        add(database, squares(5), seen=scene(date_post=date(2018, 7, 5)))
    return path


def edit(path: Path, *statements: str) -> None:
    """Change a GeoPackage without its rules, as a program does that knows nothing of them."""
    with closing(sqlite3.connect(path)) as connection:
        names = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in names:
            connection.execute(f'DROP TRIGGER "{name}"')
        connection.execute("PRAGMA ignore_check_constraints = ON")
        for statement in statements:
            connection.execute(statement)
        for _, sql in names:
            connection.execute(sql)
        connection.commit()


@pytest.mark.parametrize(
    ("column", "text"), [("date_max", "05/07/2018"), ("changed_at", "05/07/2018 12:00"), ("date_max", "2018-07")]
)
def test_a_day_of_another_form_is_one_line(edited: Path, tmp_path: Path, column: str, text: str) -> None:
    edit(edited, f"UPDATE landslide SET {column} = '{text}' WHERE fid = 1")
    found = CliRunner().invoke(app, ["db", "check", "--database", str(edited)])
    assert found.exit_code == 3
    assert f"{column} is '{text}'" in found.stdout
    with db.open_database(edited) as database, database.read() as connection:
        some = connection.exec_driver_sql("SELECT id FROM landslide WHERE fid = 1").scalar_one()
    for command in (
        ["query"], ["export", str(tmp_path / "new.geojson")], ["export", str(tmp_path / "new.gpkg")], ["history", some],
    ):  # fmt: skip
        done = CliRunner().invoke(app, ["db", *command, "--database", str(edited)])
        assert done.exit_code == 2, done.output
        (line,) = done.stderr.splitlines()
        assert line.startswith(f"tsmu: {edited}: holds '{text}' instead of a day such as ")
        assert "tsmu db check" in line
    assert not list(tmp_path.glob("*new*"))
    other = CliRunner().invoke(app, ["db", "import", str(edited), "--database", str(tmp_path / "other.gpkg")])
    assert other.stderr.startswith(f"tsmu: {edited}: holds '{text}'")


def test_what_cannot_be_repaired_does_not_keep_the_rest_from_being_repaired(edited: Path) -> None:
    far = encode(np.array([shapely.multipolygons([shapely.box(7, 89, 7.01, 95)])], object), "sqlite")[0]
    edit(
        edited,
        f"UPDATE landslide SET geom = x'{bytes(far).hex()}' WHERE fid = 1",
        "UPDATE landslide SET date_max = '05/07/2018' WHERE fid = 2",
        "UPDATE landslide SET area_m2 = 1 WHERE fid IN (3, 4)",
        "UPDATE landslide SET status = 'sure' WHERE fid = 4",
    )
    with db.open_database(edited) as database:
        found = db.check(database, repair=True).groupby("rule")["repaired"].agg(list).to_dict()
        assert found["outline on Earth"] == [False]
        assert found["day readable"] == [False]
        assert found["rules kept"] == [False]
        assert found["area right"] == [True, False]
        again = db.check(database)
        assert again["rule"].tolist().count("area right") == 1
