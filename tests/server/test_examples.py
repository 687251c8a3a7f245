"""The examples in the docstrings of the server are true."""

import doctest
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.database.conftest import squares
from tests.database.test_building import add
from tests.room_examples import examples, run_example
from tsmu import server
from tsmu.database import open_database
from tsmu.workspace_folder import WorkspaceFolder


@pytest.mark.parametrize("example", examples("tsmu.server"))
def test_an_example_gives_what_it_says(
    example: doctest.DocTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    workspace = WorkspaceFolder.create(tmp_path / "alps")
    with open_database(workspace.database, create=True) as database:
        add(database, squares(12))
        names: dict[str, Any] = {name: getattr(server, name) for name in server.__all__}
        others = {"database": database, "workspace": workspace, "np": np, "pd": pd, "Path": Path}
        run_example(example, names | others)
