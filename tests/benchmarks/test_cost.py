"""The cost of an update: times of all of them, and one beside joint training."""

from pathlib import Path

from benchmarks.cost import benchmark_cost, cost_table
from tests.conftest import write_chips
from tests.networks import ENCODER


def test_every_update_is_timed_and_the_fourth_compared(tmp_path: Path) -> None:
    write_chips(tmp_path / "bright", 10)
    write_chips(tmp_path / "dark", 10, bright=False)
    said: list[str] = []
    results = benchmark_cost(tmp_path, ["bright", "dark"], ["frozen"], 4, 12, 4, ENCODER, said.append)
    for found in results["strategies"].values():
        assert len(found["step_s"]) == 4
        assert all(seconds > 0 for seconds in found["step_s"])
        assert found["ratio_vs_joint"] == found["step_s"][3] / (4 * found["joint_step_s"])
    assert said.count("joint training of 4 regions") == 1
    assert "| frozen | " in cost_table(results)
