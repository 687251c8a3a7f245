"""The examples in the docstrings of the database are true."""

import doctest
import shutil
from collections.abc import Iterator
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely
import sqlalchemy as sa

from tests.database.conftest import RUN, squares
from tsmu import database as db
from tsmu.issues import IssueLog

ROOM = Path(db.__file__).parent
SCENE = db.SceneRecord("ridge", shapely.box(6.9, 45.9, 7.3, 46.1), "ridge.tif", date_post=date(2024, 5, 1))


def examples() -> Iterator[doctest.DocTest]:
    """One for each docstring with examples."""
    for path in sorted(ROOM.rglob("*.py")):
        parts = path.relative_to(ROOM.parent).with_suffix("").parts
        if "migrations" not in parts:
            module = import_module(".".join(["tsmu", *parts]).removesuffix(".__init__"))
            found = doctest.DocTestFinder(recurse=True).find(module)
            yield from (example for example in found if example.examples)


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which one run has mapped twelve landslides."""
    path = tmp_path_factory.mktemp("examples") / "landslides.gpkg"
    with db.open_database(path, create=True) as records:
        db.add_run(records, squares(12), SCENE, RUN, IssueLog("test"))
    return path


@pytest.mark.parametrize("example", list(examples()), ids=lambda example: example.name.removeprefix("tsmu.database."))
def test_an_example_gives_what_it_says(
    example: doctest.DocTest, mapped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(mapped, "landslides.gpkg")
    names: dict[str, Any] = {name: getattr(db, name) for name in db.__all__}
    modules = {"date": date, "geopandas": geopandas, "np": np, "pd": pd, "sa": sa, "shapely": shapely}
    with db.open_database(Path("landslides.gpkg")) as records:
        ids = {"slide_id": db.query(records)["id"][0], "scene_id": SCENE.id}
        example.globs |= modules | names | ids | {"database": records, "log": IssueLog("example")}
        flags = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
        assert doctest.DocTestRunner(optionflags=flags).run(example).failed == 0
