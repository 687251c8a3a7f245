"""What is kept of how a training went: its curves, two pictures and a log; and what an estimate says before it."""

import contextlib
import csv
import io
import json
import shutil
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.conftest import Tsmu
from tests.networks import NETWORK
from tests.update.networks import chips_of, fresh
from tsmu.chips import ChipDataset, add_to_index, select_chips
from tsmu.chips.index import read_index
from tsmu.errors import BundleError, UpdateError
from tsmu.evaluate import count_pixels_by_chip, evaluate_history, outcome_picture, predict_chips, write_report
from tsmu.issues import IssueLog
from tsmu.model import FIRST_BATCH, WORST_CHIPS, Bundle, open_bundle, training_curves
from tsmu.update import (
    TrainingProgress,
    TrainingResources,
    TrainingSettings,
    estimate_update,
    strategy_named,
    train_region,
    update_bundle,
)
from tsmu.update.training import checkpoints
from tsmu.update.training.loggers import LOGGERS, open_logger
from tsmu.workspace import Model
from tsmu.workspace.update_estimate import UpdateEstimateReport, describe_estimate
from tsmu.workspace_folder import WorkspaceFolder

SETTINGS = TrainingSettings(steps=6, batch_size=4, seed=0, accumulate=2)
PANEL, CAPTION, GAP = 160, 14, 2  # pixels


class Learned:
    """A workspace with chips of two regions, of which the first was learned, and what was reported meanwhile."""

    def __init__(self, workspace: WorkspaceFolder) -> None:
        self.workspace, self.progress = workspace, list[TrainingProgress]()
        self.bundle: Bundle = update_bundle(
            workspace, "bright", "tsmu", SETTINGS, **NETWORK,
            resources=TrainingResources(logger="csv"), progress=self.progress.append,
        )  # fmt: skip


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory, bright_chips: Path, dark_chips: Path) -> Learned:
    space = WorkspaceFolder.create(tmp_path_factory.mktemp("course") / "survey")
    add_to_index(space, chips_of(bright_chips, "bright"))
    add_to_index(space, chips_of(dark_chips, "dark"))
    return Learned(space)


def test_a_version_knows_the_losses_of_every_step_and_the_scores_of_every_check(learned: Learned) -> None:
    curves, entry = learned.bundle.curves(), learned.bundle.record.regions["bright"]
    assert list(curves) == ["stage", "loss:dice", "loss:cross_entropy", "iou:bright"]
    assert curves.index.tolist() == [now.step for now in learned.progress] == list(range(1, 7))
    for column in ("dice", "cross_entropy"):
        reported = [now.losses[column] for now in learned.progress]
        np.testing.assert_allclose(curves[f"loss:{column}"], reported, rtol=1e-4)
    assert curves["iou:bright"].notna().all()  # ten checks are due in six steps
    assert entry.kept_step == curves["iou:bright"][::-1].idxmax()
    assert entry.accumulate == SETTINGS.accumulate
    card = (learned.bundle.path / "card.md").read_text()
    assert "6 x 4 in 2 parts" in card
    row = curves.loc[entry.kept_step]
    assert f"| {entry.kept_step} (kept) | all | {row['loss:dice']:.3f} | " in card
    assert Model(learned.workspace, learned.bundle).curves.equals(curves)


def test_the_first_batch_is_drawn_with_its_landslides_outlined(learned: Learned) -> None:
    picture = np.asarray(Image.open(learned.bundle.path / FIRST_BATCH))
    assert picture.shape == (CAPTION + PANEL, 4 * PANEL + 3 * GAP, 3)
    for left in range(0, picture.shape[1], PANEL + GAP):
        yellow = (picture[CAPTION:, left : left + PANEL] == (255, 235, 0)).all(-1)
        assert 20 < yellow.sum() < 0.2 * PANEL**2  # a line round the blob that every chip has


def test_the_validation_chips_with_the_lowest_iou_are_drawn(learned: Learned) -> None:
    network, entry = learned.bundle.network(), learned.bundle.record.regions["bright"]
    chips = select_chips(read_index(learned.workspace), "bright", "val")
    ious = [counts.iou(entry.threshold) for counts in count_pixels_by_chip(network, "bright", chips)]
    worst = chips.iloc[[int(np.argmin(ious))]]
    ((probability, mask),) = predict_chips(network, "bright", worst)
    image = ChipDataset(worst)[0]["image"].numpy()
    expected = np.asarray(outcome_picture(image, probability, mask, entry.threshold))
    picture = np.asarray(Image.open(learned.bundle.path / WORST_CHIPS))
    assert picture.shape[0] == len(chips) * (CAPTION + PANEL + GAP) - GAP
    assert np.mean(picture[CAPTION : CAPTION + PANEL] == expected) > 0.99  # a pixel may round to the other side


def test_pictures_may_be_taken_out_of_a_version_but_curves_are_part_of_it(learned: Learned, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(learned.bundle.path, tmp_path / "v001"))
    for name in (FIRST_BATCH, WORST_CHIPS):
        (copy / name).unlink()
    assert open_bundle(copy).curves().equals(learned.bundle.curves())
    (copy / "training.csv").write_text("step,stage\n")
    with pytest.raises(BundleError, match=r"training\.csv: changed since it was written"):
        open_bundle(copy)


def test_a_region_may_have_the_name_of_a_column() -> None:
    curves = training_curves([{"step": 1, "stage": "all", "dice": 0.7}], [{"step": 1, "stage": 0.5}])
    assert curves.loc[1].to_dict() == {"stage": "all", "loss:dice": 0.7, "iou:stage": 0.5}


def test_a_csv_log_has_what_the_version_has(learned: Learned) -> None:
    (file,) = learned.workspace.logs.glob("bright-*/version_0/metrics.csv")
    assert same_losses(file, learned.bundle.curves())


