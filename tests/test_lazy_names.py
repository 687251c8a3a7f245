"""Names of a face are loaded when they are used, and no others are there."""

import doctest
import inspect
from importlib import import_module

import pytest

from tests.room_examples import examples, run_example, without_example
from tsmu.lazy_names import lazy_names

ROOMS = (
    "regions", "inventory", "imagery", "labels", "chips", "model", "evaluate", "update", "mapping", "database",
    "situation", "server", "workspace", "synthetic", "benchmark", "tabular", "vectors", "public_data",
)  # fmt: skip


@pytest.mark.parametrize("example", examples("tsmu.lazy_names"))
def test_an_example_gives_what_it_says(example: doctest.DocTest) -> None:
    run_example(example)


def test_another_name_is_an_attribute_error_as_python_has_it() -> None:
    load, _ = lazy_names("tsmu.regions", {"region_map": "RegionMap"})
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        load("nothing")


@pytest.mark.parametrize("room", ROOMS)
def test_every_function_of_a_face_shows_an_example(room: str) -> None:
    face = import_module(f"tsmu.{room}")
    functions = [name for name in face.__all__ if inspect.isfunction(getattr(face, name))]
    assert [name for name in without_example(face) if name in functions] == []
