"""Versions: which serves what, and that an update that harms a region does not reach its maps."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rasterio.transform import from_origin

from tests.conftest import Tsmu, write_chips, write_raster
from tests.networks import BLOB, NETWORK_OPTIONS, learn_at_once

PLACE = {"crs": "EPSG:32610", "transform": from_origin(500_000, 5_000_000, 10, 10), "photometric": "RGB"}


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory, tsmu: Tsmu) -> Path:
    """A workspace that learned one region well, kept its validation chips, lost its images, and was fine-tuned."""
    folder = tmp_path_factory.mktemp("models")
    space = folder / "survey"
    assert tsmu("init", space).returncode == 0
    for region, bright in (("alps", True), ("andes", False)):
        chips = write_chips(folder / region, 20, bright=bright, seed=int(bright))
        assert tsmu("import", "chips", chips, "--region", region, "--workspace", space).returncode == 0
    options = ("--steps", 2, "--batch-size", 4, *NETWORK_OPTIONS, "--workspace", space)
    with pytest.MonkeyPatch.context() as patch:
        learn_at_once(patch, alps=BLOB)
        done = tsmu("update", "alps", "--keep-validation", *options)
    assert done.returncode == 0, done.stderr
    (folder / "alps" / "images").rename(folder / "away")
    maps = mapped(space, folder, tsmu)
    with pytest.MonkeyPatch.context() as patch:
        learn_at_once(patch, alps=-BLOB)  # the one decoder of fine-tuning has forgotten the alps
        done = tsmu("update", "andes", "--strategy", "finetune", "--json", *options)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["pins"]["alps"]["version"] == "v001"
    assert mapped(space, folder, tsmu) == maps
    return space


def mapped(space: Path, folder: Path, tsmu: Tsmu) -> bytes:
    """The bytes of a map of a scene in the alps."""
    scene = folder / "scene.tif"
    if not scene.exists():
        pixels = np.random.default_rng(0).normal(110, 12, (3, 96, 96))
        pixels[:, 30:60, 30:60] += 80
        write_raster(scene, pixels.clip(0, 255).astype(np.uint8), **PLACE)
    out = folder / f"map{len(list(folder.glob('map*')))}"
    options = ("--out", out, "--name", "scene", "--engine", "torch", "--workspace", space)
    done = tsmu("map", scene, "--region", "alps", *options)
    assert done.returncode == 0, done.stderr
    return (out / "probability.tif").read_bytes()


def test_a_harmed_region_stays_with_the_version_that_serves_it(survey: Path, tsmu: Tsmu) -> None:
    answer = json.loads(tsmu("models", "list", "--json", "--workspace", survey).stdout)
    assert answer["current"] == "v002"
    assert [version["serves"] for version in answer["versions"]] == [["alps"], ["andes"]]
    assert "validation chips fell from" in answer["pins"]["alps"]["why"]
    assert tsmu("models", "list", "--workspace", survey).stdout.startswith("  v001")


def test_evaluate_scores_what_serves_and_leaves_out_what_is_gone(survey: Path, tsmu: Tsmu) -> None:
    def evaluated(code: int) -> dict[str, Any]:
        done = tsmu("evaluate", "--json", "--workspace", survey)
        assert done.returncode == code, done.stderr
        return dict(json.loads(done.stdout))

    gone = evaluated(3)
    assert gone["regions"] == ["andes"]
    assert gone["issues"][0]["problem"].startswith("the files of its 4 test chips are gone")
    images = survey.parent / "alps" / "images"
    (survey.parent / "away").rename(images)
    try:
        there = evaluated(0)
        assert there["now"]["alps"]["version"] == "v001"
        assert there["now"]["alps"]["iou"] == there["R"][0][0] > there["R"][1][0]
        assert there["now"]["andes"]["iou"] == there["R"][1][1]
        assert there["summary_now"]["WF"] == 0 < there["summaries"][1]["WF"]
        lines = tsmu("evaluate", "--workspace", survey).stdout.splitlines()
        assert ["served", "v001"] in [line.split()[:3:2] for line in lines]
    finally:
        images.rename(survey.parent / "away")


def test_pins_are_taken_off_and_set_by_hand(survey: Path, tsmu: Tsmu) -> None:
    there = ("--workspace", survey)
    assert tsmu("models", "unpin", "alps", *there).returncode == 0
    assert tsmu("models", "unpin", "alps", *there).returncode == 2
    wrong = tsmu("models", "pin", "andes", "v001", *there)
    assert (wrong.returncode, "has not learned andes" in wrong.stderr) == (2, True)
    assert "no version v009" in tsmu("models", "pin", "alps", "v009", *there).stderr
    assert tsmu("models", "pin", "alps", "v001", "--why", "the survey asked for it", *there).returncode == 0
    pins = json.loads(tsmu("models", "list", "--json", *there).stdout)["pins"]
    assert pins["alps"]["why"] == "the survey asked for it"


def test_versions_are_compared_and_shown(survey: Path, tsmu: Tsmu) -> None:
    answer = json.loads(tsmu("models", "diff", "v001", "v002", "--json", "--workspace", survey).stdout)
    parts = {part["part"]: part for part in answer["parts"]}
    assert parts["encoder"]["change"] == "changed"
    assert parts["encoder"]["moved"] > 0
    assert parts["region andes"]["change"] == "only in v002"
    same = json.loads(tsmu("models", "diff", "v001", "v001", "--json", "--workspace", survey).stdout)
    assert {part["change"] for part in same["parts"]} == {"same"}
    assert "Landslide model v001" in tsmu("models", "show", "v001", "--workspace", survey).stdout


def test_a_rollback_serves_and_is_what_the_next_update_begins_with(survey: Path, tsmu: Tsmu) -> None:
    there = ("--workspace", survey)
    assert json.loads(tsmu("models", "rollback", "--json", *there).stdout)["current"] == "v001"
    assert tsmu("models", "rollback", *there).returncode == 2
    options = ("--steps", 2, "--batch-size", 4, *NETWORK_OPTIONS)
    done = tsmu("update", "andes", "--strategy", "frozen", "--json", *options, *there)
    assert json.loads(done.stdout)["version"] == "v003"
    answer = json.loads(tsmu("models", "list", "--json", *there).stdout)
    assert answer["current"] == "v003"
    assert answer["versions"][-1]["parent"] == "v001"
