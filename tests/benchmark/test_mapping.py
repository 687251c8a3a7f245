"""The mapping benchmark measures all contestants on one scene, each in a process of its own."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Tsmu
from tsmu.benchmark.mapping.agreement import border_step_ratio, iou
from tsmu.mapping import TileAxis


@pytest.mark.soak
def test_it_measures_every_contestant_and_keeps_the_bundle(tmp_path: Path, tsmu: Tsmu) -> None:
    out = tmp_path / "benchmark"
    words = ["benchmark", "mapping", "--size", 160, "--repeats", 1, "--encoder", "resnet18", "--steps", 2, "--out", out]
    done = tsmu(*words, "--precision", "float32", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["mpx_per_s"] > 0
    speed = found["mpx_per_s_of"]
    assert found["ratio_vs_usual_loop"] == pytest.approx(speed["tsmu"] / speed["usual_loop"])
    assert found["ratio_vs_bare_network"] == pytest.approx(speed["tsmu"] / speed["bare_network"])
    assert found["peak_rss_mb"] > 100
    assert found["mask_iou_vs_whole"] is None or found["mask_iou_vs_whole"] > 0.9  # one tile: the whole image
    assert found["usual_loop_is"]["measured_on_px"] == 160
    assert found["precision"] == "float32"
    assert {"cpu_flags", "tile", "overlap", "batch", "iou_vs_truth", "landslide_share"} <= found.keys()
    assert json.loads((out / "results.json").read_text())["contestants"].keys() == found["contestants"].keys()
    (ours,) = found["contestants"]["tsmu"]
    assert not (found["engine"] == "openvino" and ours["torch_loaded"])
    assert ours["pixels"] == 160 * 160
    assert len(list((out / "cache").glob("*/models/v001"))) == 1


def test_steps_along_borders_are_found() -> None:
    cuts = TileAxis.plan(512, 128, 32)
    smooth = np.random.default_rng(0).random((512, 512))
    assert border_step_ratio(smooth, cuts, cuts) == pytest.approx(1, abs=0.05)
    stepped = smooth.copy()
    for number, start in enumerate(cuts.starts):
        stepped[:, start:] += 2 * (-1) ** number
    assert (border_step_ratio(stepped, cuts, cuts) or 0) > 1.5
    alone = TileAxis.plan(64, 64, 0)
    assert border_step_ratio(smooth[:64, :64], alone, alone) is None


def test_masks_that_are_both_empty_agree_in_nothing() -> None:
    empty, full = np.zeros((4, 4), bool), np.ones((4, 4), bool)
    assert (iou(empty, empty), iou(empty, full), iou(full, full)) == (None, 0.0, 1.0)
