"""The examples in the docstrings of the workspace are true."""

import doctest
import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tsmu.workspace import Workspace

MODULES = (
    "base", "chips", "display", "exports", "inventories", "labels", "pairs", "ranges", "regions", "report", "tables",
    "workspace",
)  # fmt: skip


def examples() -> Iterator[doctest.DocTest]:
    """One for each docstring with examples."""
    for name in MODULES:
        module = import_module(f"tsmu.workspace.{name}")
        yield from (example for example in doctest.DocTestFinder().find(module) if example.examples)


@pytest.mark.parametrize("example", list(examples()), ids=lambda example: example.name.removeprefix("tsmu.workspace."))
def test_an_example_gives_what_it_says(
    example: doctest.DocTest, files: Path, surveyed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in files.iterdir():
        (tmp_path / file.name).symlink_to(file)
    monkeypatch.chdir(tmp_path)
    work = Workspace(shutil.copytree(surveyed, "andes"))
    example.globs |= {"Workspace": Workspace, "work": work, "np": np, "pd": pd, "Timestamp": pd.Timestamp}
    flags = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
    assert doctest.DocTestRunner(optionflags=flags).run(example).failed == 0
