"""What the tests of the faces and examples of model, evaluate and update share."""

import ast
import doctest
import re
import subprocess
import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import shapely
import torch
from matplotlib.figure import Figure

from tests.conftest import write_chips
from tests.doctests import examples_of
from tests.networks import NETWORK, random_network
from tests.update.networks import chips_of
from tsmu import model
from tsmu.chips import add_to_index
from tsmu.chips.index import read_index
from tsmu.evaluate import evaluate_history
from tsmu.issues import IssueLog
from tsmu.update import TrainingSettings, update_bundle
from tsmu.workspace_folder import WorkspaceFolder

LIBRARIES = {"np": np, "torch": torch, "shapely": shapely, "islice": islice, "Figure": Figure}


def examples(room: ModuleType) -> list[doctest.DocTest]:
    """The examples in the docstrings of a room, one for each docstring that has any."""
    return list(examples_of(room.__name__))


def learned_workspace(folder: Path) -> WorkspaceFolder:
    """A workspace with ten chips of the region `alps`, and one version that has learned them in two steps."""
    workspace = WorkspaceFolder.create(folder / "survey")
    add_to_index(workspace, chips_of(write_chips(folder / "chips"), "alps"))
    update_bundle(workspace, "alps", "isolate", TrainingSettings(2, 2, 0), **NETWORK)
    return workspace


def run_example(example: doctest.DocTest, workspace: WorkspaceFolder) -> None:
    """Run an example with those of the names below that it uses; most are not worth their time otherwise."""
    source = "".join(one.source for one in example.examples)
    names: dict[str, Callable[[], Any]] = {
        "workspace": lambda: workspace,
        "models": lambda: workspace.models,
        "bundle": lambda: model.open_bundle(workspace.models / "v001"),
        "record": lambda: model.open_bundle(workspace.models / "v001").record,
        "network": _network,
        "chips": lambda: read_index(workspace).iloc[:4],
        "log": lambda: IssueLog(workspace.chips),
        "history": lambda: evaluate_history(workspace, IssueLog(workspace.chips)),
    }
    example.globs |= LIBRARIES | {name: make() for name, make in names.items() if re.search(rf"\b{name}\b", source)}
    flags = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
    assert doctest.DocTestRunner(optionflags=flags).run(example).failed == 0


def _network() -> model.RegionNet:
    network = random_network([110.0] * 3, [30.0] * 3)
    network.add_decoder("alps")
    return network


def check_face(room: ModuleType) -> None:
    """Every name of a face is there, and type checkers see the names that are loaded."""
    names = room.__all__
    assert len(set(names)) == len(names)
    for name in names:
        assert getattr(room, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        room.nothing  # noqa: B018
    assert room.__file__ is not None
    face = ast.parse(Path(room.__file__).read_text())
    block = next(node for node in face.body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    assert {alias.asname or alias.name for node in imports for alias in node.names} == set(names)


def loaded_by(code: str, *modules: str) -> list[str]:
    """Which of some modules are loaded after code has run in a new process."""
    question = f"import sys; print(*[name for name in {modules!r} if name in sys.modules])"
    return subprocess.check_output([sys.executable, "-c", f"{code}; {question}"], text=True).split()
