"""The examples in the docstrings of the database are true."""

import doctest
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely
import sqlalchemy as sa

from tests.database.conftest import RUN, squares
from tests.room_examples import examples, run_example
from tsmu import database as db
from tsmu.issues import IssueLog

SCENE = db.SceneRecord("ridge", shapely.box(6.9, 45.9, 7.3, 46.1), "ridge.tif", date_post=date(2024, 5, 1))


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which one run has mapped twelve landslides."""
    path = tmp_path_factory.mktemp("examples") / "landslides.gpkg"
    with db.open_database(path, create=True) as records:
        db.add_run(records, squares(12), SCENE, RUN, IssueLog("test"))
    return path


@pytest.mark.parametrize("example", examples("tsmu.database"))
def test_an_example_gives_what_it_says(
    example: doctest.DocTest, mapped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(mapped, "landslides.gpkg")
    names: dict[str, Any] = {name: getattr(db, name) for name in db.__all__}
    modules = {"date": date, "geopandas": geopandas, "np": np, "pd": pd, "sa": sa, "shapely": shapely}
    with db.open_database(Path("landslides.gpkg")) as records:
        ids = {"slide_id": db.query(records)["id"][0], "scene_id": SCENE.id}
        run_example(example, modules | names | ids | {"database": records, "log": IssueLog("example")})
