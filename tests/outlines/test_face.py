"""What others use of the room is named in its face, costs nothing to import, and its examples are true."""

import doctest
from typing import Any

import numpy as np
import pytest

from tests.outlines.made_scene import MIDDLE, place
from tests.room_examples import check_face, examples, loaded_by, run_example, without_example
from tsmu import outlines as room
from tsmu.outlines import SceneFiles


def test_every_name_of_the_face_is_there() -> None:
    check_face(room)


def test_the_face_loads_nothing_heavy() -> None:
    assert loaded_by("import tsmu.outlines; tsmu.outlines.OutlineSource") == []


def test_its_functions_show_an_example() -> None:
    assert {name for name in without_example(room) if name[0].islower()} == set()


@pytest.mark.parametrize("example", examples("tsmu.outlines"))
def test_an_example_gives_what_it_says(example: doctest.DocTest, scene: SceneFiles) -> None:
    names: dict[str, Any] = {name: getattr(room, name) for name in room.__all__}
    longitude, latitude = place(*MIDDLE)
    run_example(example, names | {"scene": scene, "longitude": longitude, "latitude": latitude, "np": np})
