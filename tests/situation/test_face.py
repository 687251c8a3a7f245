"""What others use of the room is named in its face, costs nothing to import, and its examples are true."""

import doctest
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.room_examples import check_face, examples, loaded_by, run_example, without_example
from tsmu import situation as room
from tsmu.situation import Situation


def test_every_name_of_the_face_is_there() -> None:
    check_face(room)


def test_the_face_loads_nothing_heavy() -> None:
    assert loaded_by("import tsmu.situation") == []


def test_its_functions_show_an_example() -> None:
    assert {name for name in without_example(room) if name[0].islower()} == set()


@pytest.mark.parametrize("example", examples("tsmu.situation"))
def test_an_example_gives_what_it_says(
    example: doctest.DocTest, situation: Situation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {name: getattr(room, name) for name in room.__all__}
    few = replace(situation, landslides=situation.landslides.iloc[:3].assign(status="candidate"))
    run_example(example, names | {"seen_event": few, "Path": Path})
