"""What `python -m benchmarks gpu` does where there is no GPU, and that what it measures can be tried there."""

import json
from pathlib import Path

import pytest
import torch

from benchmarks.gpu.checks import GpuSettings, run_tests, training_line
from benchmarks.gpu.training_speed import TrainingCase, measure_training
from tests.benchmarks.conftest import Benchmarks
from tests.networks import ENCODER


def test_without_a_gpu_it_says_what_it_would_run(
    tmp_path: Path, benchmarks: Benchmarks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    out = tmp_path / "gpu.json"
    done = benchmarks("gpu", "--out", out, "--json")
    assert done.exit_code == 0
    assert "No NVIDIA GPU" in done.stderr
    planned = json.loads(done.stdout)["planned"]
    assert len(planned) == 1 + len(GpuSettings().trainings) + 1
    assert all(check in done.stderr for check in planned)
    assert not out.exists()


@pytest.mark.soak
def test_its_tests_fail_without_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    said = list[str]()
    found = run_tests(said.append)
    assert not found["passed"]
    assert "passed" not in found["summary"]
    assert any("an NVIDIA GPU that torch can use" in line for line in said)


def test_a_training_is_measured_beside_its_network_alone(tmp_path: Path) -> None:
    found = measure_training(TrainingCase(ENCODER, 2, 32), tmp_path, 0.2)
    assert found["ratio"] == found["loop_steps_per_s"] / found["bare_steps_per_s"] > 0
    assert 0 <= found["waiting_share"] < 1
    assert found["steps"] >= 10
    assert f"{ENCODER}, 2 chips of 32 px: " in training_line(found)
