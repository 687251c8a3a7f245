"""Inventories of which a person says which column is what."""

from pathlib import Path

import pytest
import shapely
import sqlalchemy as sa
from typer.testing import CliRunner

from tests.database.conftest import squares
from tsmu import database as db
from tsmu.cli import app
from tsmu.database import event_table as event
from tsmu.database.storage import decode
from tsmu.errors import DatabaseError, InventoryError
from tsmu.workspace import LandslideDatabase


def test_columns_that_a_person_names_are_read_as_said(tmp_path: Path) -> None:
    records = LandslideDatabase(tmp_path / "landslides.gpkg")
    points = tmp_path / "points.csv"
    points.write_text("id,easting,northing,seen\n1,8.1,46.2,2021-08-03\n")
    command = ["db", "import", str(points), "--database", str(records.place)]
    refused = CliRunner().invoke(app, command)
    assert refused.exit_code == 2
    assert "name them with --columns latitude=COLUMN,longitude=COLUMN" in refused.stderr
    done = CliRunner().invoke(app, [*command, "--columns", "latitude=northing,longitude=easting,date=seen"])
    assert done.exit_code == 0, done.output
    squares(2).assign(seen="2021-08-03").to_file(tmp_path / "slides.geojson")
    records.add_file(tmp_path / "slides.geojson", columns={"date": "seen"}, by="eva")
    assert records.query()["date_min"].dt.strftime("%F").tolist() == ["2021-08-03"] * 2
    with db.open_database(tmp_path / "landslides.gpkg") as database, database.read() as connection:
        (stored,) = connection.execute(sa.select(event.c.date_min, event.c.geom)).all()
    assert stored[0].isoformat() == "2021-08-03"
    assert shapely.get_coordinates(decode([stored[1]])).tolist() == [[8.1, 46.2]]
    with pytest.raises(InventoryError, match="no role 'when'"):
        records.add_file(tmp_path / "slides.geojson", columns={"when": "seen"})


def test_columns_are_not_named_for_what_tsmu_wrote(tmp_path: Path) -> None:
    records = LandslideDatabase(tmp_path / "landslides.gpkg")
    squares(2).to_file(tmp_path / "slides.geojson")
    records.add_file(tmp_path / "slides.geojson")
    records.export(tmp_path / "own.geojson")
    records.backup(tmp_path / "own.gpkg")
    for name in ("own.geojson", "own.gpkg"):
        with pytest.raises(
            DatabaseError, match=f"{name}: was written by tsmu, which knows its columns; leave `columns`"
        ):
            records.add_file(tmp_path / name, columns={"date": "date_min"})


def test_of_a_polygon_that_stands_twice_no_message_says_that_both_are_kept(tmp_path: Path) -> None:
    frame = squares(2).iloc[[0, 0, 1]].assign(id=["a", "a", "b"])
    frame.to_file(tmp_path / "slides.geojson")
    report = LandslideDatabase(tmp_path / "landslides.gpkg").add_file(tmp_path / "slides.geojson")
    assert (report.added["landslide"], report.left_out) == (2, 1)
    assert {issue.action for issue in report.issue_list} == {"both read", "left out"}
