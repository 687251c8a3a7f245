"""False alarms: both inputs are learned and mapped, and counted where landslides are rare."""

import json
from pathlib import Path

import pytest

from benchmarks.false_alarms.synthetic import INPUTS, benchmark_false_alarms, false_alarms_table


@pytest.mark.soak
def test_both_inputs_are_measured_on_a_scene_that_chose_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    found = benchmark_false_alarms(160, tmp_path, encoder="resnet18", steps=4, seed=0, announce=said.append)
    assert found["inputs"].keys() == INPUTS.keys()
    assert found["landslide_share"] < 0.01
    for entry in found["inputs"].values():
        for at in ("at_chips_threshold", "at_scene_threshold", "at_sure_mean", "at_scene_mean"):
            assert entry[at]["km2"] == 160 * 160 * 100 / 1e6
            assert entry[at]["right"] <= entry[at]["predicted"]
    assert json.loads((tmp_path / "results.json").read_text())["size"] == 160
    assert false_alarms_table(found).count("| post only |") == 4
    assert len([text for text in said if text.startswith("Drawing")]) == 2
