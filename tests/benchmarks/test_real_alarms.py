"""False alarms on real chips: trainings with more and more chips without landslides, counted, not repeated."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.false_alarms.real import RealAlarmsSettings, benchmark_real_alarms, is_better, real_alarms_table
from tests.benchmarks.conftest import Benchmarks
from tests.conftest import write_chips, write_raster
from tests.networks import NETWORK
from tsmu.errors import BenchmarkError


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten chips with a landslide, and ten of nothing but ground."""
    folder = write_chips(tmp_path_factory.mktemp("data") / "hills", 10)
    random = np.random.default_rng(2)
    for number in range(10):
        ground = random.normal(110, 12, (3, 32, 32)).clip(0, 255).astype(np.uint8)
        write_raster(folder / "images" / f"clear_{number}.png", ground)
        write_raster(folder / "masks" / f"clear_{number}.png", np.zeros((32, 32), np.uint8))
    return folder.parent


def asked(data: Path) -> RealAlarmsSettings:
    return RealAlarmsSettings(str(data), "hills", 2, 4, **NETWORK, pixel_size=0.8)


class TrainingStartedError(Exception):
    """Raised in place of a training."""


def stop(_: str) -> None:
    raise TrainingStartedError


def test_trainings_are_counted_and_not_repeated(data: Path, tmp_path: Path) -> None:
    said: list[str] = []
    steps: list[int] = []
    found = benchmark_real_alarms(asked(data), tmp_path, said.append, lambda now: steps.append(now.step))
    assert len(said) == 4
    assert len(steps) == 4 * 2
    assert [training["clear_chips"] for training in found["trainings"]] == [0, 2, 3, 6]
    assert found["chips"]["test"] == {"clear": 2, "landslide": 2}
    for training in found["trainings"]:
        assert training["landslide_chips"] == 6
        for part in ("val", "test"):
            default = training[part][0]
            assert (default["asked"], default["threshold"], default["mean"]) == ("chosen", training["threshold"], 0)
            assert default["recall_change"] == 0
            assert not default["better"]
            alone = [row for row in training[part] if row["mean"] == 0 and row["asked"] != "chosen"]
            assert [row["threshold"] for row in alone] == [50, 60, 70, 80, 90]
            for name in ("alarmed_share", "alarm_area_share", "recall", "pixel_recall"):
                course = [row[name] for row in alone]
                assert course == sorted(course, reverse=True)
    stored = json.loads((tmp_path / "results.json").read_text())
    assert stored["settings"]["weights_digest"] is None
    assert real_alarms_table(stored) == (tmp_path / "tables.md").read_text()
    again = benchmark_real_alarms(asked(data), tmp_path, said.append, lambda now: steps.append(now.step))
    assert len(steps) == 4 * 2
    assert again["trainings"] == found["trainings"]
    with pytest.raises(TrainingStartedError):  # another seed is another training
        benchmark_real_alarms(replace(asked(data), seed=1), tmp_path, stop)


def test_better_is_fewer_alarms_for_nothing_lost() -> None:
    row = {
        "alarmed_share_change": -0.3, "alarmed_share_change_error": 0.1,
        "recall_change": -0.05, "recall_change_error": 0.05,
        "iou_change": 0.01, "iou_change_error": 0.0,
    }  # fmt: skip
    assert is_better(row)
    assert not is_better(row | {"alarmed_share_change": -0.2})
    assert not is_better(row | {"recall_change": -0.06})
    assert not is_better(row | {"iou_change": -0.01})


def test_what_cannot_be_counted_is_refused(data: Path, tmp_path: Path, benchmarks: Benchmarks) -> None:
    with pytest.raises(BenchmarkError, match="20 chips of hills have no georeference; give their `pixel_size`"):
        benchmark_real_alarms(replace(asked(data), pixel_size=None), tmp_path / "out", print)
    write_chips(tmp_path / "slides", 10)
    with pytest.raises(BenchmarkError, match="slides has 6 train chips, 0 of them without landslides"):
        benchmark_real_alarms(replace(asked(tmp_path), region="slides"), tmp_path / "out", print)
    assert not (tmp_path / "out").exists()
    failed = benchmarks("false-alarms", "--data", data, "--out", tmp_path / "out")
    assert failed.exit_code == 2
    assert "--region" in failed.stderr
