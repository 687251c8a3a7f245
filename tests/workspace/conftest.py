"""Files as a user has them, and a workspace in which all of them are taken."""

import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import shapely
from rasterio.transform import from_origin

from tests.conftest import write_chips, write_raster
from tests.database.conftest import RUN, squares
from tests.imagery.made_scenes import SMALL, item, place, write_scene, write_static
from tests.imagery.stac_server import StacServer
from tsmu.database import SceneRecord, add_run, open_database, query, review
from tsmu.issues import IssueLog
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
    pixels = np.random.default_rng(0).integers(1, 255, (3, 60, 80), dtype=np.uint8)
    grid = {"crs": "EPSG:4326", "transform": from_origin(6.99, 46.02, 0.0005, 0.0005)}
    write_raster(folder / "ridge.tif", pixels, **grid)
    write_catalogue(folder)
    return folder


def write_catalogue(folder: Path) -> None:
    """Write a static catalogue with one scene before and one after an earthquake, and an inventory of that."""
    grids = {side: write_scene(folder, side, SMALL, (700_000, 3_000_000), 0) for side in ("pre", "post")}
    items = [
        item(side, day, 5, grids[side].footprint, side, "")
        for side, day in (("pre", "2019-05-20"), ("post", "2019-06-09"))
    ]
    write_static(StacServer(folder, items))
    (folder / "static").rename(folder / "catalog")
    middle = place(702_560, 2_997_440)
    (folder / "earthquake.csv").write_text(f"id,lat,lon,date\nquake,{middle.y},{middle.x},2019-06-02\n")


def decide_on_ridge(work: Workspace, post: Path) -> None:
    """Give a workspace a database in which somebody has confirmed one of two mapped landslides."""
    scene = SceneRecord("ridge", shapely.box(6.99, 45.99, 7.03, 46.02), str(post), date_post=date(2024, 5, 1))
    with open_database(work.folder.database, create=True) as database:
        add_run(database, squares(2), scene, RUN, IssueLog("test"))
        first = query(database).sort_values("area_m2")["id"].iloc[0]
        review(database, first, status="confirmed", by="eva", why="seen in the field")


@pytest.fixture(scope="session")
def surveyed(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a region map, events, pairs, labels and chips of one region, and a reviewed scene."""
    work = Workspace(tmp_path_factory.mktemp("workspaces") / "andes")
    work.use_regions(files / "regions.gpkg", name_field="name")
    work.add_inventory(files / "events.csv", columns={"date": "When"})
    work.add_pairs(files / "shots")
    work.add_labels(files / "shots")
    work.build_chips(size=48)
    decide_on_ridge(work, files / "ridge.tif")
    return work.folder.root


@pytest.fixture
def work(surveyed: Path, tmp_path: Path) -> Workspace:
    """A copy of it of the test's own."""
    return Workspace(shutil.copytree(surveyed, tmp_path / "andes"))


@pytest.fixture
def empty(tmp_path: Path) -> Workspace:
    """A workspace with nothing in it."""
    return Workspace(tmp_path / "empty")
