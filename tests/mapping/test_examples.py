"""The examples in the docstrings of mapping are true."""

import doctest
import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import write_raster
from tests.mapping.conftest import GRID, RGB, blur, engine, ground
from tests.model.test_bundle import make_network, make_record
from tests.room_examples import examples, run_example
from tsmu import mapping
from tsmu.issues import IssueLog
from tsmu.mapping import decoder_mapper
from tsmu.model import serving_bundle, write_bundle
from tsmu.workspace_folder import WorkspaceFolder

WITHOUT_EXAMPLE = {
    "OpenScene",
    "ScenePlan",
    "DecoderProvenance",
    "MappedScene",
    "MapResult",
    "Tiling",
}  # what others return


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> WorkspaceFolder:
    """A workspace with a model of one region."""
    space = WorkspaceFolder.create(tmp_path_factory.mktemp("examples") / "survey")
    network, record = make_network(), make_record(1)
    network.mean.fill_(110)
    network.std.fill_(30)
    statistics = {"mean": [110.0] * 3, "std": [30.0] * 3, "dtypes": ["uint8"]}
    write_bundle(space.models, network, record.model_copy(update=statistics))
    return space


@pytest.mark.parametrize("example", examples("tsmu.mapping"))
def test_an_example_gives_what_it_says(
    example: doctest.DocTest, space: WorkspaceFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(decoder_mapper, "choose_engine", lambda *_: engine(blur))
    post = write_raster(tmp_path / "post.tif", ground(128, 128), **GRID, **RGB)
    mapped = mapping.MapSession(mapping.MapOptions(), space).map(
        mapping.SceneRequest(post, None, "mapped", region="alps"), tmp_path / "mapped"
    )
    names: dict[str, Any] = {name: getattr(mapping, name) for name in mapping.__all__}
    made = {"space": space, "bundle": serving_bundle(space.models, "alps"), "mapped": mapped, "engine": engine(blur)}
    run_example(example, names | made | {"np": np, "Path": Path, "log": IssueLog("example")})


def test_what_others_call_has_an_example() -> None:
    for name in set(mapping.__all__) - WITHOUT_EXAMPLE:
        value = getattr(mapping, name)
        if inspect.isfunction(value) or inspect.isclass(value):
            assert "Example:" in (value.__doc__ or ""), name
