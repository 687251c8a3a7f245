"""What others use of the room is named in its face, costs nothing to import, and its examples are true."""

import doctest
from pathlib import Path

import numpy as np
import pytest

import tsmu
from tests.public_data.made_sets import write_gvlm
from tests.room_examples import check_face, examples, loaded_by, run_example
from tsmu import public_data as room
from tsmu.public_data import find_set, read_catalogue


def test_every_name_of_the_face_is_there() -> None:
    check_face(room)


def test_the_face_loads_nothing_heavy() -> None:
    assert loaded_by("import tsmu.public_data") == []


@pytest.mark.parametrize("example", examples("tsmu.public_data", "tsmu.workspace.public_data"))
def test_an_example_gives_what_it_says(
    example: doctest.DocTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if "GVLM_CD" in "".join(part.source for part in example.examples):
        write_gvlm(tmp_path / "GVLM_CD")
    run_example(example, {"tsmu": tsmu, "np": np, "find_set": find_set, "read_catalogue": read_catalogue, "Path": Path})
