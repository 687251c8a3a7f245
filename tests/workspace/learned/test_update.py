"""Learning and scoring from Python."""

from collections.abc import Callable

import geopandas
import numpy as np
import pytest

from tests.networks import BLOB, learn_at_once
from tests.workspace.learned.conftest import FEW
from tsmu.errors import UpdateError
from tsmu.workspace import Model, Workspace


def test_an_update_gives_the_next_version(work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = []
    work = Workspace(work.folder, progress=lambda label, done, total, note: steps.append((label, done, total, note)))
    model = work.update("andes", **FEW)
    assert isinstance(model, Model)
    assert (model.name, model.path, model.regions) == ("v002", work.folder.models / "v002", ["alps", "andes"])
    assert model.report is not None
    assert model.report.details["region"] == "andes"
    assert model.report.outputs["card"] == str(model.path / "card.md")
    assert "next: tsmu evaluate" in model.report.messages[-1]
    assert [(label, done, total) for label, done, total, _ in steps] == [("Learning andes", n, 2) for n in (1, 2)]
    assert "Learned **andes**" in model.card
    learn_at_once(monkeypatch, alps=-BLOB)
    harmed = work.update("andes", strategy="finetune", seed=3, **FEW)
    assert harmed.report is not None
    assert harmed.report.details["strategy"] == "finetune"


@pytest.mark.parametrize("options", [{"steps": 1}, {"steps": "many"}, {"batch_size": 1}, {"seed": -1}])
def test_an_update_that_makes_no_sense_is_refused(work: Workspace, options: dict[str, int]) -> None:
    with pytest.raises(UpdateError, match="must be"):
        work.update("andes", **options)
    assert len(list(work.folder.models.glob("v*"))) == 1


def test_scores_and_forgetting_of_every_version(work: Workspace, learn_andes: Callable[[Workspace], None]) -> None:
    learn_andes(work)
    report = work.evaluate()
    assert report.scores is not None
    assert report.forgetting is not None
    assert report.served is not None
    assert list(report.scores.index) == ["v001", "v002"]
    assert list(report.scores.columns) == ["alps", "andes"]
    assert report.scores.loc["v002"].min() > 0.7
    assert report.scores.to_numpy().tolist() == report.details["R"]
    assert report.served.loc["andes", "version"] == "v002"
    assert report.served.loc["andes", "iou"] == report.scores.loc["v002", "andes"]
    assert report.forgetting.loc["v002", "WF"] == pytest.approx(0, abs=1e-9)
    assert np.isnan(report.forgetting.loc["v001", "WF"])
    assert (work.folder.root / "report.html").exists()
    assert "<table" in report._repr_html_()
    newest, first = work.model(), work.model("v001")
    assert newest.scores().equals(report.scores)
    assert newest.forgetting().equals(report.forgetting)
    assert first.scores().equals(report.scores.loc[["v001"], ["alps"]])
    assert first.forgetting().loc["v001", "WA"] == report.scores.loc["v001", "alps"]


def test_regions_that_cannot_be_scored_are_named(work: Workspace, learn_andes: Callable[[Workspace], None]) -> None:
    learn_andes(work)
    chips = work.folder.chips
    index = geopandas.read_parquet(chips)
    index[(index["region"] != "andes") | (index["split"] != "test")].to_parquet(chips)
    with pytest.warns(UserWarning, match="andes: no test chips"):
        scores = work.model().scores()
    assert list(scores.columns) == ["alps", "andes"]
    assert scores["andes"].isna().all()
