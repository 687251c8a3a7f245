"""`tsmu update`: bundles that chain, the same from the same seed, and going on after a kill."""

import time
from pathlib import Path

import pytest

from tests.conftest import Tsmu, write_chips
from tests.networks import BLOB, ENCODER, NETWORK, NETWORK_OPTIONS, answer_by_brightness, learn_at_once
from tests.processes import kill, start_tsmu
from tests.update.networks import chips_of
from tsmu.chips import add_to_index, select_chips
from tsmu.chips.index import read_index
from tsmu.errors import UpdateError
from tsmu.model import Bundle, bundle_versions, open_bundle, read_serving, serving_bundle
from tsmu.update import TrainingSettings, strategy_named, update_bundle
from tsmu.update.regression import compare_scores
from tsmu.workspace_folder import WorkspaceFolder


@pytest.fixture
def workspace(tmp_path: Path, bright_chips: Path, dark_chips: Path) -> WorkspaceFolder:
    space = WorkspaceFolder.create(tmp_path / "survey")
    add_to_index(space, chips_of(bright_chips, "bright"))
    add_to_index(space, chips_of(dark_chips, "dark"))
    return space


def test_versions_chain_and_tell_where_they_come_from(workspace: WorkspaceFolder) -> None:
    settings = TrainingSettings(2, 4, 0)
    first = update_bundle(workspace, "bright", "tsmu", settings, **NETWORK)
    second = update_bundle(workspace, "dark", "tsmu", settings, **NETWORK)
    assert (first.name, second.name) == ("v001", "v002")
    assert (first.record.parent, second.record.parent) == (None, 1)
    assert list(second.record.regions) == second.record.decoders == ["bright", "dark"]
    kept, was = (bundle.record.regions["bright"].model_dump(exclude={"best_in"}) for bundle in (second, first))
    assert kept == was  # only whose answers are best may be another now
    entry = second.record.regions["dark"]
    assert entry.chips == {"train": 6, "val": 2, "test": 2}
    assert entry.scores["test"].keys() >= {"iou", "dice", "precision", "recall", "average_precision"}
    card = (second.path / "card.md").read_text()
    assert "bright" in card
    assert "on top of v001" in card
    assert list(workspace.runs.iterdir()) == []
    known = update_bundle(workspace, "bright", "tsmu", settings, **NETWORK)
    assert known.record.decoders == ["bright", "dark"]
    assert known.record.regions["bright"].learned_in == 3


def test_a_region_that_learns_on_and_gets_worse_stays_with_the_version_it_had(
    workspace: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def learn(difference: float) -> Bundle:
        learn_at_once(monkeypatch, bright=difference)
        return update_bundle(workspace, "bright", "finetune", TrainingSettings(2, 4, 0), **NETWORK)

    learned = learn(BLOB)
    learn(-BLOB)
    pin = read_serving(workspace.models).pins["bright"]
    assert pin.version == learned.name
    assert "validation chips fell from" in pin.why
    assert serving_bundle(workspace.models, "bright").name == learned.name
    better = learn(BLOB)
    assert serving_bundle(workspace.models, "bright").name == better.name


def test_a_loss_that_one_chip_shows_pins_an_old_region_but_not_the_one_that_learned(
    workspace: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn_at_once(monkeypatch, bright=BLOB)
    learned = update_bundle(workspace, "bright", "tsmu", TrainingSettings(2, 4, 0), **NETWORK)
    entry, chips = learned.record.regions["bright"], select_chips(read_index(workspace), "bright")
    after = learned.network()
    answer_by_brightness(after, "bright", 0)  # as good as after forgetting everything

    def lost(count: int, *, beyond_error: bool) -> str | None:
        return compare_scores(
            learned.network(), entry, after, entry, chips.iloc[:count], beyond_error=beyond_error
        ).loss

    assert "1 validation chip fell from" in (lost(1, beyond_error=False) or "")
    assert lost(1, beyond_error=True) is None
    assert "10 validation chips fell from" in (lost(10, beyond_error=True) or "")


def test_the_card_says_how_many_labels_came_out_of_reviews(workspace: WorkspaceFolder) -> None:
    reviewed = write_chips(workspace.label_files / "review" / "bright", 5)
    add_to_index(workspace, chips_of(reviewed, "bright"))
    bundle = update_bundle(workspace, "bright", "tsmu", TrainingSettings(2, 4, 0), **NETWORK)
    entry = bundle.record.regions["bright"]
    assert 0 < entry.reviewed < entry.chips["train"]
    assert f"({entry.reviewed} reviewed)" in (bundle.path / "card.md").read_text()


def test_the_same_seed_gives_the_same_bundle(workspace: WorkspaceFolder, tmp_path: Path, bright_chips: Path) -> None:
    other = WorkspaceFolder.create(tmp_path / "other")
    add_to_index(other, chips_of(bright_chips, "bright"))
    bundles = [
        update_bundle(space, "bright", "tsmu", TrainingSettings(3, 4, 5), **NETWORK) for space in (workspace, other)
    ]
    first, second = (bundle.path / "encoder.safetensors" for bundle in bundles)
    assert first.read_bytes() == second.read_bytes()


def test_what_cannot_be_learned_is_told(workspace: WorkspaceFolder, tmp_path: Path) -> None:
    settings = TrainingSettings(2, 4, 0)
    with pytest.raises(UpdateError, match="tsmu import chips DIR --region andes"):
        update_bundle(workspace, "andes", "tsmu", settings, **NETWORK)
    with pytest.raises(UpdateError, match="unknown strategy 'tmsu'; choose one of: tsmu, "):
        strategy_named("tmsu")
    update_bundle(workspace, "bright", "tsmu", settings, **NETWORK)
    with pytest.raises(UpdateError, match=f"began with encoder {ENCODER}, asked for resnet34"):
        update_bundle(workspace, "dark", "tsmu", settings, encoder="resnet34", weights="none")
    tested = chips_of(write_chips(tmp_path / "one", 2, seed=9), "lone").assign(split="test")
    add_to_index(workspace, tested)
    with pytest.raises(UpdateError, match="training split"):
        update_bundle(workspace, "lone", "tsmu", settings, **NETWORK)


@pytest.mark.parametrize("seconds", [0.0, 1.5])
def test_killed_in_the_middle_the_next_call_goes_on(workspace: WorkspaceFolder, tsmu: Tsmu, seconds: float) -> None:
    command = ("update", "bright", "--steps", "100", "--batch-size", "2", *NETWORK_OPTIONS, "--workspace")
    process = start_tsmu(*command, workspace.root)
    deadline = time.monotonic() + 120
    while not list(workspace.runs.glob("*/last.ckpt")) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(seconds)
    kill(process)
    if seconds == 0:
        assert bundle_versions(workspace.models) == []
    done = tsmu(*command, workspace.root)
    assert done.returncode == 0, done.stderr
    assert "v00" in done.stdout
    for path in bundle_versions(workspace.models):
        open_bundle(path)
    assert not list(workspace.root.rglob("*.ckpt"))
