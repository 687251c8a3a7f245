"""Commands refuse what cannot be measured before they begin, and are no commands of the installed package."""

from pathlib import Path

import pytest

from tests.benchmarks.conftest import Benchmarks
from tests.conftest import Tsmu


@pytest.mark.parametrize("sizes", ["5,x", "0"])
def test_numbers_without_sense_are_refused(tmp_path: Path, benchmarks: Benchmarks, sizes: str) -> None:
    out = tmp_path / "out"
    done = benchmarks("few-shot", "--data", tmp_path, "--regions", "a,b", "--out", out, "--sizes", sizes)
    assert done.exit_code == 2
    assert f"--sizes {sizes}" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("regions", ["a", "a,a", "a,,b", ""])
def test_an_order_of_one_region_is_refused_before_anything_is_learned(
    tmp_path: Path, benchmarks: Benchmarks, regions: str
) -> None:
    done = benchmarks("few-shot", "--data", tmp_path, "--regions", regions, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "at least two regions" in done.stderr
    assert not (tmp_path / "out").exists()


def test_harnesses_are_no_commands_of_the_package(benchmarks: Benchmarks, tsmu: Tsmu) -> None:
    harnesses = ("peers", "few-shot", "routing", "cost", "false-alarms", "loop", "gpu")
    assert all(benchmarks(name, "--help").exit_code == 0 for name in harnesses)
    assert all(tsmu("benchmark", name, "--help").returncode == 2 for name in harnesses)
    assert all(tsmu("benchmark", name, "--help").returncode == 0 for name in ("continual", "mapping", "database"))
