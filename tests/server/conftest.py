"""A workspace of the synthetic world, as `tsmu map` leaves it, and the server on it."""

import shutil
import uuid
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from playwright.sync_api import expect
from rasterio.features import shapes
from rasterio.shutil import copy as copy_raster
from rasterio.windows import Window
from starlette.testclient import TestClient

from tests.conftest import require
from tests.database.conftest import RUN
from tests.server.serving import serving
from tsmu.database import Database, SceneRecord, add_run, open_database, query
from tsmu.issues import IssueLog
from tsmu.server import PAGE_FOLDER, ServerContext, make_app
from tsmu.synthetic.scenes import write_scene
from tsmu.synthetic.world import World
from tsmu.workspace_folder import WorkspaceFolder

SIDE = 256
Client = Callable[..., TestClient]
Open = Callable[..., Any]
WAIT = 20_000  # ms


@pytest.fixture(scope="session")
def surveyed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with one mapped scene, whose candidates are the true landslides and some false ones."""
    root = tmp_path_factory.mktemp("review") / "survey"
    space = WorkspaceFolder.create(root)
    folder = write_scene(World(), root / "scenes" / "valley", Window(0, 0, SIDE, SIDE))
    with rasterio.open(folder / "truth.tif") as truth:
        mask, transform, crs = truth.read(1), truth.transform, truth.crs
        outline = shapely.box(*truth.bounds)
    found = np.maximum(mask, np.roll(mask, 60, axis=1))  # some in the wrong place
    places = [shapely.geometry.shape(s) for s, value in shapes(found, mask=found > 0, transform=transform) if value]
    polygons = geopandas.GeoDataFrame(geometry=[p for p in places if p.area > 2000], crs=crs)
    polygons["max_probability"] = 0.9
    polygons["mean_probability"] = np.linspace(0.5, 0.9, len(polygons))
    out = space.maps / "valley"
    out.mkdir(parents=True)
    percent = (found * 80 + 5).astype(np.uint8)
    percent[:8] = 255
    profile = {"driver": "GTiff", "count": 1, "dtype": "uint8", "nodata": 255, "crs": crs, "transform": transform}
    with rasterio.open(root / "plain.tif", "w", height=SIDE, width=SIDE, **profile) as dataset:
        dataset.write(percent, 1)
    copy_raster(root / "plain.tif", out / "probability.tif", driver="COG")
    (root / "plain.tif").unlink()
    footprint = geopandas.GeoSeries([outline], crs=crs).to_crs(4326).iloc[0]
    post, pre = (space.stored_path(folder / f"{name}.tif") for name in ("post", "pre"))
    seen = SceneRecord("valley", footprint, post, pre, date(2024, 4, 1), date(2024, 5, 1), 10.0)
    with open_database(root / "landslides.gpkg", create=True) as records:
        add_run(records, polygons, seen, RUN, IssueLog("test"))
    return root


@pytest.fixture
def survey(surveyed: Path, tmp_path: Path) -> WorkspaceFolder:
    """A copy of it of the test's own."""
    return WorkspaceFolder.open(shutil.copytree(surveyed, tmp_path / "survey"))


@pytest.fixture(scope="module")
def served(surveyed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[WorkspaceFolder, str]]:
    """A workspace of the file's own and the address of the server on it; each test decides on what is left."""
    survey = WorkspaceFolder.open(shutil.copytree(surveyed, tmp_path_factory.mktemp("page") / "survey"))
    with serving(survey, "--write", "--reviewer", "eva") as (address, _):
        yield survey, address


@pytest.fixture
def records(survey: WorkspaceFolder) -> Iterator[Database]:
    with open_database(survey.database) as opened:
        yield opened


@pytest.fixture
def client(survey: WorkspaceFolder, records: Database) -> Client:
    """Make a client of a server on the workspace; what is given are the server's settings."""

    def make(**settings: Any) -> TestClient:
        app = make_app(ServerContext(records, survey, **{"write": True, "reviewer": "eva"} | settings))
        return TestClient(app, base_url="http://localhost", headers={"X-Tsmu": "1"}, raise_server_exceptions=False)

    return make


def first(records: Database, place: int = 0) -> tuple[str, int]:
    """A landslide's id and version."""
    row = query(records).sort_values("id").iloc[place]
    return str(row["id"]), int(row["version"])


def decision(action: str, *landslides: tuple[str, int], **more: Any) -> dict[str, Any]:
    """The body of a decision."""
    return {"id": str(uuid.uuid4()), "action": action, "landslides": dict(landslides)} | more


@pytest.fixture
def open_page(browser: Any) -> Iterator[Open]:
    """Open the page of a server; what its scripts or its content security policy complain of fails the test."""
    require((PAGE_FOLDER / "index.html").is_file(), "the review page (make page)")
    expect.set_options(timeout=WAIT)
    complaints: list[str] = []
    contexts = []

    def start(
        address: str,
        width: int = 1280,
        height: int = 800,
        *,
        ready: bool = True,
        introduced: bool = True,
        **options: Any,
    ) -> Any:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        if introduced:  # the first steps, which lie over the page, were closed earlier
            context.add_init_script("localStorage.setItem('tsmu.page.introduced', 'true')")
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(WAIT)
        page.on("pageerror", lambda error: complaints.append(f"{error} {error.stack}"))
        page.on("console", lambda line: complaints.append(line.text) if _complains(line) else None)
        page.goto(address)
        if ready:
            page.wait_for_selector("body[data-ready=yes]")
        return page

    yield start
    for context in contexts:
        context.close()
    assert not complaints


def _complains(line: Any) -> bool:
    expected = ("net::ERR_", "401", "409", "422")  # servers are killed and refuse in these tests
    return line.type == "error" and not any(word in line.text for word in expected)
