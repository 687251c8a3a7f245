"""A workspace with one learned version, and the names that examples of model, evaluate and update use."""

import doctest
import re
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import shapely
import torch
from matplotlib.figure import Figure

from tests.conftest import write_chips
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


def learned_workspace(folder: Path) -> WorkspaceFolder:
    """A workspace with ten chips of the region `alps`, and one version that has learned them in two steps."""
    workspace = WorkspaceFolder.create(folder / "survey")
    add_to_index(workspace, chips_of(write_chips(folder / "chips"), "alps"))
    update_bundle(workspace, "alps", "isolate", TrainingSettings(2, 2, 0), **NETWORK)
    return workspace


def names_of_example(example: doctest.DocTest, workspace: WorkspaceFolder) -> dict[str, Any]:
    """Those of the names below that an example uses; most are not worth their time otherwise."""
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
    return LIBRARIES | {name: make() for name, make in names.items() if re.search(rf"\b{name}\b", source)}


def _network() -> model.RegionNet:
    network = random_network([110.0] * 3, [30.0] * 3)
    network.add_decoder("alps")
    return network
