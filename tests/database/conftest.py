"""Databases of both kinds for the tests: a GeoPackage, and PostGIS on a real server started here."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely
import sqlalchemy as sa

from tests.conftest import require
from tsmu import database as db
from tsmu.database import Database, RunRecord, SceneRecord, open_database
from tsmu.database import event_table as event
from tsmu.database import landslide_table as landslide
from tsmu.issues import IssueLog

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
RUN = RunRecord("v001", "abc", "alps", "alps", 50, "torch", {"tile": 512})


def scene(name: str = "scene", **more: object) -> SceneRecord:
    return SceneRecord(name, shapely.box(6, 45, 9, 48), f"{name}.tif", **more)  # type: ignore[arg-type]


def squares(count: int, offset: float = 0.0) -> geopandas.GeoDataFrame:
    """Squares of 0.005 degrees side by side, 0.01 degrees apart."""
    shapes = [shapely.box(7 + 0.01 * i + offset, 46, 7.005 + 0.01 * i + offset, 46.005) for i in range(count)]
    values = {"max_probability": 0.9, "mean_probability": np.linspace(0.5, 0.8, count)}
    return geopandas.GeoDataFrame(values, index=range(count), geometry=shapes, crs=4326)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a PostgreSQL server's maintenance database; the server runs as an unprivileged user."""
    require(bool(PROGRAMS), "a PostgreSQL server with PostGIS (Debian: postgresql-15-postgis-3)")
    programs = PROGRAMS[-1]
    require(
        (Path("/usr/share/postgresql") / programs.parent.name / "extension" / "postgis.control").exists(), "PostGIS"
    )
    folder = Path(tempfile.mkdtemp(prefix="tsmu-pg-"))
    user: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        user = ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = folder / "data"
    initialise = [programs / "initdb", "-D", data, "-U", "tsmu", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
    subprocess.run([*user, *initialise], check=True, capture_output=True, cwd=folder)
    settings = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c timezone=Asia/Tokyo"
    control = [*user, programs / "pg_ctl", "-D", data, "-w"]
    subprocess.run(
        [*control, "-l", folder / "log", "-o", settings, "start"], check=True, capture_output=True, cwd=folder
    )
    try:
        yield f"postgresql://tsmu@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=False, capture_output=True, cwd=folder)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgis(server: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an empty database of its own."""
    name = f"t{abs(hash(request.node.nodeid))}"
    engine = sa.create_engine(server.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    yield server.replace("/postgres", f"/{name}")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    engine.dispose()


@pytest.fixture(params=["geopackage", "postgis"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Where a database may be made: a path, and again an address."""
    if request.param == "geopackage":
        return tmp_path / "landslides.gpkg"
    return str(request.getfixturevalue("postgis"))


@pytest.fixture
def database(target: Path | str) -> Iterator[Database]:
    """An empty database of each kind."""
    with open_database(target, create=True) as opened:
        yield opened


@pytest.fixture
def described(database: Database) -> Database:
    """Twelve landslides: one reviewed, one across two continents of digits, one with all that can be said."""
    polygons = squares(12)
    polygons.loc[3, "geometry"] = shapely.MultiPolygon(
        [shapely.box(-1e-5, -1e-5, 1 / 3, 1 / 7), shapely.box(1, 1, 2, 2)]
    )
    polygons.loc[4, "geometry"] = shapely.box(8, 46, 8.1, 46.1) - shapely.box(8.02, 46.02, 8.05, 46.05)
    polygons.loc[5, "geometry"] = shapely.box(179.9, -17, 180, -16.9)
    days = {"date_pre": date(2024, 4, 1), "date_post": date(2024, 5, 1)}
    db.add_run(database, polygons, scene(**days), RUN, IssueLog("test"))
    ids = db.query(database)["id"].tolist()
    db.review(database, ids[0], status="confirmed", by="=cmd|' /C calc'!A0", why='said "éàü", 漢字;\nnew line')
    db.review(database, ids[1], status="rejected", by="eva", why="a quarry")
    said = {"movement_type": "debris flow", "material": "debris", "trigger": "rainfall", "confidence": "likely"}
    stamp = {"version": 2, "author": "person", "changed_by": "-jo", "change_reason": "@noon"}
    with database.write() as connection:
        connection.execute(sa.insert(event), [{"id": "e1", "name": "Gaya", "trigger": "tropical cyclone"}])
        change = sa.update(landslide).where(landslide.c.id == ids[2])
        connection.execute(change.values(**said, **stamp, region=None, date_min=None))
    return database
