"""Runs that are killed, runs at the same time, and disks that fill up while a scene is mapped."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from tests.mapping.conftest import blur, content, engine, ground
from tests.mapping.test_cog import largest_file
from tests.processes import kill, start_script, wait_for
from tsmu.errors import MapError
from tsmu.mapping import map_run
from tsmu.mapping.scene.raster import Scene
from tsmu.mapping.vectorize.polygons import PolygonOptions

SceneFile = Callable[..., Path]
SETTINGS: dict[str, Any] = {"polygons": PolygonOptions(50), "tile": 128, "overlap": 32, "batch": 1}
CHILD = """
import sys, time
from dataclasses import replace
from pathlib import Path
from tests.mapping.conftest import blur, engine
from tsmu.mapping import map_run
from tsmu.mapping.outputs import cog
from tsmu.mapping.inference.engine import synchronous
from tsmu.mapping.vectorize.polygons import PolygonOptions
from tsmu.mapping.scene.raster import Scene

scene, out, ready, where = map(Path, sys.argv[1:])
tiles = 0

def wait(*_):
    ready.touch()
    time.sleep(60)

def predict(values):
    global tiles
    tiles += 1
    if tiles == 8 and str(where) == "tiles":
        wait()
    return blur(values)

if str(where) == "cog":  # after the COG is written, before it is checked
    copy = cog.rasterio.shutil.copy
    cog.rasterio.shutil.copy = lambda *a, **k: (copy(*a, **k), wait())
if str(where) == "polygons":
    write_polygons = map_run.write_polygons
    map_run.write_polygons = lambda *a, **k: (write_polygons(*a, **k), wait())
if str(where) == "renaming":  # the raster has its name already, the polygons not yet
    atomic_write = map_run.atomic_write
    def slow(path):
        whole = atomic_write(path)
        if path.suffix == ".tif":
            leave = whole.__exit__
            class Slow:
                __enter__ = lambda self: whole.__enter__()
                def __exit__(self, *error):
                    leave(*error)
                    wait()
            return Slow()
        return whole
    map_run.atomic_write = slow
with Scene(scene) as opened:
    slow = replace(engine(blur), submit=synchronous(predict))
    map_run.map_scene(opened, slow, out, polygons=PolygonOptions(50), tile=128, overlap=32, batch=1)
"""


@contextmanager
def stopped_at(scene: Path, out: Path, where: str) -> Iterator[BaseProcess]:
    """A process that maps and then stands still at some point; killed with SIGKILL at the end."""
    ready = out.parent / f"ready_{where}"
    log = ready.with_suffix(".log")
    child = start_script(CHILD, [scene, out, ready, where], log=log)
    try:
        wait_for(ready, child, log)
        yield child
    finally:
        kill(child)


def finish(scene: Path, out: Path, **more: Any) -> map_run.MapResult:
    with Scene(scene) as opened:
        return map_run.map_scene(opened, engine(blur), out, **SETTINGS | more)


def shown(out: Path) -> dict[str, bytes]:
    return {name: data for name, data in content(out).items() if not name.startswith(".")}


def hidden(out: Path) -> list[str]:
    return sorted(path.name for path in out.iterdir() if path.name.startswith("."))


@pytest.mark.parametrize(("where", "computed"), [("tiles", 3), ("cog", 0)])
def test_killed_in_the_middle_the_next_run_goes_on_and_gives_the_same_bytes(
    scene_file: SceneFile, tmp_path: Path, where: str, computed: int
) -> None:
    """Four bands of three tiles: killed at the eighth tile, the first band at least is finished.

    For no more than eight calls wait for the thread that writes.
    """
    scene, out = scene_file(ground(400, 300)), tmp_path / "killed"
    with stopped_at(scene, out, where):
        pass
    assert ".tsmu-map" in hidden(out)
    assert not [name for name in content(out) if not name.startswith(".")]
    result = finish(scene, out)
    assert result.bands_computed <= computed
    whole = finish(scene, tmp_path / "whole")
    assert whole.bands_computed == whole.counts.bands == 4
    assert result.counts == whole.counts
    assert content(out) == content(tmp_path / "whole")
    assert set(content(out)) == {"probability.tif", "polygons.parquet"}


RANDOMLY = """
import sys, time
from dataclasses import replace
from pathlib import Path
from tests.mapping.conftest import blur, engine
from tsmu.mapping import map_run
from tsmu.mapping.inference.engine import synchronous
from tsmu.mapping.vectorize.polygons import PolygonOptions
from tsmu.mapping.scene.raster import Scene

def predict(values):
    time.sleep(0.01)
    with open(sys.argv[3], "a") as log:
        log.write("x")
    return blur(values)

with Scene(Path(sys.argv[1])) as opened:
    map_run.map_scene(
        opened, replace(engine(blur), submit=synchronous(predict)), Path(sys.argv[2]), polygons=PolygonOptions(50),
        tile=64, overlap=32, batch=1,
    )
