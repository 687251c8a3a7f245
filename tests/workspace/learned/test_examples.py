"""The examples in the docstrings of what learned workspaces offer are true."""

import doctest
import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from tests.networks import BLOB, learn_at_once
from tsmu import errors
from tsmu.workspace import LandslideDatabase, Workspace

MODULES = (
    "database", "database_base", "database_files", "evaluation", "map_recording", "mapping", "model", "models",
    "ranges", "scene_map", "serve", "update", "update_estimate",
)  # fmt: skip


def examples() -> Iterator[doctest.DocTest]:
    """One for each docstring with examples."""
    for module in (errors, *(import_module(f"tsmu.workspace.{name}") for name in MODULES)):
        yield from (example for example in doctest.DocTestFinder().find(module) if example.examples)


@pytest.mark.parametrize("example", list(examples()), ids=lambda example: example.name.removeprefix("tsmu."))
def test_an_example_gives_what_it_says(
    example: doctest.DocTest, files: Path, surveyed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in files.iterdir():
        (tmp_path / file.name).symlink_to(file)
    monkeypatch.chdir(tmp_path)
    learn_at_once(monkeypatch, alps=BLOB)
    work = Workspace(shutil.copytree(surveyed, "survey"))
    example.globs |= {"LandslideDatabase": LandslideDatabase, "Workspace": Workspace, "work": work, "np": np}
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL
    assert doctest.DocTestRunner(optionflags=flags).run(example).failed == 0
