"""Every algorithm in QGIS gives what the command line gives, on the same small data."""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import rasterio
import shapely

from tests.commands import COMMANDS
from tests.conftest import write_raster
from tests.imagery import made_event
from tests.imagery.made_event import MadeScene, write_scene
from tests.imagery.made_scenes import write_static
from tests.imagery.stac_server import StacServer
from tests.networks import ENCODER
from tests.qgis.conftest import QGIS_PROCESS, InQgis, finish
from tests.workspace.learned.conftest import PLACE, scene_pixels

pytestmark = pytest.mark.timeout(800)  # the first test waits for all algorithms
REAL_INVENTORY = "FILES/real/inventories/usgs_events_deepldb/Identified_events_from_USGS_inventory.csv"
BOX = (5.945, 45.003, 5.975, 45.014)  # of an event, with one landslide
SCENE = "-123.1,-122.9,45.1,45.2 [EPSG:4326]"  # around the mapped scene
CHANGING = {
    "seconds",
    "waited",
    "run",
    "merging_id",
    "merging",
    "created_at",
    "said",
}  # differ from one run to the next


Results = dict[str, tuple[dict[str, Any], dict[str, Any]]]


@dataclass(frozen=True)
class Step:
    """One algorithm, and the same in words of the command line; `ROOT` is the workspace, `FILES` the data."""

    algorithm: str
    parameters: dict[str, Any]
    words: str
    name: str = ""

    @property
    def id(self) -> str:
        return self.name or self.algorithm


