"""Files as a user has them, and a workspace in which all of them are taken."""

import shutil
from pathlib import Path

import pytest

from tests.conftest import write_chips
from tsmu.synthetic import World, write_google_earth
from tsmu.workspace import Workspace

REGION = "eastern_forests"


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Region map, inventory, six labelled screenshot pairs, and ten ready-made chips with the same bands."""
    folder = tmp_path_factory.mktemp("files")
    drawn = World(0)
    regions = drawn.regions()
    regions.to_file(folder / "regions.gpkg", layer="regions")
    inside = regions.to_crs(4326).geometry.representative_point()
    rows = [f"e{n},{p.y:.5f},{p.x:.5f},2014-01-0{n + 1},{REGION}" for n, p in enumerate(inside)]
    (folder / "events.csv").write_text("\n".join(["id,lat,lon,When,region", *rows, "e9,99,7,2014-02-01,"]) + "\n")
    write_google_earth(drawn, folder / "shots", REGION, count=6, size=96)
    write_chips(folder / "chips" / "oregon", pre=True)
    return folder


@pytest.fixture(scope="session")
def surveyed(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a region map, events, pairs, labels and chips of one region."""
    work = Workspace(tmp_path_factory.mktemp("workspaces") / "andes")
    work.use_regions(files / "regions.gpkg", name_field="name")
    work.add_inventory(files / "events.csv", columns={"date": "When"})
    work.add_pairs(files / "shots")
    work.add_labels(files / "shots")
    work.build_chips(size=48)
    return work.folder.root


@pytest.fixture
def work(surveyed: Path, tmp_path: Path) -> Workspace:
    """A copy of it of the test's own."""
    return Workspace(shutil.copytree(surveyed, tmp_path / "andes"))


@pytest.fixture
def empty(tmp_path: Path) -> Workspace:
    """A workspace with nothing in it."""
    return Workspace(tmp_path / "empty")
