"""The command line as a user meets it: quick help, one JSON object, one-line errors, exit codes."""

import json
import os
import re
import resource
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
from rasterio.transform import from_origin

from tests.conftest import Tsmu, require, write_chips, write_raster
from tests.networks import BLOB, NETWORK_OPTIONS, learn_at_once

KEYS = {"command", "status", "records", "left_out", "issues", "outputs", "seconds"}
UTM = {"crs": "EPSG:32610", "transform": from_origin(500_000, 5_000_000, 10, 10)}


def test_help_is_quick_and_loads_no_torch() -> None:
    code = "import sys, runpy; sys.argv = ['tsmu', '--help']\ntry: runpy.run_module('tsmu', run_name='__main__')\n"
    code += "except SystemExit: pass\n"
    code += "assert not {'torch', 'rasterio', 'geopandas', 'pandas', 'numpy'} & set(sys.modules), 'heavy imports'"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    times = []  # of the processor: on a busy machine it takes longer, by nothing that tsmu could do
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "tsmu", "--help"], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(times) < 0.5, times


def test_the_version_is_printed_for_programs_that_run_it(tsmu: Tsmu) -> None:
    done = tsmu("--version")
    assert (done.returncode, done.stdout) == (0, f"tsmu {metadata.version('tsmu')}\n")


def test_programs_read_progress_as_lines_of_json(tsmu: Tsmu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSMU_PROGRESS", "json")
    write_chips(tmp_path / "chips")
    assert tsmu("init", tmp_path / "survey").returncode == 0
    done = tsmu("import", "chips", tmp_path / "chips", "--region", "alps", "--workspace", tmp_path / "survey", "--json")
    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert json.loads(done.stdout)["records"] == 10
    assert lines[0] == {"progress": "Reading chips", "done": 0, "total": None, "note": ""}
    assert {key: lines[-1][key] for key in ("progress", "done", "total")} == {
        "progress": "Reading chips", "done": 10, "total": 10,
    }  # fmt: skip


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory, tsmu: Tsmu) -> Path:
    """A workspace with georeferenced chips of one region, whose landslides its model finds."""
    folder = tmp_path_factory.mktemp("cli")
    chips = write_chips(folder / "chips", 10, 64)
    for number, image in enumerate(sorted((chips / "images").glob("*.png"))):
        place = UTM | {"transform": from_origin(500_000 + 640 * number, 5_000_000, 10, 10)}  # side by side
        with rasterio.open(image) as dataset:
            write_raster(image.with_suffix(".tif"), dataset.read(), photometric="RGB", **place)
        image.unlink()
    (chips / "images" / "chip_3.tif").write_bytes(b"II*\0 broken")
    space = folder / "survey"
    assert tsmu("init", space).returncode == 0
    done = tsmu("import", "chips", chips, "--region", "alps", "--workspace", space, "--json")
    assert done.returncode == 3, done.stderr
    answer = json.loads(done.stdout)
    assert answer.keys() >= KEYS
    assert (answer["status"], answer["records"], answer["left_out"]) == ("partial", 9, 1)
    assert answer["issues"][0].keys() == {"file", "row", "column", "severity", "problem", "action"}
    assert "chip_3" in (space / "issues.csv").read_text()
    with pytest.MonkeyPatch.context() as patch:
        learn_at_once(patch, alps=BLOB)
        learned = tsmu("update", "alps", "--steps", 2, "--batch-size", 4, *NETWORK_OPTIONS, "--json", cwd=space)
    assert learned.returncode == 0, learned.stderr
    assert json.loads(learned.stdout)["version"] == "v001"
    return space


def bright_scene(path: Path, seed: int = 0) -> Path:
    """A scene with one landslide of 50 by 50 px."""
    scene = np.random.default_rng(seed).normal(110, 12, (3, 200, 150))
    scene[:, 60:110, 40:90] += 80
    return write_raster(path, scene.clip(0, 255).astype(np.uint8), photometric="RGB", **UTM)


def test_in_processes_of_their_own_commands_answer_one_json_object_each(
    survey: Path, tsmu_process: Tsmu, tmp_path: Path
) -> None:
    """Libraries that print, when they train or compile a network, do not print to stdout."""
    space = shutil.copytree(survey, tmp_path / "survey")
    post = bright_scene(tmp_path / "scene.tif")
    for command in (
        ("update", "alps", "--steps", 2, "--batch-size", 4, *NETWORK_OPTIONS),
        ("map", post, "--region", "alps"),
    ):
        done = tsmu_process(*command, "--json", cwd=space)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout).keys() >= KEYS
        assert "Traceback" not in done.stderr


def test_evaluate_writes_a_self_contained_report(survey: Path, tsmu: Tsmu) -> None:
    done = tsmu("evaluate", "--json", cwd=survey)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert np.array(answer["R"]).shape == (1, 1)
    page = (survey / "report.html").read_text()
    assert "alps" in page
    assert "<svg" in page
    assert "data:image/png;base64," in page
    assert not re.search(r"""(src|href)=["']?(http|//)|url\((http|//)|@import""", page)
    assert json.loads((survey / "report.json").read_text())["regions"] == ["alps"]
    assert "alps" in tsmu("evaluate", cwd=survey).stdout


