"""The promise: whatever is learned, no region is served worse than it was at its best."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import write_chips
from tests.networks import BLOB, NETWORK, learn_at_once
from tests.update.networks import chips_of
from tsmu.chips import add_to_index, select_chips
from tsmu.chips.index import read_index
from tsmu.evaluate import evaluate_history
from tsmu.issues import IssueLog
from tsmu.model import (
    Bundle,
    open_bundle,
    pin_region,
    pin_worse_regions,
    read_serving,
    roll_back,
    served_record,
    serving_bundle,
)
from tsmu.update import TrainingSettings, bundle_update, regression, update_bundle
from tsmu.workspace_folder import WorkspaceFolder

SETTINGS = TrainingSettings(2, 4, 0)


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace that knows one region well."""
    folder = tmp_path_factory.mktemp("promise")
    space = WorkspaceFolder.create(folder / "survey")
    for region, bright in (("bright", True), ("dark", False)):
        add_to_index(space, chips_of(write_chips(folder / region, 20, bright=bright), region))
    with pytest.MonkeyPatch.context() as patch:
        learn_at_once(patch, bright=BLOB)
        update_bundle(space, "bright", "tsmu", SETTINGS, **NETWORK)
    return space.root


@pytest.fixture
def survey(learned: Path, tmp_path: Path) -> WorkspaceFolder:
    shutil.copytree(learned, tmp_path / "survey")
    return WorkspaceFolder.open(tmp_path / "survey")


Learn = Callable[..., Bundle]


@pytest.fixture
def learn(survey: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch) -> Learn:
    """Update, with the answers that decoders then give (`learn_at_once`)."""

    def run(region: str, strategy: str, **answers: float) -> Bundle:
        with monkeypatch.context() as patch:
            learn_at_once(patch, **answers)
            return update_bundle(survey, region, strategy, SETTINGS, **NETWORK)

    return run


def pins(survey: WorkspaceFolder) -> dict[str, str]:
    return {region: pin.version for region, pin in read_serving(survey.models).pins.items()}


def test_small_losses_do_not_add_up(survey: WorkspaceFolder, learn: Learn, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as tolerant:
        tolerant.setattr(regression, "TOLERANCE", 1.0)
        learn("dark", "tsmu", bright=-BLOB, dark=-BLOB)
    assert pins(survey) == {}
    learn("dark", "frozen")
    assert pins(survey)["bright"] == "v001"


def test_later_versions_are_held_against_the_one_that_served_best(survey: WorkspaceFolder, learn: Learn) -> None:
    learn("dark", "frozen")
    entry = served_record(survey.models).regions["bright"]
    assert (entry.learned_in, entry.best_in) == (1, 2)  # as well as before: the newer one counts
    learn("dark", "finetune", bright=-BLOB)
    assert pins(survey)["bright"] == "v002"


def test_where_validation_shows_no_landslides_answers_may_not_move_far(survey: WorkspaceFolder, learn: Learn) -> None:
    validation = select_chips(read_index(survey), "bright", "val")
    masks = {Path(mask): Path(mask).read_bytes() for mask in validation["mask"]}
    try:
        for mask in masks:
            Image.fromarray(np.zeros((32, 32), np.uint8)).save(mask)
        add_to_index(survey, chips_of(Path(validation["source"].iloc[0]), "bright"))
        learn("dark", "finetune", bright=-BLOB)
        found = read_serving(survey.models).pins["bright"]
        assert "no validation chips show landslides" in found.why
    finally:
        for mask, content in masks.items():
            mask.write_bytes(content)


def test_what_only_a_pin_serves_is_mapped_and_held_against(survey: WorkspaceFolder, learn: Learn) -> None:
    good = learn("dark", "frozen", dark=-BLOB)
    pin_worse_regions(survey.models, "v002", {"dark": (good.name, "for the test")})
    pin_worse_regions(survey.models, "v002", {"bright": ("v001", "for the test")})
    roll_back(survey.models, "v001")
    assert pins(survey) == {"dark": "v002"}  # v002 is not what is served any more; dark is known to it alone
    assert "dark" in served_record(survey.models).regions
    history = evaluate_history(survey, IssueLog(survey.chips))
    assert (history.regions, list(history.served)) == (["bright"], ["bright", "dark"])
    learn("dark", "frozen")
    assert serving_bundle(survey.models, "dark").name == good.name


def test_a_pin_set_by_hand_is_taken_off_by_hand_alone(survey: WorkspaceFolder, learn: Learn) -> None:
    pin_region(survey.models, "bright", "v001", "checked in the field")
    learn("bright", "tsmu")
    assert pins(survey) == {"bright": "v001"}
    assert read_serving(survey.models).pins["bright"].why == "checked in the field"


def test_an_update_that_fails_to_write_leaves_no_pins(
    survey: WorkspaceFolder, learn: Learn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(bundle_update, "write_bundle", full)
        with pytest.raises(OSError, match="No space"):
            learn("dark", "finetune", bright=-BLOB)
    assert serving_bundle(survey.models, "bright") == open_bundle(survey.models / "v001")
    learn("dark", "frozen")
    assert pins(survey) == {}
