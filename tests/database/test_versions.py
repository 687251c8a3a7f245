"""Older databases are upgraded in place after a backup, newer and foreign ones refused."""

import gzip
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import geopandas
import pyogrio
import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory

from tests.database.conftest import scene, squares
from tests.database.test_building import NEWER, add, counts
from tsmu import database as db
from tsmu.database import TABLES, Action, open_database
from tsmu.database.opening import MIGRATIONS, head
from tsmu.database.opening import schema_versions as versions
from tsmu.database.storage import geopackage
from tsmu.errors import DatabaseError
from tsmu.issues import IssueLog

NEXT = '''
"""A step as later versions will have them."""
import sqlalchemy as sa
from alembic import op
revision, down_revision = "9999", "{head}"
def upgrade():
    op.add_column("landslide", sa.Column("volume_m3", sa.Double))
'''


def first_version(path: Path) -> geopandas.GeoDataFrame:
    """What the first `tsmu map` wrote: two runs of one scene, one record decided on in QGIS."""
    table = squares(6)
    table["id"] = [f"00000000-0000-4000-8000-{i:012}" for i in range(6)]
    table = table.assign(region="alps", scene="valley", date_pre="", date_post="2024-05-01", area_m2=1.0, threshold=50)
    table["bundle"] = ["v001-abcdef01"] * 3 + ["v002-12345678"] * 3
    table["status"] = ["confirmed", "sure", *["candidate"] * 4]
    table["area_m2"] = table.to_crs(32632).area
    table["created"] = "2024-05-02T00:00:00+00:00"
    names = ["id", "region", "scene", "bundle", "date_pre", "date_post", "area_m2", "max_probability"]
    names += ["mean_probability", "threshold", "status", "created", "geometry"]
    pyogrio.write_dataframe(
        table[names], path, layer="landslides", driver="GPKG", geometry_type="MultiPolygon",
        promote_to_multi=True, layer_options={"FID": "fid"},
    )  # fmt: skip
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    return table


def parts(path: Path) -> dict[str, str]:
    with closing(sqlite3.connect(path)) as connection:
        return dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"))


def test_migrations_are_named_after_the_versions_that_they_make() -> None:
    revisions = list(ScriptDirectory(str(MIGRATIONS)).walk_revisions())
    assert revisions[0].revision == head()
    for revision in revisions:
        assert Path(revision.path).name.startswith(f"v{revision.revision}_")


def test_the_first_version_becomes_one_of_today(tmp_path: Path) -> None:
    path, new = tmp_path / "landslides.gpkg", tmp_path / "new.gpkg"
    old = first_version(path).set_index("id")
    with open_database(new, create=True):
        pass
    with open_database(path) as database:
        assert database.backup is not None
        assert len(pyogrio.read_dataframe(database.backup)) == 6
        found = db.query(database).set_index("id")
        assert found.geometry.geom_equals(old.geometry.loc[found.index]).all()
        assert found["status"].value_counts().to_dict() == {"candidate": 5, "confirmed": 1}
        assert "status was 'sure'" in found["change_reason"].to_list()
        rows = {"scene": 1, "run": 2, "mapped_area": 2, "landslide": 6, "observation": 6}
        assert counts(database) == rows | {"landslide_version": 0, "review": 0}
        assert db.check(database).empty
        added = add(database, squares(6, 0.001), NEWER, scene("valley"))
        assert (added.redrawn, added.proposed) == (5, 1)
        assert len(db.query(database, db.Filters(bbox=(7.0, 46, 7.012, 46.1)))) == 2  # the R-tree follows
    assert parts(path) == parts(new)
    layers = {name for name, _ in pyogrio.list_layers(path)}
    assert layers == {name for name, _ in pyogrio.list_layers(new)}
    with open_database(path) as database:
        assert database.backup is None


def test_an_older_schema_is_migrated_in_place_with_its_triggers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "landslides.gpkg"
    with open_database(path, create=True) as database:
        add(database, squares(5))
    before = parts(path)
    later = shutil.copytree(MIGRATIONS, tmp_path / "migrations")
    (later / "versions" / "v9999_volume.py").write_text(NEXT.format(head=head()))
    monkeypatch.setattr(versions, "MIGRATIONS", later)
    with open_database(path) as database:
        assert database.backup is not None
        add(database, squares(5, 0.001), NEWER)
        assert set(db.query(database)["version"]) == {2}
        assert len(db.query(database, db.Filters(bbox=(7.0, 46, 7.012, 46.1)))) == 2
    after = parts(path)
    assert {name for name in after if after[name] != before.get(name)} == {"landslide"}
    assert "volume_m3" in after["landslide"]
    monkeypatch.undo()
    with pytest.raises(DatabaseError, match="newer than this tsmu"):
        open_database(path)