def same_losses(file: Path, curves: pd.DataFrame) -> bool:
    """Whether a log has the losses and scores of a training, each step once."""
    rows = list(csv.DictReader(io.StringIO(file.read_text())))
    for column in curves.columns.drop("stage"):
        logged = [
            (int(row["step"]), float(row[column.replace(":", "/")])) for row in rows if row[column.replace(":", "/")]
        ]
        expected = curves[column].dropna()
        if [step for step, _ in logged] != expected.index.tolist():
            return False
        np.testing.assert_allclose([value for _, value in logged], expected, rtol=1e-4)
    return True


def test_the_curves_and_the_log_of_a_resumed_training_are_whole(
    bright_chips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "SLOW_SECONDS", 0.0)
    bright, run = chips_of(bright_chips, "bright"), tmp_path / "run"
    settings, pictures = TrainingSettings(4, 2, 0), []

    def stop(now: TrainingProgress) -> None:
        pictures.append((run / FIRST_BATCH).read_bytes())
        if now.step == 3 and len(pictures) == 3:
            raise InterruptedError

    for ending in (pytest.raises(InterruptedError), contextlib.nullcontext()):
        with ending, open_logger("csv", tmp_path / "logs", "bright", {}) as logger:
            result = train_region(
                fresh(bright), "bright", bright, strategy_named("tsmu"), settings,
                checkpoints=run, logger=logger, progress=stop,
            )  # fmt: skip
    assert len(pictures) == 5  # steps 1 to 3, of which two were saved; then 3 and 4
    assert set(pictures) == {pictures[0]}
    curves = training_curves(result.losses, result.scores)
    assert curves.index.tolist() == [1, 2, 3, 4]
    assert same_losses(tmp_path / "logs" / "bright" / "version_1" / "metrics.csv", curves)


def test_a_logger_that_cannot_be_used_is_refused_before_any_work(
    learned: Learned, tsmu: Tsmu, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LOGGERS, "wandb", "no_such_package")
    before = files_of(learned.workspace)
    for name, told in (("paper", "choose one of: csv, tensorboard"), ("wandb", "pip install '.[wandb]'")):
        for option in ((), ("--dry-run",)):
            refused = tsmu("update", "dark", "--logger", name, *option, "--workspace", learned.workspace.root)
            assert refused.returncode == 2
            assert told in refused.stderr.splitlines()[-1]
    assert files_of(learned.workspace) == before


def test_every_logger_that_needs_a_package_has_an_extra() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    needing = {name: package for name, package in LOGGERS.items() if package}
    assert needing
    for name, package in needing.items():
        assert project["optional-dependencies"][name][0].startswith(f"{package}>=")


def files_of(workspace: WorkspaceFolder) -> dict[str, int]:
    """All files and folders of a workspace, but for its lock, with their times of change."""
    return {
        str(path): path.stat().st_mtime_ns for path in workspace.root.rglob("*") if not path.name.startswith(".tsmu")
    }


def test_an_estimate_knows_the_steps_and_writes_nothing(learned: Learned, tsmu: Tsmu) -> None:
    before = files_of(learned.workspace)
    options = ("--strategy", "tsmu", "--steps", 30, "--batch-size", 4, "--workspace", learned.workspace.root)
    done = tsmu("update", "dark", *options, "--dry-run", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["version"], told["steps"], told["batch_size"]) == ("v002", 30, 4)
    assert told["chips"] == {"train": 6, "val": 2, "test": 2}
    assert [(stage["name"], stage["steps"]) for stage in told["stages"]] == [("new decoder", 10), ("together", 20)]
    parts, steps = told["estimated_seconds"], sum(one["steps"] * one["seconds_per_step"] for one in told["stages"])
    assert parts["training"] > steps > 0
    assert all(parts[name] > 0 for name in ("reading chips", "checks", "calibration and scores", "old regions"))
    assert told["memory"]["process"] > 50e6
    assert not told["resumes"]
    assert files_of(learned.workspace) == before


def test_an_estimate_counts_every_repetition_and_sees_a_checkpoint(learned: Learned) -> None:
    settings = TrainingSettings(3, 4, 0, rounds=3)
    first = estimate_update(learned.workspace, "dark", "isolate", settings)
    assert [stage.steps for stage in first.stages] == [3, 3, 3]
    assert (first.steps, first.may_end_early, first.resumes) == (9, True, False)
    report = UpdateEstimateReport("update")
    describe_estimate(report, first)
    said = "\n".join(report.messages)
    assert "Chips of dark: 6 to learn from (train), 2 to check on meanwhile (val), 2 to score on (test)" in said
    assert "Steps: 9 with 4 chips each, of which a few were measured: 9 for what the new region has of its own" in said
    assert "Time: about" in said and "Not counted: the start of the command" in said
    assert "It ends earlier if the scores on the val chips stop rising" in said
    checkpoint = learned.workspace.runs / first.plan.run_name / checkpoints.CHECKPOINT
    checkpoint.parent.mkdir(parents=True)
    checkpoint.touch()
    assert estimate_update(learned.workspace, "dark", "isolate", settings).resumes
    shutil.rmtree(checkpoint.parent)
    with pytest.raises(UpdateError, match="no chips of this region"):
        estimate_update(learned.workspace, "andes", "isolate", settings)


def test_the_report_draws_the_training_of_versions_that_know_it(learned: Learned, tmp_path: Path) -> None:
    history = evaluate_history(learned.workspace, IssueLog(learned.workspace.chips))
    page = write_report(history, tmp_path)["html"].read_text()
    assert "<figcaption>v001: bright</figcaption>" in page
    assert "IoU, validation chips" in page
