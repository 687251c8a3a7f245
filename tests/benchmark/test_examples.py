"""The examples in the docstrings of the benchmarks and of the synthetic world are true, and their faces are cheap."""

import ast
import doctest
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import shapely
from rasterio.windows import Window

from tests.conftest import write_chips
from tests.room_examples import examples, run_example
from tsmu import benchmark, synthetic

ROOMS = {"benchmark": benchmark, "synthetic": synthetic}


@pytest.mark.parametrize("example", examples("tsmu.benchmark", "tsmu.synthetic"))
def test_an_example_gives_what_it_says(
    example: doctest.DocTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if "data" in example.docstring:
        write_chips(tmp_path / "data" / "hills", 10)
        write_chips(tmp_path / "data" / "coast", 10, bright=False)
    room = ROOMS[example.name.split(".")[1]]
    names = {name: getattr(room, name) for name in room.__all__}
    run_example(example, names | {"Path": Path, "Window": Window, "np": np, "shapely": shapely})


@pytest.mark.parametrize("name", ROOMS)
def test_type_checkers_see_the_names_that_are_loaded(name: str) -> None:
    room = ROOMS[name]
    face = ast.parse(Path(str(room.__file__)).read_text())
    block = next(node for node in face.body if isinstance(node, ast.If))
    assert {alias.name for node in block.body for alias in node.names} == set(room.__all__)  # type: ignore[attr-defined]
    for member in room.__all__:
        assert getattr(room, member) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        room.nothing  # noqa: B018


@pytest.mark.parametrize("name", ROOMS)
def test_importing_a_face_loads_nothing_heavy(name: str) -> None:
    heavy = "[name for name in ('torch', 'rasterio', 'geopandas', 'matplotlib', 'scipy') if name in sys.modules]"
    written = subprocess.check_output([sys.executable, "-c", f"import tsmu.{name}, sys; print({heavy})"], text=True)
    assert written.strip() == "[]"
