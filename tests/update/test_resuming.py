"""Updates that are interrupted, killed or find damaged files: what goes on, what begins anew, and what is told."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest
import rasterio

from tests.conftest import write_chips, write_raster
from tests.networks import NETWORK, learn_at_once
from tests.processes import kill_when_ready
from tests.update.networks import chips_of
from tsmu.chips import add_to_index, select_chips
from tsmu.chips.index import read_index
from tsmu.errors import ChipError, TsmuError, UpdateError
from tsmu.issues import IssueLog
from tsmu.model import Bundle, bundle_versions, pin_region, read_serving, roll_back, serving_bundle, unpin_region
from tsmu.update import TrainingProgress, TrainingSettings, bundle_update, run_folder, update_bundle
from tsmu.update.training import batches, checkpoints
from tsmu.update.training.checkpoints import CHECKPOINT
from tsmu.workspace_folder import WorkspaceFolder

SETTINGS = TrainingSettings(4, 2, 0)
KILLED = """
import sys, time
from pathlib import Path
import pytest
from tests.networks import NETWORK, learn_at_once
from tsmu.update import TrainingSettings, run_folder, update_bundle
from tsmu.workspace_folder import WorkspaceFolder

root, region, where, ready = sys.argv[1:]

def wait(*_, **__):
    Path(ready).touch()
    time.sleep(60)

learn_at_once(pytest.MonkeyPatch(), bright=80)
setattr(run_folder, where, wait)
update_bundle(WorkspaceFolder.open(Path(root)), region, "tsmu", TrainingSettings(4, 2, 0), **NETWORK)
"""


@pytest.fixture
def survey(tmp_path: Path) -> WorkspaceFolder:
    space = WorkspaceFolder.create(tmp_path / "survey")
    for region, seed in (("bright", 0), ("dark", 1)):
        folder = write_chips(tmp_path / region, bright=region == "bright", seed=seed)
        add_to_index(space, chips_of(folder, region))
    return space


def learn(space: WorkspaceFolder, region: str, strategy: str = "tsmu") -> tuple[Bundle, int, IssueLog]:
    """Learn a region; also the first step that was taken, and what was said."""
    steps: list[int] = []
    log = IssueLog(space.runs)
    progress = lambda now: steps.append(now.step)  # noqa: E731
    bundle = update_bundle(space, region, strategy, SETTINGS, progress=progress, log=log, **NETWORK)
    return bundle, steps[0] if steps else 0, log


def interrupt(space: WorkspaceFolder, region: str, monkeypatch: pytest.MonkeyPatch, strategy: str = "tsmu") -> Path:
    """Interrupt a training in its third step; gives its checkpoint."""
    monkeypatch.setattr(checkpoints, "CHECKPOINT_STEPS", 1)
    monkeypatch.setattr(checkpoints, "CHECKPOINT_SECONDS", 0.0)

    def stop(now: TrainingProgress) -> None:
        if now.step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        update_bundle(space, region, strategy, SETTINGS, progress=stop, **NETWORK)
    return next(space.runs.glob(f"*/{CHECKPOINT}"))


def repaint(mask: Path) -> None:
    """Change one pixel of a mask in place; its size and its time of change stay."""
    status = mask.stat()
    with rasterio.open(mask) as dataset:
        pixels = dataset.read()
    pixels[0, 0, :2] = 255 - pixels[0, 0, :2]
    write_raster(mask, pixels)
    os.utime(mask, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("kind", ["mask", "post"])
def test_a_training_is_begun_anew_when_a_file_has_changed_in_place(
    survey: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    interrupt(survey, "bright", monkeypatch)
    repaint(Path(select_chips(read_index(survey), "bright", "train")[kind].iloc[0]))
    _, first, log = learn(survey, "bright")
    assert first == 1
    assert "chips, images or masks have changed since" in str(log.issues[0])


def test_a_training_goes_on_when_its_files_were_only_touched(
    survey: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt(survey, "bright", monkeypatch)
    for row in select_chips(read_index(survey), "bright").itertuples():
        os.utime(row.mask)
        os.utime(row.post)
    _, first, log = learn(survey, "bright")
    assert first > 1
    assert not len(log)


def test_a_training_is_begun_anew_when_other_regions_are_checked(
    survey: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Best scores are means over the checked regions; with a pin they would be of others than before it."""
    learn(survey, "bright")
    interrupt(survey, "dark", monkeypatch)
    pin_region(survey.models, "bright", "v001", "as it was")
    _, first, log = learn(survey, "dark")
    assert first == 1
    assert "other regions" in str(log.issues[0])
    unpin_region(survey.models, "bright")


