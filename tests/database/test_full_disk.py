"""A disk that fills up is told in one line that names the file, and nothing half-written is left."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.conftest import require
from tests.database.conftest import squares
from tests.database.test_building import add
from tsmu import database as db
from tsmu.cli import app


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "large.gpkg"
    with db.open_database(path, create=True) as database:
        add(database, squares(3000))
    return path


@pytest.fixture
def small_disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A file system of some kilobytes; only root may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={request.param}k", "tmpfs", str(folder)]
    require(subprocess.run(command, capture_output=True, check=False).returncode == 0, "permission to mount a tmpfs")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize(
    ("small_disk", "command"),
    [
        (400, ["backup", "--out", "saved.gpkg"]),
        (64, ["export", "new.gpkg"]),  # it is full while GDAL makes the layers,
        (1500, ["export", "new.gpkg"]),  # or while rows are copied
        (64, ["export", "new.geojson"]),
        (64, ["export", "new.fgb"]),
        (64, ["export", "new.shp"]),
        (64, ["export", "new.parquet"]),
        (64, ["export", "new.csv", "--layout", "usgs"]),
    ],
    indirect=["small_disk"],
)
def test_a_full_disk_is_one_line_that_names_the_file(large: Path, small_disk: Path, command: list[str]) -> None:
    names = [str(small_disk / word) if word.startswith(("saved.", "new.")) else word for word in command]
    done = CliRunner().invoke(app, ["db", *names, "--database", str(large)])
    assert done.exit_code == 2, done.output
    (line,) = done.stderr.splitlines()
    name = next(word for word in names if word.startswith(str(small_disk)))
    assert line.startswith(f"tsmu: {name}: ")
    assert "make room" in line
    assert not list(small_disk.iterdir())


@pytest.mark.parametrize("small_disk", [400, 1500], indirect=True)
def test_a_database_is_made_whole_or_not_at_all(large: Path, small_disk: Path) -> None:
    done = CliRunner().invoke(app, ["db", "copy", str(large), str(small_disk / "copy.gpkg")])
    assert (done.exit_code, len(done.stderr.splitlines())) == (2, 1)
    assert done.stderr.startswith(f"tsmu: {small_disk / 'copy.gpkg'}: ")
    assert not list(small_disk.iterdir())