def test_a_newer_schema_on_a_server_is_refused(postgis: str) -> None:
    with open_database(postgis, create=True) as database, database.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseError, match="newer than this tsmu"):
        open_database(postgis)


def test_what_is_no_database_of_ours_is_told(tmp_path: Path, postgis: str) -> None:
    with pytest.raises(DatabaseError, match="no such database"):
        open_database(tmp_path / "none.gpkg")
    text = tmp_path / "text.gpkg"
    text.write_text("not a database " * 100)
    with pytest.raises(DatabaseError, match=r"text\.gpkg: not a GeoPackage"):
        open_database(text)
    foreign = tmp_path / "foreign.gpkg"
    pyogrio.write_dataframe(squares(2), foreign, layer="landslides")
    before = foreign.read_bytes()
    with pytest.raises(DatabaseError, match="not a landslide database"):
        open_database(foreign)
    assert foreign.read_bytes()[100:] == before[100:]
    with pytest.raises(DatabaseError, match="not a landslide database"):
        open_database(postgis)
    with pytest.raises(DatabaseError, match=r"nobody:\*\*\*@"):
        open_database("postgresql://nobody:secret@127.0.0.1:1/none")


def test_network_file_systems_are_known(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text("/dev/sda / ext4 rw 0 0\nserver:/x /mnt/my\\040share nfs4 rw 0 0\n/dev/sdb /mnt ext4 rw 0 0\n")
    assert geopackage.on_network(Path("/mnt/my share/a.gpkg"), mounts)
    assert not geopackage.on_network(Path("/mnt/other/a.gpkg"), mounts)
    assert not geopackage.on_network(tmp_path / "a.gpkg", tmp_path / "none")


def test_a_database_of_schema_0002_gets_reviews_and_merging(tmp_path: Path) -> None:
    """The stored file was written by tsmu at 0002: 3 landslides, one confirmed, redrawn by a newer run."""
    path = tmp_path / "landslides.gpkg"
    path.write_bytes(gzip.decompress((Path(__file__).parent / "stored" / "schema_0002.gpkg.gz").read_bytes()))
    with open_database(path) as database:
        assert database.backup is not None
        rows = {"scene": 1, "run": 2, "mapped_area": 2, "landslide": 3, "observation": 6, "landslide_version": 3}
        assert counts(database) == rows | {"review": 2}
        inspector = sa.inspect(database.engine)
        for table in TABLES:
            assert {c["name"] for c in inspector.get_columns(table.name)} == {c.name for c in table.columns}
        waiting = db.proposals(database)
        db.decline(database, waiting["id"].item(), by="eva", why="the field says otherwise")
        first = db.query(database, db.Filters(status=["candidate"]))["id"].iloc[0]
        db.review(database, first, status="rejected", by="eva", why="a quarry")
        assert len(db.history(database, first)) == 3
        second = db.query(database, db.Filters(status=["candidate"])).iloc[0]
        seen = {second["id"]: int(second["version"])}
        made = db.decide(database, db.DecisionRequest("d1", Action.ACCEPT, "eva", landslides=seen))
        seen = {second["id"]: made.changes[0].version_after}
        words = {"trigger": "rainfall"}
        db.decide(database, db.DecisionRequest("d2", Action.DESCRIBE, "eva", landslides=seen, attributes=words))
        with pytest.raises(DatabaseError, match="kept"), database.write() as connection:
            connection.exec_driver_sql("UPDATE landslide_version SET merged_into = id")
        assert db.check(database).empty
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def as_schema_0009(database: db.Database) -> None:
    """Take a database of today back to the schema in which an inventory's rows were not kept."""
    of = "" if database.path else " ON observation"
    with database.write() as connection:
        connection.exec_driver_sql(f"DROP TRIGGER observation_is_fixed{of}")
        for name in ("date_min", "date_max", "record", "attributes"):
            connection.exec_driver_sql(f"ALTER TABLE observation DROP COLUMN {name}")
        connection.exec_driver_sql("ALTER TABLE event DROP COLUMN attributes")
        connection.exec_driver_sql("ALTER TABLE run DROP COLUMN asked_at")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0009'")


def test_a_database_of_schema_0009_keeps_the_rows_of_inventories(
    target: Path | str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where a server's backup goes
    inventory = tmp_path / "slides.geojson"
    squares(3).assign(date=["2018", "2019", "2020"]).to_file(inventory)
    with open_database(target, create=True) as database:
        add(database, squares(3, 0.5))
        as_schema_0009(database)
    with open_database(target) as database:
        assert database.backup is not None and database.backup.exists()
        assert db.import_file(database, inventory, IssueLog(inventory)).added["observation"] == 3
        with database.read() as connection:
            found = connection.execute(sa.text("SELECT count(attributes), count(date_min) FROM observation")).one()
        assert tuple(found) == (3, 3)
        assert db.check(database).empty
        with pytest.raises(DatabaseError, match="kept"), database.write() as connection:
            connection.exec_driver_sql("UPDATE observation SET attributes = ''")


def as_schema_0005(database: db.Database) -> None:
    """Take a database of today back to the schema in which a scene had one shift."""
    as_schema_0009(database)
    with database.write() as connection:
        for name in ("pre_shift_east_m", "pre_shift_north_m"):
            connection.exec_driver_sql(f"ALTER TABLE scene DROP COLUMN {name}")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0005'")


def test_a_database_of_schema_0005_moves_the_image_before_apart(
    target: Path | str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where a server's backup goes
    shift = ["shift_east_m", "shift_north_m", "pre_shift_east_m", "pre_shift_north_m"]
    with open_database(target, create=True) as database:
        add(database, squares(3))
        scene_id = db.scenes(database)["id"].item()
        db.shift_scene(database, scene_id, 3.0, -4.0)
        as_schema_0005(database)
    with open_database(target) as database:
        assert database.backup is not None
        row = db.scene_by_id(database, scene_id)
        assert [row[name] for name in shift] == [3.0, -4.0, None, None]  # holds for both images, as before
        db.shift_scene(database, scene_id, 3.0, -4.0, (0.0, 7.5))
        row = db.scene_by_id(database, scene_id)
        assert [row[name] for name in shift] == [3.0, -4.0, 0.0, 7.5]
        with pytest.raises(DatabaseError, match="at most 1000 m"):
            db.shift_scene(database, scene_id, 0.0, 0.0, (0.0, 2000.0))
        assert db.check(database).empty
    with open_database(target) as database:
        assert database.backup is None


def as_schema_0004(database: db.Database) -> None:
    """Take a database of today back to the schema before the deviations."""
    as_schema_0005(database)
    with database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE observation DROP COLUMN mean_deviation")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0004'")


def test_a_database_of_schema_0004_takes_deviations(
    target: Path | str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where a server's backup goes
    with open_database(target, create=True) as database:
        add(database, squares(3))
        as_schema_0004(database)
    with open_database(target) as database:
        assert database.backup is not None and database.backup.exists()
        add(database, squares(2, 1).assign(mean_deviation=[0.1, 0.2]), NEWER)
        with database.read() as connection:
            found = connection.execute(sa.text("SELECT mean_deviation FROM observation ORDER BY fid")).scalars().all()
        assert found == [None, None, None, 0.1, 0.2]
        assert db.check(database).empty
        with pytest.raises(DatabaseError, match="kept"), database.write() as connection:
            connection.exec_driver_sql("UPDATE observation SET mean_deviation = 0.3")
    with open_database(target) as database:
        assert database.backup is None


def test_an_upgrade_leaves_triggers_and_index_as_in_a_new_file(tmp_path: Path) -> None:
    path = tmp_path / "landslides.gpkg"
    with open_database(path, create=True) as database:
        add(database, squares(3))
        now = parts(path)
        as_schema_0004(database)
    with open_database(path) as database, database.read() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM rtree_observation_geom")).scalar_one() == 3
    assert parts(path).keys() == now.keys()
    assert parts(path)["observation_is_fixed"] == now["observation_is_fixed"]


def test_what_is_saved_twice_in_a_second_is_there_twice(tmp_path: Path) -> None:
    with open_database(tmp_path / "landslides.gpkg", create=True) as database:
        assert len({db.backup(database) for _ in range(5)}) == 5
