"""Pairs of several sources in one workspace."""

from pathlib import Path

import numpy as np
import pytest
from rasterio.transform import Affine

from tests.imagery.made_pairs import SIDES, save, shoot, texture
from tsmu.imagery import add_pairs, read_pairs, read_raster
from tsmu.issues import IssueLog
from tsmu.workspace_folder import WorkspaceFolder

GRID = Affine(1.5, 0, 500_000, 0, -1.5, 3_000_000)


@pytest.fixture
def space(tmp_path: Path) -> WorkspaceFolder:
    return WorkspaceFolder.create(tmp_path / "survey")


def take(space: WorkspaceFolder, source: Path) -> tuple[list[str], IssueLog]:
    log = IssueLog(source)
    return list(add_pairs(space, source, log)["id"]), log


def test_ids_stay_when_more_images_come(tmp_path: Path) -> None:
    workspace = WorkspaceFolder.create(tmp_path / "survey")
    folder = tmp_path / "images"
    for site in ("b", "c"):
        save(folder / site / "valley_post.tif", texture(1), Affine(10, 0, 5e5, 0, -10, 3e6))
    ids = add_pairs(workspace, folder, IssueLog(folder)).set_index("source_post")["id"].to_dict()
    save(folder / "a" / "valley_post.tif", texture(2), Affine(10, 0, 6e5, 0, -10, 3e6))
    again = add_pairs(workspace, folder, IssueLog(folder)).set_index("source_post")["id"].to_dict()
    assert len(set(again.values())) == 3
    assert ids.items() <= again.items()


def test_images_below_another_source_are_one_pair(space: WorkspaceFolder, tmp_path: Path) -> None:
    (tmp_path / "shots" / "later").mkdir(parents=True)
    shoot(tmp_path / "shots", 1)
    shoot(tmp_path / "shots" / "later", 2)
    (known,), _ = take(space, tmp_path / "shots" / "later")
    both, _ = take(space, tmp_path / "shots")
    stored = read_pairs(space)
    assert stored is not None
    assert known in both
    assert sorted(stored["id"]) == sorted(both)
    assert len(both) == len(list(space.pair_files.iterdir())) == 2


def test_two_pairs_with_one_post_image_keep_their_ids(space: WorkspaceFolder, tmp_path: Path) -> None:
    for name in ("2009", "2010", "after"):
        save(tmp_path / f"{name}.tif", texture(1), GRID)
    table = tmp_path / "pairs.csv"
    table.write_text("pre,post\n2009.tif,after.tif\n2010.tif,after.tif\n")
    first, _ = take(space, table)
    assert len(set(first)) == 2
    assert take(space, table)[0] == first


def test_pairs_move_with_their_workspace(space: WorkspaceFolder, tmp_path: Path) -> None:
    (space.root / "shots").mkdir()
    shoot(space.root / "shots", 1)
    take(space, space.root / "shots")
    space.root.rename(tmp_path / "moved")
    stored = read_pairs(WorkspaceFolder.open(tmp_path / "moved"))
    assert stored is not None
    assert read_raster(Path(stored["post"][0]))[1].all()


@pytest.mark.parametrize(
    ("pixels", "options", "told"),
    [
        (np.zeros((100, 150, 3), np.uint8), {"nodata": 0}, "no valid pixel"),
        (texture(1)[:1, :1], {}, "1 x 1 px"),
        (texture(1)[:, :20], {}, "20 x 100 px"),
        (texture(1).astype(np.complex64), {}, "complex"),
    ],
)
def test_images_that_teach_nothing_are_left_out(
    space: WorkspaceFolder, tmp_path: Path, pixels: np.ndarray, options: dict[str, object], told: str
) -> None:
    for number in (1, 2):
        for side in SIDES:
            save(tmp_path / "in" / f"{number}_{side}.tif", pixels if number == 1 else texture(2), GRID, **options)
    ids, log = take(space, tmp_path / "in")
    assert ids == ["2"]
    assert len(log.errors) == 1
    assert told in log.errors[0].problem