"""


def test_killed_at_random_moments_the_bytes_are_the_same_and_no_finished_band_is_computed_again(
    scene_file: SceneFile, tmp_path: Path
) -> None:
    scene, out, log = scene_file(ground(600, 200)), tmp_path / "out", tmp_path / "log"
    whole = finish(scene, tmp_path / "whole", tile=64, overlap=32)
    random, kills = np.random.default_rng(0), 3
    for _ in range(kills):
        began, at = log.stat().st_size if log.exists() else 0, random.uniform(0, 0.3)
        child = start_script(RANDOMLY, [scene, out, log])
        while child.is_alive() and (not log.exists() or log.stat().st_size == began):
            time.sleep(0.01)
        time.sleep(at)
        kill(child)
    finish(scene, out, tile=64, overlap=32)
    assert content(out) == content(tmp_path / "whole")
    across = whole.counts.tiles // whole.counts.bands
    assert log.stat().st_size <= whole.counts.tiles + kills * 2 * across  # a kill costs two bands at most


def test_a_finished_scene_is_not_computed_again(scene_file: SceneFile, tmp_path: Path) -> None:
    scene, out = scene_file(ground(400, 300)), tmp_path / "out"
    first, before = finish(scene, out), content(out)
    again = finish(scene, out)
    assert (again.bands_computed, first.bands_computed) == (0, 4)
    assert (again.count, again.area_m2, again.pixels, again.counts) == (
        first.count,
        first.area_m2,
        first.pixels,
        first.counts,
    )
    assert finish(scene, out, force=True).bands_computed == 4
    assert content(out) == before


def test_another_threshold_takes_new_polygons_and_no_network(scene_file: SceneFile, tmp_path: Path) -> None:
    scene, out = scene_file(ground(400, 300)), tmp_path / "out"
    finish(scene, out)
    assert finish(scene, out, polygons=PolygonOptions(70)).bands_computed == 0
    finish(scene, tmp_path / "fresh", polygons=PolygonOptions(70))
    assert content(out) == content(tmp_path / "fresh")


@pytest.mark.parametrize("change", ["scene", "network", "overlap"])
def test_other_input_is_computed_anew(scene_file: SceneFile, tmp_path: Path, change: str) -> None:
    scene, out = scene_file(ground(400, 300)), tmp_path / "out"
    with stopped_at(scene, out, "tiles"):
        pass
    if change == "scene":
        scene_file(ground(400, 300, seed=1))
    with Scene(scene) as opened:
        network = replace(engine(blur), network="another") if change == "network" else engine(blur)
        settings = SETTINGS | ({"overlap": 64} if change == "overlap" else {})
        result = map_run.map_scene(opened, network, out, **settings)
    assert result.bands_computed == result.counts.bands


def test_a_damaged_band_is_one_line(scene_file: SceneFile, tmp_path: Path) -> None:
    scene, out = scene_file(ground(400, 300)), tmp_path / "out"
    with stopped_at(scene, out, "cog"):
        pass
    band = out / ".tsmu-map" / "rows_00001.npz"
    band.write_bytes(band.read_bytes()[:-30])
    with pytest.raises(MapError, match=r"rows_00001\.npz: damaged .* `force`"):
        finish(scene, out)
    finish(scene, out, force=True)
    finish(scene, tmp_path / "whole")
    assert content(out) == content(tmp_path / "whole")


def test_while_mapping_again_nobody_else_may_and_killed_the_older_map_stays(
    scene_file: SceneFile, tmp_path: Path
) -> None:
    scene, out = scene_file(ground(400, 300)), tmp_path / "out"
    finish(scene, out, polygons=PolygonOptions(70))
    before = content(out)
    with stopped_at(scene, out, "polygons"):
        under_way = content(out)
        with pytest.raises(MapError, match="out: another process maps into this folder"):
            finish(scene, out)
        assert content(out) == under_way
    assert content(out).items() > before.items()


def test_killed_between_the_two_names_no_older_polygons_lie_beside_the_new_raster(
    scene_file: SceneFile, tmp_path: Path
) -> None:
    scene, out = scene_file(ground(400, 300)), tmp_path / "out"
    finish(scene, out, polygons=PolygonOptions(70))
    with stopped_at(scene, out, "renaming"):
        pass
    assert [name for name in content(out) if not name.startswith(".")] == ["probability.tif"]
    with rasterio.open(out / "probability.tif") as dataset:
        assert dataset.tags()["tsmu_threshold_percent"] == "50"
        above = (dataset.read(1) >= 50).sum()
    result = finish(scene, out)
    assert (result.pixels, result.bands_computed) == (above, 0)


def test_a_disk_that_fills_up_is_one_line_and_leaves_the_older_map_alone(scene_file: SceneFile, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    scene, out = scene_file(random.integers(0, 256, (1, 250, 260), np.uint8)), tmp_path / "out"

    def noise(values: np.ndarray) -> np.ndarray:
        return (values[:, 0] - 128) / 40

    with Scene(scene) as opened:
        map_run.map_scene(opened, engine(noise), out, **SETTINGS)
        before = shown(out)
        sizes = [len(data) for data in before.values()]
        limits = [1000, min(sizes) - 1, max(sizes) // 2, max(sizes) - 1]
        for limit in limits:
            with largest_file(limit), pytest.raises(MapError, match="out: cannot be written") as caught:
                map_run.map_scene(opened, engine(noise), out, force=True, **SETTINGS)
            assert "\n" not in str(caught.value)
            assert shown(out) == before
        map_run.map_scene(opened, engine(noise), out, force=True, **SETTINGS)
        assert shown(out) == before
