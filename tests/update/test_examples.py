"""The examples in the docstrings of `tsmu.update` are true, and its face is whole and cheap to import."""

import doctest
import shutil
from pathlib import Path

import pytest

from tests.learning_rooms import learned_workspace, names_of_example
from tests.room_examples import check_face, examples, loaded_by, run_example
from tsmu import update
from tsmu.workspace_folder import WorkspaceFolder


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> WorkspaceFolder:
    return learned_workspace(tmp_path_factory.mktemp("learned"))


@pytest.mark.parametrize("example", examples("tsmu.update"))
def test_an_example_gives_what_it_says(example: doctest.DocTest, learned: WorkspaceFolder, tmp_path: Path) -> None:
    shutil.copytree(learned.root, tmp_path / "survey")
    run_example(example, names_of_example(example, WorkspaceFolder.open(tmp_path / "survey")))


def test_every_name_of_the_face_is_there() -> None:
    check_face(update)


def test_importing_the_face_loads_nothing_heavy() -> None:
    assert loaded_by("import tsmu.update", "torch", "lightning_fabric", "scipy") == []


def test_strategies_do_not_load_lightning() -> None:
    assert loaded_by("from tsmu.update import STRATEGIES, TrainingSettings", "lightning_fabric") == []