def test_map_writes_raster_polygons_and_candidates(survey: Path, tsmu: Tsmu, tmp_path: Path) -> None:
    post = bright_scene(tmp_path / "scene.tif")
    torch_engine = ("--engine", "torch", "--workspace", survey)  # the others compile the network first
    command = ("map", post, "--region", "alps", "--threshold", 30, "--json", *torch_engine)
    for _ in range(2):  # the second time changes nothing
        done = tsmu(*command)
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        stored = pyogrio.read_dataframe(survey / "landslides.gpkg", layer="landslide")
        assert len(stored) == answer["records"] == 1
        assert answer["area_m2"] == pytest.approx(50 * 50 * 100, rel=0.05)
    assert answer["outputs"].keys() == {"probability", "polygons", "database"}
    assert (survey / "maps" / "scene" / "probability.tif").exists()
    seen = json.loads(tsmu("map", post, "--name", "by its looks", "--json", *torch_engine).stdout)
    assert (seen["region"], seen["routed"][:14]) == ("alps", "no region map;")
    other = bright_scene(tmp_path / "elsewhere" / "scene.tif", seed=1)
    clash = tsmu("map", other, "--region", "alps", "--workspace", survey)
    assert clash.returncode == 2
    assert "--name" in clash.stderr
    assert "--name" in tsmu("map", post, "--region", "alps", "--name", "../out", "--workspace", survey).stderr
    assert "andes" in tsmu("map", post, "--region", "andes", "--workspace", survey).stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("update", "alps"), "tsmu init"),
        (("init", "/proc/nowhere"), "/proc/nowhere"),
        (("import", "chips", "{empty}", "--region", "x", "--workspace", "{space}"), "images/"),
        (("import", "chips", "{empty}", "--region", "a/b", "--workspace", "{space}"), "a/b"),
        (("update", "x", "--workspace", "{space}"), "tsmu import chips"),
        (("evaluate", "--workspace", "{space}"), "tsmu update"),
        (("map", "{empty}/none.tif", "--region", "x", "--workspace", "{space}"), "tsmu update"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_code_2(
    tmp_path: Path, tsmu: Tsmu, arguments: tuple[str, ...], told: str
) -> None:
    empty, space = tmp_path / "empty", tmp_path / "space"
    empty.mkdir()
    tsmu("init", space)
    done = tsmu(*(a.format(empty=empty, space=space) for a in arguments), cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("tsmu: ")
    assert told in last


def test_a_failed_command_with_json_still_answers_one_object(tmp_path: Path, tsmu: Tsmu) -> None:
    done = tsmu("update", "alps", "--json", cwd=tmp_path)
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["status"]) == (2, "failed")
    assert "tsmu init" in answer["error"]


def test_a_command_line_that_is_not_understood_answers_so_too(tmp_path: Path, tsmu: Tsmu) -> None:
    done = tsmu("map", "--json", "--bogus", cwd=tmp_path)
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["status"], answer["command"]) == (2, "failed", "map")
    assert "--bogus" in answer["error"]


@pytest.mark.parametrize("words", [("--aoi", "1,2,3,4", "--date", "2024-01-01"), ("--pre", "a.tif", "--post", "b.tif")])
def test_who_has_no_catalogue_but_two_images_is_told_the_command(
    tmp_path: Path, tsmu: Tsmu, words: tuple[str, ...]
) -> None:
    done = tsmu("respond", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert "tsmu map POST.tif --pre PRE.tif --by change" in done.stderr.splitlines()[-1]


def test_without_write_permission_nothing_is_left(tmp_path: Path) -> None:
    require(os.geteuid() != 0 or Path("/usr/bin/setpriv").exists(), "setpriv, to give up root's permissions")
    folder = tmp_path / "shut"
    folder.mkdir(mode=0o755)
    command = [sys.executable, "-m", "tsmu", "init", str(folder / "survey")]
    if os.geteuid() == 0:
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        reachable = subprocess.run([*nobody, sys.executable, "-c", "import tsmu"], capture_output=True, check=False)
        require(reachable.returncode == 0, "a checkout and a Python that an unprivileged user can reach")
        command = [*nobody, *command]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 2
    assert "permission denied" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(folder.iterdir()) == []


def test_a_full_disk_is_told_and_no_bundle_is_left(bright_chips: Path, tmp_path: Path, tsmu: Tsmu) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=5m", "tmpfs", disk], capture_output=True, check=False)
    require(mounted.returncode == 0, "permission to mount a small tmpfs")
    try:
        space = disk / "survey"
        tsmu("init", space)
        tsmu("import", "chips", bright_chips, "--region", "alps", "--workspace", space)
        done = tsmu("update", "alps", "--steps", 2, "--batch-size", 2, *NETWORK_OPTIONS, "--workspace", space)
        assert done.returncode == 2
        assert "no space left" in done.stderr.strip().splitlines()[-1]
        assert list((space / "models").glob("*")) == []
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals")
def test_a_terminal_says_at_once_what_begins(tmp_path: Path) -> None:
    """Before any library is loaded; and the line goes away before the error is printed."""
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "tsmu", "db", "info", "--database", str(tmp_path / "none.gpkg")]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, check=False)
    os.close(theirs)
    text = os.read(ours, 10_000).decode()
    os.close(ours)
    notice, erased, error = text.partition("\x1b[2K\r")
    assert (done.returncode, done.stdout) == (2, b"")
    assert notice == "tsmu db info: loading libraries ...\r"
    assert erased
    assert error.startswith("tsmu: ")
    assert error.count("\n") == 1
