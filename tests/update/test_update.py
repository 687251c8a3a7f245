"""`tsmu update`: bundles that chain, the same from the same seed, and going on after a kill."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import write_chips
from tests.update.networks import chips_of, fresh
from tsmu.chips.index import add_to_index, read_index, select
from tsmu.errors import UpdateError
from tsmu.model.bundle import bundle_versions, open_bundle
from tsmu.model.serving import read_serving, serving_bundle
from tsmu.update.checks import compare_answers
from tsmu.update.strategies import strategy_named
from tsmu.update.training import TrainingSettings
from tsmu.update.update import update_bundle
from tsmu.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path, bright_chips: Path, dark_chips: Path) -> Workspace:
    space = Workspace.create(tmp_path / "survey")
    add_to_index(space, chips_of(bright_chips, "bright"))
    add_to_index(space, chips_of(dark_chips, "dark"))
    return space


def test_versions_chain_and_tell_where_they_come_from(workspace: Workspace) -> None:
    settings = TrainingSettings(4, 4, 0)
    first = update_bundle(workspace, "bright", "tsmu", settings, encoder="resnet18")
    second = update_bundle(workspace, "dark", "tsmu", settings, encoder="resnet18")
    assert (first.name, second.name) == ("v001", "v002")
    assert (first.record.parent, second.record.parent) == (None, 1)
    assert list(second.record.regions) == second.record.decoders == ["bright", "dark"]
    assert second.record.regions["bright"] == first.record.regions["bright"]
    entry = second.record.regions["dark"]
    assert entry.chips == {"train": 6, "val": 2, "test": 2}
    assert entry.scores["test"].keys() >= {"iou", "dice", "precision", "recall", "average_precision"}
    card = (second.path / "card.md").read_text()
    assert "bright" in card
    assert "on top of v001" in card
    assert list(workspace.runs.iterdir()) == []
    known = update_bundle(workspace, "bright", "tsmu", settings, encoder="resnet18")
    assert known.record.decoders == ["bright", "dark"]
    assert known.record.regions["bright"].learned_in == 3


def test_a_region_that_learns_on_and_gets_worse_stays_with_the_version_it_had(
    workspace: Workspace, tmp_path: Path
) -> None:
    add_to_index(workspace, chips_of(write_chips(tmp_path / "own", seed=2), "own"))
    learned = update_bundle(workspace, "own", "tsmu", TrainingSettings(40, 8, 0), encoder="resnet18")
    train = select(read_index(workspace), "own", "train")
    right = {Path(mask): Path(mask).read_bytes() for mask in train["mask"]}
    for mask in right:  # labels of somebody who has mistaken landslides for the rest
        Image.fromarray(255 * (np.asarray(Image.open(mask)) == 0).astype(np.uint8)).save(mask)
    update_bundle(workspace, "own", "finetune", TrainingSettings(40, 8, 0), encoder="resnet18")
    pin = read_serving(workspace.models).pins["own"]
    assert pin.version == learned.name
    assert "validation chips fell from" in pin.why
    assert serving_bundle(workspace.models, "own").name == learned.name
    for mask, pixels in right.items():
        mask.write_bytes(pixels)
    better = update_bundle(workspace, "own", "finetune", TrainingSettings(60, 8, 0), encoder="resnet18")
    assert serving_bundle(workspace.models, "own").name == better.name


def test_a_loss_that_one_chip_shows_pins_an_old_region_but_not_the_one_that_learned(workspace: Workspace) -> None:
    learned = update_bundle(workspace, "bright", "tsmu", TrainingSettings(40, 8, 0), encoder="resnet18")
    entry, chips = learned.record.regions["bright"], select(read_index(workspace), "bright")
    after = fresh(chips)
    after.add_decoder("bright")  # as good as after forgetting everything

    def lost(count: int, *, surely: bool) -> str | None:
        return compare_answers(learned.network(), entry, after, entry, chips.iloc[:count], surely=surely).lost

    assert "1 validation chips fell from" in (lost(1, surely=False) or "")
    assert lost(1, surely=True) is None
    assert "10 validation chips fell from" in (lost(10, surely=True) or "")


def test_the_card_says_how_many_labels_came_out_of_reviews(workspace: Workspace) -> None:
    reviewed = write_chips(workspace.label_files / "review" / "bright", 5)
    add_to_index(workspace, chips_of(reviewed, "bright"))
    bundle = update_bundle(workspace, "bright", "tsmu", TrainingSettings(2, 4, 0), encoder="resnet18")
    entry = bundle.record.regions["bright"]
    assert 0 < entry.reviewed < entry.chips["train"]
    assert f"({entry.reviewed} reviewed)" in (bundle.path / "card.md").read_text()


def test_the_same_seed_gives_the_same_bundle(workspace: Workspace, tmp_path: Path, bright_chips: Path) -> None:
    other = Workspace.create(tmp_path / "other")
    add_to_index(other, chips_of(bright_chips, "bright"))
    bundles = [
        update_bundle(space, "bright", "tsmu", TrainingSettings(3, 4, 5), encoder="resnet18")
        for space in (workspace, other)
    ]
    first, second = (bundle.path / "encoder.safetensors" for bundle in bundles)
    assert first.read_bytes() == second.read_bytes()


def test_what_cannot_be_learned_is_told(workspace: Workspace, tmp_path: Path) -> None:
    settings = TrainingSettings(2, 4, 0)
    with pytest.raises(UpdateError, match="tsmu import chips DIR --region andes"):
        update_bundle(workspace, "andes", "tsmu", settings, encoder="resnet18")
    with pytest.raises(UpdateError, match="tsmu, tsmu-plus, frozen"):
        strategy_named("tmsu")
    update_bundle(workspace, "bright", "tsmu", settings, encoder="resnet18")
    with pytest.raises(UpdateError, match="began with encoder resnet18, asked for resnet34"):
        update_bundle(workspace, "dark", "tsmu", settings, encoder="resnet34")
    add_to_index(workspace, chips_of(write_chips(tmp_path / "one", 1, seed=9), "lone"))
    with pytest.raises(UpdateError, match="training split"):
        update_bundle(workspace, "lone", "tsmu", settings, encoder="resnet18")


@pytest.mark.parametrize("seconds", [0.0, 1.5])
def test_killed_in_the_middle_the_next_call_goes_on(workspace: Workspace, seconds: float) -> None:
    command = [sys.executable, "-m", "tsmu", "update", "bright", "--steps", "60", "--batch-size", "2"]
    command += ["--encoder", "resnet18", "--workspace", str(workspace.root)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list(workspace.runs.glob("*/last.ckpt")) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(seconds)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    if seconds == 0:
        assert bundle_versions(workspace.models) == []
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=200)
    assert "v00" in done.stdout
    for path in bundle_versions(workspace.models):
        open_bundle(path)
    assert not list(workspace.root.rglob("*.ckpt"))
