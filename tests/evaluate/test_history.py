"""Evaluating a workspace: which chips are scored, and what is kept in memory meanwhile."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest

from tests.conftest import write_chips
from tests.networks import NETWORK, learn_at_once
from tests.update.networks import chips_of
from tsmu.chips import add_to_index
from tsmu.chips.index import PATHS, read_index
from tsmu.errors import ChipError
from tsmu.evaluate import evaluate_history
from tsmu.evaluate.report import examples
from tsmu.issues import IssueLog
from tsmu.update import TrainingSettings, update_bundle
from tsmu.workspace_folder import WorkspaceFolder
from tsmu.workspace_tables import write_paths_table


@pytest.fixture
def survey(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WorkspaceFolder:
    """A model that finds the landslides of its one region, which has eight test chips."""
    space = WorkspaceFolder.create(tmp_path / "survey")
    add_to_index(space, chips_of(write_chips(tmp_path / "bright", 40), "bright"))
    learn_at_once(monkeypatch, bright=80)
    update_bundle(space, "bright", "isolate", TrainingSettings(2, 4, 0), **NETWORK)
    return space


def with_other_bands(space: WorkspaceFolder, count: int) -> None:
    """Give the first test chips of the index another band list, as an import of other images would."""
    index = read_index(space)
    places = np.flatnonzero(index["split"] == "test")[:count]
    index["bands"] = [
        ["post:red", "post:nir"] if place in places else list(bands) for place, bands in enumerate(index["bands"])
    ]
    write_paths_table(space, index, space.chips, PATHS)


def test_test_chips_of_other_bands_are_told_and_left_out(survey: WorkspaceFolder) -> None:
    whole = evaluate_history(survey, IssueLog(survey.chips)).counts[0][0].pixels
    with_other_bands(survey, 3)
    log = IssueLog(survey.chips)
    assert evaluate_history(survey, log).counts[0][0].pixels == whole * 5 // 8
    assert "3 test chips have the bands post:red, post:nir" in log.errors[0].problem
    assert "band_1" in log.errors[0].problem or "red, post:green" in log.errors[0].problem


def test_where_no_test_chip_has_the_bands_nothing_is_scored(survey: WorkspaceFolder) -> None:
    with_other_bands(survey, 8)
    with pytest.raises(ChipError, match="8 test chips have the bands post:red, post:nir"):
        evaluate_history(survey, IssueLog(survey.chips))


def test_answers_are_kept_of_the_chips_that_are_shown_only(
    survey: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    predict = examples.predict_chips

    def counted(network: Any, decoder: str, chips: geopandas.GeoDataFrame) -> Iterator[Any]:
        asked.append(len(chips))
        return predict(network, decoder, chips)

    monkeypatch.setattr(examples, "predict_chips", counted)
    shown = examples.example_chips(evaluate_history(survey, IssueLog(survey.chips)))["bright"]
    assert asked == [len(shown)] == [2 * examples.EXAMPLES]
    ious = [example["iou"] for example in shown]
    assert ious == sorted(ious, reverse=True)
