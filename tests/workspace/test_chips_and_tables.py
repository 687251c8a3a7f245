"""The verbs that make chips, and what lies in a workspace as tables and as a torch dataset."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from torch.utils.data import DataLoader

from tests.conftest import write_chips
from tests.workspace.conftest import REGION
from tsmu.errors import ChipError, WorkspaceError
from tsmu.inventory import EVENT_COLUMNS
from tsmu.workspace import Workspace


def test_a_folder_of_chips_becomes_rows_with_splits(empty: Workspace, files: Path, tmp_path: Path) -> None:
    groups = pd.DataFrame({"name": [f"chip_{n}" for n in range(10)], "group": ["a"] * 5 + ["b"] * 5})
    groups.to_csv(tmp_path / "groups.csv", index=False)
    report = empty.add_chips(files / "chips" / "oregon", region="oregon", groups=tmp_path / "groups.csv")
    assert report.chips is not None
    assert report.chips["id"].tolist() == empty.chips["id"].tolist()
    assert report.details["bands"] == [
        f"{side}:{band}" for side in ("pre", "post") for band in ("red", "green", "blue")
    ]
    assert report.chips.groupby(report.chips.index // 5)["split"].nunique().tolist() == [1, 1]
    assert sum(report.details["split"].values()) == report.records == 10


def test_chips_that_change_their_region_are_reported(empty: Workspace, files: Path) -> None:
    empty.add_chips(files / "chips" / "oregon", region="oregon")
    assert empty.add_chips(files / "chips" / "oregon", region="oregon").issues.empty
    report = empty.add_chips(files / "chips" / "oregon", region="nevada")
    assert report.issues["problem"].tolist() == ["its 10 chips were of the region oregon"]
    assert set(empty.chips["region"]) == {"nevada"}


def test_chips_of_other_bands_are_left_out(work: Workspace, tmp_path: Path) -> None:
    folder = write_chips(tmp_path / "chips", count=4)
    with pytest.raises(ChipError):
        work.add_chips(folder, region="oregon")
    problems = pd.read_csv(work.folder.issues)["problem"]
    assert problems.str.contains("has the bands post:red").sum() == 4


def test_pairs_are_cut_into_chips(work: Workspace) -> None:
    before = work.chips
    report = work.build_chips(size=32, stride=32, negatives=0)
    assert report.chips is not None
    assert set(report.chips["width"]) == {32}
    assert (report.chips["landslide_pixels"] > 0).all()
    assert len(work.chips) == report.records != len(before)
    assert "next: tsmu update eastern_forests" in report.messages[-1]


def test_without_pairs_or_labels_it_says_what_to_do(empty: Workspace, files: Path) -> None:
    with pytest.raises(Exception, match="tsmu import pairs DIR"):
        empty.build_chips()
    empty.add_pairs(files / "shots")
    with pytest.raises(Exception, match="tsmu import labels DIR"):
        empty.build_chips()


def test_one_process_at_a_time_writes(work: Workspace, files: Path) -> None:
    with work.folder.lock("tsmu update"):
        with pytest.raises(WorkspaceError, match=r"`tsmu update` .* is writing here"):
            work.add_pairs(files / "shots")
        assert len(work.pairs) == 6


def test_tables_that_are_not_there_yet_are_empty(empty: Workspace, work: Workspace) -> None:
    for full, none in ((work.events, empty.events), (work.pairs, empty.pairs), (work.chips, empty.chips)):
        assert len(full) > len(none) == 0
        assert none.crs == full.crs == "EPSG:4326"
        assert set(none.columns) <= set(full.columns)
    assert len(empty.labels) == 0
    assert list(empty.labels.columns) == list(work.labels.columns)
    assert list(empty.events.columns) == [*EVENT_COLUMNS, "geometry"]
    assert set(work.pairs.columns) - set(empty.pairs.columns) == {"region_shares"}


def test_chips_are_a_torch_dataset(work: Workspace) -> None:
    dataset = work.dataset(REGION)
    assert len(dataset) == (work.chips["split"] == "train").sum()
    sample = dataset[0]
    assert set(sample) == {"image", "mask", "region"}
    assert (sample["image"].dtype, sample["image"].shape) == (torch.float32, (6, 48, 48))
    assert (sample["mask"].dtype, sample["mask"].shape) == (torch.int64, (48, 48))
    assert sample["region"] == REGION
    batch = next(iter(DataLoader(dataset, batch_size=3, shuffle=True)))
    assert batch["image"].shape == (3, 6, 48, 48)
    brighter = work.dataset(REGION, "val", transform=lambda sample: {**sample, "image": sample["image"] + 1})
    assert torch.equal(brighter[0]["image"], work.dataset(REGION, "val")[0]["image"] + 1)
    with pytest.raises(ChipError, match="must be one of train, val, test"):
        work.dataset(REGION, "gap")
    with pytest.raises(ChipError, match=f"regions there: {REGION}"):
        work.dataset("nowhere")
    Path(work.chips["mask"].iloc[0]).unlink()
    with pytest.raises(ChipError, match="missing, needed as"):
        [work.dataset(REGION, split) for split in ("train", "val", "test")]
