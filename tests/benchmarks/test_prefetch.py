"""The reviewer's candidates per minute: what is decided on, and how the figures are told."""

from pathlib import Path

from benchmarks.review_page.prefetch import ReviewSettings, make_workspace, prefetch_table
from tsmu.database import Filters, QueueOrder, next_landslides, open_database, scenes


def test_the_survey_has_enough_candidates_and_its_images(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "survey", 400)
    with open_database(workspace.database) as records:
        row = scenes(records).iloc[0]
        assert all((workspace.root / row[name]).is_file() for name in ("pre", "post"))
        queue = next_landslides(records, Filters(), order=QueueOrder.UNCERTAINTY, limit=5)
        assert len(queue) == 5
        assert queue.geometry.within(row.geometry.buffer(1e-6)).all()


def test_the_table_names_conditions_and_both_rates() -> None:
    figures = {
        "decisions": 30,
        "per_minute": 40.0,
        "wait_ms_median": 500.0,
        "wait_ms_p90": 900.0,
        "tiles_waited_for_mean": 4.0,
    }
    both = {"before": figures, "after": figures | {"per_minute": 55.5}}
    results = {"settings": {"thinking_s": ReviewSettings().thinking_s}, "processor": "some, 2 cores"}
    text = prefetch_table(results | {"connections": {"same machine": both}})
    assert "thinking 1 s; processor: some, 2 cores" in text
    assert "same machine, before prefetch: 40.0 candidates a minute" in text
    assert "same machine, after prefetch: 55.5 candidates a minute" in text
