"""The continual-learning benchmark: equal terms, stored with its settings, resumable."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.conftest import write_chips
from tests.networks import ENCODER, WEIGHTS
from tsmu.benchmark import ContinualSettings, continual_tables, run_continual
from tsmu.errors import BenchmarkError, UpdateError


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_chips(folder / "bright", 10, bright=True)
    write_chips(folder / "dark", 10, bright=False, seed=1)
    return folder


def settings(data: Path, *strategies: str, split: str = "fixed") -> ContinualSettings:
    return ContinualSettings(
        data=str(data),
        regions=("bright", "dark"),
        strategies=strategies,
        seeds=1,
        steps=3,
        batch_size=4,
        encoder=ENCODER,
        weights=WEIGHTS,
        split=split,
    )


def test_cells_hold_what_the_figures_need_and_are_not_computed_twice(data: Path, tmp_path: Path) -> None:
    steps: list[int] = []
    first = run_continual(settings(data, "tsmu"), tmp_path, lambda _: None, lambda now: steps.append(now.step))
    assert len(steps) == 6
    both = run_continual(
        settings(data, "tsmu", "finetune"), tmp_path, lambda _: None, lambda now: steps.append(now.step)
    )
    assert len(steps) == 9  # the first region and the strategy that was there were not trained again
    assert both["cells"][0]["R"] == first["cells"][0]["R"]
    assert [cell["strategy"] for cell in both["cells"]] == ["tsmu", "finetune"]
    assert both["cells"][0]["R"][0] == both["cells"][1]["R"][0]
    shutil.rmtree(tmp_path / "states")  # results alone are enough to go on
    again = run_continual(settings(data, "finetune"), tmp_path, lambda _: None, lambda now: steps.append(now.step))
    assert len(steps) == 9
    assert [cell["R"] for cell in again["cells"]] == [cell["R"] for cell in both["cells"]]
    with pytest.raises(BenchmarkError, match="holds a run with steps 3, asked for 4"):
        run_continual(replace(settings(data, "tsmu"), steps=4), tmp_path, lambda _: None)
    stored = json.loads((tmp_path / "results.json").read_text())
    for cell in stored["cells"]:
        assert cell.keys() >= {
            "strategy",
            "order",
            "seed",
            "split",
            "R",
            "R_at_half",
            "threshold",
            "seconds",
            "encoder",
            "weights",
            "weights_digest",
            "summaries",
        }
        assert len(cell["R"]) == len(cell["R"][0]) == len(cell["seconds"]) == 2
        assert cell["summaries"][0]["WF"] is None
        assert math.isclose(cell["summaries"][0]["WA"], cell["R"][0][0])
    assert stored["cells"][0]["bytes"][1] > stored["cells"][1]["bytes"][1]  # a decoder more
    assert stored["settings"]["steps"] == 3
    assert stored["versions"]["torch"]
    assert f"| finetune | 1 | {stored['cells'][1]['R'][1][0]:.3f} |" in continual_tables(stored)
    for figure in ("course.svg", "matrices.svg"):
        assert ElementTree.parse(tmp_path / figure).getroot().tag.endswith("svg")


def test_models_made_anew_are_scored(data: Path, tmp_path: Path) -> None:
    results = run_continual(settings(data, "separate", "retrain", "joint"), tmp_path, lambda _: None)
    cells = {cell["strategy"]: cell["R"] for cell in results["cells"]}
    assert cells["separate"][1][0] == cells["separate"][0][0]
    kept = {cell["strategy"]: cell["bytes"] for cell in results["cells"]}
    assert kept["separate"][1] == 2 * kept["separate"][0]  # two models
    assert kept["retrain"][1] == kept["retrain"][0]
    assert kept["joint"][0] < kept["joint"][1] < kept["separate"][1]
    assert all(0 <= score <= 1 for rows in cells.values() for row in rows for score in row)


def test_a_missing_region_or_a_wrong_name_is_told_before_training(data: Path, tmp_path: Path) -> None:
    with pytest.raises(UpdateError, match="unknown strategy"):
        run_continual(settings(data, "tmsu"), tmp_path, lambda _: None)
    (data / "dark" / "masks" / "chip_3.png").rename(data / "spare.png")
    try:
        with pytest.raises(BenchmarkError, match="a benchmark needs all"):
            run_continual(settings(data, "tsmu"), tmp_path, lambda _: None)
    finally:
        (data / "spare.png").rename(data / "dark" / "masks" / "chip_3.png")
