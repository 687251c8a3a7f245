"""The examples in the docstrings of the workspace are true."""

import doctest
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.room_examples import examples, run_example
from tsmu.workspace import Workspace

MODULES = (
    "base", "chips", "display", "exports", "inventories", "labels", "pairs", "ranges", "regions", "report", "tables",
    "workspace",
)  # fmt: skip
EXAMPLES = examples(*(f"tsmu.workspace.{name}" for name in MODULES))


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_gives_what_it_says(
    example: doctest.DocTest, files: Path, surveyed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in files.iterdir():
        (tmp_path / file.name).symlink_to(file)
    monkeypatch.chdir(tmp_path)
    work = Workspace(shutil.copytree(surveyed, "andes"))
    run_example(example, {"Workspace": Workspace, "work": work, "np": np, "pd": pd, "Timestamp": pd.Timestamp})
