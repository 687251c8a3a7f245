"""One turn of the loop: what people decide on one scene makes the maps of others better, and none worse."""

from pathlib import Path

import pytest

from benchmarks.review_loop.turn import OTHERS, REGION, LoopSettings, benchmark_loop, loop_table

WORSE = 0.02  # IoU that a region may lose without being held back (`tsmu.update.regression`)


@pytest.mark.soak
def test_fifty_decisions_make_the_maps_of_unseen_scenes_better(tmp_path: Path) -> None:
    settings = LoopSettings(seeds=1, size=512, encoder="resnet18", steps=80, chips=40, weak_chips=10, records=50)
    said: list[str] = []
    found = benchmark_loop(settings, tmp_path, said.append)
    [turn] = found["turns"]
    before, after = turn["before"], turn["unpinned"]
    assert sum(turn["decisions"].values()) == 50
    assert turn["reviewed"] > 10
    assert after[REGION]["iou"] > before[REGION]["iou"]
    for region in OTHERS:
        assert turn["after"][region]["iou"] > before[region]["iou"] - WORSE
    assert f"**{REGION}**" in loop_table(found)
    said.clear()
    assert benchmark_loop(settings, tmp_path, said.append) == found
    assert not said  # nothing is done twice
