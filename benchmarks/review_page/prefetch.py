"""How many candidates a reviewer decides on in a minute, with and without loading the next images ahead.

A script decides in place of a person: it waits until the map has loaded all images of a candidate, pauses for a fixed
time, accepts the candidate, and continues with the next one. The queue is ordered with the least certain candidate
first, so that the map moves far each time. Blocks of decisions with and without loading ahead alternate, each in a new
browser with an empty cache. Loading ahead is prevented by making the browser seem to be never idle; the page itself is
the same.

The connection to a distant server is emulated by Chromium: each request takes a fixed time, and the bytes per second
are limited.
"""

import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import rasterio
import shapely
from rasterio.features import shapes
from rasterio.windows import Window

from tsmu.database import RunRecord, SceneRecord, add_run, open_database, query
from tsmu.errors import BenchmarkError
from tsmu.issues import IssueLog
from tsmu.synthetic import World, write_scene
from tsmu.workspace_folder import WorkspaceFolder

PIXEL_M = 1.0
SMALLEST_M2 = 30.0
TIMEOUT_MS = 120_000
BROWSER_OPTIONS = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]  # WebGL without a GPU
NEVER_IDLE = "window.requestIdleCallback = () => 0;"

# A JavaScript function that decides on a number of candidates. It returns for each candidate the milliseconds for which
# it waited for the images, and the number of tiles that came from the server meanwhile; and the milliseconds in all.
REVIEWER = """async ([count, thinking]) => {
  const map = document.getElementById("map");
  const shown = () => document.querySelector("#record .id")?.textContent;
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const loaded = async () => { do await frame(); while (map.getAttribute("aria-busy") !== "false"); };
  await loaded();
  const fetched = (since) => performance.getEntriesByType("resource").filter(({ name, startTime, transferSize }) =>
    startTime > since && transferSize > 0 && /\\/(pre|post)\\/\\d+\\//.test(name)).length;
  performance.setResourceTimingBufferSize(100000);
  const waits = [], tiles = [], begin = performance.now();
  for (let decided = 0; decided < count; decided++) {
    await new Promise((done) => setTimeout(done, thinking));
    const former = shown(), pressed = performance.now();
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "a", bubbles: true, cancelable: true }));
    while (shown() === former || !shown()) await frame();
    await loaded();
    waits.push(performance.now() - pressed);
    tiles.push(fetched(pressed));
  }
  return [waits, tiles, performance.now() - begin];
}"""

Announce = Callable[[str], None]


@dataclass(frozen=True)
class Connection:
    """A connection between the browser and the server.

    Attributes:
        name: name of the connection in the results.
        latency_ms: milliseconds that each request takes at least.
        bits_per_s: the most bits per second that the browser receives; 0 for no limit.
    """

    name: str
    latency_ms: int = 0
    bits_per_s: int = 0


CONNECTIONS = (Connection("same machine"), Connection("100 ms, 20 Mbit/s", 100, 20_000_000))


@dataclass(frozen=True)
class ReviewSettings:
    """The settings of the measurement.

    Attributes:
        decisions: number of decisions in each block.
        blocks: number of blocks with loading ahead, and of blocks without it, on each connection.
        thinking_s: seconds from a complete image to the decision.
        size: side of the scene, pixels.
    """

    decisions: int = 15
    blocks: int = 2
    thinking_s: float = 1.0
    size: int = 3000


def benchmark_prefetch(settings: ReviewSettings, announce: Announce) -> dict[str, Any]:
    """Run the measurement; the keys are those of `python -m benchmarks prefetch --json`.

    Args:
        settings: the settings of the measurement.
        announce: called with a line after each block.

    Returns:
        `settings`, `processor`, the number of `candidates`, and for each of the `connections` the figures `before`
        (without loading ahead) and `after` (with it).

    Raises:
        BenchmarkError: Chromium is not installed, or the scene has too few candidates.
    """
    chromium = shutil.which("chromium")
    if chromium is None:
        raise BenchmarkError("no browser: install chromium, which the script decides in")
    with tempfile.TemporaryDirectory() as folder:
        workspace = make_workspace(Path(folder) / "survey", settings.size)
        needed = settings.decisions * settings.blocks * 2 * len(CONNECTIONS)
        with open_database(workspace.database) as records:
            candidates = len(query(records))
        if candidates < needed + len(CONNECTIONS):
            raise BenchmarkError(f"{candidates} candidates for {needed} decisions: take a larger --size")
        with _serving(workspace) as address:
            results = [_measure(address, chromium, connection, settings, announce) for connection in CONNECTIONS]
    return {
        "settings": asdict(settings),
        "processor": _processor(),
        "candidates": candidates,
        "connections": {connection.name: result for connection, result in zip(CONNECTIONS, results, strict=True)},
    }


def prefetch_table(results: dict[str, Any]) -> str:
    """Write the results as lines of text."""
    settings = results["settings"]
    lines = [f"thinking {settings['thinking_s']:g} s; processor: {results['processor']}"]
    for name, both in results["connections"].items():
        for kind in ("before", "after"):
            figures = both[kind]
            lines.append(
                f"{name}, {kind} prefetch: {figures['per_minute']:.1f} candidates a minute, "
                f"waiting {figures['wait_ms_median']:.0f} ms for images (median; 90th percentile "
                f"{figures['wait_ms_p90']:.0f}) and {figures['tiles_waited_for_mean']:.1f} tiles from the server"
            )
    return "\n".join(lines)