STEPS = [
    Step("workspace", {"FOLDER": "ROOT"}, "init ROOT"),
    Step(
        "regions", {"LAYER": "FILES/regions.gpkg", "NAME_FIELD": "name"},
        "regions use FILES/regions.gpkg --name-field name",
    ),
    Step(
        "import_inventory", {"INVENTORY": "FILES/events.csv", "COLUMNS": "date=When"},
        "import inventory FILES/events.csv --columns date=When",
    ),
    Step("import_pairs", {"SOURCE": "FILES/shots"}, "import pairs FILES/shots"),
    Step("import_labels", {"SOURCE": "FILES/shots"}, "import labels FILES/shots"),
    Step("build_chips", {"SIZE": 48}, "chips build --size 48"),
    Step(
        "label_layer",
        {"LAYER": "drawn", "CLASS_FIELD": "kind", "CLASSES": "slide=1", "MAPPED_AREA": "FILES/looked.gpkg"},
        "import labels FILES/drawn.gpkg --class-field kind --classes slide=1 --mapped-area FILES/looked.gpkg",
    ),
    Step("labels_to_chips", {"LAYER": "FILES/drawn.gpkg", "CLASS_FIELD": "kind"},
         "import labels FILES/drawn.gpkg --class-field kind; chips build"),
    Step("build_chips", {"SIZE": 48, "NEGATIVES": 1}, "chips build --size 48 --negatives 1", "chips again"),
    Step("import_chips", {"FOLDER": "FILES/chips/oregon", "REGION": "oregon"},
         "import chips FILES/chips/oregon --region oregon"),
    Step(
        "update", {"REGION": "oregon", "STEPS": "2", "BATCH_SIZE": 4, "ENCODER": ENCODER, "WEIGHTS": "none"},
        f"update oregon --steps 2 --batch-size 4 --encoder {ENCODER} --weights none",
    ),
    Step("evaluate", {}, "evaluate"),
    Step(
        "map",
        {"POST": "FILES/post.tif", "PRE": "FILES/pre.tif", "REGION": "oregon", "THRESHOLD": 30, "ANY_RESOLUTION": True,
         "ENGINE": 2, "DATE_PRE": "2024-04-01", "DATE_POST": "2024-05-01", "NAME": "ridge"},
        "map FILES/post.tif --pre FILES/pre.tif --region oregon --threshold 30 --any-resolution --engine torch "
        "--date-pre 2024-04-01 --date-post 2024-05-01 --name ridge",
    ),
    Step(
        "map", {"POST": "FILES/post.tif", "PRE": "FILES/pre.tif", "BY": 1, "AOI": "areas", "NAME": "changed"},
        "map FILES/post.tif --pre FILES/pre.tif --by change --aoi FILES/areas_filtered.gpkg --name changed", "change",
    ),
    Step(
        "respond",
        {"AOI_EXTENT": "AOI [EPSG:4326]", "DATE": str(made_event.DAY), "STAC": "FILES/event/static/catalog.json",
         "COLLECTION": "scenes", "BY": 2, "NAME": "quake"},
        f"respond --aoi BOX --date {made_event.DAY} --stac FILES/event/static/catalog.json --collection scenes "
        "--by change --name quake",
    ),
    Step(
        "import_landslides", {"INVENTORY": "FILES/drawn.gpkg", "BY": "survey"},
        "db import FILES/drawn.gpkg --by survey",
    ),
    Step("merge", {}, "db merge"),
    Step("merge", {"UNDO": True}, "db merge --undo", "unmerge"),
    Step("export", {"FILE": "ROOT/some.geojson", "STATUS": "candidate", "MIN_AREA": 100},
         "db export ROOT/some.geojson --status candidate --min-area 100"),
    Step("export", {"FILE": "ROOT/all.gpkg"}, "db export ROOT/all.gpkg", "copy"),
    Step("density", {"FILE": "ROOT/density.tif", "CELL": 100, "EXTENT": SCENE},
         "db density ROOT/density.tif --cell 100 --bbox -123.1,45.1,-122.9,45.2"),
    Step("density", {"FILE": "ROOT/cells.gpkg", "CELL": 500, "HEXAGONS": True, "EXTENT": SCENE},
         "db density ROOT/cells.gpkg --cell 500 --hexagons --bbox -123.1,45.1,-122.9,45.2", "hexagons"),
    Step("compare", {"A": "ROOT/landslides.gpkg", "B": "FILES/drawn.gpkg", "OUT": "ROOT/compare.png"},
         "db compare ROOT/landslides.gpkg FILES/drawn.gpkg --out ROOT/compare.png"),
    Step("import_inventory", {"INVENTORY": REAL_INVENTORY}, f"import inventory {REAL_INVENTORY}", "a real inventory"),
    Step(
        "map",
        {"POST": "FILES/real/iburi_pair/post.tif", "PRE": "FILES/real/iburi_pair/pre.tif", "BY": 1,
         "DEM": "FILES/real/iburi_pair/dem_alos30m.tif", "NAME": "iburi"},
        "map FILES/real/iburi_pair/post.tif --pre FILES/real/iburi_pair/pre.tif --by change "
        "--dem FILES/real/iburi_pair/dem_alos30m.tif --name iburi",
        "a real pair",
    ),
]  # fmt: skip
BROKEN = [
    Step("map", {"POST": "FILES/broken.tif", "NAME": "broken"}, "map FILES/broken.tif", "broken raster"),
    Step("map", {"POST": "FILES/nothing.tif"}, "map FILES/nothing.tif", "missing raster"),
    Step("import_inventory", {"INVENTORY": "FILES/broken.gpkg"}, "import inventory FILES/broken.gpkg", "broken layer"),
    Step("update", {"REGION": "atlantis"}, "update atlantis", "unknown region"),
    Step("export", {"FILE": "ROOT/all.gpkg"}, "db export ROOT/all.gpkg", "file in the way"),
    Step("export", {"FILE": "ROOT/x.gpkg", "WHERE": "area >"}, "db export ROOT/x.gpkg --where 'area >'", "condition"),
]


