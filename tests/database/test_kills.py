"""Work of every kind is killed at random moments: the database is clean, and every acknowledged write is there."""

import contextlib
import gzip
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.database.conftest import RUN, scene, squares
from tests.database.drawing import cells, draw, live, same
from tests.database.test_building import add, counts, table
from tests.database.test_versions import as_schema_0004
from tests.processes import FORKED
from tsmu import database as db
from tsmu.database import observation_table as observation
from tsmu.database import scene_table as scene_table
from tsmu.issues import IssueLog

PIECES = 3  # of work, during which the kill comes at a random moment
ROWS = (20, 1100)  # of a file or run: inserted one by one, and in bulk
STORED = {  # rows in the file that tsmu wrote at schema 0002
    "scene": 1, "run": 2, "mapped_area": 2, "landslide": 3, "observation": 6, "landslide_version": 3, "review": 2
}  # fmt: skip
Say = Callable[[object], None]


@dataclass
class World:
    """What the work is done on: a database, and a folder for files."""

    target: Path | str
    folder: Path
    known: dict[str, Any] = field(default_factory=dict)

    def opened(self) -> db.Database:
        return db.open_database(self.target)


class Run:
    """Mapping runs come in."""

    def prepare(self, world: World) -> None:
        pass

    def work(self, world: World, say: Say) -> None:
        with world.opened() as database:
            for number in count():
                rows = ROWS[number % 2]
                seen = scene(f"{os.getpid()}-{number}-{rows}")
                say(add(database, squares(rows, 0.01 * number), RUN, seen).observations and seen.name)

    def check(self, world: World, said: list[Any]) -> None:
        with world.opened() as database:
            assert db.check(database).empty
            scenes = table(database, scene_table).set_index("id")["name"]
            found = table(database, observation)["scene_id"].map(scenes).value_counts().to_dict()
        assert set(said) <= {name.partition(",")[0] for name in scenes}  # a file's scene names its layer too
        for name, rows in found.items():  # whole or not at all
            assert rows == int(name.partition(".")[0].split("-")[2]), name
        assert set(found) == set(scenes)


class Import(Run):
    """Files are imported."""

    def work(self, world: World, say: Say) -> None:
        with world.opened() as database:
            for number in count():
                rows = ROWS[number % 2]
                path = world.folder / f"{os.getpid()}-{number}-{rows}.geojson"
                squares(rows, 0.01 * number).to_file(path)
                db.import_file(database, path, IssueLog(path))
                say(path.name)


class Merge:
    """Observations are merged, and the merging is undone."""

    def prepare(self, world: World) -> None:
        with world.opened() as database:
            for year in (2014, 2015):
                draw(database, year, *(cells(10 * i, 0, 10 * i + 4 + year % 2, 4) for i in range(300)))
            before = live(database)
            db.merge(database, by="eva")
            world.known["states"] = (before, live(database))
            db.undo_merge(database, by="eva")

    def work(self, world: World, say: Say) -> None:
        with world.opened() as database:
            while True:
                say(("made", db.merge(database, by="killed").merging_id))
                say(("undone", db.undo_merge(database, by="killed").merging_id))

    def check(self, world: World, said: list[Any]) -> None:
        with world.opened() as database:
            assert db.check(database).empty
            assert any(same(live(database), state) for state in world.known["states"])
            with database.read() as connection:
                rows = dict(map(tuple, connection.exec_driver_sql("SELECT id, undone_by FROM merging")))
        for done, merging_id in said:
            assert merging_id is None or (merging_id in rows if done == "made" else rows[merging_id] == "killed")


