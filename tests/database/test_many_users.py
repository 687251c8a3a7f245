"""Many write and read at once: they wait instead of failing, and no write is lost."""

import time
from collections import Counter
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from tests.database.conftest import RUN, scene, squares
from tests.database.test_building import add
from tests.processes import FORKED
from tsmu import database as db
from tsmu.database import review_table as review

PLACE = db.Filters(bbox=(7, 46, 7.02, 46.1))  # the landslides there are what all of them want
Target = Path | str


def write(target: Target, name: str, start: Barrier, seconds: float, told: Connection) -> None:
    """Bring in runs, small and large, and review what everybody reviews."""
    runs, versions = [], []
    with db.open_database(target) as database:
        start.wait()
        until = time.time() + seconds
        while time.time() < until:
            count = 1100 if len(runs) % 5 == 4 else 20
            runs.append(add(database, squares(count), RUN, scene(f"{name} {len(runs)}")).run_id)
            ids = db.query(database, PLACE)["id"]
            versions += [(some, db.review(database, some, status="confirmed", by=name, why="seen")) for some in ids]
    told.send((runs, versions))


def read(target: Target, name: str, start: Barrier, seconds: float, told: Connection) -> None:
    """Ask the same again and again; what was there once stays, with a version that never falls."""
    reads: list[str] = []
    known: dict[str, int] = {}
    with db.open_database(target) as database:
        start.wait()
        until = time.time() + seconds
        while time.time() < until:
            found = db.query(database, PLACE)
            assert found["id"].is_unique
            now = dict(zip(found["id"], found["version"], strict=True))
            assert all(now.get(some, 0) >= version for some, version in known.items())
            known = now
            reads.append(name)
    told.send((reads, []))


def several(target: Target, writers: int, readers: int, seconds: float) -> None:
    with db.open_database(target, create=True) as database:
        add(database, squares(2))
    start, processes = FORKED.Barrier(writers + readers), []
    for number in range(writers + readers):
        hearing, told = FORKED.Pipe(duplex=False)
        work = write if number < writers else read
        given = (target, f"{work.__name__} {number}", start, seconds, told)
        process = FORKED.Process(target=work, args=given)
        process.start()
        processes.append((process, hearing))
        told.close()
    answers = [hearing.recv() for _, hearing in processes]  # EOFError: it failed, and said why on stderr
    for process, _ in processes:
        process.join()
    assert [process.exitcode for process, _ in processes] == [0] * len(processes)
    runs = [run for found, _ in answers[:writers] for run in found]
    versions = [one for _, found in answers for one in found]
    reads = sum(len(found) for found, _ in answers[writers:])
    with db.open_database(target) as database:
        assert db.check(database).empty
        with database.read() as connection:
            there = set(connection.exec_driver_sql("SELECT id FROM run").scalars())
            entries = connection.execute(review.select().where(review.c.decision == "decided")).fetchall()
        found = db.query(database, PLACE)
    assert there >= set(runs)
    assert len(there) == len(runs) + 1
    assert len(entries) == len(versions) == len(set(versions))  # no two were given the same version
    made = Counter(some for some, _ in versions)
    assert dict(zip(found["id"], found["version"] - 1, strict=True)) == made  # each counts up by one
    assert reads >= readers
    print(f"{writers} writers: {len(runs)} runs, {len(versions)} reviews; {readers} readers: {reads} reads")


def create(target: Path, offset: float, start: Barrier) -> None:
    """Open a database that is not there yet, and bring in a run."""
    start.wait()
    with db.open_database(target, create=True) as database:
        add(database, squares(3, offset), RUN, scene(f"{offset}"))


def test_of_two_that_create_a_database_neither_loses_what_it_brings_in(tmp_path: Path) -> None:
    for attempt in range(2):
        target, start = tmp_path / f"{attempt}.gpkg", FORKED.Barrier(2)
        processes = [FORKED.Process(target=create, args=(target, offset, start)) for offset in (0.0, 0.5)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        assert [process.exitcode for process in processes] == [0, 0]
        with db.open_database(target) as database:
            assert len(db.query(database)) == 6
            assert db.check(database).empty
        assert [path.name for path in tmp_path.glob(f"*{attempt}*")] == [target.name]


def test_two_writers_and_two_readers(target: Target) -> None:
    several(target, 2, 2, 4)


@pytest.mark.soak
def test_two_writers_and_four_readers_for_a_minute(tmp_path: Path) -> None:
    several(tmp_path / "landslides.gpkg", 2, 4, 60)


@pytest.mark.soak
def test_eight_writers_and_eight_readers_for_a_minute(postgis: str) -> None:
    several(postgis, 8, 8, 60)
