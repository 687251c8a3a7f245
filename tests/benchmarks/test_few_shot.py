"""The learning curve of a new region."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.few_shot import few_shot_table, learning_curve, run_few_shot
from tests.benchmark.test_continual import settings
from tests.conftest import write_chips
from tsmu.errors import BenchmarkError


def test_sizes_are_learned_with_and_without_a_start_and_not_twice(tmp_path: Path) -> None:
    write_chips(tmp_path / "bright", 10)
    write_chips(tmp_path / "dark", 10, bright=False, seed=1)
    said: list[str] = []
    steps: list[int] = []
    asked = replace(settings(tmp_path, "tsmu"), seeds=1)
    first = run_few_shot(asked, [3], tmp_path / "out", said.append, lambda now: steps.append(now.step))
    assert len(said) == 4  # three chips and all six, each with a start and without
    assert len(steps) == 5 * asked.steps  # and the region before, once
    assert set(learning_curve(first, start=True)) == set(learning_curve(first, start=False)) == {3, 6}
    assert all(0 <= cell["iou"] <= 1 for cell in first["cells"])
    again = run_few_shot(asked, [3], tmp_path / "out", said.append, lambda now: steps.append(now.step))
    assert len(said) == 4
    assert again["cells"] == first["cells"]
    with pytest.raises(BenchmarkError, match="name another folder"):
        run_few_shot(replace(asked, strategies=("frozen",)), [3], tmp_path / "out", said.append, None)
    assert "| 3 |" in few_shot_table(first)
    assert ElementTree.parse(tmp_path / "out" / "few_shot.svg").getroot().tag.endswith("svg")
