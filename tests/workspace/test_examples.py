"""The examples in the docstrings of the workspace are true."""

import doctest
import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tsmu import workspace
from tsmu.workspace import Workspace

ROOM = Path(workspace.__file__).parent


def examples() -> Iterator[doctest.DocTest]:
    """One for each docstring with examples."""
    for path in sorted(ROOM.glob("*.py")):
        name = f"tsmu.workspace.{path.stem}".removesuffix(".__init__")
        module = import_module(name)
        found = doctest.DocTestFinder(recurse=True).find(module)
        yield from (example for example in found if example.examples)


@pytest.mark.parametrize("example", list(examples()), ids=lambda example: example.name.removeprefix("tsmu.workspace."))
def test_an_example_gives_what_it_says(
    example: doctest.DocTest, files: Path, surveyed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in files.iterdir():
        (tmp_path / file.name).symlink_to(file)
    monkeypatch.chdir(tmp_path)
    work = Workspace(shutil.copytree(surveyed, "andes"))
    example.globs |= {"Workspace": Workspace, "work": work, "np": np, "pd": pd, "Timestamp": pd.Timestamp}
    assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example).failed == 0
