"""Runs that are killed, runs at the same time, and disks that fill up while a scene is mapped."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import rasterio

from tests.mapping.conftest import blur, ground
from tests.mapping.test_sink import largest_file
from tsmu.errors import MapError
from tsmu.mapping import mapper
from tsmu.mapping.source import Scene

SceneFile = Callable[..., Path]
SETTINGS: dict[str, int] = {"threshold_percent": 50, "tile": 128, "overlap": 32}
CHILD = """
import sys, time
from pathlib import Path
from tests.mapping.conftest import blur
from tsmu.mapping import mapper, sink
from tsmu.mapping.source import Scene

scene, out, ready, where = map(Path, sys.argv[1:])
tiles = 0

def wait(*_):
    ready.touch()
    time.sleep(60)

def predict(values):
    global tiles
    tiles += 1
    if tiles == 7 and str(where) == "tiles":
        wait()
    return blur(values)

if str(where) == "cog":  # after the COG is written, before it is checked
    copy = sink.rasterio.shutil.copy
    sink.rasterio.shutil.copy = lambda *a, **k: (copy(*a, **k), wait())
if str(where) == "polygons":
    mapper.polygonise = wait
if str(where) == "renaming":  # the raster has its name already, the polygons not yet
    written_whole = mapper.written_whole
    def slow(path):
        whole = written_whole(path)
        if path.suffix == ".tif":
            leave = whole.__exit__
            class Slow:
                __enter__ = lambda self: whole.__enter__()
                def __exit__(self, *error):
                    leave(*error)
                    wait()
            return Slow()
        return whole
    mapper.written_whole = slow
with Scene(scene) as opened:
    mapper.map_scene(opened, predict, out, threshold_percent=50, tile=128, overlap=32, batch=1)
"""


@contextmanager
def stopped_at(scene: Path, out: Path, where: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that maps and then stands still at some point; killed with SIGKILL at the end."""
    ready = out.parent / f"ready_{where}"
    command = [sys.executable, "-c", CHILD, str(scene), str(out), str(ready), where]
    with subprocess.Popen(command, cwd=Path(__file__).parents[2]) as child:
        try:
            until = time.monotonic() + 60
            while not ready.exists():
                assert child.poll() is None, "the child ended by itself"
                assert time.monotonic() < until
                time.sleep(0.02)
            yield child
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait()


def finish(scene: Path, out: Path, **more: int) -> mapper.MapResult:
    with Scene(scene) as opened:
        return mapper.map_scene(opened, blur, out, **SETTINGS | more)


def content(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.iterdir() if path.name != ".tsmu-map.lock"}


@pytest.mark.parametrize("where", ["tiles", "cog"])
def test_killed_in_the_middle_nothing_has_a_final_name_and_the_next_run_starts_clean(
    scene_file: SceneFile, tmp_path: Path, where: str
) -> None:
    scene, out = scene_file(ground(400, 300)), tmp_path / "killed"
    with stopped_at(scene, out, where):
        pass
    assert any(name.startswith(".probability.") for name in content(out))
    assert not [name for name in content(out) if not name.startswith(".")]
    finish(scene, out)
    finish(scene, tmp_path / "whole")
    assert content(out) == content(tmp_path / "whole")
    assert set(content(out)) == {"probability.tif", "polygons.parquet"}


def test_while_mapping_again_nobody_else_may_and_killed_the_older_map_stays(
    scene_file: SceneFile, tmp_path: Path
) -> None:
    scene, out = scene_file(ground(400, 300)), tmp_path / "out"
    finish(scene, out, threshold_percent=70)
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
    finish(scene, out, threshold_percent=70)
    with stopped_at(scene, out, "renaming"):
        pass
    assert [name for name in content(out) if not name.startswith(".")] == ["probability.tif"]
    with rasterio.open(out / "probability.tif") as dataset:
        assert dataset.tags()["tsmu_threshold_percent"] == "50"
        above = (dataset.read(1) >= 50).sum()
    assert finish(scene, out).pixels == above


def test_a_disk_that_fills_up_is_one_line_and_leaves_the_older_map_alone(scene_file: SceneFile, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    scene, out = scene_file(random.integers(0, 256, (1, 250, 260), np.uint8)), tmp_path / "out"

    def noise(values: np.ndarray) -> np.ndarray:
        return (values[:, 0] - 128) / 40

    with Scene(scene) as opened:
        mapper.map_scene(opened, noise, out, **SETTINGS)
        before = content(out)
        sizes = [len(data) for data in before.values()]
        limits = [1000, min(sizes) - 1, max(sizes) // 2, max(sizes) - 1]
        for limit in limits:
            with largest_file(limit), pytest.raises(MapError, match="out: cannot be written") as caught:
                mapper.map_scene(opened, noise, out, **SETTINGS)
            assert "\n" not in str(caught.value)
            assert content(out) == before
        with largest_file(max(sizes)):
            mapper.map_scene(opened, noise, out, **SETTINGS)
