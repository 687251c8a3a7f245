"""Other losses and augmentations for a model of one region."""

import math
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
import torch

from benchmarks.attempts import (
    ATTEMPTS,
    AttemptedTraining,
    BatchChange,
    attempts_table,
    cut_mix,
    edge_losses,
    focal_losses,
    lovasz_losses,
    run_attempts,
    train_attempt,
    zoom_in,
)
from tests.benchmark.test_continual import settings
from tests.conftest import write_chips
from tsmu.benchmark import RegionSequence, read_regions, split_chips
from tsmu.errors import BenchmarkError
from tsmu.labels import UNKNOWN
from tsmu.update import Batch, UpdateContext, label_losses

NO_CONTEXT = cast(UpdateContext, None)  # what a change of images alone does not look at


def _striped_batch() -> Batch:
    """Eight chips of 32 px; image and mask of each show the chip's number in a pattern of their own."""
    mask = (torch.arange(32 * 32).reshape(32, 32) // 8 % 2).long().repeat(8, 1, 1)
    mask[:, :4] = UNKNOWN
    image = mask[:, None].float() + 1000 * torch.arange(8).reshape(-1, 1, 1, 1)
    return Batch(image=image, mask=mask, region=["hills"] * 8, seed=torch.arange(8))


def test_an_attempt_is_trained_once_for_each_region(tmp_path: Path) -> None:
    write_chips(tmp_path / "bright", 10)
    write_chips(tmp_path / "dark", 10, bright=False, seed=1)
    announced: list[str] = []
    steps: list[int] = []
    asked = replace(settings(tmp_path, "separate"), seeds=1)
    names = ["as it is", "three times the steps"]
    first = run_attempts(asked, names, tmp_path / "out", announced.append, lambda now: steps.append(now.step))
    assert len(announced) == 4
    assert len(steps) == (1 + 3) * len(asked.regions) * asked.steps
    assert all(0 <= score <= 1 for cell in first["cells"] for part in ("val", "test") for score in cell[part])
    again = run_attempts(asked, names, tmp_path / "out", announced.append, None)
    assert len(announced) == 4
    assert again["cells"] == first["cells"]
    assert "| three times the steps | 1 |" in attempts_table(first)
    with pytest.raises(BenchmarkError, match="focal loss"):
        run_attempts(asked, ["no such thing"], tmp_path / "out", announced.append, None)


def test_every_attempt_learns(tmp_path: Path) -> None:
    write_chips(tmp_path / "bright", 10)
    asked = replace(settings(tmp_path, "separate"), seeds=1, regions=("bright",), steps=1)
    results = run_attempts(asked, list(ATTEMPTS), tmp_path / "out", lambda _: None, None)
    assert [cell["attempt"] for cell in results["cells"]] == list(ATTEMPTS)


def test_kept_convolutions_do_not_move(tmp_path: Path) -> None:
    write_chips(tmp_path / "bright", 10)
    asked = replace(settings(tmp_path, "separate"), seeds=1, regions=("bright",))
    chips = split_chips(read_regions(tmp_path, asked.regions), "fixed", seed=0)
    for name, is_kept in (("as it is", False), ("pretrained convolutions kept", True)):
        attempt = ATTEMPTS[name]
        sequence = RegionSequence(asked, AttemptedTraining(attempt), 0, chips, tmp_path / "out")
        before, (network, _) = sequence.network_after([]), train_attempt(sequence, attempt, None)
        weights = zip(before.encoder.parameters(), network.encoder.parameters(), strict=True)
        assert all(old.equal(new) for old, new in weights) == is_kept


def test_a_certain_and_right_answer_costs_nothing_and_unknown_pixels_do_not_count() -> None:
    mask = _striped_batch()["mask"]
    right = torch.where(mask == 1, 30.0, -30.0)
    spoiled = torch.where(mask == UNKNOWN, 30.0, right)
    for losses in (focal_losses, edge_losses, lovasz_losses):
        for logits in (right, spoiled):
            assert all(float(loss) < 1e-3 for loss in losses(logits, mask).values())
        assert max(float(loss) for loss in losses(-right, mask).values()) > 1


def test_edges_are_cross_entropy_where_every_pixel_is_as_near() -> None:
    mask = (torch.arange(32).repeat(1, 32, 1) // 2 % 2).long()  # stripes of two pixels
    logits = torch.randn(1, 32, 32, generator=torch.Generator().manual_seed(0))
    plain = label_losses(logits, mask)["cross_entropy"]
    assert math.isclose(float(edge_losses(logits, mask)["edges"]), float(plain), rel_tol=1e-4)


@pytest.mark.parametrize("change", [cut_mix, zoom_in])
def test_masks_move_with_their_images(change: BatchChange) -> None:
    batch = _striped_batch()
    changed = change(NO_CONTEXT, batch)
    moved = [number for number in range(8) if not changed["image"][number].equal(batch["image"][number])]
    assert 0 < len(moved) < 8
    within = changed["image"][:, 0] % 1000
    # Enlarged images are interpolated, so that only what is clearly one kind can be compared.
    for value in (0, 1, UNKNOWN):
        clear = (within - value).abs() < 0.01
        assert clear.any()
        near = (changed["mask"] == value).float()[:, None]
        assert (torch.nn.functional.max_pool2d(near, 3, 1, 1)[:, 0][clear] == 1).all()