def test_a_pin_does_not_matter_to_a_strategy_that_moves_no_old_region(
    survey: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn(survey, "bright", "isolate")
    interrupt(survey, "dark", monkeypatch, "isolate")
    pin_region(survey.models, "bright", "v001", "as it was")
    assert learn(survey, "dark", "isolate")[1] > 1


@pytest.mark.parametrize("damage", ["truncated", "empty", "text", "another"])
def test_a_damaged_checkpoint_is_told_and_the_training_begun_anew(
    survey: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    checkpoint = interrupt(survey, "bright", monkeypatch)
    content = checkpoint.read_bytes()
    if damage == "another":
        import torch

        torch.save({"weights": torch.zeros(2)}, checkpoint)
    else:
        damaged = {"truncated": content[: len(content) // 2], "empty": b"", "text": b"checkpoint"}
        checkpoint.write_bytes(damaged[damage])
    bundle, first, log = learn(survey, "bright")
    assert (bundle.name, first) == ("v001", 1)
    assert "damaged checkpoint" in str(log.issues[0])


@pytest.mark.parametrize("split", ["train", "val", "test"])
@pytest.mark.parametrize(("kind", "damage"), [("mask", "gone"), ("post", "gone"), ("mask", "cut"), ("post", "cut")])
def test_missing_and_damaged_chips_are_told_before_anything_is_learned(
    survey: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch, split: str, kind: str, damage: str
) -> None:
    def learned(*_: object, **__: object) -> None:
        raise AssertionError("the training has begun")

    monkeypatch.setattr(bundle_update, "train_region", learned)
    file = Path(select_chips(read_index(survey), "bright", split)[kind].iloc[-1])
    file.unlink() if damage == "gone" else file.write_bytes(file.read_bytes()[:60])
    with pytest.raises(ChipError, match=f"{split} chips of bright") as raised:
        update_bundle(survey, "bright", "tsmu", SETTINGS, **NETWORK)
    assert str(file) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_error_of_a_process_that_loads_chips_is_one_line(
    survey: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "_worker_count", lambda *_: 1)
    file = Path(select_chips(read_index(survey), "bright", "train")["post"].iloc[0])

    def cut(*_: object) -> None:
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])

    monkeypatch.setattr(bundle_update, "describe_run", cut)  # after the files were checked
    with pytest.raises(TsmuError) as raised:
        update_bundle(survey, "bright", "tsmu", SETTINGS, **NETWORK)
    assert str(raised.value).startswith(f"{file}: ")
    assert "\n" not in str(raised.value)


def test_a_process_that_loads_chips_and_is_killed_is_told_in_one_line(
    survey: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "_worker_count", lambda *_: 1)
    here = os.getpid()
    read = batches.ChipDataset.__getitem__
    monkeypatch.setattr(
        batches.ChipDataset,
        "__getitem__",
        lambda self, key: read(self, key) if os.getpid() == here else os.kill(os.getpid(), signal.SIGKILL),
    )
    with pytest.raises(UpdateError, match="smaller `batch_size`"):
        update_bundle(survey, "bright", "tsmu", SETTINGS, **NETWORK)


def killed_in(space: WorkspaceFolder, region: str, where: str, ready: Path) -> None:
    """Run an update in a process of its own and kill it as it comes to a function of `update`."""
    kill_when_ready(KILLED, ready, [str(space.root), region, where, str(ready)])


@pytest.mark.parametrize(("where", "rolled_back"), [("make_newest_current", True), ("remove", False)])
def test_killed_after_its_version_was_written_an_update_is_completed_and_not_done_twice(
    survey: WorkspaceFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, rolled_back: bool
) -> None:
    learn_at_once(monkeypatch, bright=80)
    first = learn(survey, "bright")[0]
    if rolled_back:
        learn_at_once(monkeypatch, bright=80)
        learn(survey, "bright")
        roll_back(survey.models, first.name)
    versions = len(bundle_versions(survey.models))
    killed_in(survey, "dark", where, tmp_path / "ready")
    assert len(bundle_versions(survey.models)) == versions + 1  # it was written
    bundle, _, log = learn(survey, "dark")
    assert [path.name for path in bundle_versions(survey.models)][-1] == bundle.name
    assert len(bundle_versions(survey.models)) == versions + 1
    assert bundle.record.parent == 1
    assert "interrupted" in str(log.issues[0])
    assert serving_bundle(survey.models, "dark").name == bundle.name
    assert read_serving(survey.models).current is None
    assert list(survey.runs.iterdir()) == []
    assert learn(survey, "dark")[0].record.version == bundle.record.version + 1  # asked again, it learns on


def test_interrupted_after_its_version_was_written_another_update_builds_on_it(
    survey: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    learn_at_once(monkeypatch, bright=80)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(run_folder, "make_newest_current", interrupted)
        learn(survey, "bright")
    learn_at_once(monkeypatch, dark=-80)
    bundle = learn(survey, "dark")[0]
    assert (bundle.name, bundle.record.parent) == ("v002", 1)
    assert list(survey.runs.iterdir()) == []


def test_masks_that_change_in_place_are_scored_anew(survey: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    from tsmu.evaluate import evaluate_history

    learn_at_once(monkeypatch, bright=80)
    learn(survey, "bright")
    before = evaluate_history(survey, IssueLog(survey.chips)).counts[0][0]
    repaint(Path(select_chips(read_index(survey), "bright", "test")["mask"].iloc[0]))
    after = evaluate_history(survey, IssueLog(survey.chips)).counts[0][0]
    assert after.pixels == before.pixels
    assert not np.array_equal(after.landslide, before.landslide)