class Review:
    """Landslides are reviewed."""

    def prepare(self, world: World) -> None:
        with world.opened() as database:
            add(database, squares(50))
            world.known["ids"] = db.query(database)["id"].to_list()

    def work(self, world: World, say: Say) -> None:
        with world.opened() as database:
            for number in count():
                some = world.known["ids"][number % 50]
                status = ("confirmed", "rejected")[number // 50 % 2]
                say((some, db.review(database, some, status=status, by=f"{os.getpid()}", why="seen")))

    def check(self, world: World, said: list[Any]) -> None:
        with world.opened() as database:
            assert db.check(database).empty
            for some, version in said[-20:]:
                assert version in set(db.history(database, some)["version"])
            with database.read() as connection:
                entries = connection.exec_driver_sql("SELECT count(*) FROM review").scalar_one()
                versions = connection.exec_driver_sql("SELECT count(*) FROM landslide_version").scalar_one()
        world.known["said"] = world.known.get("said", 0) + len(said)
        assert entries == versions >= world.known["said"]  # no version without its entry, none lost


class Upgrade:
    """Files of an older schema are opened; what was killed is opened again."""

    def prepare(self, world: World) -> None:
        pass

    def work(self, world: World, say: Say) -> None:
        old = gzip.decompress((Path(__file__).parent / "stored" / "schema_0002.gpkg.gz").read_bytes())
        for number in count():
            path = world.folder / f"{number}.old"
            path.write_bytes(old)
            path = path.rename(world.folder / f"{number}.gpkg")
            db.open_database(path).close()
            say(path.name)

    def check(self, world: World, said: list[Any]) -> None:
        for name in said[-3:]:
            with db.open_database(world.folder / name) as database:
                assert database.backup is None
                assert counts(database) == STORED
        last = world.folder / f"{len(said)}.gpkg"  # at this one it was killed
        if last.exists():
            with db.open_database(last) as database:
                assert counts(database) == STORED
                assert db.check(database).empty
        for path in world.folder.iterdir():
            path.unlink()


class Reopen:
    """A database is taken one schema back, and opened again."""

    def prepare(self, world: World) -> None:
        with world.opened() as database:
            add(database, squares(50))
            world.known["counts"] = counts(database)

    def work(self, world: World, say: Say) -> None:
        os.chdir(world.folder)  # where a server's backups go
        for number in count():
            with world.opened() as database:
                as_schema_0004(database)
            world.opened().close()
            say(number)

    def check(self, world: World, said: list[Any]) -> None:
        del said
        with contextlib.chdir(world.folder), world.opened() as database:
            assert counts(database) == world.known["counts"]
            assert db.check(database).empty


class Copy:
    """A database is copied; a copy that was killed is made again."""

    def prepare(self, world: World) -> None:
        with world.opened() as database:
            add(database, squares(1500))
            world.known["counts"] = counts(database)

    def work(self, world: World, say: Say) -> None:
        with world.opened() as database:
            for number in count():
                db.copy(database, world.folder / f"{number}.gpkg")
                say(number)

    def check(self, world: World, said: list[Any]) -> None:
        with world.opened() as database:
            killed = world.folder / f"{len(said)}.gpkg"
            if not killed.exists():
                db.copy(database, killed)
            for path in {killed, world.folder / f"{max(said, default=len(said))}.gpkg"}:
                with db.open_database(path) as copied:
                    assert counts(copied) == world.known["counts"]
                    assert db.check(copied).empty
        for path in world.folder.iterdir():
            path.unlink()


VERBS: dict[str, Any] = {one.__name__.lower(): one() for one in (Run, Import, Merge, Review, Upgrade, Reopen, Copy)}


def _work(verb: str, world: World, said: Any) -> None:
    said.send("ready")
    VERBS[verb].work(world, said.send)


def killed(verb: str, world: World, times: int) -> None:
    """Kill the work of a verb so many times, and look at what it left each time."""
    chance = random.Random(verb)
    with db.open_database(world.target, create=True):
        pass
    VERBS[verb].prepare(world)
    acknowledged, seconds = 0, 0.0
    for _ in range(times):
        hearing, saying = FORKED.Pipe(duplex=False)
        process = FORKED.Process(target=_work, args=(verb, world, saying))
        process.start()
        saying.close()
        assert hearing.recv() == "ready"
        if not seconds:  # the first one shows how long a piece of work takes here, and is killed in its second
            started = time.monotonic()
            assert hearing.poll(120)
            seconds = time.monotonic() - started
            time.sleep(chance.uniform(0, seconds))
        else:
            time.sleep(chance.uniform(0, PIECES * seconds))
        assert process.is_alive()
        process.kill()
        process.join()
        said: list[Any] = []
        with contextlib.suppress(EOFError):
            while True:
                said.append(hearing.recv())
        VERBS[verb].check(world, said)
        acknowledged += len(said)
    print(f"{verb}: {times} kills, {acknowledged} acknowledged")


@pytest.fixture
def world(target: Path | str, tmp_path: Path) -> World:
    folder = tmp_path / "files"
    folder.mkdir()
    return World(target, folder)


@pytest.mark.parametrize("verb", VERBS)
def test_killed_work_is_whole_or_not_there(verb: str, world: World) -> None:
    killed(verb, world, 1)


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("verb", VERBS)
def test_fifty_kills(verb: str, world: World) -> None:
    killed(verb, world, int(os.environ.get("TSMU_KILLS", "50")))
