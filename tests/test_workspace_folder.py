"""The workspace: found from inside, settings that explain themselves, one writer at a time."""

import subprocess
import sys
from pathlib import Path

import pytest

from tsmu.errors import WorkspaceError
from tsmu.workspace_folder import SETTINGS_FILE, Settings, WorkspaceFolder


def test_is_found_from_a_folder_inside(tmp_path: Path) -> None:
    workspace = WorkspaceFolder.create(tmp_path / "survey")
    inside = workspace.root / "maps" / "scene"
    inside.mkdir(parents=True)
    assert WorkspaceFolder.find(inside).root == workspace.root


def test_outside_any_workspace_the_error_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="tsmu init"):
        WorkspaceFolder.find(tmp_path)


def test_the_template_holds_the_defaults(tmp_path: Path) -> None:
    assert WorkspaceFolder.create(tmp_path).settings == Settings()


def test_creating_twice_keeps_the_settings(tmp_path: Path) -> None:
    WorkspaceFolder.create(tmp_path)
    (tmp_path / SETTINGS_FILE).write_text("[update]\nsteps = 7\n")
    assert WorkspaceFolder.create(tmp_path).settings.update.steps == 7


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[update]\nstep = 7\n", "update.step; the nearest known one is update.steps"),
        ("[modle]\n", "modle; the nearest known one is model"),
        ("[update]\nsteps = 'many'\n", "update.steps"),
        ("[update\n", "not valid TOML"),
    ],
)
def test_wrong_settings_are_explained(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / SETTINGS_FILE).write_text(text)
    with pytest.raises(WorkspaceError, match=told) as caught:
        WorkspaceFolder.open(tmp_path)
    assert "\n" not in str(caught.value)


HOLD = """
import sys, time
from pathlib import Path
from tsmu.workspace_folder import WorkspaceFolder
with WorkspaceFolder.open(Path(sys.argv[1])).lock("tsmu update"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_writer_is_told_who_the_first_is_and_a_killed_one_frees_the_lock(tmp_path: Path) -> None:
    workspace = WorkspaceFolder.create(tmp_path)
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(WorkspaceError, match=f"`tsmu update` .process {holder.pid}"), workspace.lock("tsmu map"):
            pass
    finally:
        holder.kill()
        holder.wait()
    with workspace.lock("tsmu map"):
        pass


def test_paths_inside_are_stored_relative_and_outside_absolute(tmp_path: Path) -> None:
    workspace = WorkspaceFolder.create(tmp_path / "survey")
    assert workspace.stored_path(workspace.root / "a" / "b.tif") == "a/b.tif"
    assert workspace.stored_path(tmp_path / "c.tif") == str((tmp_path / "c.tif").resolve())
