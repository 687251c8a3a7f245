"""The review dock, driven by keys: the database says what was decided, by whom."""

import json
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.qgis.conftest import DATABASE, LANDSLIDES, InQgis, finish, review_workspace
from tsmu.database import check, history, open_database, query, reviews
from tsmu.workspace import Workspace

ACTIONS = {"A": "accept", "R": "reject", "U": "unsure", "B": "bad imagery"}
STATUS = {"A": "confirmed", "R": "rejected", "U": "candidate", "B": "candidate"}
PICTURES = os.environ.get("TSMU_PICTURES", "")  # a folder for pictures of the dock, to look at


@pytest.fixture(scope="module", params=["geopackage", "postgis"])
def workspace(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A workspace with one scene, before and after, and its candidates, in a database of each kind."""
    root = tmp_path_factory.mktemp("review") / "survey"
    server = request.getfixturevalue("server") if request.param == "postgis" else None
    yield review_workspace(root, server or DATABASE)
    shutil.rmtree(root)


@pytest.fixture(scope="module")
def seen(
    workspace: Path, program: Path, start_in_qgis: InQgis, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """What the reviewer saw."""
    answer = tmp_path_factory.mktemp("dock") / "seen.json"
    script = Path(__file__).parent / "dock_driver.py"
    seen: dict[str, Any] = finish(start_in_qgis(script, workspace, program, answer, PICTURES), answer)
    return seen


def test_twenty_decisions_by_keys_are_what_the_database_says(seen: dict[str, Any], workspace: Path) -> None:
    assert seen["total"] == LANDSLIDES
    assert len({landslide for landslide, _ in seen["decisions"]}) == len(seen["decisions"]) == 20
    verdicts = [ACTIONS[key] for _, key in seen["decisions"]]
    decided = verdicts.count("accept") + verdicts.count("reject")
    assert (seen["progress"]["decided"], seen["progress"]["total"]) == (decided, LANDSLIDES)
    assert seen["undone"] == seen["decisions"][-1][0]
    with open_database(Workspace(workspace).folder.database) as database:
        status = query(database).set_index("id")["status"]
        for landslide, key in seen["decisions"][:-1]:
            last = reviews(database, landslide).iloc[-1]
            assert (last["action"], last["by"], status[landslide]) == (ACTIONS[key], "eva", STATUS[key])
        assert check(database).empty


def test_undo_comment_and_edit_are_records_and_versions(seen: dict[str, Any], workspace: Path) -> None:
    with open_database(Workspace(workspace).folder.database) as database:
        done = reviews(database, seen["undone"])
        versions = history(database, seen["undone"])
    assert done["action"].tolist()[1:4] == ["undo", "comment", "edit"]
    assert "a rash of comments" in done["why"].tolist()
    edited = versions[versions["version"] == seen["after_edit"]["version"]].iloc[0]
    assert (edited["changed_by"], edited["change_reason"]) == ("eva", "edit")
    assert edited["area_m2"] == pytest.approx(versions["area_m2"].iloc[0] / 2, rel=0.02)
    assert seen["after_next"] != seen["undone"] == seen["after_previous"]


def test_the_scene_flips_between_before_and_after_and_leaves_nothing_behind(seen: dict[str, Any]) -> None:
    assert seen["sides"] == ["pre", "post"]
    assert {"before", "after", "Landslides"} <= set(seen["layers"])
    assert seen["layers_after"] == ["Landslides"]
    assert set(seen["fills"]) == {"no"}  # outlines alone, so that the images are seen
    entries = ["Review landslides", "Open a workspace ...", "Make a project of a workspace ...", "Settings ..."]
    assert [text for _, text in seen["menu"]] == entries


def test_somebody_elses_change_is_said_and_shown(seen: dict[str, Any]) -> None:
    assert seen["conflict"]["message"].startswith("Not made: ola has changed it meanwhile")
    assert seen["bar"] == "map.tif: not a raster; name another"


def test_the_server_ends_with_the_dock(seen: dict[str, Any]) -> None:
    assert seen["running"] and not seen["running_after"]
    assert json.dumps(seen["address"]).startswith('"http://127.0.0.1:')


def test_the_server_of_a_qgis_that_is_gone_ends(program: Path, workspace: Path) -> None:
    command = [program, "serve", "--write", "--port=0", f"--workspace={workspace}"]
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | {"TSMU_END_WITH_INPUT": "1"}
    )
    assert child.stdin is not None and child.stdout is not None
    address = child.stdout.readline().split()[0]
    with urllib.request.urlopen(f"{address}api/info", timeout=120) as answer:  # it serves
        assert answer.status == 200
    child.stdin.close()
    assert child.wait(timeout=120) == 0