@pytest.fixture(scope="module")
def data(files: Path, shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a user, with a scene, polygons drawn on it and on the pairs, broken files, and the real data."""
    folder = Path(shutil.copytree(files, tmp_path_factory.mktemp("data") / "files"))
    (folder / "real").symlink_to(shared_data.resolve())
    post = scene_pixels(80, 120)
    write_raster(folder / "post.tif", post, **PLACE)
    write_raster(folder / "pre.tif", scene_pixels(80, 120, seed=3).clip(0, 130), **PLACE)
    (folder / "broken.tif").write_bytes(b"II*\0 broken")
    (folder / "broken.gpkg").write_bytes(b"SQLite format 3\0 broken")
    with rasterio.open(folder / "post.tif") as scene:
        west, _, _, north = scene.bounds
    squares = [shapely.box(west + 300, north - 600, west + 520, north - 380), *_middles(folder / "shots")]
    drawn = geopandas.GeoDataFrame({"kind": ["slide"] * len(squares)}, geometry=squares, crs=PLACE["crs"])
    drawn.to_crs(4326).to_file(folder / "drawn.gpkg")
    drawn.assign(geometry=drawn.buffer(300)).to_crs(4326).to_file(folder / "looked.gpkg")
    area = [shapely.box(west, north - 800, west + 700, north), shapely.box(west + 700, north - 800, west + 720, north)]
    areas = geopandas.GeoDataFrame({"use": ["yes", "no"]}, geometry=area, crs=PLACE["crs"])
    areas.to_file(folder / "areas.gpkg", layer="areas")
    areas[:1].to_file(folder / "areas_filtered.gpkg", layer="areas")
    write_event(folder / "event")
    return folder


def write_event(folder: Path) -> None:
    """Write a static catalogue with one scene before and one after the event."""
    folder.mkdir()
    zone, box = made_event.ZONES[0], (5.93, 44.995, 5.99, 45.02)
    scenes = [MadeScene("pre", -5, zone, box), MadeScene("post", 2, zone, box)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(made_event, "ground", made_event.textured_ground)
        write_static(StacServer(folder, [write_scene(folder, scene, "") for scene in scenes]))


def _middles(shots: Path) -> geopandas.GeoSeries:
    """A small polygon in the middle of each pair of screenshots, whose corners are in the files' names."""
    corners = [[float(number) for number in path.name.split("_")[1:5]] for path in sorted(shots.glob("*_POST.jpg"))]
    points = [shapely.Point((west + east) / 2, (south + north) / 2) for south, west, north, east in corners]
    return geopandas.GeoSeries(points, crs=4326).to_crs(PLACE["crs"]).buffer(60)


def resolved(value: Any, root: Path, files: Path) -> Any:
    if not isinstance(value, str):
        return value
    west, south, east, north = BOX
    value = value.replace("AOI", f"{west},{east},{south},{north}").replace("BOX", f"{west},{south},{east},{north}")
    return value.replace("ROOT", str(root)).replace("FILES", str(files))


@pytest.fixture(scope="module")
def seen(data: Path, program: Path, start_in_qgis: InQgis, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What QGIS and the command line, side by side, gave for each step."""
    folder = tmp_path_factory.mktemp("results")
    in_qgis, by_hand = folder / "qgis" / "survey", folder / "hand" / "survey"
    steps = []
    for step in [*STEPS, *BROKEN]:
        values = {name: resolved(value, in_qgis, data) for name, value in step.parameters.items()}
        steps.append({"algorithm": f"tsmu:{step.algorithm}", "parameters": {"WORKSPACE": str(in_qgis)} | values})
    jobs = {
        "workspace": str(in_qgis),
        "cancelled": {
            "algorithm": "tsmu:update",
            "parameters": {"WORKSPACE": str(in_qgis), "REGION": "oregon", "STEPS": "100000", "BATCH_SIZE": 4},
        },
        "cancel_at": "Learning oregon",
        "layers": {"drawn": f"{data}/drawn.gpkg", "areas": f"{data}/areas.gpkg"},
        "filters": {"areas": "\"use\" = 'yes'"}, "steps": steps,
    }  # fmt: skip
    (folder / "jobs.json").write_text(json.dumps(jobs))
    process = start_in_qgis(
        Path(__file__).parent / "qgis_driver.py", folder / "jobs.json", folder / "answers.json", program
    )
    expected = [by_command_line(step, program, by_hand, data) for step in [*STEPS, *BROKEN]]
    seen: dict[str, Any] = finish(process, folder / "answers.json")
    steps_done = zip([*STEPS, *BROKEN], seen["answers"], expected, strict=True)
    return seen | {"steps": {step.id: (answer, report) for step, answer, report in steps_done}}


@pytest.fixture(scope="module")
def results(seen: dict[str, Any]) -> Results:
    """For each step what came of it in QGIS, and the report of the command line."""
    steps: Results = seen["steps"]
    return steps


def by_command_line(step: Step, program: Path, root: Path, files: Path) -> dict[str, Any]:
    """The report of the command line; of several commands, all of them together."""
    report: dict[str, Any] = {}
    for words in step.words.split("; "):
        command = [resolved(word.strip("'"), root, files) for word in words.replace("'area >'", "'area_>'").split()]
        command = [word.replace("area_>", "area >") for word in command]
        if command[0] != "init" and "compare" not in command:
            command += ["--workspace", str(root)]
        done = subprocess.run([program, *command, "--json"], capture_output=True, text=True, check=False)
        assert done.stdout.startswith("{"), done.stderr
        answer = json.loads(done.stdout)
        for key in ("outputs", "issues", "left_out") if report else ():  # of several commands
            answer[key] = report[key] | answer[key] if key == "outputs" else report[key] + answer[key]
        report |= answer
    return report


def comparable(value: Any, roots: tuple[str, ...]) -> Any:
    """A report without what differs from one run to the next, and without the folder of its workspace."""
    if isinstance(value, dict):
        return {key: comparable(part, roots) for key, part in value.items() if key not in CHANGING}
    if isinstance(value, list):
        return [comparable(part, roots) for part in value]
    if isinstance(value, str):
        for root in roots:
            value = value.replace(root, "")
        return re.sub(r"/tmp/processing_\S+\.gpkg", "COPY", value)
    return value


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.id)
def test_an_algorithm_gives_what_the_command_line_gives(step: Step, results: Results) -> None:
    answer, report = results[step.id]
    assert report["status"] in ("done", "partial"), report
    assert answer["done"], answer
    got = json.loads(answer["results"]["REPORT"])
    roots = (root_of(results, 0), root_of(results, 1))
    assert comparable(got, roots) == comparable(report, roots)
    assert answer["results"]["RECORDS"] == report["records"]
    assert all(is_valid for _, is_valid, _ in answer["shown"])


def root_of(results: Results, side: int) -> str:
    answer, report = results["workspace"]
    return str((json.loads(answer["results"]["REPORT"]), report)[side]["outputs"]["workspace"])


def test_all_layers_of_a_workspace_are_opened_with_styles(seen: dict[str, Any]) -> None:
    shown = {name: (renderer, visible) for name, renderer, visible in seen["layers"]}
    assert shown["Landslides"] == ("categorizedSymbol", True)
    assert shown["ridge: probability"] == ("singlebandpseudocolor", True)
    assert {"Observations", "Mapped areas", "Scenes", "Reviews", "Events", "Regions"} <= set(shown)
    assert len(shown) == len(seen["layers"])  # opened twice, shown once


def test_a_project_file_finds_its_layers_wherever_the_workspace_is_and_is_not_replaced(seen: dict[str, Any]) -> None:
    project = seen["project"]
    assert project["layers"] == project["found_inside"] == len(seen["layers"])
    assert not project["empty_view"]
    assert "exists already" in project["again"]


def test_every_option_that_is_declared_is_one_of_the_command(seen: dict[str, Any]) -> None:
    for name, declared in seen["declared"].items():
        command = COMMANDS[declared["commands"][0]]
        assert set(declared["options"]) <= {option for parameter in command.params for option in parameter.opts}, name
    assert {step.algorithm for step in STEPS} == set(seen["declared"])


def test_a_cancelled_algorithm_ends_its_command_as_ctrl_c_does(seen: dict[str, Any]) -> None:
    cancelled = seen["cancelled"]
    assert not cancelled["done"]
    assert cancelled["error"] == "cancelled; the same algorithm goes on where it stopped"
    assert cancelled["steps"][-1].startswith("Learning oregon")
    root = Path(seen["answers"][0]["results"]["WORKSPACE"])
    assert not (root / "models" / "v002").exists()


@pytest.mark.parametrize("step", BROKEN, ids=lambda step: step.id)
def test_broken_input_gets_the_same_one_line(step: Step, results: Results) -> None:
    answer, report = results[step.id]
    assert not answer["done"] and report["status"] == "failed"
    assert answer["error"].replace(root_of(results, 0), "") == report["error"].replace(root_of(results, 1), "")
    assert "\n" not in answer["error"]


def test_results_are_shown_with_the_styles_of_the_package(
    results: Results,
) -> None:
    shown = {step: {name: renderer for name, _, renderer in answer["shown"]} for step, (answer, _) in results.items()
             if "shown" in answer}  # fmt: skip
    assert shown["map"] == {
        "Landslide probability (percent)": "singlebandpseudocolor", "Landslides": "categorizedSymbol",
    }  # fmt: skip
    assert shown["density"] == {"Landslides per km2": "singlebandpseudocolor"}
    assert shown["hexagons"] == {"Landslides per km2": "graduatedSymbol"}
    assert shown["copy"] == {"Exported landslides": "categorizedSymbol"}


def test_the_rasters_and_outlines_are_the_same(results: Results) -> None:
    assert results["a real pair"][1]["records"] > 100
    for step, key in (
        ("map", "PROBABILITY"), ("change", "PROBABILITY"), ("a real pair", "PROBABILITY"), ("density", "GRID"),
    ):  # fmt: skip
        answer, report = results[step]
        ours = Path(answer["results"][key])
        theirs = Path(report["outputs"]["cells" if key == "GRID" else "probability"])
        with rasterio.open(ours) as one, rasterio.open(theirs) as other:
            np.testing.assert_array_equal(one.read(), other.read())
    answer, report = results["export"]
    ours, theirs = (geopandas.read_file(file) for file in (answer["results"]["FILE"], report["outputs"]["file"]))
    assert len(ours) == len(theirs) > 0
    assert ours.geometry.geom_equals(theirs.geometry).all()


def test_every_output_that_is_declared_comes_from_some_run(seen: dict[str, Any], results: Results) -> None:
    rare = {("map", "DEVIATION")}  # of --tta, eight times the work
    for name, declared in seen["declared"].items():
        got = {output for step in STEPS if step.algorithm == name for output in results[step.id][0]["results"]}
        missing = {(name, output) for output in declared["outputs"] if output not in got}
        assert missing <= rare


def test_what_was_left_out_is_a_warning_with_the_issues(
    results: Results,
) -> None:
    answer, report = results["import_inventory"]
    assert report["left_out"] == answer["results"]["LEFT_OUT"] == 1
    warnings = [text for kind, text in answer["said"] if kind == "warning"]
    assert any("row 11" in text or "row" in text for text in warnings)
    assert warnings[-1].startswith("done, but 1 left out: ")
    assert any(step.startswith("Learning oregon") for step in results["update"][0]["steps"])


def test_qgis_process_finds_the_plugin_and_runs_it(
    plugin: Path, program: Path, qgis_environment: dict[str, str], tmp_path: Path
) -> None:
    assert QGIS_PROCESS is not None and plugin.is_dir()
    folder = tmp_path / "profile" / "profiles" / "default" / "QGIS"
    folder.mkdir(parents=True)
    (folder / "QGIS3.ini").write_text(f"[PythonPlugins]\ntsmu=true\n\n[tsmu]\nprogram={program}\n")
    done = subprocess.run(
        [QGIS_PROCESS, "run", "tsmu:workspace", f"--FOLDER={tmp_path / 'survey'}"],
        env=qgis_environment | {"QGIS_CUSTOM_CONFIG_PATH": str(tmp_path / "profile")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert f"WORKSPACE:\t{tmp_path / 'survey'}" in done.stdout, done.stdout + done.stderr
    assert (tmp_path / "survey" / "tsmu.toml").is_file()
