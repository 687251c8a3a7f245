"""The examples in the docstrings of the server are true."""

import doctest
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.database.conftest import squares
from tests.database.test_building import add
from tsmu import server
from tsmu.database import open_database
from tsmu.workspace_folder import WorkspaceFolder

ROOM = Path(server.__file__).parent


def examples() -> Iterator[doctest.DocTest]:
    """One for each docstring with examples."""
    for path in sorted(ROOM.rglob("*.py")):
        parts = path.relative_to(ROOM.parent).with_suffix("").parts
        module = import_module(".".join(["tsmu", *parts]).removesuffix(".__init__"))
        found = doctest.DocTestFinder(recurse=True).find(module)
        yield from (example for example in found if example.examples)


@pytest.mark.parametrize("example", list(examples()), ids=lambda example: example.name.removeprefix("tsmu.server."))
def test_an_example_gives_what_it_says(
    example: doctest.DocTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    workspace = WorkspaceFolder.create(tmp_path / "alps")
    with open_database(workspace.database, create=True) as database:
        add(database, squares(12))
        names: dict[str, Any] = {name: getattr(server, name) for name in server.__all__}
        example.globs |= names | {"database": database, "workspace": workspace, "np": np, "pd": pd, "Path": Path}
        assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example).failed == 0
