"""The examples in the docstrings of what learned workspaces offer are true."""

import doctest
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.networks import BLOB, learn_at_once
from tests.room_examples import examples, run_example
from tsmu.workspace import LandslideDatabase, Workspace

MODULES = (
    "database", "database_base", "database_files", "database_merging", "evaluation", "map_recording", "mapping",
    "model", "models", "ranges", "scene_map", "serve", "update", "update_estimate",
)  # fmt: skip
EXAMPLES = examples("tsmu.errors", *(f"tsmu.workspace.{name}" for name in MODULES))


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_gives_what_it_says(
    example: doctest.DocTest, files: Path, surveyed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in files.iterdir():
        (tmp_path / file.name).symlink_to(file)
    monkeypatch.chdir(tmp_path)
    learn_at_once(monkeypatch, alps=BLOB)
    work = Workspace(shutil.copytree(surveyed, "survey"))
    run_example(example, {"LandslideDatabase": LandslideDatabase, "Workspace": Workspace, "work": work, "np": np})
