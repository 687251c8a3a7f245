"""100,000 landslides in view: how soon the page is there, how smoothly it pans, how long a tile takes."""

import json
import statistics
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import shapely

from tests.database.conftest import RUN, scene
from tests.server.conftest import Open
from tests.server.serving import serving
from tsmu.database import add_run, open_database
from tsmu.issues import IssueLog
from tsmu.workspace_folder import WorkspaceFolder

COUNT = 100_000
FIRST_PAINT, FRAMES, TILE = 2000, 30, 100  # ms, per second, ms
SHARE = 0.8  # of the frames of an empty map, where software paints it

# Frames while the map is dragged to and fro for three seconds, as a hand does.
PAN = """async () => {
  const canvas = document.querySelector('#map canvas');
  const { left, top, width, height } = canvas.getBoundingClientRect();
  const fire = (type, x, target = window.document) => (type === 'mousedown' ? canvas : target).dispatchEvent(
    new MouseEvent(type, { clientX: x, clientY: top + height / 3, button: 0, buttons: type === 'mouseup' ? 0 : 1,
      bubbles: true, cancelable: true }));
  const middle = left + width / 2, times = [];
  fire('mousedown', middle);
  const begin = performance.now();
  await new Promise((done) => requestAnimationFrame(function frame(now) {
    times.push(now);
    fire('mousemove', middle + 300 * Math.sin((now - begin) / 500));
    if (now - begin < 3000) requestAnimationFrame(frame); else done();
  }));
  fire('mouseup', middle);
  return times;
}"""


RENDERER = """() => {
  const gl = document.createElement('canvas').getContext('webgl2');
  return gl.getParameter(gl.getExtension('WEBGL_debug_renderer_info').UNMASKED_RENDERER_WEBGL);
}"""


def _frames(times: np.ndarray) -> float:
    """Frames per second, of the moments (ms) at which they came."""
    return round(1000 * (len(times) - 1) / float(times[-1] - times[0]), 1)


def _worked(session: Any) -> float:
    """Seconds that the page's own thread has worked so far."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))


@pytest.fixture
def large(tmp_path: Path) -> WorkspaceFolder:
    """A survey of 100,000 landslides of some hectares, in 2 by 2 degrees."""
    space, random = WorkspaceFolder.create(tmp_path / "large"), np.random.default_rng(0)
    x, y, size = random.uniform(6.5, 8.5, COUNT), random.uniform(45.5, 47.5, COUNT), random.uniform(4e-4, 2e-3, COUNT)
    corners = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    radius = size[:, None] * random.uniform(0.6, 1.2, (COUNT, 12)) / 2
    rings = np.stack([x[:, None] + radius * np.cos(corners), y[:, None] + radius * np.sin(corners)], axis=-1)
    values = {"max_probability": 0.9, "mean_probability": random.uniform(0.5, 0.9, COUNT)}
    polygons = geopandas.GeoDataFrame(values, index=range(COUNT), geometry=shapely.polygons(rings), crs=4326)
    with open_database(space.database, create=True) as records:
        add_run(records, polygons, scene(), RUN, IssueLog("large"))
    return space


@pytest.mark.soak
def test_a_hundred_thousand_landslides_stay_fluid(
    large: WorkspaceFolder, open_page: Open, record_property: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    tiles: list[float] = []

    def note(request: Any) -> None:
        if ".mvt" in request.url:
            tiles.append(request.timing["responseEnd"] - request.timing["requestStart"])

    with serving(large, "--write") as (address, _):
        open_page(address)  # the server's first tiles
        page = open_page(address)
        paint = page.evaluate("() => performance.getEntriesByName('first-contentful-paint')[0].startTime")
        ready = page.evaluate("() => performance.now()")
        page.on("requestfinished", note)
        page.keyboard.press("0")
        page.wait_for_timeout(4000)
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable")
        worked = -_worked(session)
        times = np.array(page.evaluate(PAN))
        worked += _worked(session)
        renderer = page.evaluate(RENDERER)
        page.keyboard.press("h")  # the map without landslides
        page.wait_for_timeout(1000)
        empty = _frames(np.array(page.evaluate(PAN)))
        page.keyboard.press("h")
        for key in "+++":
            page.keyboard.press(key)
            page.wait_for_timeout(2000)
    between = np.diff(times)
    figures = {
        "landslides": COUNT,
        "first_paint_ms": round(paint),
        "ready_ms": round(ready),
        "frames_per_second": _frames(times),
        "frames_per_second_without_landslides": empty,
        "renderer": renderer,
        "page_ms_per_frame": round(1000 * worked / len(between), 1),
        "frame_p95_ms": round(float(np.percentile(between, 95)), 1),
        "tiles": len(tiles),
        "tile_median_ms": round(statistics.median(tiles), 1),
    }
    with capsys.disabled():
        print(json.dumps(figures))
    for name, value in figures.items():
        record_property(name, value)
    assert paint < FIRST_PAINT
    assert figures["page_ms_per_frame"] < 1000 / FRAMES
    if "SwiftShader" in renderer:  # without a GPU the frames are those of the software that paints the map
        assert figures["frames_per_second"] >= SHARE * empty
    else:
        assert figures["frames_per_second"] >= FRAMES
    assert figures["tile_median_ms"] < TILE
