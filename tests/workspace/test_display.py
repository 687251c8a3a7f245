"""What long work shows where nobody watches a terminal, as in the log of a SLURM job."""

import pytest

from tsmu.workspace import display
from tsmu.workspace.display import BarDisplay


def test_a_log_gets_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(display, "LOG_EVERY_S", 0.0)
    with BarDisplay().progress("Learning alps") as show:
        for step in (1, 2, 3):
            show(step, 3, "all" if step == 2 else "")
        lines = capsys.readouterr().err.splitlines()  # while it works, not only at its end
    assert lines == ["Learning alps: 1 of 3", "Learning alps: 2 of 3 all", "Learning alps: 3 of 3"]


def test_short_work_writes_no_lines_into_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    with BarDisplay().progress("Learning alps") as show:
        show(1, 1, "")
        assert not capsys.readouterr().err
    assert "1/1" in capsys.readouterr().err