def _measure(
    address: str, chromium: str, connection: Connection, settings: ReviewSettings, announce: Announce
) -> dict[str, Any]:
    """Run blocks without loading ahead (`before`) and with it (`after`) in turn; returns the figures of each kind."""
    waits: dict[str, list[float]] = {"before": [], "after": []}
    tiles: dict[str, list[int]] = {"before": [], "after": []}
    seconds = {"before": 0.0, "after": 0.0}
    for _ in range(settings.blocks):
        for kind in waits:
            block_waits, block_tiles, block_ms = _run_block(
                address, chromium, connection, settings, ahead=kind == "after"
            )
            waits[kind] += block_waits
            tiles[kind] += block_tiles
            seconds[kind] += block_ms / 1000
            announce(f"{connection.name}, {kind}: {len(block_waits)} decisions in {block_ms / 1000:.1f} s")
    return {
        kind: {
            "decisions": len(values),
            "per_minute": round(60 * len(values) / seconds[kind], 2),
            "wait_ms_median": round(statistics.median(values), 1),
            "tiles_waited_for_mean": round(statistics.mean(tiles[kind]), 2),
            "wait_ms_p90": round(float(np.percentile(values, 90)), 1),
        }
        for kind, values in waits.items()
    }


def _run_block(
    address: str, chromium: str, connection: Connection, settings: ReviewSettings, *, ahead: bool
) -> tuple[list[float], list[int], float]:
    """Run one block of decisions in a new browser; returns what `REVIEWER` returns.

    Args:
        address: address of the review server.
        chromium: path of the browser.
        connection: the connection to emulate.
        settings: the settings of the measurement.
        ahead: whether the page may load images ahead.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=BROWSER_OPTIONS)
        page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        page.set_default_timeout(TIMEOUT_MS)
        page.add_init_script("localStorage.setItem('tsmu.page.introduced', 'true')")
        if not ahead:
            page.add_init_script(NEVER_IDLE)
        network = page.context.new_cdp_session(page)
        network.send("Network.enable")
        bytes_per_s = connection.bits_per_s / 8 or -1
        network.send(
            "Network.emulateNetworkConditions",
            {
                "offline": False,
                "latency": connection.latency_ms,
                "downloadThroughput": bytes_per_s,
                "uploadThroughput": bytes_per_s,
            },
        )
        page.goto(address)
        page.wait_for_selector("body[data-ready=yes]")
        page.get_by_label("Order").select_option("uncertainty")
        page.locator("#map").click(position={"x": 2, "y": 2})  # so that keys are commands again
        page.wait_for_selector("#record .id")
        waits, tiles, whole = page.evaluate(REVIEWER, [settings.decisions, settings.thinking_s * 1000])
        page.get_by_text("all saved").wait_for()
        browser.close()
    return waits, tiles, whole


def make_workspace(root: Path, size: int) -> WorkspaceFolder:
    """Make a workspace with one scene of the synthetic world; its true landslides are candidates of random certainty.

    Args:
        root: folder of the workspace.
        size: side of the scene, pixels.
    """
    workspace = WorkspaceFolder.create(root)
    folder = write_scene(World(0), root / "scenes" / "valley", Window(0, 0, size, size))
    for path in folder.glob("*.tif"):
        with rasterio.open(path, "r+") as dataset:
            scale = PIXEL_M / dataset.transform.a
            dataset.transform = dataset.transform @ rasterio.Affine.scale(scale)
    with rasterio.open(folder / "truth.tif") as truth:
        mask, transform, crs = truth.read(1), truth.transform, truth.crs
        outline = shapely.box(*truth.bounds)
    places = [shapely.geometry.shape(s) for s, value in shapes(mask, mask=mask > 0, transform=transform) if value]
    polygons = geopandas.GeoDataFrame(geometry=[place for place in places if place.area >= SMALLEST_M2], crs=crs)
    polygons["mean_probability"] = np.random.default_rng(0).uniform(0.4, 0.9, len(polygons))
    polygons["max_probability"] = 0.9
    footprint = geopandas.GeoSeries([outline], crs=crs).to_crs(4326).iloc[0]
    post, pre = (workspace.stored_path(folder / f"{name}.tif") for name in ("post", "pre"))
    scene = SceneRecord("valley", footprint, post, pre, date(2024, 4, 1), date(2024, 5, 1), PIXEL_M)
    run = RunRecord("v001", "0" * 64, "alps", "alps", 50)
    with open_database(workspace.database, create=True) as records:
        add_run(records, polygons, scene, run, IssueLog("benchmark"))
    return workspace


@contextmanager
def _serving(workspace: WorkspaceFolder) -> Iterator[str]:
    """Run a review server in a process of its own for the block of a `with` statement; yields its address."""
    command = [sys.executable, "-m", "tsmu", "serve", "--port", "0", "--write", "--workspace", str(workspace.root)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[0].rstrip("/")
    finally:
        process.terminate()
        process.wait(30)


def _processor() -> str:
    """The name of the processor and the number of cores."""
    name = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.is_file():
        lines = information.read_text().splitlines()
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    return f"{name}, {os.cpu_count()} cores"
